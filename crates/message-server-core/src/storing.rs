//! Owns what waits to be stored. One transaction is open at a time; whatever arrives meanwhile goes into the
//! next one together. So commits are as large as the disk is slow, they become durable in the order of
//! arrival, and a failed one is repeated before anything later is stored.

use crate::detections::{Detections, Key};
use crate::exchange::{Output, StoreRequest};
use changeover_model::message::LogRecord;
use changeover_model::{Ticket, Timestamp, planted};
use std::collections::BTreeMap;
use std::time::Duration;

/// Most events that wait for their store; beyond it senders are turned away and keep their events.
const LIMIT: usize = 50_000;
/// Delay before the first repetition of a failed store; doubles up to `LONGEST_DELAY`.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// A commit that takes longer than this is worth a note.
pub(crate) const SLOW: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Default)]
pub(crate) struct Storing {
    open: Option<(Ticket, Load)>,
    gathering: Load,
    /// No store before this, after a failure.
    pub(crate) not_before: Option<Timestamp>,
    /// Failed or overdue attempts since the last success.
    failures: u32,
}

/// The content of a transaction, with detections by name: those that the SCS acknowledges before it is
/// carried out are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    pub(crate) records: Vec<LogRecord>,
    pub(crate) detections: Vec<Key>,
    pub(crate) unmatched: Vec<u64>,
    pub(crate) matched: Vec<u64>,
}

/// What a success means.
#[derive(Clone)]
pub(crate) struct Committed {
    /// Highest sequence per source, in the order of the sources.
    pub(crate) high_water: BTreeMap<changeover_model::message::SourceId, u64>,
    /// Attempts that had failed or were overdue before it.
    pub(crate) failures: u32,
}

impl Storing {
    /// Where new content goes.
    pub(crate) fn gathering(&mut self) -> &mut Load {
        &mut self.gathering
    }

    pub(crate) fn is_full(&self) -> bool {
        let open = self.open.as_ref().map_or(0, |(_, load)| load.records.len());
        open + self.gathering.records.len() >= LIMIT
    }

    /// Opens the next transaction if there is something to store and nothing in the way.
    pub(crate) fn open(
        &mut self,
        ticket: impl FnOnce() -> Ticket,
        detections: &Detections,
    ) -> Option<Output> {
        if self.open.is_some() || self.not_before.is_some() || self.gathering.is_empty() {
            return None;
        }
        let load = std::mem::take(&mut self.gathering);
        let ticket = ticket();
        let request = StoreRequest {
            records: load.records.clone(),
            detections: load
                .detections
                .iter()
                .filter(|_| !planted("detections-not-stored"))
                .filter_map(|key| detections.get(key).cloned())
                .collect(),
            unmatched: load.unmatched.clone(),
            matched: load.matched.clone(),
        };
        self.open = Some((ticket, load));
        Some(Output::Store { ticket, request })
    }

    /// True if a transaction is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The open transaction is durable; `None` if the ticket is not its.
    pub(crate) fn stored(&mut self, ticket: Ticket) -> Option<Committed> {
        let (_, load) = self.open.take_if(|(open, _)| *open == ticket)?;
        let mut high_water = BTreeMap::new();
        for record in load.records {
            let highest = high_water.entry(record.event.source).or_insert(0);
            *highest = record.event.sequence.max(*highest);
        }
        Some(Committed {
            high_water,
            failures: std::mem::take(&mut self.failures),
        })
    }

    /// The open transaction failed: its content comes first in the next one, which waits. The number of
    /// failures so far; `None` if the ticket is not its.
    pub(crate) fn failed(&mut self, now: Timestamp, ticket: Ticket) -> Option<u32> {
        let (_, mut load) = self.open.take_if(|(open, _)| *open == ticket)?;
        load.append(&mut self.gathering);
        if planted("failed-commit-dropped") {
            load = Load::default();
        }
        self.gathering = load;
        let doublings = self.failures.min(16);
        let delay = FIRST_DELAY
            .saturating_mul(1 << doublings)
            .min(LONGEST_DELAY);
        self.not_before = Some(now + delay);
        self.failures = self.failures.saturating_add(1);
        Some(self.failures)
    }

    /// The open transaction takes too long. It goes on: its end, either way, will be told.
    pub(crate) fn overdue(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }
}

impl Load {
    fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.detections.is_empty()
            && self.unmatched.is_empty()
            && self.matched.is_empty()
    }

    fn append(&mut self, later: &mut Load) {
        self.records.append(&mut later.records);
        self.detections.append(&mut later.detections);
        self.unmatched.append(&mut later.unmatched);
        self.matched.append(&mut later.matched);
    }
}
