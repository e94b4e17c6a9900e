//! Runs the `changeover` binary in a folder of its own and looks at what it left behind. Shared by the suites on
//! the emulated network and on network namespaces.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything that is asked again and again.
const PATIENCE: Duration = Duration::from_secs(60);

/// A place to rehearse in: everything that a run makes carries this folder in its environment.
pub(crate) struct Rehearsal {
    folder: tempfile::TempDir,
}

/// A rehearsal under way.
pub(crate) struct Running<'a> {
    of: &'a Rehearsal,
    child: Child,
}

impl Rehearsal {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The binary, in this place.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_changeover"));
        command
            .args(arguments)
            .env("TMPDIR", self.folder.path())
            .env("NO_COLOR", "1")
            .env_remove("SCI_SCS")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Exit code and the JSON document on standard output.
    pub(crate) fn json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let mut all = arguments.to_vec();
        all.extend(["--format", "json"]);
        let output = self.command(&all).output().expect("the binary runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let value = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!(
                "{error} in: {text}\n{}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        (output.status.code(), value)
    }

    /// Starts one and does not wait.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running<'_> {
        let child = self
            .command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        Running { of: self, child }
    }

    /// A shipped example whose scripts and server are this repository's own.
    pub(crate) fn example(&self, name: &str) -> String {
        let examples = root().join("deploy/examples");
        let text = fs::read_to_string(examples.join(name)).expect("a shipped example");
        let scripts = examples.join("scripts/linux");
        let text = text
            .replace("/opt/changeover/scripts", scripts.to_str().expect("text"))
            .replace(
                "/opt/changeover/sip-server",
                self.folder().to_str().expect("text"),
            )
            .replace("command_line: ./sip-server", "command_line: sip-server");
        self.keep(&text)
    }

    /// The third-party example with another way of starting its members.
    pub(crate) fn third_party(&self, start_info: &str) -> String {
        let path = root().join("deploy/examples/third-party.yaml");
        let text = fs::read_to_string(path).expect("a shipped example");
        self.keep(&text.replace("systemd_unit: kamailio.service", start_info))
    }

    /// The hot example with `vipctl` instead of scripts.
    pub(crate) fn builtin_example(&self) -> String {
        let path = self.example("linux-hot.yaml");
        let text = fs::read_to_string(&path).expect("it was just written");
        let mut kept = String::new();
        let mut in_scripts = false;
        for line in text.lines() {
            let deep = line.starts_with("      ");
            if line.trim_start().starts_with("control_scripts:") {
                kept.push_str("    control_scripts: builtin\n");
                in_scripts = true;
            } else if !(in_scripts && deep) {
                in_scripts = false;
                kept.push_str(line);
                kept.push('\n');
            }
        }
        self.keep(&kept)
    }

    /// Keeps a text as the site's file; its path.
    pub(crate) fn keep(&self, text: &str) -> String {
        let path = self.folder().join("site.yaml");
        fs::write(&path, text).expect("the folder is writable");
        path.to_str().expect("text").to_owned()
    }

    /// Processes, namespaces and run folders of this place that are still there.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let mut left: Vec<String> = self.processes();
        let mut runs: Vec<String> = fs::read_dir(self.folder())
            .expect("the folder is there")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with("changeover-run-"))
            .collect();
        let names = Command::new("ip").args(["netns", "list"]).output();
        let names = names.map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        );
        for run in &runs {
            let id = run.trim_start_matches("changeover-run-");
            left.extend(
                names
                    .lines()
                    .filter(|name| name.contains(id))
                    .map(str::to_owned),
            );
        }
        left.append(&mut runs);
        left.extend(self.in_memory());
        left
    }

    /// Runtime folders of runs of this place; each has a link to its run's folder.
    fn in_memory(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir("/dev/shm") else {
            return Vec::new();
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths
            .filter(|path| {
                fs::read_link(path.join("folder"))
                    .is_ok_and(|folder| folder.starts_with(self.folder()))
            })
            .map(|path| path.display().to_string())
            .collect()
    }

    fn processes(&self) -> Vec<String> {
        let wanted = format!("TMPDIR={}", self.folder().display());
        let Ok(folder) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        folder
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
            .filter(|pid| {
                let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment
                    .split(|byte| *byte == 0)
                    .any(|entry| entry == wanted.as_bytes())
            })
            .map(|pid| {
                let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                format!(
                    "{pid} {}",
                    String::from_utf8_lossy(&command).replace('\0', " ")
                )
            })
            .collect()
    }

    /// The janitor works on after the rehearsal has ended; this waits for it, for a bounded time.
    pub(crate) fn assert_nothing_is_left(&self) {
        let give_up = Instant::now() + PATIENCE;
        while !self.left_behind().is_empty() && Instant::now() < give_up {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(self.left_behind(), Vec::<String>::new());
    }
}

impl Running<'_> {
    /// Until LCAs and servers of the site are there.
    pub(crate) fn until_components_run(&self) {
        let give_up = Instant::now() + PATIENCE;
        let up = || {
            let processes = self.of.processes();
            ["scs", "lca", "message-server", "sip-server"]
                .iter()
                .all(|name| {
                    processes
                        .iter()
                        .any(|line| line.contains(&format!("{name} ")))
                })
        };
        while !up() {
            assert!(
                Instant::now() < give_up,
                "the site never came up: {:?}",
                self.of.processes()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends the signal to the rehearsal alone and waits for its end; its exit code, `None` if it was killed.
    pub(crate) fn signal_and_wait(mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), pid.as_str()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()));
        self.child.wait().expect("it ends").code()
    }
}

/// Name and number of steps of each workflow of a site that passed with all of them.
pub(crate) fn workflows(site: &Value) -> Vec<(&str, usize)> {
    let of = |workflow: &'_ Value| workflow["passed"] == true;
    site["workflows"]
        .as_array()
        .expect("workflows")
        .iter()
        .filter(|workflow| of(workflow))
        .map(|workflow| {
            let steps = workflow["steps"].as_array().expect("steps");
            assert!(
                steps.iter().all(|step| step["passed"] == true),
                "{workflow:#}"
            );
            (workflow["name"].as_str().expect("a name"), steps.len())
        })
        .collect()
}

/// Every workflow of a site with IP Address Takeover and one NIC, with its number of steps.
pub(crate) fn every_workflow(redundancy: &str) -> Vec<(&'static str, usize)> {
    let mut every = vec![
        ("manual-switchover", 10),
        ("primary-failure", 9),
        ("primary-disconnected", 7),
        ("reconnect", 9),
        ("alarm-test", 5),
    ];
    if redundancy == "hot" {
        every.extend([("test-1", 7), ("test-2", 7), ("test-3", 7)]);
    }
    every
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace exists")
}
