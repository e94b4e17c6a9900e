//! Owns what the environment says about the emulated host that a command runs on: its platform, the folder that
//! stands for its disk, how long slow commands take, which faults are played. A rehearsal sets these variables.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `linux`, `windows`, `aix` or `solaris`; without it Linux.
pub const PLATFORM_VARIABLE: &str = "CHANGEOVER_NETWORK_PLATFORM";
/// Folder of the host's own files: `etc/hosts` of a UNIX host, `C/…` of a Windows host's drive C.
pub const FOLDER_VARIABLE: &str = "CHANGEOVER_NETWORK_FOLDER";
/// How long `netsh` takes to add or delete an address, in milliseconds: `20` or `1000-5000`.
pub const NETSH_TIME_VARIABLE: &str = "CHANGEOVER_NETWORK_NETSH_TIME";
/// Set to anything: somebody has the properties of the host's connections open.
pub const DIALOG_VARIABLE: &str = "CHANGEOVER_NETWORK_PROPERTIES_DIALOG";
/// Where a script of an emulated Windows host begins, as its Application object has it.
pub const START_FOLDER_VARIABLE: &str = "CHANGEOVER_NETWORK_START_FOLDER";
/// Folder for what scripts write, so that a rehearsal leaves the site's own files alone; without it they are written
/// where the script says.
pub const WRITTEN_VARIABLE: &str = "CHANGEOVER_NETWORK_WRITTEN";

/// What `netsh` takes where nobody says anything: the guide's second to five.
const NETSH_TIME: (u64, u64) = (1000, 5000);

/// A platform whose commands are emulated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Platform {
    /// Linux: net-tools 2.10, iproute2 6.1.
    #[default]
    Linux,
    /// Windows Server 2003.
    Windows,
    /// AIX 5.3.
    Aix,
    /// Solaris 10.
    Solaris,
}

impl Platform {
    /// By the word of the environment file.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "linux" => Some(Self::Linux),
            "windows" => Some(Self::Windows),
            "aix" => Some(Self::Aix),
            "solaris" => Some(Self::Solaris),
            _ => None,
        }
    }

    /// The word of the environment file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
            Self::Aix => "aix",
            Self::Solaris => "solaris",
        }
    }

    /// Names under which the binary is a command of such a host.
    #[must_use]
    pub const fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Linux => &["ifconfig", "ip", "arping", "ping", "hostname", "vipctl"],
            Self::Windows => &[
                "cmd.exe", "netsh", "ipconfig", "ping", "arp", "hostname", "cscript", "wlbs.exe",
                "nlb.exe",
            ],
            Self::Aix | Self::Solaris => &["ifconfig", "ping", "hostname"],
        }
    }
}

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    pub(crate) platform: Platform,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) start_folder: Option<String>,
    pub(crate) written: Option<PathBuf>,
    pub(crate) netsh_time: Option<(u64, u64)>,
    pub(crate) dialog: bool,
}

impl Surroundings {
    /// From this process's environment.
    pub(crate) fn of_environment() -> Self {
        let text = |name: &str| std::env::var(name).ok();
        Self {
            platform: text(PLATFORM_VARIABLE)
                .and_then(|name| Platform::by_name(&name))
                .unwrap_or_default(),
            folder: std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from),
            start_folder: text(START_FOLDER_VARIABLE),
            written: std::env::var_os(WRITTEN_VARIABLE).map(PathBuf::from),
            netsh_time: text(NETSH_TIME_VARIABLE).and_then(|text| range(&text)),
            dialog: std::env::var_os(DIALOG_VARIABLE).is_some(),
        }
    }

    /// How long this `netsh` takes.
    pub(crate) fn netsh_time(&self) -> Duration {
        let (least, most) = self.netsh_time.unwrap_or(NETSH_TIME);
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| u64::from(time.subsec_nanos()));
        Duration::from_millis(least + nanos / 1000 % (most - least + 1))
    }
}

fn range(text: &str) -> Option<(u64, u64)> {
    let (least, most) = match text.split_once('-') {
        Some((least, most)) => (least.parse().ok()?, most.parse().ok()?),
        None => (text.parse().ok()?, text.parse().ok()?),
    };
    (least <= most && most <= 3_600_000).then_some((least, most))
}
