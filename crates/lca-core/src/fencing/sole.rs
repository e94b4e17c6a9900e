//! The `sole` mark: while its backup is known not to be able to serve, a primary keeps its VIP without a majority.
//! Kept over restarts, at both LCAs of the pair: the primary's does not release, the other's does not vote. It
//! belongs to one epoch.

use crate::core::LcaCore;
use crate::{PairRecord, StateChange};
use changeover_model::message::{LcaReport, SoleMark};
use changeover_model::{Epoch, PairName, planted};

impl LcaCore {
    pub(super) fn is_sole(&self, pair: &PairName, epoch: Epoch) -> bool {
        self.pairs
            .sole(pair)
            .is_some_and(|mark| mark.epoch == epoch && mark.host == self.identity.host)
    }

    pub(crate) fn mark_sole(&mut self, mark: SoleMark, sole: bool) {
        let pair = mark.pair.clone();
        let record = self.pairs.record(&pair);
        // A mark of an epoch that is over would never count; one that stands is ended whatever its epoch.
        if !sole || mark.epoch >= record.epoch {
            let record = PairRecord {
                sole: sole.then(|| mark.clone()),
                ..record
            };
            if self.pairs.records.get(&pair) != Some(&record) {
                self.pairs.records.insert(pair.clone(), record.clone());
                if !planted("sole-mark-not-kept") {
                    self.persist_durable(StateChange::Pair(record));
                }
            }
        }
        let sole = self.pairs.sole(&pair) == Some(&mark);
        self.report(None, LcaReport::SoleMarked { mark, sole });
        self.look_at_leases();
    }
}
