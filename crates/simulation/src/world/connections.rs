//! Connections between processes: who can reach whom, dialling, delay, order, silence and breaking. A silent
//! partition holds what is on the way (no FIN, no RST, dials time out) and lets it go on when it is over, or
//! finds the connection dead by then.

use super::event::{Connection, Dial, End, Event, HostIndex, Payload};
use super::{Node, World};
use changeover_scs_core::LinkLoss;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Longest delay between two dials, SCS to LCA (TRAPS and DESIGN: 250 ms).
const LONGEST_BACK_OFF: u64 = 250_000;
/// A dial that nobody answers is given up after this.
const DIAL_TIMEOUT: u64 = 500_000;

/// One connection; side 0 has dialled.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) dial: Dial,
    hosts: [HostIndex; 2],
    pub(crate) ends: [End; 2],
    pub(crate) open: [bool; 2],
    /// The dialling side knows that it stands.
    pub(crate) up: bool,
    /// The listening side knows it.
    accepted: bool,
    /// When the last message towards each side arrives.
    last: [u64; 2],
    /// What waits for the end of a partition, towards each side.
    held: [VecDeque<Payload>; 2],
}

impl Link {
    /// What waits for the end of a partition and tells something.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Payload> {
        let both = self.held.iter().flatten();
        both.filter(|payload| payload.is_telling())
    }
}

/// All connections, and what lies between hosts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network {
    pub(crate) links: BTreeMap<Connection, Link>,
    newest: Connection,
    pub(crate) cuts: BTreeSet<(HostIndex, HostIndex)>,
    /// What the first says does not reach the second.
    pub(crate) one_way: BTreeSet<(HostIndex, HostIndex)>,
    /// Longest delay of a message, microseconds; 0 = an ordinary LAN.
    pub(crate) slow: u64,
    attempts: BTreeMap<Dial, u32>,
}

impl World {
    /// True if packets get from one host to the other now.
    pub(crate) fn reaches(&self, one: HostIndex, other: HostIndex) -> bool {
        let pair = (one.min(other), one.max(other));
        one == other
            || (self.hosts[one].can_be_heard(self.now)
                && self.hosts[other].can_be_heard(self.now)
                && !self.network.cuts.contains(&pair))
    }

    /// True if what one host says gets to the other now.
    pub(crate) fn carries(&self, from: HostIndex, to: HostIndex) -> bool {
        self.reaches(from, to) && !self.network.one_way.contains(&(from, to))
    }

    fn delay(&mut self, local: bool) -> u64 {
        if local {
            return self.random.between(10, 80);
        }
        if self.network.slow > 0 && self.random.chance(200) {
            return self.random.between(1_000, self.network.slow.max(1_000));
        }
        self.random.between(60, 400)
    }

    pub(crate) fn link(&self, connection: Connection) -> Option<&Link> {
        self.network.links.get(&connection)
    }

    /// Sends towards a side of a connection.
    pub(crate) fn send(&mut self, connection: Connection, to: usize, payload: Payload) {
        let Some(link) = self.network.links.get(&connection) else {
            return;
        };
        if !link.open[to] {
            return;
        }
        let [one, other] = link.hosts;
        let from = link.hosts[1 - to];
        if payload.is_telling() {
            self.touched.sent(link.ends[1 - to], from, link.hosts[to]);
        }
        if !self.carries(from, link.hosts[to]) || !link.held[to].is_empty() {
            if let Some(link) = self.network.links.get_mut(&connection) {
                link.held[to].push_back(payload);
            }
            return;
        }
        let delay = self.delay(one == other);
        let now = self.now;
        if let Some(link) = self.network.links.get_mut(&connection) {
            let at = (now + delay).max(link.last[to]);
            link.last[to] = at;
            self.queue.push(at, Event::Arrive(connection, to, payload));
        }
    }

    /// A partition has ended: what was held goes on, or the connection is found dead.
    pub(crate) fn release_held(&mut self) {
        let waiting: Vec<Connection> = self
            .network
            .links
            .iter()
            .filter(|(_, link)| {
                [0, 1].into_iter().any(|side| {
                    !link.held[side].is_empty()
                        && self.carries(link.hosts[1 - side], link.hosts[side])
                })
            })
            .map(|(connection, _)| *connection)
            .collect();
        for connection in waiting {
            let dead = self.random.chance(250);
            for side in [0, 1] {
                let held = self
                    .network
                    .links
                    .get_mut(&connection)
                    .map(|link| std::mem::take(&mut link.held[side]))
                    .unwrap_or_default();
                if dead {
                    self.send(connection, side, Payload::Closed(LinkLoss::Closed));
                    continue;
                }
                for payload in held {
                    self.send(connection, side, payload);
                }
            }
        }
    }

    /// Both sides learn that the connection broke.
    pub(crate) fn break_connection(&mut self, connection: Connection) {
        self.send(connection, 0, Payload::Closed(LinkLoss::Closed));
        self.send(connection, 1, Payload::Closed(LinkLoss::Closed));
    }

    /// One side closes it; the other learns.
    pub(crate) fn close_side(&mut self, connection: Connection, side: usize) {
        let Some(link) = self.network.links.get_mut(&connection) else {
            return;
        };
        link.open[side] = false;
        self.send(connection, 1 - side, Payload::Closed(LinkLoss::Closed));
        self.forget_closed(connection);
    }

    pub(crate) fn forget_closed(&mut self, connection: Connection) {
        if self
            .link(connection)
            .is_some_and(|link| link.open == [false, false])
        {
            self.network.links.remove(&connection);
        }
    }

    /// A process is gone, and its ends of connections with it. A host without power says nothing more.
    pub(crate) fn close_ends(&mut self, of: End) {
        let its: Vec<(Connection, usize)> = self
            .network
            .links
            .iter()
            .flat_map(|(connection, link)| {
                [0, 1]
                    .into_iter()
                    .filter(|side| link.ends[*side] == of && link.open[*side])
                    .map(|side| (*connection, side))
            })
            .collect();
        for (connection, side) in its {
            self.close_side(connection, side);
        }
    }

    /// Every connection of a host with another one.
    pub(crate) fn connections_of(&self, host: HostIndex) -> Vec<Connection> {
        self.network
            .links
            .iter()
            .filter(|(_, link)| link.hosts.contains(&host) && link.hosts[0] != link.hosts[1])
            .map(|(connection, _)| *connection)
            .collect()
    }

    fn caller(dial: Dial) -> (HostIndex, End) {
        match dial {
            Dial::ScsToLca(life, _) | Dial::ScsToMessageServer(life) => (0, End::Scs(life)),
            Dial::ServerToLca(host, run) | Dial::ServerToMessageServer(host, run) => {
                (host, End::Server(host, run))
            }
            Dial::LcaToLca(host, life, _) => (host, End::Lca(host, life)),
        }
    }

    /// The listening process, if there is one.
    fn callee(&self, dial: Dial) -> (HostIndex, Option<End>) {
        match dial {
            Dial::ScsToLca(_, host) | Dial::ServerToLca(host, _) | Dial::LcaToLca(_, _, host) => {
                let lca = self.hosts[host].lca.as_ref();
                (host, lca.map(|driven| End::Lca(host, driven.life)))
            }
            Dial::ScsToMessageServer(_) | Dial::ServerToMessageServer(..) => {
                let driven = self.message_server.driven.as_ref();
                (0, driven.map(|driven| End::MessageServer(driven.life)))
            }
        }
    }

    pub(crate) fn is_alive(&self, end: End) -> bool {
        match end {
            End::Scs(life) => self.life_of(Node::Scs) == Some(life),
            End::MessageServer(life) => self.life_of(Node::MessageServer) == Some(life),
            End::Lca(host, life) => self.life_of(Node::Lca(host)) == Some(life),
            End::Server(host, run) => self.hosts[host]
                .processes
                .get(&run)
                .is_some_and(|process| process.main_lives()),
        }
    }

    pub(crate) fn life_of(&self, node: Node) -> Option<super::Life> {
        match node {
            Node::Scs => self.scs.driven.as_ref().map(|driven| driven.life),
            Node::MessageServer => {
                let driven = self.message_server.driven.as_ref();
                driven.map(|driven| driven.life)
            }
            Node::Lca(host) => self.hosts[host].lca.as_ref().map(|driven| driven.life),
        }
    }

    /// Somebody dials.
    pub(crate) fn dial(&mut self, dial: Dial) {
        let (from, caller) = Self::caller(dial);
        if !self.is_alive(caller) {
            return;
        }
        let (to, callee) = self.callee(dial);
        if !self.carries(from, to) || !self.carries(to, from) {
            self.plan(DIAL_TIMEOUT, Event::DialFailed(dial, LinkLoss::TimedOut));
            return;
        }
        let Some(callee) = callee else {
            let delay = self.delay(from == to);
            self.plan(2 * delay, Event::DialFailed(dial, LinkLoss::Refused));
            return;
        };
        self.network.newest += 1;
        let connection = self.network.newest;
        let link = Link {
            dial,
            hosts: [from, to],
            ends: [caller, callee],
            open: [true, true],
            up: false,
            accepted: false,
            last: [self.now; 2],
            held: [VecDeque::new(), VecDeque::new()],
        };
        self.network.links.insert(connection, link);
        self.send(connection, 1, Payload::Opened);
    }

    /// A dial came to nothing: its component is told where it wants to know, and it is dialled again.
    pub(crate) fn dial_failed(&mut self, dial: Dial, loss: LinkLoss) {
        if let Dial::ScsToLca(life, host) = dial {
            let host = self.hosts[host].name.clone();
            let input = changeover_scs_core::ScsInput::DialFailed { host, loss };
            self.scs_input(life, input);
        }
        self.dial_again(dial);
    }

    /// Dials again after a growing pause.
    pub(crate) fn dial_again(&mut self, dial: Dial) {
        let attempts = self.network.attempts.entry(dial).or_insert(0);
        let longest = (10_000_u64 << (*attempts).min(5)).min(LONGEST_BACK_OFF);
        *attempts += 1;
        let pause = self.random.between(longest / 2, longest);
        self.plan(pause, Event::Dial(dial));
    }

    /// The dialling side knows that its connection stands.
    pub(crate) fn connection_stands(&mut self, connection: Connection) {
        if let Some(link) = self.network.links.get_mut(&connection) {
            link.up = true;
            self.network.attempts.remove(&link.dial);
        }
    }

    pub(crate) fn connection_accepted(&mut self, connection: Connection) {
        if let Some(link) = self.network.links.get_mut(&connection) {
            link.accepted = true;
        }
    }

    /// The connection over which an LCA speaks to the SCS.
    pub(crate) fn newest_scs_connection(
        &self,
        host: HostIndex,
        life: super::Life,
    ) -> Option<Connection> {
        self.network
            .links
            .iter()
            .rev()
            .find(|(_, link)| {
                matches!(link.dial, Dial::ScsToLca(..))
                    && link.ends[1] == End::Lca(host, life)
                    && link.open[1]
                    && link.accepted
            })
            .map(|(connection, _)| *connection)
    }

    pub(crate) fn mark_closed(&mut self, connection: Connection, side: usize) {
        if let Some(link) = self.network.links.get_mut(&connection) {
            link.open[side] = false;
        }
    }
}
