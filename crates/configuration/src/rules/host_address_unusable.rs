//! Rule `host-address-unusable`: a host has an address of its own that others can reach.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use std::net::IpAddr;

pub(super) static RULE: Rule = Rule {
    name: "host-address-unusable",
    severity: Severity::Warning,
    about: "A host has an address of its own that others can reach.",
    why: "an address of the loopback is every machine's own, and a link-local one comes and goes with DHCP; agents elsewhere would not find the host",
    fix: "give the host a static address of its network and write that one",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for host in context.environment.hosts.values() {
        let what = match host.address {
            address if address.is_loopback() => "of the loopback",
            address if address.is_multicast() => "of a multicast group",
            address if address.is_unspecified() => "of no host",
            IpAddr::V4(address) if address.is_link_local() => "link-local",
            IpAddr::V6(address) if address.is_unicast_link_local() => "link-local",
            IpAddr::V4(_) | IpAddr::V6(_) => continue,
        };
        report.at(
            &format!("hosts.{}.address", host.name),
            format!("{}: {} is {what}", host.name, host.address),
        );
    }
}
