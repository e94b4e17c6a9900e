//! The timeline: what happened for each switchover, failover, refusal, realignment, Test …, step by step.
//!
//! Owns the records, their bounds, the conversion of foreign clocks and the rule that a recorded order of
//! steps never contradicts causality. Does not decide what is worth recording (the procedures do) and does
//! not write to disk: the shell persists what [`Timeline::take_changes`] hands out.

mod causality;
#[cfg(test)]
mod tests;

use changeover_model::message::{
    Party, RecordKind, RecordOutcome, Step, TimelineEntry, TimelineRecord,
};
use changeover_model::{CauseId, Epoch, PairName, Refusal, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Most closed records kept; the oldest go first.
pub const CLOSED_RECORDS: usize = 500;
/// Most open records; beyond it the oldest one is closed as superseded.
pub const OPEN_RECORDS: usize = 500;
/// Most entries of a record, the note about what was left out included.
pub const ENTRIES: usize = 400;

/// What a new record is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// Kind.
    pub kind: RecordKind,
    /// The pair, if any.
    pub pair: Option<PairName>,
    /// The headline: `switchover of SIP_EAST`.
    pub title: String,
    /// Who or what led to it.
    pub trigger: String,
    /// The pair's epoch before; 0 without a pair.
    pub epoch: Epoch,
}

/// When a step happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At the SCS, now.
    Here,
    /// Somewhere else.
    There {
        /// By the clock there.
        at: Timestamp,
        /// That clock minus the SCS's, microseconds, as measured on the link; 0 when never measured.
        offset_us: i64,
        /// How wrong the offset may be: half the round trip it was measured with.
        uncertainty: Duration,
    },
}

/// A step to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    /// When.
    pub moment: Moment,
    /// Who.
    pub who: Party,
    /// What, for programs.
    pub step: Step,
    /// What, for people.
    pub what: String,
    /// How it is known.
    pub evidence: String,
}

/// What the shell has to write, or remove, since it last asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimelineChanges {
    /// Records that are new or changed, complete.
    pub stored: Vec<TimelineRecord>,
    /// Records that fell out of the bound.
    pub deleted: Vec<CauseId>,
}

/// All records in memory.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    records: BTreeMap<CauseId, Kept>,
    /// The highest number ever given.
    last_id: CauseId,
    changed: BTreeSet<CauseId>,
    deleted: BTreeSet<CauseId>,
}

#[derive(Clone, Debug)]
struct Kept {
    record: TimelineRecord,
    /// Entries that found no room.
    left_out: usize,
}

impl Timeline {
    /// An empty timeline whose first record is number 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// The timeline as it was persisted. Records that were open stay open: the procedure that resumes them, or
    /// finds that nothing is left to do, closes them.
    pub fn restore(records: Vec<TimelineRecord>) -> Self {
        let mut timeline = Self::new();
        for record in records {
            timeline.last_id = timeline.last_id.max(record.id);
            timeline.records.insert(
                record.id,
                Kept {
                    record,
                    left_out: 0,
                },
            );
        }
        timeline.keep_bounds(Timestamp(0));
        timeline
    }

    /// Begins a record and gives its number.
    pub fn open(&mut self, now: Timestamp, opening: Opening) -> CauseId {
        let id = self.last_id.next();
        self.last_id = id;
        let record = TimelineRecord {
            id,
            kind: opening.kind,
            pair: opening.pair,
            title: opening.title,
            trigger: opening.trigger,
            opened_at: now,
            closed_at: None,
            epoch_before: opening.epoch,
            epoch_after: opening.epoch,
            outcome: None,
            why: String::new(),
            reasons: Vec::new(),
            entries: Vec::new(),
        };
        self.records.insert(
            id,
            Kept {
                record,
                left_out: 0,
            },
        );
        self.changed.insert(id);
        self.keep_bounds(now);
        id
    }

    /// Records a step and gives it back as it was placed; `None` if there is no such record (any more). Late
    /// steps are taken after the record is closed too.
    pub fn append(
        &mut self,
        now: Timestamp,
        cause: CauseId,
        new: NewEntry,
    ) -> Option<TimelineEntry> {
        let kept = self.records.get_mut(&cause)?;
        let entry = causality::placed(now, &kept.record.entries, new);
        kept.place(entry.clone());
        self.changed.insert(cause);
        Some(entry)
    }

    /// The epoch that the record's procedure has reached.
    pub fn set_epoch(&mut self, cause: CauseId, epoch: Epoch) {
        self.change(cause, |record| record.epoch_after = epoch);
    }

    /// Adds a reason of a refusal or suppression, once.
    pub fn add_reason(&mut self, cause: CauseId, reason: Refusal) {
        self.change(cause, |record| {
            if !record.reasons.contains(&reason) && record.reasons.len() < ENTRIES {
                record.reasons.push(reason);
            }
        });
    }

    /// Ends a record. A record that has ended keeps its first outcome.
    pub fn close(
        &mut self,
        now: Timestamp,
        cause: CauseId,
        outcome: RecordOutcome,
        why: impl Into<String>,
    ) {
        self.change(cause, |record| {
            if record.outcome.is_none() {
                record.outcome = Some(outcome);
                record.closed_at = Some(now);
                record.why = why.into();
            }
        });
        self.keep_bounds(now);
    }

    /// The newest record, of a pair or of all.
    pub fn last(&self, pair: Option<&PairName>) -> Option<&TimelineRecord> {
        self.newest_first()
            .find(|record| pair.is_none() || record.pair.as_ref() == pair)
    }

    /// The newest record that satisfies a condition.
    pub fn last_where(&self, wanted: impl Fn(&TimelineRecord) -> bool) -> Option<&TimelineRecord> {
        self.newest_first().find(|record| wanted(record))
    }

    /// A record.
    pub fn get(&self, cause: CauseId) -> Option<&TimelineRecord> {
        self.records.get(&cause).map(|kept| &kept.record)
    }

    /// True while the record is under way.
    pub fn is_open(&self, cause: CauseId) -> bool {
        self.get(cause)
            .is_some_and(|record| record.outcome.is_none())
    }

    /// The newest records, newest first.
    pub fn list(&self, limit: usize) -> Vec<&TimelineRecord> {
        self.newest_first().take(limit).collect()
    }

    /// The records that are under way, oldest first.
    pub fn open_records(&self) -> impl Iterator<Item = &TimelineRecord> {
        self.records
            .values()
            .map(|kept| &kept.record)
            .filter(|record| record.outcome.is_none())
    }

    /// What changed since the last call, for persistence.
    pub fn take_changes(&mut self) -> TimelineChanges {
        TimelineChanges {
            stored: std::mem::take(&mut self.changed)
                .iter()
                .filter_map(|id| self.records.get(id))
                .map(|kept| kept.record.clone())
                .collect(),
            deleted: std::mem::take(&mut self.deleted).into_iter().collect(),
        }
    }

    /// True if [`Timeline::take_changes`] would hand out anything.
    pub fn has_changes(&self) -> bool {
        !self.changed.is_empty() || !self.deleted.is_empty()
    }

    fn newest_first(&self) -> impl Iterator<Item = &TimelineRecord> {
        self.records.values().rev().map(|kept| &kept.record)
    }

    fn change(&mut self, cause: CauseId, how: impl FnOnce(&mut TimelineRecord)) {
        if let Some(kept) = self.records.get_mut(&cause) {
            how(&mut kept.record);
            self.changed.insert(cause);
        }
    }

    fn keep_bounds(&mut self, now: Timestamp) {
        while self.open_records().count() > OPEN_RECORDS {
            let Some(oldest) = self.open_records().next().map(|record| record.id) else {
                break;
            };
            self.change(oldest, |record| {
                record.outcome = Some(RecordOutcome::Superseded);
                record.closed_at = Some(now.max(record.opened_at));
                record.why = format!("left open while {OPEN_RECORDS} later records were begun");
            });
        }
        let closed = self.records.len() - self.open_records().count();
        let surplus: Vec<CauseId> = self
            .records
            .values()
            .filter(|kept| kept.record.outcome.is_some())
            .map(|kept| kept.record.id)
            .take(closed.saturating_sub(CLOSED_RECORDS))
            .collect();
        for id in surplus {
            self.records.remove(&id);
            self.changed.remove(&id);
            self.deleted.insert(id);
        }
    }
}

impl Kept {
    fn place(&mut self, entry: TimelineEntry) {
        let entries = &mut self.record.entries;
        if self.left_out == 0 && entries.len() < ENTRIES - 1 {
            let position = entries.partition_point(|other| other.at <= entry.at);
            entries.insert(position, entry);
            return;
        }
        if self.left_out > 0 {
            entries.pop();
        }
        self.left_out += 1;
        let plural = if self.left_out == 1 { "step" } else { "steps" };
        entries.push(TimelineEntry {
            at: entries
                .last()
                .map_or(entry.at, |last| last.at.max(entry.at)),
            uncertainty: Duration::ZERO,
            who: Party::Scs,
            step: Step::Note,
            what: format!("{} further {plural} left out", self.left_out),
            evidence: format!(
                "a record keeps {ENTRIES} entries; the last was: {}",
                entry.what
            ),
        });
    }
}
