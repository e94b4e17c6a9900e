//! Owns `ifconfig` of AIX: aliases on the NIC itself (`alias`, `delete`), `up`, `down`, listings. What a second `delete`
//! says misleads as it does there: it fails.

use std::net::{IpAddr, Ipv4Addr};

use changeover_emulated_nic::protocol::{Errno, KernelCall, Link};
use changeover_emulated_nic::{EmulatedNic, NetworkError};

use super::{add, address_of, bits_of, broadcast_of, classful, delete, device, mask, prefix_of};
use crate::surroundings::Surroundings;
use crate::terminal::Terminal;

const USAGE: &str = "usage: ifconfig interface [ protocolfamily ] [ address ] [ netmask mask ] [ alias | delete ] [ up | down ]";

/// What the words ask for.
#[derive(Default)]
struct Wish {
    address: Option<Ipv4Addr>,
    prefix: Option<u8>,
    alias: bool,
    delete: bool,
    up: Option<bool>,
}

pub(super) async fn ifconfig(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    surroundings: &Surroundings,
    words: &[String],
) -> Result<u8, NetworkError> {
    let links = nic.links().await?;
    let (name, rest) = match words.split_first() {
        None => {
            terminal.complain(USAGE);
            return Ok(1);
        }
        Some((name, [])) if name == "-a" => {
            for link in &links {
                list(terminal, link);
            }
            return Ok(0);
        }
        Some((name, rest)) => (name, rest),
    };
    let Some(link) = device(&links, name) else {
        terminal.complain(&format!(
            "ifconfig: ioctl (SIOCGIFFLAGS): {name}: there is no such interface"
        ));
        return Ok(1);
    };
    if rest.is_empty() {
        list(terminal, link);
        return Ok(0);
    }
    match understand(rest, surroundings) {
        Ok(wish) => carry_out(terminal, nic, link, &wish).await,
        Err(complaint) => {
            terminal.complain(&complaint);
            Ok(1)
        }
    }
}

fn understand(words: &[String], surroundings: &Surroundings) -> Result<Wish, String> {
    let mut wish = Wish::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "inet" => {}
            "alias" => wish.alias = true,
            "delete" | "-alias" => wish.delete = true,
            "up" => wish.up = Some(true),
            "down" => wish.up = Some(false),
            "netmask" => {
                let value = words.next().ok_or(USAGE)?;
                let prefix = mask(value).and_then(prefix_of);
                wish.prefix = Some(prefix.ok_or(format!("ifconfig: {value}: bad value"))?);
            }
            "broadcast" | "metric" | "mtu" => {
                words.next().ok_or(USAGE)?;
            }
            "detach" | "inet6" | "firstalias" | "monitor" | "-monitor" => {
                return Err(format!(
                    "ifconfig: `{word}` of AIX is not emulated; see the platforms page"
                ));
            }
            word => {
                let (word, prefix) = match word.split_once('/') {
                    Some((word, prefix)) => (word, prefix.parse().ok().filter(|bits| *bits <= 32)),
                    None => (word, None),
                };
                let address = address_of(word, surroundings);
                wish.address = Some(address.ok_or(format!("ifconfig: {word}: bad value"))?);
                wish.prefix = prefix.or(wish.prefix);
            }
        }
    }
    Ok(wish)
}

async fn carry_out(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    link: &Link,
    wish: &Wish,
) -> Result<u8, NetworkError> {
    let mut failed = |operation: &str, errno: Errno| {
        let text = match errno {
            Errno::AddressNotAvailable => "Can't assign requested address".to_owned(),
            other => other.to_string(),
        };
        terminal.complain(&format!("ifconfig: ioctl ({operation}): {text}"));
        Ok(1)
    };
    if let Some(address) = wish.address {
        if wish.delete {
            if let Err(errno) = delete(nic, &link.name, address, None).await? {
                return failed("SIOCDIFADDR", errno);
            }
        } else {
            let prefix = wish.prefix.unwrap_or_else(|| classful(address));
            let first = link.addresses.iter().find(|one| one.held.address.is_ipv4());
            // Without `alias` the address takes the place of the first.
            if !wish.alias
                && let Some(first) = first
                && let IpAddr::V4(old) = first.held.address
                && old != address
                && let Err(errno) = delete(nic, &link.name, old, None).await?
            {
                return failed("SIOCDIFADDR", errno);
            }
            if let Err(errno) = add(nic, &link.name, address, prefix, None).await? {
                return failed("SIOCAIFADDR", errno);
            }
        }
    } else if wish.delete || wish.alias {
        terminal.complain(USAGE);
        return Ok(1);
    }
    if let Some(up) = wish.up {
        let name = link.name.clone();
        if let Err(errno) = nic.kernel(KernelCall::SetUp { name, up }).await? {
            return failed("SIOCSIFFLAGS", errno);
        }
    }
    Ok(0)
}

fn list(terminal: &mut Terminal, link: &Link) {
    let loopback = link.mac.is_none();
    let (name, flags) = match (loopback, link.up, link.carrier) {
        (true, _, _) => (
            "lo0",
            "e08084b<UP,BROADCAST,LOOPBACK,RUNNING,SIMPLEX,MULTICAST,GROUPRT,64BIT>",
        ),
        (false, true, true) => (
            link.name.as_str(),
            "5e080863,c0<UP,BROADCAST,NOTRAILERS,RUNNING,SIMPLEX,MULTICAST,GROUPRT,64BIT>",
        ),
        (false, true, false) => (
            link.name.as_str(),
            "5e080823,c0<UP,BROADCAST,NOTRAILERS,SIMPLEX,MULTICAST,GROUPRT,64BIT>",
        ),
        (false, false, _) => (
            link.name.as_str(),
            "5e080822,c0<BROADCAST,NOTRAILERS,SIMPLEX,MULTICAST,GROUPRT,64BIT>",
        ),
    };
    terminal.say(&format!("{name}: flags={flags}"));
    for one in &link.addresses {
        let prefix = one.held.prefix;
        match one.held.address {
            IpAddr::V4(address) => terminal.say(&format!(
                "        inet {address} netmask {:#010x} broadcast {}",
                bits_of(prefix),
                broadcast_of(address, prefix)
            )),
            IpAddr::V6(address) => terminal.say(&format!("        inet6 {address}/{prefix}")),
        }
    }
    if !loopback {
        terminal.say("         tcp_sendspace 131072 tcp_recvspace 65536");
    }
}
