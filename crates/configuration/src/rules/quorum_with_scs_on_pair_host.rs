//! Rule `quorum-with-scs-on-pair-host`: `quorum` with the SCS on a host of the pair.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::ControllerLoss;

pub(super) static RULE: Rule = Rule {
    name: "quorum-with-scs-on-pair-host",
    severity: Severity::Error,
    about: "`quorum` with the SCS on a host of the pair.",
    why: "the SCS and both LCAs are the three voters; with two of them on one host its loss takes the majority along",
    fix: "move solution_control_server to a third host, or choose another on_controller_loss",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let scs = &context.environment.management_layer.scs_host;
    for (pair, _) in context.pairs() {
        if pair.policy.on_controller_loss == ControllerLoss::Quorum
            && (&pair.primary_host == scs || &pair.backup_host == scs)
        {
            report.at(
                &format!("pairs.{}.policy.on_controller_loss", pair.name),
                format!("{}: two of the three voters are on {scs}", pair.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn two_voters_on_one_host_are_no_quorum() {
        assert_eq!(
            messages(
                &RULE,
                &[
                    (
                        "solution_control_server: {host: mgmt1",
                        "solution_control_server: {host: host2"
                    ),
                    (
                        END,
                        &and(r#"    policy: {on_controller_loss: quorum}
"#)
                    )
                ]
            ),
            ["SIP_SERVER: two of the three voters are on host2"]
        );
    }

    #[test]
    fn three_voters_on_three_hosts_are_one() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {on_controller_loss: quorum}
"#)
                )]
            )
            .is_empty()
        );
    }
}
