//! Owns the description of an NLB cluster as the emulator needs it: a rehearsal writes it from the environment, the subnet
//! plays it (`subnet/nlb.rs`).

mod of_pair;

use std::net::{IpAddr, SocketAddr};

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

/// The load of a host for which a rule names none.
const EQUAL: u32 = 50;

impl ClusterDescription {
    pub(crate) fn ip(&self) -> IpAddr {
        self.address.addr()
    }

    /// The host that gets a client's packets to the watched port while it is enabled on all of them.
    #[must_use]
    pub fn host_for(&self, client: SocketAddr) -> Option<&str> {
        let port = self.watched_port;
        let mut rules = self.port_rules.iter();
        let rule = rules.find(|rule| (rule.first..=rule.last).contains(&port))?;
        let mut members: Vec<&ClusterMember> = self.members.iter().collect();
        members.sort_by_key(|member| member.id);
        let hosts: Vec<&str> = members.iter().map(|member| member.host.as_str()).collect();
        hosts.get(rule.share_out(&hosts, client)?).copied()
    }
}

impl PortRule {
    /// Which of the hosts that are able, in order of their ids, gets this client's packets.
    pub(crate) fn share_out(&self, able: &[&str], client: SocketAddr) -> Option<usize> {
        match self.filtering {
            Filtering::Disabled => None,
            Filtering::Single => (!able.is_empty()).then_some(0),
            Filtering::Multiple => {
                let weights: Vec<u32> = able.iter().map(|host| self.weight(host)).collect();
                let total: u32 = weights.iter().sum();
                let number = self.affinity.number_of(client);
                if total > 0 && weights.windows(2).all(|two| two[0] == two[1]) {
                    let count = u32::try_from(able.len()).unwrap_or(1);
                    return usize::try_from(number % count).ok();
                }
                let mut bucket = number.checked_rem(total)?;
                weights.iter().position(|share| {
                    let mine = bucket < *share;
                    bucket = bucket.saturating_sub(*share);
                    mine
                })
            }
        }
    }

    fn weight(&self, host: &str) -> u32 {
        let given = self.load_weight.iter().find(|(name, _)| name == host);
        given.map_or(EQUAL, |(_, weight)| u32::from(*weight))
    }
}

impl Affinity {
    /// A client as a number: the sum of what ties it to a host. The real function is not published; what counts is that the
    /// same client always gets the same number, and different ones different hosts.
    fn number_of(self, client: SocketAddr) -> u32 {
        let octets: Vec<u8> = match client.ip() {
            IpAddr::V4(ip) => ip.octets().into(),
            IpAddr::V6(ip) => ip.octets().into(),
        };
        let sum = |octets: &[u8]| octets.iter().map(|octet| u32::from(*octet)).sum::<u32>();
        match self {
            Self::None => sum(&octets) + u32::from(client.port()),
            Self::Single => sum(&octets),
            Self::ClassC => sum(octets.get(..3).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(affinity: Affinity, load_weight: &[(&str, u8)]) -> ClusterDescription {
        let member = |host: &str, id| ClusterMember {
            host: host.to_owned(),
            interface: "lan".to_owned(),
            id,
        };
        ClusterDescription {
            name: "sipcluster".to_owned(),
            address: "10.10.11.103/24".parse().expect("an address"),
            unicast: true,
            watched_port: 5060,
            port_rules: vec![PortRule {
                first: 5060,
                last: 5060,
                udp: true,
                tcp: true,
                filtering: Filtering::Multiple,
                affinity,
                load_weight: load_weight
                    .iter()
                    .map(|(host, weight)| ((*host).to_owned(), *weight))
                    .collect(),
            }],
            members: vec![member("host2", 2), member("host1", 1)],
            started: false,
            convergence_ms: 100,
        }
    }

    #[test]
    fn a_clients_host_follows_from_its_address_its_port_and_the_load() {
        let host = |cluster: &ClusterDescription, client: &str| {
            let client = client.parse().expect("an address");
            cluster.host_for(client).map(ToOwned::to_owned)
        };
        let single = cluster(Affinity::Single, &[]);
        let by_port = cluster(Affinity::None, &[]);
        let idle = cluster(Affinity::Single, &[("host1", 0)]);
        let off = ClusterDescription {
            watched_port: 5061,
            ..single.clone()
        };
        let seen = [
            host(&single, "10.10.11.1:5060"),
            host(&single, "10.10.11.2:5060"),
            host(&single, "10.10.11.2:5061"),
            host(&by_port, "10.10.11.2:5060"),
            host(&by_port, "10.10.11.2:5061"),
            host(&idle, "10.10.11.1:5060"),
            host(&off, "10.10.11.1:5060"),
        ];
        let seen: Vec<&str> = seen
            .iter()
            .map(|host| host.as_deref().unwrap_or("nobody"))
            .collect();
        assert_eq!(
            seen,
            [
                "host1", "host2", "host2", "host2", "host1", "host2", "nobody"
            ]
        );
    }
}
