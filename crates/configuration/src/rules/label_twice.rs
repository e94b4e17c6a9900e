//! Rule `label-twice`: a label stands for one virtual IP on a host.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use std::collections::BTreeMap;
use std::net::IpAddr;

pub(super) static RULE: Rule = Rule {
    name: "label-twice",
    severity: Severity::Error,
    about: "A label stands for one virtual IP on a host.",
    why: "a second address on the same logical sub-interface replaces the first one",
    fix: "number the labels of all virtual IPs of a host, across its pairs",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let mut seen: BTreeMap<(&str, &str), IpAddr> = BTreeMap::new();
    for (pair, _) in context.pairs() {
        for (index, vip) in pair.virtual_ips.iter().enumerate() {
            let Some(label) = &vip.label else { continue };
            let mut others = Vec::new();
            for host in vip.interfaces.keys() {
                let first = seen.insert((host.as_str(), label.as_str()), vip.address);
                others.extend(first.filter(|first| *first != vip.address));
            }
            if let Some(other) = others.first() {
                report.at(
                    &format!("pairs.{}.virtual_ips.{index}.label", pair.name),
                    format!(
                        "{}: the label `{label}` is that of {other} as well",
                        pair.name
                    ),
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
    fn a_second_pair_with_the_same_label_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"  OTHER:
    redundancy_type: hot
    primary: {application: OTHER_A, host: host1}
    backup: {application: OTHER_B, host: host2}
    virtual_ips: [{address: 10.10.11.104/24, interface: eth0, label: "eth0:1"}]
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
            ["OTHER: the label `eth0:1` is that of 10.10.11.103 as well"]
        );
    }

    #[test]
    fn numbered_labels_are_fine() {
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
