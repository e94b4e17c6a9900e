//! Rule `restart-limit-zero`: members of a pair that are restarted may be restarted at least once.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "restart-limit-zero",
    severity: Severity::Warning,
    about: "Members of a pair that are restarted may be restarted at least once.",
    why: "auto_restart is on, but its limit of 0 means that a member that died stays down, and the next failure finds no backup",
    fix: "leave restart.limit out (5), or write at least 1",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, members) in context.pairs() {
        for member in members {
            if member.start_info.auto_restart && member.start_info.restart.limit == 0 {
                report.at(
                    &format!("applications.{}.start_info.restart.limit", member.name),
                    format!("{} may be restarted 0 times", member.name),
                );
            }
        }
    }
}
