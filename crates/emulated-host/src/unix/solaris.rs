//! Owns `ifconfig` of Solaris: logical interfaces (`dmfe0:1`) that are plumbed first and then up or down with their
//! address kept, `addif` and `removeif`, listings. Which are plumbed is kept by the emulator for the host; one whose
//! `/etc/hostname.dmfe0:1` is in the host's own folder is there from the beginning, down.

use std::net::{IpAddr, Ipv4Addr};

use changeover_emulated_nic::protocol::{Errno, KernelCall, Link};
use changeover_emulated_nic::{EmulatedNic, NetworkError};

use super::{
    add, address_of, bits_of, broadcast_of, classful, delete, device, file, mask, prefix_of,
};
use crate::surroundings::Surroundings;
use crate::terminal::Terminal;

const USAGE: &str = "usage: ifconfig <interface> [plumb | unplumb] [<address>[/<prefix>]] [netmask <mask>] [broadcast <address>] [up | down] [addif <address>] [removeif <address>]";
/// Under this name the emulator keeps the logical interfaces.
const KEPT: &str = "logical-interfaces";

/// A logical interface.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Logical {
    name: String,
    address: Ipv4Addr,
    prefix: u8,
}

/// One run of the command.
struct Run<'a> {
    terminal: &'a mut Terminal,
    nic: &'a EmulatedNic,
    surroundings: &'a Surroundings,
    links: Vec<Link>,
    logical: Vec<Logical>,
}

pub(super) async fn ifconfig(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    surroundings: &Surroundings,
    words: &[String],
) -> Result<u8, NetworkError> {
    let mut run = Run {
        terminal,
        nic,
        surroundings,
        links: nic.links().await?,
        logical: read(&nic.kept(KEPT).await?),
    };
    match words.split_first() {
        None => {
            run.terminal.complain(USAGE);
            Ok(1)
        }
        Some((name, rest)) if name == "-a" && rest.is_empty() => {
            run.list_all();
            Ok(0)
        }
        Some((name, rest)) => run.interface(name, rest).await,
    }
}

/// An address that was not there is as gone as one that was.
fn whatever(done: Result<(), Errno>) {
    match done {
        Ok(()) | Err(_) => {}
    }
}

fn read(kept: &str) -> Vec<Logical> {
    let read_line = |line: &str| {
        let (name, rest) = line.split_once(' ')?;
        let (address, prefix) = rest.split_once('/')?;
        Some(Logical {
            name: name.to_owned(),
            address: address.parse().ok()?,
            prefix: prefix.parse().ok()?,
        })
    };
    kept.lines().filter_map(read_line).collect()
}

impl Run<'_> {
    fn find(&self, name: &str) -> Option<Logical> {
        self.logical.iter().find(|one| one.name == name).cloned()
    }

    /// Puts a logical interface in place of what stood under its name.
    async fn keep(&mut self, changed: Option<Logical>, name: &str) -> Result<(), NetworkError> {
        self.logical.retain(|one| one.name != name);
        self.logical.extend(changed);
        let lines: Vec<String> = self
            .logical
            .iter()
            .map(|one| format!("{} {}/{}", one.name, one.address, one.prefix))
            .collect();
        let call = KernelCall::Keep {
            name: KEPT.to_owned(),
            value: lines.join("\n"),
        };
        // The emulator refuses only what no host has: hundreds of logical interfaces.
        whatever(self.nic.kernel(call).await?);
        Ok(())
    }

    /// The logical interface, from the beginning if the host has a file for it.
    async fn plumbed(&mut self, name: &str) -> Result<Option<Logical>, NetworkError> {
        if let Some(found) = self.find(name) {
            return Ok(Some(found));
        }
        let Some(text) = file(self.surroundings, &format!("etc/hostname.{name}")) else {
            return Ok(None);
        };
        let word = text.split_whitespace().next().unwrap_or_default();
        let address = address_of(word, self.surroundings).unwrap_or(Ipv4Addr::UNSPECIFIED);
        let found = Logical {
            name: name.to_owned(),
            address,
            prefix: self.usual_prefix(address),
        };
        self.keep(Some(found.clone()), name).await?;
        Ok(Some(found))
    }

    /// The mask of `/etc/netmasks`, else the class's.
    fn usual_prefix(&self, address: Ipv4Addr) -> u8 {
        let netmasks = file(self.surroundings, "etc/netmasks").unwrap_or_default();
        let found = netmasks.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let network: Ipv4Addr = words.next()?.parse().ok()?;
            let prefix = prefix_of(words.next()?.parse().ok()?)?;
            let inside = u32::from(address) & bits_of(prefix) == u32::from(network);
            inside.then_some(prefix)
        });
        found.unwrap_or_else(|| classful(address))
    }

    fn fails(&mut self, complaint: &str) -> Result<u8, NetworkError> {
        self.terminal.complain(&format!("ifconfig: {complaint}"));
        Ok(1)
    }

    async fn interface(&mut self, name: &str, words: &[String]) -> Result<u8, NetworkError> {
        let device_name = name.split(':').next().unwrap_or(name).to_owned();
        if device(&self.links, &device_name).is_none() {
            return self.fails(&format!("SIOCGLIFFLAGS: {name}: no such interface"));
        }
        match words.first().map(String::as_str) {
            Some("addif") => {
                return self
                    .addif(&device_name, words.get(1..).unwrap_or_default())
                    .await;
            }
            Some("removeif") => {
                let Some(address) = words
                    .get(1)
                    .and_then(|word| address_of(word, self.surroundings))
                else {
                    return self.fails("removeif: bad address");
                };
                let found = self
                    .logical
                    .iter()
                    .find(|one| one.address == address)
                    .cloned();
                return match found {
                    Some(found) => self.unplumb(&found, &device_name).await,
                    None => self.fails(&format!("removeif: {address}: no such interface")),
                };
            }
            Some(_) | None => {}
        }
        if !name.contains(':') {
            return self.whole_nic(&device_name, words).await;
        }
        let mut rest = words;
        let known = self.plumbed(name).await?;
        let mut logical = match (known, words.first().map(String::as_str)) {
            (known, Some("plumb")) => {
                rest = words.get(1..).unwrap_or_default();
                known.unwrap_or(Logical {
                    name: name.to_owned(),
                    address: Ipv4Addr::UNSPECIFIED,
                    prefix: 0,
                })
            }
            (Some(known), Some("unplumb")) => return self.unplumb(&known, &device_name).await,
            (Some(known), _) => known,
            (None, _) => return self.fails(&format!("SIOCGLIFFLAGS: {name}: no such interface")),
        };
        if words.is_empty() {
            self.list(name);
            return Ok(0);
        }
        self.change(&mut logical, &device_name, rest).await
    }

    async fn unplumb(&mut self, logical: &Logical, device: &str) -> Result<u8, NetworkError> {
        // Up or not, its address goes with it.
        whatever(delete(self.nic, device, logical.address, Some(&logical.name)).await?);
        self.keep(None, &logical.name).await?;
        Ok(0)
    }

    async fn addif(&mut self, device: &str, words: &[String]) -> Result<u8, NetworkError> {
        let number = (1..=8192)
            .find(|number| self.find(&format!("{device}:{number}")).is_none())
            .unwrap_or(8192);
        let name = format!("{device}:{number}");
        let mut logical = Logical {
            name: name.clone(),
            address: Ipv4Addr::UNSPECIFIED,
            prefix: 0,
        };
        self.terminal
            .say(&format!("Created new logical interface {name}"));
        self.change(&mut logical, device, words).await
    }

    /// Address, mask and flags in the order of the words.
    async fn change(
        &mut self,
        logical: &mut Logical,
        device: &str,
        words: &[String],
    ) -> Result<u8, NetworkError> {
        let before = logical.clone();
        let mut up = None;
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "inet" | "plumb" => {}
                "up" => up = Some(true),
                "down" => up = Some(false),
                "broadcast" | "metric" | "mtu" => {
                    if words.next().is_none() {
                        return self.fails(&format!("{word}: a value is missing"));
                    }
                }
                "netmask" => match words.next().map(String::as_str) {
                    Some("+") => logical.prefix = self.usual_prefix(logical.address),
                    Some(value) => match mask(value).and_then(prefix_of) {
                        Some(prefix) => logical.prefix = prefix,
                        None => return self.fails(&format!("{value}: bad address")),
                    },
                    None => return self.fails("netmask: a value is missing"),
                },
                "inet6" | "group" | "failover" | "-failover" | "deprecated" | "standby" => {
                    return self.fails(&format!("`{word}` of Solaris is not emulated"));
                }
                word => {
                    let (word, prefix) = match word.split_once('/') {
                        // A path of a file is no address with a prefix.
                        Some((host, bits)) if !host.is_empty() => (host, bits.parse::<u8>().ok()),
                        _ => (word, None),
                    };
                    let Some(address) = address_of(word, self.surroundings) else {
                        return self.fails(&format!("{word}: bad address"));
                    };
                    logical.address = address;
                    logical.prefix = prefix
                        .filter(|bits| *bits <= 32)
                        .unwrap_or_else(|| self.usual_prefix(address));
                }
            }
        }
        let was_up = self.is_up(&before);
        self.keep(Some(logical.clone()), &logical.name).await?;
        if was_up && (up == Some(false) || before != *logical) {
            whatever(delete(self.nic, device, before.address, Some(&before.name)).await?);
        }
        let shall_be_up = up.unwrap_or(was_up) && !logical.address.is_unspecified();
        if shall_be_up && !(was_up && before == *logical) {
            let added = add(
                self.nic,
                device,
                logical.address,
                logical.prefix,
                Some(&logical.name),
            );
            if let Err(errno) = added.await? {
                return self.errno("SIOCSLIFFLAGS", errno);
            }
        }
        Ok(0)
    }

    fn errno(&mut self, operation: &str, errno: Errno) -> Result<u8, NetworkError> {
        self.fails(&format!("{operation}: {errno}"))
    }

    fn is_up(&self, logical: &Logical) -> bool {
        self.links
            .iter()
            .flat_map(|link| &link.addresses)
            .any(|one| one.held.label.as_deref() == Some(logical.name.as_str()))
    }

    /// `up` and `down` of a NIC as a whole; its own address is not changed here.
    async fn whole_nic(&mut self, device: &str, words: &[String]) -> Result<u8, NetworkError> {
        if words.is_empty() {
            self.list(device);
            return Ok(0);
        }
        for word in words {
            let up = match word.as_str() {
                "plumb" | "inet" => continue,
                "up" => true,
                "down" => false,
                other => {
                    return self.fails(&format!(
                        "`{other}` on a whole interface is not emulated; logical ones such as {device}:1 are"
                    ));
                }
            };
            let name = device.to_owned();
            if let Err(errno) = self.nic.kernel(KernelCall::SetUp { name, up }).await? {
                return self.errno("SIOCSLIFFLAGS", errno);
            }
        }
        Ok(0)
    }

    fn list_all(&mut self) {
        let mut names = Vec::new();
        for link in &self.links {
            names.push(link.name.clone());
            let of_it = self
                .logical
                .iter()
                .filter(|one| one.name.split(':').next() == Some(link.name.as_str()));
            names.extend(of_it.map(|one| one.name.clone()));
        }
        for name in names {
            self.list(&name);
        }
    }

    fn list(&mut self, name: &str) {
        let device_name = name.split(':').next().unwrap_or(name);
        let Some(link) = device(&self.links, device_name).cloned() else {
            return;
        };
        if link.mac.is_none() {
            self.terminal.say(
                "lo0: flags=2001000849<UP,LOOPBACK,RUNNING,MULTICAST,IPv4,VIRTUAL> mtu 8232 index 1\n        inet 127.0.0.1 netmask ff000000 ",
            );
            return;
        }
        let logical = self.find(name);
        let up = match &logical {
            Some(logical) => self.is_up(logical),
            None => link.up,
        };
        let flags = match (up, link.carrier) {
            (true, true) => "1000843<UP,BROADCAST,RUNNING,MULTICAST,IPv4>",
            (true, false) => "1000803<UP,BROADCAST,MULTICAST,IPv4>",
            (false, true) => "1000842<BROADCAST,RUNNING,MULTICAST,IPv4>",
            (false, false) => "1000802<BROADCAST,MULTICAST,IPv4>",
        };
        self.terminal.say(&format!(
            "{name}: flags={flags} mtu 1500 index {}",
            link.index
        ));
        let shown = match &logical {
            Some(logical) => Some((logical.address, logical.prefix)),
            None => link
                .addresses
                .iter()
                .filter(|one| one.held.label.is_none())
                .find_map(|one| match one.held.address {
                    IpAddr::V4(address) => Some((address, one.held.prefix)),
                    IpAddr::V6(_) => None,
                }),
        };
        if let Some((address, prefix)) = shown {
            self.terminal.say(&format!(
                "        inet {address} netmask {:x} broadcast {}",
                bits_of(prefix),
                broadcast_of(address, prefix)
            ));
        }
        if logical.is_none() {
            let mac = link.mac.unwrap_or_default();
            let parts: Vec<String> = mac.iter().map(|byte| format!("{byte:x}")).collect();
            self.terminal
                .say(&format!("        ether {} ", parts.join(":")));
        }
    }
}
