//! Rule `reaction-twice`: a reaction list names a script once.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use std::collections::BTreeSet;

pub(super) static RULE: Rule = Rule {
    name: "reaction-twice",
    severity: Severity::Warning,
    about: "A reaction list names a script once.",
    why: "the second run of a script that moves a VIP finds nothing to do, and often another script was meant",
    fix: "remove one of the two, or name the script that was meant",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for condition in context.environment.alarm_conditions.values() {
        for (list, scripts) in [
            ("reaction_scripts", &condition.reaction_scripts),
            ("clearance_scripts", &condition.clearance_scripts),
        ] {
            let mut seen = BTreeSet::new();
            for script in scripts {
                if !seen.insert(script) {
                    report.at(
                        &format!("alarm_conditions.{}.{list}", condition.name),
                        format!("{} lists {script} twice", condition.name),
                    );
                }
            }
        }
    }
}
