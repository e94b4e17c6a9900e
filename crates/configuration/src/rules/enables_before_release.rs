//! Rule `enables-before-release`: with `reaction_order: as-listed` no list enables a VIP before it is disabled on the other host.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::ScriptAction;
use changeover_model::environment::ReactionOrder;

pub(super) static RULE: Rule = Rule {
    name: "enables-before-release",
    severity: Severity::Warning,
    about: "With `reaction_order: as-listed` no list enables a VIP before it is disabled on the other host.",
    why: "two hosts hold the address between the two steps; three of the guide's own lists are like this",
    fix: "write reaction_order: release-first, which waits for the release whatever the list says; or turn the list round",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.policy.reaction_order != ReactionOrder::AsListed {
            continue;
        }
        for condition in context.environment.alarm_conditions.values() {
            let steps = context.steps(pair, condition);
            let enable = steps.iter().position(|s| s.action == ScriptAction::Enable);
            let disable = steps
                .iter()
                .rposition(|s| s.action == ScriptAction::Disable);
            if let (Some(enable), Some(disable)) = (enable, disable)
                && enable < disable
            {
                report.at(
                    &format!("alarm_conditions.{}.reaction_scripts", condition.name),
                    format!("{} enables the VIP before it disables it", condition.name),
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
    fn as_listed_runs_the_guides_own_order() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {reaction_order: as-listed}
"#)
                )]
            ),
            ["ALRM_BACKUP_4563_HAPrimary enables the VIP before it disables it"]
        );
    }

    #[test]
    fn release_first_waits_whatever_the_list_says() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {reaction_order: release-first}
"#)
                )]
            )
            .is_empty()
        );
    }
}
