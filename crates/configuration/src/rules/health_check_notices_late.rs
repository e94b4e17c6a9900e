//! Rule `health-check-notices-late`: a health check notices within half a minute.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::Probe;
use changeover_model::show_duration;
use std::time::Duration;

/// Longest time from the first failure to the verdict.
const LATE: Duration = Duration::from_secs(30);

pub(super) static RULE: Rule = Rule {
    name: "health-check-notices-late",
    severity: Severity::Warning,
    about: "A health check notices within half a minute.",
    why: "until then the pair serves with a server that its own check calls down",
    fix: "write a shorter every or a smaller fall",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for application in context.environment.applications.values() {
        for (index, check) in application.health.iter().enumerate() {
            let takes = check.every.saturating_mul(check.fall);
            if !matches!(check.probe, Probe::Link { .. }) && takes > LATE {
                report.at(
                    &format!("applications.{}.health.{index}.every", application.name),
                    format!(
                        "{}: health check \"{}\" is down after {}: {} failures in a row, one every {}",
                        application.name,
                        check.name,
                        show_duration(takes),
                        check.fall,
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
    fn a_minute_is_late() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "      type: SIPServer\n",
                    "      type: SIPServer\n      health: [{command: check-media, every: 20s}]\n"
                )]
            ),
            [
                "SIP_SERVER_PRIMARY: health check \"command check-media\" is down after 1m: 3 failures in a row, one every 20s",
                "SIP_SERVER_BACKUP: health check \"command check-media\" is down after 1m: 3 failures in a row, one every 20s"
            ]
        );
    }

    #[test]
    fn half_a_minute_is_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    "      type: SIPServer\n",
                    "      type: SIPServer\n      health: [{command: check-media, every: 10s}]\n"
                )]
            )
            .is_empty()
        );
    }
}
