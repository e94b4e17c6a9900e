//! Rule `oos-force-without-check`: a DN with `oos-force` has `oos-check`.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "oos-force-without-check",
    severity: Severity::Warning,
    about: "A DN with `oos-force` has `oos-check`.",
    why: "a DN that is never asked never leaves a question unanswered, so it is never out of service",
    fix: "write oos-check as well, or remove oos-force",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (name, switch) in &context.environment.switches {
        for (number, dn) in &switch.dns {
            if dn.oos_force.is_some() && dn.oos_check.is_none() {
                report.at(
                    &format!("switches.{name}.dns.{number}"),
                    format!("DN {number} of {name} has oos-force, but is never checked"),
                );
            }
        }
    }
}
