//! Owns the description of a site as the emulator needs it: hosts with NICs and their own addresses, the
//! Virtual IPs with their datagram ports, neighbours on the subnet. A rehearsal writes it from the
//! environment; [`crate::Subnet`] is built from it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::cluster::ClusterDescription;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The segment of NICs that name none.
pub(crate) const DEFAULT_SEGMENT: &str = "lan";
/// The station whose ARP table stands for every client outside the site.
pub(crate) const NEIGHBOUR: &str = "neighbour";

/// A site on an emulated network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteDescription {
    /// The hosts, in the order in which they answer ARP requests.
    pub hosts: Vec<HostDescription>,
    /// The addresses that move between hosts.
    #[serde(default)]
    pub virtual_ips: Vec<VirtualIpDescription>,
    /// Network devices in front of pairs; each is a station of its own beside the neighbours.
    #[serde(default)]
    pub devices: Vec<DeviceDescription>,
    /// Stations with an ARP table and no process of the site; without any there is one, `neighbour`. The
    /// first stands for every client outside the site.
    #[serde(default)]
    pub neighbours: Vec<NeighbourDescription>,
    /// How long an ARP entry is believed without being confirmed, in milliseconds.
    #[serde(default = "thirty_seconds")]
    pub arp_lifetime_ms: u64,
    /// NLB clusters; the IP of each is one of `virtual_ips`.
    #[serde(default)]
    pub clusters: Vec<ClusterDescription>,
}

fn thirty_seconds() -> u64 {
    30_000
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostDescription {
    /// Its name in the environment.
    pub name: String,
    /// Its NICs; the loopback is there by itself.
    pub interfaces: Vec<InterfaceDescription>,
}

/// A NIC of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceDescription {
    /// Its name, such as `eth0`.
    pub name: String,
    /// The Ethernet segment it is plugged into; NICs of different segments do not hear each other.
    #[serde(default = "lan")]
    pub segment: String,
    /// The host's own addresses on it, with prefix.
    #[serde(default)]
    pub addresses: Vec<IpNet>,
}

fn lan() -> String {
    DEFAULT_SEGMENT.to_owned()
}

/// A Virtual IP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VirtualIpDescription {
    /// The address.
    pub address: IpAddr,
    /// UDP ports that are open to clients from the beginning, whoever listens: a datagram to a Virtual IP
    /// without holder is lost, not refused.
    #[serde(default)]
    pub udp_ports: Vec<u16>,
}

/// A network device: it holds Virtual IPs itself and sends their traffic to the host that answers its OPTIONS as primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceDescription {
    /// Its name among the stations.
    pub name: String,
    /// Its own address, from which it asks.
    pub address: IpAddr,
    /// From one OPTIONS to the next, in milliseconds.
    pub check_interval_ms: u64,
    /// What it serves.
    pub pools: Vec<PoolDescription>,
}

/// A Virtual IP of a network device, with the servers behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolDescription {
    /// The address that clients know.
    pub address: IpAddr,
    /// The UDP port, the same on the servers.
    pub port: u16,
    /// The servers' own addresses.
    pub members: Vec<IpAddr>,
}

/// A station on the subnet that is no host of the site, such as a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeighbourDescription {
    /// Its name.
    pub name: String,
    /// Its address, if a client runs there: datagrams from that address count as this station's.
    #[serde(default)]
    pub address: Option<IpAddr>,
    /// The segment it is on; a router without one is on all.
    #[serde(default)]
    pub segment: Option<String>,
}

/// Why a description cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// Two stations share a name.
    #[error(
        "two stations of the site are called {0:?}; hosts and neighbours need names of their own"
    )]
    DuplicateName(String),
    /// Two NICs of a host share a name.
    #[error("host {host:?} has two interfaces called {interface:?}")]
    DuplicateInterface {
        /// The host.
        host: String,
        /// The NIC's name.
        interface: String,
    },
    /// A cluster names a host or NIC that the site does not have, or an IP that is none of its Virtual IPs.
    #[error(
        "the cluster {0:?} needs hosts and NICs of the site, each once, and a Virtual IP of it"
    )]
    Cluster(String),
    /// Two stations own the same address.
    #[error("{0} is given to two stations; only a Virtual IP may move between them")]
    DuplicateAddress(IpAddr),
    /// A loopback or unspecified address as a site address.
    #[error("{0} is no address of a subnet")]
    UnusableAddress(IpAddr),
    /// A NIC's name that would be a label, empty, or the loopback's.
    #[error(
        "{0:?} is no name for a NIC here: it must be neither empty nor `lo`, and without a colon"
    )]
    UnusableInterface(String),
}

impl SiteDescription {
    /// The neighbours, the default one included, and behind them the network devices.
    pub(crate) fn stations(&self) -> Vec<NeighbourDescription> {
        let mut stations = if self.neighbours.is_empty() {
            vec![NeighbourDescription {
                name: NEIGHBOUR.to_owned(),
                address: None,
                segment: None,
            }]
        } else {
            self.neighbours.clone()
        };
        stations.extend(self.devices.iter().map(|device| NeighbourDescription {
            name: device.name.clone(),
            address: Some(device.address),
            segment: None,
        }));
        stations
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// See [`SiteError`].
    pub fn check(&self) -> Result<(), SiteError> {
        let mut names = BTreeSet::new();
        let mut own = BTreeSet::new();
        let mut claim = |address: IpAddr| {
            if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
                Err(SiteError::UnusableAddress(address))
            } else if own.insert(address) {
                Ok(())
            } else {
                Err(SiteError::DuplicateAddress(address))
            }
        };
        for host in &self.hosts {
            if !names.insert(host.name.clone()) {
                return Err(SiteError::DuplicateName(host.name.clone()));
            }
            let mut interfaces = BTreeSet::new();
            for interface in &host.interfaces {
                let name = &interface.name;
                if name.is_empty() || name == "lo" || name.contains(':') {
                    return Err(SiteError::UnusableInterface(name.clone()));
                }
                if !interfaces.insert(name) {
                    return Err(SiteError::DuplicateInterface {
                        host: host.name.clone(),
                        interface: name.clone(),
                    });
                }
                for address in &interface.addresses {
                    claim(address.addr())?;
                }
            }
        }
        for neighbour in self.stations() {
            if !names.insert(neighbour.name.clone()) {
                return Err(SiteError::DuplicateName(neighbour.name));
            }
            if let Some(address) = neighbour.address {
                claim(address)?;
            }
        }
        for pool in self.devices.iter().flat_map(|device| &device.pools) {
            claim(pool.address)?;
        }
        for vip in &self.virtual_ips {
            claim(vip.address)?;
        }
        self.check_clusters()
    }

    fn check_clusters(&self) -> Result<(), SiteError> {
        for cluster in &self.clusters {
            let mut ids = BTreeSet::new();
            let has_vip = self
                .virtual_ips
                .iter()
                .any(|vip| vip.address == cluster.ip());
            let sound = cluster.members.iter().all(|member| {
                let host = self.hosts.iter().find(|host| host.name == member.host);
                let nic = host.is_some_and(|host| {
                    let mut nics = host.interfaces.iter();
                    nics.any(|nic| nic.name == member.interface)
                });
                nic && ids.insert(member.id)
            });
            if !(has_vip && sound) {
                return Err(SiteError::Cluster(cluster.name.clone()));
            }
        }
        Ok(())
    }
}
