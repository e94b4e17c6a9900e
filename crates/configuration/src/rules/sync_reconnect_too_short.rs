//! Rule `sync-reconnect-too-short`: `sync-reconnect-tout` is at least twice the ADDP timeout plus the latency.

use super::addp_below_latency::seconds;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::show_duration;

pub(super) static RULE: Rule = Rule {
    name: "sync-reconnect-too-short",
    severity: Severity::Warning,
    about: "`sync-reconnect-tout` is at least twice the ADDP timeout plus the latency.",
    why: "the members would give the link up before ADDP could find out whether it is lost",
    fix: "raise sync-reconnect-tout to at least twice addp-timeout plus the latency",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, member) in context.sip_members() {
        let option = |name| member.option("backup-sync", name).and_then(seconds);
        let (Some(reconnect), Some(addp)) = (option("sync-reconnect-tout"), option("addp-timeout"))
        else {
            continue;
        };
        let least = addp.saturating_mul(2) + context.latency.unwrap_or_default();
        if reconnect < least {
            report.at(
                &format!(
                    "applications.{}.options.backup-sync.sync-reconnect-tout",
                    member.name
                ),
                format!(
                    "{}: sync-reconnect-tout is {}, it needs at least {}",
                    member.name,
                    show_duration(reconnect),
                    show_duration(least)
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{messages, messages_with_latency};
    use std::time::Duration;

    #[test]
    fn less_than_two_timeouts_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[("sync-reconnect-tout: 7", "sync-reconnect-tout: 5")]
            ),
            [
                "SIP_SERVER_PRIMARY: sync-reconnect-tout is 5s, it needs at least 6s",
                "SIP_SERVER_BACKUP: sync-reconnect-tout is 5s, it needs at least 6s"
            ]
        );
    }

    #[test]
    fn the_latency_counts_on_top() {
        assert_eq!(
            messages_with_latency(&RULE, &[], Some(Duration::from_millis(1500))),
            [
                "SIP_SERVER_PRIMARY: sync-reconnect-tout is 7s, it needs at least 7500ms",
                "SIP_SERVER_BACKUP: sync-reconnect-tout is 7s, it needs at least 7500ms"
            ]
        );
    }

    #[test]
    fn exactly_two_timeouts_are_enough() {
        assert!(
            messages(
                &RULE,
                &[("sync-reconnect-tout: 7", "sync-reconnect-tout: 6")]
            )
            .is_empty()
        );
    }
}
