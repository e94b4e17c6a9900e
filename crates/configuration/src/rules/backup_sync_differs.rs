//! Rule `backup-sync-differs`: both members of a hot standby pair have the same ADDP and reconnect settings.

use super::addp_below_latency::seconds;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::{ApplicationType, Redundancy};

pub(super) static RULE: Rule = Rule {
    name: "backup-sync-differs",
    severity: Severity::Warning,
    about: "Both members of a hot standby pair have the same ADDP and reconnect settings.",
    why: "one side would give the link up while the other still waits, and which one that is changes with every switchover",
    fix: "write backup-sync once, under server.options",
    judge,
};

const OPTIONS: [&str; 4] = [
    "protocol",
    "addp-timeout",
    "addp-remote-timeout",
    "sync-reconnect-tout",
];

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, [primary, backup]) in context.pairs() {
        let servers = [primary, backup]
            .iter()
            .all(|member| member.application_type == ApplicationType::SipServer);
        if !servers || pair.redundancy != Redundancy::Hot {
            continue;
        }
        for option in OPTIONS {
            let [one, other] = [primary, backup].map(|member| member.option("backup-sync", option));
            let (Some(one), Some(other)) = (one, other) else {
                continue;
            };
            let same = match (seconds(one), seconds(other)) {
                (Some(one), Some(other)) => one == other,
                _ => one.eq_ignore_ascii_case(other),
            };
            if !same {
                report.at(
                    &format!("applications.{}.options.backup-sync.{option}", backup.name),
                    format!(
                        "{}: {option} is {one} on {} and {other} on {}",
                        pair.name, primary.name, backup.name
                    ),
                );
            }
        }
    }
}
