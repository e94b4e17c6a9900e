//! A host of the site on an emulated network of its own, and both scripts of a pair started twice on it.
//!
//! Owns the host's surroundings and the order: enable, enable, disable, disable. A disabling script finds what the
//! enabling one of the site has set; where that failed or was not tried, the address is set for it.

use crate::{OnHost, Script, TrialError, run};
use changeover_configuration::{HeldAddress, Trial, TrialEnd, TrialRun};
use changeover_emulated_host::{
    FOLDER_VARIABLE, NETSH_TIME_VARIABLE, PLATFORM_VARIABLE, Platform, START_FOLDER_VARIABLE,
    WRITTEN_VARIABLE,
};
use changeover_emulated_nic::{EmulatedNic, NETWORK_HOST_VARIABLE, NETWORK_VARIABLE};
use changeover_model::environment::Host;
use changeover_model::{OperatingSystem, ScriptAction};
use changeover_network_emulator::{
    ClusterDescription, Emulator, HostDescription, InterfaceDescription, ReservedBlock,
    SiteDescription, VirtualIpDescription, choose_block,
};
use changeover_virtual_ip::{Addresses as _, VirtualAddress};
use ipnet::IpNet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// The NIC of a host's own address where no VIP stands in its network.
const MANAGEMENT_NIC: &str = "mgmt0";
/// Most files that are copied for a trial; a folder with more holds other things than control scripts.
const MOST_FILES: usize = 100;

/// The emulated host with what was made for it.
struct Bench {
    folder: TempDir,
    nic: EmulatedNic,
    _emulator: Emulator,
    _block: ReservedBlock,
}

/// Tries the scripts of a host that can be tried, in their order.
pub(crate) async fn trials(
    on_host: &OnHost<'_>,
    environment: &str,
    home: &Path,
    program: &Path,
) -> Result<Vec<Trial>, TrialError> {
    let mut trials = Vec::new();
    if !on_host.scripts.iter().any(Script::can_be_tried) {
        return Ok(trials);
    }
    let bench = Bench::set_up(on_host, program).await?;
    for script in on_host
        .scripts
        .iter()
        .filter(|script| script.can_be_tried())
    {
        if script.action == ScriptAction::Disable {
            bench.hold_all(on_host).await?;
        }
        let first = bench.run(on_host, script, environment, home).await?;
        let second = match first.end {
            TrialEnd::Exit(_) => bench.run(on_host, script, environment, home).await?,
            // It would be no other the second time.
            TrialEnd::OverTime | TrialEnd::NotCovered(_) | TrialEnd::NotStarted(_) => first.clone(),
        };
        let nothing_up = script.action == ScriptAction::Enable
            && matches!(first.end, TrialEnd::Exit(_))
            && first.held.len() < on_host.vips.len();
        trials.push(Trial { first, second });
        if nothing_up {
            // A script that takes away what its partner sets cannot be judged before that one works.
            break;
        }
    }
    Ok(trials)
}

fn file(what: &'static str) -> impl FnOnce(std::io::Error) -> TrialError {
    move |source| TrialError::File { what, source }
}

fn network(error: impl std::fmt::Display) -> TrialError {
    TrialError::Network(error.to_string())
}

fn platform(host: &Host) -> Platform {
    match host.os {
        OperatingSystem::Linux => Platform::Linux,
        OperatingSystem::Windows => Platform::Windows,
        OperatingSystem::Aix => Platform::Aix,
        OperatingSystem::Solaris => Platform::Solaris,
    }
}

impl Bench {
    async fn set_up(on_host: &OnHost<'_>, program: &Path) -> Result<Self, TrialError> {
        let folder = tempfile::tempdir().map_err(file("make a folder"))?;
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).map_err(file("make a folder"))?;
        for name in platform(on_host.host).commands() {
            std::os::unix::fs::symlink(program, bin.join(name)).map_err(file("make a link"))?;
        }
        let block = choose_block().map_err(network)?;
        let socket = folder.path().join("net");
        let emulator = Emulator::start(&describe(on_host), &socket, block.block())
            .await
            .map_err(network)?;
        Ok(Self {
            nic: EmulatedNic::unasked(&socket, on_host.host.name.as_str()),
            folder,
            _emulator: emulator,
            _block: block,
        })
    }

    /// Every VIP of the pair on the host, as the site's own script would have set it.
    async fn hold_all(&self, on_host: &OnHost<'_>) -> Result<(), TrialError> {
        let held = self.held(on_host).await?;
        for vip in &on_host.vips {
            if held.iter().any(|held| held.address == vip.address) {
                continue;
            }
            let wanted = VirtualAddress {
                address: vip.address,
                prefix: vip.prefix,
                interface: vip.interface.clone(),
                label: vip.label.clone(),
            };
            self.nic.add(&wanted).await.map_err(network)?;
        }
        Ok(())
    }

    async fn held(&self, on_host: &OnHost<'_>) -> Result<Vec<HeldAddress>, TrialError> {
        let all = if on_host.pair.nlb.is_some() {
            // The NIC of every host shows the cluster's IP; an agent sees it where the SIP port is enabled.
            self.nic.snapshot().await.map_err(network)?.addresses
        } else {
            let links = self.nic.links().await.map_err(network)?;
            let all = links.into_iter().flat_map(|link| link.addresses);
            all.map(|one| one.held).collect()
        };
        let of_the_pair = all.into_iter().filter(|held| {
            let vips = &mut on_host.vips.iter();
            vips.any(|vip| vip.address == held.address)
        });
        let shown = of_the_pair.map(|held| HeldAddress {
            address: held.address,
            prefix: held.prefix,
            interface: held.interface,
        });
        Ok(shown.collect())
    }

    async fn run(
        &self,
        on_host: &OnHost<'_>,
        script: &Script<'_>,
        environment: &str,
        home: &Path,
    ) -> Result<TrialRun, TrialError> {
        let mut command = match platform(on_host.host) {
            Platform::Windows => self.on_windows(script, home),
            Platform::Linux | Platform::Aix | Platform::Solaris => self.on_unix(on_host, script)?,
        };
        self.place(&mut command, on_host, home);
        tell(&mut command, on_host, script, environment);
        let errors = self.folder.path().join("errors");
        let time = script.time();
        let windows = on_host.host.os == OperatingSystem::Windows;
        let run = move || {
            let end = run::run(command, &errors, time);
            if windows {
                run::of_an_interpreter(end, &errors)
            } else {
                end
            }
        };
        let end = tokio::task::spawn_blocking(run)
            .await
            .unwrap_or_else(|error| TrialEnd::NotStarted(error.to_string()));
        let held = self.held(on_host).await?;
        Ok(TrialRun { end, held })
    }

    /// `cmd.exe` of an emulated host carries it out; what it writes stays in the bench's folder.
    fn on_windows(&self, script: &Script<'_>, home: &Path) -> Command {
        let info = &script.application.start_info;
        let folder = info.working_directory.as_str();
        let begins = if folder.contains(':') || folder.starts_with('\\') {
            folder.to_owned()
        } else {
            home.join(folder.replace('\\', "/")).display().to_string()
        };
        let mut command = Command::new(self.folder.path().join("bin/cmd.exe"));
        command
            .arg("/c")
            .arg(&info.command_line)
            .args(&info.arguments)
            .env(START_FOLDER_VARIABLE, begins)
            .env(WRITTEN_VARIABLE, self.folder.path().join("written"));
        command
    }

    /// A copy of its folder, so that its log lands there; scripts of one folder share the copy.
    fn on_unix(&self, on_host: &OnHost<'_>, script: &Script<'_>) -> Result<Command, TrialError> {
        let path = &script.look.path;
        let mut all = on_host.scripts.iter();
        let number = all.position(|other| other.look.path.parent() == path.parent());
        let folder = format!("scripts-{}", number.unwrap_or_default());
        let folder = self.folder.path().join(folder);
        copy_beside(path, &folder).map_err(file("copy the scripts"))?;
        let mut command = Command::new(folder.join(path.file_name().unwrap_or_default()));
        command
            .args(&script.application.start_info.arguments)
            .current_dir(&folder);
        Ok(command)
    }

    fn place(&self, command: &mut Command, on_host: &OnHost<'_>, home: &Path) {
        let mut path = self.folder.path().join("bin").into_os_string();
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(OsString::from(":"));
            path.push(rest);
        }
        let name = on_host.host.name.as_str();
        command
            .env("PATH", path)
            .env(NETWORK_VARIABLE, self.folder.path().join("net"))
            .env(NETWORK_HOST_VARIABLE, name)
            .env(PLATFORM_VARIABLE, platform(on_host.host).name())
            .env(FOLDER_VARIABLE, home.join("hosts").join(name))
            .env(NETSH_TIME_VARIABLE, "1-2");
    }
}

/// The script's folder without what lies deeper, once.
fn copy_beside(script: &Path, to: &Path) -> std::io::Result<()> {
    if to.join(script.file_name().unwrap_or_default()).is_file() {
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    let beside: Vec<PathBuf> = match script.parent() {
        Some(folder) => std::fs::read_dir(folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.is_file() && path != script)
            .take(MOST_FILES)
            .collect(),
        None => Vec::new(),
    };
    for from in beside.iter().map(PathBuf::as_path).chain([script]) {
        std::fs::copy(from, to.join(from.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// The variables of a control script (BEHAVIOUR, Events, alarms, reactions).
fn tell(command: &mut Command, on_host: &OnHost<'_>, script: &Script<'_>, environment: &str) {
    let list = |texts: Vec<String>| texts.join(" ");
    let vips = || on_host.vips.iter();
    let label = |label: &Option<String>| label.clone().unwrap_or_else(|| "-".to_owned());
    let (run_mode, action) = match script.action {
        ScriptAction::Enable => ("Primary", "enable"),
        ScriptAction::Disable => ("Backup", "disable"),
    };
    let variables = [
        ("ENVIRONMENT", environment.to_owned()),
        ("PAIR", on_host.pair.name.to_string()),
        ("APPLICATION", script.application.name.to_string()),
        ("HOST", on_host.host.name.to_string()),
        ("PEER_HOST", on_host.peer.name.to_string()),
        ("RUN_MODE", run_mode.to_owned()),
        ("ACTION", action.to_owned()),
        ("EPOCH", "1".to_owned()),
        (
            "VIP",
            list(vips().map(|vip| vip.address.to_string()).collect()),
        ),
        (
            "PREFIX",
            list(vips().map(|vip| vip.prefix.to_string()).collect()),
        ),
        (
            "INTERFACE",
            list(vips().map(|vip| vip.interface.clone()).collect()),
        ),
        ("LABEL", list(vips().map(|vip| label(&vip.label)).collect())),
        ("EVENT_ID", String::new()),
        ("ALARM", String::new()),
        ("REASON", "trial".to_owned()),
        ("SWITCHOVER_ID", String::new()),
    ];
    for (name, value) in variables {
        command.env(format!("CHANGEOVER_{name}"), value);
    }
}

/// The host and its peer, each with the NICs of the VIPs, and one for its own address where that stands elsewhere.
fn describe(on_host: &OnHost<'_>) -> SiteDescription {
    let hosts = [on_host.host, on_host.peer].map(|host| {
        let mut interfaces: Vec<InterfaceDescription> = Vec::new();
        for vip in on_host.pair.virtual_ips_on(&host.name) {
            let at = interfaces.iter().position(|nic| nic.name == vip.interface);
            let at = at.unwrap_or_else(|| {
                interfaces.push(nic(&vip.interface));
                interfaces.len() - 1
            });
            let own = IpNet::new(host.address, vip.prefix).ok();
            let network = IpNet::new(vip.address, vip.prefix).ok();
            let placed = interfaces.iter().any(|nic| !nic.addresses.is_empty());
            if let (Some(own), Some(network), false) = (own, network, placed)
                && network.contains(&host.address)
            {
                interfaces[at].addresses.push(own);
            }
        }
        if interfaces.iter().all(|nic| nic.addresses.is_empty()) {
            let prefix = if host.address.is_ipv4() { 24 } else { 64 };
            let mut own = nic(MANAGEMENT_NIC);
            "management".clone_into(&mut own.segment);
            own.addresses.extend(IpNet::new(host.address, prefix));
            interfaces.push(own);
        }
        HostDescription {
            name: host.name.to_string(),
            interfaces,
        }
    });
    let vips = on_host.vips.iter().map(|vip| VirtualIpDescription {
        address: vip.address,
        udp_ports: Vec::new(),
    });
    SiteDescription {
        hosts: hosts.into(),
        virtual_ips: vips.collect(),
        devices: Vec::new(),
        clusters: cluster(on_host).into_iter().collect(),
        neighbours: Vec::new(),
        arp_lifetime_ms: 30_000,
    }
}

/// The NLB cluster of the pair, which takes part only once a script has told it to: what was so before proves nothing of one.
fn cluster(on_host: &OnHost<'_>) -> Option<ClusterDescription> {
    let cluster = ClusterDescription::of(on_host.pair, on_host.sip_port, Duration::ZERO)?;
    Some(ClusterDescription {
        started: false,
        ..cluster
    })
}

fn nic(name: &str) -> InterfaceDescription {
    InterfaceDescription {
        name: name.to_owned(),
        segment: "lan".to_owned(),
        addresses: Vec::new(),
    }
}
