//! Rule `label-on-ipv6`: labels are for IPv4 addresses on Linux and Solaris.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::OperatingSystem;

pub(super) static RULE: Rule = Rule {
    name: "label-on-ipv6",
    severity: Severity::Error,
    about: "Labels are for IPv4 addresses on Linux and Solaris.",
    why: "IPv6 addresses, Windows and AIX know no labels; the VIP would not come up as written",
    fix: "remove the label",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        for (index, vip) in pair.virtual_ips.iter().enumerate() {
            let Some(label) = &vip.label else { continue };
            let path = format!("pairs.{}.virtual_ips.{index}.label", pair.name);
            if vip.address.is_ipv6() {
                report.at(
                    &path,
                    format!(
                        "{}: {} has the label `{label}`, but is IPv6",
                        pair.name, vip.address
                    ),
                );
            }
            for host in vip.interfaces.keys() {
                let os = context.environment.hosts.get(host).map(|host| host.os);
                if let Some(os @ (OperatingSystem::Windows | OperatingSystem::Aix)) = os {
                    report.at(
                        &path,
                        format!(
                            "{}: {host} runs {os}, which knows no label `{label}`",
                            pair.name
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
    fn an_ipv6_address_has_no_label() {
        assert_eq!(
            messages(&RULE, &[("10.10.11.103/24", "\"2001:db8::103/64\"")]),
            ["SIP_SERVER: 2001:db8::103 has the label `eth0:1`, but is IPv6"]
        );
    }

    #[test]
    fn windows_knows_no_label() {
        assert_eq!(
            messages(&RULE, &[("host2: {os: linux", "host2: {os: windows")]),
            ["SIP_SERVER: host2 runs windows, which knows no label `eth0:1`"]
        );
    }

    #[test]
    fn an_ipv6_address_without_label_is_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    "10.10.11.103/24, interface: eth0, label: \"eth0:1\"",
                    "\"2001:db8::103/64\", interface: eth0"
                )]
            )
            .is_empty()
        );
    }
}
