//! Rule `cancel-timeout-extreme`: cancel timeouts are between a minute and a week.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::show_duration;
use std::time::Duration;

pub(super) static RULE: Rule = Rule {
    name: "cancel-timeout-extreme",
    severity: Severity::Warning,
    about: "Cancel timeouts are between a minute and a week.",
    why: "a shorter one clears the alarm before anybody sees it, a longer one leaves it standing for good",
    fix: "write the guide's 1h, or what the operators need",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for condition in context.environment.alarm_conditions.values() {
        let timeout = condition.cancel_timeout;
        if timeout < Duration::from_secs(60) || timeout > Duration::from_secs(7 * 86_400) {
            report.at(
                &format!("alarm_conditions.{}.cancel_timeout", condition.name),
                format!(
                    "{}: the cancel timeout is {}",
                    condition.name,
                    show_duration(timeout)
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
    fn a_second_is_too_short_to_be_seen() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"alarm_conditions: {ALRM_BACKUP_4563_HAPrimary: {cancel_timeout: 1s}}
"#
                    )
                )]
            ),
            ["ALRM_BACKUP_4563_HAPrimary: the cancel timeout is 1s"]
        );
    }

    #[test]
    fn two_days_are_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"alarm_conditions: {ALRM_BACKUP_4563_HAPrimary: {cancel_timeout: 48h}}
"#
                    )
                )]
            )
            .is_empty()
        );
    }
}
