//! Two hosts of one platform on a running emulator, and the ways to run something on them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use changeover_emulated_host::{
    FOLDER_VARIABLE, NETSH_TIME_VARIABLE, PLATFORM_VARIABLE, Platform, START_FOLDER_VARIABLE,
};
use changeover_emulated_nic::{Control, EmulatedNic, NETWORK_HOST_VARIABLE, NETWORK_VARIABLE};
use changeover_network_emulator::{
    Affinity, ClusterDescription, ClusterMember, Emulator, Filtering, HostDescription,
    InterfaceDescription, PortRule, ReservedBlock, SiteDescription, VirtualIpDescription,
    choose_block,
};
use changeover_virtual_ip::Addresses as _;
use tempfile::TempDir;
use tokio::process::Command;

pub(crate) const VIP: &str = "10.10.11.103";

pub(crate) struct Site {
    pub(crate) platform: Platform,
    pub(crate) control: Control,
    folder: TempDir,
    _emulator: Emulator,
    _block: ReservedBlock,
}

/// The folder of the site scripts that others might have written.
pub(crate) fn variants(platform: Platform) -> Vec<PathBuf> {
    variants_in(platform.name())
}

/// The same by the name of a folder.
pub(crate) fn variants_in(name: &str) -> Vec<PathBuf> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scripts");
    let folder = scripts.join(name);
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the variants of this platform")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    found
}

/// The text with its line ends as they are here.
pub(crate) fn plain(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\r', "")
}

impl Site {
    pub(crate) async fn up(platform: Platform) -> Self {
        Self::with(platform, Vec::new()).await
    }

    /// Two Windows hosts with an adapter for the cluster `sipcluster` and another one; the cluster is stopped.
    pub(crate) async fn cluster() -> Self {
        let member = |host: &str, id| ClusterMember {
            host: host.to_owned(),
            interface: "Local Area Connection".to_owned(),
            id,
        };
        let cluster = ClusterDescription {
            name: "sipcluster".to_owned(),
            address: "10.10.11.103/24".parse().expect("an address with prefix"),
            unicast: true,
            watched_port: 5060,
            port_rules: vec![PortRule {
                first: 5060,
                last: 5061,
                udp: true,
                tcp: true,
                filtering: Filtering::Multiple,
                affinity: Affinity::Single,
                load_weight: Vec::new(),
            }],
            members: vec![member("host1", 1), member("host2", 2)],
            started: false,
            convergence_ms: 0,
        };
        Self::with(Platform::Windows, vec![cluster]).await
    }

    async fn with(platform: Platform, clusters: Vec<ClusterDescription>) -> Self {
        let interface = match platform {
            Platform::Linux => "eth0",
            Platform::Windows => "Local Area Connection",
            Platform::Aix => "en0",
            Platform::Solaris => "dmfe0",
        };
        let nic = |name: &str, segment: &str, address: String| InterfaceDescription {
            name: name.to_owned(),
            segment: segment.to_owned(),
            addresses: vec![address.parse().expect("an address with prefix")],
        };
        let host = |name: &str, last: u8| {
            let mut interfaces = vec![nic(interface, "lan", format!("10.10.11.{last}/24"))];
            if !clusters.is_empty() {
                interfaces.push(nic("Office", "office", format!("10.10.12.{last}/24")));
            }
            HostDescription {
                name: name.to_owned(),
                interfaces,
            }
        };
        let site = SiteDescription {
            devices: Vec::new(),
            hosts: vec![host("host1", 101), host("host2", 102)],
            virtual_ips: vec![VirtualIpDescription {
                address: VIP.parse().expect("an address"),
                udp_ports: vec![5060],
            }],
            neighbours: Vec::new(),
            arp_lifetime_ms: 30_000,
            clusters,
        };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("bin")).expect("ours");
        for name in platform.commands() {
            let link = folder.path().join("bin").join(name);
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_emulated-host"), link).expect("a link");
        }
        let block = choose_block().expect("a free block");
        let socket = folder.path().join("net");
        let emulator = Emulator::start(&site, &socket, block.block())
            .await
            .expect("a running emulator");
        let this = Self {
            platform,
            control: Control::connect(&socket).await.expect("control"),
            folder,
            _emulator: emulator,
            _block: block,
        };
        this.keep(
            "host/etc/hosts",
            "127.0.0.1 localhost\n10.10.11.103 sipvip\n",
        );
        this.keep("host/etc/hostname.dmfe0:2", "sipvip\n");
        this.keep("host/etc/netmasks", "10.10.11.0 255.255.255.0\n");
        this
    }

    /// Writes a file of the site.
    pub(crate) fn keep(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder above")).expect("ours");
        std::fs::write(&path, text).expect("ours");
        path
    }

    /// Copies a variant's files; its folder here.
    pub(crate) fn copy(&self, variant: &Path) -> PathBuf {
        let name = variant.file_name().expect("a name");
        let folder = self.folder.path().join("scripts").join(name);
        std::fs::create_dir_all(&folder).expect("ours");
        for entry in std::fs::read_dir(variant).expect("a variant") {
            let from = entry.expect("an entry").path();
            let to = folder.join(from.file_name().expect("a name"));
            std::fs::copy(&from, to).expect("ours");
        }
        folder
    }

    /// Runs a script of a folder as the host's LCA would; exit code, output, errors.
    pub(crate) async fn script(
        &self,
        host: &str,
        folder: &Path,
        name: &str,
    ) -> (i32, String, String) {
        let mut command = if self.platform == Platform::Windows {
            let mut command = Command::new(self.folder.path().join("bin/cmd.exe"));
            command
                .args(["/c", name])
                .env(START_FOLDER_VARIABLE, folder);
            command
        } else {
            let mut command = Command::new(folder.join(name));
            command.current_dir(folder);
            command
        };
        self.place(&mut command, host);
        let output = command.output().await.expect("it starts");
        (
            output.status.code().expect("an exit code"),
            plain(&output.stdout),
            plain(&output.stderr),
        )
    }

    /// Runs one command line on the host.
    pub(crate) async fn line(&self, host: &str, line: &str) -> (i32, String, String) {
        let name = if self.platform == Platform::Windows {
            self.keep("scripts/line/line.bat", &format!("@{line}\r\n"));
            "line.bat"
        } else {
            let path = self.keep("scripts/line/line.sh", &format!("#!/bin/sh\n{line}\n"));
            make_executable(&path);
            "line.sh"
        };
        let folder = self.folder.path().join("scripts/line");
        self.script(host, &folder, name).await
    }

    fn place(&self, command: &mut Command, host: &str) {
        let mut path = self.folder.path().join("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command
            .env("PATH", path)
            .env(NETWORK_VARIABLE, self.folder.path().join("net"))
            .env(NETWORK_HOST_VARIABLE, host)
            .env(PLATFORM_VARIABLE, self.platform.name())
            .env(FOLDER_VARIABLE, self.folder.path().join("host"))
            .env(NETSH_TIME_VARIABLE, "1-2");
    }

    /// Whether the host answers the SIP port of its cluster, as its LCA sees it.
    pub(crate) async fn enabled(&self, host: &str) -> bool {
        let nic = EmulatedNic::unasked(&self.folder.path().join("net"), host);
        let state = nic.snapshot().await.expect("the emulator answers");
        let vip: IpAddr = VIP.parse().expect("an address");
        state.addresses.iter().any(|one| one.address == vip)
    }

    /// Whether the host holds the VIP, and with which prefix.
    pub(crate) async fn holds(&self, host: &str) -> Option<u8> {
        let nic = EmulatedNic::unasked(&self.folder.path().join("net"), host);
        let links = nic.links().await.expect("the emulator answers");
        let vip: IpAddr = VIP.parse().expect("an address");
        links
            .iter()
            .flat_map(|link| &link.addresses)
            .find(|one| one.held.address == vip)
            .map(|one| one.held.prefix)
    }
}

/// A copy that the shell will start: the write handle must be closed before.
fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("ours");
}
