//! The SIP card of an NLB site, lost and back, as judged workflows: by the defaults and with `realign_after: off`.

use crate::running::{Rehearsal, workflows};
use serde_json::Value;

const REALIGN: (&str, &str) = ("realign_after: 2s ", "realign_after: off");

/// The kit with these replacements, its SIP card lost and back.
fn lost_and_back(changes: &[(&str, &str)], more: &[&str]) -> (Option<i32>, Value) {
    let rehearsal = Rehearsal::new();
    let words = ["new", "west", "--platform", "windows-nlb", "--redundancy"];
    let (code, said) = rehearsal.text(&[&words[..], &["hot"]].concat());
    assert_eq!(code, Some(0), "{said}");
    for file in ["site.yaml", "scripts/sip_server_primary_vip_down.bat"] {
        let path = rehearsal.folder().join("west").join(file);
        let mut text = std::fs::read_to_string(&path).expect("it was just written");
        for (from, to) in changes {
            text = text.replace(from, to);
        }
        std::fs::write(&path, text).expect("ours");
    }
    let words = [
        "rehearse",
        "west/site.yaml",
        "--workflow",
        "sip-nic-restored",
    ];
    let answer = rehearsal.json(&[&words[..], more].concat());
    assert_eq!(rehearsal.left_behind(), Vec::<String>::new());
    answer
}

const BOTH: [&str; 2] = ["--workflow", "sip-nic-lost"];

/// Who was primary before and after.
fn roles(workflow: &Value) -> [&str; 2] {
    ["primary_before", "primary_after"].map(|key| workflow[key].as_str().expect("a name"))
}

fn two_holders_ms(workflow: &Value) -> f64 {
    workflow["two_holders_ms"].as_f64().expect("there is a VIP")
}

/// That the port of host 1 stays as it was is the tenth step, and so that its script was of no avail the ninth.
fn lost(site: &Value) {
    let lost = &site["workflows"][0];
    assert_eq!(roles(lost), ["SIP_SERVER_PRIMARY", "SIP_SERVER_BACKUP"]);
    assert_eq!(lost["holders_after"], serde_json::json!(["host2"]));
    let events = |step: usize| lost["steps"][step]["events"].as_array().expect("events");
    let in_vain = |event: &Value| {
        event["what"] == "SIP_SERVER_PRIMARY_VIP_DOWN"
            && event["evidence"]
                .as_str()
                .is_some_and(|text| text.ends_with("failed"))
    };
    assert!(events(8).iter().any(in_vain), "{lost:#}");
    let kept = |event: &Value| event["what"] == "still enabled on host1";
    assert!(events(9).iter().any(kept), "{lost:#}");
}

/// Both workflows pass, the first as documented; the second, which has so many steps.
fn lost_as_documented_and_back(edits: &[(&str, &str)], steps: usize) -> Value {
    let (code, answer) = lost_and_back(edits, &BOTH);
    assert_eq!(code, Some(0), "{answer:#}");
    let site = &answer["sites"][0];
    assert_eq!(
        workflows(site),
        [("sip-nic-lost", 10), ("sip-nic-restored", steps)]
    );
    lost(site);
    site["workflows"][1].clone()
}

#[test]
fn by_the_defaults_the_port_of_the_cut_off_node_is_disabled_as_soon_as_it_obeys_and_no_roles_move()
{
    let back = &lost_as_documented_and_back(&[], 4);
    assert_eq!(roles(back), ["SIP_SERVER_BACKUP"; 2]);
    assert_eq!(back["epoch_before"], back["epoch_after"]);
    assert_eq!(back["holders_after"], serde_json::json!(["host2"]));
    assert!(two_holders_ms(back) < 1000.0, "{back:#}");
}

#[test]
fn with_realign_after_off_a_second_switchover_brings_the_roles_back_as_the_guide_has_it() {
    let back = &lost_as_documented_and_back(&[REALIGN], 10);
    assert_eq!(roles(back), ["SIP_SERVER_BACKUP", "SIP_SERVER_PRIMARY"]);
    assert_eq!(back["holders_after"], serde_json::json!(["host1"]));
    let both = two_holders_ms(back);
    assert!(
        both > 4000.0,
        "both are enabled for T, which is 4 s: {both}"
    );
}

#[test]
fn the_card_that_is_lost_is_that_of_the_node_to_which_the_cluster_sends_the_client() {
    let weights = ("load_weight: equal", "load_weight: {host1: 1, host2: 99}");
    let (code, answer) = lost_and_back(&[REALIGN, weights], &[]);
    assert_eq!(code, Some(0), "{answer:#}");
    let back = &answer["sites"][0]["workflows"][0];
    assert_eq!(roles(back), ["SIP_SERVER_PRIMARY", "SIP_SERVER_BACKUP"]);
}

#[test]
fn a_script_that_leaves_the_port_enabled_once_nlb_obeys_again_fails_at_its_step_and_is_named() {
    let (code, answer) = lost_and_back(&[("wlbs.exe disable", "rem wlbs.exe disable")], &[]);
    assert_eq!(code, Some(1), "{answer:#}");
    let steps = answer["sites"][0]["workflows"][0]["steps"].as_array();
    let failed: Vec<&Value> = steps
        .expect("steps")
        .iter()
        .filter(|step| step["passed"] == false)
        .collect();
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert_eq!(failed[0]["number"], 2);
    assert_eq!(
        failed[0]["problem"]["expected"],
        "SIP_SERVER_PRIMARY_VIP_DOWN ends with the VIP as wanted"
    );
}
