//! What a scrape of the SCS says about a picture, about records that have ended, and about what passed.

use super::observer::Flows;
use super::records::Records;
use super::site::Site;
use super::*;
use changeover_metrics::exposition;
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{
    AlarmPicture, FromLca, LcaOrder, LcaReport, Party, Picture, RecordKind, RecordOutcome, Step,
    TimelineEntry, TimelineRecord, ToLca,
};
use changeover_model::{
    AlarmId, CauseId, Epoch, LogEventId, Refusal, RefusalCode, RunMode, ScriptAction, Ticket,
    Timestamp,
};
use changeover_scs_core::alarms::{AlarmKey, StoredAlarm};
use changeover_scs_core::{LinkLoss, ScsInput, ScsOutput, StoreChange, StoredState};
use std::collections::BTreeMap;
use std::time::Duration;

fn scraped(catalogue: &Catalogue) -> BTreeMap<String, f64> {
    let text = catalogue.text();
    assert_eq!(exposition::faults(&text), Vec::<String>::new(), "{text}");
    exposition::samples(&text)
}

/// All series whose name begins so, written as in the exposition.
fn series(samples: &BTreeMap<String, f64>, prefix: &str) -> Vec<String> {
    samples
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, value)| format!("{name} {value}"))
        .collect()
}

fn picture() -> Picture {
    let json = serde_json::json!({
        "environment": "east",
        "hosts": [
            {"name": "host1", "status": "Running", "needs_lca": true, "maintenance": false,
             "clock_offset_us": -250, "round_trip_us": 300, "since": 0, "reason": ""},
            {"name": "mgmt1", "status": "Unknown", "needs_lca": false, "maintenance": false,
             "clock_offset_us": null, "round_trip_us": null, "since": 0, "reason": ""},
        ],
        "applications": [],
        "pairs": [{
            "name": "SIP_EAST", "redundancy": "hot", "epoch": 7, "state": "vip-two",
            "maintenance": false, "maintenance_until": null, "test_hold_ms": null,
            "members": [
                {"application": "A", "host": "host1", "configured_as": "primary", "run_mode": "Primary",
                 "status": "Running", "in_step": true, "since": 0, "reason": ""},
                {"application": "B", "host": "host2", "configured_as": "backup", "run_mode": "Backup",
                 "status": "Running", "in_step": false, "since": 0, "reason": "says \"wait\"\n"},
            ],
            "virtual_ips": [{"address": "10.10.11.103/24", "intended": "host1",
                             "observed": ["host1", "host2"], "last_seen": []}],
            "ready": {"switchover": false, "reasons": [{"code": "not-in-step", "reason": "for people"}]},
            "suppressed": [], "primary_because": "", "last_record": null,
        }],
        "active_alarms": 2,
        "alarms": [],
        "message_server_connected": true, "scs": "mgmt1:7770", "revision": 4, "is_it_me": false,
        "warnings": [], "at": 0,
    });
    serde_json::from_value(json).expect("a picture")
}

fn alarm(id: u64, condition: &str, about: &str) -> AlarmPicture {
    AlarmPicture {
        id: AlarmId(id),
        condition: condition.into(),
        category: AlarmCategory::Critical,
        application: about.into(),
        activated_at: Timestamp(0),
        renewed_at: Timestamp(0),
        clears_at: None,
        cleared_at: None,
        text: "for people".to_owned(),
        activated_by: String::new(),
        cleared_by: None,
        cause: None,
    }
}

#[test]
fn a_picture_becomes_gauges_and_what_has_left_it_has_none() {
    let mut catalogue = Catalogue::new("scs", "test");
    let site = Site::new(&mut catalogue);
    let mut shown = picture();
    shown.alarms = vec![
        alarm(1, "VIP_RIVAL", "SIP_EAST"),
        alarm(2, "VIP_RIVAL", "SIP_EAST"),
        alarm(3, "PAIR_FLAPPING (10327)", "SIP_EAST"),
    ];
    site.show(Some(&shown));
    let samples = scraped(&catalogue);
    assert_eq!(
        series(&samples, "changeover_vip_holder"),
        [
            r#"changeover_vip_holder{host="host1",kind="intended",pair="SIP_EAST",vip="10.10.11.103/24"} 1"#,
            r#"changeover_vip_holder{host="host1",kind="observed",pair="SIP_EAST",vip="10.10.11.103/24"} 1"#,
            r#"changeover_vip_holder{host="host2",kind="intended",pair="SIP_EAST",vip="10.10.11.103/24"} 0"#,
            r#"changeover_vip_holder{host="host2",kind="observed",pair="SIP_EAST",vip="10.10.11.103/24"} 1"#,
        ]
    );
    assert_eq!(
        series(&samples, "changeover_alarms_active"),
        [
            r#"changeover_alarms_active{category="Critical",condition="PAIR_FLAPPING (10327)",object="SIP_EAST"} 1"#,
            r#"changeover_alarms_active{category="Critical",condition="VIP_RIVAL",object="SIP_EAST"} 2"#,
        ]
    );
    let states = series(&samples, "changeover_pair_state");
    assert_eq!(states.len(), 12);
    let now: Vec<&String> = states.iter().filter(|one| one.ends_with(" 1")).collect();
    assert_eq!(
        now,
        [r#"changeover_pair_state{pair="SIP_EAST",state="vip-two"} 1"#]
    );
    for (name, value) in [
        (r#"changeover_pair_epoch{pair="SIP_EAST"}"#, 7.0),
        (r#"changeover_pair_ready{pair="SIP_EAST"}"#, 0.0),
        (
            r#"changeover_pair_obstacle{code="not-in-step",pair="SIP_EAST"}"#,
            1.0,
        ),
        (r#"changeover_pair_flapping{pair="SIP_EAST"}"#, 1.0),
        (
            r#"changeover_host_clock_offset_seconds{host="host1"}"#,
            -0.00025,
        ),
        (
            r#"changeover_pair_member_in_step{application="B",host="host2",pair="SIP_EAST"}"#,
            0.0,
        ),
        ("changeover_environment_revision", 4.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name}");
    }
    assert_eq!(
        series(&samples, r#"changeover_host_status{host="mgmt1""#),
        [""; 0],
        "nothing is managed there"
    );

    shown.pairs.clear();
    site.show(Some(&shown));
    let samples = scraped(&catalogue);
    assert_eq!(series(&samples, "changeover_pair"), [""; 0]);
    assert_eq!(series(&samples, "changeover_vip"), [""; 0]);
    site.show(None);
    assert_eq!(series(&scraped(&catalogue), "changeover_host"), [""; 0]);
}

fn entry(at_ms: u64, step: Step) -> TimelineEntry {
    TimelineEntry {
        at: Timestamp(at_ms * 1_000),
        uncertainty: Duration::ZERO,
        who: Party::Scs,
        step,
        what: String::new(),
        evidence: String::new(),
    }
}

fn record(kind: RecordKind, outcome: RecordOutcome) -> TimelineRecord {
    TimelineRecord {
        id: CauseId(1),
        kind,
        pair: Some("SIP_EAST".into()),
        title: String::new(),
        trigger: String::new(),
        opened_at: Timestamp(0),
        closed_at: Some(Timestamp(9_000)),
        epoch_before: Epoch(1),
        epoch_after: Epoch(2),
        outcome: Some(outcome),
        why: String::new(),
        reasons: Vec::new(),
        entries: Vec::new(),
    }
}

/// A switchover with one control script on either side; a step each millisecond or two.
fn switchover_steps() -> Vec<TimelineEntry> {
    let (down, up) = (
        || ("A_VIP_DOWN".into(), Some(ScriptAction::Disable)),
        || ("B_VIP_UP".into(), Some(ScriptAction::Enable)),
    );
    vec![
        entry(0, Step::Requested),
        entry(1, Step::RunModeOrdered("A".into(), RunMode::Backup)),
        entry(1, Step::RunModeOrdered("B".into(), RunMode::Primary)),
        entry(2, Step::RunModeAcknowledged("A".into(), RunMode::Backup)),
        entry(2, Step::EventLogged("A".into(), LogEventId(4561))),
        entry(3, Step::AlarmActivated(AlarmId(1), "C".into())),
        entry(3, Step::Launched(down().0, down().1)),
        entry(4, Step::RunModeAcknowledged("B".into(), RunMode::Primary)),
        entry(5, Step::VipGone("host1".into())),
        entry(5, Step::Finished(down().0, down().1, true)),
        entry(5, Step::Launched(up().0, up().1)),
        entry(8, Step::VipSeen("host2".into())),
        entry(8, Step::Finished(up().0, up().1, true)),
    ]
}

#[test]
fn a_switchover_is_counted_by_cause_and_outcome_and_each_of_its_steps_is_measured() {
    let mut catalogue = Catalogue::new("scs", "test");
    let records = Records::new(&mut catalogue);
    records.begin("SIP_EAST");
    let mut done = record(RecordKind::Switchover, RecordOutcome::Done);
    done.entries = switchover_steps();
    records.count(&done);
    records.count(&record(RecordKind::Failover, RecordOutcome::Failed));
    records.count(&record(RecordKind::Realignment, RecordOutcome::Done));
    // A stop that handed over, and a start of a backup, which changed no primary.
    let mut stop = record(RecordKind::Operation, RecordOutcome::Done);
    stop.entries = vec![entry(1, Step::RunModeOrdered("B".into(), RunMode::Primary))];
    records.count(&stop);
    records.count(&record(RecordKind::Operation, RecordOutcome::Done));
    let mut refused = record(RecordKind::Refusal, RecordOutcome::Refused);
    refused.reasons = [RefusalCode::NotInStep, RefusalCode::Maintenance]
        .map(|code| Refusal::new(code, "for people"))
        .to_vec();
    records.count(&refused);
    refused.kind = RecordKind::Suppression;
    records.count(&refused);

    let samples = scraped(&catalogue);
    let counted: Vec<String> = series(&samples, "changeover_switchovers_total")
        .into_iter()
        .filter(|one| !one.ends_with(" 0"))
        .collect();
    assert_eq!(
        counted,
        [
            r#"changeover_switchovers_total{cause="failover",outcome="failed",pair="SIP_EAST"} 1"#,
            r#"changeover_switchovers_total{cause="hand-over",outcome="done",pair="SIP_EAST"} 1"#,
            r#"changeover_switchovers_total{cause="planned",outcome="done",pair="SIP_EAST"} 1"#,
        ]
    );
    assert_eq!(
        series(&samples, "changeover_switchover_step_duration_seconds_sum"),
        [
            ("alarm-to-release", 0.002),
            ("alarm-to-takeover", 0.005),
            ("control-script", 0.005),
            ("demotion", 0.001),
            ("event-to-alarm", 0.001),
            ("promotion", 0.003),
            ("vip-move", 0.003),
        ]
        .map(|(step, seconds)| {
            format!("changeover_switchover_step_duration_seconds_sum{{step=\"{step}\"}} {seconds}")
        })
    );
    assert_eq!(
        samples[r#"changeover_switchover_duration_seconds_sum{cause="planned",pair="SIP_EAST"}"#],
        0.009
    );
    for family in ["refusals", "suppressions"] {
        assert_eq!(
            series(&samples, &format!("changeover_{family}_total")),
            ["maintenance", "not-in-step"].map(|code| format!(
                "changeover_{family}_total{{code=\"{code}\",pair=\"SIP_EAST\"}} 1"
            ))
        );
    }
    assert_eq!(
        series(&samples, "changeover_realignments_total"),
        [r#"changeover_realignments_total{outcome="done",pair="SIP_EAST"} 1"#]
    );
}

fn beat(connection: u64, sequence: u64) -> ScsOutput {
    ScsOutput::ToLca {
        host: "host1".into(),
        connection,
        message: Box::new(ToLca {
            sent_at: Timestamp(0),
            cause: None,
            body: LcaOrder::Beat {
                sequence,
                answered: 0,
                grants: Vec::new(),
            },
        }),
    }
}

fn answer(connection: u64, sequence: u64) -> ScsInput {
    ScsInput::LcaMessage {
        host: "host1".into(),
        connection,
        message: Box::new(FromLca {
            sent_at: Timestamp(0),
            cause: None,
            body: LcaReport::BeatAnswered { sequence },
        }),
    }
}

fn persist(ids: &[u64]) -> ScsOutput {
    let alarm = |id: &u64| {
        StoreChange::Alarm(StoredAlarm {
            key: AlarmKey::Management(format!("{id}")),
            picture: alarm(*id, "HOST_LOST", "host1"),
        })
    };
    ScsOutput::Persist {
        ticket: Ticket(1),
        changes: ids.iter().map(alarm).collect(),
    }
}

#[test]
fn links_beats_and_alarms_are_counted_as_they_pass_and_nothing_twice() {
    let mut catalogue = Catalogue::new("scs", "test");
    let flows = Flows::new(&mut catalogue);
    let mut stored = StoredState::default();
    if let ScsOutput::Persist { changes, .. } = persist(&[3]) {
        changes.into_iter().for_each(|change| stored.apply(change));
    }
    let mut observer = Observer::new(flows, &stored);
    let host = || "host1".into();
    for loss in [LinkLoss::Refused, LinkLoss::Refused, LinkLoss::TimedOut] {
        observer.took(Timestamp(0), &ScsInput::DialFailed { host: host(), loss });
    }
    let connected = |connection| ScsInput::LcaConnected {
        host: host(),
        connection,
    };
    observer.took(Timestamp(0), &connected(1));
    observer.acts(Timestamp(1_000), &beat(1, 1));
    observer.acts(Timestamp(2_000), &beat(1, 2));
    observer.took(Timestamp(2_300), &answer(1, 2));
    // An answer that nobody waits for, and one of a connection that is over.
    observer.took(Timestamp(2_400), &answer(1, 2));
    observer.took(Timestamp(2_500), &answer(2, 1));
    observer.acts(Timestamp(3_000), &persist(&[3, 5, 4]));
    observer.acts(Timestamp(3_000), &persist(&[5]));
    let lost = ScsInput::LcaDisconnected {
        host: host(),
        connection: 1,
        loss: LinkLoss::Closed,
    };
    observer.took(Timestamp(4_000), &lost);

    let samples = scraped(&catalogue);
    assert_eq!(
        series(&samples, "changeover_link_dial"),
        [
            r#"changeover_link_dial_failures_total{loss="refused",peer="host1",role="lca"} 2"#,
            r#"changeover_link_dial_failures_total{loss="timed-out",peer="host1",role="lca"} 1"#,
        ]
    );
    for (name, value) in [
        (r#"changeover_link_up{peer="host1",role="lca"}"#, 0.0),
        (
            r#"changeover_link_connects_total{peer="host1",role="lca"}"#,
            1.0,
        ),
        (
            r#"changeover_link_losses_total{loss="closed",peer="host1",role="lca"}"#,
            1.0,
        ),
        (
            r#"changeover_link_round_trip_seconds_count{peer="host1"}"#,
            1.0,
        ),
        (
            r#"changeover_link_round_trip_seconds_sum{peer="host1"}"#,
            0.0003,
        ),
        (
            r#"changeover_alarms_activated_total{category="Critical",condition="HOST_LOST"}"#,
            2.0,
        ),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name}");
    }
}
