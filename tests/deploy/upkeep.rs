//! Owns what an operator and the night do to the Management Layer itself: restarts, kills and upgrades of its components under
//! load. None of them may move a VIP or restart a server.

use crate::command::run;
use crate::lab::{Lab, Pair};
use crate::moves::Subject;
use crate::network::CLIENT;
use crate::probe::{Probe, Question};
use crate::report::{self, Row};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Component and where it runs; the LCA of both hosts, as either may have the primary.
const COMPONENTS: [(&str, &str); 4] = [
    ("lca", "edge1"),
    ("lca", "edge2"),
    ("scs", "mgmt1"),
    ("message-server", "mgmt1"),
];
/// Nothing may move in this time after a component is back.
const QUIET: Duration = Duration::from_secs(1);
/// A unit that was killed is started again within this time.
const BACK: Duration = Duration::from_secs(15);

/// Every component restarted, killed, and all of them replaced by another build.
pub(crate) fn all(lab: &Lab, pair: &str, question: Question) {
    // What this machine does to a client by itself; the other gaps are to be read beside it.
    calmly(lab, pair, question, "nothing for five seconds", || {
        std::thread::sleep(Duration::from_secs(5));
    });
    for (unit, host) in COMPONENTS {
        calmly(
            lab,
            pair,
            question,
            &format!("systemctl restart {unit} on {host}"),
            || {
                lab.host(host)
                    .sh(&format!("systemctl restart {unit}"))
                    .succeeded();
            },
        );
        calmly(
            lab,
            pair,
            question,
            &format!("kill -9 {unit} on {host}"),
            || {
                kill_and_wait(lab, unit, host);
            },
        );
    }
    let archive = lab.pack(&another_build(), "newer.tar.gz");
    for host in ["mgmt1", "edge1", "edge2"] {
        lab.host(host).put(&archive, "/root/changeover.tar.gz");
    }
    calmly(lab, pair, question, "upgrade of every component", || {
        lab.follow("situations/upgrade.md", "tar -xzf", "");
    });
    // Components run from the new file, the servers still from the one they were started from.
    let same =
        "cmp -s /proc/$(systemctl show -p MainPID --value lca)/exe /usr/local/bin/changeover";
    let other = "! cmp -s /proc/$(pgrep -x sip-server)/exe /usr/local/bin/changeover";
    for host in ["edge1", "edge2"] {
        lab.host(host).sh(&format!("{same}\n{other}")).succeeded();
    }
}

/// Does something while a client asks, and asserts that nobody behind the VIP noticed.
fn calmly(lab: &Lab, pair: &str, question: Question, what: &str, happens: impl FnOnce()) {
    let before = lab.reach_ok(pair, None);
    let subject = Subject::sip_server();
    let probe = Probe::start(&lab.wire.namespace_file(CLIENT), subject.target, question);
    let at = Instant::now() + Duration::from_millis(300);
    assert!(
        probe.answered_within(at, BACK),
        "{what}: somebody answers before"
    );
    happens();
    lab.reach_ok(pair, None);
    std::thread::sleep(QUIET);
    let after = lab.reach_ok(pair, None);
    assert_eq!(still(&after), still(&before), "{what}");
    assert_eq!(
        probe.answered_by(at),
        [before.primary.clone()],
        "{what}: the same server answers"
    );
    for vip in &before.vips {
        assert!(
            lab.wire.addresses(&before.primary_host).contains(vip),
            "{what}: {vip}"
        );
    }
    report::add(Row {
        server: subject.server.to_owned(),
        by: "Changeover".to_owned(),
        case: what.to_owned(),
        gap_ms: probe.longest_gap(at),
        note: "no VIP moved, no server restarted".to_owned(),
    });
}

/// What must be the same before and after: epoch, primary, processes.
fn still(pair: &Pair) -> (u64, String, Vec<(String, u64)>) {
    (pair.epoch, pair.primary.clone(), pair.pids.clone())
}

fn kill_and_wait(lab: &Lab, unit: &str, host: &str) {
    let host = lab.host(host);
    let pid = host.main_pid(unit);
    assert_ne!(pid, 0, "{unit} runs");
    host.sh(&format!("kill -9 {pid}")).succeeded();
    let give_up = Instant::now() + BACK;
    loop {
        let now = host.main_pid(unit);
        if now != 0 && now != pid && host.sh(&format!("systemctl is-active {unit}")).code == Some(0)
        {
            return;
        }
        assert!(
            Instant::now() < give_up,
            "{unit} on {} does not come back",
            host.name
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// This build as another file: with a section that nobody reads, so that it differs as a newer release does.
fn another_build() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_BIN_EXE_changeover"));
    let other = own.with_file_name("changeover-newer");
    let section = format!(
        ".newer={}",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")
    );
    let (from, to) = (own.to_str().expect("text"), other.to_str().expect("text"));
    let words = ["--add-section", section.as_str(), from, to];
    run("objcopy", &words, Duration::from_secs(60)).succeeded();
    other
}
