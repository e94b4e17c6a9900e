//! Calls and SIP traffic: the acceptance tests with the built-in endpoints, their negative control, and the SIP card
//! that is lost on a host with two.

use crate::running::{Rehearsal, root, workflows};
use serde_json::Value;

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
