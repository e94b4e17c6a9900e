//! Rule `script-without-interpreter`: UNIX control scripts name their interpreter in the first line, which ends as UNIX lines do.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use crate::script_facts::TrialEnd;

pub(super) static RULE: Rule = Rule {
    name: "script-without-interpreter",
    severity: Severity::Error,
    about: "UNIX control scripts name their interpreter in the first line, which ends as UNIX lines do.",
    why: "the kernel cannot start a script without `#!`, and looks for `/bin/sh` with a carriage return behind it where the file came from Windows",
    fix: "begin the file with #!/bin/sh, and convert its line ends (dos2unix)",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        if script.windows {
            continue;
        }
        let what = if let Some(fault) = script.facts.file.first_line_fault() {
            fault.to_owned()
        } else if let Some(TrialEnd::NotStarted(said)) =
            script.facts.trial.as_ref().map(|trial| &trial.first.end)
        {
            format!("cannot be started: {said}")
        } else {
            continue;
        };
        report.at(
            &script.path(),
            format!("{}: {} {what}", script.name(), script.file()),
        );
    }
}
