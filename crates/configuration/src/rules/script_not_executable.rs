//! Rule `script-not-executable`: control scripts may be executed.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use crate::script_facts::ScriptFile;

pub(super) static RULE: Rule = Rule {
    name: "script-not-executable",
    severity: Severity::Error,
    about: "Control scripts may be executed.",
    why: "the agent starts them as they are, without a shell of its own",
    fix: "chmod 755 the file, on both hosts",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        let ScriptFile::Found {
            path, executable, ..
        } = &script.facts.file
        else {
            continue;
        };
        if !executable && !script.windows {
            report.at(
                &script.path(),
                format!("{}: {path} is not executable", script.name()),
            );
        }
    }
}
