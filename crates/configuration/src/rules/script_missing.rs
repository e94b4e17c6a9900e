//! Rule `script-missing`: every control script is where its application says.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use crate::script_facts::ScriptFile;

pub(super) static RULE: Rule = Rule {
    name: "script-missing",
    severity: Severity::Error,
    about: "Every control script is where its application says.",
    why: "the agent could not start it, so the VIP would not move",
    fix: "put the file there, or correct working_directory and command_line",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        if let ScriptFile::Missing { path } = &script.facts.file {
            report.at(
                &script.path(),
                format!("{}: there is no {path}", script.name()),
            );
        }
    }
}
