//! Rule `enable-anyway`: `force_release: enable-anyway` accepts two holders of a VIP.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::ForceRelease;

pub(super) static RULE: Rule = Rule {
    name: "enable-anyway",
    severity: Severity::Warning,
    about: "`force_release: enable-anyway` accepts two holders of a VIP.",
    why: "when a release fails, both hosts answer for the address until somebody repairs it",
    fix: "write force_release: on, so that the LCA removes the address itself",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.policy.force_release == ForceRelease::EnableAnyway {
            report.at(
                &format!("pairs.{}.policy.force_release", pair.name),
                format!("{}: force_release is enable-anyway", pair.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn two_holders_by_policy_are_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {force_release: enable-anyway}
"#)
                )]
            ),
            ["SIP_SERVER: force_release is enable-anyway"]
        );
    }

    #[test]
    fn holding_the_pair_is_not() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {force_release: off}
"#)
                )]
            )
            .is_empty()
        );
    }
}
