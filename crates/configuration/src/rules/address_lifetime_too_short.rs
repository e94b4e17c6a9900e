//! Rule `address-lifetime-too-short`: `address_lifetime` exceeds `lca_restart_timeout` of both hosts.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::ControllerLoss;
use changeover_model::show_duration;

pub(super) static RULE: Rule = Rule {
    name: "address-lifetime-too-short",
    severity: Severity::Error,
    about: "`address_lifetime` exceeds `lca_restart_timeout` of both hosts.",
    why: "with `quorum` the kernel would drop the VIP of a healthy primary while its LCA is merely being restarted",
    fix: "raise address_lifetime, or lower lca_restart_timeout of the host",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.policy.on_controller_loss != ControllerLoss::Quorum {
            continue;
        }
        for (_, _, host) in pair.members() {
            let Some(host) = context.environment.hosts.get(host) else {
                continue;
            };
            if pair.policy.address_lifetime <= host.lca_restart_timeout {
                report.at(
                    &format!("pairs.{}.policy.address_lifetime", pair.name),
                    format!(
                        "{}: address_lifetime {} is not longer than lca_restart_timeout {} of {}",
                        pair.name,
                        show_duration(pair.policy.address_lifetime),
                        show_duration(host.lca_restart_timeout),
                        host.name
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
    fn a_lifetime_that_ends_before_the_restart_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[
                    (
                        "address: 10.10.11.102}",
                        "address: 10.10.11.102, lca_restart_timeout: 20s}"
                    ),
                    (
                        END,
                        &and(r#"    policy: {on_controller_loss: quorum}
"#)
                    )
                ]
            ),
            [
                "SIP_SERVER: address_lifetime 10s is not longer than lca_restart_timeout 20s of host2"
            ]
        );
    }

    #[test]
    fn without_fencing_there_is_no_lifetime() {
        assert!(
            messages(
                &RULE,
                &[(
                    "address: 10.10.11.102}",
                    "address: 10.10.11.102, lca_restart_timeout: 20s}"
                )]
            )
            .is_empty()
        );
    }

    #[test]
    fn the_defaults_of_quorum_fit() {
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
