//! Rule `control-script-shared`: a control script application serves one pair.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use std::collections::BTreeMap;

pub(super) static RULE: Rule = Rule {
    name: "control-script-shared",
    severity: Severity::Error,
    about: "A control script application serves one pair.",
    why: "an order for one pair would run under the name of the other, with the other VIPs",
    fix: "give each pair applications of its own",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (pair, _) in context.pairs() {
        for (host, control) in &pair.control {
            for name in [&control.enable, &control.disable] {
                if let Some(first) = seen.insert(name.as_str(), pair.name.as_str()) {
                    report.at(
                        &format!("pairs.{}.virtual_ips.0.control.{host}", pair.name),
                        format!("{name} is a control script of {first} and of {}", pair.name),
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn one_application_for_two_pairs_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"  OTHER:
    derive: off
    redundancy_type: warm
    primary: {application: OTHER_A, host: host1}
    backup: {application: OTHER_B, host: host2}
    virtual_ips:
      - address: 10.10.11.104/24
        interface: eth0
        control:
          host1: {enable: SIP_SERVER_PRIMARY_VIP_UP, disable: OTHER_A_DOWN}
          host2: {enable: OTHER_B_UP, disable: OTHER_B_DOWN}
applications:
  OTHER_A: {type: SIPServer, host: host1, start_info: {command_line: sip-server}}
  OTHER_B: {type: SIPServer, host: host2, start_info: {command_line: sip-server}}
  OTHER_A_DOWN: {type: ThirdPartyServer, host: host1, start_info: {command_line: down}}
  OTHER_B_UP: {type: ThirdPartyServer, host: host2, start_info: {command_line: up}}
  OTHER_B_DOWN: {type: ThirdPartyServer, host: host2, start_info: {command_line: down}}
"#)
                )]
            ),
            ["SIP_SERVER_PRIMARY_VIP_UP is a control script of SIP_SERVER and of OTHER"]
        );
    }

    #[test]
    fn derived_ones_never_meet() {
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
