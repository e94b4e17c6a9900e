//! Owns `ip` as iproute2 has it, as far as site scripts use it: `address` and `link`, with the global options
//! that change what is shown. What the orders do is the emulated kernel's; listings are in `ip/listing.rs`.

mod address;
mod link;
mod listing;

use changeover_emulated_nic::{EmulatedNic, NetworkError};

use crate::terminal::Terminal;

/// A global option's choice of address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Any,
    Inet,
    Inet6,
}

/// What the global options say.
#[derive(Debug, Clone, Copy)]
struct Style {
    family: Family,
    one_line: bool,
    brief: bool,
}

pub(crate) async fn run(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    words: &[String],
) -> Result<u8, NetworkError> {
    let mut style = Style {
        family: Family::Any,
        one_line: false,
        brief: false,
    };
    let mut words = words.iter().map(String::as_str).collect::<Vec<_>>();
    while words.first().is_some_and(|word| word.starts_with('-')) {
        match words.remove(0) {
            "-4" => style.family = Family::Inet,
            "-6" => style.family = Family::Inet6,
            "-o" | "-oneline" => style.one_line = true,
            "-br" | "-brief" => style.brief = true,
            "-s" | "-stats" | "-d" | "-details" | "-c" | "-color" | "-n" | "-N" => {}
            "-V" | "-Version" => {
                terminal.say("ip utility, iproute2-6.1.0");
                return Ok(0);
            }
            other => {
                terminal.complain(&format!("Option \"{other}\" is unknown, try \"ip -help\"."));
                return Ok(255);
            }
        }
    }
    let Some((object, rest)) = words.split_first() else {
        terminal.complain(
            "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\nwhere  OBJECT := { address | link }",
        );
        return Ok(255);
    };
    if abbreviates(object, "address") {
        address::run(terminal, nic, style, rest).await
    } else if abbreviates(object, "link") {
        link::run(terminal, nic, style, rest).await
    } else {
        terminal.complain(&format!("Object \"{object}\" is unknown, try \"ip help\"."));
        Ok(1)
    }
}

/// Whether a word is a beginning of another, as `ip a s` means `ip address show`.
fn abbreviates(word: &str, whole: &str) -> bool {
    !word.is_empty() && whole.starts_with(word)
}

/// How a NIC is missed: orders and listings say it differently.
fn no_device(terminal: &mut Terminal, name: &str) -> u8 {
    terminal.complain(&format!("Cannot find device \"{name}\""));
    1
}
