//! Rule `release-wait-too-short`: `release_wait` leaves the disabling script time to work: 100ms on Linux, 5s on Windows.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::{OperatingSystem, show_duration};
use std::time::Duration;

pub(super) static RULE: Rule = Rule {
    name: "release-wait-too-short",
    severity: Severity::Warning,
    about: "`release_wait` leaves the disabling script time to work: 100ms on Linux, 5s on Windows.",
    why: "the script would be ended in the middle of its work at every switchover; netsh alone can take 5 s and more",
    fix: "leave release_wait out: 1s, with Windows hosts 8s",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        let windows = [&pair.primary_host, &pair.backup_host]
            .into_iter()
            .any(|name| {
                context
                    .environment
                    .hosts
                    .get(name)
                    .is_some_and(|host| host.os == OperatingSystem::Windows)
            });
        let least = Duration::from_millis(if windows { 5000 } else { 100 });
        if !pair.control.is_empty() && pair.policy.release_wait < least {
            report.at(
                &format!("pairs.{}.policy.release_wait", pair.name),
                format!(
                    "{}: release_wait is {}, a release may well take {}",
                    pair.name,
                    show_duration(pair.policy.release_wait),
                    show_duration(least)
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn twenty_milliseconds_are_too_short_for_a_shell_script() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {release_wait: 20ms}
"#)
                )]
            ),
            ["SIP_SERVER: release_wait is 20ms, a release may well take 100ms"]
        );
    }

    #[test]
    fn a_second_is_too_short_for_windows() {
        assert_eq!(
            messages(
                &RULE,
                &[
                    ("host2: {os: linux", "host2: {os: windows"),
                    (
                        END,
                        &and(r#"    policy: {release_wait: 1s}
"#)
                    )
                ]
            ),
            ["SIP_SERVER: release_wait is 1s, a release may well take 5s"]
        );
    }

    #[test]
    fn the_default_of_windows_is_longer() {
        assert!(messages(&RULE, &[("host2: {os: linux", "host2: {os: windows")]).is_empty());
    }
}
