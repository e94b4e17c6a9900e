//! Owns `arp -d`: one entry of the ARP table, or all of them. What the table holds cannot be listed here.

use changeover_emulated_nic::protocol::KernelCall;
use changeover_emulated_nic::{EmulatedNic, NetworkError};

use super::Ended;
use crate::terminal::Terminal;

pub(super) async fn run(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    words: &[String],
) -> Result<Ended, NetworkError> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let address = match words[..] {
        ["-d" | "/d" | "-D" | "/D"] | ["-d" | "/d" | "-D" | "/D", "*"] => None,
        ["-d" | "/d" | "-D" | "/D", address, ..] => match address.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                terminal.say(&format!("ARP: bad IP address: {address}"));
                return Ok(Ended::Code(1));
            }
        },
        _ => return Ok(Ended::not_covered("arp", &words.join(" "))),
    };
    match nic.kernel(KernelCall::FlushNeighbours { address }).await? {
        Ok(()) => Ok(Ended::Code(0)),
        Err(_) => {
            terminal.say("The specified entry was not found");
            Ok(Ended::Code(1))
        }
    }
}
