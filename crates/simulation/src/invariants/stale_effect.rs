//! Nothing of an older epoch takes effect after something of a newer one: a DOWN of round 1 that wakes up late must
//! not undo the UP of round 2, and a server must not go back to a mode of the past (BEHAVIOUR, Effects, not only
//! launches). Control scripts are compared per host and pair, run modes per process. Exception: a script of an
//! older epoch may still run when a newer run-mode order arrives; what counts is that it never follows a newer
//! script. And what a host had done before it lost its power is undone, so that nothing after it comes too late: an
//! epoch that its disk did not have yet is lost with it.

use super::at;
use changeover_model::{ApplicationName, Epoch, HostName, PairName, ScriptAction};
use std::collections::BTreeMap;

/// The newest epoch that took effect.
#[derive(Clone, Debug, Default)]
pub(super) struct StaleEffect {
    scripts: BTreeMap<(HostName, PairName), Epoch>,
    /// By application and run: two LCAs may number their runs alike.
    run_modes: BTreeMap<(ApplicationName, u64), Epoch>,
}

impl StaleEffect {
    pub(super) fn script(
        &mut self,
        now: u64,
        host: &HostName,
        pair: &PairName,
        epoch: Epoch,
        action: ScriptAction,
    ) -> Option<String> {
        let newest = self
            .scripts
            .entry((host.clone(), pair.clone()))
            .or_default();
        if epoch < *newest {
            let text = format!(
                "no stale effect: the {action} script of {pair} on {host} of epoch {epoch} took effect after one of epoch {newest}"
            );
            return Some(at(now, &text));
        }
        *newest = epoch;
        None
    }

    /// The host's addresses and processes are gone.
    pub(super) fn power_lost(&mut self, host: &HostName) {
        self.scripts.retain(|(on, _), _| on != host);
    }

    pub(super) fn run_mode(
        &mut self,
        now: u64,
        run: u64,
        application: &ApplicationName,
        epoch: Epoch,
    ) -> Option<String> {
        let newest = self
            .run_modes
            .entry((application.clone(), run))
            .or_default();
        if epoch < *newest {
            let text = format!(
                "no stale effect: {application} entered a run mode of epoch {epoch} after one of epoch {newest}"
            );
            return Some(at(now, &text));
        }
        *newest = epoch;
        None
    }
}
