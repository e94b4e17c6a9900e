//! Rule `vip-outside-host-network`: with one NIC, both hosts and the VIP are in the same subnet.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::{HostName, Takeover};
use ipnet::IpNet;

pub(super) static RULE: Rule = Rule {
    name: "vip-outside-host-network",
    severity: Severity::Warning,
    about: "With one NIC, both hosts and the VIP are in the same subnet.",
    why: "IP Address Takeover works within one subnet: a neighbour elsewhere asks its router, not the new holder",
    fix: "put both hosts and the VIP into one subnet, or correct the prefix length; with two NICs the host addresses are those of the other network",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.takeover == Takeover::SingleHost {
            continue;
        }
        for (index, vip) in pair.virtual_ips.iter().enumerate() {
            let Ok(net) = IpNet::new(vip.address, vip.prefix) else {
                continue;
            };
            let inside = |host: &HostName| {
                context
                    .environment
                    .hosts
                    .get(host)
                    .is_some_and(|host| net.contains(&host.address))
            };
            let (one, other) = (&pair.primary_host, &pair.backup_host);
            // Neither inside: the hosts have a second NIC for it, and nothing can be said from here.
            let stranger = match (inside(one), inside(other)) {
                (true, false) => other,
                (false, true) => one,
                (true, true) | (false, false) => continue,
            };
            report.at(
                &format!("pairs.{}.virtual_ips.{index}.address", pair.name),
                format!(
                    "{}: {stranger} is not in {}, the subnet of the virtual IP",
                    pair.name,
                    net.trunc()
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
    fn a_backup_in_another_subnet_is_a_warning() {
        assert_eq!(
            messages(&RULE, &[("10.10.11.102", "10.10.12.102")]),
            ["SIP_SERVER: host2 is not in 10.10.11.0/24, the subnet of the virtual IP"]
        );
    }

    #[test]
    fn two_hosts_on_a_management_network_say_nothing() {
        assert!(
            messages(
                &RULE,
                &[
                    ("10.10.11.102", "192.168.1.2"),
                    ("10.10.11.101", "192.168.1.1")
                ]
            )
            .is_empty()
        );
    }
}
