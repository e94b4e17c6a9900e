//! Rule `sip-nic-unwatched`: with two NICs the SIP NIC is watched: by its carrier, or by SIP traffic monitoring.

use super::network::hosts_within;
use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "sip-nic-unwatched",
    severity: Severity::Warning,
    about: "With two NICs the SIP NIC is watched: by its carrier, or by SIP traffic monitoring.",
    why: "the Management Layer lives on the other NIC: nothing would notice that callers cannot reach the primary any more",
    fix: "write sip-pass-check: true with a service DN, or leave carrier_check out",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, members) in context.pairs() {
        let two_nics = pair
            .virtual_ips
            .first()
            .is_some_and(|vip| hosts_within(context, pair, vip) == [false, false]);
        let unwatched = pair.policy.carrier_check == Some(false)
            && members
                .iter()
                .all(|member| !member.sip_pass_check() && member.health.is_empty());
        if two_nics && unwatched {
            report.at(
                &format!("pairs.{}.policy.carrier_check", pair.name),
                format!(
                    "{}: the SIP NIC is another one than that of the hosts' addresses, and nobody watches it",
                    pair.name
                ),
            );
        }
    }
}
