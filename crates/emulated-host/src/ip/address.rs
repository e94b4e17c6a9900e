//! Owns `ip address add|replace|del|flush|show`.

use std::net::{IpAddr, Ipv4Addr};

use changeover_emulated_nic::protocol::{Errno, KernelCall, Link};
use changeover_emulated_nic::{EmulatedNic, NetworkError};

use super::listing::{self, Filter};
use super::{Family, Style, abbreviates, no_device};
use crate::terminal::Terminal;

/// What the words after the verb say.
#[derive(Debug, Default)]
struct Order {
    address: Option<(IpAddr, Option<u8>)>,
    interface: Option<String>,
    label: Option<String>,
    broadcast: Option<String>,
}

pub(super) async fn run(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    style: Style,
    words: &[&str],
) -> Result<u8, NetworkError> {
    let (verb, rest) = words
        .split_first()
        .map_or(("show", words), |(verb, rest)| (*verb, rest));
    if abbreviates(verb, "add") || abbreviates(verb, "replace") || abbreviates(verb, "change") {
        let replace = !abbreviates(verb, "add");
        return add(terminal, nic, rest, replace).await;
    }
    if abbreviates(verb, "delete") {
        return delete(terminal, nic, rest).await;
    }
    let flush = abbreviates(verb, "flush");
    if !flush
        && !abbreviates(verb, "show")
        && !abbreviates(verb, "list")
        && verb != "lst"
        && verb != "ls"
    {
        terminal.complain(&format!(
            "Command \"{verb}\" is unknown, try \"ip address help\"."
        ));
        return Ok(255);
    }
    let filter = match Filter::of(style, rest) {
        Ok(filter) => filter,
        Err(complaint) => {
            terminal.complain(&complaint);
            return Ok(1);
        }
    };
    let links = nic.links().await?;
    if let Some(name) = filter.missing(&links) {
        terminal.complain(&format!("Device \"{name}\" does not exist."));
        return Ok(1);
    }
    if flush {
        return clear(terminal, nic, &links, &filter).await;
    }
    terminal.print(&listing::addresses(&links, style, &filter));
    Ok(0)
}

async fn clear(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    links: &[Link],
    filter: &Filter,
) -> Result<u8, NetworkError> {
    if filter.is_empty() {
        terminal.complain("Flush requires arguments.");
        return Ok(255);
    }
    for link in links {
        for one in link.addresses.iter().filter(|one| filter.takes(link, one)) {
            let call = KernelCall::DeleteAddress {
                interface: link.name.clone(),
                address: one.held.address,
                prefix: Some(one.held.prefix),
                label: None,
            };
            if let Err(errno) = nic.kernel(call).await? {
                terminal.complain(&format!("Failed to send flush request: {errno}"));
                return Ok(1);
            }
        }
    }
    Ok(0)
}

async fn add(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    words: &[&str],
    replace: bool,
) -> Result<u8, NetworkError> {
    let (order, interface, address, prefix) = match understand(words) {
        Ok(understood) => understood,
        Err(complaint) => {
            terminal.complain(&complaint);
            return Ok(1);
        }
    };
    let prefix = prefix.unwrap_or(longest(address));
    let broadcast = match (order.broadcast.as_deref(), address) {
        (Some(word), IpAddr::V4(address)) => match broadcast(word, address, prefix) {
            Some(broadcast) => Some(broadcast),
            None => {
                terminal.complain(&format!(
                    "Error: inet address is expected rather than \"{word}\"."
                ));
                return Ok(1);
            }
        },
        _ => None,
    };
    let call = KernelCall::AddAddress {
        interface: interface.clone(),
        address,
        prefix,
        label: order.label,
        broadcast,
        replace,
    };
    Ok(match nic.kernel(call).await? {
        Ok(()) => 0,
        Err(Errno::NoSuchDevice) => no_device(terminal, &interface),
        Err(Errno::Exists) => {
            terminal.complain(&match address {
                IpAddr::V4(_) => "Error: ipv4: Address already assigned.".to_owned(),
                IpAddr::V6(_) => "RTNETLINK answers: File exists".to_owned(),
            });
            2
        }
        Err(errno) => {
            terminal.complain(&format!("RTNETLINK answers: {errno}"));
            2
        }
    })
}

async fn delete(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    words: &[&str],
) -> Result<u8, NetworkError> {
    let (order, interface, address, prefix) = match understand(words) {
        Ok(understood) => understood,
        Err(complaint) => {
            terminal.complain(&complaint);
            return Ok(1);
        }
    };
    let call = KernelCall::DeleteAddress {
        interface: interface.clone(),
        address,
        prefix: match address {
            IpAddr::V4(_) => prefix,
            IpAddr::V6(_) => Some(prefix.unwrap_or(longest(address))),
        },
        label: order.label,
    };
    let done = nic.kernel(call).await?;
    if done != Err(Errno::NoSuchDevice) && prefix.is_none() && address.is_ipv4() {
        terminal.complain(&format!(
            "Warning: Executing wildcard deletion to stay compatible with old scripts.\n         Explicitly \
             specify the prefix length ({address}/32) to avoid this warning.\n         This special behaviour \
             is likely to disappear in further releases,\n         fix your scripts!"
        ));
    }
    Ok(match done {
        Ok(()) => 0,
        Err(Errno::NoSuchDevice) => no_device(terminal, &interface),
        Err(Errno::AddressNotAvailable) if address.is_ipv4() => {
            terminal.complain("Error: ipv4: Address not found.");
            2
        }
        Err(errno) => {
            terminal.complain(&format!("RTNETLINK answers: {errno}"));
            2
        }
    })
}

/// Everything an order needs, or the original's complaint.
fn understand(words: &[&str]) -> Result<(Order, String, IpAddr, Option<u8>), String> {
    let mut order = Order::default();
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .map(ToOwned::to_owned)
                .ok_or("Command line is not complete. Try option \"help\"".to_owned())
        };
        match word {
            "dev" => order.interface = Some(value()?),
            "label" => order.label = Some(value()?),
            "brd" | "broadcast" => order.broadcast = Some(value()?),
            "scope" | "valid_lft" | "preferred_lft" | "metric" | "proto" => drop(value()?),
            "nodad" | "noprefixroute" | "home" | "mngtmpaddr" | "optimistic" | "autojoin" => {}
            "local" => order.address = Some(parse(&value()?)?),
            address => order.address = Some(parse(address)?),
        }
    }
    let interface = order
        .interface
        .clone()
        .ok_or("Not enough information: \"dev\" argument is required.")?;
    let (address, prefix) = order
        .address
        .ok_or("Not enough information: an address is required.")?;
    Ok((order, interface, address, prefix))
}

fn parse(text: &str) -> Result<(IpAddr, Option<u8>), String> {
    let wrong = || format!("Error: any valid prefix is expected rather than \"{text}\".");
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| wrong())?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    if prefix.is_some_and(|prefix| prefix > longest(address)) {
        return Err(wrong());
    }
    Ok((address, prefix))
}

const fn longest(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// `+` sets the host bits, `-` clears them, anything else is an address.
fn broadcast(word: &str, address: Ipv4Addr, prefix: u8) -> Option<Ipv4Addr> {
    let host_bits = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    match word {
        "+" => Some(Ipv4Addr::from(u32::from(address) | host_bits)),
        "-" => Some(Ipv4Addr::from(u32::from(address) & !host_bits)),
        address => address.parse().ok(),
    }
}

impl Family {
    pub(super) const fn takes(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Inet => address.is_ipv4(),
            Self::Inet6 => address.is_ipv6(),
        }
    }
}
