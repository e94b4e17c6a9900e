//! The verbs that only look: their exit codes and the shape of their JSON (what programs rely on).

use crate::asking::{BACKUP, PRIMARY};
use crate::environment::Wishes;
use crate::site::{Site, wait_until};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

fn has_keys(value: &Value, wanted: &[&str]) {
    let there = keys(value);
    let missing: Vec<_> = wanted.iter().filter(|key| !there.contains(key)).collect();
    assert!(missing.is_empty(), "without {missing:?}: {value}");
}

#[test]
fn every_verb_that_looks_ends_with_0_and_shows_what_programs_rely_on() {
    let mut site = Site::up(&Wishes::default());
    the_status_has_the_documented_keys_and_values(&site);
    hosts_applications_and_pairs_are_parts_of_the_status(&site);
    conditions_and_the_log_are_listed(&site);
    the_timeline_tells_how_the_pair_came_up(&site);
    followers_get_one_object_a_line(&mut site);
    sip_servers_tell_what_they_hold(&site);
    wrong_words_end_with_2_and_an_unreachable_scs_with_3(&site);
}

fn the_status_has_the_documented_keys_and_values(site: &Site) {
    let status = site.sci_json(&["status"]).expect(0).json();
    assert_eq!(status["environment"], "system-test");
    has_keys(
        &status,
        &[
            "environment",
            "hosts",
            "applications",
            "pairs",
            "active_alarms",
        ],
    );
    let host = &status["hosts"][1];
    assert_eq!(
        (&host["name"], &host["status"]),
        (&json!("host1"), &json!("Running"))
    );
    let application = status["applications"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["name"] == PRIMARY))
        .expect("the server");
    has_keys(
        application,
        &["name", "type", "host", "status", "run_mode", "pid"],
    );
    assert_eq!(
        [
            &application["type"],
            &application["host"],
            &application["status"],
            &application["run_mode"]
        ],
        ["SIPServer", "host1", "Running", "Primary"]
    );
    assert!(
        application["pid"].as_u64().is_some_and(|pid| pid > 1),
        "{application}"
    );
    the_pair_of_the_status_is_complete(&status["pairs"][0]);
    the_status_is_a_text_too(site);
}

fn the_pair_of_the_status_is_complete(pair: &Value) {
    has_keys(
        pair,
        &[
            "name",
            "redundancy",
            "epoch",
            "state",
            "maintenance",
            "test_hold_ms",
            "suppressed",
            "members",
            "virtual_ips",
            "ready",
        ],
    );
    assert_eq!(
        [&pair["name"], &pair["redundancy"], &pair["state"]],
        ["SIP_EAST", "hot", "ok"]
    );
    assert_eq!(
        (&pair["maintenance"], &pair["test_hold_ms"]),
        (&json!(false), &Value::Null)
    );
    assert!(
        pair["epoch"].as_u64().is_some_and(|epoch| epoch >= 1),
        "{pair}"
    );
    let member = &pair["members"][1];
    has_keys(
        member,
        &["application", "host", "configured_as", "run_mode", "status"],
    );
    assert_eq!(
        [
            &member["application"],
            &member["host"],
            &member["configured_as"],
            &member["run_mode"],
            &member["status"]
        ],
        [BACKUP, "host2", "backup", "Backup", "Running"]
    );
    let vip = &pair["virtual_ips"][0];
    assert_eq!(
        (&vip["address"], &vip["intended"]),
        (&json!("10.10.11.103/24"), &json!("host1"))
    );
    assert_eq!(vip["observed"], json!(["host1"]));
    assert_eq!(pair["ready"], json!({"switchover": true, "reasons": []}));
}

fn the_status_is_a_text_too(site: &Site) {
    site.sci(&["status", "--check"]).expect(0);
    let text = site.sci(&["status"]).expect(0).out;
    for words in [
        "SIP_EAST",
        "hot standby",
        "Started",
        "Primary",
        "Backup",
        "10.10.11.103",
    ] {
        assert!(text.contains(words), "no {words} in:\n{text}");
    }
    assert!(
        !text.contains('\u{1b}'),
        "no colour where no terminal is: {text:?}"
    );
}

fn hosts_applications_and_pairs_are_parts_of_the_status(site: &Site) {
    let status = site.sci_json(&["status"]).expect(0).json();
    for part in ["hosts", "applications", "pairs"] {
        let alone = site.sci_json(&[part]).expect(0).json();
        let names = |list: &Value| -> Vec<String> {
            list.as_array()
                .expect("a list")
                .iter()
                .map(|one| one["name"].to_string())
                .collect()
        };
        assert_eq!(names(&alone), names(&status[part]), "{part}");
        assert!(!site.sci(&[part]).expect(0).out.trim().is_empty());
    }
}

fn conditions_and_the_log_are_listed(site: &Site) {
    let conditions = site.sci_json(&["alarm", "conditions"]).expect(0).json();
    let names: Vec<&str> = conditions
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    for name in [
        "ALRM_PRIMARY_4561_HABackup",
        "ALRM_PRIMARY_4563_HAPrimary",
        "ALRM_BACKUP_4561_HABackup",
        "ALRM_BACKUP_4563_HAPrimary",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let alarms = site.alarms(true);
    assert!(
        alarms
            .iter()
            .any(|alarm| alarm.condition.as_str() == "ALRM_PRIMARY_4563_HAPrimary"),
        "{alarms:?}"
    );

    let promoted = site.events(&["--event", "4563"]);
    let who: Vec<&str> = promoted
        .iter()
        .map(|record| record.event.application.as_str())
        .collect();
    assert_eq!(who, [PRIMARY]);
    assert_eq!(
        promoted[0].event.text,
        "Hot Standby (Primary) mode activated"
    );
    assert_eq!(
        site.events(&["--event", "00-04563", "--application", BACKUP]),
        []
    );
    assert_eq!(site.events(&["--event", "4563", "--since", "1h"]).len(), 1);
    assert!(
        site.events(&["--level", "standard", "--application", PRIMARY])
            .len()
            > 1
    );
    let text = site.sci(&["log", "--event", "4563"]).expect(0).out;
    assert!(
        text.contains("00-04563") && text.contains(PRIMARY),
        "{text}"
    );
}

fn the_timeline_tells_how_the_pair_came_up(site: &Site) {
    let records = site.sci_json(&["timeline"]).expect(0).json();
    let first = &records[0];
    has_keys(
        first,
        &[
            "id", "kind", "title", "outcome", "why", "entries", "reasons",
        ],
    );
    let id = first["id"].to_string();
    assert_eq!(
        site.sci_json(&["timeline", &id]).expect(0).json()["id"],
        first["id"]
    );
    let last = site.sci_json(&["timeline", "last"]).expect(0).json();
    has_keys(
        &last,
        &[
            "id", "kind", "title", "outcome", "why", "entries", "reasons",
        ],
    );
    let why = site.sci_json(&["why", "SIP_EAST"]).expect(0).json();
    has_keys(&why, &["id", "title", "outcome", "why", "reasons"]);
    for words in [
        &["why"][..],
        &["why", "last"],
        &["why", "SIP_EAST"],
        &["why", &id],
        &["timeline", "last"],
    ] {
        assert!(
            !site.sci(words).expect(0).out.trim().is_empty(),
            "{words:?} says nothing"
        );
    }
    assert!(!site.sci(&["reactions"]).expect(0).out.trim().is_empty());
}

fn followers_get_one_object_a_line(site: &mut Site) {
    let mut log = site.sci_in_background(&[
        "log", "--event", "4563", "--limit", "1", "--follow", "--format", "json",
    ]);
    let mut watch = site.sci_in_background(&["status", "--watch", "--format", "json"]);
    let mut events = BufReader::new(log.0.stdout.take().expect("piped")).lines();
    let mut pictures = BufReader::new(watch.0.stdout.take().expect("piped")).lines();
    let line = |site: &Site,
                lines: &mut tokio::io::Lines<BufReader<tokio::process::ChildStdout>>|
     -> Value {
        let next = async { tokio::time::timeout(Duration::from_secs(10), lines.next_line()).await };
        let text = site
            .runtime
            .block_on(next)
            .expect("in time")
            .expect("readable")
            .expect("a line");
        serde_json::from_str(&text).expect("an object a line")
    };
    assert_eq!(line(site, &mut events)["event"]["application"], PRIMARY);
    assert_eq!(line(site, &mut pictures)["pairs"][0]["state"], "ok");
    site.sci(&["switchover", "SIP_EAST", "--reason", "for the followers"])
        .expect(0);
    assert_eq!(line(site, &mut events)["event"]["application"], BACKUP);
    wait_until(Duration::from_secs(10), || {
        let picture = line(site, &mut pictures);
        let holder = &picture["pairs"][0]["virtual_ips"][0]["observed"];
        if *holder == json!(["host2"]) {
            Ok(())
        } else {
            Err(format!("the VIP on host2, not on {holder}"))
        }
    });
    for follower in [log, watch] {
        crate::site::send(
            follower.0.id().expect("it follows still"),
            rustix::process::Signal::INT,
        );
        assert_eq!(follower.ended(site).code, 130, "interrupted");
    }
}

fn wrong_words_end_with_2_and_an_unreachable_scs_with_3(site: &Site) {
    for words in [
        &["switchover", "NOWHERE"][..],
        &["switchover", "SIP_EAST", "--to", "host9"],
        &["start", "NOBODY"],
        &["stop", "NOBODY"],
        &["restart", "NOBODY"],
        &["realign", "NOWHERE"],
        &["alarm", "test", "ALRM_NONE", "--yes"],
        &["alarm", "clear", "99999"],
        &["alarm", "clear", "x"],
        &["maintenance", "on", "NOWHERE"],
        &["maintenance", "on", "SIP_EAST", "--for", "2"],
        &["hosts", "confirm-lost", "host9"],
        &["log-event", "4561", "--application", "NOBODY"],
        &["log", "--event", "high"],
        &["log", "--level", "loud"],
        &["timeline", "NOWHERE"],
        &["timeline", "424242"],
        &["why", "NOWHERE"],
        &["sing"],
    ] {
        let ran = site.sci(words);
        assert_eq!(ran.code, 2, "{words:?}: {ran:?}");
        assert!(!ran.err.is_empty(), "{words:?} says nothing");
    }
    let nobody = ["--scs", "http://127.0.0.1:9", "status"];
    let ran = site.sci(&nobody).expect(3);
    assert!(
        ran.err.contains("127.0.0.1:9"),
        "it says where it looked: {}",
        ran.err
    );
    assert_eq!(ran.out, "");
}

/// Both servers of the pair, whatever their run mode, by way of the SCS.
fn sip_servers_tell_what_they_hold(site: &Site) {
    let mut run_modes = Vec::new();
    for application in [PRIMARY, BACKUP] {
        let shown = site.sci_json(&["calls", application]).expect(0).json();
        assert_eq!(shown["application"], application);
        let run_mode = shown["run_mode"].as_str().expect("a word").to_owned();
        has_keys(
            &shown,
            &[
                "epoch",
                "in_step",
                "sync_number",
                "heard_before_us",
                "call_list",
                "registration_list",
            ],
        );
        let text = site.sci(&["calls", application]).expect(0).out;
        assert!(
            text.starts_with(&format!("{application}  {run_mode}  epoch ")),
            "{text}"
        );
        run_modes.push(run_mode);
    }
    run_modes.sort();
    assert_eq!(run_modes, ["Backup", "Primary"]);
    site.sci(&["calls", "SIP_EAST_1"]).expect(2);
    site.sci(&["calls", PRIMARY, "--call", "x"]).expect(2);
}
