//! Rule `vip-on-management-nic`: with two NICs no VIP stands on the management NIC.

use super::network::hosts_within;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::HostName;
use changeover_model::environment::{Pair, VirtualIp};

pub(super) static RULE: Rule = Rule {
    name: "vip-on-management-nic",
    severity: Severity::Warning,
    about: "With two NICs no VIP stands on the management NIC.",
    why: "SIP would share the network that orders, heartbeats and events need, and a cable that callers miss would not be the one that is watched",
    fix: "give the VIP an address of the SIP network and the SIP NIC as its interface",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        for (index, vip) in pair.virtual_ips.iter().enumerate() {
            for host in [&pair.primary_host, &pair.backup_host] {
                if let Some(management) = management_nic(context, pair, vip, host) {
                    report.at(
                        &format!("pairs.{}.virtual_ips.{index}.interface", pair.name),
                        format!(
                            "{}: {} stands on {management} of {host}, the NIC of the host's own address",
                            pair.name, vip.address
                        ),
                    );
                }
            }
        }
    }
}

/// The interface on a host that carries both this VIP, which is not of the network of the host's address, and another
/// one that is.
fn management_nic<'c>(
    context: &Context<'c>,
    pair: &'c Pair,
    vip: &'c VirtualIp,
    host: &HostName,
) -> Option<&'c str> {
    let interface = vip.interfaces.get(host).filter(|name| !name.is_empty())?;
    let comparable = |other: &VirtualIp| other.address.is_ipv4() == vip.address.is_ipv4();
    let here = |other: &VirtualIp| other.interfaces.get(host) == Some(interface);
    if hosts_within(context, pair, vip) != [false, false] {
        return None;
    }
    let managed = context.environment.pairs.values().any(|other| {
        other.virtual_ips.iter().any(|vip| {
            comparable(vip) && here(vip) && hosts_within(context, other, vip) == [true, true]
        })
    });
    managed.then_some(interface.as_str())
}
