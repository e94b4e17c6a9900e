//! Owns the verdicts: one per invariant, over everything that a drill has seen. Pure. The names are those of the
//! simulation's invariants where both look at the same thing; here it is looked at from outside, on real processes.

mod allowance;
mod rules;
#[cfg(test)]
mod tests;

pub(crate) use allowance::two_holders_allowed;

use crate::seen::Seen;
use serde::Serialize;

/// A verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    pub(crate) invariant: &'static str,
    /// What it says, for people.
    pub(crate) meaning: &'static str,
    pub(crate) passed: bool,
    /// How often it was looked at: of none it is said that there was nothing to judge.
    pub(crate) judged: usize,
    /// What broke it.
    pub(crate) broken: Vec<String>,
}

/// An invariant.
struct Invariant {
    name: &'static str,
    meaning: &'static str,
    /// How often it was looked at, and what broke it.
    judge: fn(&Seen) -> (usize, Vec<String>),
}

const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "one-primary-per-epoch",
        meaning: "in each epoch one application says that it is primary, and no other",
        judge: rules::one_primary_per_epoch,
    },
    Invariant {
        name: "epochs-rise",
        meaning: "no lower epoch is ever used",
        judge: rules::epochs_rise,
    },
    Invariant {
        name: "two-holders",
        meaning: "two hosts that neighbours reach hold the VIP no longer than the policy's bound",
        judge: rules::two_holders,
    },
    Invariant {
        name: "settled",
        meaning: "after the last fault one primary, one holder, the same host, within the bound",
        judge: rules::settled,
    },
    Invariant {
        name: "no-stuck-state",
        meaning: "at rest nothing is under way any more",
        judge: rules::no_stuck_state,
    },
    Invariant {
        name: "controller-alone",
        meaning: "the loss of the controller alone moves no VIP (hold and quorum)",
        judge: rules::controller_alone,
    },
    Invariant {
        name: "slow-disk-alone",
        meaning: "a slow disk alone moves no VIP (hold and quorum)",
        judge: rules::slow_disk_alone,
    },
    Invariant {
        name: "honest-outcome",
        meaning: "a change of roles that is reported as done is done: the new primary's host has the VIP",
        judge: rules::honest_outcome,
    },
    Invariant {
        name: "delivery",
        meaning: "every promotion that was reported as done is in the log",
        judge: rules::delivery,
    },
    Invariant {
        name: "reasons-given",
        meaning: "what was refused, suppressed or failed left a reason",
        judge: rules::reasons_given,
    },
    Invariant {
        name: "no-component-ends",
        meaning: "no component ends that nobody killed",
        judge: rules::no_component_ends,
    },
];

/// All verdicts.
pub(crate) fn judge(seen: &Seen) -> Vec<Verdict> {
    INVARIANTS
        .iter()
        .map(|invariant| {
            let (judged, broken) = (invariant.judge)(seen);
            Verdict {
                invariant: invariant.name,
                meaning: invariant.meaning,
                passed: broken.is_empty(),
                judged,
                broken,
            }
        })
        .collect()
}
