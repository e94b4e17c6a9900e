//! Rule `script-without-interpreter`: UNIX control scripts name their interpreter in the first line, which ends as UNIX lines do.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use crate::script_facts::ScriptFile;

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
        let first = text.split('\n').next().unwrap_or_default();
        let what = if script.windows {
            continue;
        } else if !first.starts_with("#!") {
            "names no interpreter"
        } else if first.ends_with('\r') {
            "ends its lines as Windows does"
        } else {
            continue;
        };
        report.at(&script.path(), format!("{}: {path} {what}", script.name()));
    }
}
