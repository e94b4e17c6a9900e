//! Owns the NLB cluster of a pair as the emulator is told of it.

use super::{Affinity, ClusterDescription, ClusterMember, Filtering, PortRule};
use changeover_model::environment::{NlbCluster, NlbPortRule, Pair, VirtualIp};
use changeover_model::{NlbAffinity, NlbFiltering, NlbMode, NlbProtocol, NlbState};
use ipnet::IpNet;
use std::time::Duration;

impl ClusterDescription {
    /// The cluster of a pair, if it has one: its IP is the first VIP, its adapter that VIP's.
    #[must_use]
    pub fn of(pair: &Pair, sip_port: u16, convergence: Duration) -> Option<Self> {
        let cluster = pair.nlb.as_ref()?;
        let vip = pair.virtual_ips.first()?;
        Some(Self {
            name: cluster.name.clone(),
            address: IpNet::new(vip.address, vip.prefix).ok()?,
            unicast: cluster.mode == NlbMode::Unicast,
            watched_port: sip_port,
            port_rules: cluster.port_rules.iter().map(rule).collect(),
            members: members(cluster, vip),
            started: cluster.default_state == NlbState::Started,
            convergence_ms: u64::try_from(convergence.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

fn members(cluster: &NlbCluster, vip: &VirtualIp) -> Vec<ClusterMember> {
    cluster
        .host_ids
        .iter()
        .map(|(host, id)| ClusterMember {
            host: host.to_string(),
            interface: vip.interfaces.get(host).cloned().unwrap_or_default(),
            id: *id,
        })
        .collect()
}

fn rule(rule: &NlbPortRule) -> PortRule {
    PortRule {
        first: rule.first,
        last: rule.last,
        udp: rule.protocol != NlbProtocol::Tcp,
        tcp: rule.protocol != NlbProtocol::Udp,
        filtering: match rule.filtering {
            NlbFiltering::Multiple => Filtering::Multiple,
            NlbFiltering::Single => Filtering::Single,
            NlbFiltering::Disabled => Filtering::Disabled,
        },
        affinity: match rule.affinity {
            NlbAffinity::None => Affinity::None,
            NlbAffinity::Single => Affinity::Single,
            NlbAffinity::ClassC => Affinity::ClassC,
        },
        load_weight: rule
            .load_weight
            .iter()
            .map(|(host, weight)| (host.to_string(), *weight))
            .collect(),
    }
}
