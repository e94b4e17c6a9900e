//! The shell of the SCS, played: its connections, its disk with faults, its probes. Owns no decision.

use super::event::{Connection, Dial, Event, Payload};
use super::{Driven, Life, Node, World, feed_driven, micros};
use crate::scenario::{DiskMood, Planted};
use changeover_model::Ticket;
use changeover_model::message::ToMessageServer;
use changeover_scs_core::{
    Echo, ScsCore, ScsIdentity, ScsInput, ScsOutput, StoreChange, StoredState,
};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A write on its way to the disk.
#[derive(Clone, Debug)]
struct Write {
    ticket: Ticket,
    changes: Vec<StoreChange>,
    fails: bool,
}

/// The SCS's process, and what is its own beyond it.
#[derive(Clone, Default)]
pub(crate) struct Scs {
    pub(crate) driven: Option<Driven<ScsCore>>,
    /// What is on disk.
    pub(crate) store: StoredState,
    writes: VecDeque<Write>,
    last_write: u64,
    pub(crate) mood: Option<DiskMood>,
    /// The connection that stands to each LCA.
    pub(crate) links: BTreeMap<usize, Connection>,
    pub(crate) message_server: Option<Connection>,
    /// The core has said Hello on it: what it said before was meant for the connection before.
    pub(crate) greeted: bool,
    pub(crate) fences_fail: bool,
}

impl World {
    pub(crate) fn start_scs(&mut self) {
        if self.scs.driven.is_some() {
            return;
        }
        let life = self.new_life();
        let identity = ScsIdentity {
            version: "simulated".to_owned(),
            session: life,
        };
        let core = ScsCore::new(self.clock(0), identity, self.scs.store.clone());
        self.scs.driven = Some(Driven::new(core, life, self.now));
        self.say(|_| "scs starts".to_owned());
        let environment = ScsInput::EnvironmentLoaded(self.environment.clone());
        self.scs_input(life, environment);
        for host in 1..self.hosts.len() {
            let after = self.random.between(500, 5_000);
            self.plan(after, Event::Dial(Dial::ScsToLca(life, host)));
        }
        let after = self.random.between(500, 5_000);
        self.plan(after, Event::Dial(Dial::ScsToMessageServer(life)));
    }

    /// The process is gone; of what was on its way to the disk the earlier part is there.
    pub(crate) fn crash_scs(&mut self) {
        let Some(driven) = self.scs.driven.take() else {
            return;
        };
        self.say(|_| "scs dies".to_owned());
        let reached = self.random.index(self.scs.writes.len() + 1);
        for write in std::mem::take(&mut self.scs.writes)
            .into_iter()
            .take(reached)
        {
            if !write.fails {
                self.apply_to_store(write.changes);
            }
        }
        if self.planted == Planted::LostStores {
            self.scs.store = StoredState::default();
        }
        if self.planted == Planted::FragileAddresses {
            self.all_vips_go();
        }
        self.scs.links.clear();
        self.scs.message_server = None;
        self.operators.forget_requests();
        self.close_ends(super::End::Scs(driven.life));
    }

    fn apply_to_store(&mut self, changes: Vec<StoreChange>) {
        for change in changes {
            self.scs.store.apply(change);
        }
    }

    pub(crate) fn scs_input(&mut self, life: Life, input: ScsInput) {
        let local = self.clock(0);
        let mut outputs = Vec::new();
        let driven = self.scs.driven.as_mut();
        if feed_driven(driven, life, local, input, &mut outputs) {
            self.scs_act_all(life, outputs);
        }
    }

    pub(crate) fn scs_act_all(&mut self, life: Life, outputs: Vec<ScsOutput>) {
        self.trace.mark(self.now, 1_000 + outputs.len() as u64);
        for output in outputs {
            self.scs_act(life, output);
        }
        self.arm(Node::Scs);
    }

    fn scs_act(&mut self, life: Life, output: ScsOutput) {
        match output {
            ScsOutput::ToLca {
                host,
                connection,
                message,
            } => {
                let Some(index) = self.host_index(&host) else {
                    return;
                };
                if self.scs.links.get(&index) == Some(&connection) {
                    self.note_order(index, &message);
                    self.send(connection, 1, Payload::ToLca(message));
                }
            }
            ScsOutput::CloseLca { host } => {
                let index = self.host_index(&host);
                if let Some(index) = index
                    && let Some(connection) = self.scs.links.remove(&index)
                {
                    self.say(|_| format!("scs closes its connection to lca@{host}"));
                    self.close_side(connection, 0);
                    self.plan(1_000, Event::Dial(Dial::ScsToLca(life, index)));
                }
            }
            ScsOutput::ProbeHost { host, timeout } => self.probe_host(life, &host, timeout),
            ScsOutput::ToMessageServer(message) => {
                self.scs.greeted |= matches!(*message, ToMessageServer::Hello { .. });
                if let Some(connection) = self.scs.message_server.filter(|_| self.scs.greeted) {
                    self.send(connection, 1, Payload::ToMessageServer(message));
                }
            }
            ScsOutput::SendLog(batch) => {
                if let Some(connection) = self.scs.message_server.filter(|_| self.scs.greeted) {
                    self.note_batch(life, &batch);
                    self.send(connection, 1, Payload::Log(batch));
                }
            }
            ScsOutput::Reply { request, answer } => self.replied(request, *answer),
            ScsOutput::Persist { ticket, changes } => self.scs_writes(life, ticket, changes),
            ScsOutput::SendEmail { ticket, .. }
            | ScsOutput::SendSnmpTrap { ticket, .. }
            | ScsOutput::RunCommand { ticket, .. } => {
                let result = if self.scs.fences_fail {
                    Err("exit 1".to_owned())
                } else {
                    Ok("done".to_owned())
                };
                let input = ScsInput::EffectFinished { ticket, result };
                self.plan(5_000, Event::Scs(life, Box::new(input)));
            }
            ScsOutput::ReactionChanged(reaction) => self.note_reaction(&reaction),
            ScsOutput::PictureChanged => {}
        }
    }

    fn probe_host(&mut self, life: Life, host: &changeover_model::HostName, timeout: Duration) {
        let Some(index) = self.host_index(host) else {
            return;
        };
        let (after, echo) = if !self.carries(0, index) || !self.carries(index, 0) {
            (micros(timeout), Echo::TimedOut)
        } else if self.hosts[index].lca.is_some() {
            (self.random.between(100, 900), Echo::Answered)
        } else {
            (self.random.between(100, 900), Echo::Refused)
        };
        let host = host.clone();
        let input = ScsInput::HostEchoed { host, echo };
        self.plan(after, Event::Scs(life, Box::new(input)));
    }

    fn scs_writes(&mut self, life: Life, ticket: Ticket, changes: Vec<StoreChange>) {
        self.note_changes(&changes);
        self.touched.touch(super::Part::Scs);
        let mood = self.scs.mood.unwrap_or(DiskMood::Fast);
        let takes = self.disk_takes(mood);
        let fails = mood == DiskMood::Fails && self.random.chance(500);
        self.scs.writes.push_back(Write {
            ticket,
            changes,
            fails,
        });
        let at = (self.now + takes).max(self.scs.last_write);
        self.scs.last_write = at;
        self.queue.push(at, Event::ScsWrite(life));
    }

    pub(crate) fn disk_takes(&mut self, mood: DiskMood) -> u64 {
        match mood {
            DiskMood::Fast | DiskMood::Fails => self.random.between(100, 900),
            DiskMood::Slow => self.random.between(1_000, 500_000),
        }
    }

    pub(crate) fn scs_write_done(&mut self, life: Life) {
        if self.life_of(Node::Scs) != Some(life) {
            return;
        }
        let Some(write) = self.scs.writes.pop_front() else {
            return;
        };
        let ticket = write.ticket;
        let input = if write.fails {
            let reason = "no space left on device".to_owned();
            ScsInput::PersistFailed { ticket, reason }
        } else {
            self.apply_to_store(write.changes);
            ScsInput::Persisted(ticket)
        };
        self.scs_input(life, input);
    }
}
