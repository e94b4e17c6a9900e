//! Commands of emulated AIX and Solaris hosts. Their scripts run under this machine's own shell with these first in
//! PATH. Owns what both have in common: names out of the host's own `/etc/hosts`, masks, announcements; `ifconfig` of
//! AIX is in `unix/aix.rs`, of Solaris in `unix/solaris.rs`.

mod aix;
mod solaris;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use changeover_emulated_nic::protocol::{Errno, KernelCall, Link};
use changeover_emulated_nic::{DialError, EmulatedNic, Network, NetworkError};
use changeover_virtual_ip::Addresses;

use crate::surroundings::{Platform, Surroundings};
use crate::terminal::Terminal;

/// `ifconfig` of the host's platform.
pub(crate) async fn ifconfig(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    surroundings: &Surroundings,
    words: &[String],
) -> Result<u8, NetworkError> {
    match surroundings.platform {
        Platform::Solaris => solaris::ifconfig(terminal, nic, surroundings, words).await,
        Platform::Aix | Platform::Linux | Platform::Windows => {
            aix::ifconfig(terminal, nic, surroundings, words).await
        }
    }
}

/// The address that a word means: itself, or a name of the host's `/etc/hosts`.
fn address_of(word: &str, surroundings: &Surroundings) -> Option<Ipv4Addr> {
    if let Ok(address) = word.parse() {
        return Some(address);
    }
    let hosts = file(surroundings, "etc/hosts")?;
    hosts.lines().find_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words
            .any(|name| name.eq_ignore_ascii_case(word))
            .then_some(address)
    })
}

/// A file of the host's own.
fn file(surroundings: &Surroundings, path: &str) -> Option<String> {
    let path = surroundings.folder.as_ref()?.join(path);
    std::fs::read_to_string(path).ok()
}

/// `255.255.255.0` or `0xffffff00`.
fn mask(word: &str) -> Option<Ipv4Addr> {
    match word.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok().map(Ipv4Addr::from),
        None => word.parse().ok(),
    }
}

/// The prefix of a mask whose ones stand together.
fn prefix_of(mask: Ipv4Addr) -> Option<u8> {
    let bits = u32::from(mask);
    let ones = bits.leading_ones();
    (bits.checked_shl(ones).unwrap_or(0) == 0)
        .then(|| u8::try_from(ones).ok())
        .flatten()
}

/// The prefix that an address has where nobody gives a mask.
fn classful(address: Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0..=127 => 8,
        128..=191 => 16,
        _ => 24,
    }
}

fn bits_of(prefix: u8) -> u32 {
    !u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0)
}

fn broadcast_of(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(address) | !bits_of(prefix))
}

/// A NIC by its name, the loopback under its own name here.
fn device<'a>(links: &'a [Link], name: &str) -> Option<&'a Link> {
    let name = if name == "lo0" { "lo" } else { name };
    links.iter().find(|link| link.name == name)
}

/// Adds an address and announces it, as both systems do when one comes up.
async fn add(
    nic: &EmulatedNic,
    interface: &str,
    address: Ipv4Addr,
    prefix: u8,
    label: Option<&str>,
) -> Result<Result<(), Errno>, NetworkError> {
    let call = KernelCall::AddAddress {
        interface: interface.to_owned(),
        address: IpAddr::V4(address),
        prefix,
        label: label.map(str::to_owned),
        broadcast: Some(broadcast_of(address, prefix)),
        replace: true,
    };
    let done = nic.kernel(call).await?;
    if done.is_ok() {
        // One that is lost is the network's business.
        drop(nic.announce(IpAddr::V4(address), interface).await);
    }
    Ok(done)
}

async fn delete(
    nic: &EmulatedNic,
    interface: &str,
    address: Ipv4Addr,
    label: Option<&str>,
) -> Result<Result<(), Errno>, NetworkError> {
    nic.kernel(KernelCall::DeleteAddress {
        interface: interface.to_owned(),
        address: IpAddr::V4(address),
        prefix: None,
        label: label.map(str::to_owned),
    })
    .await
}

/// Solaris' `ping HOST [SECONDS]`: one sentence.
pub(crate) async fn solaris_ping(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    surroundings: &Surroundings,
    words: &[String],
) -> Result<u8, NetworkError> {
    let (name, seconds) = match words {
        [name] => (name, 20),
        [name, seconds] if seconds.parse::<u64>().is_ok() => (name, seconds.parse().unwrap_or(20)),
        _ => {
            terminal.complain("ping: emulated hosts know `ping HOST [SECONDS]`");
            return Ok(2);
        }
    };
    let Some(target) = address_of(name, surroundings) else {
        terminal.complain(&format!("ping: unknown host {name}"));
        return Ok(1);
    };
    let network = Network::Emulated(nic.clone());
    let wait = Duration::from_secs(seconds.clamp(1, 3600));
    match network.echo((target, 0).into(), wait).await {
        Ok(()) | Err(DialError::Refused(_)) => {
            terminal.say(&format!("{name} is alive"));
            Ok(0)
        }
        Err(DialError::NoRoute(_) | DialError::TimedOut(_) | DialError::Other { .. }) => {
            terminal.say(&format!("no answer from {name}"));
            Ok(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_dotted_or_hexadecimal_and_without_holes() {
        let prefix = |word: &str| mask(word).and_then(prefix_of);
        assert_eq!(prefix("255.255.255.0"), Some(24));
        assert_eq!(prefix("0xffffff00"), Some(24));
        assert_eq!(prefix("0x0"), Some(0));
        assert_eq!(prefix("255.0.255.0"), None);
        assert_eq!(prefix("eth0"), None);
    }

    #[test]
    fn names_come_from_the_hosts_own_file() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("etc")).expect("ours");
        let text = "# local\n10.10.11.103\tsipvip sip-vip.example # the VIP\n";
        std::fs::write(folder.path().join("etc/hosts"), text).expect("ours");
        let surroundings = Surroundings {
            folder: Some(folder.path().to_owned()),
            ..Surroundings::default()
        };
        let vip = Some(Ipv4Addr::new(10, 10, 11, 103));
        assert_eq!(address_of("SIPVIP", &surroundings), vip);
        assert_eq!(address_of("10.10.11.103", &surroundings), vip);
        assert_eq!(address_of("local", &surroundings), None);
    }
}
