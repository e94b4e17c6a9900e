//! Rule `interface-name-too-long`: interface names on Linux have 1 to 15 characters, without blanks, colons and slashes.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::OperatingSystem;

pub(super) static RULE: Rule = Rule {
    name: "interface-name-too-long",
    severity: Severity::Error,
    about: "Interface names on Linux have 1 to 15 characters, without blanks, colons and slashes.",
    why: "no such interface can exist, so the VIP would not come up",
    fix: "write the name as `ip link` shows it; a sub-interface such as eth0:1 goes into label",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        for (index, vip) in pair.virtual_ips.iter().enumerate() {
            for (host, interface) in &vip.interfaces {
                let linux = context
                    .environment
                    .hosts
                    .get(host)
                    .is_some_and(|host| host.os == OperatingSystem::Linux);
                let impossible = interface.len() > 15
                    || interface.contains(|c: char| c.is_whitespace() || matches!(c, ':' | '/'));
                if linux && impossible {
                    report.at(
                        &format!("pairs.{}.virtual_ips.{index}.interface", pair.name),
                        format!(
                            "{}: `{interface}` on {host} is no name of an interface",
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
    fn a_sub_interface_is_no_interface() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "interface: eth0",
                    "interface: {host1: eth0, host2: \"eth0:1\"}"
                )]
            ),
            ["SIP_SERVER: `eth0:1` on host2 is no name of an interface"]
        );
    }

    #[test]
    fn a_connection_name_is_fine_on_windows() {
        assert!(
            messages(
                &RULE,
                &[
                    (
                        "interface: eth0",
                        "interface: {host1: eth0, host2: Local Area Connection}"
                    ),
                    ("host2: {os: linux", "host2: {os: windows")
                ]
            )
            .is_empty()
        );
    }
}
