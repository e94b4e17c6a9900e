//! Owns `hostname`: the emulated host's name and addresses. Nothing can be set.

use changeover_emulated_nic::{EmulatedNic, NetworkError};

use crate::terminal::Terminal;

pub(crate) async fn run(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    words: &[String],
) -> Result<u8, NetworkError> {
    let host = nic.host();
    let short = host.split('.').next().unwrap_or(host);
    match words.first().map(String::as_str) {
        None | Some("-f" | "--fqdn" | "--long" | "-A" | "--all-fqdns") => terminal.say(host),
        Some("-s" | "--short") => terminal.say(short),
        Some("-d" | "--domain") => terminal.say(host.split_once('.').map_or("", |(_, rest)| rest)),
        Some("-i" | "--ip-address" | "-I" | "--all-ip-addresses") => {
            let mut line = String::new();
            for link in nic.links().await?.iter().filter(|link| link.mac.is_some()) {
                for address in &link.addresses {
                    line.push_str(&address.held.address.to_string());
                    line.push(' ');
                }
            }
            terminal.say(&line);
        }
        Some(option) if option.starts_with('-') => {
            terminal.complain(&format!("hostname: invalid option -- '{option}'"));
            return Ok(4);
        }
        Some(_) => {
            terminal.complain("hostname: you must be root to change the host name");
            return Ok(1);
        }
    }
    Ok(0)
}
