//! Rule `pid-file-shared`: two applications on a host have a pid file each.

use super::shared::sharing;
use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "pid-file-shared",
    severity: Severity::Error,
    about: "Two applications on a host have a pid file each.",
    why: "the agent would watch, signal and end the process of the other one",
    fix: "give each application a pid file of its own",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let found = sharing(context, |application| {
        let info = &application.start_info;
        let file = info.pid_file.as_str();
        if file.is_empty() {
            None
        } else if file.starts_with('/') || info.working_directory.is_empty() {
            Some(file.to_owned())
        } else {
            Some(format!(
                "{}/{file}",
                info.working_directory.trim_end_matches('/')
            ))
        }
    });
    for (application, first, file) in found {
        report.at(
            &format!("applications.{application}.start_info.pid_file"),
            format!("{first} and {application} have the same pid file {file}"),
        );
    }
}
