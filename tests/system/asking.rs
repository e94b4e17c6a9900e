//! Owns what a test asks of its site: `sci` as an operator types it, the SCS's picture over gRPC, the log, and who held
//! the VIP as the emulated network saw it.

use crate::site::{PROGRAM, Site, wait_until};
use changeover_model::message::{
    AlarmPicture, LogRecord, MemberPicture, PairPicture, PairState, Picture, TimelineRecord,
};
use changeover_model::{ApplicationStatus, HostStatus, RunMode};
use changeover_sci::Scs;
use clap::Parser as _;
use serde_json::Value;
use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

/// Whatever a site does, it has done it by then; generous, for a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(30);
/// A command that hangs is a failure.
const COMMAND: Duration = Duration::from_secs(60);

pub(crate) const PRIMARY: &str = "SIP_SERVER_PRIMARY";
pub(crate) const BACKUP: &str = "SIP_SERVER_BACKUP";

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Its one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The codes of a refusal.
    pub(crate) fn refused(&self) -> Vec<String> {
        let json = self.json();
        let reasons = json["refused"]
            .as_array()
            .unwrap_or_else(|| panic!("not refused: {self:?}"));
        reasons
            .iter()
            .map(|reason| reason["code"].as_str().expect("a code").to_owned())
            .collect()
    }

    /// Complains unless it ended with this code.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }
}

impl Site {
    fn sci_command(&self, words: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(PROGRAM);
        command
            .arg("sci")
            .args(words)
            .env("SCI_SCS", format!("http://{}", self.scs))
            .env("CHANGEOVER_RUN_ID", &self.id)
            .env("USER", "tester")
            .env_remove("SCI_TLS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(folder) = self.certificates_of_sci() {
            command.env("SCI_TLS", folder);
        }
        command
    }

    /// Runs `sci` to its end.
    pub(crate) fn sci(&self, words: &[&str]) -> Ran {
        self.started(self.sci_command(words)).ended(self)
    }

    /// The same with `--format json`.
    pub(crate) fn sci_json(&self, words: &[&str]) -> Ran {
        let words: Vec<&str> = words.iter().copied().chain(["--format", "json"]).collect();
        self.sci(&words)
    }

    /// Starts `sci` and lets it run.
    pub(crate) fn sci_in_background(&self, words: &[&str]) -> Running {
        self.started(self.sci_command(words))
    }

    fn started(&self, mut command: tokio::process::Command) -> Running {
        let _inside = self.runtime.enter();
        Running(command.spawn().expect("the binary was built"))
    }

    /// The SCS's picture, if it answers.
    pub(crate) fn picture(&self) -> Result<Picture, String> {
        let to = format!("http://{}", self.scs);
        let tls = self.certificates_of_sci();
        let tls = tls
            .iter()
            .flat_map(|folder| ["--tls".into(), folder.into()]);
        let words = ["sci", "--scs", &to].map(OsString::from).into_iter();
        let words = words.chain(tls).chain(["status".into()]);
        let arguments = changeover_sci::Arguments::try_parse_from(words);
        let arguments = arguments.expect("a good command line");
        let asked = async {
            let mut scs = Scs::connect(&arguments)
                .await
                .map_err(|error| error.to_string())?;
            scs.picture().await.map_err(|error| error.to_string())
        };
        self.runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(5), asked)
                .await
                .unwrap_or_else(|_| Err("the SCS does not answer".to_owned()))
        })
    }

    /// Waits for a state and returns the picture that shows it.
    pub(crate) fn reach(&mut self, what: &str, wanted: impl Fn(&Picture) -> bool) -> Picture {
        self.reach_within(BOUND, what, wanted)
    }

    pub(crate) fn reach_within(
        &mut self,
        bound: Duration,
        what: &str,
        wanted: impl Fn(&Picture) -> bool,
    ) -> Picture {
        let mut found = None;
        wait_until(bound, || {
            self.check_components();
            match self.picture() {
                Ok(picture) if wanted(&picture) => {
                    found = Some(picture);
                    Ok(())
                }
                Ok(picture) => Err(format!("{what}; it is {}", describe(&picture))),
                Err(error) => Err(format!("{what}; {error}")),
            }
        });
        found.expect("the wait has ended well")
    }

    /// Waits until the pair is ok with this primary.
    pub(crate) fn reach_ok(&mut self, primary: &str) -> Picture {
        let what = format!("the pair ok with {primary} primary");
        self.reach(&what, |picture| {
            let pair = pair(picture);
            pair.state == PairState::Ok
                && pair.ready.switchover
                && member(picture, primary).run_mode == RunMode::Primary
                && picture.message_server_connected
        })
    }

    /// Server 1 primary with the VIP, server 2 backup; starts them as an operator does.
    pub(crate) fn reach_start_state(&mut self) {
        self.reach("both hosts in contact", |picture| {
            let hosts = picture.hosts.iter().filter(|host| host.needs_lca);
            hosts.clone().count() == 2
                && hosts.clone().all(|host| host.status == HostStatus::Running)
        });
        for name in [PRIMARY, BACKUP] {
            let stopped =
                |picture: &Picture| member(picture, name).status == ApplicationStatus::Stopped;
            if self.picture().is_ok_and(|picture| stopped(&picture)) {
                self.sci(&["start", name]).expect(0);
            }
        }
        self.reach_ok(PRIMARY);
    }

    /// Takes note of who held the VIP, in order: `host1`, `-` for nobody, `host1+host2` for both.
    pub(crate) fn holders_seen(&mut self) -> Vec<String> {
        // What was observed before this question is here once its answer is.
        let state = self.runtime.block_on(self.control.state());
        state.expect("the emulator answers");
        std::thread::sleep(Duration::from_millis(50));
        let vip = crate::environment::VIP.parse().expect("an address");
        while let Some(observation) = self.observations.try_next() {
            let hosts: Vec<String> = observation
                .reachable_holders(vip)
                .map(|holder| holder.host.clone())
                .collect();
            if self.seen.last() != Some(&hosts) {
                self.seen.push(hosts);
            }
        }
        let show = |hosts: &Vec<String>| {
            if hosts.is_empty() {
                "-".to_owned()
            } else {
                hosts.join("+")
            }
        };
        self.seen.iter().map(show).collect()
    }

    /// From now on only what comes next counts; the present holder stays as the first entry.
    pub(crate) fn forget_what_was_seen(&mut self) {
        self.holders_seen();
        let last = self.seen.pop();
        self.seen = last.into_iter().collect();
    }

    /// The log's events with these IDs, oldest first.
    pub(crate) fn events(&self, words: &[&str]) -> Vec<LogRecord> {
        let all: Vec<&str> = ["log"].iter().chain(words).copied().collect();
        let ran = self.sci_json(&all).expect(0);
        ran.out
            .lines()
            .map(|line| serde_json::from_str(line).expect("a record a line"))
            .collect()
    }

    /// The active alarms, or all.
    pub(crate) fn alarms(&self, history: bool) -> Vec<AlarmPicture> {
        let words: &[&str] = if history {
            &["alarms", "--history"]
        } else {
            &["alarms"]
        };
        serde_json::from_value(self.sci_json(words).expect(0).json()).expect("alarms")
    }

    /// The newest timeline record.
    pub(crate) fn last_record(&self) -> TimelineRecord {
        serde_json::from_value(self.sci_json(&["timeline", "SIP_EAST"]).expect(0).json())
            .expect("a record")
    }

    /// All timeline records that the list shows.
    pub(crate) fn records(&self) -> Vec<TimelineRecord> {
        serde_json::from_value(self.sci_json(&["timeline"]).expect(0).json()).expect("records")
    }
}

/// A command that runs.
pub(crate) struct Running(pub(crate) tokio::process::Child);

impl Running {
    /// Waits for its end.
    pub(crate) fn ended(self, site: &Site) -> Ran {
        let output = site.runtime.block_on(async {
            tokio::time::timeout(COMMAND, self.0.wait_with_output())
                .await
                .expect("sci ends by itself")
        });
        let output = output.expect("it is ours");
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The one pair.
pub(crate) fn pair(picture: &Picture) -> &PairPicture {
    picture.pairs.first().expect("the site has a pair")
}

/// One of its members.
pub(crate) fn member<'a>(picture: &'a Picture, name: &str) -> &'a MemberPicture {
    let mut members = pair(picture).members.iter();
    members
        .find(|member| member.application.as_str() == name)
        .expect("a member of the pair")
}

/// The main process of a server.
pub(crate) fn pid(picture: &Picture, name: &str) -> u32 {
    let mut all = picture.applications.iter();
    all.find(|one| one.name.as_str() == name)
        .and_then(|one| one.pid)
        .expect("it runs")
}

/// The hosts on which the SCS sees the VIP.
pub(crate) fn observed(picture: &Picture) -> Vec<&str> {
    pair(picture).virtual_ips[0]
        .observed
        .iter()
        .map(|host| host.as_str())
        .collect()
}

/// The picture in one line.
pub(crate) fn describe(picture: &Picture) -> String {
    let hosts: Vec<String> = picture
        .hosts
        .iter()
        .map(|host| format!("{} {}", host.name, host.status))
        .collect();
    let members: Vec<String> = pair(picture)
        .members
        .iter()
        .map(|member| {
            format!(
                "{} {} {} ({})",
                member.application, member.status, member.run_mode, member.reason
            )
        })
        .collect();
    let reasons: Vec<String> = pair(picture)
        .ready
        .reasons
        .iter()
        .map(ToString::to_string)
        .collect();
    format!(
        "{} [{}] [{}] VIP on {:?}, epoch {}, reasons {:?}, suppressed {:?}",
        pair(picture).state.as_str(),
        hosts.join(", "),
        members.join(", "),
        observed(picture),
        pair(picture).epoch,
        reasons,
        pair(picture).suppressed,
    )
}
