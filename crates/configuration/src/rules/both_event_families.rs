//! Rule `both-event-families`: a VIP is moved by 4560 to 4563 or by 5150/5151, not by both.

use super::{Context, Report, Rule};
use super::{is_scs_mode_event, is_server_mode_event};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "both-event-families",
    severity: Severity::Warning,
    about: "A VIP is moved by 4560 to 4563 or by 5150/5151, not by both.",
    why: "every switchover would ask twice; the second request only joins the first, but timelines and alarms double",
    fix: "keep one family: the events of the servers, or those of the SCS",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, members) in context.pairs() {
        for member in members {
            let moving: Vec<_> = context
                .conditions_of(&member.name)
                .filter(|condition| !context.steps(pair, condition).is_empty())
                .collect();
            let own = moving.iter().find(|c| is_server_mode_event(c.detect));
            let scs = moving.iter().find(|c| is_scs_mode_event(c.detect));
            if let (Some(own), Some(scs)) = (own, scs) {
                report.at(
                    &format!("alarm_conditions.{}", scs.name),
                    format!(
                        "{}: {} and {} both move the VIP for {}",
                        pair.name, own.name, scs.name, member.name
                    ),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn both_families_wired_are_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"alarm_conditions:
  OWN:
    category: Critical
    detect: {log_event_id: 5150, selection: application, application: SIP_SERVER_BACKUP}
    reaction_scripts: [AR_SCRIPT_BACKUP_VIP_UP]
"#)
                )]
            ),
            [
                "SIP_SERVER: ALRM_BACKUP_4561_HABackup and OWN both move the VIP for SIP_SERVER_BACKUP"
            ]
        );
    }

    #[test]
    fn a_condition_on_5150_without_vip_reactions_is_fine() {
        assert!(messages(&RULE, &[(END, &and(r#"alarm_conditions: {OWN: {category: Minor, detect: {log_event_id: 5150, selection: any}}}
"#))]).is_empty());
    }
}
