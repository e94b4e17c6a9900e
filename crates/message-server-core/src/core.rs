//! Owns the receiving end of log delivery and detection, as one state machine: events are taken in once,
//! matched, stored and only then acknowledged; what they matched is told to the SCS before the commit and
//! kept until the SCS has it. So a crash at any point repeats something and loses nothing.
//!
//! The parts: `sources.rs` (duplicates), `detector.rs` (what matches), `detections.rs` (what the SCS does not
//! have yet), `storing.rs` (transactions). The flow goes on in `scs-core`, with `AlarmDetected`.

use crate::detections::Detections;
use crate::detector::Detector;
use crate::exchange::{ConnectionId, Identity, Input, Note, Output, Recovered};
use crate::outbox::{NewLogEvent, cut};
use crate::own_events;
use crate::sources::{Arrival, Sources};
use crate::storing::{SLOW, Storing};
use changeover_model::environment::MessageServerSlice;
use changeover_model::message::{
    AlarmDetected, FromMessageServer, LogBatch, LogEvent, LogOrigin, LogRecord, ToMessageServer,
};
use changeover_model::{
    Core, Refusal, RefusalCode, Revision, Ticket, TimerTable, Timestamp, planted,
};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Most events kept for matching while there are no conditions.
const UNMATCHED: usize = 10_000;
/// How often old events are deleted.
const RETENTION_INTERVAL: Duration = Duration::from_secs(60);
/// Between two deletions while there is more to delete: the store serves events in between.
const RETENTION_PAUSE: Duration = Duration::from_millis(100);
/// Age and size of the log while nobody has said otherwise; the defaults of the environment file.
const LOG_KEEP: Duration = Duration::from_secs(30 * 86_400);
const LOG_SIZE: u64 = 1 << 30;
/// After a failed attempt to keep the conditions.
const SLICE_RETRY: Duration = Duration::from_secs(5);
/// An attempt to keep the conditions that was not answered for this long is repeated.
const SLICE_DEADLINE: Duration = Duration::from_secs(30);
/// Notes that could come with every event come once in this time.
const NOTE_INTERVAL: Duration = Duration::from_secs(10);

/// The Message Server's core; see the crate's documentation.
#[derive(Clone, Debug)]
pub struct MessageServerCore {
    identity: Identity,
    ready: bool,
    own_sequence: u64,
    position: u64,
    last_ticket: Ticket,
    sources: Sources,
    storing: Storing,
    detections: Detections,
    conditions: Option<Conditions>,
    /// Events received before there were conditions.
    unmatched: VecDeque<LogRecord>,
    timers: TimerTable<Timer>,
    noted: BTreeMap<Limited, Timestamp>,
    /// Events that arrived again since the start.
    repeated: u64,
}

#[derive(Clone, Debug)]
struct Conditions {
    slice: MessageServerSlice,
    detector: Detector,
    /// The open attempt to keep them, if one is open.
    persisting: Option<Ticket>,
    /// The slice that the open attempt writes is the one in force.
    current: bool,
    failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    StoreRetry,
    StoreSlow,
    Slice,
    Retention,
}

/// Notes that could come with every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Limited {
    Detection,
    Unmatched,
    Reserved,
}

impl Core for MessageServerCore {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, outputs: &mut Vec<Output>) {
        match input {
            Input::Recovered(recovered) => self.recovered(now, recovered, outputs),
            Input::BatchReceived { connection, batch } => {
                self.batch(now, connection, batch, outputs);
            }
            Input::SenderDisconnected { connection } => self.sources.disconnected(connection),
            Input::Stored { ticket } => self.stored(now, ticket, outputs),
            Input::StoreFailed { ticket, reason } => {
                self.store_failed(now, ticket, reason, outputs);
            }
            Input::SlicePersisted { ticket } => self.slice_persisted(now, ticket, outputs),
            Input::SlicePersistFailed { ticket, reason } => {
                self.slice_failed(now, ticket, reason, outputs);
            }
            Input::Retained { ticket: _, more } => {
                if more {
                    self.timers.set(Timer::Retention, now + RETENTION_PAUSE);
                }
            }
            Input::RetainFailed { ticket: _, reason } => {
                self.note(now, Note::RetentionFailing { reason }, outputs);
            }
            Input::ScsConnected { connection } => self.detections.scs_connected(connection),
            Input::ScsMessage {
                connection,
                message,
            } => self.scs_message(now, connection, message, outputs),
            Input::ScsDisconnected { connection } => self.detections.scs_disconnected(connection),
        }
        self.open_store(now, outputs);
    }

    fn tick(&mut self, now: Timestamp, outputs: &mut Vec<Output>) {
        while let Some((_, timer)) = self.timers.pop_due(now) {
            match timer {
                Timer::StoreRetry => self.storing.not_before = None,
                Timer::StoreSlow => {
                    self.storing.overdue();
                    self.note(now, Note::StoreSlow, outputs);
                }
                Timer::Slice => self.persist_slice(now, outputs),
                Timer::Retention => self.retain(now, outputs),
            }
        }
        self.open_store(now, outputs);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.earliest()
    }
}

impl MessageServerCore {
    /// A Message Server that waits for [`Input::Recovered`].
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            ready: false,
            own_sequence: 0,
            position: 0,
            last_ticket: Ticket(0),
            sources: Sources::default(),
            storing: Storing::default(),
            detections: Detections::default(),
            conditions: None,
            unmatched: VecDeque::new(),
            timers: TimerTable::default(),
            noted: BTreeMap::new(),
            repeated: 0,
        }
    }

    /// Revision of the conditions in force; 0 = none yet.
    pub fn revision(&self) -> Revision {
        self.conditions
            .as_ref()
            .map_or(Revision(0), |conditions| conditions.slice.revision)
    }

    /// How many events have arrived in this life although they had been taken in before.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    fn ticket(&mut self) -> Ticket {
        self.last_ticket = self.last_ticket.next();
        self.last_ticket
    }

    fn recovered(&mut self, now: Timestamp, recovered: Recovered, outputs: &mut Vec<Output>) {
        if self.ready {
            return;
        }
        self.ready = true;
        self.position = recovered.highest_position;
        for (source, stored) in recovered.high_water {
            self.sources.recovered(source, stored);
        }
        for detected in recovered.unacknowledged {
            self.keep(now, detected, outputs);
        }
        self.unmatched = recovered.unmatched.into();
        if let Some(slice) = recovered.slice {
            self.conditions = Some(Conditions::new(slice));
            self.match_the_unmatched(now, outputs);
        }
        self.detections.send(outputs);
        for text in recovered.notes {
            self.note(now, Note::AtStart { text }, outputs);
        }
        self.sources.forget_excess(outputs);
        self.timers.set(Timer::Retention, now + RETENTION_INTERVAL);
    }

    fn batch(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        batch: LogBatch,
        outputs: &mut Vec<Output>,
    ) {
        let refusal = if !self.ready {
            Some("the log database is not open yet; send again in a moment")
        } else if self.storing.is_full() {
            Some("too many events wait for the log database; send again in a moment")
        } else {
            None
        };
        if let Some(reason) = refusal {
            let refusal = Refusal::new(RefusalCode::Overloaded, reason);
            outputs.push(Output::CloseSender {
                connection,
                refusal,
            });
            return;
        }
        let source = batch.source;
        self.sources.touch(&source, Some(connection));
        let mut something_new = false;
        for mut event in batch.events {
            let Arrival::New { missing } = self.sources.take(&source, event.sequence) else {
                self.repeated = self.repeated.saturating_add(1);
                continue;
            };
            something_new = true;
            event.source = source.clone();
            cut(&mut event.text);
            if missing > 0 {
                let source = source.clone();
                let count = missing;
                self.note(now, Note::EventsLost { source, count }, outputs);
            }
            self.take_in(now, event, outputs);
        }
        if !something_new || planted("acknowledged-before-commit") {
            outputs.extend(self.sources.due(&source));
        }
        self.sources.forget_excess(outputs);
    }

    /// Gives a new event its position, tells the SCS what it matches, and queues it for the store.
    fn take_in(&mut self, now: Timestamp, event: LogEvent, outputs: &mut Vec<Output>) {
        self.position += 1;
        let record = LogRecord {
            position: self.position,
            received_at: now,
            event,
        };
        let forged = record.event.origin == LogOrigin::Application
            && !own_events::application_may_send(&record.event);
        if forged {
            let source = record.event.source.clone();
            let id = record.event.id;
            let note = Note::ReservedEvent { source, id };
            self.note_seldom(now, Limited::Reserved, note, outputs);
        } else if self.conditions.is_some() {
            self.detect(now, &record.event, outputs);
        } else {
            self.wait_for_conditions(now, record.clone(), outputs);
        }
        self.storing.gathering().records.push(record);
    }

    fn detect(&mut self, now: Timestamp, event: &LogEvent, outputs: &mut Vec<Output>) {
        let Some(conditions) = &self.conditions else {
            return;
        };
        let matches = conditions.detector.matches(event);
        if matches.is_empty() {
            return;
        }
        let key = (event.source.clone(), event.sequence);
        self.storing.gathering().detections.push(key);
        let detected = AlarmDetected {
            event: event.clone(),
            matches,
            matched_at: now,
        };
        self.keep(now, detected, outputs);
        self.detections.send(outputs);
    }

    fn keep(&mut self, now: Timestamp, detected: AlarmDetected, outputs: &mut Vec<Output>) {
        if let Some((source, sequence)) = self.detections.keep(detected) {
            outputs.push(Output::ForgetDetection {
                source: source.clone(),
                sequence,
            });
            let note = Note::DetectionDropped { source, sequence };
            self.note_seldom(now, Limited::Detection, note, outputs);
        }
    }

    fn wait_for_conditions(
        &mut self,
        now: Timestamp,
        record: LogRecord,
        outputs: &mut Vec<Output>,
    ) {
        self.storing.gathering().unmatched.push(record.position);
        self.unmatched.push_back(record);
        if self.unmatched.len() > UNMATCHED
            && let Some(dropped) = self.unmatched.pop_front()
        {
            self.storing.gathering().matched.push(dropped.position);
            self.note_seldom(now, Limited::Unmatched, Note::UnmatchedDropped, outputs);
        }
    }

    fn match_the_unmatched(&mut self, now: Timestamp, outputs: &mut Vec<Output>) {
        for record in std::mem::take(&mut self.unmatched) {
            self.storing.gathering().matched.push(record.position);
            self.detect(now, &record.event, outputs);
        }
    }

    fn stored(&mut self, now: Timestamp, ticket: Ticket, outputs: &mut Vec<Output>) {
        let Some(committed) = self.storing.stored(ticket) else {
            return;
        };
        self.timers.cancel(&Timer::StoreSlow);
        for (source, sequence) in committed.high_water {
            outputs.extend(self.sources.stored(&source, sequence));
        }
        if committed.failures > 0 {
            let attempts = committed.failures;
            self.note(now, Note::StoreRecovered { attempts }, outputs);
        }
    }

    fn store_failed(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        reason: String,
        outputs: &mut Vec<Output>,
    ) {
        let Some(failures) = self.storing.failed(now, ticket) else {
            return;
        };
        self.timers.cancel(&Timer::StoreSlow);
        if let Some(at) = self.storing.not_before {
            self.timers.set(Timer::StoreRetry, at);
        }
        if failures == 1 {
            self.note(now, Note::StoreFailing { reason }, outputs);
        }
    }

    fn open_store(&mut self, now: Timestamp, outputs: &mut Vec<Output>) {
        if !self.ready || self.storing.is_open() {
            return;
        }
        let ticket = &mut self.last_ticket;
        let next = || {
            *ticket = ticket.next();
            *ticket
        };
        if let Some(store) = self.storing.open(next, &self.detections) {
            outputs.push(store);
            self.timers.set(Timer::StoreSlow, now + SLOW);
        }
    }

    fn scs_message(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        message: ToMessageServer,
        outputs: &mut Vec<Output>,
    ) {
        match message {
            ToMessageServer::AlarmAcknowledged { source, sequence } => {
                let key = (source, sequence);
                if self.detections.acknowledged(&key) {
                    let (source, sequence) = key;
                    outputs.push(Output::ForgetDetection { source, sequence });
                    self.detections.send(outputs);
                }
            }
            ToMessageServer::Hello { .. } if self.detections.is_scs(connection) => {
                outputs.push(Output::ToScs {
                    connection,
                    message: FromMessageServer::Hello {
                        version: self.identity.version.clone(),
                        revision: self.revision(),
                    },
                });
                self.detections.greeted();
                self.detections.send(outputs);
            }
            ToMessageServer::Configure(slice) if self.detections.is_scs(connection) => {
                self.configure(now, slice, outputs);
            }
            // An SCS that has been replaced by a newer connection has no say any more.
            ToMessageServer::Hello { .. } | ToMessageServer::Configure(_) => {}
        }
    }

    fn configure(&mut self, now: Timestamp, slice: MessageServerSlice, outputs: &mut Vec<Output>) {
        match &mut self.conditions {
            Some(conditions) if conditions.slice == slice => return,
            Some(conditions) => conditions.replace(slice),
            None => {
                self.conditions = Some(Conditions::new(slice));
                self.match_the_unmatched(now, outputs);
            }
        }
        self.persist_slice(now, outputs);
    }

    /// Keeps the conditions in force for the next start; an attempt that is open for too long is repeated,
    /// one that has become outdated is followed by the next when it ends.
    fn persist_slice(&mut self, now: Timestamp, outputs: &mut Vec<Output>) {
        let overdue = self.timers.get(&Timer::Slice).is_none();
        let ticket = self.last_ticket.next();
        let Some(conditions) = &mut self.conditions else {
            return;
        };
        if conditions.persisting.is_some() && !overdue {
            return;
        }
        self.last_ticket = ticket;
        conditions.persisting = Some(ticket);
        conditions.current = true;
        let slice = conditions.slice.clone();
        self.timers.set(Timer::Slice, now + SLICE_DEADLINE);
        outputs.push(Output::PersistSlice { ticket, slice });
    }

    fn slice_persisted(&mut self, now: Timestamp, ticket: Ticket, outputs: &mut Vec<Output>) {
        let Some(conditions) = &mut self.conditions else {
            return;
        };
        if conditions.persisting != Some(ticket) {
            return;
        }
        conditions.persisting = None;
        conditions.failed = false;
        self.timers.cancel(&Timer::Slice);
        if !conditions.current {
            self.persist_slice(now, outputs);
        }
    }

    fn slice_failed(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        reason: String,
        outputs: &mut Vec<Output>,
    ) {
        let Some(conditions) = &mut self.conditions else {
            return;
        };
        if conditions.persisting != Some(ticket) {
            return;
        }
        conditions.persisting = None;
        self.timers.set(Timer::Slice, now + SLICE_RETRY);
        if !std::mem::replace(&mut conditions.failed, true) {
            self.note(now, Note::SliceNotPersisted { reason }, outputs);
        }
    }

    fn retain(&mut self, now: Timestamp, outputs: &mut Vec<Output>) {
        let (keep, max_bytes) = self.conditions.as_ref().map_or((LOG_KEEP, LOG_SIZE), |it| {
            (it.slice.log_keep, it.slice.log_size)
        });
        self.timers.set(Timer::Retention, now + RETENTION_INTERVAL);
        outputs.push(Output::Retain {
            ticket: self.ticket(),
            received_before: now - keep,
            max_bytes,
        });
    }

    fn note_seldom(
        &mut self,
        now: Timestamp,
        kind: Limited,
        note: Note,
        outputs: &mut Vec<Output>,
    ) {
        let due = |last: &Timestamp| now.since(*last) >= NOTE_INTERVAL;
        if self.noted.get(&kind).is_none_or(due) {
            self.noted.insert(kind, now);
            self.note(now, note, outputs);
        }
    }

    /// Tells of something in the program's log and, as a log event of our own, in the store.
    fn note(&mut self, now: Timestamp, note: Note, outputs: &mut Vec<Output>) {
        let (id, level, text) = own_events::of(&note);
        outputs.push(Output::Noted(note));
        self.own_sequence += 1;
        let source = self.identity.source.clone();
        self.sources.touch(&source, None);
        self.sources.take(&source, self.own_sequence);
        let event = NewLogEvent {
            application: self.identity.application.clone(),
            host: self.identity.host.clone(),
            id,
            level,
            text,
            at: now,
            epoch: None,
            cause: None,
            origin: LogOrigin::Application,
        };
        self.take_in(now, event.numbered(source, self.own_sequence), outputs);
    }
}

impl Conditions {
    fn new(slice: MessageServerSlice) -> Self {
        Self {
            detector: Detector::new(&slice),
            slice,
            persisting: None,
            current: true,
            failed: false,
        }
    }

    fn replace(&mut self, slice: MessageServerSlice) {
        self.detector = Detector::new(&slice);
        self.slice = slice;
        self.current = false;
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "crash_tests.rs"]
mod crash_tests;
