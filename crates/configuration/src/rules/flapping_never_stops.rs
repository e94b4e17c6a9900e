//! Rule `flapping-never-stops`: so many changes of roles as `flapping` allows fit into its window.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::show_duration;
use std::time::Duration;

pub(super) static RULE: Rule = Rule {
    name: "flapping-never-stops",
    severity: Severity::Warning,
    about: "So many changes of roles as `flapping` allows fit into its window.",
    why: "if they do not fit, the limit is never reached, and a pair that swings swings for ever",
    fix: "write a longer within, or fewer switches",
    judge,
};

/// A change of roles with its failed start in between hardly takes less.
const ONE_CHANGE: Duration = Duration::from_millis(100);

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        let flapping = pair.policy.flapping;
        if flapping.within < ONE_CHANGE.saturating_mul(flapping.switches) {
            report.at(
                &format!("pairs.{}.policy.flapping", pair.name),
                format!(
                    "{}: {} changes of roles do not happen within {}",
                    pair.name,
                    flapping.switches,
                    show_duration(flapping.within)
                ),
            );
        }
    }
}
