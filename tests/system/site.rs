//! Owns one site of production components on the emulated network: started as processes of their own, looked after by
//! a janitor process that ends every one of them when this process or the value goes away, whatever happened.
//! What is asked of a site is in `asking.rs`.

use crate::environment::{self, Wishes};
use crate::turns::Turn;
use changeover_emulated_nic::{Control, NETWORK_HOST_VARIABLE, NETWORK_VARIABLE, Observations};
use changeover_network_emulator::{
    EmulatorArguments, EmulatorProcess, HostDescription, InterfaceDescription, ReservedBlock,
    SiteDescription, VirtualIpDescription, choose_block,
};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// The binary under test: every component, `sci` and the emulated hosts' commands.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_changeover");
/// Marks every process of a site; the janitor ends by it.
const RUN_MARKER: &str = "CHANGEOVER_RUN_ID";
const JANITOR_MARKER: &str = "CHANGEOVER_JANITOR_OF";
/// Emulated commands, by name in the folder that stands first in PATH.
const COMMANDS: [&str; 6] = ["ifconfig", "ip", "arping", "ping", "hostname", "vipctl"];
/// Anything that is started is there within this time.
const READY: Duration = Duration::from_secs(20);

/// A site that runs.
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    pub(crate) runtime: Runtime,
    pub(crate) control: Control,
    pub(crate) observations: Observations,
    /// Everything observed so far: who could be reached under the VIP, one entry per change.
    pub(crate) seen: Vec<Vec<String>>,
    /// Where `sci` finds the SCS.
    pub(crate) scs: SocketAddr,
    pub(crate) id: String,
    /// The authority's folder with everything issued from it, when links are secured.
    pub(crate) pki: Option<PathBuf>,
    metrics: bool,
    components: BTreeMap<&'static str, Child>,
    emulator: EmulatorProcess,
    janitor: Child,
    _block: ReservedBlock,
    _turn: Turn,
}

/// A component: its name here, its host, its words.
fn component(name: &'static str) -> (&'static str, &'static [&'static str]) {
    match name {
        "scs" => ("mgmt1", &["scs"]),
        "message-server" => ("mgmt1", &["message-server"]),
        "lca-host1" => ("host1", &["lca", "--host", "host1"]),
        "lca-host2" => ("host2", &["lca", "--host", "host2"]),
        other => panic!("no component of the site is called {other}"),
    }
}

/// The components of every test site.
pub(crate) const COMPONENTS: [&str; 4] = ["scs", "message-server", "lca-host1", "lca-host2"];

impl Site {
    /// Brings a site up to its start state: server 1 primary with the VIP, server 2 backup, ready to switch over.
    pub(crate) fn up(wishes: &Wishes) -> Self {
        let mut site = Self::network_only(wishes);
        for name in COMPONENTS {
            site.start(name);
        }
        site.reach_start_state();
        site.forget_what_was_seen();
        site
    }

    /// The emulated network, the file and the scripts; no component yet.
    pub(crate) fn network_only(wishes: &Wishes) -> Self {
        let turn = Turn::take();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let id = new_id();
        let folder = std::env::temp_dir().join(format!("changeover-run-{id}"));
        let janitor = start_janitor(&id, &folder);
        std::fs::create_dir(&folder).expect("the name is new");
        environment::write_good_scripts(&folder);
        std::fs::write(folder.join("site.yaml"), environment::text(&folder, wishes))
            .expect("writable");
        let description = serde_json::to_vec(&describe()).expect("it has no maps");
        std::fs::write(folder.join("site.json"), description).expect("writable");
        let bin = folder.join("bin");
        std::fs::create_dir(&bin).expect("the folder is ours");
        for name in COMMANDS {
            std::os::unix::fs::symlink(PROGRAM, bin.join(name)).expect("the folder is ours");
        }
        let block = choose_block().expect("a block is free");
        let arguments = EmulatorArguments {
            site: folder.join("site.json"),
            socket: folder.join("net"),
            block: block.block().to_string(),
        };
        let mut command = tokio::process::Command::new(PROGRAM);
        command.arg("network-emulator").env(RUN_MARKER, &id);
        let (emulator, control, observations, scs) = runtime.block_on(async {
            let emulator = EmulatorProcess::start(command, &arguments, READY)
                .await
                .expect("the emulator comes up");
            let control = Control::connect(emulator.socket())
                .await
                .expect("it answers");
            let observations = control.observe(0).await.expect("it answers");
            let scs = control
                .real_address("10.10.11.110".parse().expect("an address"))
                .await;
            (
                emulator,
                control,
                observations,
                SocketAddr::new(scs.expect("a place"), 7770),
            )
        });
        Self {
            folder,
            runtime,
            control,
            observations,
            seen: Vec::new(),
            scs,
            id,
            pki: None,
            metrics: wishes.metrics,
            components: BTreeMap::new(),
            emulator,
            janitor,
            _block: block,
            _turn: turn,
        }
    }

    /// The command of a component, placed on its host.
    pub(crate) fn command(&self, name: &'static str) -> Command {
        let (host, words) = component(name);
        let mut command = self.on_host(host, Path::new(PROGRAM));
        command
            .args(words)
            .arg("--config")
            .arg(self.config())
            .arg("--state-dir")
            .arg(self.folder.join("state").join(name))
            .arg("--runtime-dir")
            .arg(self.folder.join("runtime").join(name));
        if let Some(folder) = self.certificates_of(name) {
            command.arg("--tls").arg(folder);
        }
        if self.metrics {
            command.args(["--metrics", "127.0.0.1:0"]);
        }
        command
    }

    /// The folder of a component's certificates.
    pub(crate) fn certificates_of(&self, name: &'static str) -> Option<PathBuf> {
        let (host, words) = component(name);
        Some(self.pki.as_ref()?.join("hosts").join(host).join(words[0]))
    }

    /// The certificates for `sci` on the SCS's host.
    pub(crate) fn certificates_of_sci(&self) -> Option<PathBuf> {
        Some(self.pki.as_ref()?.join("hosts/mgmt1/sci"))
    }

    /// A program on a host of the site.
    pub(crate) fn on_host(&self, host: &str, program: &Path) -> Command {
        let mut path = OsString::from(self.folder.join("bin"));
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .env(RUN_MARKER, &self.id)
            .env(NETWORK_VARIABLE, self.emulator.socket())
            .env(NETWORK_HOST_VARIABLE, host)
            .env("PATH", path)
            .env_remove("NOTIFY_SOCKET")
            .env_remove("RUNTIME_DIRECTORY")
            .env_remove("CHANGEOVER_TLS")
            .env_remove("CHANGEOVER_INSECURE")
            .env_remove("CHANGEOVER_METRICS")
            .stdin(Stdio::null());
        command
    }

    /// Starts a component; its log is appended to.
    pub(crate) fn start(&mut self, name: &'static str) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path(name))
            .expect("writable");
        let errors = log.try_clone().expect("a file can be had twice");
        let child = self
            .command(name)
            .stdout(log)
            .stderr(errors)
            .spawn()
            .expect("the binary was built");
        assert!(
            self.components.insert(name, child).is_none(),
            "{name} runs already"
        );
    }

    /// `kill -9`, and waits for the end.
    pub(crate) fn kill(&mut self, name: &'static str) {
        let mut child = self
            .components
            .remove(name)
            .unwrap_or_else(|| panic!("{name} does not run"));
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
    }

    /// `kill -9` and a new start.
    pub(crate) fn kill_and_restart(&mut self, name: &'static str) {
        self.kill(name);
        self.start(name);
    }

    /// Sends a component a signal.
    pub(crate) fn signal(&self, name: &'static str, signal: Signal) {
        let child = self
            .components
            .get(name)
            .unwrap_or_else(|| panic!("{name} does not run"));
        send(child.id(), signal);
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("site.yaml")
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// What a component has logged so far.
    pub(crate) fn log_of(&self, name: &str) -> String {
        let text = std::fs::read(self.log_path(name)).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The ends of all logs, for complaints.
    pub(crate) fn logs(&self) -> String {
        let tail = |name: &&str| {
            let text = self.log_of(name);
            let lines: Vec<&str> = text.lines().collect();
            let from = lines.len().saturating_sub(15);
            format!("\n--- {name}\n{}", lines[from..].join("\n"))
        };
        COMPONENTS.iter().map(tail).collect()
    }

    /// Complains about a component that has ended, which none does unasked.
    pub(crate) fn check_components(&mut self) {
        for (name, child) in &mut self.components {
            if let Some(status) = child.try_wait().expect("our child") {
                let log = std::fs::read_to_string(self.folder.join(format!("{name}.log")));
                panic!("{name} has ended ({status}):\n{}", log.unwrap_or_default());
            }
        }
    }

    /// Pulls or plugs a host's cable.
    pub(crate) fn cable(&self, host: &str, plugged: bool) {
        let done = self.runtime.block_on(async {
            if plugged {
                self.control.plug(host, "eth0").await
            } else {
                self.control.unplug(host, "eth0").await
            }
        });
        done.expect("the emulator answers");
    }

    /// Where an address of the site is on this machine.
    pub(crate) fn real(&self, address: &str, port: u16) -> SocketAddr {
        let address: IpAddr = address.parse().expect("an address");
        let real = self.runtime.block_on(self.control.real_address(address));
        SocketAddr::new(real.expect("the emulator answers"), port)
    }

    /// Every process of the site that is none of its components or their servers: what scripts left behind.
    pub(crate) fn strays(&self) -> Vec<String> {
        let marker = format!("{RUN_MARKER}={}", self.id);
        let ours: Vec<String> = std::fs::read_dir("/proc")
            .expect("Linux")
            .filter_map(|entry| {
                entry
                    .ok()?
                    .file_name()
                    .into_string()
                    .ok()?
                    .parse::<u32>()
                    .ok()
            })
            .filter(|pid| {
                let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment
                    .split(|byte| *byte == 0)
                    .any(|one| one == marker.as_bytes())
            })
            .map(|pid| {
                let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                format!(
                    "{pid}: {}",
                    String::from_utf8_lossy(&words).replace('\0', " ").trim()
                )
            })
            .collect();
        let expected = |line: &String| {
            let program = line.split_whitespace().nth(1).unwrap_or_default();
            program == PROGRAM
                || program.is_empty()
                || program == "sip-server"
                || program.ends_with("/sip-server")
        };
        ours.into_iter().filter(|line| !expected(line)).collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
        drop(self.janitor.stdin.take());
        let status = self.janitor.wait();
        for child in self.components.values_mut() {
            // Killed by the janitor; only reaped here.
            drop(child.wait());
        }
        if !std::thread::panicking() {
            assert!(
                status.is_ok_and(|status| status.success()),
                "the janitor could not take everything down"
            );
        }
    }
}

/// Sends a process of the site a signal.
pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process id");
    kill_process(pid, signal).expect("it is ours and lives");
}

/// Waits until `done` says so; complains with what it last said was missing.
pub(crate) fn wait_until(bound: Duration, mut done: impl FnMut() -> Result<(), String>) {
    let end = Instant::now() + bound;
    loop {
        match done() {
            Ok(()) => return,
            Err(missing) if Instant::now() > end => panic!("not within {bound:?}: {missing}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn new_id() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let random = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    format!("{:08x}", random & 0xffff_ffff)
}

fn start_janitor(id: &str, folder: &Path) -> Child {
    let mut janitor = Command::new(PROGRAM)
        .args(["janitor", "--run", id, "--folder"])
        .arg(folder)
        .env(JANITOR_MARKER, id)
        .env_remove(RUN_MARKER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary was built");
    let mut line = String::new();
    let stdout = janitor.stdout.as_mut().expect("piped");
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("it speaks");
    assert_eq!(line.trim(), "ready");
    janitor
}

fn describe() -> SiteDescription {
    let host = |name: &str, address: &str| HostDescription {
        name: name.to_owned(),
        interfaces: vec![InterfaceDescription {
            name: "eth0".to_owned(),
            segment: "lan".to_owned(),
            addresses: vec![address.parse().expect("an address with prefix")],
        }],
    };
    SiteDescription {
        devices: Vec::new(),
        hosts: vec![
            host("mgmt1", "10.10.11.110/24"),
            host("host1", "10.10.11.101/24"),
            host("host2", "10.10.11.102/24"),
        ],
        virtual_ips: vec![VirtualIpDescription {
            address: environment::VIP.parse().expect("an address"),
            udp_ports: vec![5060],
        }],
        neighbours: Vec::new(),
        arp_lifetime_ms: 30_000,
        clusters: Vec::new(),
    }
}
