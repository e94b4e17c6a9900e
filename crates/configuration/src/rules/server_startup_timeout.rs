//! Rule `server-startup-timeout`: members of a pair have at least five seconds to start.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::show_duration;
use std::time::Duration;

pub(super) static RULE: Rule = Rule {
    name: "server-startup-timeout",
    severity: Severity::Warning,
    about: "Members of a pair have at least five seconds to start.",
    why: "a server that is ended while it still reads its configuration never becomes Running, and a backup that does not run is never promoted",
    fix: "write startup_timeout: 90s, or leave it out",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, members) in context.pairs() {
        for member in members {
            let timeout = member.start_info.startup_timeout;
            if timeout < Duration::from_secs(5) {
                report.at(
                    &format!("applications.{}.start_info.startup_timeout", member.name),
                    format!("{} has {} to start", member.name, show_duration(timeout)),
                );
            }
        }
    }
}
