//! Rule `vip-twice`: every virtual IP belongs to one pair, once.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use std::collections::BTreeMap;
use std::net::IpAddr;

pub(super) static RULE: Rule = Rule {
    name: "vip-twice",
    severity: Severity::Error,
    about: "Every virtual IP belongs to one pair, once.",
    why: "two pairs would fight over it, each switchover of one taking it from the other",
    fix: "give each pair a virtual IP of its own",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let mut seen: BTreeMap<IpAddr, &str> = BTreeMap::new();
    for (pair, _) in context.pairs() {
        for (index, vip) in pair.virtual_ips.iter().enumerate() {
            if let Some(first) = seen.insert(vip.address, pair.name.as_str()) {
                let message = if first == pair.name.as_str() {
                    format!("{}: {} is listed twice", pair.name, vip.address)
                } else {
                    format!(
                        "{} is a virtual IP of {first} and of {}",
                        vip.address, pair.name
                    )
                };
                report.at(
                    &format!("pairs.{}.virtual_ips.{index}.address", pair.name),
                    message,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn two_pairs_with_one_address_are_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"  OTHER:
    redundancy_type: hot
    primary: {application: OTHER_A, host: host1}
    backup: {application: OTHER_B, host: host2}
    virtual_ips: [{address: 10.10.11.103/24, interface: eth0, label: "eth0:2"}]
    control_scripts: builtin
    server:
      type: SIPServer
      switch: SIP_Switch
      ports: {default: 6070, ha_sync: 6071}
      start_info: {command_line: sip-server}
      options: {TServer: {sip-port: 5060}, backup-sync: {protocol: addp}}
"#)
                )]
            ),
            ["10.10.11.103 is a virtual IP of SIP_SERVER and of OTHER"]
        );
    }

    #[test]
    fn one_address_twice_in_a_pair_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "label: \"eth0:1\"}",
                    r#"label: "eth0:1"}
      - {address: 10.10.11.103/24, interface: eth0}"#
                )]
            ),
            ["SIP_SERVER: 10.10.11.103 is listed twice"]
        );
    }

    #[test]
    fn two_pairs_with_two_addresses_are_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"  OTHER:
    redundancy_type: hot
    primary: {application: OTHER_A, host: host1}
    backup: {application: OTHER_B, host: host2}
    virtual_ips: [{address: 10.10.11.104/24, interface: eth0, label: "eth0:2"}]
    control_scripts: builtin
    server:
      type: SIPServer
      switch: SIP_Switch
      ports: {default: 6070, ha_sync: 6071}
      start_info: {command_line: sip-server}
      options: {TServer: {sip-port: 5060}, backup-sync: {protocol: addp}}
"#)
                )]
            )
            .is_empty()
        );
    }
}
