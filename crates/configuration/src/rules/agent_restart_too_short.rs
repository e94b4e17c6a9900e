//! Rule `agent-restart-too-short`: `lca_restart_timeout` leaves an LCA at least a second to come back.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::show_duration;
use std::time::Duration;

pub(super) static RULE: Rule = Rule {
    name: "agent-restart-too-short",
    severity: Severity::Warning,
    about: "`lca_restart_timeout` leaves an LCA at least a second to come back.",
    why: "a restart or an upgrade of the agent would be treated as its loss, and the pair held or failed over for it",
    fix: "leave lca_restart_timeout out (5s), or write at least 1s",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for host in context.environment.hosts.values() {
        if host.lca_restart_timeout < Duration::from_secs(1) {
            report.at(
                &format!("hosts.{}.lca_restart_timeout", host.name),
                format!(
                    "{}: its LCA has {} to come back",
                    host.name,
                    show_duration(host.lca_restart_timeout)
                ),
            );
        }
    }
}
