//! Rule `script-names-another-interface`: a control script that names interfaces names that of the VIP on its host.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "script-names-another-interface",
    severity: Severity::Error,
    about: "A control script that names interfaces names that of the VIP on its host.",
    why: "the VIP would come up on a NIC that callers do not reach, or not at all",
    fix: "write the interface of the file, or take it from CHANGEOVER_INTERFACE",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        if let Some((line, name)) = script.other_interface() {
            report.at(
                &script.path(),
                format!(
                    "{}: {}:{line} names the interface {name}, not {}",
                    script.name(),
                    script.file(),
                    script.interfaces().join(", ")
                ),
            );
        }
    }
}
