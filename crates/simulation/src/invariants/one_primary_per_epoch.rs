//! In one epoch of a pair one application only is ever ordered, or told to the LCAs, to be primary: whoever sees two
//! in the same epoch could not tell which is newer, and both servers would have a right to serve (BEHAVIOUR, Epochs
//! and orders). Over all lives of the SCS. No exceptions.

use super::at;
use changeover_model::{ApplicationName, Epoch, PairName};
use std::collections::BTreeMap;

/// Who was ordered or intended to be primary.
#[derive(Clone, Debug, Default)]
pub(super) struct OnePrimaryPerEpoch {
    ordered: BTreeMap<(PairName, Epoch), ApplicationName>,
}

impl OnePrimaryPerEpoch {
    pub(super) fn named(
        &mut self,
        now: u64,
        pair: &PairName,
        epoch: Epoch,
        application: &ApplicationName,
    ) -> Option<String> {
        let first = self
            .ordered
            .entry((pair.clone(), epoch))
            .or_insert_with(|| application.clone());
        (first != application).then(|| {
            at(
                now,
                &format!("one primary per epoch: {first} and {application} are both to be primary of {pair} in epoch {epoch}"),
            )
        })
    }
}
