//! Owns what changes addresses: the orders of the `Addresses` trait (a wish: as wanted, wherever it stood
//! before) and the system calls of platform commands (exactly what Linux does, mistakes included). What a NIC
//! makes of them is in `nic.rs`; neighbours learn of nothing here, only of announcements (`arp.rs`).

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use changeover_emulated_nic::protocol::{Errno, KernelCall, Link};
use changeover_virtual_ip::{AddressError, Change, Snapshot, VirtualAddress};
use ipnet::IpNet;

use super::nic::{Nic, Standing};
use super::{Moment, Station, Subnet};

/// Names under which a host's platform may keep something.
const MOST_KEPT: usize = 256;
/// Bytes under each.
const LONGEST_KEPT: usize = 64 << 10;

impl Subnet {
    /// All NICs and addresses of a host, as a watcher sees them.
    #[must_use]
    pub fn snapshot(&self, position: usize) -> Snapshot {
        let Some(host) = self.hosts.get(position) else {
            return Snapshot::default();
        };
        Snapshot {
            nics: host
                .nics
                .iter()
                .map(|nic| changeover_virtual_ip::Nic {
                    name: nic.name.clone(),
                    index: nic.index,
                    up: nic.up,
                    carrier: nic.up && nic.carrier,
                    mac: nic.mac,
                })
                .collect(),
            addresses: host
                .nics
                .iter()
                .flat_map(Nic::held)
                .filter(|held| !self.is_switched_off(position, held.address))
                .collect(),
        }
    }

    /// All NICs of a host, as a platform command lists them.
    #[must_use]
    pub fn links(&self, host: usize) -> Vec<Link> {
        let nics = self.hosts.get(host).map(|host| host.nics.as_slice());
        nics.unwrap_or_default().iter().map(Nic::link).collect()
    }

    /// `Addresses::add`: on its NIC with that prefix, and nowhere else on the host.
    ///
    /// # Errors
    /// When there is no such NIC, or the prefix is impossible.
    pub fn add(
        &mut self,
        now: Moment,
        host: usize,
        wanted: &VirtualAddress,
    ) -> Result<Change, AddressError> {
        let net = IpNet::new(wanted.address, wanted.prefix).map_err(|_| AddressError::Refused {
            operation: format!("adding {wanted}"),
            reason: format!("{} is no possible prefix", wanted.prefix),
        })?;
        self.interface(host, &wanted.interface)?;
        if self.is_of_a_cluster(wanted.address) {
            return match self.wish(now, host, wanted.address, true) {
                Some(true) => Ok(Change::Done),
                Some(false) => Ok(Change::AlreadySo),
                None => Err(AddressError::Refused {
                    operation: format!("enabling the port of {}", wanted.address),
                    reason: "the cluster adapter has no link, or is of no cluster".to_owned(),
                }),
            };
        }
        let nics = &mut self.hosts[host].nics;
        let already = nics
            .iter()
            .any(|nic| nic.name == wanted.interface && nic.addresses.iter().any(|a| a.net == net));
        if already {
            return Ok(Change::AlreadySo);
        }
        let label = wanted
            .label
            .clone()
            .filter(|_| wanted.address.is_ipv4())
            .unwrap_or_else(|| wanted.interface.clone());
        let new = Standing {
            net,
            label,
            broadcast: None,
            own: false,
            until_ns: None,
        };
        for nic in nics.iter_mut() {
            nic.delete_all(wanted.address);
        }
        for nic in nics.iter_mut().filter(|nic| nic.name == wanted.interface) {
            nic.insert(new.clone())
                .map_err(|errno| AddressError::Refused {
                    operation: format!("adding {wanted}"),
                    reason: errno.to_string(),
                })?;
        }
        self.record(now, format!("{}: added {wanted}", self.host_name(host)));
        Ok(Change::Done)
    }

    /// `Addresses::renew`: how long it stays where it stands on this host.
    pub fn renew(
        &mut self,
        now: Moment,
        host: usize,
        address: IpAddr,
        lifetime: Option<Duration>,
    ) -> Change {
        let until = lifetime.map(|lifetime| {
            let nanoseconds = u64::try_from(lifetime.as_nanos()).unwrap_or(u64::MAX);
            now.monotonic_ns.saturating_add(nanoseconds)
        });
        let mut change = Change::AlreadySo;
        if self.is_of_a_cluster(address) {
            return change;
        }
        let nics = self
            .hosts
            .get_mut(host)
            .into_iter()
            .flat_map(|host| &mut host.nics);
        for one in nics.flat_map(|nic| &mut nic.addresses) {
            if one.net.addr() == address && !one.own {
                one.until_ns = until;
                change = Change::Done;
            }
        }
        change
    }

    /// Takes away what has outlived its lifetime.
    pub fn expire(&mut self, now: Moment) {
        let over = |one: &Standing| one.until_ns.is_some_and(|until| until <= now.monotonic_ns);
        for host in 0..self.hosts.len() {
            let mut gone = Vec::new();
            for nic in self
                .hosts
                .get_mut(host)
                .into_iter()
                .flat_map(|host| &mut host.nics)
            {
                gone.extend(
                    nic.addresses
                        .iter()
                        .filter(|one| over(one))
                        .map(|one| one.net.addr()),
                );
                nic.addresses.retain(|one| !over(one));
            }
            for address in gone {
                let cause = format!("{}: {address} outlived its lifetime", self.host_name(host));
                self.record(now, cause);
            }
        }
    }

    /// `Addresses::remove`: away from the whole host.
    pub fn remove(&mut self, now: Moment, host: usize, address: IpAddr) -> Change {
        if self.is_of_a_cluster(address) {
            return match self.wish(now, host, address, false) {
                Some(true) => Change::Done,
                Some(false) | None => Change::AlreadySo,
            };
        }
        let mut stood = false;
        if let Some(host) = self.hosts.get_mut(host) {
            for nic in &mut host.nics {
                stood |= nic.delete_all(address);
            }
        }
        if !stood {
            return Change::AlreadySo;
        }
        self.record(now, format!("{}: removed {address}", self.host_name(host)));
        Change::Done
    }

    /// A platform command's system call; [`KernelCall::Links`] is [`Subnet::links`]'s and does nothing here.
    ///
    /// # Errors
    /// What Linux answers.
    pub fn call(&mut self, now: Moment, host: usize, call: &KernelCall) -> Result<(), Errno> {
        let before = self.links(host);
        let done = self.carry_out(host, call);
        if self.links(host) != before {
            let cause = format!("{}: {}", self.host_name(host), describe(call));
            self.record(now, cause);
        }
        done
    }

    fn carry_out(&mut self, host: usize, call: &KernelCall) -> Result<(), Errno> {
        match call {
            KernelCall::Links | KernelCall::Kept { .. } => Ok(()),
            KernelCall::FlushNeighbours { address } => {
                let table = self.tables.entry(Station::Host(host)).or_default();
                match address {
                    Some(address) => drop(table.remove(address)),
                    None => table.clear(),
                }
                Ok(())
            }
            KernelCall::Keep { name, value } => self.keep(host, name, value),
            KernelCall::SetUp { name, up } => {
                let nic = self.device(host, name)?;
                if name.contains(':') {
                    nic.set_label_up(name, *up)
                } else {
                    nic.set_up(*up);
                    Ok(())
                }
            }
            KernelCall::SetAddress { name, address } => {
                self.device(host, name)?.set_address(name, *address)
            }
            KernelCall::SetNetmask { name, mask } => {
                self.device(host, name)?.set_netmask(name, *mask)
            }
            KernelCall::SetBroadcast { name, broadcast } => {
                self.device(host, name)?.set_broadcast(name, *broadcast)
            }
            KernelCall::AddAddress {
                interface,
                address,
                prefix,
                label,
                broadcast,
                replace,
            } => {
                let nic = self.device(host, interface)?;
                let new = Standing {
                    net: IpNet::new(*address, *prefix).map_err(|_| Errno::InvalidArgument)?,
                    label: label.clone().unwrap_or_else(|| interface.clone()),
                    broadcast: *broadcast,
                    own: false,
                    until_ns: None,
                };
                match nic.insert(new) {
                    Err(Errno::Exists) if *replace => Ok(()),
                    done => done,
                }
            }
            KernelCall::DeleteAddress {
                interface,
                address,
                prefix,
                label,
            } => self
                .device(host, interface)?
                .delete(*address, *prefix, label.as_deref()),
        }
    }

    /// What a host's platform keeps under a name.
    #[must_use]
    pub fn kept(&self, host: usize, name: &str) -> String {
        let host = self.hosts.get(host);
        host.and_then(|host| host.kept.get(name).cloned())
            .unwrap_or_default()
    }

    /// Bounded: a platform keeps a line for each of a few interfaces.
    fn keep(&mut self, host: usize, name: &str, value: &str) -> Result<(), Errno> {
        let host = self.hosts.get_mut(host).ok_or(Errno::NoSuchDevice)?;
        if value.is_empty() {
            host.kept.remove(name);
        } else if host.kept.len() >= MOST_KEPT || value.len() > LONGEST_KEPT {
            return Err(Errno::InvalidArgument);
        } else {
            host.kept.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    /// The NIC behind a name with or without label.
    fn device(&mut self, host: usize, name: &str) -> Result<&mut Nic, Errno> {
        let device = name.split_once(':').map_or(name, |(device, _)| device);
        self.hosts
            .get_mut(host)
            .and_then(|host| host.nics.iter_mut().find(|nic| nic.name == device))
            .ok_or(Errno::NoSuchDevice)
    }

    /// The position of a NIC on its host.
    pub(super) fn interface(&self, host: usize, interface: &str) -> Result<usize, AddressError> {
        self.hosts
            .get(host)
            .and_then(|host| host.nics.iter().position(|nic| nic.name == interface))
            .ok_or_else(|| AddressError::NoSuchInterface {
                interface: interface.to_owned(),
            })
    }
}

fn describe(call: &KernelCall) -> String {
    let on_label = |label: &Option<String>| {
        label
            .as_ref()
            .map_or_else(String::new, |label| format!(" label {label}"))
    };
    match call {
        KernelCall::Links | KernelCall::Kept { .. } => "listed".to_owned(),
        KernelCall::FlushNeighbours { .. } => "ARP entries deleted".to_owned(),
        KernelCall::Keep { name, .. } => format!("kept {name}"),
        KernelCall::SetUp { name, up: true } => format!("{name} up"),
        KernelCall::SetUp { name, up: false } => format!("{name} down"),
        KernelCall::SetAddress { name, address } if *address == Ipv4Addr::UNSPECIFIED => {
            format!("{name} without address")
        }
        KernelCall::SetAddress { name, address } => format!("{name} set to {address}"),
        KernelCall::SetNetmask { name, mask } => format!("{name} netmask {mask}"),
        KernelCall::SetBroadcast { name, broadcast } => format!("{name} broadcast {broadcast}"),
        KernelCall::AddAddress {
            interface,
            address,
            prefix,
            label,
            ..
        } => format!("added {address}/{prefix} on {interface}{}", on_label(label)),
        KernelCall::DeleteAddress {
            interface,
            address,
            label,
            ..
        } => format!("deleted {address} from {interface}{}", on_label(label)),
    }
}
