//! `changeover drill` on network namespaces: real faults on real processes, and its verdicts, good and bad. Needs root, but
//! for what is refused. One site at a time, so that they do not take each other's time.

#[expect(
    dead_code,
    reason = "shared with the rehearsals, which look at workflows as well"
)]
#[path = "../rehearsal/running.rs"]
mod running;

use running::Rehearsal;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The shipped example with this policy of its pair; its path.
fn with_policy(place: &Rehearsal, policy: &str) -> String {
    let path = place.example("linux-hot.yaml");
    changed(place, &path, policy)
}

fn changed(place: &Rehearsal, path: &str, policy: &str) -> String {
    let text = std::fs::read_to_string(path).expect("it was just written");
    let with = format!("takeover: ip_address\n    policy: {policy}");
    place.keep(&text.replace("takeover: ip_address", &with))
}

/// The names of the invariants that are broken.
fn broken(report: &Value) -> Vec<&str> {
    report["invariants"]
        .as_array()
        .expect("invariants")
        .iter()
        .filter(|verdict| verdict["passed"] != true)
        .map(|verdict| verdict["invariant"].as_str().expect("a name"))
        .collect()
}

fn rounds(report: &Value) -> &[Value] {
    report["rounds"].as_array().expect("rounds")
}

fn not_possible(report: &Value) -> Vec<&str> {
    report["not_possible"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|not| {
            assert!(!not["why"].as_str().expect("a reason").is_empty());
            not["fault"].as_str().expect("a name")
        })
        .collect()
}

#[test]
#[ignore = "needs root"]
fn a_minute_of_faults_on_a_site_with_shell_scripts_breaks_no_invariant() {
    let _alone = alone();
    let place = Rehearsal::new();
    let site = with_policy(&place, "{on_controller_loss: quorum}");
    let drill = ["drill", &site, "--minutes", "1", "--seed", "5"];
    let (code, report) = place.json(&drill);
    assert_eq!((code, broken(&report)), (Some(0), vec![]), "{report:#}");
    assert_eq!(report["trouble"], Value::Null);
    assert!(rounds(&report).len() >= 3, "{report:#}");
    assert!(!not_possible(&report).contains(&"slow-disk"), "{report:#}");
    place.assert_nothing_is_left();
}

#[test]
#[ignore = "needs root"]
fn a_minute_of_faults_on_a_site_with_built_in_scripts_breaks_no_invariant() {
    let _alone = alone();
    let place = Rehearsal::new();
    let site = place.builtin_example();
    let drill = ["drill", &site, "--minutes", "1", "--seed", "6"];
    let (code, report) = place.json(&drill);
    assert_eq!((code, broken(&report)), (Some(0), vec![]), "{report:#}");
    // There is no program that could fail, and the report says so.
    for fault in ["script-fails", "script-slow", "script-hangs"] {
        assert!(not_possible(&report).contains(&fault), "{report:#}");
    }
    place.assert_nothing_is_left();
}

#[test]
#[ignore = "needs root"]
fn slow_disks_move_no_vip_and_lose_nothing_and_they_are_slow() {
    let _alone = alone();
    let place = Rehearsal::new();
    let site = with_policy(&place, "{on_controller_loss: quorum}");
    let only = ["--only", "slow-disk", "--at-once", "1"];
    let drill = ["drill", &site, "--minutes", "1.5", "--seed", "3"];
    let (code, report) = place.json(&[&drill[..], &only].concat());
    assert_eq!((code, broken(&report)), (Some(0), vec![]), "{report:#}");
    assert_eq!(not_possible(&report), Vec::<&str>::new());
    // A disk that is slow in name only would break nothing either.
    let (mut alone, mut switched, mut slowed) = (0, 0, Vec::new());
    for round in rounds(&report) {
        let faults = round["faults"].as_array().expect("faults");
        let is_switched = faults.len() > 1;
        let with = if is_switched {
            &mut switched
        } else {
            &mut alone
        };
        *with += 1;
        let of = &faults[0]["slowed"];
        let count = |what: &str| of[what].as_u64().expect("a number");
        if count("syncs") > 0 {
            assert!(of["longest_ms"].as_f64() > Some(0.0), "{round:#}");
            slowed.push((
                faults[0]["target"].as_str().expect("a name"),
                count("writes"),
                of["longest_ms"].as_f64().expect("a time"),
            ));
        }
    }
    assert!(alone > 0 && switched > 0, "{report:#}");
    assert!(
        slowed.iter().map(|(_, writes, _)| writes).sum::<u64>() >= 10,
        "{slowed:?}"
    );
    assert!(
        slowed.iter().any(|(.., longest)| *longest >= 200.0),
        "{slowed:?}"
    );
    let judged = report["invariants"].as_array().expect("invariants").iter();
    let judged = judged.filter(|verdict| verdict["judged"] != 0);
    let names: Vec<&str> = judged
        .filter_map(|verdict| verdict["invariant"].as_str())
        .collect();
    for name in ["slow-disk-alone", "delivery", "honest-outcome", "settled"] {
        assert!(
            names.contains(&name),
            "{name} had something to judge: {report:#}"
        );
    }
    place.assert_nothing_is_left();
}

#[test]
#[ignore = "needs root"]
fn a_host_that_stood_still_and_goes_on_stays_within_the_printed_bound_of_quorum() {
    let _alone = alone();
    let place = Rehearsal::new();
    let site = with_policy(&place, "{on_controller_loss: quorum}");
    let only = ["--only", "freeze-host", "--at-once", "1"];
    let drill = ["drill", &site, "--minutes", "1.2", "--seed", "4"];
    let (_, report) = place.json(&[&drill[..], &only].concat());
    // The SCS's host may be frozen a moment after the other witness came back: then nobody is left to hold a lease with,
    // and the VIP goes for as long as that takes. What is judged here is who holds it, and for how long.
    let broken: Vec<&str> = broken(&report)
        .into_iter()
        .filter(|name| *name != "controller-alone")
        .collect();
    assert_eq!(broken, Vec::<&str>::new(), "{report:#}");
    let printed = report["worst_times"]
        .as_array()
        .expect("worst times")
        .iter()
        .find(|case| case["name"] == "host-wakes-up")
        .and_then(|case| case["two_holders_ms"].as_f64())
        .expect("a bound");
    assert_eq!(printed, 2_400.0, "four fifths of the detection bound");
    let mut holders = 0;
    for round in rounds(&report) {
        let two = round["two_holders_ms"].as_f64().expect("a time");
        assert!(two <= printed, "{round:#}");
        let fault = &round["faults"][0];
        let long =
            fault["until_ms"].as_f64() > fault["from_ms"].as_f64().map(|from| from + 3_500.0);
        if fault["hit_holder"] == true && long {
            holders += 1;
            assert_ne!(round["primary_before"], round["primary_after"], "{round:#}");
        }
    }
    assert!(holders > 0, "no frozen holder among these: {report:#}");
    place.assert_nothing_is_left();
}

#[test]
#[ignore = "needs root"]
fn a_site_that_keeps_its_address_is_found_out() {
    let _alone = alone();
    let place = Rehearsal::new();
    // A script that says "released" and does nothing, and a policy that goes on regardless.
    let path = place.example("linux-hot.yaml");
    let lie = place.folder().join("lie.sh");
    std::fs::write(&lie, "#!/bin/sh\nexit 0\n").expect("the folder is writable");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&lie, executable).expect("it is ours");
    let text = std::fs::read_to_string(&path).expect("it was just written");
    let site = place.keep(&text.replace("./set_ip_down.sh", &lie.display().to_string()));
    let site = changed(&place, &site, "{force_release: enable-anyway}");
    let only = ["--only", "switchover", "--at-once", "1"];
    let drill = ["drill", &site, "--minutes", "0.05", "--seed", "1"];
    let (code, report) = place.json(&[&drill[..], &only].concat());
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(broken(&report), ["two-holders", "settled"], "{report:#}");
    let last = rounds(&report).last().expect("a round");
    assert!(
        last["rest_ms"].is_null() && !last["missing"][0].is_null(),
        "{last:#}"
    );
    place.assert_nothing_is_left();
}

#[test]
#[ignore = "needs root"]
fn switchovers_back_to_back_are_counted_and_measured() {
    let _alone = alone();
    let place = Rehearsal::new();
    let (code, report) = place.json(&["drill", "--switchovers", "6"]);
    assert_eq!(code, Some(0), "{report:#}");
    let of = &report["switchovers"];
    assert_eq!((&of["asked"], &of["done"]), (&6.into(), &6.into()));
    for measured in ["vip_gap_ms", "no_holder_ms", "two_holders_ms", "took_ms"] {
        assert_eq!(of[measured]["number"], 6, "{of:#}");
    }
    assert_eq!(of["two_holders_ms"]["max"], 0.0);
    place.assert_nothing_is_left();
}

#[test]
#[ignore = "needs root"]
fn ctrl_c_takes_everything_down_and_writes_the_report_so_far() {
    let _alone = alone();
    let place = Rehearsal::new();
    let folder = place.folder().join("page");
    let report = folder.to_str().expect("text");
    let drill = [
        "drill",
        "--minutes",
        "5",
        "--only",
        "freeze-host",
        "--report",
        report,
    ];
    let running = place.start(&drill);
    running.until_components_run();
    assert_eq!(running.signal_and_wait("INT"), Some(130));
    place.assert_nothing_is_left();
    let text = std::fs::read_to_string(folder.join("drill.txt")).expect("it is written");
    assert!(
        text.ends_with("this is what was seen until then.\n"),
        "{text}"
    );
    let json = std::fs::read_to_string(folder.join("drill.json")).expect("it is written");
    let report: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["interrupted"], true);
}

#[test]
fn what_cannot_be_drilled_is_refused_with_2_and_says_what_can() {
    let place = Rehearsal::new();
    let refused = |arguments: &[&str]| {
        let output = place.command(arguments).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = refused(&["drill", "--network", "loopback"]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("--network netns") && said.contains("changeover simulate"),
        "{said}"
    );
    let (code, said) = refused(&["drill", "nowhere.yaml"]);
    assert_eq!(code, Some(2), "{said}");
    let (code, _) = refused(&["drill", "--minutes", "0"]);
    assert_eq!(code, Some(2));
    let (code, _) = refused(&["drill", "--only", "rain"]);
    assert_eq!(code, Some(2));
    place.assert_nothing_is_left();
}
