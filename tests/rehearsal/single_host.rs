//! A single host with a third, unpaired media application, kept up as an operator has it on a desk: the media
//! application is nobody's peer, so what becomes of the pair leaves it alone, and it comes back by itself.

use crate::running::{Rehearsal, root};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything that is asked again and again.
const PATIENCE: Duration = Duration::from_secs(60);
const PRIMARY: &str = "SIP_SERVER_PRIMARY";
const BACKUP: &str = "SIP_SERVER_BACKUP";
const MEDIA: &str = "MEDIA_SERVER";

/// A site that `changeover up` keeps, and how `sci` reaches it.
struct Kept<'a> {
    of: &'a Rehearsal,
    process: Child,
    environment: Vec<(String, String)>,
}

impl<'a> Kept<'a> {
    fn up(of: &'a Rehearsal, file: &str) -> Self {
        let mut process = of
            .command(&["up", file])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let lines = output.lines().map_while(Result::ok);
        let said: Vec<String> = lines
            .take_while(|line| !line.starts_with("Ctrl-C"))
            .collect();
        let exports = said.iter().filter_map(|line| line.strip_prefix("export "));
        let environment: Vec<(String, String)> = exports
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert!(!environment.is_empty(), "it did not come up: {said:?}");
        Self {
            of,
            process,
            environment,
        }
    }

    fn sci(&self, words: &[&str]) -> String {
        let words: Vec<&str> = ["sci"].iter().chain(words).copied().collect();
        let output = self
            .of
            .command(&words)
            .envs(self.environment.iter().cloned())
            .output()
            .expect("the binary runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn application(&self, name: &str) -> Value {
        let status = self.sci(&["status", "--format", "json"]);
        let status: Value = serde_json::from_str(&status).unwrap_or_default();
        let all = status["applications"].as_array().cloned();
        let mut all = all.unwrap_or_default().into_iter();
        all.find(|it| it["name"] == name).unwrap_or_default()
    }

    /// Waits until this server is primary and the pair could switch over, and the media application runs.
    fn await_primary(&self, server: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let status = self.sci(&["status", "--format", "json"]);
            let status: Value = serde_json::from_str(&status).unwrap_or_default();
            let run_mode = self.application(server)["run_mode"].clone();
            let media = self.application(MEDIA)["status"].clone();
            if run_mode == "Primary"
                && media == "Running"
                && status["pairs"][0]["ready"]["switchover"] == true
            {
                return;
            }
            assert!(Instant::now() < until, "{status:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn kill(&self, application: &str) {
        let pid = self.application(application)["pid"].to_string();
        let done = Command::new("kill").args(["-KILL", &pid]).status();
        assert!(
            done.is_ok_and(|status| status.success()),
            "{application} {pid}"
        );
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        if Command::new("kill").args(["-INT", &pid]).status().is_ok() {
            drop(self.process.wait());
        }
    }
}

#[test]
fn a_media_application_beside_the_pair_is_checked_started_and_left_alone_by_its_changes_of_roles() {
    let rehearsal = Rehearsal::new();
    let file = root().join("deploy/examples/single-host.yaml");
    let file = file.to_str().expect("text");
    let (code, findings) = rehearsal.json(&["check", file]);
    assert_eq!(code, Some(0), "{findings:#}");
    let site = Kept::up(&rehearsal, file);
    site.await_primary(PRIMARY);
    let media = site.application(MEDIA);
    assert_eq!(
        (&media["host"], &media["type"], &media["run_mode"]),
        (
            &site.application(BACKUP)["host"],
            &"ThirdPartyServer".into(),
            &"Unknown".into()
        ),
        "{media:#}"
    );
    site.kill(PRIMARY);
    site.await_primary(BACKUP);
    site.sci(&["switchover", "SIP_EAST"]);
    site.await_primary(PRIMARY);
    assert_eq!(site.application(MEDIA)["pid"], media["pid"], "untouched");
    // It is the one that dies: its LCA starts it again, and the pair does not move.
    let server = site.application(PRIMARY)["pid"].clone();
    site.kill(MEDIA);
    let until = Instant::now() + PATIENCE;
    while site.application(MEDIA)["pid"] == media["pid"]
        || site.application(MEDIA)["status"] != "Running"
    {
        assert!(Instant::now() < until, "{:#}", site.application(MEDIA));
        std::thread::sleep(Duration::from_millis(50));
    }
    site.await_primary(PRIMARY);
    assert_eq!(site.application(PRIMARY)["pid"], server);
    drop(site);
    rehearsal.assert_nothing_is_left();
}
