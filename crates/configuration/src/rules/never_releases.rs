//! Rule `never-releases`: with `reaction_order: as-listed` the lists that enable a VIP also release it on the other host.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::ScriptAction;
use changeover_model::environment::ReactionOrder;

pub(super) static RULE: Rule = Rule {
    name: "never-releases",
    severity: Severity::Warning,
    about: "With `reaction_order: as-listed` the lists that enable a VIP also release it on the other host.",
    why: "after a failover without the event of the old primary both hosts hold the address",
    fix: "add the script that disables the VIP on the other host, or write reaction_order: release-first, which adds it",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.policy.reaction_order != ReactionOrder::AsListed {
            continue;
        }
        for condition in context.environment.alarm_conditions.values() {
            let steps = context.steps(pair, condition);
            for step in steps.iter().filter(|s| s.action == ScriptAction::Enable) {
                let released = steps
                    .iter()
                    .any(|s| s.action == ScriptAction::Disable && s.host != step.host);
                if !released {
                    report.at(
                        &format!("alarm_conditions.{}.reaction_scripts", condition.name),
                        format!(
                            "{} enables the VIP on {} and releases it nowhere",
                            condition.name, step.host
                        ),
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn as_listed_without_a_release_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {reaction_order: as-listed}
alarm_conditions: {ALRM_BACKUP_4563_HAPrimary: {reaction_scripts: [AR_SCRIPT_BACKUP_VIP_UP]}}
"#)
                )]
            ),
            ["ALRM_BACKUP_4563_HAPrimary enables the VIP on host2 and releases it nowhere"]
        );
    }

    #[test]
    fn release_first_adds_the_release() {
        assert!(messages(&RULE, &[(END, &and(r#"alarm_conditions: {ALRM_BACKUP_4563_HAPrimary: {reaction_scripts: [AR_SCRIPT_BACKUP_VIP_UP]}}
"#))]).is_empty());
    }
}
