//! Owns the built-in site "linux": the text of its environment file and of its two control scripts. It is loaded
//! like any file, so that what the built-in site can do a file can do as well.

use crate::trouble::Trouble;
use changeover_model::Redundancy;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

/// Name of the built-in environment, and of the file it is written to.
pub(crate) const NAME: &str = "linux";
/// Its hosts.
pub(crate) const HOSTS: [&str; 3] = ["mgmt1", "host1", "host2"];
/// Folder of the control scripts below the run's folder.
const SCRIPTS: &str = "scripts";

/// How the built-in control scripts bring the Virtual IP up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScriptStyle {
    /// As the guide: the logical sub-interface by `ifconfig`.
    Ifconfig,
    /// The same by `ip`, for a machine without net-tools.
    Ip,
}

impl ScriptStyle {
    /// The style that this machine's own commands allow; on the emulated network both are there.
    pub(crate) fn of_this_machine() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if std::env::split_paths(&path).any(|folder| folder.join("ifconfig").is_file()) {
            Self::Ifconfig
        } else {
            Self::Ip
        }
    }

    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ifconfig => "shell scripts with ifconfig",
            Self::Ip => "shell scripts with ip",
        }
    }

    fn up(self) -> &'static str {
        match self {
            Self::Ifconfig => "ifconfig eth0:1 10.10.11.103 netmask 255.255.255.0 up",
            Self::Ip => "ip address add 10.10.11.103/24 dev eth0 label eth0:1",
        }
    }

    fn down(self) -> &'static str {
        match self {
            Self::Ifconfig => "ifconfig eth0:1 down",
            Self::Ip => "ip address delete 10.10.11.103/24 dev eth0",
        }
    }
}

/// The environment file of the built-in site in a run's folder.
pub(crate) fn environment(
    redundancy: Redundancy,
    bound: Option<Duration>,
    folder: &Path,
) -> String {
    let addp = bound.map_or_else(String::new, |bound| {
        let half = format!("{}us", bound.as_micros() / 2);
        format!(", addp: {{addp-timeout: {half}, addp-remote-timeout: {half}}}")
    });
    let scripts = quoted(&folder.join(SCRIPTS));
    let home = quoted(folder);
    format!(
        r#"# The built-in site of `changeover rehearse`: one SIP Server pair, IP Address Takeover, one NIC.
version: 1
environment: {NAME}

management_layer:
  solution_control_server: {{host: mgmt1, port: 7770}}
  message_server: {{name: MessageServer, host: mgmt1, port: 7120}}

hosts:
  mgmt1: {{os: linux, address: 10.10.11.110}}
  host1: {{os: linux, address: 10.10.11.101{addp}}}
  host2: {{os: linux, address: 10.10.11.102{addp}}}

switches:
  SIP_Switch: {{}}

pairs:
  SIP_EAST:
    redundancy_type: {redundancy}
    takeover: ip_address
    primary: {{application: SIP_SERVER_PRIMARY, host: host1}}
    backup: {{application: SIP_SERVER_BACKUP, host: host2}}
    virtual_ips:
      - {{address: 10.10.11.103/24, interface: eth0, label: "eth0:1"}}
    control_scripts:
      working_directory: {scripts}
      enable: {{command_line: ./set_ip_up.sh, startup_timeout: 8s}}
      disable: {{command_line: ./set_ip_down.sh, startup_timeout: 8s}}
    server:
      type: SIPServer
      switch: SIP_Switch
      ports: {{default: 5070, ha_sync: 5071}}
      start_info:
        working_directory: {home}
        command_line: sip-server
        startup_timeout: 20s
        shutdown_timeout: 5s
        auto_restart: true
      connections: [MessageServer]
      options:
        TServer: {{sip-port: 5060}}
        backup-sync: {{protocol: addp, addp-timeout: 3, addp-remote-timeout: 3, sync-reconnect-tout: 7}}
"#
    )
}

/// Writes both control scripts into a run's folder.
///
/// # Errors
/// Names the file.
pub(crate) fn write_scripts(folder: &Path, style: ScriptStyle) -> Result<(), Trouble> {
    let scripts = folder.join(SCRIPTS);
    std::fs::create_dir_all(&scripts).map_err(Trouble::file("make the folder", &scripts))?;
    for (name, does, command) in [
        (
            "set_ip_up.sh",
            "Brings the Virtual IP up on this host.",
            style.up(),
        ),
        (
            "set_ip_down.sh",
            "Takes the Virtual IP down on this host.",
            style.down(),
        ),
    ] {
        let path = scripts.join(name);
        let text = format!(
            "#!/bin/sh\n# {does}\n# The netmask is given: without one a classful mask would be used.\n{command}\n"
        );
        std::fs::write(&path, text).map_err(Trouble::file("write", &path))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .map_err(Trouble::file("make executable", &path))?;
    }
    Ok(())
}

/// A path as a quoted YAML scalar.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use changeover_configuration::{CheckOptions, Severity, check, load};

    fn loaded(redundancy: Redundancy, bound: Option<Duration>) -> changeover_configuration::Loaded {
        let text = environment(redundancy, bound, Path::new("/tmp/a \"run\""));
        load("linux.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn the_built_in_site_is_a_valid_file_that_no_rule_of_severity_error_speaks_against() {
        for redundancy in [Redundancy::Hot, Redundancy::Warm] {
            let loaded = loaded(redundancy, None);
            let against: Vec<_> = check(&loaded, &CheckOptions::default())
                .into_iter()
                .filter(|finding| finding.severity == Severity::Error)
                .map(|finding| finding.message)
                .collect();
            assert_eq!(against, Vec::<String>::new());
            let pair = loaded
                .environment
                .pairs
                .values()
                .next()
                .expect("the built-in pair");
            assert_eq!(pair.redundancy, redundancy);
            assert_eq!(pair.control.len(), 2, "control scripts for both hosts");
        }
    }

    #[test]
    fn a_bound_of_its_own_becomes_two_addp_timeouts_on_both_hosts_of_the_pair() {
        let loaded = loaded(Redundancy::Hot, Some(Duration::from_millis(100)));
        let bounds: Vec<_> = ["host1", "host2", "mgmt1"]
            .map(|host| loaded.environment.hosts[host].detection_bound())
            .into();
        assert_eq!(
            bounds,
            [
                Duration::from_millis(100),
                Duration::from_millis(100),
                Duration::from_secs(3)
            ]
        );
    }
}
