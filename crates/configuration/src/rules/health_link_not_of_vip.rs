//! Rule `health-link-not-of-vip`: a link check of a member names an interface that carries a virtual IP of its pair.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::Probe;

pub(super) static RULE: Rule = Rule {
    name: "health-link-not-of-vip",
    severity: Severity::Warning,
    about: "A link check of a member names an interface that carries a virtual IP of its pair.",
    why: "the server is called down for a cable that its callers do not use; or the name is misspelt, and then it is always down",
    fix: "name the interface of the virtual IP, or allow the rule if the service needs this one as well",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, members) in context.pairs() {
        for member in members {
            for (index, check) in member.health.iter().enumerate() {
                let Probe::Link { interfaces } = &check.probe else {
                    continue;
                };
                for name in interfaces {
                    let carries = pair
                        .virtual_ips
                        .iter()
                        .any(|vip| vip.interfaces.get(&member.host) == Some(name));
                    if !carries {
                        report.at(
                            &format!("applications.{}.health.{index}.link", member.name),
                            format!(
                                "{}: no virtual IP of {} is on {name} of {}",
                                member.name, pair.name, member.host
                            ),
                        );
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    #[test]
    fn an_interface_without_a_vip_is_named() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "      type: SIPServer\n",
                    "      type: SIPServer\n      health: [{link: [eth0, eth7]}]\n"
                )]
            ),
            [
                "SIP_SERVER_PRIMARY: no virtual IP of SIP_SERVER is on eth7 of host1",
                "SIP_SERVER_BACKUP: no virtual IP of SIP_SERVER is on eth7 of host2"
            ]
        );
    }

    #[test]
    fn the_interface_of_the_vip_is_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    "      type: SIPServer\n",
                    "      type: SIPServer\n      health: [{link: [eth0]}]\n"
                )]
            )
            .is_empty()
        );
    }
}
