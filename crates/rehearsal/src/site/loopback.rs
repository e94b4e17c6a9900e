//! Owns a site's emulated network: the emulator as a process, the folder of platform commands that stand first in
//! PATH, cables, and where the site's addresses are on this machine.

use super::commands::{self, namespace_file};
use super::layout::{self, CLIENT, HostLayout};
use crate::faults::{Fault, Faults};
use crate::janitor::{RUN_MARKER, Run, namespace_name};
use crate::moment::Moment;
use crate::plan::SiteEnvironment;
use crate::trouble::Trouble;
use changeover_emulated_host::{
    DIALOG_VARIABLE, FOLDER_VARIABLE, NETSH_TIME_VARIABLE, PLATFORM_VARIABLE, Platform,
    WRITTEN_VARIABLE,
};
use changeover_emulated_nic::{Control, NETWORK_HOST_VARIABLE, NETWORK_VARIABLE};
use changeover_model::OperatingSystem;
use changeover_model::environment::{Environment, Pair};
use changeover_network_emulator::{
    ClusterDescription, DeviceDescription, EmulatorArguments, EmulatorProcess, HostDescription,
    InterfaceDescription, NeighbourDescription, PoolDescription, ReservedBlock, SiteDescription,
    VirtualIpDescription, choose_block,
};
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// Tells LCAs where to start the scripts of an emulated host.
const SECLUSION_VARIABLE: &str = "CHANGEOVER_SCRIPTS_NAMESPACE";
/// The emulator is ready within this time.
const READY_WAIT: Duration = Duration::from_secs(10);

/// The emulated network of a site.
pub(crate) struct LoopbackNetwork {
    emulator: EmulatorProcess,
    pub(crate) control: Control,
    /// Keeps the addresses for this run.
    _block: ReservedBlock,
    run: PathBuf,
    /// Folder of the environment file, with the hosts' own files in `hosts/NAME`.
    home: PathBuf,
    platforms: Vec<(String, Platform)>,
    faults: Faults,
    /// An empty network namespace for the site's scripts, where there is one.
    seclusion: Option<String>,
    hosts: Vec<HostLayout>,
}

impl LoopbackNetwork {
    /// Starts the emulator and makes the folder of commands.
    ///
    /// # Errors
    /// When the emulator does not come up.
    pub(crate) async fn bring_up(
        program: &Path,
        run: &Run,
        site: &SiteEnvironment,
        pair: &Pair,
        sip_port: u16,
        faults: &Faults,
    ) -> Result<Self, Trouble> {
        let environment = site.environment();
        let hosts = layout::hosts(environment);
        let site_file = run.folder.join("site.json");
        let mut description = describe(&hosts, pair, sip_port, faults.nlb_convergence());
        description.devices = devices(environment);
        let text = serde_json::to_vec_pretty(&description)
            .map_err(|error| Trouble::Unusable(error.to_string()))?;
        std::fs::write(&site_file, text).map_err(Trouble::file("write", &site_file))?;
        let block = choose_block()?;
        let mut command = Command::new(program);
        command
            .arg("network-emulator")
            .env(RUN_MARKER, &run.id)
            .process_group(0);
        let arguments = EmulatorArguments {
            site: site_file,
            socket: run.folder.join("net"),
            block: block.block().to_string(),
        };
        let emulator = EmulatorProcess::start(command, &arguments, READY_WAIT).await?;
        let control = Control::connect(emulator.socket()).await?;
        let platforms: Vec<(String, Platform)> = environment
            .hosts
            .values()
            .map(|host| (host.name.to_string(), platform(host.os)))
            .collect();
        for (_, platform) in &platforms {
            make_commands(program, &commands(&run.folder, *platform), *platform)?;
        }
        for fault in &faults.0 {
            if let Fault::DropAnnouncements(host, count) = fault {
                control.drop_announcements(host, *count).await?;
            }
        }
        Ok(Self {
            emulator,
            control,
            _block: block,
            run: run.folder.clone(),
            home: site.home.clone(),
            platforms,
            faults: faults.clone(),
            seclusion: seclude_scripts(run).await,
            hosts,
        })
    }

    /// Puts a process on a host of the site.
    pub(crate) fn place(&self, command: &mut Command, host: &str) {
        let known = self.platforms.iter().find(|(name, _)| name == host);
        let platform = known.map_or(Platform::Linux, |(_, platform)| *platform);
        command
            .env(NETWORK_VARIABLE, self.emulator.socket())
            .env(NETWORK_HOST_VARIABLE, host)
            .env(PLATFORM_VARIABLE, platform.name())
            .env(FOLDER_VARIABLE, host_folder(&self.home, host))
            .env(WRITTEN_VARIABLE, self.run.join("written").join(host))
            .env(NETSH_TIME_VARIABLE, self.faults.netsh_time())
            .env("PATH", first_in_path(&commands(&self.run, platform)));
        if self.faults.dialog_on(host) {
            command.env(DIALOG_VARIABLE, "open");
        }
        match &self.seclusion {
            Some(name) => command.env(SECLUSION_VARIABLE, namespace_file(name)),
            None => command.env_remove(SECLUSION_VARIABLE),
        };
    }

    /// Pulls or plugs every cable of a host; when that began.
    ///
    /// # Errors
    /// When the emulator is gone.
    pub(crate) async fn cable(&self, host: &str, plugged: bool) -> Result<Moment, Trouble> {
        let began = Moment::now();
        for nic in self
            .hosts
            .iter()
            .filter(|one| one.name == host)
            .flat_map(HostLayout::by_cable)
        {
            if plugged {
                self.control.plug(host, &nic.name).await?;
            } else {
                self.control.unplug(host, &nic.name).await?;
            }
        }
        Ok(began)
    }

    /// Pulls or plugs one NIC of a host; when that began.
    ///
    /// # Errors
    /// When the emulator is gone.
    pub(crate) async fn one_cable(
        &self,
        host: &str,
        nic: &str,
        plugged: bool,
    ) -> Result<Moment, Trouble> {
        let began = Moment::now();
        if plugged {
            self.control.plug(host, nic).await?;
        } else {
            self.control.unplug(host, nic).await?;
        }
        Ok(began)
    }

    /// Where a site's address is on this machine.
    ///
    /// # Errors
    /// When the emulator is gone.
    pub(crate) async fn real(&self, address: SocketAddr) -> Result<SocketAddr, Trouble> {
        let ip = self.control.real_address(address.ip()).await?;
        Ok(SocketAddr::new(ip, address.port()))
    }

    /// The host that the client's ARP table names.
    ///
    /// # Errors
    /// When the emulator is gone.
    pub(crate) async fn neighbour_entry(&self, address: IpAddr) -> Result<Option<String>, Trouble> {
        Ok(self.control.arp_entry(CLIENT, address).await?)
    }

    /// The address of the server to which a network device sends what comes to this VIP.
    ///
    /// # Errors
    /// When the emulator is gone.
    pub(crate) async fn chosen_by_device(&self, front: IpAddr) -> Result<Option<IpAddr>, Trouble> {
        let state = self.control.state().await?;
        let server = state
            .get("devices")
            .and_then(|devices| devices.get(front.to_string()))
            .and_then(serde_json::Value::as_str);
        Ok(server.and_then(|server| server.parse().ok()))
    }

    /// A socket for the probe.
    ///
    /// # Errors
    /// When loopback has no port left.
    pub(crate) fn client_socket(&self) -> Result<UdpSocket, Trouble> {
        UdpSocket::bind(("127.0.0.1", 0)).map_err(|source| Trouble::Start {
            what: "the probe".to_owned(),
            source,
        })
    }
}

/// Makes an empty network namespace for the site's scripts. Without root they cannot change an address of this
/// machine whatever they name; as root one that names `/sbin/ifconfig` would. The janitor removes it.
async fn seclude_scripts(run: &Run) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let name = namespace_name(&run.id, "scripts");
    match commands::ip(&["netns", "add", &name]).await {
        Ok(_) => Some(name),
        Err(error) => {
            tracing::warn!(
                %error,
                "scripts run as root beside this machine's own network: a command that they name by its full path acts on it"
            );
            None
        }
    }
}

fn describe(
    hosts: &[HostLayout],
    pair: &Pair,
    sip_port: u16,
    convergence: Duration,
) -> SiteDescription {
    let interface = |nic: &layout::NicLayout| InterfaceDescription {
        name: nic.name.clone(),
        segment: nic.segment.to_owned(),
        addresses: nic.addresses.clone(),
    };
    SiteDescription {
        hosts: hosts
            .iter()
            .map(|host| HostDescription {
                name: host.name.clone(),
                interfaces: host.nics.iter().map(interface).collect(),
            })
            .collect(),
        virtual_ips: pair
            .virtual_ips
            .iter()
            .map(|vip| VirtualIpDescription {
                address: vip.address,
                udp_ports: vec![sip_port],
            })
            .collect(),
        devices: Vec::new(),
        neighbours: vec![NeighbourDescription {
            name: CLIENT.to_owned(),
            address: None,
            segment: None,
        }],
        arp_lifetime_ms: 30_000,
        clusters: ClusterDescription::of(pair, sip_port, convergence)
            .into_iter()
            .collect(),
    }
}

/// The network devices of a site, each once, with the VIPs of every pair that it serves.
fn devices(environment: &Environment) -> Vec<DeviceDescription> {
    let mut devices: Vec<DeviceDescription> = Vec::new();
    for pair in environment.pairs.values() {
        let Some(device) = &pair.network_device else {
            continue;
        };
        let member = environment.applications.get(&pair.primary);
        let port = member.map_or(5060, crate::stand_in::sip_port);
        let address = |host| environment.hosts.get(host).map(|host| host.address);
        let members: Vec<IpAddr> = [&pair.primary_host, &pair.backup_host]
            .into_iter()
            .filter_map(address)
            .collect();
        let pools = device
            .virtual_ips
            .iter()
            .map(|(address, _)| PoolDescription {
                address: *address,
                port,
                members: members.clone(),
            });
        let known = devices.iter_mut().find(|one| one.address == device.address);
        match known {
            Some(known) => known.pools.extend(pools),
            None => devices.push(DeviceDescription {
                name: format!("network-device-{}", devices.len() + 1),
                address: device.address,
                check_interval_ms: u64::try_from(device.check_interval.as_millis())
                    .unwrap_or(u64::MAX),
                pools: pools.collect(),
            }),
        }
    }
    devices
}

/// The folder of a host's own files, beside the environment file.
pub(crate) fn host_folder(home: &Path, host: &str) -> PathBuf {
    home.join("hosts").join(host)
}

/// The platform whose commands a host has.
fn platform(os: OperatingSystem) -> Platform {
    match os {
        OperatingSystem::Linux => Platform::Linux,
        OperatingSystem::Windows => Platform::Windows,
        OperatingSystem::Aix => Platform::Aix,
        OperatingSystem::Solaris => Platform::Solaris,
    }
}

/// The folder of a platform's commands, first in the PATH of its hosts.
fn commands(run: &Path, platform: Platform) -> PathBuf {
    run.join("bin").join(platform.name())
}

fn make_commands(program: &Path, folder: &Path, platform: Platform) -> Result<(), Trouble> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(Trouble::file("make the folder", folder))?;
    for name in platform.commands() {
        let link = folder.join(name);
        std::os::unix::fs::symlink(program, &link)
            .map_err(Trouble::file("make the link", &link))?;
    }
    Ok(())
}

fn first_in_path(folder: &Path) -> OsString {
    let mut path = folder.as_os_str().to_owned();
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    path
}
