//! Rule `host-loss-waits-too-long`: `disconnect_switchover_timeout` is at most 30 seconds.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::show_duration;
use std::time::Duration;

pub(super) static RULE: Rule = Rule {
    name: "host-loss-waits-too-long",
    severity: Severity::Warning,
    about: "`disconnect_switchover_timeout` is at most 30 seconds.",
    why: "nobody serves while the SCS waits for a lost host to come back; a long enough wait is no failover at all",
    fix: "leave it out, or write the few seconds that the network needs to recover",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for host in context.environment.hosts.values() {
        let wait = host.disconnect_switchover_timeout;
        if wait > Duration::from_secs(30) {
            report.at(
                &format!("hosts.{}.disconnect_switchover_timeout", host.name),
                format!(
                    "{}: a failover waits {} after the loss of the host",
                    host.name,
                    show_duration(wait)
                ),
            );
        }
    }
}
