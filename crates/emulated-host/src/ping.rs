//! Owns `ping` with the output and exit codes of iputils: 0 when an answer came, 1 when none, 2 for what it
//! cannot understand. Whether a host answers is the emulator's verdict.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use changeover_emulated_nic::{DialError, EmulatedNic, Network, NetworkError};
use tokio::time::Instant;

use crate::patience::{count, milliseconds, seconds};
use crate::terminal::Terminal;

struct Order {
    target: IpAddr,
    /// Without one it goes on until it is ended, as the original does.
    count: Option<u64>,
    interval: Duration,
    /// After the last request.
    wait: Duration,
    deadline: Option<Duration>,
    quiet: bool,
}

fn understand(words: &[String]) -> Result<Order, String> {
    let mut order = Order {
        target: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        count: None,
        interval: Duration::from_secs(1),
        wait: Duration::from_secs(10),
        deadline: None,
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
            if !"cWwiIstSQmMpl".contains(letter) {
                match letter {
                    'q' => order.quiet = true,
                    'n' | '4' | '6' | 'b' | 'v' | 'O' | 'D' | 'A' | 'U' | 'a' | 'B' => {}
                    other => return Err(format!("ping: invalid option -- '{other}'")),
                }
                continue;
            }
            let rest: String = letters.by_ref().collect();
            let value = if rest.is_empty() {
                words.next().cloned()
            } else {
                Some(rest)
            };
            let value = value.ok_or(format!("ping: option requires an argument -- '{letter}'"))?;
            let wrong = || format!("ping: invalid argument: '{value}'");
            match letter {
                'c' => order.count = Some(count(&value).ok_or_else(wrong)?),
                'W' => order.wait = seconds(&value).ok_or_else(wrong)?,
                'w' => order.deadline = Some(seconds(&value).ok_or_else(wrong)?),
                'i' => order.interval = seconds(&value).ok_or_else(wrong)?,
                _ => {}
            }
        }
    }
    let target = target.ok_or("ping: usage error: Destination address required")?;
    order.target = target
        .parse()
        .map_err(|_| format!("ping: {target}: Name or service not known"))?;
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
    let target = order.target;
    let bytes = if target.is_ipv4() { "56(84)" } else { "56" };
    terminal.say(&format!("PING {target} ({target}) {bytes} bytes of data."));
    let network = Network::Emulated(nic.clone());
    let begun = Instant::now();
    let over = order.deadline.map(|deadline| begun + deadline);
    let mut times: Vec<Duration> = Vec::new();
    let mut sent = 0_u64;
    loop {
        sent += 1;
        let last = order.count == Some(sent);
        let asked = Instant::now();
        let mut wait = if last { order.wait } else { order.interval };
        if let Some(over) = over {
            wait = wait.min(over.saturating_duration_since(asked));
        }
        let answer = network.echo(SocketAddr::new(target, 0), wait).await;
        let time = asked.elapsed();
        match answer {
            Ok(()) | Err(DialError::Refused(_)) => {
                times.push(time);
                if !order.quiet {
                    terminal.say(&format!(
                        "64 bytes from {target}: icmp_seq={sent} ttl=64 time={} ms",
                        milliseconds(time)
                    ));
                }
            }
            Err(DialError::NoRoute(_)) => {
                terminal.say(&format!(
                    "From {} icmp_seq={sent} Destination Host Unreachable",
                    nic.host()
                ));
            }
            Err(DialError::TimedOut(_)) => {}
            Err(DialError::Other { reason, .. }) => {
                terminal.complain(&format!("ping: {reason}"));
                return Ok(2);
            }
        }
        if last || over.is_some_and(|over| Instant::now() + order.interval > over) {
            break;
        }
        tokio::time::sleep_until(asked + order.interval).await;
    }
    summary(terminal, target, sent, &times, begun.elapsed());
    Ok(u8::from(times.is_empty()))
}

fn summary(terminal: &mut Terminal, target: IpAddr, sent: u64, times: &[Duration], took: Duration) {
    let received = u64::try_from(times.len()).unwrap_or(u64::MAX);
    let loss = 100 * sent.saturating_sub(received) / sent.max(1);
    terminal.say(&format!(
        "\n--- {target} ping statistics ---\n{sent} packets transmitted, {received} received, {loss}% packet \
         loss, time {}ms",
        took.as_millis()
    ));
    let (Some(least), Some(most)) = (times.iter().min(), times.iter().max()) else {
        terminal.say("");
        return;
    };
    let seconds: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
    let amount = f64::from(u32::try_from(seconds.len()).unwrap_or(u32::MAX));
    let mean = seconds.iter().sum::<f64>() / amount;
    let spread = seconds.iter().map(|one| (one - mean).abs()).sum::<f64>() / amount;
    terminal.say(&format!(
        "rtt min/avg/max/mdev = {}/{:.3}/{}/{:.3} ms",
        milliseconds(*least),
        mean * 1000.0,
        milliseconds(*most),
        spread * 1000.0
    ));
}
