//! Owns Windows' `ping`: four requests a second apart, each waited for 4 s, and 0 as soon as anything replied, a
//! report that the host cannot be reached included, which misleads helpers (FACTS, section 6).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use changeover_emulated_nic::{DialError, EmulatedNic, Network, NetworkError};
use tokio::time::Instant;

use super::Ended;
use crate::terminal::Terminal;

/// After this time without an answer to ARP, Windows reports from its own address that a neighbour is unreachable.
const ARP_WAIT: Duration = Duration::from_secs(3);
const INTERVAL: Duration = Duration::from_secs(1);

struct Order {
    name: String,
    /// `None`: until it is ended.
    count: Option<u32>,
    wait: Duration,
}

fn understand(words: &[String]) -> Result<Order, String> {
    let mut order = Order {
        name: String::new(),
        count: Some(4),
        wait: Duration::from_secs(4),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let option = word.strip_prefix(['-', '/']).map(str::to_lowercase);
        match option.as_deref() {
            None => order.name.clone_from(word),
            Some("t") => order.count = None,
            Some("a" | "f" | "4" | "6") => {}
            Some(option @ ("n" | "w" | "l" | "i" | "v")) => {
                let value = words
                    .next()
                    .ok_or(format!("Value must be supplied for option -{option}."))?;
                let number = value.parse::<u32>().ok().filter(|number| *number > 0);
                let number = number.ok_or(format!(
                    "Bad value for option -{option}, valid range is from 1 to 4294967295."
                ))?;
                match option {
                    "n" => order.count = Some(number),
                    "w" => order.wait = Duration::from_millis(u64::from(number)),
                    _ => {}
                }
            }
            Some(_) => return Err(format!("Bad option {word}.")),
        }
    }
    if order.name.is_empty() {
        return Err("IP address must be specified.".to_owned());
    }
    Ok(order)
}

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    From(Duration),
    TimedOut,
    /// Reported by the host's own address.
    Unreachable(IpAddr),
}

pub(super) async fn run(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    words: &[String],
) -> Result<Ended, NetworkError> {
    let order = match understand(words) {
        Ok(order) => order,
        Err(complaint) => {
            terminal.say(&complaint);
            return Ok(Ended::Code(1));
        }
    };
    let Some(target) = address_of(nic, &order.name) else {
        terminal.say(&format!(
            "Ping request could not find host {}. Please check the name and try again.",
            order.name
        ));
        return Ok(Ended::Code(1));
    };
    let named = if order.name == target.to_string() {
        target.to_string()
    } else {
        format!("{} [{target}]", order.name)
    };
    terminal.say(&format!("\nPinging {named} with 32 bytes of data:\n"));
    let mut times = Vec::new();
    let mut heard = 0_u32;
    let mut sent = 0_u32;
    loop {
        let asked = Instant::now();
        sent += 1;
        match ask(nic, target, order.wait).await? {
            Reply::From(time) => {
                heard += 1;
                times.push(time);
                let shown = match time.as_millis() {
                    0 => "<1".to_owned(),
                    many => format!("={many}"),
                };
                terminal.say(&format!(
                    "Reply from {target}: bytes=32 time{shown}ms TTL=128"
                ));
            }
            Reply::TimedOut => terminal.say("Request timed out."),
            Reply::Unreachable(own) => {
                heard += 1;
                terminal.say(&format!("Reply from {own}: Destination host unreachable."));
            }
        }
        if order.count.is_some_and(|count| sent >= count) {
            break;
        }
        tokio::time::sleep_until(asked + INTERVAL).await;
    }
    summary(terminal, target, sent, heard, &times);
    Ok(Ended::Code(i32::from(heard == 0)))
}

fn summary(terminal: &mut Terminal, target: IpAddr, sent: u32, heard: u32, times: &[Duration]) {
    let lost = sent.saturating_sub(heard);
    terminal.say(&format!(
        "\nPing statistics for {target}:\n    Packets: Sent = {sent}, Received = {heard}, Lost = {lost} ({}% loss),",
        100 * lost / sent.max(1)
    ));
    let (Some(least), Some(most)) = (times.iter().min(), times.iter().max()) else {
        return;
    };
    let sum: u128 = times.iter().map(Duration::as_millis).sum();
    let mean = sum / u128::try_from(times.len()).unwrap_or(1).max(1);
    terminal.say(&format!(
        "Approximate round trip times in milli-seconds:\n    Minimum = {}ms, Maximum = {}ms, Average = {mean}ms",
        least.as_millis(),
        most.as_millis()
    ));
}

/// An address, or a name that the host knows: `localhost` and its own.
pub(super) fn address_of(nic: &EmulatedNic, name: &str) -> Option<IpAddr> {
    if name.eq_ignore_ascii_case("localhost") || name.eq_ignore_ascii_case(nic.host()) {
        return Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    name.parse().ok()
}

/// One request.
///
/// # Errors
/// When the emulator cannot be reached.
pub(super) async fn ask(
    nic: &EmulatedNic,
    target: IpAddr,
    wait: Duration,
) -> Result<Reply, NetworkError> {
    if target.is_loopback() {
        return Ok(Reply::From(Duration::ZERO));
    }
    let network = Network::Emulated(nic.clone());
    let asked = Instant::now();
    let answer = network
        .echo(SocketAddr::new(target, 0), wait.min(ARP_WAIT))
        .await;
    let own = || async {
        let links = nic.links().await?;
        let own = links
            .iter()
            .filter(|link| link.mac.is_some())
            .flat_map(|link| &link.addresses)
            .map(|one| one.held.address)
            .find(IpAddr::is_ipv4);
        Ok::<_, NetworkError>(own.unwrap_or(target))
    };
    Ok(match answer {
        Ok(()) | Err(DialError::Refused(_)) => Reply::From(asked.elapsed()),
        Err(DialError::NoRoute(_)) => Reply::Unreachable(own().await?),
        Err(DialError::TimedOut(_)) if wait >= ARP_WAIT => Reply::Unreachable(own().await?),
        Err(DialError::TimedOut(_) | DialError::Other { .. }) => Reply::TimedOut,
    })
}
