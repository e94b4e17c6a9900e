//! Rule `sip-address-not-vip`: `TServer/sip-address` is the VIP on both members.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::{Application, Pair};
use std::net::IpAddr;

pub(super) static RULE: Rule = Rule {
    name: "sip-address-not-vip",
    severity: Severity::Error,
    about: "`TServer/sip-address` is the VIP on both members.",
    why: "endpoints know the VIP only; a server that names another address in its messages loses them at the switchover",
    fix: "remove sip-address, it is derived from the first virtual IP; or write that address on both",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, member) in context.sip_members() {
        let vips = vips_of(pair);
        if vips.is_empty() {
            continue;
        }
        let written = member.option("TServer", "sip-address");
        let fits = written
            .and_then(|text| text.trim().parse::<IpAddr>().ok())
            .is_some_and(|address| vips.contains(&address));
        if !fits {
            report.at(
                &format!("applications.{}.options.tserver.sip-address", member.name),
                match written {
                    Some(text) => format!(
                        "{}: sip-address is {text}, which is no virtual IP of {}",
                        member.name, pair.name
                    ),
                    None => format!("{}: sip-address is not set", member.name),
                },
            );
        }
    }
    for (pair, [primary, backup]) in context.pairs() {
        let address = |member: &Application| {
            member
                .option("TServer", "sip-address")
                .and_then(|text| text.trim().parse::<IpAddr>().ok())
        };
        if let (Some(one), Some(other)) = (address(primary), address(backup))
            && one != other
            && pair
                .virtual_ips
                .iter()
                .filter(|vip| vip.address == one || vip.address == other)
                .count()
                == 2
        {
            report.at(
                &format!("applications.{}.options.tserver.sip-address", backup.name),
                format!(
                    "{}: sip-address is {one} on {}, {other} on {}",
                    pair.name, primary.name, backup.name
                ),
            );
        }
    }
}

/// The VIPs of a pair, wherever they are held.
fn vips_of(pair: &Pair) -> Vec<IpAddr> {
    let device = pair.network_device.as_ref();
    let held = device.map_or(&[][..], |device| &device.virtual_ips);
    let moved = pair.virtual_ips.iter().map(|vip| vip.address);
    moved
        .chain(held.iter().map(|(address, _)| *address))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn the_hosts_own_address_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_PRIMARY: {options: {TServer: {sip-address: 10.10.11.101}}}}
"#
                    )
                )]
            ),
            [
                "SIP_SERVER_PRIMARY: sip-address is 10.10.11.101, which is no virtual IP of SIP_SERVER"
            ]
        );
    }

    #[test]
    fn two_vips_but_not_the_same_on_both_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[
                    (
                        "label: \"eth0:1\"}",
                        r#"label: "eth0:1"}
      - {address: 10.10.11.104/24, interface: eth0}"#
                    ),
                    (
                        END,
                        &and(
                            r#"applications: {SIP_SERVER_BACKUP: {options: {tserver: {SIP-Address: 10.10.11.104}}}}
"#
                        )
                    )
                ]
            ),
            [
                "SIP_SERVER: sip-address is 10.10.11.103 on SIP_SERVER_PRIMARY, 10.10.11.104 on SIP_SERVER_BACKUP"
            ]
        );
    }

    #[test]
    fn the_vip_written_by_hand_is_fine() {
        assert!(messages(&RULE, &[(END, &and(r#"applications: {SIP_SERVER_PRIMARY: {options: {TServer: {sip-address: 10.10.11.103}}}}
"#))]).is_empty());
    }
}
