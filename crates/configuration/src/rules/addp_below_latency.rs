//! Rule `addp-below-latency`: aDDP timeouts are at least twice the network latency (needs `--latency`).

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::{parse_duration, show_duration};
use std::time::Duration;

pub(super) static RULE: Rule = Rule {
    name: "addp-below-latency",
    severity: Severity::Error,
    about: "ADDP timeouts are at least twice the network latency (needs `--latency`).",
    why: "a poll and its answer need two crossings; a shorter timeout declares a living peer lost",
    fix: "raise the timeout to at least twice the latency",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(latency) = context.latency else {
        return;
    };
    let least = latency * 2;
    for (_, member) in context.sip_members() {
        for option in ["addp-timeout", "addp-remote-timeout"] {
            let value = member.option("backup-sync", option).and_then(seconds);
            if let Some(value) = value.filter(|value| *value < least) {
                report.at(
                    &format!("applications.{}.options.backup-sync.{option}", member.name),
                    too_short(member.name.as_str(), option, value, latency),
                );
            }
        }
    }
    for host in context.environment.hosts.values() {
        for (option, value) in [
            ("addp-timeout", host.addp.timeout),
            ("addp-remote-timeout", host.addp.remote_timeout),
        ] {
            if value < least {
                report.at(
                    &format!("hosts.{}.addp.{option}", host.name),
                    too_short(host.name.as_str(), option, value, latency),
                );
            }
        }
    }
}

fn too_short(name: &str, option: &str, value: Duration, latency: Duration) -> String {
    format!(
        "{name}: {option} is {}, less than twice the latency of {}",
        show_duration(value),
        show_duration(latency)
    )
}

/// The model's own unit: bare numbers are seconds.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    parse_duration(text)
        .or_else(|_| parse_duration(&format!("{text}s")))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{messages, messages_with_latency};

    #[test]
    fn a_timeout_of_less_than_two_crossings_is_an_error() {
        assert_eq!(
            messages_with_latency(
                &RULE,
                &[(
                    r#"addp-timeout: 3
"#,
                    r#"addp-timeout: 1
"#
                )],
                Some(Duration::from_millis(600))
            ),
            [
                "SIP_SERVER_PRIMARY: addp-timeout is 1s, less than twice the latency of 600ms",
                "SIP_SERVER_BACKUP: addp-timeout is 1s, less than twice the latency of 600ms"
            ]
        );
    }

    #[test]
    fn the_scs_lca_link_counts_as_well() {
        assert_eq!(
            messages_with_latency(
                &RULE,
                &[(
                    "address: 10.10.11.102}",
                    "address: 10.10.11.102, addp: {addp-timeout: 100ms}}"
                )],
                Some(Duration::from_millis(60))
            ),
            ["host2: addp-timeout is 100ms, less than twice the latency of 60ms"]
        );
    }

    #[test]
    fn two_crossings_are_enough() {
        assert!(messages_with_latency(&RULE, &[], Some(Duration::from_millis(750))).is_empty());
    }

    #[test]
    fn without_a_latency_nothing_can_be_said() {
        assert!(
            messages(
                &RULE,
                &[(
                    r#"addp-timeout: 3
"#,
                    r#"addp-timeout: 1ms
"#
                )]
            )
            .is_empty()
        );
    }
}
