//! An NLB site that does not watch its SIP traffic, but the link of its SIP cards: the port behind the pulled cable stays enabled
//! whatever it is told, and what follows when the cable is back. Where SIP traffic is watched the two are judged workflows
//! (`nlb_nic.rs`).

use crate::running::Rehearsal;
use changeover_emulated_nic::{Control, Observations};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const ADAPTER: &str = "Local Area Connection";
/// Longest wait for something that must come.
const BOUND: Duration = Duration::from_secs(60);
/// A release that ignores its orders is over once nothing more was tried for this long: longer than `release_wait`.
const GIVEN_UP: Duration = Duration::from_secs(10);

struct Site<'a> {
    rehearsal: &'a Rehearsal,
    up: Child,
    runtime: Runtime,
    control: Control,
    observations: Observations,
    /// Hosts whose port is enabled, and whether neighbours reach them.
    holders: Vec<(String, bool)>,
}

impl<'a> Site<'a> {
    /// The kit, with its policy changed, up and in its start state.
    fn up(rehearsal: &'a Rehearsal, from: &str, to: &str) -> Self {
        let words = [
            "new",
            "west",
            "--platform",
            "windows-nlb",
            "--redundancy",
            "hot",
        ];
        let (code, said) = rehearsal.text(&words);
        assert_eq!(code, Some(0), "{said}");
        let file = rehearsal.folder().join("west/site.yaml");
        let text = std::fs::read_to_string(&file).expect("it was just written");
        assert!(text.contains(from), "{from}");
        let text = text.replace(from, to);
        let watched = ", sip-pass-check: true";
        assert!(text.contains(watched), "{text}");
        std::fs::write(&file, text.replace(watched, "")).expect("ours");
        let up = up(rehearsal);
        let socket = socket(rehearsal);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (control, observations) = runtime.block_on(async {
            let control = Control::connect(&socket).await.expect("it answers");
            let observations = control.observe(0).await.expect("it answers");
            (control, observations)
        });
        let mut site = Self {
            rehearsal,
            up,
            runtime,
            control,
            observations,
            holders: Vec::new(),
        };
        site.until(&[("host1", true)]);
        site
    }

    /// Waits until these hosts hold the cluster's IP; how long that took.
    fn until(&mut self, wanted: &[(&str, bool)]) -> Duration {
        let began = Instant::now();
        while !self.are(wanted) {
            let left = BOUND.saturating_sub(began.elapsed());
            let next = async { tokio::time::timeout(left, self.observations.next()).await };
            let seen = self.runtime.block_on(next);
            let Ok(Some(observation)) = seen else {
                panic!("expected {wanted:?}, seen {:?}", self.holders);
            };
            let holders = observation.holders.into_iter();
            self.holders = holders.map(|one| (one.host, one.reachable)).collect();
        }
        began.elapsed()
    }

    fn are(&self, wanted: &[(&str, bool)]) -> bool {
        self.holders
            .iter()
            .map(|(host, reachable)| (host.as_str(), *reachable))
            .eq(wanted.iter().copied())
    }

    /// That they stay so is the statement; there is nothing to wait for.
    fn stay(&mut self, wanted: &[(&str, bool)], long: Duration) {
        std::thread::sleep(long);
        while let Some(observation) = self.observations.try_next() {
            let holders = observation.holders.into_iter();
            self.holders = holders.map(|one| (one.host, one.reachable)).collect();
            assert!(
                self.are(wanted),
                "{}: {:?}",
                observation.cause,
                self.holders
            );
        }
    }

    fn cable(&self, plugged: bool) {
        let done = self.runtime.block_on(async {
            if plugged {
                self.control.plug("host1", ADAPTER).await
            } else {
                self.control.unplug("host1", ADAPTER).await
            }
        });
        done.expect("the emulator answers");
    }

    /// How many orders a host without link has ignored.
    fn ignored(&self) -> u64 {
        let state = self.runtime.block_on(self.control.state());
        let state = state.expect("the emulator answers");
        state["counters"]["nlb-ignored"].as_u64().unwrap_or(0)
    }

    /// Until host 1 has been told to disable its port, has ignored it, and is told nothing any more.
    fn until_given_up(&self) {
        let began = Instant::now();
        let mut last = (0, Instant::now());
        while last.0 == 0 || last.1.elapsed() < GIVEN_UP {
            assert!(began.elapsed() < BOUND, "{} orders ignored", last.0);
            std::thread::sleep(Duration::from_millis(50));
            let ignored = self.ignored();
            if ignored != last.0 {
                last = (ignored, Instant::now());
            }
        }
    }

    /// The primary and the epoch that SCI shows.
    fn roles(&self) -> (String, u64) {
        let management = "10.10.12.110".parse().expect("an address");
        let scs = self.runtime.block_on(self.control.real_address(management));
        let scs = format!("http://{}:7770", scs.expect("the emulator answers"));
        let (_, status) = self.rehearsal.json(&["sci", "status", "--scs", &scs]);
        let pair = &status["pairs"][0];
        let members = pair["members"].as_array().expect("members");
        let mut primaries = members.iter().filter(|one| one["run_mode"] == "Primary");
        let primary = primaries.next().expect("a primary");
        let name = primary["application"].as_str().expect("a name");
        (name.to_owned(), pair["epoch"].as_u64().expect("an epoch"))
    }

    fn down(mut self) {
        let pid = self.up.id().to_string();
        let sent = Command::new("kill").args(["-INT", pid.as_str()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        assert_eq!(self.up.wait().expect("it ends").code(), Some(130));
        self.rehearsal.assert_nothing_is_left();
    }
}

/// `changeover up`, once it says where `sci` finds the site: before that it watches for its start state itself.
fn up(rehearsal: &Rehearsal) -> Child {
    let mut command = rehearsal.command(&["up", "west/site.yaml"]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the binary runs");
    let said = BufReader::new(child.stdout.take().expect("piped"));
    let mut lines = said.lines().map_while(Result::ok);
    let ready = lines.any(|line| line.contains("SCI_SCS"));
    assert!(ready, "the site did not come up: {:?}", child.wait());
    // What it says later is nobody's, and must not end it.
    std::thread::spawn(move || lines.count());
    child
}

/// The emulator's socket of the one run of this place.
fn socket(rehearsal: &Rehearsal) -> PathBuf {
    let entries = std::fs::read_dir(rehearsal.folder()).expect("the folder is there");
    let mut sockets = entries
        .filter_map(|entry| Some(entry.ok()?.path().join("net")))
        .filter(|path| path.exists());
    sockets.next().expect("a run with its network")
}

/// From the pulled cable to the new primary.
fn lose_the_sip_card(site: &mut Site<'_>) -> (String, u64) {
    site.cable(false);
    site.until(&[("host1", false), ("host2", true)]);
    let roles = site.roles();
    assert_eq!(roles.0, "SIP_SERVER_BACKUP");
    roles
}

#[test]
fn the_port_of_a_cut_off_node_is_disabled_as_soon_as_it_obeys_and_nothing_else_follows() {
    let rehearsal = Rehearsal::new();
    let mut site = Site::up(&rehearsal, "west", "west");
    let roles = lose_the_sip_card(&mut site);
    let began = Instant::now();
    while site.ignored() == 0 {
        assert!(began.elapsed() < BOUND, "nobody told host1");
        std::thread::sleep(Duration::from_millis(20));
    }
    site.cable(true);
    site.until(&[("host2", true)]);
    site.stay(&[("host2", true)], Duration::from_secs(3));
    assert_eq!(site.roles(), roles, "no second switchover");
    site.down();
}

#[test]
fn with_realign_after_off_both_ports_are_enabled_once_the_cable_is_back_as_the_guide_has_it() {
    let rehearsal = Rehearsal::new();
    let mut site = Site::up(&rehearsal, "realign_after: 2s ", "realign_after: off");
    let roles = lose_the_sip_card(&mut site);
    site.until_given_up();
    site.cable(true);
    let both = [("host1", true), ("host2", true)];
    site.until(&both);
    site.stay(&both, Duration::from_secs(4));
    assert_eq!(
        site.roles(),
        roles,
        "nobody watches SIP traffic on this site"
    );
    site.down();
}
