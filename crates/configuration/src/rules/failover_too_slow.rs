//! Rule `failover-too-slow`: the time limits of a failover add up to at most a minute.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::show_duration;
use std::time::Duration;

pub(super) static RULE: Rule = Rule {
    name: "failover-too-slow",
    severity: Severity::Warning,
    about: "The time limits of a failover add up to at most a minute.",
    why: "SIP clients give a request up after 32 s (64 x T1) and rarely ask more than twice: a failover that may take longer loses the callers that it was built to keep",
    fix: "lower addp-timeout, demotion_wait, event_wait, release_wait or the startup timeout of the enabling script",
    judge,
};

/// Two requests of a SIP client, given up after 64 x T1 each (RFC 3261, timer B), less what its user takes to redial.
const BUDGET: Duration = Duration::from_secs(60);

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for times in crate::worst_times(context.environment) {
        let Some(pair) = context.environment.pairs.get(&times.pair) else {
            continue;
        };
        let hosts = [&pair.primary_host, &pair.backup_host];
        let bound = hosts
            .into_iter()
            .filter_map(|host| context.environment.hosts.get(host))
            .map(changeover_model::environment::Host::detection_bound)
            .max()
            .unwrap_or_default();
        if bound + times.moving > BUDGET {
            report.at(
                &format!("pairs.{}.policy", pair.name),
                format!(
                    "{}: {} to notice the loss of a host and {} to move, at most",
                    pair.name,
                    show_duration(bound),
                    show_duration(times.moving)
                ),
            );
        }
    }
}
