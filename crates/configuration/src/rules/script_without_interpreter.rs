//! Rule `script-without-interpreter`: UNIX control scripts name their interpreter in the first line, which ends as UNIX lines do.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use crate::script_facts::{ScriptFile, TrialEnd};

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
        let ScriptFile::Found { path, text, .. } = &script.facts.file else {
            continue;
        };
        if script.windows {
            continue;
        }
        let first = text.split('\n').next().unwrap_or_default();
        let what = if !first.starts_with("#!") {
            "names no interpreter".to_owned()
        } else if first.ends_with('\r') {
            "ends its lines as Windows does".to_owned()
        } else if let Some(TrialEnd::NotStarted(said)) =
            script.facts.trial.as_ref().map(|trial| &trial.first.end)
        {
            format!("cannot be started: {said}")
        } else {
            continue;
        };
        report.at(&script.path(), format!("{}: {path} {what}", script.name()));
    }
}
