//! Owns the description of an NLB cluster as the emulator needs it: a rehearsal writes it from the environment, the subnet
//! plays it (`subnet/nlb.rs`).

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// An NLB cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterDescription {
    /// Its name.
    pub name: String,
    /// Its IP, which all its hosts have, with prefix.
    pub address: IpNet,
    /// The hosts share one MAC and do not hear each other over their cluster adapters.
    pub unicast: bool,
    /// The port whose traffic makes a host a holder of the cluster's IP.
    pub watched_port: u16,
    /// Its port rules.
    pub port_rules: Vec<PortRule>,
    /// Its hosts.
    pub members: Vec<ClusterMember>,
    /// Whether its hosts take part from the beginning.
    pub started: bool,
    /// What it takes to agree on who answers whom, in milliseconds.
    pub convergence_ms: u64,
}

/// A host of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterMember {
    /// The host.
    pub host: String,
    /// The NIC to which NLB is bound.
    pub interface: String,
    /// Its id in the cluster, from 1.
    pub id: u8,
}

/// What becomes of the traffic to a range of ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortRule {
    /// First port.
    pub first: u16,
    /// Last port.
    pub last: u16,
    /// It is about UDP.
    pub udp: bool,
    /// It is about TCP.
    pub tcp: bool,
    /// Who may answer.
    pub filtering: Filtering,
    /// What ties a client to a host.
    pub affinity: Affinity,
    /// Load of the hosts by name; equal for those that are not named.
    pub load_weight: Vec<(String, u8)>,
}

/// Who may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filtering {
    /// Clients are shared out.
    Multiple,
    /// The host with the lowest id.
    Single,
    /// Nobody.
    Disabled,
}

/// What ties a client to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Affinity {
    /// Its address and port.
    None,
    /// Its address.
    Single,
    /// The first 24 bits of its address.
    ClassC,
}

impl ClusterDescription {
    pub(crate) fn ip(&self) -> IpAddr {
        self.address.addr()
    }
}
