//! Owns `netsh interface ip`: addresses added and deleted, the ARP cache emptied, listings; with the time that it
//! takes on the platform, and its failure while a properties dialog is open (FACTS, sections 2 and 5).

use std::net::{IpAddr, Ipv4Addr};

use changeover_emulated_nic::protocol::{Errno, KernelCall, Link};
use changeover_emulated_nic::{EmulatedNic, NetworkError};
use changeover_virtual_ip::Addresses;

use super::Ended;
use crate::surroundings::Surroundings;
use crate::terminal::Terminal;

/// What Windows says of a connection that it does not have.
const NO_SUCH_CONNECTION: &str =
    "The filename, directory name, or volume label syntax is incorrect.";

pub(super) async fn run(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    surroundings: &Surroundings,
    words: &[String],
) -> Result<Ended, NetworkError> {
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let arguments = |from: usize| words.get(from..).unwrap_or_default();
    match &lower[..] {
        [
            "interface" | "int",
            "ip" | "ipv4",
            verb @ ("add" | "delete"),
            "address" | "addr",
            ..,
        ] => {
            let given = Given::of(
                arguments(4),
                &["name", "addr", "mask", "gateway", "gwmetric"],
            );
            change(terminal, nic, surroundings, *verb == "add", &given).await
        }
        ["interface" | "int", "ip" | "ipv4", "delete", "arpcache", ..] => {
            arpcache(terminal, nic, &Given::of(arguments(4), &["name"])).await
        }
        [
            "interface" | "int",
            "ip" | "ipv4",
            "show",
            "address" | "addresses" | "config",
            ..,
        ] => show(terminal, nic, &Given::of(arguments(4), &["name"])).await,
        ["interface" | "int", "show", "interface"] => interfaces(terminal, nic).await,
        _ => Ok(Ended::not_covered("netsh", &words.join(" "))),
    }
}

/// Arguments with their tags, or by their place.
struct Given {
    values: Vec<(String, String)>,
    /// What has neither a known tag nor a place.
    surplus: Option<String>,
}

impl Given {
    fn of(words: &[String], places: &[&str]) -> Self {
        let mut given = Self {
            values: Vec::new(),
            surplus: None,
        };
        for (place, word) in words.iter().enumerate() {
            let tagged = word.split_once('=').map(|(tag, value)| {
                let tag = tag.to_lowercase();
                let tag = if tag == "address" {
                    "addr".to_owned()
                } else {
                    tag
                };
                (tag, value)
            });
            match tagged {
                Some((tag, value)) if places.contains(&tag.as_str()) => {
                    given.values.push((tag, value.to_owned()));
                }
                Some((tag, _)) if tag == "store" => {}
                Some(_) => given.surplus = Some(word.clone()),
                None => match places.get(place) {
                    Some(tag) => given.values.push(((*tag).to_owned(), word.clone())),
                    None => given.surplus = Some(word.clone()),
                },
            }
        }
        given
    }

    fn get(&self, tag: &str) -> Option<&str> {
        let found = self.values.iter().find(|(name, _)| name == tag);
        found.map(|(_, value)| value.as_str())
    }
}

/// A connection by its name in any case.
fn connection<'a>(links: &'a [Link], name: &str) -> Option<&'a Link> {
    links
        .iter()
        .filter(|link| link.mac.is_some())
        .find(|link| link.name.to_lowercase() == name.to_lowercase())
}

fn fails(terminal: &mut Terminal, complaint: &str) -> Result<Ended, NetworkError> {
    terminal.say(complaint);
    terminal.say("");
    Ok(Ended::Code(1))
}

async fn change(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    surroundings: &Surroundings,
    add: bool,
    given: &Given,
) -> Result<Ended, NetworkError> {
    if let Some(surplus) = &given.surplus {
        return fails(
            terminal,
            &format!("{surplus} is not an acceptable value for address."),
        );
    }
    let (Some(name), Some(address)) = (given.get("name"), given.get("addr")) else {
        return fails(
            terminal,
            "The syntax supplied for this command is not valid. Check help for the correct syntax.",
        );
    };
    tokio::time::sleep(surroundings.netsh_time()).await;
    let links = nic.links().await?;
    let Some(link) = connection(&links, name) else {
        return fails(terminal, NO_SUCH_CONNECTION);
    };
    if surroundings.dialog {
        return fails(
            terminal,
            "The requested operation cannot be performed: the properties of this connection are open.",
        );
    }
    let bad = |value: &str| format!("{value} is not an acceptable value for addr.");
    let Ok(address) = address.parse::<Ipv4Addr>() else {
        return fails(terminal, &bad(address));
    };
    let interface = link.name.clone();
    if !add {
        let call = KernelCall::DeleteAddress {
            interface,
            address: IpAddr::V4(address),
            prefix: None,
            label: None,
        };
        return match nic.kernel(call).await? {
            Ok(()) => done(terminal),
            Err(_) => fails(terminal, "Element not found."),
        };
    }
    let Some(prefix) = prefix_of(address, given.get("mask")) else {
        return fails(terminal, &bad(given.get("mask").unwrap_or_default()));
    };
    let call = KernelCall::AddAddress {
        interface: interface.clone(),
        address: IpAddr::V4(address),
        prefix,
        label: None,
        broadcast: None,
        replace: false,
    };
    let stands = link
        .addresses
        .iter()
        .any(|one| one.held.address == IpAddr::V4(address));
    if stands {
        return fails(terminal, "The object already exists.");
    }
    match nic.kernel(call).await? {
        Ok(()) => {
            // Windows announces what it has taken on. An announcement that is lost is the network's business.
            drop(nic.announce(IpAddr::V4(address), &interface).await);
            done(terminal)
        }
        Err(Errno::Exists) => fails(terminal, "The object already exists."),
        Err(_) => fails(terminal, "The parameter is incorrect."),
    }
}

fn done(terminal: &mut Terminal) -> Result<Ended, NetworkError> {
    terminal.say("Ok.");
    terminal.say("");
    Ok(Ended::Code(0))
}

/// The prefix of a mask; without one the class of the address decides.
fn prefix_of(address: Ipv4Addr, mask: Option<&str>) -> Option<u8> {
    let Some(mask) = mask else {
        return Some(match address.octets()[0] {
            0..=127 => 8,
            128..=191 => 16,
            _ => 24,
        });
    };
    let mask = u32::from(mask.parse::<Ipv4Addr>().ok()?);
    let ones = mask.leading_ones();
    (mask.checked_shl(ones).unwrap_or(0) == 0)
        .then(|| u8::try_from(ones).ok())
        .flatten()
}

async fn arpcache(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    given: &Given,
) -> Result<Ended, NetworkError> {
    if let Some(name) = given.get("name")
        && connection(&nic.links().await?, name).is_none()
    {
        return fails(terminal, NO_SUCH_CONNECTION);
    }
    let call = KernelCall::FlushNeighbours { address: None };
    match nic.kernel(call).await? {
        Ok(()) => done(terminal),
        Err(errno) => fails(terminal, &errno.to_string()),
    }
}

async fn show(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    given: &Given,
) -> Result<Ended, NetworkError> {
    let links = nic.links().await?;
    let shown: Vec<&Link> = match given.get("name") {
        Some(name) => connection(&links, name).into_iter().collect(),
        None => links.iter().filter(|link| link.mac.is_some()).collect(),
    };
    if shown.is_empty() {
        return fails(terminal, NO_SUCH_CONNECTION);
    }
    for link in shown {
        terminal.say(&format!("\nConfiguration for interface \"{}\"", link.name));
        line(terminal, "DHCP enabled", "No");
        for one in &link.addresses {
            if let IpAddr::V4(address) = one.held.address {
                line(terminal, "IP Address", &address.to_string());
                line(
                    terminal,
                    "SubnetMask",
                    &mask_of(one.held.prefix).to_string(),
                );
            }
        }
        line(terminal, "InterfaceMetric", "0");
    }
    terminal.say("");
    Ok(Ended::Code(0))
}

fn line(terminal: &mut Terminal, what: &str, value: &str) {
    terminal.say(&format!("    {:<38}{value}", format!("{what}:")));
}

/// The mask of a prefix.
pub(super) fn mask_of(prefix: u8) -> Ipv4Addr {
    let host_bits = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    Ipv4Addr::from(!host_bits)
}

async fn interfaces(terminal: &mut Terminal, nic: &EmulatedNic) -> Result<Ended, NetworkError> {
    terminal.say("\nAdmin State    State          Type             Interface Name");
    terminal.say("-------------------------------------------------------------------------");
    for link in nic.links().await?.iter().filter(|link| link.mac.is_some()) {
        let admin = if link.up { "Enabled" } else { "Disabled" };
        let state = if link.up && link.carrier {
            "Connected"
        } else {
            "Disconnected"
        };
        terminal.say(&format!(
            "{admin:<15}{state:<15}{:<17}{}",
            "Dedicated", link.name
        ));
    }
    terminal.say("");
    Ok(Ended::Code(0))
}
