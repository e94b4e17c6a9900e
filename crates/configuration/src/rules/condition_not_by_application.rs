//! Rule `condition-not-by-application`: hA conditions that move a VIP select by application.

use super::wiring::is_mode_event;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::Selection;

pub(super) static RULE: Rule = Rule {
    name: "condition-not-by-application",
    severity: Severity::Warning,
    about: "HA conditions that move a VIP select by application.",
    why: "selected by any or by type, the other member raises them as well and its event would move the same VIP",
    fix: "write selection: application with the member the reactions belong to",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for condition in context.environment.alarm_conditions.values() {
        let by = match condition.selection {
            Selection::Application(_) => continue,
            Selection::ApplicationType(_) => "by type",
            Selection::Any => "any",
        };
        let moves = context
            .pairs()
            .any(|(pair, _)| !context.steps(pair, condition).is_empty());
        if is_mode_event(condition.detect) && moves {
            report.at(
                &format!("alarm_conditions.{}.detect.selection", condition.name),
                format!("{} moves a VIP, but selects {by}", condition.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn a_selection_by_any_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"alarm_conditions: {ALRM_BACKUP_4563_HAPrimary: {detect: {selection: any}}}
"#
                    )
                )]
            ),
            ["ALRM_BACKUP_4563_HAPrimary moves a VIP, but selects any"]
        );
    }

    #[test]
    fn a_mail_about_any_switchover_is_fine() {
        assert!(messages(&RULE, &[(END, &and(r#"scripts: {MAIL: {reaction: {send_email: {to: a@b, subject: s}}}}
alarm_conditions: {NOTE: {category: Minor, detect: {log_event_id: 4563, selection: any}, reaction_scripts: [MAIL]}}
"#))]).is_empty());
    }
}
