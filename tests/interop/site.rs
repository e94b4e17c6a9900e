//! A pair on network namespaces, brought up and taken down by the product itself.

use crate::party::{Ending, Party};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The VIP and SIP port of the built-in site.
pub(crate) const SIP: &str = "10.10.11.103:5060";
/// The address of the namespace that clients live in.
pub(crate) const CLIENT: &str = "10.10.11.254";

pub(crate) struct Site {
    process: Child,
    /// Prefix of the namespaces' names.
    run: String,
    /// Namespace of the clients.
    pub(crate) client: String,
    environment: Vec<(String, String)>,
    folders: tempfile::TempDir,
    parties: AtomicU32,
}

impl Site {
    /// Brings up the built-in site with this redundancy type.
    pub(crate) fn up(redundancy: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_changeover"))
            .args(["up", "--network", "netns", "--redundancy", redundancy])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary of this build");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let (mut run, mut environment) = (String::new(), Vec::new());
        for line in output.lines() {
            let line = line.expect("text");
            if let Some((name, value)) = line
                .strip_prefix("export ")
                .and_then(|it| it.split_once('='))
            {
                environment.push((name.to_owned(), value.to_owned()));
            }
            if let Some(rest) = line.strip_prefix("ip netns exec ") {
                run = rest.split("-mgmt1").next().expect("a name").to_owned();
            }
            if line.starts_with("Ctrl-C") {
                break;
            }
        }
        assert!(!run.is_empty(), "the site did not come up");
        let site = Self {
            process,
            client: format!("{run}-client"),
            run,
            environment,
            folders: tempfile::tempdir().expect("a folder for scenarios"),
            parties: AtomicU32::new(0),
        };
        site.await_readiness();
        site
    }

    /// The namespace of a host.
    pub(crate) fn namespace(&self, host: &str) -> String {
        format!("{}-{host}", self.run)
    }

    /// The host whose SIP Server has this run mode.
    pub(crate) fn host_in(&self, run_mode: &str) -> String {
        let status = self.status();
        let all = status["applications"].as_array().cloned();
        all.unwrap_or_default()
            .iter()
            .find(|it| it["type"] == "SIPServer" && it["run_mode"] == run_mode)
            .and_then(|it| it["host"].as_str().map(str::to_owned))
            .expect("a SIP Server in this run mode")
    }

    /// What `sci calls` shows of a SIP Server.
    pub(crate) fn calls(&self, application: &str) -> Value {
        let (good, text) = self.sci(&["calls", application, "--format", "json"]);
        assert!(good, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Waits until each of these SIP Servers shows one call with all its legs in this phase, and no other; its key.
    pub(crate) fn await_call(&self, applications: &[&str], phase: &str) -> String {
        let shows = |application: &str| {
            let shown = self.calls(application);
            let [call] = shown["call_list"].as_array()?.as_slice() else {
                return None;
            };
            let legs = call["legs"].as_array()?;
            let all = legs.len() == 2 && legs.iter().all(|leg| leg["phase"] == phase);
            all.then(|| call["key"].as_str().map(str::to_owned))?
        };
        self.await_fact(&format!("one call that is {phase}"), || {
            let keys: Option<Vec<String>> = applications.iter().map(|name| shows(name)).collect();
            let keys = keys?;
            let first = keys.first()?.clone();
            assert!(keys.iter().all(|key| *key == first), "the same: {keys:?}");
            Some(first)
        })
    }

    /// Waits until this SIP Server says itself that it is primary.
    pub(crate) fn await_primary(&self, application: &str) {
        self.await_fact(&format!("{application} as primary"), || {
            (self.calls(application)["run_mode"] == "Primary").then_some(())
        });
    }

    /// Waits until there is such a fact.
    pub(crate) fn await_fact<T>(&self, what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(fact) = fact() {
                return fact;
            }
            assert!(Instant::now() < until, "no {what}: {:#}", self.status());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Follows the messages of a call until the returned process is ended.
    pub(crate) fn trace(&self, application: &str, call: &str, into: &std::path::Path) -> Child {
        let file = std::fs::File::create(into).expect("the test's own folder");
        Command::new("ip")
            .args(["netns", "exec", &format!("{}-mgmt1", self.run)])
            .arg(env!("CARGO_BIN_EXE_changeover"))
            .args(["sci", "calls", application, "--trace", "--call", call])
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(file)
            .spawn()
            .expect("ip netns exec works")
    }

    /// A folder for one party.
    pub(crate) fn folder(&self, dn: &str) -> PathBuf {
        let number = self.parties.fetch_add(1, Ordering::SeqCst);
        let folder = self.folders.path().join(format!("{number}-{dn}"));
        std::fs::create_dir(&folder).expect("a new folder");
        folder
    }

    pub(crate) fn register(&self, dns: &[&str]) {
        for dn in dns {
            assert_eq!(
                Party::registers(self, dn).ended(),
                Ending::AsWritten,
                "{dn}"
            );
        }
    }

    fn sci(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("ip")
            .args(["netns", "exec", &format!("{}-mgmt1", self.run)])
            .arg(env!("CARGO_BIN_EXE_changeover"))
            .arg("sci")
            .args(arguments)
            .envs(self.environment.iter().cloned())
            .output()
            .expect("ip netns exec works");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    }

    fn status(&self) -> Value {
        let (_, text) = self.sci(&["status", "--format", "json"]);
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// The SIP Server that is primary.
    fn primary(&self) -> Value {
        let status = self.status();
        let all = status["applications"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        all.into_iter()
            .find(|it| it["type"] == "SIPServer" && it["run_mode"] == "Primary")
            .expect("a primary")
    }

    /// Waits until the pair could switch over.
    pub(crate) fn await_readiness(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.status()["pairs"][0]["ready"]["switchover"] != true {
            assert!(Instant::now() < until, "{:#}", self.status());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn switch_over(&self) {
        let (good, text) = self.sci(&["switchover", "SIP_EAST"]);
        assert!(good, "{text}");
    }

    /// SIGKILL to the primary's process, as its LCA knows it.
    pub(crate) fn kill_primary(&self) {
        let pid = self.primary()["pid"].as_i64().expect("a pid");
        let pid = i32::try_from(pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a pid"), rustix::process::Signal::KILL)
            .expect("it lives");
    }

    /// Takes the link of the primary's host down.
    pub(crate) fn pull_cable_of_primary(&self) {
        let host = self.primary()["host"].as_str().expect("a host").to_owned();
        let done = Command::new("ip")
            .args([
                "-n",
                &format!("{}-{host}", self.run),
                "link",
                "set",
                "eth0",
                "down",
            ])
            .status()
            .expect("ip works");
        assert!(done.success());
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        if rustix::process::kill_process(pid, rustix::process::Signal::INT).is_ok() {
            drop(self.process.wait());
        }
    }
}
