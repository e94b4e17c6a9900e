//! Owns the verdicts. Each documented step has a rule that looks for its evidence in the SCS's timeline *and*, where
//! the rehearsal can see for itself, in its own observations; each workflow ends with checks of what must hold. Pure:
//! a [`Witness`] goes in, verdicts come out. The rules of each workflow stand with it in `workflows/`; what they are
//! made of is in `evidence.rs` and `checks.rs`.

mod checks;
use evidence::Finding;
pub(crate) mod documented;
pub(crate) mod evidence;
pub(crate) mod ports;
pub(crate) mod traffic;
mod witness;

#[cfg(test)]
mod tests;

pub(crate) use checks::{EndState, end_checks};
pub(crate) use witness::{CallStep, Cast, OwnSighting, SeenEntry, Witness};

use crate::outcome::{ProblemOutcome, StepOutcome};

/// A documented step and how it is judged.
pub(crate) struct Rule {
    pub(crate) text: String,
    /// Path of the configuration that decides whether it happens.
    pub(crate) look_at: String,
    pub(crate) judge: Box<dyn Fn(&Witness) -> Finding>,
}

impl Rule {
    /// A rule.
    pub(crate) fn new(
        text: impl Into<String>,
        look_at: impl Into<String>,
        judge: impl Fn(&Witness) -> Finding + 'static,
    ) -> Self {
        Self {
            text: text.into(),
            look_at: look_at.into(),
            judge: Box::new(judge),
        }
    }
}

/// Judges every step; `place` names the line that decides a path of the configuration.
pub(crate) fn judge(
    rules: &[Rule],
    witness: &Witness,
    place: impl Fn(&str) -> String,
) -> Vec<StepOutcome> {
    rules
        .iter()
        .zip(1..)
        .map(|(rule, number)| {
            let mut finding = (rule.judge)(witness);
            finding
                .events
                .sort_by(|one, other| one.at_ms.total_cmp(&other.at_ms));
            StepOutcome {
                number,
                text: rule.text.clone(),
                passed: finding.missing.is_empty(),
                events: finding.events,
                problem: (!finding.missing.is_empty()).then(|| ProblemOutcome {
                    expected: finding.missing.join("; "),
                    seen: if finding.seen.is_empty() {
                        "nothing of it".to_owned()
                    } else {
                        finding.seen.join("; ")
                    },
                    look_at: place(&rule.look_at),
                }),
            }
        })
        .collect()
}
