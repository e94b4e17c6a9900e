//! Rule `failover-on-agent-loss`: `on_agent_loss: failover` acts although the host lives.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::OnAgentLoss;

pub(super) static RULE: Rule = Rule {
    name: "failover-on-agent-loss",
    severity: Severity::Warning,
    about: "`on_agent_loss: failover` acts although the host lives.",
    why: "the old primary goes on serving and holding the VIP where no LCA can stop it: two primaries, two holders",
    fix: "write on_agent_loss: hold; or accept it where an idle LCA is worse than two holders",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.policy.on_agent_loss == OnAgentLoss::Failover {
            report.at(
                &format!("pairs.{}.policy.on_agent_loss", pair.name),
                format!("{}: on_agent_loss is failover", pair.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn failing_over_from_a_living_host_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {on_agent_loss: failover}
"#)
                )]
            ),
            ["SIP_SERVER: on_agent_loss is failover"]
        );
    }

    #[test]
    fn hold_written_out_is_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {on_agent_loss: hold}
"#)
                )]
            )
            .is_empty()
        );
    }
}
