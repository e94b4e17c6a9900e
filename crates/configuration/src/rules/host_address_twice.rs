//! Rule `host-address-twice`: every host has an address of its own.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use std::collections::BTreeMap;
use std::net::IpAddr;

pub(super) static RULE: Rule = Rule {
    name: "host-address-twice",
    severity: Severity::Error,
    about: "Every host has an address of its own.",
    why: "orders for one host would be carried out on the other",
    fix: "correct the address of one of them",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let mut seen: BTreeMap<(IpAddr, u16), &str> = BTreeMap::new();
    for host in context.environment.hosts.values() {
        // Several LCAs on one machine are told apart by their ports; that is how a trial on one machine looks.
        if let Some(first) = seen.insert((host.address, host.lca_port), host.name.as_str()) {
            report.at(
                &format!("hosts.{}.address", host.name),
                format!(
                    "{first} and {} both have the address {}",
                    host.name, host.address
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    #[test]
    fn one_address_for_two_hosts_is_an_error() {
        assert_eq!(
            messages(&RULE, &[("10.10.11.102", "10.10.11.101")]),
            ["host1 and host2 both have the address 10.10.11.101"]
        );
    }

    #[test]
    fn two_lcas_on_one_machine_have_two_ports() {
        assert!(
            messages(
                &RULE,
                &[(
                    "address: 10.10.11.102",
                    "address: 10.10.11.101, lca_port: 5000"
                )]
            )
            .is_empty()
        );
    }
}
