//! Rule `vip-never-moves`: with `realign_after: off`, every change of run mode has a reaction that moves the VIP.

use super::mode_change_without_reaction::gaps;
use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "vip-never-moves",
    severity: Severity::Error,
    about: "With `realign_after: off`, every change of run mode has a reaction that moves the VIP.",
    why: "nothing else would move it: primary and VIP would part for good",
    fix: "complete the Alarm Conditions, or write realign_after: 2s",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.policy.realign_after.is_some() {
            continue;
        }
        for gap in gaps(context, pair) {
            report.at(
                &format!("pairs.{}.policy.realign_after", pair.name),
                format!("{}: {gap}, and nothing realigns it", pair.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn a_gap_without_realignment_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {realign_after: off}
alarm_conditions: {ALRM_PRIMARY_4561_HABackup: {enabled: false}}
"#)
                )]
            ),
            [
                "SIP_SERVER: SIP_SERVER_PRIMARY becomes backup and its VIP is not disabled, and nothing realigns it"
            ]
        );
    }

    #[test]
    fn complete_conditions_need_no_realignment() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {realign_after: off}
"#)
                )]
            )
            .is_empty()
        );
    }
}
