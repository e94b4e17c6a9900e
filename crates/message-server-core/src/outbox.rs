//! Owns the sending end of log delivery: events get their sequence here and stay until the Message Server
//! has acknowledged them, over any number of reconnects. Owns no connection: whoever embeds it carries its
//! batches (`application-link`, `scs`, the simulation). They arrive in `core.rs` of the Message Server.

use changeover_model::message::{LogBatch, LogEvent, LogOrigin, SourceId};
use changeover_model::{
    ApplicationName, CauseId, Epoch, HostName, LogEventId, LogLevel, Timestamp, planted,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Most events of one batch.
const BATCH: usize = 1_000;
/// Most events on their way without an acknowledgement; the rest waits, so that a sender that comes back
/// with a full outbox does not flood the connection.
const ON_THE_WAY: usize = 4_000;
/// Most events kept when nothing else is said.
const LIMIT: usize = 10_000;
/// Longest text of an event, in bytes; what is longer is cut.
const TEXT: usize = 4_096;

/// A log event before it has a source and a sequence; both are the outbox's to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLogEvent {
    /// The application it speaks of.
    pub application: ApplicationName,
    /// Its host, or the host it speaks of.
    pub host: Option<HostName>,
    /// Log event ID.
    pub id: LogEventId,
    /// Level.
    pub level: LogLevel,
    /// Text; cut after 4 KiB.
    pub text: String,
    /// Sender's clock.
    pub at: Timestamp,
    /// Epoch of the order that caused it.
    pub epoch: Option<Epoch>,
    /// Timeline record it belongs to.
    pub cause: Option<CauseId>,
    /// Who made it.
    pub origin: LogOrigin,
}

impl NewLogEvent {
    pub(crate) fn numbered(mut self, source: SourceId, sequence: u64) -> LogEvent {
        cut(&mut self.text);
        LogEvent {
            source,
            sequence,
            application: self.application,
            host: self.host,
            id: self.id,
            level: self.level,
            text: self.text,
            at: self.at,
            epoch: self.epoch,
            cause: self.cause,
            origin: self.origin,
        }
    }
}

/// Cuts a text to what an event may carry, never inside a character.
pub(crate) fn cut(text: &mut String) {
    if text.len() > TEXT {
        text.truncate(text.floor_char_boundary(TEXT));
    }
}

/// Events of one source on their way to the Message Server. Serialised, it is everything a sender must keep
/// to go on after its own restart; it comes back disconnected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    source: SourceId,
    last_sequence: u64,
    waiting: VecDeque<LogEvent>,
    limit: usize,
    lost: u64,
    #[serde(skip)]
    connected: bool,
    /// Highest sequence handed out on this connection.
    #[serde(skip)]
    sent: u64,
}

impl Outbox {
    /// An empty outbox that keeps at most 10,000 events.
    pub fn new(source: SourceId) -> Self {
        Self::with_limit(source, LIMIT)
    }

    /// An empty outbox with a bound of its own (at least 1).
    pub fn with_limit(source: SourceId, limit: usize) -> Self {
        Self {
            source,
            last_sequence: 0,
            waiting: VecDeque::new(),
            limit: limit.max(1),
            lost: 0,
            connected: false,
            sent: 0,
        }
    }

    /// The outbox of an earlier life: the last sequence it gave, and what was not acknowledged, in any order.
    /// Events of other sources are left out.
    pub fn restored(source: SourceId, last_sequence: u64, mut pending: Vec<LogEvent>) -> Self {
        pending.retain(|event| event.source == source);
        pending.sort_by_key(|event| event.sequence);
        pending.dedup_by_key(|event| event.sequence);
        let highest = pending.last().map_or(0, |event| event.sequence);
        let mut outbox = Self::new(source);
        outbox.limit = outbox.limit.max(pending.len());
        outbox.last_sequence = last_sequence.max(highest);
        outbox.waiting = pending.into();
        outbox
    }

    /// Whose outbox this is.
    pub fn source(&self) -> &SourceId {
        &self.source
    }

    /// Takes an event in and returns the sequence it got. When the outbox is full the oldest event of the
    /// lowest level there goes (the new one included), so Standard and Alarm go last; see [`Outbox::lost`].
    pub fn push(&mut self, event: NewLogEvent) -> u64 {
        self.last_sequence += 1;
        let event = event.numbered(self.source.clone(), self.last_sequence);
        self.waiting.push_back(event);
        if self.waiting.len() > self.limit {
            self.drop_least();
        }
        self.last_sequence
    }

    fn drop_least(&mut self) {
        let least = self
            .waiting
            .iter()
            .enumerate()
            .min_by_key(|(index, event)| (event.level, *index))
            .map(|(index, _)| index);
        if least.and_then(|index| self.waiting.remove(index)).is_some() {
            self.lost += 1;
        }
    }

    /// The connection stands: everything that is not acknowledged is to be sent, from the start.
    pub fn connected(&mut self) {
        self.connected = true;
        if planted("events-not-resent") {
            self.sent = self.last_sequence;
            return;
        }
        self.sent = 0;
    }

    /// The connection is gone; batches that were handed out may or may not have arrived.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.sent = 0;
    }

    /// True between [`Outbox::connected`] and [`Outbox::disconnected`].
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// What is to be sent now, in order: nothing while disconnected, and at most 4,000 events ahead of the
    /// acknowledgements. Call it after every push, connection and acknowledgement.
    pub fn next_batches(&mut self) -> Vec<LogBatch> {
        if !self.connected {
            return Vec::new();
        }
        let first_new = self
            .waiting
            .partition_point(|event| event.sequence <= self.sent);
        let room = ON_THE_WAY.saturating_sub(first_new);
        let fresh: Vec<LogEvent> = self
            .waiting
            .iter()
            .skip(first_new)
            .take(room)
            .cloned()
            .collect();
        if let Some(last) = fresh.last() {
            self.sent = last.sequence;
        }
        fresh
            .chunks(BATCH)
            .map(|events| LogBatch {
                source: self.source.clone(),
                events: events.to_vec(),
            })
            .collect()
    }

    /// The Message Server has stored every event up to and including this sequence.
    pub fn acknowledged(&mut self, up_to: u64) {
        while self
            .waiting
            .front()
            .is_some_and(|event| event.sequence <= up_to)
        {
            self.waiting.pop_front();
        }
    }

    /// How many events were dropped because the outbox was full. The Message Server sees the gap in the
    /// sequence as well and logs it.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes the number of dropped events, to tell of it once.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// The last sequence given; 0 = none yet.
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    /// Events that are not acknowledged, oldest first.
    pub fn pending(&self) -> impl ExactSizeIterator<Item = &LogEvent> {
        self.waiting.iter()
    }

    /// True if everything is acknowledged.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
