//! The emulated subnet without any IO: hosts with NICs, cables, addresses, ARP tables, ordered faults, and
//! the history of who held what. It is told the time and asked for verdicts; [`crate::Emulator`] carries the
//! bytes. Addresses change in `subnet/orders.rs`, NIC by NIC in `subnet/nic.rs`; who reaches whom is in
//! `subnet/arp.rs`.

mod arp;
mod nic;
mod nlb;
mod orders;
mod report;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use changeover_emulated_nic::protocol::CommandStart;
use changeover_emulated_nic::{Holder, Observation};
use changeover_virtual_ip::MacAddress;
use ipnet::IpNet;

use crate::site::{NeighbourDescription, SiteDescription, SiteError};
use arp::ArpEntry;
use nic::{Nic, Standing};

/// Observations that are remembered.
const REMEMBERED: usize = 10_000;
/// The longest delay of commands, so that nobody waits for ever.
const LONGEST_DELAY: Duration = Duration::from_secs(3600);

/// A moment on both clocks of the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moment {
    /// CLOCK_MONOTONIC in nanoseconds.
    pub monotonic_ns: u64,
    /// Wall clock in microseconds since 1970.
    pub wall_us: u64,
}

/// A NIC of a host, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NicPlace {
    host: usize,
    nic: usize,
}

/// Who sends, or owns an ARP table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Station {
    /// A host of the site.
    Host(usize),
    /// A neighbour; 0 stands for every client outside the site.
    Neighbour(usize),
}

/// The two NICs between which packets go; a neighbour has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    from: Option<NicPlace>,
    to: NicPlace,
}

impl Path {
    /// Position of the host at its end.
    #[must_use]
    pub const fn target(&self) -> usize {
        self.to.host
    }
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The sender holds the address itself; no NIC is needed.
    Local,
    /// It arrives.
    Via(Path),
    /// It is lost without a word.
    Silent(Silence),
    /// The sender's own network says no.
    NoRoute,
}

/// Why a packet is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Silence {
    /// The sender's cable is out.
    SenderUnplugged,
    /// Nobody answers an ARP request for the address.
    NobodyAnswers,
    /// The ARP table names a NIC whose cable is out.
    HolderUnplugged,
    /// The ARP table names a host that does not hold the address (any more).
    NotHeld,
    /// Both are hosts of one unicast cluster, and this is its adapter.
    SharedMac,
}

impl Silence {
    /// Under this name it is counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SenderUnplugged => "sender-unplugged",
            Self::NobodyAnswers => "nobody-answers",
            Self::HolderUnplugged => "holder-unplugged",
            Self::NotHeld => "not-held",
            Self::SharedMac => "shared-mac",
        }
    }
}

/// Another host claimed an address in the hearing of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Who heard it.
    pub host: String,
    /// On which NIC.
    pub interface: String,
    /// What was claimed.
    pub address: IpAddr,
    /// By whom.
    pub mac: MacAddress,
}

/// An order that names something the site does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubnetError {
    /// No such host.
    #[error("the emulated network has no host {0:?}; it has {1}")]
    NoSuchHost(String, String),
    /// No such NIC.
    #[error("host {host:?} has no interface {interface:?} that could be plugged or unplugged")]
    NoSuchInterface {
        /// The host.
        host: String,
        /// The name.
        interface: String,
    },
    /// No such station.
    #[error("the emulated network has no station {0:?}; it has {1}")]
    NoSuchStation(String, String),
    /// A delay beyond an hour.
    #[error("a delay of {0:?} is longer than the hour that is allowed")]
    DelayTooLong(Duration),
}

#[derive(Debug)]
struct Host {
    name: String,
    nics: Vec<Nic>,
    delay: Duration,
    commands_to_fail: u32,
    announcements_to_drop: u32,
    /// What its platform keeps of its own, by name.
    kept: BTreeMap<String, String>,
}

/// The emulated subnet.
#[derive(Debug)]
pub struct Subnet {
    hosts: Vec<Host>,
    neighbours: Vec<NeighbourDescription>,
    virtual_ips: BTreeSet<IpAddr>,
    clusters: Vec<nlb::Cluster>,
    tables: BTreeMap<Station, BTreeMap<IpAddr, ArpEntry>>,
    arp_lifetime_ns: u64,
    history: VecDeque<Observation>,
    next_sequence: u64,
    counters: BTreeMap<&'static str, u64>,
    sightings: Vec<Sighting>,
    changed: bool,
}

impl Subnet {
    /// The subnet of a site, everything plugged in and switched on, ARP tables empty. The first observation
    /// is the state at `now`.
    ///
    /// # Errors
    /// When the description contradicts itself.
    pub fn new(now: Moment, site: &SiteDescription) -> Result<Self, SiteError> {
        site.check()?;
        let virtual_ips: BTreeSet<IpAddr> =
            site.virtual_ips.iter().map(|vip| vip.address).collect();
        let mut machines = 0_u16;
        let mut hosts = Vec::new();
        for description in &site.hosts {
            let mut nics = vec![loopback()];
            for (position, interface) in description.interfaces.iter().enumerate() {
                machines = machines.saturating_add(1);
                let [high, low] = machines.to_be_bytes();
                let addresses = interface.addresses.iter().map(|net| Standing {
                    net: *net,
                    label: interface.name.clone(),
                    broadcast: own_broadcast(net),
                    own: !virtual_ips.contains(&net.addr()),
                    until_ns: None,
                });
                nics.push(Nic {
                    name: interface.name.clone(),
                    index: u32::try_from(position)
                        .unwrap_or(u32::MAX)
                        .saturating_add(2),
                    // Locally administered.
                    mac: Some([0x02, 0xc0, 0, 0, high, low]),
                    segment: Some(interface.segment.clone()),
                    up: true,
                    carrier: true,
                    addresses: addresses.collect(),
                });
            }
            hosts.push(Host {
                name: description.name.clone(),
                nics,
                delay: Duration::ZERO,
                commands_to_fail: 0,
                announcements_to_drop: 0,
                kept: BTreeMap::new(),
            });
        }
        let mut subnet = Self {
            hosts,
            neighbours: site.stations(),
            virtual_ips,
            clusters: Vec::new(),
            tables: BTreeMap::new(),
            arp_lifetime_ns: site.arp_lifetime_ms.saturating_mul(1_000_000),
            history: VecDeque::new(),
            next_sequence: 1,
            counters: BTreeMap::new(),
            sightings: Vec::new(),
            changed: false,
        };
        subnet.set_up_clusters(site);
        subnet.record(now, "start".to_owned());
        Ok(subnet)
    }

    /// Every host of a cluster has its IP from the beginning, and keeps it.
    fn set_up_clusters(&mut self, site: &SiteDescription) {
        for description in &site.clusters {
            let cluster = nlb::Cluster::new(description, |host, interface| {
                let host = self.host(host).ok()?;
                let nics = &self.hosts[host].nics;
                let nic = nics.iter().position(|nic| nic.name == interface)?;
                Some(NicPlace { host, nic })
            });
            for member in &description.members {
                let hosts = self.hosts.iter_mut().filter(|one| one.name == member.host);
                let nics = hosts.flat_map(|host| &mut host.nics);
                for nic in nics.filter(|nic| nic.name == member.interface) {
                    nic.addresses.push(Standing {
                        net: description.address,
                        label: nic.name.clone(),
                        broadcast: own_broadcast(&description.address),
                        own: false,
                        until_ns: None,
                    });
                }
            }
            self.clusters.push(cluster);
        }
    }

    /// The position of a host.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn host(&self, name: &str) -> Result<usize, SubnetError> {
        self.hosts
            .iter()
            .position(|host| host.name == name)
            .ok_or_else(|| SubnetError::NoSuchHost(name.to_owned(), self.host_names()))
    }

    fn host_names(&self) -> String {
        let names: Vec<&str> = self.hosts.iter().map(|host| host.name.as_str()).collect();
        names.join(", ")
    }

    /// The name of a host by position.
    #[must_use]
    pub fn host_name(&self, host: usize) -> &str {
        self.hosts.get(host).map_or("", |host| &host.name)
    }

    /// A host or neighbour by name.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn station(&self, name: &str) -> Result<Station, SubnetError> {
        if let Ok(host) = self.host(name) {
            return Ok(Station::Host(host));
        }
        let found = self.neighbours.iter().position(|one| one.name == name);
        found.map(Station::Neighbour).ok_or_else(|| {
            let mut names = self.host_names();
            for neighbour in &self.neighbours {
                names.push_str(", ");
                names.push_str(&neighbour.name);
            }
            SubnetError::NoSuchStation(name.to_owned(), names)
        })
    }

    /// The station that owns a site address as its own; clients outside the site are neighbour 0.
    #[must_use]
    pub fn station_at(&self, address: IpAddr) -> Station {
        if let Some(host) = self.owner(address) {
            return Station::Host(host);
        }
        let position = self
            .neighbours
            .iter()
            .position(|one| one.address == Some(address));
        Station::Neighbour(position.unwrap_or(0))
    }

    /// The host whose own address (no Virtual IP) this is, by the site description.
    #[must_use]
    pub fn owner(&self, address: IpAddr) -> Option<usize> {
        self.hosts.iter().position(|host| {
            host.nics
                .iter()
                .filter(|nic| nic.segment.is_some())
                .flat_map(|nic| &nic.addresses)
                .any(|one| one.own && one.net.addr() == address)
        })
    }

    /// An IPv4 or IPv6 address of a host's own, the first that the site description gives it.
    #[must_use]
    pub fn own_address(&self, host: usize) -> Option<IpAddr> {
        let nics = self.hosts.get(host).map(|host| host.nics.as_slice());
        nics.unwrap_or_default()
            .iter()
            .filter(|nic| nic.segment.is_some())
            .flat_map(|nic| &nic.addresses)
            .find(|one| one.own)
            .map(|one| one.net.addr())
    }

    /// Whether the address is a neighbour's.
    #[must_use]
    pub fn is_neighbour(&self, address: IpAddr) -> bool {
        self.neighbours
            .iter()
            .any(|one| one.address == Some(address))
    }

    /// Whether the address may move between hosts: a Virtual IP, or nobody's own.
    #[must_use]
    pub fn is_movable(&self, address: IpAddr) -> bool {
        self.owner(address).is_none() && !self.is_neighbour(address)
    }

    /// Plugs a NIC in or pulls its cable.
    ///
    /// # Errors
    /// When there is no such host or NIC.
    pub fn set_carrier(
        &mut self,
        now: Moment,
        host: &str,
        interface: &str,
        plugged: bool,
    ) -> Result<(), SubnetError> {
        let position = self.host(host)?;
        let missing = || SubnetError::NoSuchInterface {
            host: host.to_owned(),
            interface: interface.to_owned(),
        };
        let nic = self.hosts[position]
            .nics
            .iter_mut()
            .find(|nic| nic.name == interface && nic.segment.is_some())
            .ok_or_else(missing)?;
        if nic.carrier != plugged {
            nic.carrier = plugged;
            let what = if plugged { "plugged" } else { "unplugged" };
            self.record(now, format!("{host}/{interface} {what}"));
        }
        Ok(())
    }

    /// Makes every later command on the host late.
    ///
    /// # Errors
    /// When there is no such host, or the delay is longer than an hour.
    pub fn delay_commands(&mut self, host: &str, delay: Duration) -> Result<(), SubnetError> {
        let position = self.host(host)?;
        if delay > LONGEST_DELAY {
            return Err(SubnetError::DelayTooLong(delay));
        }
        self.hosts[position].delay = delay;
        Ok(())
    }

    /// Makes the next commands on the host fail.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn fail_commands(&mut self, host: &str, count: u32) -> Result<(), SubnetError> {
        let position = self.host(host)?;
        self.hosts[position].commands_to_fail = count;
        Ok(())
    }

    /// Loses the host's next announcements.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn drop_announcements(&mut self, host: &str, count: u32) -> Result<(), SubnetError> {
        let position = self.host(host)?;
        self.hosts[position].announcements_to_drop = count;
        Ok(())
    }

    /// A command begins: how long it must wait, and whether it then fails.
    pub fn begin_command(&mut self, host: usize) -> (Duration, CommandStart) {
        self.count("commands");
        let Some(host) = self.hosts.get_mut(host) else {
            return (Duration::ZERO, CommandStart::Fail);
        };
        let start = if host.commands_to_fail > 0 {
            host.commands_to_fail -= 1;
            CommandStart::Fail
        } else {
            CommandStart::Proceed
        };
        let delay = host.delay;
        if start == CommandStart::Fail {
            self.count("commands-failed");
        }
        (delay, start)
    }

    /// Counts something that happened, for the state report.
    pub fn count(&mut self, what: &'static str) {
        *self.counters.entry(what).or_default() += 1;
    }

    /// How often something happened.
    #[must_use]
    pub fn counted(&self, what: &str) -> u64 {
        self.counters.get(what).copied().unwrap_or(0)
    }

    /// The holders of every watched address now.
    #[must_use]
    pub fn holders(&self) -> Vec<Holder> {
        let mut holders: Vec<Holder> = Vec::new();
        for host in &self.hosts {
            for nic in &host.nics {
                let movable = nic
                    .addresses
                    .iter()
                    .filter(|one| !one.own && !self.is_of_a_cluster(one.net.addr()));
                for one in movable {
                    let holder = Holder {
                        address: one.net.addr(),
                        host: host.name.clone(),
                        interface: nic.name.clone(),
                        reachable: nic.reachable(),
                    };
                    if !holders.contains(&holder) {
                        holders.push(holder);
                    }
                }
            }
        }
        holders.extend(self.cluster_holders());
        holders
    }

    /// The observations after number `after` that are still remembered, at most `limit`.
    #[must_use]
    pub fn observations(&self, after: u64, limit: usize) -> Vec<Observation> {
        let first = self.history.front().map_or(0, |first| first.sequence);
        let skip = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        self.history
            .iter()
            .skip(skip)
            .take(limit)
            .cloned()
            .collect()
    }

    /// What others must be told since the last call: whether anything changed, and who claimed what in whose
    /// hearing.
    pub fn take_news(&mut self) -> (bool, Vec<Sighting>) {
        (
            std::mem::take(&mut self.changed),
            std::mem::take(&mut self.sightings),
        )
    }

    fn record(&mut self, now: Moment, cause: String) {
        self.converge(now);
        self.changed = true;
        let observation = Observation {
            sequence: self.next_sequence,
            monotonic_ns: now.monotonic_ns,
            wall_us: now.wall_us,
            cause,
            holders: self.holders(),
        };
        self.next_sequence += 1;
        if self.history.len() == REMEMBERED {
            self.history.pop_front();
        }
        self.history.push_back(observation);
    }

    fn nic(&self, place: NicPlace) -> &Nic {
        &self.hosts[place.host].nics[place.nic]
    }

    /// Every NIC except the loopbacks, in the order in which they answer.
    fn nics(&self) -> impl Iterator<Item = (NicPlace, &Nic)> {
        self.hosts.iter().enumerate().flat_map(|(host, one)| {
            one.nics
                .iter()
                .enumerate()
                .filter(|(_, nic)| nic.segment.is_some())
                .map(move |(nic, found)| (NicPlace { host, nic }, found))
        })
    }
}

fn loopback() -> Nic {
    let standing = |address: IpAddr, prefix| {
        IpNet::new(address, prefix).ok().map(|net| Standing {
            net,
            label: "lo".to_owned(),
            broadcast: None,
            own: true,
            until_ns: None,
        })
    };
    let addresses = [
        standing(Ipv4Addr::LOCALHOST.into(), 8),
        standing(Ipv6Addr::LOCALHOST.into(), 128),
    ];
    Nic {
        name: "lo".to_owned(),
        index: 1,
        mac: None,
        segment: None,
        up: true,
        carrier: true,
        addresses: addresses.into_iter().flatten().collect(),
    }
}

fn own_broadcast(net: &IpNet) -> Option<Ipv4Addr> {
    match net {
        IpNet::V4(net) if net.prefix_len() < 31 => Some(net.broadcast()),
        IpNet::V4(_) | IpNet::V6(_) => None,
    }
}
