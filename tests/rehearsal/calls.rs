//! Calls and SIP traffic: the acceptance tests with the built-in endpoints, their negative control, and the SIP card
//! that is lost on a host with two.

use crate::running::{Rehearsal, root, workflows};
use changeover_emulated_nic::Control;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest wait for a site.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at it.
const LOOK_AGAIN: Duration = Duration::from_millis(30);

/// The numbers of the steps that failed.
fn failed(workflow: &Value) -> Vec<u64> {
    workflow["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter(|step| step["passed"] == false)
        .map(|step| step["number"].as_u64().expect("a number"))
        .collect()
}

#[test]
fn where_nothing_is_replicated_the_acceptance_tests_fail_from_the_hold_on() {
    let rehearsal = Rehearsal::new();
    let (code, answer) = rehearsal.json(&[
        "rehearse",
        "--redundancy",
        "warm",
        "--workflow",
        "test-1",
        "--workflow",
        "test-3",
        "--regardless",
    ]);
    assert_eq!(code, Some(1), "{answer:#}");
    let run = answer["sites"][0]["workflows"].as_array().expect("two");
    assert_eq!(run.len(), 2);
    for workflow in run {
        assert_eq!(failed(workflow), [4, 5, 6, 7], "{workflow:#}");
        let hold = &workflow["steps"][3]["problem"];
        assert_eq!(hold["expected"], "rehearsal-a sees 'hold ok'");
        assert_eq!(hold["seen"], "rehearsal-a sees hold 481");
        assert_eq!(workflow["checks"][0]["passed"], true, "the roles moved");
    }
    assert_eq!(rehearsal.left_behind(), Vec::<String>::new());
}

#[test]
fn with_two_cards_the_loss_of_the_sip_card_switches_over_after_t_and_its_return_changes_nothing() {
    let rehearsal = Rehearsal::new();
    let file = root().join("deploy/examples/linux-two-nics.yaml");
    let file = file.to_str().expect("text");
    let (code, answer) = rehearsal.json(&["rehearse", file]);
    assert_eq!(code, Some(0), "{answer:#}");
    let site = &answer["sites"][0];
    assert_eq!(
        workflows(site),
        [
            ("manual-switchover", 10),
            ("primary-failure", 9),
            ("primary-disconnected", 7),
            ("reconnect", 9),
            ("sip-nic-lost", 10),
            ("sip-nic-restored", 3),
            ("alarm-test", 5),
            ("test-1", 7),
            ("test-2", 7),
            ("test-3", 7)
        ]
    );
    let lost = &site["workflows"][4];
    let silent = lost["steps"][1]["events"][0]["at_ms"].as_f64();
    assert!(
        silent.is_some_and(|ms| (1900.0..2500.0).contains(&ms)),
        "T is 2 s: {silent:?}"
    );
    assert_ne!(lost["primary_before"], lost["primary_after"]);
    let restored = &site["workflows"][5];
    assert_eq!(restored["primary_before"], restored["primary_after"]);
    assert_eq!(restored["holders_after"], lost["holders_after"]);
    assert_eq!(restored["epoch_before"], restored["epoch_after"]);
}

#[test]
fn the_return_of_the_sip_card_named_alone_first_brings_its_loss_about() {
    let rehearsal = Rehearsal::new();
    let file = root().join("deploy/examples/linux-two-nics.yaml");
    let file = file.to_str().expect("text");
    let (code, answer) = rehearsal.json(&["rehearse", file, "--workflow", "sip-nic-restored"]);
    assert_eq!(code, Some(0), "{answer:#}");
    let restored = &answer["sites"][0]["workflows"][0];
    assert_eq!(restored["primary_before"], "SIP_SERVER_BACKUP");
    assert_eq!(restored["primary_after"], "SIP_SERVER_BACKUP");
}

#[test]
fn one_network_device_in_front_of_two_pairs_finds_both_primaries() {
    let rehearsal = Rehearsal::new();
    let file = root().join("deploy/examples/network-device.yaml");
    let file = file.to_str().expect("text");
    let words = ["rehearse", file, "--workflow", "manual-switchover"];
    let (code, answer) = rehearsal.json(&words);
    assert_eq!(code, Some(0), "{answer:#}");
    let pairs: Vec<&Value> = answer["sites"]
        .as_array()
        .expect("sites")
        .iter()
        .map(|site| &site["pair"])
        .collect();
    assert_eq!(pairs, ["SIP_EAST", "SIP_WEST"]);
    for site in answer["sites"].as_array().expect("sites") {
        assert_eq!(workflows(site), [("manual-switchover", 6)]);
    }
}

#[test]
fn a_single_host_with_a_media_application_beside_the_pair_rehearses_unedited() {
    let rehearsal = Rehearsal::new();
    let file = root().join("deploy/examples/single-host.yaml");
    let (code, answer) = rehearsal.json(&["rehearse", file.to_str().expect("text")]);
    assert_eq!(code, Some(0), "{answer:#}");
    assert_eq!(workflows(&answer["sites"][0]).len(), 5);
    assert_eq!(rehearsal.left_behind(), Vec::<String>::new());
}

/// A file of this name below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    for entry in std::fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        if path.file_name().is_some_and(|own| own == name) {
            return Some(path);
        }
        let deeper = path.is_dir() && !path.is_symlink();
        if let Some(found) = deeper.then(|| find(&path, name)).flatten() {
            return Some(found);
        }
    }
    None
}

/// A site that is kept up, with hands on its cables and an operator's look at it.
struct KeptUp<'a> {
    rehearsal: &'a Rehearsal,
    runtime: tokio::runtime::Runtime,
    control: Control,
    scs: String,
}

impl<'a> KeptUp<'a> {
    fn wait_for(rehearsal: &'a Rehearsal) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let give_up = Instant::now() + PATIENCE;
        let control = loop {
            let socket = find(rehearsal.folder(), "net");
            let connected =
                socket.and_then(|socket| runtime.block_on(Control::connect(&socket)).ok());
            if let Some(control) = connected {
                break control;
            }
            assert!(Instant::now() < give_up, "the emulated network comes up");
            std::thread::sleep(LOOK_AGAIN);
        };
        let scs = "10.10.12.110".parse().expect("an address");
        let scs = runtime
            .block_on(control.real_address(scs))
            .expect("it answers");
        let site = Self {
            rehearsal,
            runtime,
            control,
            scs: format!("http://{scs}:7770"),
        };
        while site.pair()["state"] != "ok" {
            assert!(Instant::now() < give_up, "the pair is ok: {}", site.pair());
            std::thread::sleep(LOOK_AGAIN);
        }
        site
    }

    fn pair(&self) -> Value {
        let words = ["sci", "--scs", &self.scs, "status", "--format", "json"];
        let output = self.rehearsal.command(&words).output();
        let output = output.expect("the binary runs").stdout;
        let status: Value = serde_json::from_slice(&output).unwrap_or_default();
        status["pairs"][0].clone()
    }

    fn sip_cards(&self, plugged: bool) {
        for host in ["host1", "host2"] {
            let done = self.runtime.block_on(async {
                if plugged {
                    self.control.plug(host, "eth0").await
                } else {
                    self.control.unplug(host, "eth0").await
                }
            });
            done.expect("the emulator obeys");
        }
    }

    /// Seconds until the pair's epoch is another one; `None` if it is not within the bound.
    fn until_epoch_changes(&self, bound: Duration) -> Option<f64> {
        let (began, before) = (Instant::now(), self.pair()["epoch"].clone());
        while began.elapsed() < bound {
            if self.pair()["epoch"] != before {
                return Some(began.elapsed().as_secs_f64());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        None
    }
}

#[test]
fn while_neither_server_hears_sip_t_doubles_up_to_four_times_and_the_first_message_resets_it() {
    let rehearsal = Rehearsal::new();
    let file = root().join("deploy/examples/linux-two-nics.yaml");
    let text = std::fs::read_to_string(file).expect("the example");
    let text = text.replace("oos-check: 1, oos-force: 1", "oos-check: 1")
        + "    policy: {flapping: {switches: 50, within: 10m}}\n";
    let file = rehearsal.keep(&text);
    let running = rehearsal.start(&["up", &file]);
    let site = KeptUp::wait_for(&rehearsal);

    site.sip_cards(false);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let waited = site.until_epoch_changes(Duration::from_secs(7));
        waits.push(waited.expect("it goes on looking for the side that hears SIP"));
    }
    // T = 1 s: each server's first watch, its second one twice as long, and from the third one on four times.
    for (waited, factor) in waits.iter().zip([1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 4.0]) {
        assert!(
            (factor - 0.7..factor + 1.3).contains(waited),
            "{factor} x T, waited {waited} of {waits:?}"
        );
    }

    site.sip_cards(true);
    let heard = site.until_epoch_changes(Duration::from_secs(5));
    assert_eq!(heard, None, "the one that hears SIP stays primary");
    site.sip_cards(false);
    let waited = site.until_epoch_changes(Duration::from_secs(7));
    assert!(
        waited.is_some_and(|waited| waited < 3.0),
        "T is what it was at first: {waited:?}"
    );
    assert_eq!(running.signal_and_wait("INT"), Some(130));
    rehearsal.assert_nothing_is_left();
}
