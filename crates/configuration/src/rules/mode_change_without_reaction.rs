//! Rule `mode-change-without-reaction`: an enabled Alarm Condition moves the VIP at every change of run mode.

use super::wiring::Step;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::Pair;
use changeover_model::{LogEventId, ScriptAction};

pub(super) static RULE: Rule = Rule {
    name: "mode-change-without-reaction",
    severity: Severity::Warning,
    about: "An enabled Alarm Condition moves the VIP at every change of run mode.",
    why: "the VIP would follow only by realignment, seconds later",
    fix: "enable the condition, detect the right event, or list the reaction script that starts the control script of that host",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.policy.realign_after.is_none() {
            continue;
        }
        for gap in gaps(context, pair) {
            report.at(
                &format!("pairs.{}", pair.name),
                format!("{}: {gap}", pair.name),
            );
        }
    }
}

/// The changes of mode of a pair that no enabled condition turns into the movement of its VIP, in words.
pub(super) fn gaps(context: &Context<'_>, pair: &Pair) -> Vec<String> {
    let mut gaps = Vec::new();
    if pair.control.is_empty() || pair.primary_host == pair.backup_host {
        return gaps;
    }
    for (_, member, host) in pair.members() {
        let events = context.mode_events(pair, member);
        let moves = |became: &dyn Fn(LogEventId) -> bool, action: ScriptAction| {
            context.conditions_of(member).any(|condition| {
                let wanted = Step { host, action };
                became(condition.detect) && context.steps(pair, condition).contains(&wanted)
            })
        };
        if !moves(&|event| events.became_primary(event), ScriptAction::Enable) {
            gaps.push(format!(
                "{member} becomes primary and its VIP is not enabled"
            ));
        }
        if !moves(&|event| events.became_backup(event), ScriptAction::Disable) {
            gaps.push(format!(
                "{member} becomes backup and its VIP is not disabled"
            ));
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn a_condition_that_is_switched_off_leaves_a_gap() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"alarm_conditions: {ALRM_PRIMARY_4561_HABackup: {enabled: false}}
"#
                    )
                )]
            ),
            ["SIP_SERVER: SIP_SERVER_PRIMARY becomes backup and its VIP is not disabled"]
        );
    }

    #[test]
    fn a_list_without_the_enabling_script_leaves_a_gap() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"alarm_conditions: {ALRM_BACKUP_4563_HAPrimary: {reaction_scripts: [AR_SCRIPT_PRIMARY_VIP_DOWN]}}
"#
                    )
                )]
            ),
            ["SIP_SERVER: SIP_SERVER_BACKUP becomes primary and its VIP is not enabled"]
        );
    }

    #[test]
    fn the_events_of_the_scs_can_do_it_as_well() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"alarm_conditions:
  ALRM_BACKUP_4563_HAPrimary: {enabled: false}
  OWN:
    category: Critical
    detect: {log_event_id: 5150, selection: application, application: SIP_SERVER_BACKUP}
    reaction_scripts: [AR_SCRIPT_BACKUP_VIP_UP]
"#)
                )]
            )
            .is_empty()
        );
    }
}
