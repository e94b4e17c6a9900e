//! Rule `flapping-stops-at-once`: `flapping` lets a pair change roles twice before automatic switching stops.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "flapping-stops-at-once",
    severity: Severity::Warning,
    about: "`flapping` lets a pair change roles twice before automatic switching stops.",
    why: "the first failover uses up what is allowed: the next failure within that time is not followed by one",
    fix: "write flapping: {switches: 4, within: 10m}, the default, or at least 2 switches",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.policy.flapping.switches < 2 {
            report.at(
                &format!("pairs.{}.policy.flapping", pair.name),
                format!(
                    "{}: automatic switching stops with the second change of roles",
                    pair.name
                ),
            );
        }
    }
}
