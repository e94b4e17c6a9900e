//! Rule `restart-delays-reversed`: the first restart delay is not above the longest one.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::show_duration;

pub(super) static RULE: Rule = Rule {
    name: "restart-delays-reversed",
    severity: Severity::Warning,
    about: "The first restart delay is not above the longest one.",
    why: "the longest delay holds from the beginning: a member stays down longer than the first delay promises, or shorter",
    fix: "write first_delay below longest_delay",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for application in context.environment.applications.values() {
        let restart = application.start_info.restart;
        if restart.first_delay > restart.longest_delay {
            report.at(
                &format!(
                    "applications.{}.start_info.restart.first_delay",
                    application.name
                ),
                format!(
                    "{}: the first delay {} is above the longest, {}",
                    application.name,
                    show_duration(restart.first_delay),
                    show_duration(restart.longest_delay)
                ),
            );
        }
    }
}
