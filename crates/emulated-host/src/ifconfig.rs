//! Owns `ifconfig` as net-tools 2.10 has it on Linux: words are carried out one after the other, each as its
//! own system call, errors are collected and do not stop it. The classful mask of an address without
//! netmask, the labels and the misleading exit codes are the kernel's and the original's. Listings are in
//! `ifconfig/listing.rs`.

mod listing;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use changeover_emulated_nic::protocol::{Errno, KernelCall};
use changeover_emulated_nic::{EmulatedNic, NetworkError};

use crate::terminal::Terminal;

const USAGE: &str = "Usage:\n  ifconfig [-a] [-v] [-s] <interface> [[<AF>] <address>]\n  [add <address>[/<prefixlen>]]\n  [del <address>[/<prefixlen>]]\n  [[-]broadcast [<address>]]  [netmask <address>]\n  [mtu <NN>]  [up|down] ...";
/// -1 in the original: it stays when ORed with anything.
const FAILED: u8 = 255;

pub(crate) async fn run(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    words: &[String],
) -> Result<u8, NetworkError> {
    let mut all = false;
    let mut short = false;
    let mut rest = words;
    while let Some((option, after)) = rest.split_first().filter(|(one, _)| one.starts_with('-')) {
        match option.as_str() {
            "-a" => all = true,
            "-s" => short = true,
            "-v" => {}
            "-V" | "--version" | "-version" => {
                terminal.say("net-tools 2.10");
                return Ok(0);
            }
            "-h" | "-?" | "--help" => {
                terminal.say(USAGE);
                return Ok(0);
            }
            other => {
                terminal.complain(&format!(
                    "ifconfig: option `{other}' not recognised.\n{USAGE}"
                ));
                return Ok(1);
            }
        }
        rest = after;
    }
    match rest {
        [] => {
            let links = nic.links().await?;
            terminal.print(&listing::all(&links, all, short));
            Ok(0)
        }
        [name] => {
            let links = nic.links().await?;
            match listing::one(&links, name, short) {
                Some(text) => {
                    terminal.print(&text);
                    Ok(0)
                }
                None => {
                    terminal.complain(&format!(
                        "{name}: error fetching interface information: Device not found"
                    ));
                    Ok(1)
                }
            }
        }
        [name, words @ ..] => {
            let mut setting = Setting {
                terminal,
                nic,
                name,
                code: 0,
            };
            match setting.carry_out(words).await? {
                Some(code) => Ok(code),
                None => Ok(setting.code),
            }
        }
    }
}

struct Setting<'a> {
    terminal: &'a mut Terminal,
    nic: &'a EmulatedNic,
    name: &'a str,
    code: u8,
}

impl Setting<'_> {
    /// Carries the words out in order; an exit code when one of them ends it all.
    async fn carry_out(&mut self, words: &[String]) -> Result<Option<u8>, NetworkError> {
        let mut words = words.iter().map(String::as_str).peekable();
        let ipv6 = words.peek() == Some(&"inet6");
        if matches!(words.peek(), Some(&("inet" | "inet6"))) {
            words.next();
        }
        while let Some(word) = words.next() {
            match word {
                "up" => self.flags(true).await?,
                "down" => self.flags(false).await?,
                "arp" | "-arp" | "promisc" | "-promisc" | "multicast" | "-multicast"
                | "allmulti" | "-allmulti" | "dynamic" | "-dynamic" | "trailers" | "-trailers"
                | "-broadcast" => {}
                "mtu" | "metric" | "txqueuelen" => {
                    if words.next().is_none() {
                        return Ok(Some(self.usage()));
                    }
                }
                "hw" => {
                    if words.next().and_then(|_| words.next()).is_none() {
                        return Ok(Some(self.usage()));
                    }
                }
                "netmask" | "broadcast" | "add" | "del" => {
                    let Some(value) = words.next() else {
                        return Ok(Some(self.usage()));
                    };
                    if let Some(code) = self.with_value(word, value).await? {
                        return Ok(Some(code));
                    }
                }
                address if ipv6 => {
                    if let Some(code) = self.ipv6("add", address).await? {
                        return Ok(Some(code));
                    }
                }
                address => {
                    if let Some(code) = self.address(address).await? {
                        return Ok(Some(code));
                    }
                }
            }
        }
        Ok(None)
    }

    async fn with_value(&mut self, word: &str, value: &str) -> Result<Option<u8>, NetworkError> {
        if matches!(word, "add" | "del") {
            return self.ipv6(word, value).await;
        }
        let Ok(given) = value.parse::<Ipv4Addr>() else {
            return Ok(Some(self.unknown_host(value)));
        };
        let name = self.name.to_owned();
        if word == "netmask" {
            self.netmask(given).await?;
        } else {
            let call = KernelCall::SetBroadcast {
                name,
                broadcast: given,
            };
            if let Err(errno) = self.nic.kernel(call).await? {
                self.perror("SIOCSIFBRDADDR", errno, 1);
            }
            self.flags(true).await?;
        }
        Ok(None)
    }

    /// An address, with a prefix or without, and up it goes.
    async fn address(&mut self, word: &str) -> Result<Option<u8>, NetworkError> {
        let (host, mask) = match word.split_once('/') {
            Some((host, prefix)) => match prefix.parse::<u32>() {
                Ok(prefix @ 0..=32) => (host, Some(mask_of(prefix))),
                _ => return Ok(Some(self.unknown_host(word))),
            },
            None => (word, None),
        };
        let parsed = if host == "default" {
            Ok(Ipv4Addr::UNSPECIFIED)
        } else {
            host.parse::<Ipv4Addr>()
        };
        let Ok(address) = parsed else {
            return Ok(Some(self.unknown_host(host)));
        };
        let name = self.name.to_owned();
        let call = KernelCall::SetAddress { name, address };
        if let Err(errno) = self.nic.kernel(call).await? {
            self.perror("SIOCSIFADDR", errno, 1);
        }
        self.flags(true).await?;
        if let Some(mask) = mask {
            self.netmask(mask).await?;
        }
        Ok(None)
    }

    async fn netmask(&mut self, mask: Ipv4Addr) -> Result<(), NetworkError> {
        let name = self.name.to_owned();
        if let Err(errno) = self
            .nic
            .kernel(KernelCall::SetNetmask { name, mask })
            .await?
        {
            self.perror("SIOCSIFNETMASK", errno, 1);
        }
        Ok(())
    }

    async fn flags(&mut self, up: bool) -> Result<(), NetworkError> {
        let name = self.name.to_owned();
        match self.nic.kernel(KernelCall::SetUp { name, up }).await? {
            Ok(()) => {}
            Err(Errno::NoSuchDevice) => {
                let complaint = format!(
                    "{}: ERROR while getting interface flags: {}",
                    self.name,
                    Errno::NoSuchDevice
                );
                self.terminal.complain(&complaint);
                self.code |= FAILED;
            }
            Err(errno) => self.perror("SIOCSIFFLAGS", errno, FAILED),
        }
        Ok(())
    }

    /// `add` and `del`, which mean IPv6 addresses.
    async fn ipv6(&mut self, word: &str, value: &str) -> Result<Option<u8>, NetworkError> {
        let (address, prefix) = match value.split_once('/') {
            Some((address, prefix)) => (address.parse::<Ipv6Addr>(), prefix.parse::<u8>().ok()),
            None => (value.parse(), Some(0)),
        };
        let (Ok(address), Some(prefix @ 0..=128)) = (address, prefix) else {
            return Ok(Some(self.unknown_host(value)));
        };
        let interface = self.name.to_owned();
        let address = IpAddr::V6(address);
        let (operation, call) = if word == "add" {
            let call = KernelCall::AddAddress {
                interface,
                address,
                prefix,
                label: None,
                broadcast: None,
                replace: false,
            };
            ("SIOCSIFADDR", call)
        } else {
            let call = KernelCall::DeleteAddress {
                interface,
                address,
                prefix: Some(prefix),
                label: None,
            };
            ("SIOCDIFADDR", call)
        };
        if let Err(errno) = self.nic.kernel(call).await? {
            self.perror(operation, errno, 1);
        }
        Ok(None)
    }

    fn perror(&mut self, operation: &str, errno: Errno, code: u8) {
        self.terminal.complain(&format!("{operation}: {errno}"));
        self.code |= code;
    }

    /// What looks like an address is an unknown host, anything else a name that nobody could look up.
    fn unknown_host(&mut self, host: &str) -> u8 {
        let numeric = host.chars().all(|one| one.is_ascii_digit() || one == '.');
        let why = if numeric {
            "Unknown host"
        } else {
            "Host name lookup failure"
        };
        self.terminal.complain(&format!(
            "{host}: {why}\nifconfig: `--help' gives usage information."
        ));
        1
    }

    fn usage(&mut self) -> u8 {
        self.terminal.complain(USAGE);
        1
    }
}

fn mask_of(prefix: u32) -> Ipv4Addr {
    let host_bits = u32::MAX.checked_shr(prefix).unwrap_or(0);
    Ipv4Addr::from(!host_bits)
}
