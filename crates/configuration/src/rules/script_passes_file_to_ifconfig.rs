//! Rule `script-passes-file-to-ifconfig`: no script gives `ifconfig` a file instead of an interface.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "script-passes-file-to-ifconfig",
    severity: Severity::Error,
    about: "No script gives `ifconfig` a file instead of an interface.",
    why: "samples for Solaris write /etc/hostname.dmfe0:1 where the interface dmfe0:1 belongs; ifconfig refuses it",
    fix: "write the interface; the file is read at boot only, where it would raise the VIP on both hosts",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        if let Some((line, file)) = script.file_given_to_ifconfig() {
            report.at(
                &script.path(),
                format!(
                    "{}: {}:{line} gives ifconfig the file {file}",
                    script.name(),
                    script.file()
                ),
            );
        }
    }
}
