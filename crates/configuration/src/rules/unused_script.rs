//! Rule `unused-script`: every script that is written belongs to a condition.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unused-script",
    severity: Severity::Warning,
    about: "Every script that is written belongs to a condition.",
    why: "it never runs; often its name is misspelt in the list that was meant",
    fix: "list it under reaction_scripts or clearance_scripts, or remove it",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.environment.scripts.keys() {
        let used = context
            .environment
            .alarm_conditions
            .values()
            .any(|condition| {
                condition.reaction_scripts.contains(script)
                    || condition.clearance_scripts.contains(script)
            });
        let path = format!("scripts.{script}");
        let written = context
            .loaded
            .origins
            .get(&path)
            .is_some_and(|origin| origin.derived_from.is_none());
        if !used && written {
            report.at(
                &path,
                format!("no Alarm Condition runs the script {script}"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn a_script_that_no_condition_lists_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"scripts: {TRAP: {reaction: {send_snmp_trap: {}}}}
"#)
                )]
            ),
            ["no Alarm Condition runs the script TRAP"]
        );
    }

    #[test]
    fn a_derived_one_may_be_left_out_of_a_list() {
        assert!(messages(&RULE, &[(END, &and(r#"alarm_conditions: {ALRM_PRIMARY_4561_HABackup: {reaction_scripts: []}, ALRM_BACKUP_4563_HAPrimary: {reaction_scripts: [AR_SCRIPT_BACKUP_VIP_UP]}}
"#))]).is_empty());
    }

    #[test]
    fn a_clearance_script_is_used() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"scripts: {TRAP: {reaction: {send_snmp_trap: {}}}}
alarm_conditions: {ALRM_PRIMARY_4561_HABackup: {clearance_scripts: [TRAP]}}
"#)
                )]
            )
            .is_empty()
        );
    }
}
