//! Rule `reaction-not-verified`: programs that HA conditions start are known as control scripts.

use super::wiring::is_mode_event;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::{AlarmCondition, ReactionType, Selection};

pub(super) static RULE: Rule = Rule {
    name: "reaction-not-verified",
    severity: Severity::Warning,
    about: "Programs that HA conditions start are known as control scripts.",
    why: "only virtual_ips says which application moves a VIP; another one runs as listed, and nobody looks whether it worked",
    fix: "name the application under control of the virtual IP, or start it from a condition of its own",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for condition in context.environment.alarm_conditions.values() {
        if !is_mode_event(condition.detect) || on_one_host(context, condition) {
            continue;
        }
        for name in &condition.reaction_scripts {
            let script = context.environment.scripts.get(name);
            let Some(ReactionType::StartApplication(application)) =
                script.map(|script| &script.reaction)
            else {
                continue;
            };
            if context.environment.control_script(application).is_none() {
                report.at(
                    &format!("alarm_conditions.{}.reaction_scripts", condition.name),
                    format!(
                        "{} starts {application}, which is no control script of a pair",
                        condition.name
                    ),
                );
            }
        }
    }
}

/// Whether it is about a pair on one host, where `members-on-one-host` has said what is wrong.
fn on_one_host(context: &Context<'_>, condition: &AlarmCondition) -> bool {
    let Selection::Application(member) = &condition.selection else {
        return false;
    };
    let pair = context.environment.pair_of(member);
    pair.is_some_and(|pair| pair.primary_host == pair.backup_host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn a_program_that_no_virtual_ip_names_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {ROUTE: {type: ThirdPartyServer, host: host1, start_info: {command_line: route}}}
scripts: {AR_ROUTE: {reaction: {start_application: ROUTE}}}
alarm_conditions: {ALRM_PRIMARY_4563_HAPrimary: {reaction_scripts: [AR_SCRIPT_BACKUP_VIP_DOWN, AR_SCRIPT_PRIMARY_VIP_UP, AR_ROUTE]}}
"#
                    )
                )]
            ),
            ["ALRM_PRIMARY_4563_HAPrimary starts ROUTE, which is no control script of a pair"]
        );
    }

    #[test]
    fn the_same_program_for_another_event_is_fine() {
        assert!(messages(&RULE, &[(END, &and(r#"applications: {ROUTE: {type: ThirdPartyServer, host: host1, start_info: {command_line: route}}}
scripts: {AR_ROUTE: {reaction: {start_application: ROUTE}}}
alarm_conditions: {LOST: {category: Major, detect: {log_event_id: 8002, selection: any}, reaction_scripts: [AR_ROUTE]}}
"#))]).is_empty());
    }
}
