//! Rule `condition-never-met`: an Alarm Condition selects applications that the site has.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::Selection;

pub(super) static RULE: Rule = Rule {
    name: "condition-never-met",
    severity: Severity::Warning,
    about: "An Alarm Condition selects applications that the site has.",
    why: "no event can ever raise it, so its reactions never run",
    fix: "select a type that the site has, an application, or any",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for condition in context.environment.alarm_conditions.values() {
        let Selection::ApplicationType(of) = &condition.selection else {
            continue;
        };
        let known = context
            .environment
            .applications
            .values()
            .any(|application| application.application_type == *of);
        if !known {
            report.at(
                &format!("alarm_conditions.{}.detect.type", condition.name),
                format!("{}: no application is a {of}", condition.name),
            );
        }
    }
}
