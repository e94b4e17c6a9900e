//! Rule `backup-sync-unreadable`: ADDP and reconnect times of `backup-sync` are times above zero.

use super::addp_below_latency::seconds;
use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "backup-sync-unreadable",
    severity: Severity::Error,
    about: "ADDP and reconnect times of `backup-sync` are times above zero.",
    why: "the server would run with its own default, which fits neither the other one nor the network",
    fix: "write seconds, as in addp-timeout: 3, or a time with its unit",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, member) in context.sip_members() {
        for option in ["addp-timeout", "addp-remote-timeout", "sync-reconnect-tout"] {
            let Some(value) = member.option("backup-sync", option) else {
                continue;
            };
            if !seconds(value).is_some_and(|time| !time.is_zero()) {
                report.at(
                    &format!("applications.{}.options.backup-sync.{option}", member.name),
                    format!("{}: {option} is `{value}`, no time", member.name),
                );
            }
        }
    }
}
