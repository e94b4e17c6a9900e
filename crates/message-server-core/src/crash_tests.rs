//! A Message Server that crashes at any point and starts again from what its disk has, between a sender and
//! an SCS that reconnect: no acknowledged event is lost, every matching event reaches the SCS exactly once
//! after its duplicate check, and in the order of the log.

use super::*;
use crate::Outbox;
use crate::exchange::StoreRequest;
use changeover_model::environment::{AlarmCategory, AlarmCondition, Selection};
use changeover_model::message::SourceId;
use changeover_model::{LogEventId, LogLevel};
use proptest::prelude::*;
use std::collections::BTreeSet;

const MATCHING: LogEventId = LogEventId(4561);

/// What may happen next. Each step is possible at any time; one without anything to do does nothing.
#[derive(Clone, Copy, Debug)]
enum Happening {
    /// The application logs an event that matches, or one that does not.
    Logged { matching: bool },
    /// The oldest message on the way from the sender arrives.
    SenderToServer,
    /// The oldest acknowledgement on the way to the sender arrives.
    ServerToSender,
    /// The oldest message on the way to the SCS arrives (and is answered).
    ServerToScs,
    /// The oldest message on the way from the SCS arrives.
    ScsToServer,
    /// The disk carries out the oldest thing it was asked for, or fails to.
    Disk { fails: bool },
    /// Time passes.
    Pause,
    /// The sender's connection breaks; what was on the way is gone.
    SenderCut,
    /// The SCS's connection breaks.
    ScsCut,
    /// The Message Server dies, with everything that its disk has not done.
    Crash,
}

#[derive(Default)]
struct Disk {
    records: BTreeMap<u64, LogRecord>,
    detections: Vec<AlarmDetected>,
    unmatched: BTreeSet<u64>,
    high_water: BTreeMap<SourceId, u64>,
    slice: Option<MessageServerSlice>,
}

impl Disk {
    fn commit(&mut self, request: StoreRequest) {
        for record in request.records {
            let source = record.event.source.clone();
            let highest = self.high_water.entry(source).or_insert(0);
            *highest = record.event.sequence.max(*highest);
            self.records.insert(record.position, record);
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
                .map(|position| self.records[position].clone())
                .collect(),
            highest_position: self.records.last_key_value().map_or(0, |(at, _)| *at),
            notes: Vec::new(),
        }
    }
}

struct World {
    now: Timestamp,
    lives: u64,
    core: MessageServerCore,
    disk: Disk,
    to_disk: VecDeque<Output>,
    outbox: Outbox,
    sender: ConnectionId,
    to_server: VecDeque<LogBatch>,
    to_sender: VecDeque<u64>,
    scs: ConnectionId,
    to_scs: VecDeque<FromMessageServer>,
    from_scs: VecDeque<ToMessageServer>,
    connections: u64,
    /// What the SCS took after its duplicate check.
    taken: Vec<u64>,
    logged: Vec<(u64, bool)>,
    acknowledged: u64,
}

fn conditions() -> MessageServerSlice {
    MessageServerSlice {
        revision: Revision(1),
        conditions: vec![AlarmCondition {
            name: "C".into(),
            description: String::new(),
            category: AlarmCategory::Critical,
            detect: MATCHING,
            selection: Selection::Any,
            cancel: None,
            cancel_timeout: Duration::from_secs(3600),
            reaction_scripts: Vec::new(),
            clearance_scripts: Vec::new(),
            enabled: true,
        }],
        application_types: [].into_iter().collect(),
        log_keep: LOG_KEEP,
        log_size: LOG_SIZE,
    }
}

impl World {
    fn new() -> Self {
        let mut world = World {
            now: Timestamp(1_000_000),
            lives: 0,
            core: MessageServerCore::new(World::identity(0)),
            disk: Disk::default(),
            to_disk: VecDeque::new(),
            outbox: Outbox::new(SourceId("A/1".into())),
            sender: ConnectionId(0),
            to_server: VecDeque::new(),
            to_sender: VecDeque::new(),
            scs: ConnectionId(0),
            to_scs: VecDeque::new(),
            from_scs: VecDeque::new(),
            connections: 0,
            taken: Vec::new(),
            logged: Vec::new(),
            acknowledged: 0,
        };
        world.start();
        world
    }

    fn identity(life: u64) -> Identity {
        Identity {
            application: "MessageServer".into(),
            host: None,
            source: SourceId(format!("MessageServer/{life}").into()),
            version: String::new(),
        }
    }

    fn start(&mut self) {
        self.lives += 1;
        self.core = MessageServerCore::new(World::identity(self.lives));
        self.to_disk.clear();
        self.give(Input::Recovered(self.disk.recovered()));
        self.connect_sender();
        self.connect_scs();
    }

    fn connect_sender(&mut self) {
        let connection = self.sender;
        self.give(Input::SenderDisconnected { connection });
        self.connections += 1;
        self.sender = ConnectionId(self.connections);
        self.to_server.clear();
        self.to_sender.clear();
        self.outbox.disconnected();
        self.outbox.connected();
        self.send();
    }

    fn connect_scs(&mut self) {
        let connection = self.scs;
        self.give(Input::ScsDisconnected { connection });
        self.connections += 1;
        self.scs = ConnectionId(self.connections);
        self.to_scs.clear();
        self.from_scs.clear();
        let connection = self.scs;
        self.give(Input::ScsConnected { connection });
        let version = String::new();
        self.from_scs.push_back(ToMessageServer::Hello {
            version,
            session: 1,
        });
        self.from_scs
            .push_back(ToMessageServer::Configure(conditions()));
    }

    fn send(&mut self) {
        self.to_server.extend(self.outbox.next_batches());
    }

    fn give(&mut self, input: Input) {
        let mut outputs = Vec::new();
        self.core.handle(self.now, input, &mut outputs);
        self.carry_out(outputs);
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::ToScs {
                    connection,
                    message,
                } if connection == self.scs => {
                    self.to_scs.push_back(message);
                }
                Output::Acknowledge {
                    connection,
                    acknowledged,
                } if connection == self.sender => {
                    self.to_sender.push_back(acknowledged.up_to);
                }
                Output::ToScs { .. } | Output::Acknowledge { .. } | Output::Noted(_) => {}
                Output::CloseSender { .. } => self.connect_sender(),
                Output::Store { .. }
                | Output::ForgetDetection { .. }
                | Output::ForgetSource { .. }
                | Output::PersistSlice { .. }
                | Output::Retain { .. } => self.to_disk.push_back(output),
            }
        }
    }

    fn disk(&mut self, fails: bool) {
        let Some(asked) = self.to_disk.pop_front() else {
            return;
        };
        let reason = || "disk full".to_owned();
        let answer = match asked {
            Output::Store { ticket, .. } if fails => Input::StoreFailed {
                ticket,
                reason: reason(),
            },
            Output::Store { ticket, request } => {
                self.disk.commit(request);
                Input::Stored { ticket }
            }
            Output::PersistSlice { ticket, .. } if fails => Input::SlicePersistFailed {
                ticket,
                reason: reason(),
            },
            Output::PersistSlice { ticket, slice } => {
                self.disk.slice = Some(slice);
                Input::SlicePersisted { ticket }
            }
            Output::ForgetDetection { source, sequence } => {
                if !fails {
                    self.disk
                        .detections
                        .retain(|it| (&it.event.source, it.event.sequence) != (&source, sequence));
                }
                return;
            }
            Output::Retain { ticket, .. } => Input::Retained {
                ticket,
                more: false,
            },
            Output::ForgetSource { .. }
            | Output::ToScs { .. }
            | Output::Acknowledge { .. }
            | Output::CloseSender { .. }
            | Output::Noted(_) => return,
        };
        self.give(answer);
    }

    fn scs_takes(&mut self) {
        if let Some(FromMessageServer::AlarmDetected(detected)) = self.to_scs.pop_front() {
            let (source, sequence) = (detected.event.source, detected.event.sequence);
            if source == *self.outbox.source() && !self.taken.contains(&sequence) {
                self.taken.push(sequence);
            }
            let answer = ToMessageServer::AlarmAcknowledged { source, sequence };
            self.from_scs.push_back(answer);
        }
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Logged { matching } => {
                let id = if matching { MATCHING } else { LogEventId(1000) };
                let sequence = self.outbox.push(NewLogEvent {
                    application: "A".into(),
                    host: None,
                    id,
                    level: LogLevel::Standard,
                    text: String::new(),
                    at: self.now,
                    epoch: None,
                    cause: None,
                    origin: LogOrigin::Application,
                });
                self.logged.push((sequence, matching));
                self.send();
            }
            Happening::SenderToServer => {
                if let Some(batch) = self.to_server.pop_front() {
                    let connection = self.sender;
                    self.give(Input::BatchReceived { connection, batch });
                }
            }
            Happening::ServerToSender => {
                if let Some(up_to) = self.to_sender.pop_front() {
                    self.acknowledged = self.acknowledged.max(up_to);
                    self.outbox.acknowledged(up_to);
                    self.send();
                }
            }
            Happening::ServerToScs => self.scs_takes(),
            Happening::ScsToServer => {
                if let Some(message) = self.from_scs.pop_front() {
                    let connection = self.scs;
                    self.give(Input::ScsMessage {
                        connection,
                        message,
                    });
                }
            }
            Happening::Disk { fails } => self.disk(fails),
            Happening::Pause => {
                self.now = self.now + Duration::from_secs(10);
                let mut outputs = Vec::new();
                self.core.tick(self.now, &mut outputs);
                self.carry_out(outputs);
            }
            Happening::SenderCut => self.connect_sender(),
            Happening::ScsCut => self.connect_scs(),
            Happening::Crash => self.start(),
        }
    }

    /// Every acknowledged event is on the disk, exactly once.
    fn nothing_acknowledged_is_lost(&self) {
        let mut on_disk: Vec<u64> = self
            .disk
            .records
            .values()
            .filter(|record| record.event.source == *self.outbox.source())
            .map(|record| record.event.sequence)
            .collect();
        let in_order_of_position = on_disk.clone();
        on_disk.sort_unstable();
        on_disk.dedup();
        assert_eq!(on_disk, in_order_of_position, "stored once and in order");
        let acknowledged: Vec<u64> = (1..=self.acknowledged).collect();
        assert!(
            on_disk.starts_with(&acknowledged),
            "{on_disk:?} {acknowledged:?}"
        );
    }

    /// Lets everything that is under way arrive, with nothing failing any more.
    fn settle(&mut self) {
        for _ in 0..2_000 {
            for happening in [
                Happening::SenderToServer,
                Happening::Disk { fails: false },
                Happening::ServerToScs,
                Happening::ScsToServer,
                Happening::ServerToSender,
            ] {
                self.happens(happening);
            }
            let idle = self.to_server.is_empty()
                && self.to_disk.is_empty()
                && self.to_scs.is_empty()
                && self.from_scs.is_empty()
                && self.to_sender.is_empty();
            if !idle {
                continue;
            }
            // A repetition may still wait for its time.
            self.happens(Happening::Pause);
            if self.to_disk.is_empty() && self.outbox.is_empty() {
                return;
            }
        }
        panic!(
            "never comes to rest: {:?} waiting",
            self.outbox.pending().len()
        );
    }
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => any::<bool>().prop_map(|matching| Happening::Logged { matching }),
        4 => Just(Happening::SenderToServer),
        3 => Just(Happening::ServerToSender),
        3 => Just(Happening::ServerToScs),
        3 => Just(Happening::ScsToServer),
        4 => prop::bool::weighted(0.2).prop_map(|fails| Happening::Disk { fails }),
        1 => Just(Happening::Pause),
        1 => Just(Happening::SenderCut),
        1 => Just(Happening::ScsCut),
        1 => Just(Happening::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whenever_it_crashes_nothing_is_lost_and_the_scs_takes_every_detection_once(
        happenings in prop::collection::vec(happening(), 0..120)
    ) {
        let mut world = World::new();
        for happening in happenings {
            world.happens(happening);
            world.nothing_acknowledged_is_lost();
        }
        world.settle();
        world.nothing_acknowledged_is_lost();
        let matching = |&(sequence, matching): &(u64, bool)| matching.then_some(sequence);
        let expected: Vec<u64> = world.logged.iter().filter_map(matching).collect();
        prop_assert_eq!(&world.taken, &expected, "each once and in order");
        let all: Vec<u64> = world.logged.iter().map(|(sequence, _)| *sequence).collect();
        prop_assert_eq!(world.acknowledged, all.last().copied().unwrap_or(0));
        prop_assert!(world.disk.unmatched.is_empty());
    }
}
