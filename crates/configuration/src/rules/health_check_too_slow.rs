//! Rule `health-check-too-slow`: a run of a health check may not take as long as the time to the next one.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::Probe;
use changeover_model::show_duration;

pub(super) static RULE: Rule = Rule {
    name: "health-check-too-slow",
    severity: Severity::Error,
    about: "A run of a health check may not take as long as the time to the next one.",
    why: "there is never more than one run of a check, so a slow one would be looked at more rarely than the file says",
    fix: "write a timeout shorter than every, or a longer every",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for application in context.environment.applications.values() {
        for (index, check) in application.health.iter().enumerate() {
            let polled = !matches!(check.probe, Probe::Link { .. });
            if polled && check.timeout >= check.every {
                report.at(
                    &format!("applications.{}.health.{index}.timeout", application.name),
                    format!(
                        "{}: health check \"{}\" may take {} and is due every {}",
                        application.name,
                        check.name,
                        show_duration(check.timeout),
                        show_duration(check.every)
                    ),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    #[test]
    fn a_timeout_as_long_as_the_period_is_an_error_for_each_server() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "      type: SIPServer\n",
                    "      type: SIPServer\n      health: [{command: check-media, timeout: 1s}]\n"
                )]
            ),
            [
                "SIP_SERVER_PRIMARY: health check \"command check-media\" may take 1s and is due every 1s",
                "SIP_SERVER_BACKUP: health check \"command check-media\" may take 1s and is due every 1s"
            ]
        );
    }

    #[test]
    fn the_defaults_and_links_are_fine() {
        assert!(messages(&RULE, &[("      type: SIPServer\n", "      type: SIPServer\n      health: [{command: check-media}, {link: [eth0]}]\n")]).is_empty());
    }
}
