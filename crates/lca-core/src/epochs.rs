//! Epochs, intended primaries and maintenance of the pairs. An order of a lower epoch than was ever seen is
//! refused; a higher one is recorded before it is acted upon (BEHAVIOUR, Epochs and orders).

use crate::core::LcaCore;
use crate::{PairRecord, StateChange};
use changeover_model::message::{OrderKey, SoleMark};
use changeover_model::{ApplicationName, Epoch, PairName, Refusal, RefusalCode, planted};
use std::collections::BTreeMap;

/// Most pairs that are remembered, those of earlier slices included.
const MOST_PAIRS: usize = 1000;

/// What is known of each pair; kept when a pair leaves the slice, so that its epoch never falls back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs {
    pub(crate) records: BTreeMap<PairName, PairRecord>,
}

impl Pairs {
    pub(crate) fn epoch(&self, pair: &PairName) -> Epoch {
        self.records
            .get(pair)
            .map_or(Epoch(0), |record| record.epoch)
    }

    pub(crate) fn in_maintenance(&self, pair: Option<&PairName>) -> bool {
        pair.and_then(|pair| self.records.get(pair))
            .is_some_and(|record| record.maintenance)
    }

    /// The newest epoch that this host's LCA has voted for.
    pub(crate) fn voted(&self, pair: &PairName) -> Epoch {
        self.records
            .get(pair)
            .map_or(Epoch(0), |record| record.voted)
    }

    pub(crate) fn sole(&self, pair: &PairName) -> Option<&SoleMark> {
        self.records.get(pair)?.sole.as_ref()
    }

    /// What is known of a pair, also if that is nothing.
    pub(crate) fn record(&self, pair: &PairName) -> PairRecord {
        self.records.get(pair).cloned().unwrap_or(PairRecord {
            pair: pair.clone(),
            epoch: Epoch(0),
            primary: None,
            maintenance: false,
            voted: Epoch(0),
            sole: None,
        })
    }

    pub(crate) fn intended_primary(&self, pair: &PairName) -> Option<&ApplicationName> {
        self.records.get(pair)?.primary.as_ref()
    }
}

impl LcaCore {
    /// Refuses a stale order; records the epoch of one that is ahead.
    pub(crate) fn check_epoch(&mut self, key: &OrderKey) -> Result<(), Refusal> {
        let Some(pair) = &key.pair else {
            return Ok(());
        };
        let known = self.pairs.epoch(pair);
        if key.epoch < known && !planted("without-epochs") {
            return Err(Refusal::new(
                RefusalCode::StaleEpoch,
                format!(
                    "the order is of epoch {} of {pair}, {} has seen {known}",
                    key.epoch, self.identity.host
                ),
            ));
        }
        self.raise_epoch(&pair.clone(), key.epoch);
        Ok(())
    }

    /// Takes note of an epoch that somebody who knows has named.
    pub(crate) fn raise_epoch(&mut self, pair: &PairName, epoch: Epoch) {
        if epoch <= self.pairs.epoch(pair) {
            return;
        }
        self.end_hooks_before(pair, epoch);
        // Who shall be primary in the new epoch is not known before the SCS says so.
        self.note_pair(PairRecord {
            epoch,
            primary: None,
            sole: None,
            ..self.pairs.record(pair)
        });
    }

    pub(crate) fn intend_pair(
        &mut self,
        pair: PairName,
        epoch: Epoch,
        primary: Option<ApplicationName>,
        maintenance: bool,
    ) {
        if epoch < self.pairs.epoch(&pair) {
            return;
        }
        self.end_hooks_before(&pair, epoch);
        let was = self.pairs.in_maintenance(Some(&pair));
        let ended = was && !maintenance;
        let before = self.pairs.record(&pair);
        self.note_pair(PairRecord {
            epoch,
            primary,
            maintenance,
            sole: before.sole.clone().filter(|mark| mark.epoch >= epoch),
            ..before
        });
        if ended {
            self.maintenance_ended(&pair);
        }
        if was != maintenance {
            // What health checks say counts from now on, or no more.
            for name in self.members_of(&pair) {
                self.settle(&name);
            }
        }
        // Said on every connection: what appeared while the SCS was away is made known now, not at Hello, when
        // this host may not know yet that another one has taken over.
        self.announce_unspoken(&pair);
        self.look_at_leases();
    }

    fn note_pair(&mut self, record: PairRecord) {
        let known = self.pairs.records.get(&record.pair);
        if known == Some(&record) || (known.is_none() && self.pairs.records.len() >= MOST_PAIRS) {
            return;
        }
        self.pairs
            .records
            .insert(record.pair.clone(), record.clone());
        if !planted("epoch-not-kept") {
            self.persist_durable(StateChange::Pair(record));
        }
    }
}
