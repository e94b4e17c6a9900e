//! Where hosts and Virtual IPs stand in the network: read once here, judged by several rules.

use super::Context;
use changeover_model::environment::{Pair, VirtualIp};
use ipnet::IpNet;

/// Whether the addresses of the pair's hosts, the configured primary's first, are in the network of a Virtual IP.
pub(super) fn hosts_within(context: &Context<'_>, pair: &Pair, vip: &VirtualIp) -> [bool; 2] {
    let Ok(net) = IpNet::new(vip.address, vip.prefix) else {
        return [false; 2];
    };
    [&pair.primary_host, &pair.backup_host].map(|host| {
        let host = context.environment.hosts.get(host);
        host.is_some_and(|host| net.contains(&host.address))
    })
}
