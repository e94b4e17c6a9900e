//! Rule `health-check-looks-elsewhere`: a health check looks at the host that its application runs on.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::Probe;
use std::net::IpAddr;

pub(super) static RULE: Rule = Rule {
    name: "health-check-looks-elsewhere",
    severity: Severity::Warning,
    about: "A health check looks at the host that its application runs on.",
    why: "a virtual IP answers on the host that holds it: the backup would be judged by the primary, and both would fall together",
    fix: "write `host` or localhost as the address, or let the server listen there as well",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let environment = context.environment;
    for application in environment.applications.values() {
        for (index, check) in application.health.iter().enumerate() {
            let address: IpAddr = match &check.probe {
                Probe::SipOptions { address, .. }
                | Probe::Tcp { address }
                | Probe::Http { address, .. } => address.ip(),
                Probe::Command { .. } | Probe::Link { .. } => continue,
            };
            let own = environment.hosts.get(&application.host);
            let is_own = own.is_some_and(|host| host.address == address);
            let vips = environment
                .pairs
                .values()
                .flat_map(|pair| &pair.virtual_ips);
            let other = environment
                .hosts
                .values()
                .find(|host| host.address == address && !is_own);
            let what = match other {
                Some(host) => format!("the address of {}", host.name),
                None if vips.into_iter().any(|vip| vip.address == address) => {
                    "a virtual IP".to_owned()
                }
                None => continue,
            };
            report.at(
                &format!("applications.{}.health.{index}", application.name),
                format!(
                    "{}: health check \"{}\" looks at {what}",
                    application.name, check.name
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
    fn the_vip_and_the_other_host_are_named() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "      type: SIPServer\n",
                    "      type: SIPServer\n      health: [{sip_options: \"udp:10.10.11.103:5060\", name: vip}, {tcp: \"10.10.11.101:5070\", name: one}]\n"
                )]
            ),
            [
                "SIP_SERVER_PRIMARY: health check \"vip\" looks at a virtual IP",
                "SIP_SERVER_BACKUP: health check \"vip\" looks at a virtual IP",
                "SIP_SERVER_BACKUP: health check \"one\" looks at the address of host1"
            ]
        );
    }

    #[test]
    fn the_own_host_and_loopback_are_fine() {
        assert!(messages(&RULE, &[("      type: SIPServer\n", "      type: SIPServer\n      health: [{tcp: \"host:5070\"}, {http: \"http://localhost:8080/\"}]\n")]).is_empty());
    }
}
