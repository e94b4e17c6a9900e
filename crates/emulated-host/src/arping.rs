//! Owns `arping` with the options, output and exit codes of iputils: gratuitous announcements (`-U`, `-A`),
//! duplicate detection (`-D`), plain probing. Like the original it waits a second after its last packet.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use changeover_emulated_nic::protocol::Link;
use changeover_emulated_nic::{EmulatedNic, NetworkError};
use changeover_virtual_ip::{Addresses, MacAddress, ProbeAnswer};
use tokio::time::Instant;

use crate::patience::{count, milliseconds, seconds};
use crate::terminal::Terminal;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Ask,
    Announce,
    DetectDuplicates,
}

struct Order {
    target: Ipv4Addr,
    interface: Option<String>,
    mode: Mode,
    /// Without one it goes on until its deadline or its end, as the original does.
    count: Option<u64>,
    deadline: Option<Duration>,
    first_answer_ends: bool,
    quiet: bool,
}

fn understand(words: &[String]) -> Result<Order, String> {
    let mut order = Order {
        target: Ipv4Addr::UNSPECIFIED,
        interface: None,
        mode: Mode::Ask,
        count: None,
        deadline: None,
        first_answer_ends: false,
        quiet: false,
    };
    let mut target = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(option) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            target = Some(word);
            continue;
        };
        let mut letters = option.chars();
        while let Some(letter) = letters.next() {
            match letter {
                'U' | 'A' => order.mode = Mode::Announce,
                'D' => order.mode = Mode::DetectDuplicates,
                'f' => order.first_answer_ends = true,
                'q' => order.quiet = true,
                'b' | 'v' => {}
                'c' | 'w' | 'I' | 's' | 'i' => {
                    let rest: String = letters.by_ref().collect();
                    let value = if rest.is_empty() {
                        words.next().cloned()
                    } else {
                        Some(rest)
                    };
                    let value = value
                        .ok_or(format!("arping: option requires an argument -- '{letter}'"))?;
                    let wrong = || format!("arping: invalid argument: '{value}'");
                    match letter {
                        'c' => order.count = Some(count(&value).ok_or_else(wrong)?),
                        'w' => order.deadline = Some(seconds(&value).ok_or_else(wrong)?),
                        'I' => order.interface = Some(value),
                        _ => {}
                    }
                }
                other => return Err(format!("arping: invalid option -- '{other}'")),
            }
        }
    }
    let target = target.ok_or("arping: usage error: Destination address required")?;
    order.target = target
        .parse()
        .map_err(|_| format!("arping: {target}: Name or service not known"))?;
    Ok(order)
}

pub(crate) async fn run(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    words: &[String],
) -> Result<u8, NetworkError> {
    let order = match understand(words) {
        Ok(order) => order,
        Err(complaint) => {
            terminal.complain(&complaint);
            return Ok(2);
        }
    };
    let links = nic.links().await?;
    let (interface, source) = match place(&order, &links) {
        Ok(place) => place,
        Err(complaint) => {
            terminal.complain(&complaint);
            return Ok(2);
        }
    };
    terminal.say(&format!(
        "ARPING {} from {source} {interface}",
        order.target
    ));
    let (sent, received) = exchange(terminal, nic, &order, &interface).await?;
    terminal.say(&format!(
        "Sent {sent} probes ({sent} broadcast(s))\nReceived {received} response(s)"
    ));
    Ok(match order.mode {
        Mode::Announce => 0,
        Mode::DetectDuplicates => u8::from(received > 0),
        Mode::Ask => u8::from(received == 0),
    })
}

/// The NIC to use and the source address to show.
fn place(order: &Order, links: &[Link]) -> Result<(String, IpAddr), String> {
    let link = match &order.interface {
        Some(name) => links
            .iter()
            .find(|link| link.name == *name)
            .ok_or(format!("arping: Device {name} not available."))?,
        None => links
            .iter()
            .find(|link| link.mac.is_some())
            .ok_or("arping: Suitable device could not be determined. Please, use option -I.")?,
    };
    if !link.up {
        return Err(format!("arping: Interface \"{}\" is down", link.name));
    }
    if link.mac.is_none() {
        return Err(format!(
            "arping: Interface \"{}\" is not ARPable",
            link.name
        ));
    }
    let target = IpAddr::V4(order.target);
    let held = links
        .iter()
        .flat_map(|link| &link.addresses)
        .any(|one| one.held.address == target);
    let source = match order.mode {
        Mode::Announce if !held => {
            return Err("arping: bind: Cannot assign requested address".to_owned());
        }
        Mode::Announce => target,
        Mode::DetectDuplicates => Ipv4Addr::UNSPECIFIED.into(),
        Mode::Ask => link
            .addresses
            .iter()
            .map(|one| one.held.address)
            .find(IpAddr::is_ipv4)
            .ok_or("arping: bind: Cannot assign requested address")?,
    };
    Ok((link.name.clone(), source))
}

async fn exchange(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    order: &Order,
    interface: &str,
) -> Result<(u64, u64), NetworkError> {
    let over = order.deadline.map(|deadline| Instant::now() + deadline);
    let target = IpAddr::V4(order.target);
    let (mut sent, mut received) = (0, 0);
    while order.count.is_none_or(|count| sent < count)
        && over.is_none_or(|over| Instant::now() < over)
    {
        let next = Instant::now() + SECOND;
        let next = over.map_or(next, |over| over.min(next));
        sent += 1;
        if order.mode == Mode::Announce {
            nic.announce(target, interface).await?;
        } else {
            let asked = Instant::now();
            let answer = nic.probe(target, interface, next - asked).await?;
            if let ProbeAnswer::HeldBy(mac) = answer {
                received += 1;
                if !order.quiet {
                    terminal.say(&format!(
                        "Unicast reply from {target} [{}]  {}ms",
                        upper(mac),
                        milliseconds(asked.elapsed())
                    ));
                }
                if order.first_answer_ends || order.mode == Mode::DetectDuplicates {
                    break;
                }
            }
        }
        tokio::time::sleep_until(next).await;
    }
    Ok((sent, received))
}

fn upper(mac: MacAddress) -> String {
    let pairs: Vec<String> = mac.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
