//! Rule `vip-part-of-address`: on Windows no VIP is the beginning or the middle of another address.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::OperatingSystem;

pub(super) static RULE: Rule = Rule {
    name: "vip-part-of-address",
    severity: Severity::Warning,
    about: "On Windows no VIP is the beginning or the middle of another address.",
    why: "the guide's Check_ip.vbs looks for the text of the address: 10.10.11.10 is found in 10.10.11.103, so the script takes the VIP for present",
    fix: "choose another VIP, or compare whole addresses in the helper script",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let environment = context.environment;
    for (pair, _) in context.pairs() {
        let windows = [&pair.primary_host, &pair.backup_host]
            .into_iter()
            .any(|host| {
                let host = environment.hosts.get(host);
                host.is_some_and(|host| host.os == OperatingSystem::Windows)
            });
        if !windows {
            continue;
        }
        for (index, vip) in pair.virtual_ips.iter().enumerate() {
            let own = vip.address.to_string();
            let hosts = environment.hosts.values().map(|host| host.address);
            let vips = pair.virtual_ips.iter().map(|vip| vip.address);
            let other = hosts
                .chain(vips)
                .map(|address| address.to_string())
                .find(|address| *address != own && address.contains(&own));
            if let Some(other) = other {
                report.at(
                    &format!("pairs.{}.virtual_ips.{index}.address", pair.name),
                    format!("{}: the VIP {own} is found in {other}", pair.name),
                );
            }
        }
    }
}
