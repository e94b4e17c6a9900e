//! Rule `ha-condition-not-critical`: HA conditions that move a VIP have the category Critical.

use super::wiring::is_mode_event;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::AlarmCategory;

pub(super) static RULE: Rule = Rule {
    name: "ha-condition-not-critical",
    severity: Severity::Warning,
    about: "HA conditions that move a VIP have the category Critical.",
    why: "operators filter by category: a moved VIP that is filed under Minor is found when callers complain",
    fix: "write category: Critical, or leave it out where the condition is derived",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for condition in context.environment.alarm_conditions.values() {
        let moves = context
            .pairs()
            .any(|(pair, _)| !context.steps(pair, condition).is_empty());
        if moves && is_mode_event(condition.detect) && condition.category != AlarmCategory::Critical
        {
            report.at(
                &format!("alarm_conditions.{}.category", condition.name),
                format!("{} has the category {}", condition.name, condition.category),
            );
        }
    }
}
