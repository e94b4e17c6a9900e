//! Rule `script-without-effect`: a control script brings its VIPs up, or takes them down, on an emulated host.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "script-without-effect",
    severity: Severity::Error,
    about: "A control script brings its VIPs up, or takes them down, on an emulated host.",
    why: "the switchover would end with the VIP on the wrong host or on none",
    fix: "run the script by `changeover rehearse --verbose` and look at what its commands say",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        if script.explained_otherwise(context) {
            continue;
        }
        let Some((trial, end)) = script.first_exit() else {
            continue;
        };
        if let Some(fault) = script.fault_of(&trial.first) {
            report.at(
                &script.path(),
                format!(
                    "{}: {} {fault} (exit code {end})",
                    script.name(),
                    script.file()
                ),
            );
        }
    }
}
