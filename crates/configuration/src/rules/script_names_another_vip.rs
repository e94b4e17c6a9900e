//! Rule `script-names-another-vip`: a control script that names addresses names the VIP of its pair.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "script-names-another-vip",
    severity: Severity::Error,
    about: "A control script that names addresses names the VIP of its pair.",
    why: "it would move another address, and the VIP not at all; scripts copied from another site are like this",
    fix: "write the VIP of the file, or take it from CHANGEOVER_VIP",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        if let Some((line, address)) = script.other_vip(context) {
            report.at(
                &script.path(),
                format!(
                    "{}: {}:{line} names {address}, and no line the VIP",
                    script.name(),
                    script.file()
                ),
            );
        }
    }
}
