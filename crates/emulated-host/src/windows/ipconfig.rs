//! Owns `ipconfig` and `ipconfig /all`: the connections with their addresses, newest first, as Windows lists them.

use changeover_emulated_nic::protocol::Link;
use changeover_emulated_nic::{EmulatedNic, NetworkError};

use super::Ended;
use super::netsh::mask_of;
use crate::terminal::Terminal;

pub(super) async fn run(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    words: &[String],
) -> Result<Ended, NetworkError> {
    let all = match words {
        [] => false,
        [word] if word.eq_ignore_ascii_case("/all") || word.eq_ignore_ascii_case("-all") => true,
        other => return Ok(Ended::not_covered("ipconfig", &other.join(" "))),
    };
    terminal.say("\nWindows IP Configuration\n");
    if all {
        line(terminal, "Host Name", nic.host());
        line(terminal, "Primary Dns Suffix", "");
        line(terminal, "Node Type", "Unknown");
        line(terminal, "IP Routing Enabled", "No");
        line(terminal, "WINS Proxy Enabled", "No");
    }
    for link in nic.links().await?.iter().filter(|link| link.mac.is_some()) {
        connection(terminal, link, all);
    }
    Ok(Ended::Code(0))
}

fn connection(terminal: &mut Terminal, link: &Link, all: bool) {
    terminal.say(&format!("\nEthernet adapter {}:\n", link.name));
    let plugged = link.up && link.carrier;
    if plugged {
        line(terminal, "Connection-specific DNS Suffix  ", "");
    } else {
        line(terminal, "Media State", "Media disconnected");
    }
    if all {
        line(terminal, "Description", "Emulated Ethernet Adapter");
        let mac = link.mac.unwrap_or_default();
        let pairs: Vec<String> = mac.iter().map(|byte| format!("{byte:02X}")).collect();
        line(terminal, "Physical Address", &pairs.join("-"));
        if plugged {
            line(terminal, "DHCP Enabled", "No");
        }
    }
    if !plugged {
        return;
    }
    for one in link.addresses.iter().rev() {
        line(terminal, "IP Address", &one.held.address.to_string());
        if one.held.address.is_ipv4() {
            line(
                terminal,
                "Subnet Mask",
                &mask_of(one.held.prefix).to_string(),
            );
        }
    }
    line(terminal, "Default Gateway", "");
}

/// A line whose dots reach the colon, each in an even column.
fn line(terminal: &mut Terminal, what: &str, value: &str) {
    let mut name = what.to_owned();
    while name.len() < 34 {
        name.push(if name.len().is_multiple_of(2) {
            '.'
        } else {
            ' '
        });
    }
    terminal.say(&format!("   {name}: {value}"));
}
