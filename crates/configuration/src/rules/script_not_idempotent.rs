//! Rule `script-not-idempotent`: a control script may be started twice: the second run leaves what the first one did.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "script-not-idempotent",
    severity: Severity::Error,
    about: "A control script may be started twice: the second run leaves what the first one did.",
    why: "realignment, retries and the guide's own double start of PRIMARY_VIP_DOWN run scripts again; one that toggles or undoes moves the VIP away",
    fix: "ask first whether the address is there, and end well if there is nothing to do",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        let Some((trial, _)) = script.first_exit() else {
            continue;
        };
        if script.fault_of(&trial.first).is_some() {
            continue;
        }
        if let Some(fault) = script.fault_of(&trial.second) {
            report.at(
                &script.path(),
                format!(
                    "{}: started a second time, {} {fault}",
                    script.name(),
                    script.file()
                ),
            );
        }
    }
}
