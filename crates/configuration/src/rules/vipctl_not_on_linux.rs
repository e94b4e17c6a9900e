//! Rule `vipctl-not-on-linux`: `vipctl` (and `control_scripts: builtin`) moves addresses on Linux hosts only.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::OperatingSystem;

pub(super) static RULE: Rule = Rule {
    name: "vipctl-not-on-linux",
    severity: Severity::Error,
    about: "`vipctl` (and `control_scripts: builtin`) moves addresses on Linux hosts only.",
    why: "the control script would fail at every switchover",
    fix: "write control_scripts with the scripts of that platform, or run the pair on Linux",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        for (host, control) in &pair.control {
            let Some(host) = context.environment.hosts.get(host) else {
                continue;
            };
            let uses_vipctl = [&control.enable, &control.disable].into_iter().any(|name| {
                context
                    .environment
                    .applications
                    .get(name)
                    .is_some_and(|application| application.start_info.command_line == "vipctl")
            });
            if uses_vipctl && host.os != OperatingSystem::Linux {
                report.at(
                    &format!("pairs.{}.control_scripts", pair.name),
                    format!(
                        "{}: vipctl does not run on {}, which is {}",
                        pair.name, host.name, host.os
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
    fn builtin_on_windows_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[
                    (
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
                    ),
                    ("host2: {os: linux", "host2: {os: windows")
                ]
            ),
            ["OTHER: vipctl does not run on host2, which is windows"]
        );
    }

    #[test]
    fn builtin_on_linux_is_fine() {
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
