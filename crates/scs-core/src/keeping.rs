//! What has to be on disk before it is acted on. Owns the tickets and what waits for them; the shape of the
//! store is `storage`'s. One write is on its way at a time, and what changes meanwhile goes with the next: so nothing is
//! ever on disk without what came before it, which a failed write would lose as soon as this life ends.

use crate::dispatch::Timer;
use crate::{ScsCore, ScsOutput, StoreChange};
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{SoleMark, SourceId, ToMessageServer};
use changeover_model::{Epoch, PairName, Ticket, planted};
use indexmap::IndexMap;
use std::time::Duration;

/// After a failure the changes are written again after this time.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// A write that takes longer raises an alarm.
const WRITE_BOUND: Duration = Duration::from_secs(5);

/// What waits for a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AfterWrite {
    /// Epochs of a pair up to this one may be used.
    EpochReserved(PairName, Epoch),
    /// The detections of an event may be acknowledged.
    Acknowledge(SourceId, u64),
    /// The slices of this revision may go out.
    Configure,
    /// Under `quorum`: this epoch of a pair is in force, so that a later life supports no older one.
    InForce(PairName, Epoch),
    /// The pair's `sole` mark may be given.
    SoleKept(PairName, SoleMark),
}

/// What waits to be written, and the write under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keeping {
    last_ticket: Ticket,
    changes: IndexMap<String, StoreChange>,
    after: Vec<AfterWrite>,
    on_its_way: Option<Written>,
    /// No write before the retry timer: the last one failed.
    pausing: bool,
}

#[derive(Clone, Debug)]
struct Written {
    ticket: Ticket,
    changes: Vec<StoreChange>,
    after: Vec<AfterWrite>,
}

impl ScsCore {
    pub(crate) fn keep(&mut self, change: StoreChange) {
        let key = change.key();
        // The position in the map does not matter: a transaction holds each key once.
        self.keeping.changes.insert(key, change);
    }

    pub(crate) fn after_write(&mut self, what: AfterWrite) {
        self.keeping.after.push(what);
    }

    /// Keeps the state of a pair as it stands.
    pub(crate) fn keep_pair(&mut self, pair: &PairName) {
        let complete = self.knows_epoch(pair);
        if let Some(care) = self.pairs.get_mut(pair) {
            care.kept.complete = complete;
            let change = StoreChange::Pair(pair.clone(), care.kept.clone());
            self.keep(change);
        }
    }

    fn gather(&mut self) {
        for change in self.alarms.take_changes() {
            if planted("alarm-not-kept") {
                continue;
            }
            self.keep(change.into());
        }
        let changes = self.timeline.take_changes();
        for record in changes.stored {
            self.keep(StoreChange::Timeline(Box::new(record)));
        }
        for id in changes.deleted {
            self.keep(StoreChange::TimelineDropped(id));
        }
    }

    /// Sends one write with everything that came together.
    pub(crate) fn write(&mut self) {
        self.gather();
        let keeping = &mut self.keeping;
        if keeping.changes.is_empty() {
            // What waits without a change of its own waits for the write on its way.
            let after = std::mem::take(&mut keeping.after);
            match &mut keeping.on_its_way {
                Some(written) => written.after.extend(after),
                None => {
                    for what in after {
                        self.written(what);
                    }
                }
            }
            return;
        }
        if keeping.pausing || keeping.on_its_way.is_some() {
            return;
        }
        let ticket = keeping.last_ticket.next();
        keeping.last_ticket = ticket;
        let changes: Vec<StoreChange> =
            std::mem::take(&mut keeping.changes).into_values().collect();
        keeping.on_its_way = Some(Written {
            ticket,
            changes: changes.clone(),
            after: std::mem::take(&mut keeping.after),
        });
        self.out.push(ScsOutput::Persist { ticket, changes });
        self.timers.set(Timer::WriteBound, self.now + WRITE_BOUND);
    }

    /// The write under way has come back.
    fn came_back(&mut self, ticket: Ticket) -> Option<Written> {
        let written = self
            .keeping
            .on_its_way
            .take_if(|written| written.ticket == ticket)?;
        self.timers.cancel(&Timer::WriteBound);
        Some(written)
    }

    pub(crate) fn persisted(&mut self, ticket: Ticket) {
        let Some(written) = self.came_back(ticket) else {
            return;
        };
        for what in written.after {
            self.written(what);
        }
        self.clear_alarm("store", "a write succeeded");
    }

    fn written(&mut self, what: AfterWrite) {
        match what {
            AfterWrite::EpochReserved(pair, epoch) => {
                if let Some(care) = self.pairs.get_mut(&pair) {
                    care.durable = care.durable.max(epoch);
                    self.touched.insert(pair);
                }
            }
            AfterWrite::Acknowledge(source, sequence) => {
                self.out.push(ScsOutput::ToMessageServer(Box::new(
                    ToMessageServer::AlarmAcknowledged { source, sequence },
                )));
            }
            AfterWrite::InForce(pair, epoch) => self.epoch_is_in_force(&pair, epoch),
            AfterWrite::SoleKept(pair, mark) => self.sole_kept(&pair, &mark),
            AfterWrite::Configure => {
                self.revision_kept = true;
                self.push_configuration();
            }
        }
    }

    pub(crate) fn persist_failed(&mut self, ticket: Ticket, reason: &str) {
        let Some(failed) = self.came_back(ticket) else {
            return;
        };
        // Newer values of the same keys win over the failed ones.
        let newer = std::mem::take(&mut self.keeping.changes);
        if !planted("failed-write-not-repeated") {
            failed
                .changes
                .into_iter()
                .for_each(|change| self.keep(change));
        }
        self.keeping.changes.extend(newer);
        for what in &failed.after {
            if let AfterWrite::EpochReserved(pair, epoch) = what {
                self.reservation_failed(pair, *epoch, reason);
            }
        }
        self.keeping.after.splice(0..0, failed.after);
        self.keeping.pausing = true;
        self.timers.set(Timer::WriteAgain, self.now + RETRY_AFTER);
        self.store_alarm(&format!(
            "the store cannot be written ({reason}): no promotion under a new epoch, and a restart would forget; \
             look at the SCS's state directory; written again every second"
        ));
    }

    fn reservation_failed(&mut self, pair: &PairName, epoch: Epoch, reason: &str) {
        if let Some(care) = self.pairs.get_mut(pair)
            && care.durable < epoch
        {
            care.reservation_failed = Some(reason.to_owned());
            self.touched.insert(pair.clone());
        }
    }

    pub(crate) fn write_again(&mut self) {
        self.keeping.pausing = false;
    }

    pub(crate) fn write_overdue(&mut self) {
        self.store_alarm(
            "the store has not answered for 5 s: no promotion under a new epoch meanwhile; look at the disk of \
             the SCS's state directory",
        );
        self.timers.set(Timer::WriteBound, self.now + WRITE_BOUND);
    }

    fn store_alarm(&mut self, text: &str) {
        self.raise_alarm(
            "store",
            "STORE_UNAVAILABLE",
            AlarmCategory::Critical,
            "SCS",
            text,
            None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ScsIdentity, ScsInput, StoredPair, StoredState};
    use changeover_model::{Core as _, Timestamp};

    fn writes(outputs: &mut Vec<ScsOutput>) -> Vec<(Ticket, Vec<StoreChange>)> {
        outputs
            .drain(..)
            .filter_map(|output| {
                if let ScsOutput::Persist { ticket, changes } = output {
                    Some((ticket, changes))
                } else {
                    None
                }
            })
            .collect()
    }

    #[test]
    fn what_changes_while_a_write_is_on_its_way_goes_with_the_next_and_a_failed_one_comes_before_it()
     {
        let identity = ScsIdentity {
            version: "test".into(),
            session: 1,
        };
        let mut core = ScsCore::new(Timestamp(0), identity, StoredState::default());
        let at_epoch = |pair: &str, epoch| {
            let kept = StoredPair {
                epoch: Epoch(epoch),
                ..StoredPair::default()
            };
            StoreChange::Pair(pair.into(), kept)
        };
        core.keep(at_epoch("EAST", 1));
        core.keep(at_epoch("WEST", 1));
        core.write();
        core.keep(at_epoch("EAST", 2));
        core.write();
        let mut outputs = std::mem::take(&mut core.out);
        let first = writes(&mut outputs);
        assert_eq!(first.len(), 1, "one at a time");
        let (ticket, reason) = (first[0].0, "disk full".to_owned());
        core.handle(
            Timestamp(10),
            ScsInput::PersistFailed { ticket, reason },
            &mut outputs,
        );
        assert_eq!(writes(&mut outputs), [], "not before the pause is over");
        core.tick(Timestamp(1_000_010), &mut outputs);
        let mut store = StoredState::default();
        for (_, changes) in writes(&mut outputs) {
            changes.into_iter().for_each(|change| store.apply(change));
        }
        let epochs = ["EAST", "WEST"].map(|pair| store.pairs[&PairName::from(pair)].epoch);
        assert_eq!(epochs, [Epoch(2), Epoch(1)]);
    }
}
