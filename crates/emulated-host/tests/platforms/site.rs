//! Two hosts of one platform on a running emulator, and the ways to run something on them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use changeover_emulated_host::{
    FOLDER_VARIABLE, NETSH_TIME_VARIABLE, PLATFORM_VARIABLE, Platform, START_FOLDER_VARIABLE,
};
use changeover_emulated_nic::{Control, EmulatedNic, NETWORK_HOST_VARIABLE, NETWORK_VARIABLE};
use changeover_network_emulator::{
    Emulator, HostDescription, InterfaceDescription, ReservedBlock, SiteDescription,
    VirtualIpDescription, choose_block,
};
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
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scripts");
    let folder = scripts.join(platform.name());
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
        let interface = match platform {
            Platform::Linux => "eth0",
            Platform::Windows => "Local Area Connection",
            Platform::Aix => "en0",
            Platform::Solaris => "dmfe0",
        };
        let host = |name: &str, address: &str| HostDescription {
            name: name.to_owned(),
            interfaces: vec![InterfaceDescription {
                name: interface.to_owned(),
                segment: "lan".to_owned(),
                addresses: vec![address.parse().expect("an address with prefix")],
            }],
        };
        let site = SiteDescription {
            devices: Vec::new(),
            hosts: vec![
                host("host1", "10.10.11.101/24"),
                host("host2", "10.10.11.102/24"),
            ],
            virtual_ips: vec![VirtualIpDescription {
                address: VIP.parse().expect("an address"),
                udp_ports: vec![5060],
            }],
            neighbours: Vec::new(),
            arp_lifetime_ms: 30_000,
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
