//! Rule `cancel-event-is-detect-event`: the cancel event of an Alarm Condition is another one than its detect event.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "cancel-event-is-detect-event",
    severity: Severity::Warning,
    about: "The cancel event of an Alarm Condition is another one than its detect event.",
    why: "the event that raises the alarm clears it again, so nobody sees it",
    fix: "name the event that says it is over, or leave cancel out and rely on cancel_timeout",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for condition in context.environment.alarm_conditions.values() {
        if condition.cancel == Some(condition.detect) {
            report.at(
                &format!("alarm_conditions.{}.cancel.log_event_id", condition.name),
                format!(
                    "{} is cleared by {} as well",
                    condition.name, condition.detect
                ),
            );
        }
    }
}
