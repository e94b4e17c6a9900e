//! Owns `ip link set` and `ip link show`.

use changeover_emulated_nic::protocol::{Errno, KernelCall};
use changeover_emulated_nic::{EmulatedNic, NetworkError};

use super::listing;
use super::{Style, abbreviates, no_device};
use crate::terminal::Terminal;

pub(super) async fn run(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    style: Style,
    words: &[&str],
) -> Result<u8, NetworkError> {
    match words.split_first() {
        None => show(terminal, nic, style, &[]).await,
        Some((verb, rest)) if abbreviates(verb, "set") && *verb != "s" => {
            set(terminal, nic, rest).await
        }
        Some((verb, rest))
            if abbreviates(verb, "show") || abbreviates(verb, "list") || *verb == "ls" =>
        {
            show(terminal, nic, style, rest).await
        }
        Some((verb, _)) => {
            terminal.complain(&format!(
                "Command \"{verb}\" is unknown, try \"ip link help\"."
            ));
            Ok(255)
        }
    }
}

async fn set(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    words: &[&str],
) -> Result<u8, NetworkError> {
    let mut name = None;
    let mut flag = None;
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "up" => flag = Some(true),
            "down" => flag = Some(false),
            "dev" => name = words.next(),
            "mtu" | "txqueuelen" | "qlen" | "address" | "alias" => {
                if words.next().is_none() {
                    terminal.complain("Command line is not complete. Try option \"help\"");
                    return Ok(255);
                }
            }
            other => name = Some(other),
        }
    }
    let Some(name) = name else {
        terminal.complain("Not enough information: \"dev\" argument is required.");
        return Ok(255);
    };
    let found = nic.links().await?.iter().any(|link| link.name == name);
    if !found {
        return Ok(no_device(terminal, name));
    }
    let Some(up) = flag else {
        return Ok(0);
    };
    let name = name.to_owned();
    Ok(
        match nic
            .kernel(KernelCall::SetUp {
                name: name.clone(),
                up,
            })
            .await?
        {
            Ok(()) => 0,
            Err(Errno::NoSuchDevice) => no_device(terminal, &name),
            Err(errno) => {
                terminal.complain(&format!("RTNETLINK answers: {errno}"));
                2
            }
        },
    )
}

async fn show(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    style: Style,
    words: &[&str],
) -> Result<u8, NetworkError> {
    let mut name = None;
    let mut only_up = false;
    for word in words {
        match *word {
            "dev" => {}
            "up" => only_up = true,
            other => name = Some(other),
        }
    }
    let mut links = nic.links().await?;
    if let Some(name) = name {
        links.retain(|link| link.name == name);
        if links.is_empty() {
            terminal.complain(&format!("Device \"{name}\" does not exist."));
            return Ok(1);
        }
    }
    links.retain(|link| link.up || !only_up);
    terminal.print(&listing::links(&links, style));
    Ok(0)
}
