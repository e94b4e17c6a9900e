//! A number for a situation of the whole world: equal where what happens next is the same. Owns what counts: the
//! cores' own essences, processes, addresses, connections, everything under way, and times from now in steps of a
//! quarter of a second. Left out: what was, names that only grow, and the phase of beats.

use super::connections::Link;
use super::event::{Connection, Dial, End, Event, HostIndex, Payload, ServerStep};
use super::host::{Host, Work};
use super::{Node, World};
use changeover_model::Epoch;
use changeover_model::message::{LcaOrder, LcaReport};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

/// Times that are less apart count as one.
const COARSE: u64 = 250_000;

impl World {
    /// The number of this situation.
    pub(crate) fn essence(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let into = &mut hasher;
        let base = self.highest_epoch();
        if let Some(scs) = &self.scs.driven {
            scs.core.essence(self.clock(0), base, into);
        } else {
            0_u8.hash(into);
        }
        self.scs.links.keys().for_each(|host| host.hash(into));
        (self.scs.message_server.is_some(), self.scs.greeted).hash(into);
        (
            self.message_server.driven.is_some(),
            self.message_server.store.detections.len(),
        )
            .hash(into);
        for (index, host) in self.hosts.iter().enumerate().skip(1) {
            self.host_essence(index, host, base, into);
        }
        self.network.cuts.hash(into);
        self.network.one_way.hash(into);
        for link in self.network.links.values() {
            link.essence(into);
        }
        for (address, host) in &self.neighbour {
            (address, host).hash(into);
        }
        for (at, event) in self.queue.all() {
            if self.event_essence(event, into) {
                ((at - self.now) / COARSE).hash(into);
            }
        }
        hasher.finish()
    }

    fn highest_epoch(&self) -> Epoch {
        let kept = self.scs.store.pairs.values().map(|pair| pair.epoch);
        kept.max().unwrap_or(Epoch(0))
    }

    fn host_essence(&self, index: HostIndex, host: &Host, base: Epoch, into: &mut impl Hasher) {
        (host.cable, host.powered, host.boots_after.is_some()).hash(into);
        host.frozen.is_some().hash(into);
        discriminant(&host.scripts).hash(into);
        for address in host.addresses.keys() {
            address.hash(into);
        }
        for at in host.expires.values() {
            (at.saturating_sub(self.now) / COARSE / 8).hash(into);
        }
        for process in host.processes.values() {
            process.application.hash(into);
            (
                process.forked,
                process.unwanted,
                process.killed,
                process.main_gone,
            )
                .hash(into);
            discriminant(&process.work).hash(into);
            match &process.work {
                Work::Server(server) => server.essence(base, into),
                Work::Script { action, epoch, .. } => {
                    discriminant(action).hash(into);
                    base.0.wrapping_sub(epoch.0).hash(into);
                }
                Work::Hook { .. } | Work::ThirdParty { .. } | Work::Plain => {}
            }
        }
        match &host.lca {
            Some(lca) => lca.core.essence(self.clock(index), base, into),
            None => {
                // What its next life begins with.
                for record in host.kept.pairs.values() {
                    base.0.wrapping_sub(record.epoch.0).hash(into);
                    base.0.wrapping_sub(record.voted.0).hash(into);
                    (&record.primary, record.sole.is_some()).hash(into);
                }
            }
        }
    }

    /// Arrivals at one process on two connections that are less than `jitter` apart: their places in the queue, the
    /// earliest two of each process.
    pub(crate) fn rivals(&self, jitter: u64) -> Vec<((u64, u64), (u64, u64))> {
        let mut first: BTreeMap<End, (u64, u64, Connection)> = BTreeMap::new();
        let mut found = Vec::new();
        let mut done = BTreeSet::new();
        for ((at, number), event) in self.queue.keyed() {
            if *at > self.now + 4 * jitter {
                break;
            }
            let Event::Arrive(connection, side, payload) = event else {
                continue;
            };
            let end = self.link(*connection).map(|link| link.ends[*side]);
            let Some(end) = end.filter(|_| payload.is_telling()) else {
                continue;
            };
            match first.get(&end) {
                None => {
                    first.insert(end, (*at, *number, *connection));
                }
                Some((earlier, key, other)) => {
                    let near = at - earlier <= jitter && other != connection;
                    if near && done.insert(end) {
                        found.push(((*earlier, *key), (*at, *number)));
                    }
                }
            }
        }
        found
    }

    /// The second of two planned events comes right before the first.
    pub(crate) fn overtake(&mut self, first: (u64, u64), second: (u64, u64)) {
        self.say(|_| "two messages overtake each other".to_owned());
        self.queue.overtake(first, second);
    }

    /// True if its time matters as well.
    fn event_essence(&self, event: &Event, into: &mut impl Hasher) -> bool {
        match event {
            Event::Wake(..) | Event::AddressExpires(..) | Event::Look => return false,
            Event::Arrive(connection, side, payload) => {
                if !payload.is_telling() {
                    return false;
                }
                if let Some(link) = self.link(*connection) {
                    dial_essence(link.dial, into);
                }
                side.hash(into);
                payload_essence(payload, into);
            }
            Event::Dial(dial) | Event::DialFailed(dial, _) => {
                discriminant(event).hash(into);
                dial_essence(*dial, into);
                // When exactly it is dialled again makes no difference to be looked for.
                return false;
            }
            Event::Server(host, _, step) => {
                if matches!(step, ServerStep::Answer(_)) {
                    return false;
                }
                host.hash(into);
                discriminant(step).hash(into);
            }
            Event::Restart(node) | Event::Resume(node) => {
                discriminant(event).hash(into);
                node_essence(*node, into);
            }
            Event::Fork(host, ..)
            | Event::ScriptEffect(host, _)
            | Event::Exit(host, ..)
            | Event::Gone(host, _)
            | Event::PowerOn(host)
            | Event::PowerOff(host, _)
            | Event::RemoveAddresses(host, ..)
            | Event::ReadAddresses(host, ..)
            | Event::Watched(host, _)
            | Event::LcaWrite(host, ..)
            | Event::Lca(host, ..) => {
                discriminant(event).hash(into);
                host.hash(into);
            }
            Event::Over(over) => {
                discriminant(over).hash(into);
            }
            Event::Check(..) => return false,
            Event::Scs(..)
            | Event::MessageServer(..)
            | Event::ScsWrite(_)
            | Event::MessageServerWrite(_)
            | Event::Act(_)
            | Event::BringUp
            | Event::Heal
            | Event::TidyUp => discriminant(event).hash(into),
        }
        true
    }
}

fn node_essence(node: Node, into: &mut impl Hasher) {
    match node {
        Node::Scs => 0_usize.hash(into),
        Node::MessageServer => 1_usize.hash(into),
        Node::Lca(host) => (2 + host).hash(into),
    }
}

fn dial_essence(dial: Dial, into: &mut impl Hasher) {
    discriminant(&dial).hash(into);
    match dial {
        Dial::ScsToLca(_, host)
        | Dial::ServerToLca(host, _)
        | Dial::ServerToMessageServer(host, _)
        | Dial::LcaToLca(host, ..) => host.hash(into),
        Dial::ScsToMessageServer(_) => {}
    }
}

fn payload_essence(payload: &Payload, into: &mut impl Hasher) {
    discriminant(payload).hash(into);
    match payload {
        Payload::ToLca(message) => {
            discriminant(&message.body).hash(into);
            if let LcaOrder::SetRunMode { key, run_mode }
            | LcaOrder::StartApplication { key, run_mode, .. } = &message.body
            {
                key.application.hash(into);
                discriminant(run_mode).hash(into);
            }
        }
        Payload::FromLca(message) => {
            discriminant(&message.body).hash(into);
            if let LcaReport::ApplicationChanged(state) = &message.body {
                state.application.hash(into);
                discriminant(&state.status).hash(into);
                discriminant(&state.run_mode).hash(into);
            }
        }
        Payload::ToMessageServer(message) => discriminant(&**message).hash(into),
        Payload::FromMessageServer(message) => discriminant(&**message).hash(into),
        Payload::ToApplication(message) => discriminant(&**message).hash(into),
        Payload::FromApplication(message) => discriminant(&**message).hash(into),
        Payload::ToPeer(message) => discriminant(&**message).hash(into),
        Payload::FromPeer(message) => discriminant(&**message).hash(into),
        Payload::Log(batch) => batch.events.len().hash(into),
        Payload::Opened | Payload::Closed(_) | Payload::LogAcknowledged(_) => {}
    }
}

impl Link {
    fn essence(&self, into: &mut impl Hasher) {
        dial_essence(self.dial, into);
        (self.open, self.up).hash(into);
        for end in self.ends {
            match end {
                End::Lca(host, _) | End::Server(host, _) => host.hash(into),
                End::Scs(_) | End::MessageServer(_) => {}
            }
        }
        for payload in self.waiting() {
            payload_essence(payload, into);
        }
    }
}
