//! Owns NLB clusters: every host has the cluster's IP and gets its frames, and each takes what the port rules, the hosts that
//! take part and the client's address give it. What is asked of a host by `wlbs.exe` ends here too.
//!
//! A change (a host started, a port enabled, a cable pulled) counts at once for the host itself. The others learn of it by
//! convergence: until that has passed, clients are shared out as before, and those of a host that is gone are lost.

use std::net::{IpAddr, SocketAddr};

use changeover_emulated_nic::{
    Holder, NlbAnswer, NlbCall, NlbHostAnswer, NlbOutcome, NlbTarget, NlbVerb,
};

use super::{Moment, NicPlace, Path, Route, Silence, Station, Subnet, arp};
use crate::cluster::{ClusterDescription, Filtering, PortRule};

/// Who takes part: in the cluster, and in each rule; positions of members in order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shape {
    members: Vec<usize>,
    rules: Vec<Vec<usize>>,
}

/// A cluster in operation.
#[derive(Debug)]
pub(super) struct Cluster {
    description: ClusterDescription,
    members: Vec<Member>,
    /// As the hosts have agreed.
    agreed: Shape,
    /// As they will have, and when.
    coming: Option<(Shape, u64)>,
}

#[derive(Debug)]
struct Member {
    name: String,
    place: NicPlace,
    id: u8,
    started: bool,
    /// Per rule.
    enabled: Vec<bool>,
    /// Per rule.
    accepted: Vec<u64>,
}

/// A packet to a cluster.
pub(super) struct Flow {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) tcp: bool,
}

impl Cluster {
    /// A cluster of hosts that are there; `place` finds a NIC.
    pub(super) fn new(
        description: &ClusterDescription,
        place: impl Fn(&str, &str) -> Option<NicPlace>,
    ) -> Self {
        let rules = description.port_rules.len();
        let mut members: Vec<Member> = description
            .members
            .iter()
            .filter_map(|one| {
                Some(Member {
                    name: one.host.clone(),
                    place: place(&one.host, &one.interface)?,
                    id: one.id,
                    started: description.started,
                    enabled: vec![true; rules],
                    accepted: vec![0; rules],
                })
            })
            .collect();
        members.sort_by_key(|member| member.id);
        let mut cluster = Self {
            description: description.clone(),
            members,
            agreed: Shape::default(),
            coming: None,
        };
        // Everything is plugged in at the start.
        cluster.agreed = cluster.shape(|_| true);
        cluster
    }

    pub(super) fn ip(&self) -> IpAddr {
        self.description.ip()
    }

    fn rule(&self, port: u16, fits: impl Fn(&PortRule) -> bool) -> Option<usize> {
        let rules = self.description.port_rules.iter();
        rules
            .enumerate()
            .find(|(_, rule)| (rule.first..=rule.last).contains(&port) && fits(rule))
            .map(|(position, _)| position)
    }

    /// The rule that a packet falls under.
    fn rule_of(&self, flow: &Flow) -> Option<usize> {
        let of_protocol = |rule: &PortRule| if flow.tcp { rule.tcp } else { rule.udp };
        self.rule(flow.to.port(), of_protocol)
    }

    /// Whether the member answers the traffic of the watched port.
    fn serves(&self, member: &Member) -> bool {
        let rule = self.rule(self.description.watched_port, |rule| {
            rule.filtering != Filtering::Disabled
        });
        member.started && rule.is_some_and(|rule| member.enabled[rule])
    }

    fn shape(&self, reachable: impl Fn(NicPlace) -> bool) -> Shape {
        let taking_part = |position: &usize| {
            let member = &self.members[*position];
            member.started && reachable(member.place)
        };
        let members: Vec<usize> = (0..self.members.len()).filter(taking_part).collect();
        let of_rule = |rule: usize| {
            let enabled = |position: &usize| self.members[*position].enabled[rule];
            members.iter().copied().filter(enabled).collect()
        };
        Shape {
            rules: (0..self.description.port_rules.len())
                .map(of_rule)
                .collect(),
            members,
        }
    }

    fn agreed(&self, now: Moment) -> &Shape {
        match &self.coming {
            Some((shape, due)) if *due <= now.monotonic_ns => shape,
            Some(_) | None => &self.agreed,
        }
    }

    /// Takes note of a change; from now on the hosts need their time to agree.
    fn converge(&mut self, now: Moment, current: Shape) {
        if let Some((shape, due)) = self.coming.take() {
            if due <= now.monotonic_ns {
                self.agreed = shape;
            } else if shape == current {
                self.coming = Some((shape, due));
                return;
            }
        }
        if current != self.agreed {
            let wait = self.description.convergence_ms.saturating_mul(1_000_000);
            self.coming = Some((current, now.monotonic_ns.saturating_add(wait)));
        }
    }

    /// The member that the hosts have agreed on for this packet.
    fn chosen(&self, now: Moment, flow: &Flow) -> Option<usize> {
        let agreed = self.agreed(now);
        let Some(position) = self.rule_of(flow) else {
            // No rule: the default host's.
            return agreed.members.first().copied();
        };
        let able = &agreed.rules[position];
        let hosts: Vec<&str> = able
            .iter()
            .map(|member| self.members[*member].name.as_str())
            .collect();
        let rule = &self.description.port_rules[position];
        able.get(rule.share_out(&hosts, flow.from)?).copied()
    }
}

impl Subnet {
    fn cluster_at(&self, address: IpAddr) -> Option<usize> {
        self.clusters
            .iter()
            .position(|cluster| cluster.ip() == address)
    }

    /// Whether the address is a cluster's, which stands on all its hosts and never moves.
    pub(super) fn is_of_a_cluster(&self, address: IpAddr) -> bool {
        self.cluster_at(address).is_some()
    }

    /// Whether an address that stands on a host is one whose traffic it does not answer: to its LCA it is not there.
    pub(super) fn is_switched_off(&self, host: usize, address: IpAddr) -> bool {
        let Some(cluster) = self.cluster_at(address) else {
            return false;
        };
        let cluster = &self.clusters[cluster];
        !cluster
            .members
            .iter()
            .any(|member| member.place.host == host && cluster.serves(member))
    }

    /// The hosts that answer the watched port of their cluster.
    pub(super) fn cluster_holders(&self) -> impl Iterator<Item = Holder> {
        self.clusters.iter().flat_map(move |cluster| {
            let serving = cluster
                .members
                .iter()
                .filter(|member| cluster.serves(member));
            serving.map(|member| {
                let nic = self.nic(member.place);
                Holder {
                    address: cluster.ip(),
                    host: member.name.clone(),
                    interface: nic.name.clone(),
                    reachable: nic.reachable(),
                }
            })
        })
    }

    /// Takes note of what has changed.
    pub(super) fn converge(&mut self, now: Moment) {
        for position in 0..self.clusters.len() {
            let shape = self.clusters[position].shape(|place| self.nic(place).reachable());
            self.clusters[position].converge(now, shape);
        }
    }

    /// Whether two NICs belong to one unicast cluster: their frames never leave for a MAC that is their own.
    pub(super) fn share_a_mac(&self, one: NicPlace, other: NicPlace) -> bool {
        self.clusters.iter().any(|cluster| {
            let is_member =
                |place: NicPlace| cluster.members.iter().any(|member| member.place == place);
            cluster.description.unicast && is_member(one) && is_member(other)
        })
    }

    /// What becomes of a packet from a station, port rules of clusters included.
    pub fn route_flow(
        &mut self,
        now: Moment,
        station: Station,
        from: SocketAddr,
        to: SocketAddr,
        tcp: bool,
    ) -> Route {
        let Some(cluster) = self.cluster_at(to.ip()) else {
            return self.route(now, station, to.ip());
        };
        let asking = match self.asking(station, to.ip()) {
            Ok(asking) => asking,
            Err(route) => return route,
        };
        let flow = Flow { from, to, tcp };
        let Some(member) = self.clusters[cluster].chosen(now, &flow) else {
            // Every host gets the frame, and none takes it.
            return Route::Silent(Silence::NotHeld);
        };
        let place = self.clusters[cluster].members[member].place;
        let through = asking.through;
        let near = arp::is_near(asking.segment.as_deref(), self.nic(place));
        let able = self.takes(cluster, member, to.port());
        if !near {
            return Route::Silent(Silence::NobodyAnswers);
        }
        if !self.nic(place).reachable() {
            return Route::Silent(Silence::HolderUnplugged);
        }
        if !able {
            return Route::Silent(Silence::NotHeld);
        }
        if let Some(rule) = self.clusters[cluster].rule_of(&flow) {
            self.clusters[cluster].members[member].accepted[rule] += 1;
        }
        Route::Via(Path {
            from: through,
            to: place,
        })
    }

    /// Whether a member takes the traffic of a port now, whatever the others believe.
    fn takes(&self, cluster: usize, member: usize, port: u16) -> bool {
        let cluster = &self.clusters[cluster];
        let member = &cluster.members[member];
        let rule = cluster.rule(port, |_| true);
        member.started && rule.is_none_or(|rule| member.enabled[rule])
    }

    /// The host that answers the watched port of a cluster to a client, if just one does or all clients get the same.
    pub(super) fn cluster_entry(&self, now: Moment, address: IpAddr) -> Option<&str> {
        let position = self.cluster_at(address)?;
        let cluster = &self.clusters[position];
        let port = cluster.description.watched_port;
        let rule = cluster.rule(port, |_| true)?;
        let mut able = cluster.agreed(now).rules[rule].iter().filter(|member| {
            let place = cluster.members[**member].place;
            self.nic(place).reachable() && self.takes(position, **member, port)
        });
        match (able.next(), able.next()) {
            (Some(one), None) => Some(&cluster.members[*one].name),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }

    /// A wish of the host's LCA: the watched port on, or off. `None`: the adapter has no link, so nothing is done.
    pub(super) fn wish(
        &mut self,
        now: Moment,
        host: usize,
        address: IpAddr,
        on: bool,
    ) -> Option<bool> {
        let cluster = self.cluster_at(address)?;
        let port = self.clusters[cluster].description.watched_port;
        let found = self.clusters[cluster].members.iter();
        let member = found.enumerate().find(|(_, one)| one.place.host == host)?.0;
        if !self
            .nic(self.clusters[cluster].members[member].place)
            .reachable()
        {
            self.count("nlb-ignored");
            return None;
        }
        let verbs: &[NlbVerb] = if on {
            &[NlbVerb::Start, NlbVerb::Enable(Some(port))]
        } else {
            &[NlbVerb::Disable(Some(port))]
        };
        let mut changed = false;
        for verb in verbs {
            changed |= self.obey(now, cluster, member, *verb) == NlbOutcome::Done;
        }
        Some(changed)
    }

    /// `wlbs.exe`, typed on a host.
    pub fn nlb(&mut self, now: Moment, host: usize, call: &NlbCall) -> NlbAnswer {
        let clusters: Vec<usize> = match &call.cluster {
            Some(name) => {
                let named = |one: &Cluster| {
                    one.description.name.eq_ignore_ascii_case(name) || one.ip().to_string() == *name
                };
                self.clusters.iter().position(named).into_iter().collect()
            }
            None => {
                let own = |one: &Cluster| one.members.iter().any(|m| m.place.host == host);
                (0..self.clusters.len())
                    .filter(|position| own(&self.clusters[*position]))
                    .collect()
            }
        };
        if clusters.is_empty() {
            return NlbAnswer::NoSuchCluster;
        }
        let mut answers = Vec::new();
        for cluster in clusters {
            let meant = self.meant(cluster, host, &call.target);
            if meant.is_empty() {
                return NlbAnswer::NoSuchHost;
            }
            for member in meant {
                let outcome = self.command(now, host, cluster, member, call.verb);
                let one = &self.clusters[cluster].members[member];
                answers.push(NlbHostAnswer {
                    cluster: self.clusters[cluster].description.name.clone(),
                    address: self.clusters[cluster].ip(),
                    id: one.id,
                    host: one.name.clone(),
                    outcome,
                });
            }
        }
        NlbAnswer::Hosts(answers)
    }

    fn meant(&self, cluster: usize, host: usize, target: &NlbTarget) -> Vec<usize> {
        let members = &self.clusters[cluster].members;
        let is_meant = |position: &usize| {
            let member = &members[*position];
            match target {
                NlbTarget::Local => member.place.host == host,
                NlbTarget::Global => true,
                NlbTarget::Host(text) => {
                    member.id.to_string() == *text
                        || member.name.eq_ignore_ascii_case(text)
                        || text
                            .parse()
                            .is_ok_and(|ip| self.owner(ip) == Some(member.place.host))
                }
            }
        };
        (0..members.len()).filter(is_meant).collect()
    }

    fn command(
        &mut self,
        now: Moment,
        host: usize,
        cluster: usize,
        member: usize,
        verb: NlbVerb,
    ) -> NlbOutcome {
        let place = self.clusters[cluster].members[member].place;
        if place.host != host && !self.hears(host, cluster, place) {
            return NlbOutcome::Silent;
        }
        match verb {
            NlbVerb::Query => self.state(now, cluster, member),
            NlbVerb::QueryPort(port) => self.rule_state(cluster, member, port),
            NlbVerb::Start | NlbVerb::Stop | NlbVerb::Enable(_) | NlbVerb::Disable(_) => {
                if !self.nic(place).reachable() {
                    self.count("nlb-ignored");
                    return NlbOutcome::Ignored;
                }
                self.obey(now, cluster, member, verb)
            }
        }
    }

    /// Whether a host of the cluster gets a command from another host: over a segment on which both are plugged, but in unicast
    /// mode never over the cluster adapters, and not at all while its own cluster adapter has no link.
    fn hears(&self, host: usize, cluster: usize, place: NicPlace) -> bool {
        let cluster = &self.clusters[cluster];
        if !self.nic(place).reachable() {
            return false;
        }
        let Some(from) = self.hosts.get(host) else {
            return false;
        };
        let far = &self.hosts[place.host].nics;
        from.nics.iter().enumerate().any(|(position, near)| {
            let near_place = NicPlace {
                host,
                nic: position,
            };
            let of_cluster =
                |place: NicPlace| cluster.members.iter().any(|member| member.place == place);
            near.reachable()
                && far.iter().enumerate().any(|(other, nic)| {
                    let far_place = NicPlace {
                        host: place.host,
                        nic: other,
                    };
                    let deaf = cluster.description.unicast
                        && of_cluster(near_place)
                        && of_cluster(far_place);
                    nic.reachable() && nic.segment == near.segment && !deaf
                })
        })
    }

    /// Carries an order out on a member.
    fn obey(&mut self, now: Moment, cluster: usize, member: usize, verb: NlbVerb) -> NlbOutcome {
        let one = &mut self.clusters[cluster];
        let rules: Vec<usize> = match verb {
            NlbVerb::Enable(Some(port)) | NlbVerb::Disable(Some(port)) => {
                one.rule(port, |_| true).into_iter().collect()
            }
            _ => (0..one.description.port_rules.len()).collect(),
        };
        let name = one.description.name.clone();
        let member = &mut one.members[member];
        let (wanted, word) = match verb {
            NlbVerb::Start => (true, "started"),
            NlbVerb::Stop => (false, "stopped"),
            NlbVerb::Enable(_) => (true, "enabled its port"),
            NlbVerb::Disable(_) => (false, "disabled its port"),
            NlbVerb::Query | NlbVerb::QueryPort(_) => return NlbOutcome::AlreadySo,
        };
        let changed = if matches!(verb, NlbVerb::Start | NlbVerb::Stop) {
            std::mem::replace(&mut member.started, wanted) != wanted
        } else if rules.is_empty() {
            return NlbOutcome::NoRule;
        } else if !member.started {
            return NlbOutcome::Stopped;
        } else {
            let before = member.enabled.clone();
            for rule in rules {
                member.enabled[rule] = wanted;
            }
            member.enabled != before
        };
        if !changed {
            return NlbOutcome::AlreadySo;
        }
        let cause = format!("{}: {word} in the cluster {name}", member.name);
        self.record(now, cause);
        NlbOutcome::Done
    }

    fn state(&self, now: Moment, cluster: usize, member: usize) -> NlbOutcome {
        let cluster = &self.clusters[cluster];
        let current = cluster.shape(|place| self.nic(place).reachable());
        let ids = |positions: &[usize]| {
            let ids = positions.iter().map(|one| cluster.members[*one].id);
            ids.collect()
        };
        let alone = !current.members.contains(&member);
        NlbOutcome::State {
            started: cluster.members[member].started,
            converged: *cluster.agreed(now) == current,
            members: if alone {
                vec![cluster.members[member].id]
            } else {
                ids(&current.members)
            },
        }
    }

    fn rule_state(&self, cluster: usize, member: usize, port: u16) -> NlbOutcome {
        let cluster = &self.clusters[cluster];
        let Some(position) = cluster.rule(port, |_| true) else {
            return NlbOutcome::NoRule;
        };
        let rule = &cluster.description.port_rules[position];
        let member = &cluster.members[member];
        let all: u64 = cluster
            .members
            .iter()
            .map(|one| one.accepted[position])
            .sum();
        NlbOutcome::Rule {
            first: rule.first,
            last: rule.last,
            enabled: member.started && member.enabled[position],
            accepted: member.accepted[position],
            dropped: all - member.accepted[position],
        }
    }
}
