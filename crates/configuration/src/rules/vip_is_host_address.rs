//! Rule `vip-is-host-address`: no virtual IP is the address of a host.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "vip-is-host-address",
    severity: Severity::Error,
    about: "No virtual IP is the address of a host.",
    why: "the host would lose its own address at the first switchover, and its LCA with it",
    fix: "choose a free address of the same subnet as the virtual IP",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        for (index, vip) in pair.virtual_ips.iter().enumerate() {
            for host in context.environment.hosts.values() {
                if host.address == vip.address {
                    report.at(
                        &format!("pairs.{}.virtual_ips.{index}.address", pair.name),
                        format!(
                            "{}: {} is the address of {}",
                            pair.name, vip.address, host.name
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
    use crate::rules::testing::messages;

    #[test]
    fn the_address_of_the_primarys_host_is_an_error() {
        assert_eq!(
            messages(&RULE, &[("10.10.11.103/24", "10.10.11.101/24")]),
            ["SIP_SERVER: 10.10.11.101 is the address of host1"]
        );
    }

    #[test]
    fn a_free_neighbour_is_fine() {
        assert!(messages(&RULE, &[("10.10.11.103/24", "10.10.11.120/24")]).is_empty());
    }
}
