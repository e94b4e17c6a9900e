//! Rule `wrong-event-for-redundancy`: hA conditions detect the events of the pair's redundancy type.

use super::is_server_mode_event;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::Selection;

pub(super) static RULE: Rule = Rule {
    name: "wrong-event-for-redundancy",
    severity: Severity::Error,
    about: "HA conditions detect the events of the pair's redundancy type.",
    why: "hot standby members log 4561 and 4563, warm ones 4560 and 4562, third-party ones none; the condition would never be met",
    fix: "detect 4561/4563 for hot, 4560/4562 for warm standby, 5151/5150 for third-party members",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for condition in context.environment.alarm_conditions.values() {
        let Selection::Application(name) = &condition.selection else {
            continue;
        };
        if !is_server_mode_event(condition.detect) {
            continue;
        }
        let path = format!("alarm_conditions.{}.detect.log_event_id", condition.name);
        let Some(pair) = context.environment.pair_of(name) else {
            report.at(
                &path,
                format!(
                    "{}: {name} is no member of a pair and never logs {}",
                    condition.name, condition.detect
                ),
            );
            continue;
        };
        let events = context.mode_events(pair, name);
        if !events.became_primary(condition.detect) && !events.became_backup(condition.detect) {
            report.at(
                &path,
                format!(
                    "{}: {name} is in a {} standby pair and never logs {}",
                    condition.name, pair.redundancy, condition.detect
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
    fn a_hot_standby_member_never_logs_4562() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"alarm_conditions: {ALRM_BACKUP_4563_HAPrimary: {detect: {log_event_id: 4562}}}
"#
                    )
                )]
            ),
            [
                "ALRM_BACKUP_4563_HAPrimary: SIP_SERVER_BACKUP is in a hot standby pair and never logs 4562"
            ]
        );
    }

    #[test]
    fn a_control_script_logs_none_of_them() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"alarm_conditions: {X: {category: Minor, detect: {log_event_id: 4561, selection: application, application: SIP_SERVER_PRIMARY_VIP_UP}}}
"#
                    )
                )]
            ),
            ["X: SIP_SERVER_PRIMARY_VIP_UP is no member of a pair and never logs 4561"]
        );
    }

    #[test]
    fn the_derived_ones_of_warm_standby_fit() {
        assert!(messages(&RULE, &[("redundancy_type: hot", "redundancy_type: warm")]).is_empty());
    }
}
