//! The small site that is simulated: two hosts, a management host, one pair or two, builtin control scripts. Owns
//! its text; `configuration` makes an environment of it as of any operator's file.

use changeover_model::environment::{ControllerLoss, Environment};
use changeover_model::{Redundancy, show_duration};
use std::cell::RefCell;
use std::sync::Arc;

/// Most variants of the site whose meaning a thread keeps.
const MOST_READ: usize = 256;

thread_local! {
    static READ: RefCell<Vec<(Site, Arc<Environment>)>> = const { RefCell::new(Vec::new()) };
}

/// Which site a world is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Hot or warm standby.
    pub redundancy: Redundancy,
    /// One pair, or two that share the hosts with crossed roles.
    pub pairs: usize,
    /// Its servers have health checks and hooks.
    pub health: bool,
    /// What the members are.
    pub server: ServerKind,
    /// What a primary does without its controller.
    pub on_controller_loss: ControllerLoss,
    /// A fence command stands before every failover from a host that cannot be asked.
    pub fence: bool,
}

/// What the members of the pairs are, and how third-party ones are started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerKind {
    /// SIP Servers.
    #[default]
    Sip,
    /// Third Party Servers that stay in the foreground.
    Child,
    /// Third Party Servers that go into the background.
    PidFile,
    /// Third Party Servers run by systemd.
    Unit,
}

/// Checks and hooks of every kind that a world without a network can play.
const HEALTH: &str = "      health:
        - {command: check-media, every: 500ms, timeout: 200ms, fall: 2, rise: 2}
        - {name: deep, command: check-deep, every: 2s, timeout: 1s}
        - {link: [eth0]}
      on_primary:
        - {command: prepare, timeout: 600ms, when: before, on_failure: roll-back}
        - {command: announce, timeout: 1s}
      on_backup:
        - {command: calm, timeout: 500ms, when: before}
        - {command: tidy, timeout: 1s, on_failure: roll-back}
";

impl Default for Site {
    fn default() -> Self {
        Self {
            redundancy: Redundancy::Hot,
            pairs: 1,
            health: false,
            server: ServerKind::Sip,
            on_controller_loss: ControllerLoss::Hold,
            fence: false,
        }
    }
}

impl Site {
    /// The environment file.
    pub fn text(self) -> String {
        let mut text = String::from(
            "version: 1
environment: simulated
management_layer:
  solution_control_server: {host: mgmt1}
  message_server: {name: MessageServer, host: mgmt1}
hosts:
  mgmt1: {os: linux, address: 10.10.11.110}
  host1: {os: linux, address: 10.10.11.101}
  host2: {os: linux, address: 10.10.11.102}
switches:
  SIP_Switch: {}
pairs:
",
        );
        text.push_str(&self.pair("SIP_EAST", "SIP_SERVER", ["host1", "host2"], 103, 5060));
        if self.pairs > 1 {
            text.push_str(&self.pair("SIP_WEST", "WEST", ["host2", "host1"], 113, 5062));
        }
        text
    }

    fn pair(self, name: &str, prefix: &str, hosts: [&str; 2], vip: u8, port: u16) -> String {
        let [primary, backup] = hosts;
        let (redundancy, default, sync) = (self.redundancy, port + 10, port + 11);
        let label = vip - 102;
        let server = self.server(port, default, sync);
        let policy = self.policy();
        format!(
            "  {name}:
    redundancy_type: {redundancy}
    takeover: ip_address
    primary: {{application: {prefix}_PRIMARY, host: {primary}}}
    backup: {{application: {prefix}_BACKUP, host: {backup}}}
    virtual_ips:
      - {{address: 10.10.11.{vip}/24, interface: eth0, label: \"eth0:{label}\"}}
    control_scripts: builtin
{policy}    server:
{server}"
        )
    }

    fn server(self, port: u16, default: u16, sync: u16) -> String {
        let health = if self.health { HEALTH } else { "" };
        let start = match self.server {
            ServerKind::Sip => {
                return format!(
                    "      type: SIPServer
      switch: SIP_Switch
      ports: {{default: {default}, ha_sync: {sync}}}
      start_info: {{command_line: sip-server, startup_timeout: 20s, shutdown_timeout: 5s, auto_restart: true}}
      connections: [MessageServer]
{health}      options:
        TServer: {{sip-port: {port}}}
        backup-sync: {{protocol: addp, addp-timeout: 3, addp-remote-timeout: 3, sync-reconnect-tout: 7}}
"
                );
            }
            ServerKind::Child => "command_line: proxy",
            ServerKind::PidFile => "command_line: proxy, pid_file: /run/proxy.pid",
            ServerKind::Unit => "systemd_unit: proxy.service",
        };
        format!(
            "      type: ThirdPartyServer
      start_info: {{{start}, startup_timeout: 20s, shutdown_timeout: 5s}}
{health}"
        )
    }

    fn policy(self) -> String {
        let mut all = Vec::new();
        match self.on_controller_loss {
            ControllerLoss::Hold => {}
            ControllerLoss::Quorum => all.push("on_controller_loss: quorum".to_owned()),
            ControllerLoss::ReleaseAfter(time) => all.push(format!(
                "on_controller_loss: release-after {}",
                show_duration(time)
            )),
        }
        if self.fence {
            all.push("fence: {command_line: fence-host, timeout: 5s}".to_owned());
        }
        if all.is_empty() {
            return String::new();
        }
        format!("    policy: {{{}}}\n", all.join(", "))
    }

    /// What the file means. Read once per thread and variant: sweeps ask for the same few again and again.
    pub(crate) fn environment(self) -> Arc<Environment> {
        READ.with_borrow_mut(|read| {
            if let Some((_, known)) = read.iter().find(|(site, _)| *site == self) {
                return Arc::clone(known);
            }
            let environment = self.read();
            if read.len() < MOST_READ {
                read.push((self, Arc::clone(&environment)));
            }
            environment
        })
    }

    fn read(self) -> Arc<Environment> {
        match changeover_configuration::load("simulated.yaml", &self.text()) {
            Ok(loaded) => Arc::new(loaded.environment),
            Err(problems) => panic!("the simulated site is our own and must be valid: {problems}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_of_the_site_is_a_valid_environment() {
        let kinds = [
            ServerKind::Sip,
            ServerKind::Child,
            ServerKind::PidFile,
            ServerKind::Unit,
        ];
        for (redundancy, server) in [Redundancy::Hot, Redundancy::Warm]
            .into_iter()
            .flat_map(|redundancy| kinds.map(|kind| (redundancy, kind)))
        {
            for (pairs, on_controller_loss) in [
                (1, ControllerLoss::Quorum),
                (2, ControllerLoss::Hold),
                (
                    1,
                    ControllerLoss::ReleaseAfter(std::time::Duration::from_secs(4)),
                ),
            ] {
                let site = Site {
                    redundancy,
                    pairs,
                    health: pairs == 2,
                    server,
                    on_controller_loss,
                    ..Site::default()
                };
                let environment = site.environment();
                assert_eq!(environment.pairs.len(), pairs);
                // Two members and four control scripts each; beside them the SCS and the Message Server.
                assert_eq!(environment.applications.len(), pairs * 6 + 2);
            }
        }
    }
}
