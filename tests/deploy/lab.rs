//! Owns one laboratory: the wire, three hosts that boot, and the janitor that ends all of it. Carries out the pages of
//! docs/operator on them, and asks the site what it sees.

use crate::command::Ran;
use crate::host::{Host, MARKER};
use crate::network::Wire;
use crate::page::{BUILD_MACHINE, boxes};
use crate::root;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Anything that is asked again and again is there within this time.
const PATIENCE: Duration = Duration::from_secs(90);
/// From one look to the next.
const LOOK: Duration = Duration::from_millis(100);

/// Three hosts on a wire.
pub(crate) struct Lab {
    pub(crate) wire: Wire,
    hosts: Vec<Host>,
    pub(crate) root: PathBuf,
    folder: PathBuf,
    _janitor: Child,
}

impl Lab {
    /// Boots the three hosts; nothing of ours is on them.
    pub(crate) fn up() -> Self {
        let root = root::root();
        sweep();
        let run = uuid();
        let folder = std::env::temp_dir().join(format!("changeover-deploy-{run}"));
        let janitor = start_janitor(&run, &folder);
        std::fs::create_dir(&folder).expect("the name is new");
        std::fs::write(folder.join("janitor"), janitor.id().to_string())
            .expect("the folder is ours");
        let wire = Wire::up(&run);
        let starting: Vec<_> = ["mgmt1", "edge1", "edge2"]
            .into_iter()
            .map(|name| Host::start(&run, name, &wire, &root, &folder))
            .collect();
        let hosts = starting
            .into_iter()
            .map(crate::host::Starting::booted)
            .collect();
        Self {
            wire,
            hosts,
            root,
            folder,
            _janitor: janitor,
        }
    }

    /// A host by name.
    pub(crate) fn host(&self, name: &str) -> &Host {
        let found = self.hosts.iter().find(|host| host.name == name);
        found.unwrap_or_else(|| panic!("no host is called {name}"))
    }

    /// Carries out a page of docs/operator, box by box, from the first one whose commands contain `from` to the last one
    /// before those that contain `until` (empty: from the beginning, to the end).
    pub(crate) fn follow(&self, page: &str, from: &str, until: &str) {
        for one in boxes(page)
            .into_iter()
            .skip_while(|one| !one.commands.contains(from))
            .take_while(|one| until.is_empty() || !one.commands.contains(until))
        {
            for machine in &one.machines {
                if machine == BUILD_MACHINE {
                    self.build_machine(&one.commands);
                    continue;
                }
                let ran = self.host(machine).sh(&one.commands);
                assert_eq!(
                    ran.code,
                    Some(0),
                    "{page}:{} on {machine}: {ran:#?}",
                    one.line
                );
            }
        }
    }

    /// What the page has done where the program is built: this test's own build is packed, and put where `scp` would.
    fn build_machine(&self, commands: &str) {
        for line in commands.lines() {
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["cargo", "build", "--release"] => {}
                ["sh", "deploy/pack.sh", "target/release/changeover", archive] => {
                    self.pack(Path::new(env!("CARGO_BIN_EXE_changeover")), archive);
                }
                ["scp", archive, to] => {
                    let host = to.trim_start_matches("root@").trim_end_matches(':');
                    self.host(host)
                        .put(&self.folder.join(archive), &format!("/root/{archive}"));
                }
                _ => panic!("the test does not know what to do for {line:?}"),
            }
        }
    }

    /// Packs a program as a release.
    pub(crate) fn pack(&self, program: &Path, archive: &str) -> PathBuf {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/pack.sh");
        let archive = self.folder.join(archive);
        let words = [script.as_path(), program, &archive].map(|path| path.to_str().expect("text"));
        crate::command::run("sh", &words, Duration::from_secs(120)).succeeded();
        archive
    }

    /// `sci` on the third machine, as the page left it.
    pub(crate) fn sci(&self, words: &str) -> Ran {
        self.host("mgmt1").sh(&format!("sci {words}"))
    }

    /// The picture now; `None` while the SCS does not answer.
    pub(crate) fn status(&self) -> Option<Value> {
        let ran = self.sci("status --format json");
        serde_json::from_str(&ran.out).ok()
    }

    /// Waits for a picture.
    #[track_caller]
    pub(crate) fn reach(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            if let Some(status) = status.as_ref().filter(|status| is_it(status)) {
                return status.clone();
            }
            assert!(
                Instant::now() < give_up,
                "{what} was not reached:\n{}{}",
                self.sci("status").out,
                self.last_words()
            );
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until a pair is ok, with this host's server primary if one is named, and every VIP seen where it should be.
    #[track_caller]
    pub(crate) fn reach_ok(&self, name: &str, on: Option<&str>) -> Pair {
        let is_ok = |status: &Value| {
            let pair = Pair::of(status, name);
            pair.state == "ok" && pair.ready && on.is_none_or(|host| pair.primary_host == host)
        };
        let wanted = format!("{name} ok, primary on {}", on.unwrap_or("either host"));
        Pair::of(&self.reach(&wanted, is_ok), name)
    }

    /// What the components said last, for a test that failed.
    pub(crate) fn last_words(&self) -> String {
        self.hosts
            .iter()
            .map(|host| {
                let journal = host
                    .sh("journalctl -q -n 40 -o cat -u lca -u scs -u message-server")
                    .out;
                format!("\n=== {}\n{journal}", host.name)
            })
            .collect()
    }
}

/// A pair in the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) state: String,
    pub(crate) ready: bool,
    pub(crate) epoch: u64,
    pub(crate) primary: String,
    pub(crate) primary_host: String,
    pub(crate) backup_host: String,
    /// Application and process id, of both.
    pub(crate) pids: Vec<(String, u64)>,
    /// VIPs without prefix lengths.
    pub(crate) vips: Vec<String>,
}

impl Pair {
    fn of(status: &Value, name: &str) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let pairs = list(&status["pairs"]);
        let pair = pairs
            .iter()
            .find(|pair| pair["name"] == name)
            .cloned()
            .unwrap_or_default();
        let members = list(&pair["members"]);
        let in_mode = |mode: &str| members.iter().find(|member| member["run_mode"] == mode);
        let primary = in_mode("Primary").cloned().unwrap_or_default();
        let names: Vec<String> = members
            .iter()
            .map(|member| text(&member["application"]))
            .collect();
        let pids = list(&status["applications"])
            .iter()
            .filter(|application| names.contains(&text(&application["name"])))
            .map(|application| {
                (
                    text(&application["name"]),
                    application["pid"].as_u64().unwrap_or(0),
                )
            })
            .collect();
        let vips = list(&pair["virtual_ips"]);
        Self {
            state: text(&pair["state"]),
            ready: pair["ready"]["switchover"] == true,
            epoch: pair["epoch"].as_u64().unwrap_or(0),
            primary: text(&primary["application"]),
            primary_host: text(&primary["host"]),
            backup_host: in_mode("Backup")
                .map(|member| text(&member["host"]))
                .unwrap_or_default(),
            pids,
            vips: vips
                .iter()
                .map(|vip| {
                    text(&vip["address"])
                        .split('/')
                        .next()
                        .unwrap_or_default()
                        .to_owned()
                })
                .collect(),
        }
    }

    /// The process of the primary, as its host numbers it.
    pub(crate) fn primary_pid(&self) -> u64 {
        let found = self.pids.iter().find(|(name, _)| *name == self.primary);
        found
            .map(|(_, pid)| *pid)
            .filter(|pid| *pid > 0)
            .expect("a primary that runs has a process")
    }
}

fn janitor_script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/deploy/janitor.sh")
}

/// Removes what earlier runs left whose janitor was ended as well.
fn sweep() {
    let status = Command::new("sh")
        .arg(janitor_script())
        .arg("sweep")
        .stdin(Stdio::null())
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "the janitor sweeps"
    );
}

fn start_janitor(run: &str, folder: &Path) -> Child {
    let mut janitor = Command::new("setsid")
        .arg("sh")
        .arg(janitor_script())
        .args(["keep", run])
        .arg(folder)
        .env_remove(MARKER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("setsid and sh are part of every Linux");
    let mut line = String::new();
    let answers = janitor.stdout.take().expect("piped");
    BufReader::new(answers)
        .read_line(&mut line)
        .expect("the janitor answers");
    assert_eq!(line.trim(), "ready");
    janitor
}

/// Eight hexadecimal digits that no other run has.
fn uuid() -> String {
    let text =
        std::fs::read_to_string("/proc/sys/kernel/random/uuid").expect("the kernel makes them");
    text.chars().take(8).collect()
}
