//! Owns what an operator and the night do to the Management Layer itself: restarts, kills and upgrades of its components under
//! load. None of them may move a VIP or restart a server.

use crate::calls;
use crate::command::run;
use crate::lab::{Lab, Pair};
use crate::moves::Subject;
use crate::probe::Probe;
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
/// Calls are up for so long, over the restart and what might follow it.
const TALK: Duration = Duration::from_secs(6);
/// Nothing may move in this time after a component is back.
const QUIET: Duration = Duration::from_secs(1);
/// A unit that was killed is started again within this time, one that hangs too: its watchdog waits for ten seconds.
const BACK: Duration = Duration::from_secs(45);

/// Every component restarted, killed, and all of them replaced by another build.
pub(crate) fn all(lab: &Lab, subject: &Subject) {
    for (unit, host) in COMPONENTS {
        calmly(
            lab,
            subject,
            &format!("systemctl restart {unit} on {host}"),
            || {
                lab.host(host)
                    .sh(&format!("systemctl restart {unit}"))
                    .succeeded();
            },
        );
        calmly(lab, subject, &format!("kill -9 {unit} on {host}"), || {
            end_and_wait(lab, unit, host, "KILL")
        });
    }
    let archive = lab.pack(&another_build(), "newer.tar.gz");
    for host in ["mgmt1", "edge1", "edge2"] {
        lab.host(host).put(&archive, "/root/changeover.tar.gz");
    }
    let installed = || {
        lab.host("edge1")
            .sh("sha256sum /usr/local/bin/changeover")
            .succeeded()
    };
    let before = installed();
    calmly(lab, subject, "upgrade of every component", || {
        lab.follow("situations/upgrade.md", "tar -xzf", "");
    });
    assert_ne!(installed(), before, "another program is installed");
    for (unit, host) in COMPONENTS {
        let same = format!(
            "cmp /proc/$(systemctl show -p MainPID --value {unit})/exe /usr/local/bin/changeover"
        );
        lab.host(host).sh(&same).succeeded();
    }
}

/// Every component stands still, as one does that hangs: the watchdog of its unit ends it, and it is started anew.
pub(crate) fn hangs(lab: &Lab, subject: &Subject) {
    for (unit, host) in COMPONENTS {
        let what = format!("kill -STOP {unit} on {host}, then its watchdog");
        calmly(lab, subject, &what, || {
            end_and_wait(lab, unit, host, "STOP")
        });
    }
}

/// Does something while a client asks and calls are up, and asserts that nobody behind the VIP noticed.
fn calmly(lab: &Lab, subject: &Subject, what: &str, happens: impl FnOnce()) {
    let before = lab.reach_ok(subject.pair, None);
    let calls = subject
        .calls
        .then(|| calls::begin(lab, subject.target, what, TALK));
    let probe = Probe::answered(&lab.wire, subject.target, subject.question);
    let noise_ms = probe.noise();
    let at = Instant::now();
    happens();
    lab.reach_ok(subject.pair, None);
    std::thread::sleep(QUIET);
    let after = lab.reach_ok(subject.pair, None);
    let gap_ms = probe.longest_gap(at);
    assert_eq!(still(&after), still(&before), "{what}");
    let by = probe.answered_by(at);
    assert_eq!(by.len(), 1, "{what}: one server answers, not {by:?}");
    for vip in &before.vips {
        assert!(
            lab.wire.addresses(&before.primary_host).contains(vip),
            "{what}: {vip}"
        );
    }
    drop(probe);
    if let Some(calls) = calls {
        calls.end_well(what);
    }
    report::add(Row {
        server: subject.server.to_owned(),
        by: "Changeover".to_owned(),
        case: what.to_owned(),
        gap_ms,
        noise_ms,
        note: "no VIP moved, no server restarted".to_owned(),
    });
}

/// What must be the same before and after: epoch, primary, processes.
fn still(pair: &Pair) -> (u64, String, Vec<(String, u64)>) {
    (pair.epoch, pair.primary.clone(), pair.pids.clone())
}

/// Sends a signal that ends the component, at once or by its watchdog, and waits until another one is there.
fn end_and_wait(lab: &Lab, unit: &str, host: &str, signal: &str) {
    let host = lab.host(host);
    let pid = host.main_pid(unit);
    assert_ne!(pid, 0, "{unit} runs");
    host.sh(&format!("kill -{signal} {pid}")).succeeded();
    let give_up = Instant::now() + BACK;
    loop {
        let now = host.main_pid(unit);
        let active = format!("systemctl is-active {unit}");
        if now != 0 && now != pid && host.sh(&active).code == Some(0) {
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
    let (from, to) = (own.to_str().expect("text"), other.to_str().expect("text"));
    let words = [
        "--add-section",
        ".newer=/proc/sys/kernel/random/uuid",
        from,
        to,
    ];
    run("objcopy", &words, Duration::from_secs(60)).succeeded();
    other
}
