//! Owns a host that boots: systemd as the init of a systemd-nspawn container inside the host's network namespace and its own
//! control group, with a writable layer over the shared root. Knows nothing of what is installed on it.

use crate::command::{Ran, run};
use crate::network::Wire;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Marks every process of a run; see janitor.sh.
pub(crate) const MARKER: &str = "CHANGEOVER_DEPLOY_RUN";
/// A host has booted within this time; on a busy machine it takes ten seconds.
const BOOT: Duration = Duration::from_secs(90);
/// No command on a host takes longer.
const COMMAND: Duration = Duration::from_secs(120);

/// Hosts started by one container manager share its control group, and a service's would then reach the other host: each
/// gets its own first. Its file system is a layer over the shared root that outlives a reboot; the mount is seen by nobody
/// else and goes with the host. With a namespace that it did not make, systemd-nspawn hands out no right to change
/// addresses; and with a unit that it shall keep it leaves a reboot (status 133) to whoever started it.
const START: &str = r#"
set -e
for place in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    if [ -e "$place/cgroup.procs" ]; then
        mkdir -p "$place/$GROUP" && echo $$ >"$place/$GROUP/cgroup.procs"
    fi
done
mkdir -p "$LAYER/upper" "$LAYER/work" "$LAYER/root"
mount -t overlay "$GROUP" -o "lowerdir=$ROOT,upperdir=$LAYER/upper,workdir=$LAYER/work" "$LAYER/root"
status=133
while [ "$status" = 133 ]; do
    status=0
    systemd-nspawn --quiet -D "$LAYER/root" --register=no --keep-unit --boot \
        --network-namespace-path="$SPACE" --machine="$GROUP" --hostname="$NAME" --capability=CAP_NET_ADMIN \
        --setenv="CHANGEOVER_DEPLOY_RUN=$CHANGEOVER_DEPLOY_RUN" --resolv-conf=off --timezone=off --link-journal=no \
        --console=pipe || status=$?
done
"#;

/// A host that runs. The janitor ends it.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    /// The shell that starts the container's manager, and starts it anew after a reboot.
    manager: Child,
}

impl Host {
    /// Starts a host and does not wait for it.
    pub(crate) fn start(
        run: &str,
        name: &str,
        wire: &Wire,
        root: &Path,
        folder: &Path,
    ) -> Starting {
        let log = fs::File::create(folder.join(format!("{name}.console")))
            .expect("the run's folder is ours");
        let manager = Command::new("unshare")
            .args(["--mount", "sh", "-c", START])
            .env(MARKER, run)
            .env("ROOT", root)
            .env("SPACE", wire.namespace_file(name))
            .env("GROUP", wire.namespace(name))
            .env("NAME", name)
            // The kernel's settings of the network belong to the host.
            .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
            .env("LAYER", folder.join(name))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("sh is part of every Linux");
        Starting {
            name: name.to_owned(),
            manager,
            console: folder.join(format!("{name}.console")),
        }
    }

    /// Runs a shell script on the host, as root in a login shell, stopping at the first failure.
    pub(crate) fn sh(&self, script: &str) -> Ran {
        self.within(
            &["bash", "-leo", "pipefail", "-c", &format!("cd\n{script}")],
            COMMAND,
        )
    }

    /// Runs a program on the host.
    pub(crate) fn within(&self, words: &[&str], bound: Duration) -> Ran {
        let leader = self.leader();
        let mut all = vec![
            "-t",
            &leader,
            "-a",
            "--",
            "env",
            "-i",
            "HOME=/root",
            "TERM=dumb",
            "LANG=C.UTF-8",
        ];
        all.push("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        all.extend(words);
        run("nsenter", &all, bound)
    }

    /// Puts a file on the host.
    pub(crate) fn put(&self, from: &Path, to: &str) {
        let from =
            fs::File::open(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        let status = Command::new("nsenter")
            .args([
                "-t",
                &self.leader(),
                "-a",
                "--",
                "dd",
                "status=none",
                &format!("of={to}"),
            ])
            .stdin(from)
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{to} on {}",
            self.name
        );
    }

    /// Waits until systemd has started everything.
    ///
    /// # Errors
    /// What it said last, when that takes too long.
    pub(crate) fn is_up(&self) -> Result<(), Ran> {
        let give_up = Instant::now() + BOOT;
        loop {
            let state = self.within(&["systemctl", "is-system-running", "--wait"], BOOT);
            if matches!(state.out.trim(), "running" | "degraded") {
                return Ok(());
            }
            if Instant::now() >= give_up {
                return Err(state);
            }
            // The init answers as soon as its bus is there; until then the question itself fails at once.
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Process id of its init, as this machine sees it; nonsense while it reboots.
    fn leader(&self) -> String {
        init_below(self.manager.id()).unwrap_or_else(|| "0".to_owned())
    }

    /// The main process of a unit, as the host numbers it; 0 if it has none.
    pub(crate) fn main_pid(&self, unit: &str) -> u32 {
        let shown = self
            .sh(&format!("systemctl show -p MainPID --value {unit}"))
            .succeeded();
        shown.trim().parse().unwrap_or(0)
    }
}

/// A host on its way up.
pub(crate) struct Starting {
    name: String,
    manager: Child,
    console: std::path::PathBuf,
}

impl Starting {
    /// Waits until systemd has started everything.
    pub(crate) fn booted(self) -> Host {
        let give_up = Instant::now() + BOOT;
        while init_below(self.manager.id()).is_none() {
            self.pause(give_up);
        }
        let host = Host {
            name: self.name,
            manager: self.manager,
        };
        if let Err(state) = host.is_up() {
            let console = fs::read_to_string(&self.console).unwrap_or_default();
            panic!("{} did not boot: {state:?}\n{console}", host.name);
        }
        let failed = host
            .sh("systemctl --failed --no-legend --plain")
            .succeeded();
        assert_eq!(failed, "", "units that failed on {}", host.name);
        host
    }

    fn pause(&self, give_up: Instant) {
        assert!(
            Instant::now() < give_up,
            "{} did not start:\n{}",
            self.name,
            fs::read_to_string(&self.console).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The init of a container: the only child of systemd-nspawn, which is the only child of the shell that starts it.
fn init_below(shell: u32) -> Option<String> {
    let manager = only_child(&shell.to_string())?;
    let init = only_child(&manager)?;
    let name = fs::read_to_string(format!("/proc/{init}/comm")).ok()?;
    matches!(name.trim(), "systemd" | "init").then_some(init)
}

fn only_child(parent: &str) -> Option<String> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next().map(str::to_owned)
}
