//! The shell of the Message Server, played: its connections and its store with faults.

use super::arrivals::{alarm_stream, log_stream};
use super::event::{Connection, End, Event, Payload};
use super::{Driven, Life, Node, World, feed_driven};
use crate::scenario::{DiskMood, Planted};
use changeover_message_server_core::{
    Identity, Input, MessageServerCore, Output, Recovered, StoreRequest,
};
use changeover_model::Ticket;
use changeover_model::environment::MessageServerSlice;
use changeover_model::message::{AlarmDetected, LogRecord, SourceId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What is in the database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(crate) records: BTreeMap<u64, LogRecord>,
    pub(crate) detections: Vec<AlarmDetected>,
    unmatched: BTreeSet<u64>,
    pub(crate) high_water: BTreeMap<SourceId, u64>,
    slice: Option<MessageServerSlice>,
}

impl Store {
    fn commit(&mut self, request: StoreRequest, forgetful: bool) {
        for record in request.records {
            let high = self
                .high_water
                .entry(record.event.source.clone())
                .or_insert(0);
            *high = record.event.sequence.max(*high);
            if !(forgetful && record.position.is_multiple_of(2)) {
                self.records.insert(record.position, record);
            }
        }
        self.detections.extend(request.detections);
        self.unmatched.extend(request.unmatched);
        for position in request.matched {
            self.unmatched.remove(&position);
        }
    }

    fn recovered(&self) -> Recovered {
        Recovered {
            high_water: self.high_water.clone().into_iter().collect(),
            unacknowledged: self.detections.clone(),
            slice: self.slice.clone(),
            unmatched: self
                .unmatched
                .iter()
                .filter_map(|position| self.records.get(position).cloned())
                .collect(),
            highest_position: self.records.last_key_value().map_or(0, |(at, _)| *at),
            notes: Vec::new(),
        }
    }
}

/// One thing on its way to the disk.
#[derive(Clone, Debug)]
enum Write {
    Store(Ticket, StoreRequest),
    Slice(Ticket, MessageServerSlice),
    ForgetDetection(SourceId, u64),
    ForgetSource(SourceId),
    Retain(Ticket),
}

/// The Message Server's process, and what is its own beyond it.
#[derive(Clone, Default)]
pub(crate) struct MessageServer {
    pub(crate) driven: Option<Driven<MessageServerCore>>,
    pub(crate) store: Store,
    writes: VecDeque<(Write, bool)>,
    last_write: u64,
    pub(crate) mood: Option<DiskMood>,
}

impl World {
    pub(crate) fn start_message_server(&mut self) {
        if self.message_server.driven.is_some() {
            return;
        }
        let life = self.new_life();
        let layer = &self.environment.management_layer;
        let identity = Identity {
            application: layer.message_server.clone(),
            host: Some(layer.message_server_host.clone()),
            source: SourceId(format!("{}/{life}", layer.message_server).into()),
            version: "simulated".to_owned(),
        };
        self.message_server.driven = Some(Driven::new(
            MessageServerCore::new(identity),
            life,
            self.now,
        ));
        self.say(|_| "message-server starts".to_owned());
        let recovered = self.message_server.store.recovered();
        self.message_server_input(life, Input::Recovered(recovered));
    }

    pub(crate) fn crash_message_server(&mut self) {
        let Some(driven) = self.message_server.driven.take() else {
            return;
        };
        self.say(|_| "message-server dies".to_owned());
        let reached = self.random.index(self.message_server.writes.len() + 1);
        let writes = std::mem::take(&mut self.message_server.writes);
        for (write, fails) in writes.into_iter().take(reached) {
            self.carry_out(write, fails);
        }
        self.close_ends(End::MessageServer(driven.life));
    }

    pub(crate) fn message_server_input(&mut self, life: Life, input: Input) {
        let local = self.clock(0);
        let mut outputs = Vec::new();
        let driven = self.message_server.driven.as_mut();
        if feed_driven(driven, life, local, input, &mut outputs) {
            self.message_server_act_all(life, outputs);
        }
    }

    pub(crate) fn message_server_act_all(&mut self, life: Life, outputs: Vec<Output>) {
        self.trace.mark(self.now, 2_000 + outputs.len() as u64);
        for output in outputs {
            self.message_server_act(life, output);
        }
        self.arm(Node::MessageServer);
    }

    fn message_server_act(&mut self, life: Life, output: Output) {
        match output {
            Output::ToScs {
                connection,
                message,
            } => {
                self.note_from_message_server(&message);
                let payload = Payload::FromMessageServer(Box::new(message));
                self.send(connection.0 / 2, 0, payload);
            }
            Output::Acknowledge {
                connection,
                acknowledged,
            } => {
                let payload = Payload::LogAcknowledged(acknowledged);
                self.send(connection.0 / 2, 0, payload);
            }
            Output::CloseSender { connection, .. } => self.close_sender(life, connection.0 / 2),
            Output::Store { ticket, request } => {
                self.message_server_writes(life, Write::Store(ticket, request));
            }
            Output::PersistSlice { ticket, slice } => {
                self.message_server_writes(life, Write::Slice(ticket, slice));
            }
            Output::ForgetDetection { source, sequence } => {
                self.message_server_writes(life, Write::ForgetDetection(source, sequence));
            }
            Output::ForgetSource { source } => {
                self.message_server_writes(life, Write::ForgetSource(source));
            }
            Output::Retain { ticket, .. } => {
                self.message_server_writes(life, Write::Retain(ticket));
            }
            Output::Noted(note) => self.say(|_| format!("message-server notes {note:?}")),
        }
    }

    fn close_sender(&mut self, life: Life, connection: Connection) {
        self.close_side(connection, 1);
        let alarms = Input::ScsDisconnected {
            connection: alarm_stream(connection),
        };
        let log = Input::SenderDisconnected {
            connection: log_stream(connection),
        };
        for input in [alarms, log] {
            self.plan(0, Event::MessageServer(life, Box::new(input)));
        }
    }

    fn message_server_writes(&mut self, life: Life, write: Write) {
        self.touched.touch(super::Part::MessageServer);
        let mood = self.message_server.mood.unwrap_or(DiskMood::Fast);
        let takes = self.disk_takes(mood);
        let fails = mood == DiskMood::Fails && self.random.chance(500);
        self.message_server.writes.push_back((write, fails));
        let at = (self.now + takes).max(self.message_server.last_write);
        self.message_server.last_write = at;
        self.queue.push(at, Event::MessageServerWrite(life));
    }

    /// Does it, and tells what the core is to be told.
    fn carry_out(&mut self, write: Write, fails: bool) -> Option<Input> {
        let reason = "disk full".to_owned();
        let forgetful = self.planted == Planted::ForgetfulStore;
        let store = &mut self.message_server.store;
        match write {
            Write::Store(ticket, _) if fails => Some(Input::StoreFailed { ticket, reason }),
            Write::Store(ticket, request) => {
                store.commit(request, forgetful);
                Some(Input::Stored { ticket })
            }
            Write::Slice(ticket, _) if fails => Some(Input::SlicePersistFailed { ticket, reason }),
            Write::Slice(ticket, slice) => {
                store.slice = Some(slice);
                Some(Input::SlicePersisted { ticket })
            }
            Write::ForgetDetection(source, sequence) => {
                if !fails {
                    store.detections.retain(|kept| {
                        kept.event.source != source || kept.event.sequence != sequence
                    });
                }
                None
            }
            Write::ForgetSource(source) => {
                store.high_water.remove(&source);
                None
            }
            Write::Retain(ticket) if fails => Some(Input::RetainFailed { ticket, reason }),
            Write::Retain(ticket) => Some(Input::Retained {
                ticket,
                more: false,
            }),
        }
    }

    pub(crate) fn message_server_write_done(&mut self, life: Life) {
        if self.life_of(Node::MessageServer) != Some(life) {
            return;
        }
        let Some((write, fails)) = self.message_server.writes.pop_front() else {
            return;
        };
        if let Some(input) = self.carry_out(write, fails) {
            self.message_server_input(life, input);
        }
    }
}
