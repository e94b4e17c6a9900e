//! A health check has one run at a time. A hook never begins while one of an older epoch of its pair is still there on
//! its host, nor after one of a newer epoch: what a hook does is not ours to undo.

use super::at;
use changeover_model::{Epoch, HostName, PairName};
use std::collections::BTreeMap;

/// The newest epoch of which a hook began, by host and pair.
#[derive(Clone, Debug, Default)]
pub(super) struct Hooks {
    newest: BTreeMap<(HostName, PairName), Epoch>,
}

impl Hooks {
    pub(super) fn began(
        &mut self,
        now: u64,
        host: &HostName,
        pair: &PairName,
        epoch: Epoch,
        older_lives: bool,
    ) -> Option<String> {
        let newest = self.newest.entry((host.clone(), pair.clone())).or_default();
        let text = if older_lives {
            format!(
                "no stale hook: one of {pair} on {host} of epoch {epoch} began beside an older one"
            )
        } else if epoch < *newest {
            format!(
                "no stale hook: one of {pair} on {host} of epoch {epoch} began after epoch {newest}"
            )
        } else {
            *newest = epoch;
            return None;
        };
        Some(at(now, &text))
    }
}

pub(super) fn two_runs(now: u64, of: &str) -> String {
    at(now, &format!("one run at a time: {of} was started twice"))
}
