//! The verbs that change something: switchover, start, stop, restart, maintenance, log events.

use crate::asking::{BACKUP, PRIMARY, member, observed, pair, pid};
use crate::environment::Wishes;
use crate::site::{Site, wait_until};
use changeover_model::message::{PairState, RecordKind, RecordOutcome};
use changeover_model::{ApplicationStatus, RunMode};
use std::time::Duration;

#[test]
fn a_switchover_moves_roles_and_vip_once_however_often_it_is_asked_for() {
    let mut site = Site::up(&Wishes::default());
    let before = site.picture().expect("the SCS answers");

    let dry = site
        .sci_json(&["switchover", "SIP_EAST", "--dry-run"])
        .expect(0)
        .json();
    assert_eq!(dry["done"], true);
    assert_eq!(
        pair(&site.picture().expect("it answers")).epoch,
        pair(&before).epoch
    );
    assert_eq!(site.holders_seen(), ["host1"], "a dry run changes nothing");

    let record = site
        .sci_json(&[
            "switchover",
            "SIP_EAST",
            "--to",
            BACKUP,
            "--reason",
            "kernel update",
        ])
        .expect(0);
    let record = record.json();
    assert_eq!(
        [&record["kind"], &record["outcome"], &record["pair"]],
        ["switchover", "done", "SIP_EAST"]
    );
    let after = site.reach_ok(BACKUP);
    assert_eq!(pair(&after).epoch.0, pair(&before).epoch.0 + 1);
    assert_eq!(pair(&after).primary_because, "switchover by operator");
    assert_eq!(site.holders_seen(), ["host1", "-", "host2"]);

    for to in [BACKUP, "host2"] {
        site.sci(&["switchover", "SIP_EAST", "--to", to]).expect(0);
    }
    assert_eq!(
        pair(&site.picture().expect("it answers")).epoch,
        pair(&after).epoch
    );
    assert_eq!(
        site.holders_seen(),
        ["host1", "-", "host2"],
        "asked again, nothing moves"
    );

    let text = site
        .sci(&["switchover", "10.10.11.103", "--to", "host1"])
        .expect(0)
        .out;
    assert!(text.contains("switchover of SIP_EAST"), "{text}");
    site.reach_ok(PRIMARY);
    site.sci(&["switchover", PRIMARY]).expect(0);
    let last = site.reach_ok(BACKUP);
    assert_eq!(
        site.holders_seen(),
        ["host1", "-", "host2", "-", "host1", "-", "host2"]
    );
    for name in [PRIMARY, BACKUP] {
        assert_eq!(
            pid(&last, name),
            pid(&before, name),
            "no server was restarted"
        );
    }
    assert!(
        site.sci(&["why", "SIP_EAST"])
            .expect(0)
            .out
            .contains("switchover")
    );
    the_servers_told_of_each_mode(&site);
}

fn the_servers_told_of_each_mode(site: &Site) {
    let told: Vec<_> = site
        .events(&["--application", PRIMARY])
        .iter()
        .map(|one| one.event.id.0)
        .filter(|id| (4560..=4563).contains(id))
        .collect();
    // The first start makes both a backup first or the primary at once; the switchovers follow one another.
    assert_eq!(told[told.len() - 3..], [4561, 4563, 4561]);
}

#[test]
fn stops_hand_over_first_and_starts_recover_what_was_left_without_a_primary() {
    let mut site = Site::up(&Wishes::default());
    let before = site.picture().expect("the SCS answers");

    site.sci(&["stop", PRIMARY]).expect(0);
    let handed_over = site.reach(
        "the backup primary, the former primary Stopped",
        |picture| {
            member(picture, PRIMARY).status == ApplicationStatus::Stopped
                && member(picture, BACKUP).run_mode == RunMode::Primary
                && observed(picture) == ["host2"]
        },
    );
    assert_eq!(pair(&handed_over).state, PairState::NotReady);
    assert_eq!(site.holders_seen(), ["host1", "-", "host2"]);
    assert_eq!(
        site.sci_json(&["stop", PRIMARY]).expect(1).refused(),
        ["not-running"]
    );

    site.sci(&["start", PRIMARY]).expect(0);
    let back = site.reach_ok(BACKUP);
    assert_eq!(
        member(&back, PRIMARY).run_mode,
        RunMode::Backup,
        "it comes back as backup"
    );
    assert_ne!(pid(&back, PRIMARY), pid(&before, PRIMARY));
    assert_eq!(
        site.sci_json(&["start", PRIMARY]).expect(1).refused(),
        ["already-running"]
    );

    site.sci(&["restart", PRIMARY]).expect(0);
    let restarted = site.reach_ok(BACKUP);
    assert_ne!(pid(&restarted, PRIMARY), pid(&back, PRIMARY));
    assert_eq!(
        site.holders_seen(),
        ["host1", "-", "host2"],
        "restarting a backup moves nothing"
    );
    site.sci(&["restart", BACKUP]).expect(0);
    site.reach_ok(PRIMARY);

    site.sci(&["stop", PRIMARY, "--no-handover"]).expect(0);
    let left = site.reach("no primary, and it stays so", |picture| {
        pair(picture).state == PairState::NoPrimary
            && member(picture, PRIMARY).status == ApplicationStatus::Stopped
    });
    assert_eq!(member(&left, BACKUP).run_mode, RunMode::Backup);
    site.sci(&["start", PRIMARY]).expect(0);
    site.reach("a primary again, with the VIP", |picture| {
        pair(picture).state == PairState::Ok
    });

    let failures: Vec<_> = site
        .alarms(true)
        .into_iter()
        .filter(|alarm| alarm.condition.as_str().contains("5064"))
        .collect();
    assert_eq!(failures, [], "what was ordered is no failure");
}

#[test]
fn in_maintenance_nothing_automatic_happens_and_what_would_happen_is_said_before_it_ends() {
    let mut site = Site::up(&Wishes::default());
    site.sci(&["maintenance", "on", "SIP_EAST", "--for", "2h"])
        .expect(0);
    let on = site.reach("maintenance", |picture| {
        pair(picture).state == PairState::Maintenance
    });
    assert!(pair(&on).maintenance && pair(&on).maintenance_until.is_some());
    site.sci(&["status", "--check"]).expect(1);
    assert_eq!(
        site.sci_json(&["switchover", "SIP_EAST"])
            .expect(1)
            .refused(),
        ["maintenance"]
    );

    crate::site::send(pid(&on, PRIMARY), rustix::process::Signal::KILL);
    let dead = site.reach("server 1 Stopped", |picture| {
        member(picture, PRIMARY).status == ApplicationStatus::Stopped
    });
    assert_eq!(
        member(&dead, BACKUP).run_mode,
        RunMode::Backup,
        "no failover in maintenance"
    );
    let said = site.sci(&["maintenance", "off", "SIP_EAST"]).expect(1);
    assert!(
        format!("{}{}", said.out, said.err).contains("promoted"),
        "it says what would happen: {said:?}"
    );
    assert!(
        pair(&site.picture().expect("it answers")).maintenance,
        "unconfirmed, it goes on"
    );
    site.sci(&["maintenance", "off", "SIP_EAST", "--yes"])
        .expect(0);
    site.reach("the backup primary", |picture| {
        member(picture, BACKUP).run_mode == RunMode::Primary && observed(picture) == ["host2"]
    });
    site.reach("server 1 back as backup", |picture| {
        pair(picture).state == PairState::Ok
    });

    site.sci(&["maintenance", "on", "host1", "--for", "300ms"])
        .expect(0);
    site.reach("its time is over", |picture| {
        pair(picture).state == PairState::Ok
    });
}

#[test]
fn a_log_event_typed_in_by_an_operator_runs_reactions_only_where_they_agree_or_with_a_yes() {
    let mut site = Site::up(&Wishes {
        policy: "realign_after: off".to_owned(),
        ..Wishes::default()
    });
    site.sci(&["log-event", "4561", "--application", PRIMARY])
        .expect(0);
    let told = |site: &Site| {
        site.events(&["--event", "4561", "--application", PRIMARY])
            .len()
    };
    let first = told(&site);
    wait_until(Duration::from_secs(10), || {
        let refused = site.records().into_iter().any(|record| {
            record
                .reasons
                .iter()
                .any(|reason| reason.code.as_str() == "contradicts-roles")
        });
        if refused {
            Ok(())
        } else {
            Err("a record with contradicts-roles".to_owned())
        }
    });
    assert_eq!(site.holders_seen(), ["host1"], "the primary keeps its VIP");

    site.sci(&["log-event", "4561", "--application", PRIMARY, "--yes"])
        .expect(0);
    site.reach("nobody holds the VIP", |picture| {
        pair(picture).state == PairState::VipNone
    });
    assert_eq!(told(&site), first + 1);
    assert_eq!(site.holders_seen(), ["host1", "-"]);
    site.sci(&["realign", "SIP_EAST"]).expect(0);
    site.reach_ok(PRIMARY);

    site.sci(&[
        "log-event",
        "4563",
        "--application",
        PRIMARY,
        "--text",
        "typed in",
    ])
    .expect(0);
    wait_until(Duration::from_secs(10), || {
        let texts: Vec<String> = site
            .events(&["--event", "4563"])
            .iter()
            .map(|one| one.event.text.clone())
            .collect();
        if texts.contains(&"typed in".to_owned()) {
            Ok(())
        } else {
            Err(format!("the text, not {texts:?}"))
        }
    });
    assert_eq!(
        site.holders_seen(),
        ["host1", "-", "host1"],
        "what agrees with the roles changes nothing"
    );
}

#[test]
fn a_wait_that_is_over_ends_with_1_and_the_switchover_goes_on() {
    let mut site = Site::up(&Wishes::default());
    crate::environment::write_script(
        &site.folder,
        "set_ip_up.sh",
        &format!("sleep 1; {}", crate::environment::GOOD_UP),
    );
    let ran = site
        .sci(&["switchover", "SIP_EAST", "--timeout", "100ms"])
        .expect(1);
    assert!(ran.err.contains("goes on"), "{}", ran.err);
    site.reach_ok(BACKUP);
    let record = site.last_record();
    assert_eq!(
        (record.kind, record.outcome),
        (RecordKind::Switchover, Some(RecordOutcome::Done))
    );
}
