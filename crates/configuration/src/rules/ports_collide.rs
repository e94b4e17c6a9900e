//! Rule `ports-collide`: nothing on a host listens where something else does.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::Takeover;
use changeover_model::environment::Application;
use std::collections::BTreeMap;

pub(super) static RULE: Rule = Rule {
    name: "ports-collide",
    severity: Severity::Error,
    about: "Nothing on a host listens where something else does.",
    why: "the second one cannot start",
    fix: "give one of them another port",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let mut taken = Taken::default();
    for host in context.environment.hosts.values() {
        if context.environment.needs_lca(&host.name) {
            taken.take(
                host.name.as_str(),
                host.lca_port,
                "the LCA".to_owned(),
                &format!("hosts.{}.lca_port", host.name),
                report,
            );
        }
    }
    for application in context.environment.applications.values() {
        let path = format!("applications.{}", application.name);
        let ports = [
            (
                "default",
                application.ports.default,
                format!("{path}.ports.default"),
            ),
            (
                "ha_sync",
                application.ports.ha_sync,
                format!("{path}.ports.ha_sync"),
            ),
            (
                "sip-port",
                sip_port(application),
                format!("{path}.options.tserver.sip-port"),
            ),
        ];
        for (what, port, path) in ports {
            let Some(port) = port else { continue };
            if what == "sip-port" && shares_it(context, application) {
                continue;
            }
            // Servers of several pairs share a SIP port, each on its own VIP; only their other ports collide with it.
            let place = match (what, application.option("TServer", "sip-address")) {
                ("sip-port", Some(vip)) => format!("{} {vip}", application.host),
                _ => application.host.to_string(),
            };
            let what = format!("{what} of {}", application.name);
            taken.take(&place, port, what, &path, report);
        }
    }
}

/// On a single host the SIP address is the primary's, whichever of the two that is: they take turns.
fn shares_it(context: &Context<'_>, application: &Application) -> bool {
    let pair = context.environment.pair_of(&application.name);
    pair.is_some_and(|pair| {
        pair.takeover == Takeover::SingleHost && pair.backup == application.name
    })
}

fn sip_port(application: &Application) -> Option<u16> {
    application
        .option("TServer", "sip-port")?
        .trim()
        .parse()
        .ok()
}

/// Who listens where, so far.
#[derive(Default)]
struct Taken(BTreeMap<(String, u16), String>);

impl Taken {
    fn take(&mut self, place: &str, port: u16, what: String, path: &str, report: &mut Report<'_>) {
        match self.0.get(&(place.to_owned(), port)) {
            Some(first) => report.at(
                path,
                format!("{what} and {first} both want port {port} of {place}"),
            ),
            None => {
                self.0.insert((place.to_owned(), port), what);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn two_pairs_with_the_same_default_port_are_an_error() {
        assert_eq!(
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
      ports: {default: 5070, ha_sync: 6071}
      start_info: {command_line: sip-server}
      options: {TServer: {sip-port: 5060}, backup-sync: {protocol: addp}}
"#)
                )]
            ),
            [
                "default of OTHER_A and default of SIP_SERVER_PRIMARY both want port 5070 of host1",
                "default of OTHER_B and default of SIP_SERVER_BACKUP both want port 5070 of host2"
            ]
        );
    }

    #[test]
    fn a_server_on_the_port_of_the_lca_is_an_error() {
        assert_eq!(
            messages(&RULE, &[("ha_sync: 5071", "ha_sync: 4999")]),
            [
                "ha_sync of SIP_SERVER_PRIMARY and the LCA both want port 4999 of host1",
                "ha_sync of SIP_SERVER_BACKUP and the LCA both want port 4999 of host2"
            ]
        );
    }

    #[test]
    fn the_same_sip_port_on_two_vips_is_fine() {
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
