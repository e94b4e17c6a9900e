//! What is written when, and what waits for it. Owns the tickets of writes; the content is `stored.rs`'s.

use crate::core::LcaCore;
use crate::timers::Timer;
use crate::{Durability, LcaOutput, RunId, StateChange};
use changeover_model::message::LcaReport;
use changeover_model::{ApplicationName, Ticket};
use std::collections::BTreeMap;
use std::time::Duration;

/// A disk that says nothing for this long counts as failed.
const WRITE_BOUND: Duration = Duration::from_secs(10);
/// After a failed write everything is written again this much later.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What waits for a write.
#[derive(Clone, Debug)]
pub(crate) enum Awaiting {
    /// The fork of an application: its intent comes first.
    Start(ApplicationName),
    /// The report that a slice is in force and on disk; also stands for "try until it works".
    Slice,
}

/// The writes that are under way and waited for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes {
    awaited: BTreeMap<Ticket, Awaiting>,
    /// The slice in force is not known to be on disk.
    pub(crate) slice_unwritten: bool,
}

impl LcaCore {
    pub(crate) fn persist_fast(&mut self, change: StateChange) {
        self.emit(LcaOutput::Persist {
            change,
            durability: Durability::Fast,
        });
    }

    /// Writes to disk without waiting for it; a failure is made good by [`Self::write_again`].
    pub(crate) fn persist_durable(&mut self, change: StateChange) -> Ticket {
        let ticket = self.new_ticket();
        self.emit(LcaOutput::Persist {
            change,
            durability: Durability::Durable(ticket),
        });
        ticket
    }

    /// Writes to disk; what `awaiting` names goes on when that is reported.
    pub(crate) fn persist_awaited(&mut self, change: StateChange, awaiting: Awaiting) -> Ticket {
        let ticket = self.persist_durable(change);
        self.writes.awaited.insert(ticket, awaiting);
        self.arm(Timer::Write(ticket), WRITE_BOUND);
        ticket
    }

    pub(crate) fn persisted(&mut self, ticket: Ticket) {
        self.timers.cancel(&Timer::Write(ticket));
        match self.writes.awaited.remove(&ticket) {
            Some(Awaiting::Start(name)) => self.start_recorded(&name, ticket),
            Some(Awaiting::Slice) => self.slice_written(),
            None => {}
        }
    }

    pub(crate) fn persist_failed(&mut self, ticket: Ticket, reason: &str) {
        self.timers.cancel(&Timer::Write(ticket));
        if let Some(Awaiting::Start(name)) = self.writes.awaited.remove(&ticket) {
            self.start_not_recorded(&name, ticket, reason);
        }
        if !self.timers.is_set(&Timer::DiskRetry) {
            self.arm(Timer::DiskRetry, RETRY_AFTER);
        }
    }

    pub(crate) fn write_again(&mut self) {
        if self.writes.slice_unwritten {
            self.persist_awaited(StateChange::Rewrite, Awaiting::Slice);
        } else {
            self.persist_durable(StateChange::Rewrite);
        }
    }

    fn slice_written(&mut self) {
        // Of several slices in a row, the last one's write (or the retry after it) is what counts.
        let outstanding = self
            .writes
            .awaited
            .values()
            .any(|awaiting| matches!(awaiting, Awaiting::Slice));
        if outstanding || !self.writes.slice_unwritten {
            return;
        }
        self.writes.slice_unwritten = false;
        if let Some(revision) = self.slice.as_ref().map(|slice| slice.revision) {
            self.report(None, LcaReport::Configured { revision });
        }
    }

    /// A run and all its processes are gone, or never were: nothing of it is left to recover.
    pub(crate) fn forget_run(&mut self, run: RunId) {
        if self.runs.remove(&run).is_some() {
            self.persist_fast(StateChange::RunGone(run));
        }
    }
}
