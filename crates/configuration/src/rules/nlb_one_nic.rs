//! Rule `nlb-one-nic`: Hosts of an NLB cluster have a second NIC on another LAN, and their Host objects name it.

use super::network::hosts_within;
use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "nlb-one-nic",
    severity: Severity::Warning,
    about: "Hosts of an NLB cluster have a second NIC on another LAN, and their Host objects name it.",
    why: "over the cluster adapter the nodes of a unicast cluster do not hear each other, and in either mode management would share the flooded LAN",
    fix: "give each host a second adapter, and write its address under hosts",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for clustered in context.clustered() {
        let pair = clustered.pair;
        let shared = pair
            .virtual_ips
            .first()
            .is_some_and(|vip| hosts_within(context, pair, vip).contains(&true));
        if shared {
            report.at(
                &format!("pairs.{}.virtual_ips.0.address", pair.name),
                format!(
                    "{}: the cluster IP is in the network of the hosts' own addresses",
                    pair.name
                ),
            );
        }
    }
}
