//! Application objects.

use super::{HealthCheck, Hook};
use crate::{ApplicationName, ApplicationType, HostName, Redundancy, SwitchName};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Option sections of an application: section name to option name to value, as text. Names match in any
/// case ([`Application::option`]) and keep the spelling of the file.
pub type OptionSections = IndexMap<String, IndexMap<String, String>>;

/// An Application object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// Its name.
    pub name: ApplicationName,
    /// Its type.
    pub application_type: ApplicationType,
    /// The host it runs on.
    pub host: HostName,
    /// The Switch object; both of a pair name the same.
    pub switch: Option<SwitchName>,
    /// Redundancy type, for members of a pair.
    pub redundancy: Option<Redundancy>,
    /// On the configured primary: the other application.
    pub backup_server: Option<ApplicationName>,
    /// Ports.
    pub ports: Ports,
    /// How it is started.
    pub start_info: StartInfo,
    /// Applications it connects to.
    pub connections: Vec<ApplicationName>,
    /// Options.
    pub options: OptionSections,
    /// Health checks; when one is down, the application cannot serve.
    #[serde(default)]
    pub health: Vec<HealthCheck>,
    /// Members of pairs: what runs when it becomes primary, in this order.
    #[serde(default)]
    pub on_primary: Vec<Hook>,
    /// Members of pairs: what runs when it becomes backup, in this order.
    #[serde(default)]
    pub on_backup: Vec<Hook>,
}

impl Application {
    /// The value of an option; section and name match in any case.
    pub fn option(&self, section: &str, name: &str) -> Option<&str> {
        self.options
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(section))
            .flat_map(|(_, options)| options)
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The hooks of a run mode; only Primary and Backup have any.
    pub fn hooks(&self, run_mode: crate::RunMode) -> &[Hook] {
        match run_mode {
            crate::RunMode::Primary => &self.on_primary,
            crate::RunMode::Backup => &self.on_backup,
            crate::RunMode::Exiting | crate::RunMode::Unknown => &[],
        }
    }

    /// True if `TServer / sip-pass-check` is set: its own report decides about SIP silence.
    pub fn sip_pass_check(&self) -> bool {
        self.option("TServer", "sip-pass-check")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// True for an application that registers with its LCA and obeys run modes itself. Any other member of a pair
    /// has its run mode held by the LCA.
    pub fn is_managed(&self) -> bool {
        self.application_type == ApplicationType::SipServer
    }
}

/// Ports of an application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// The default port, for clients; absent for programs that listen to nobody.
    pub default: Option<u16>,
    /// The port with the `HA sync` flag; without it the backup connects to the default port.
    pub ha_sync: Option<u16>,
}

/// How an application is started and stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartInfo {
    /// Working directory; the LCA's own when empty.
    pub working_directory: String,
    /// The program; relative names are looked up in the working directory if they contain a `/`, else in PATH.
    /// `vipctl` stands for the LCA's own VIP tool.
    pub command_line: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Managed applications: from the start to the first status Running or ServiceUnavailable; control
    /// scripts: to their end. Default 90 s, control scripts 8 s.
    pub startup_timeout: Duration,
    /// From the order to stop to SIGTERM, and from SIGTERM to SIGKILL, half each; default 90 s.
    pub shutdown_timeout: Duration,
    /// Restart it when it ends unasked. Default true for members of a pair, false otherwise.
    pub auto_restart: bool,
    /// Limits of automatic restarts.
    pub restart: RestartPolicy,
    /// For programs whose outcome nobody can observe: true = exit 0 is success, false = any exit is.
    pub success_needs_exit_zero: bool,
    /// The systemd unit that runs the program instead of a command line; empty = none.
    #[serde(default)]
    pub systemd_unit: String,
    /// Where a program that goes into the background writes its process id; empty = it stays in the foreground.
    /// Relative paths count from the working directory.
    #[serde(default)]
    pub pid_file: String,
}

/// How the LCA gets hold of a program's main process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartedBy<'s> {
    /// The started process is the program.
    CommandLine,
    /// The started process ends, and the program's own process id stands in this file.
    PidFile(&'s str),
    /// systemd runs it as this unit.
    SystemdUnit(&'s str),
}

impl StartInfo {
    /// How the LCA gets hold of the main process.
    pub fn started_by(&self) -> StartedBy<'_> {
        if !self.systemd_unit.is_empty() {
            StartedBy::SystemdUnit(&self.systemd_unit)
        } else if !self.pid_file.is_empty() {
            StartedBy::PidFile(&self.pid_file)
        } else {
            StartedBy::CommandLine
        }
    }
}

impl Default for StartInfo {
    fn default() -> Self {
        Self {
            working_directory: String::new(),
            command_line: String::new(),
            arguments: Vec::new(),
            startup_timeout: Duration::from_secs(90),
            shutdown_timeout: Duration::from_secs(90),
            auto_restart: false,
            restart: RestartPolicy::default(),
            success_needs_exit_zero: true,
            systemd_unit: String::new(),
            pid_file: String::new(),
        }
    }
}

/// Limits of automatic restarts: delays double from `first_delay` to `longest_delay`; after `limit` restarts
/// within `within` the application stays Stopped and an alarm says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPolicy {
    /// Delay before the first restart; default 100 ms.
    pub first_delay: Duration,
    /// Longest delay; default 30 s.
    pub longest_delay: Duration,
    /// Most restarts within `within`; default 5.
    pub limit: u32,
    /// The window; default 10 min. A start that lasted this long resets the delay.
    pub within: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(100),
            longest_delay: Duration::from_secs(30),
            limit: 5,
            within: Duration::from_secs(600),
        }
    }
}
