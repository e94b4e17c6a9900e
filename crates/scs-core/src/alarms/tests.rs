//! Situations of the alarm book and what it then says.

use super::*;
use changeover_model::environment::{
    Application, Host, ManagementLayer, Ports, Selection, StartInfo,
};
use changeover_model::message::AlarmMatch;
use changeover_model::{ApplicationType, Epoch, LogEventId, LogLevel, OperatingSystem, ScriptName};
use indexmap::IndexMap;
use std::time::Duration;

const HOUR: u64 = 3_600_000_000;
const CAUSE: CauseId = CauseId(7);

fn condition(name: &str, detect: u32, selection: Selection) -> AlarmCondition {
    AlarmCondition {
        name: name.into(),
        description: String::new(),
        category: AlarmCategory::Major,
        detect: LogEventId(detect),
        selection,
        cancel: Some(LogEventId(8001)),
        cancel_timeout: Duration::from_secs(3600),
        reaction_scripts: vec!["REACT".into()],
        clearance_scripts: Vec::new(),
        enabled: true,
    }
}

fn environment() -> Environment {
    let application = |name: &str| Application {
        name: name.into(),
        application_type: ApplicationType::SipServer,
        host: "host1".into(),
        switch: None,
        redundancy: None,
        backup_server: None,
        ports: Ports::default(),
        start_info: StartInfo::default(),
        connections: Vec::new(),
        options: IndexMap::new(),
        health: Vec::new(),
        on_primary: Vec::new(),
        on_backup: Vec::new(),
    };
    let mut own = condition("OWN", 4561, Selection::Application("A".into()));
    own.clearance_scripts = vec!["CLEAR".into()];
    let any = condition("ANY", 8002, Selection::Any);
    let by_type = condition(
        "TYPE",
        1,
        Selection::ApplicationType(ApplicationType::ThirdPartyServer),
    );
    Environment {
        name: "east".into(),
        management_layer: ManagementLayer {
            scs_host: "host1".into(),
            scs_port: 1,
            message_server: "MessageServer".into(),
            message_server_host: "host1".into(),
            message_server_port: 2,
            log_keep: Duration::ZERO,
            log_size: 0,
            smtp: None,
            snmp: None,
        },
        hosts: [(
            "host1".into(),
            Host {
                name: "host1".into(),
                os: OperatingSystem::Linux,
                address: [10, 0, 0, 1].into(),
                lca_port: 4999,
                addp: changeover_model::environment::Addp::default(),
                disconnect_switchover_timeout: Duration::ZERO,
                lca_restart_timeout: Duration::ZERO,
            },
        )]
        .into(),
        switches: IndexMap::new(),
        applications: ["A", "B"]
            .map(|name| (ApplicationName::from(name), application(name)))
            .into(),
        scripts: IndexMap::new(),
        alarm_conditions: [own, any, by_type]
            .map(|condition| (condition.name.clone(), condition))
            .into(),
        pairs: IndexMap::new(),
    }
}

fn book() -> AlarmBook {
    let mut book = AlarmBook::new();
    book.configure(Arc::new(environment()));
    book
}

fn detection(sequence: u64, application: &str, condition: &str, role: MatchRole) -> AlarmDetected {
    AlarmDetected {
        event: LogEvent {
            source: SourceId("A/1".into()),
            sequence,
            application: application.into(),
            host: None,
            id: LogEventId(4561),
            level: LogLevel::Standard,
            text: "Hot Standby (backup) mode activated".into(),
            at: Timestamp(0),
            epoch: Some(Epoch(2)),
            cause: Some(CAUSE),
            origin: LogOrigin::Application,
        },
        matches: vec![AlarmMatch {
            condition: condition.into(),
            role,
        }],
        matched_at: Timestamp(0),
    }
}

/// One line per effect: what happened to which alarm, and what is asked to be run.
fn lines(effects: Vec<AlarmEffect>) -> Vec<String> {
    let scripts = |run: Option<ReactionRequest>| match run.map(|run| run.target) {
        Some(Target::Scripts(scripts)) => {
            let names: Vec<&str> = scripts.iter().map(ScriptName::as_str).collect();
            format!(" runs {}", names.join(", "))
        }
        Some(Target::AlignPair(_)) | None => String::new(),
    };
    effects
        .into_iter()
        .map(|effect| match effect {
            AlarmEffect::Activated {
                alarm,
                renewed,
                run,
            } => {
                let verb = if renewed { "renewed" } else { "activated" };
                format!(
                    "#{} {} of {} {verb} by {}{}",
                    alarm.id,
                    alarm.condition,
                    alarm.application,
                    alarm.activated_by,
                    scripts(run)
                )
            }
            AlarmEffect::Cleared { alarm, run } => format!(
                "#{} cleared by {}{}",
                alarm.id,
                alarm.cleared_by.unwrap_or_default(),
                scripts(run)
            ),
        })
        .collect()
}

fn detect(book: &mut AlarmBook, at: u64, detected: &AlarmDetected) -> Vec<String> {
    let mut effects = Vec::new();
    book.detected(Timestamp(at), detected, CAUSE, &mut effects);
    lines(effects)
}

#[test]
fn a_second_event_renews_the_alarm_and_runs_its_reactions_again() {
    let mut book = book();
    assert_eq!(
        detect(&mut book, 10, &detection(1, "A", "OWN", MatchRole::Detect)),
        ["#1 OWN of A activated by log message 00-04561 runs REACT"]
    );
    assert_eq!(
        detect(&mut book, 20, &detection(2, "A", "OWN", MatchRole::Detect)),
        ["#1 OWN of A renewed by log message 00-04561 runs REACT"]
    );
    let alarm = book.get(AlarmId(1)).expect("active");
    assert_eq!(
        (alarm.activated_at, alarm.renewed_at, alarm.clears_at),
        (Timestamp(10), Timestamp(20), Some(Timestamp(20 + HOUR)))
    );
    // The same condition of another application is another alarm.
    assert_eq!(
        detect(&mut book, 30, &detection(3, "B", "ANY", MatchRole::Detect)),
        ["#2 ANY of B activated by log message 00-04561 runs REACT"]
    );
    assert_eq!(book.active_count(), 2);
}

#[test]
fn a_request_carries_the_event_its_epoch_and_its_cause() {
    let mut book = book();
    let detected = detection(1, "A", "OWN", MatchRole::Detect);
    let mut effects = Vec::new();
    book.detected(Timestamp(10), &detected, CAUSE, &mut effects);
    let [AlarmEffect::Activated { run: Some(run), .. }] = effects.as_slice() else {
        panic!("one activation with a request, not {effects:?}");
    };
    assert_eq!(
        *run,
        ReactionRequest {
            origin: Origin::Event {
                event: detected.event,
                alarm: AlarmId(1),
                condition: "OWN".into(),
            },
            reporting_application: Some("A".into()),
            target: Target::Scripts(vec!["REACT".into()]),
            epoch: Some(Epoch(2)),
            cause: CAUSE,
            operator_confirmed: false,
        }
    );
}

#[test]
fn a_repeated_detection_changes_nothing_also_after_a_restart() {
    let mut book = book();
    let first = detection(5, "A", "OWN", MatchRole::Detect);
    assert!(!book.is_repetition(&first));
    detect(&mut book, 10, &first);
    assert!(book.is_repetition(&first));
    assert_eq!(detect(&mut book, 11, &first), [""; 0]);
    let mut book = AlarmBook::restore(book.snapshot());
    book.configure(Arc::new(environment()));
    assert_eq!(detect(&mut book, 12, &first), [""; 0]);
    // An earlier sequence that comes late is no repetition.
    let late = detection(4, "A", "OWN", MatchRole::Detect);
    assert_eq!(
        detect(&mut book, 13, &late),
        ["#1 OWN of A renewed by log message 00-04561 runs REACT"]
    );
}

#[test]
fn what_is_remembered_of_detections_is_bounded_and_errs_towards_known() {
    let mut book = book();
    for sequence in 1..=1_000 {
        detect(
            &mut book,
            10,
            &detection(sequence, "A", "OWN", MatchRole::Detect),
        );
    }
    assert_eq!(book.snapshot().seen[0].above.len(), 256);
    for sequence in [1, 700, 1_000] {
        assert!(book.is_repetition(&detection(sequence, "A", "OWN", MatchRole::Detect)));
    }
    assert!(!book.is_repetition(&detection(1_001, "A", "OWN", MatchRole::Detect)));
}

#[test]
fn the_cancel_event_clears_the_alarm_of_its_application_and_runs_the_clearance_scripts() {
    let mut book = book();
    detect(&mut book, 10, &detection(1, "A", "OWN", MatchRole::Detect));
    detect(&mut book, 10, &detection(2, "A", "ANY", MatchRole::Detect));
    assert_eq!(
        detect(&mut book, 20, &detection(3, "B", "ANY", MatchRole::Cancel)),
        [""; 0]
    );
    assert_eq!(
        detect(&mut book, 20, &detection(4, "A", "OWN", MatchRole::Cancel)),
        ["#1 cleared by cancel event 00-04561 runs CLEAR"]
    );
    assert_eq!(book.active_count(), 1);
    assert_eq!(book.pictures(true).len(), 2);
}

#[test]
fn an_alarm_clears_itself_one_timeout_after_its_last_renewal_also_over_a_restart() {
    let mut book = book();
    detect(&mut book, 0, &detection(1, "A", "OWN", MatchRole::Detect));
    detect(&mut book, 500, &detection(2, "A", "OWN", MatchRole::Detect));
    let mut book = AlarmBook::restore(book.snapshot());
    book.configure(Arc::new(environment()));
    assert_eq!(book.deadline(), Some(Timestamp(500 + HOUR)));
    let mut effects = Vec::new();
    book.tick(Timestamp(499 + HOUR), &mut effects);
    assert_eq!(effects, []);
    book.tick(Timestamp(500 + HOUR), &mut effects);
    assert_eq!(lines(effects), ["#1 cleared by timeout runs CLEAR"]);
    assert_eq!((book.active_count(), book.deadline()), (0, None));
}

#[test]
fn an_operator_clears_an_alarm_once() {
    let mut book = book();
    detect(&mut book, 0, &detection(1, "A", "OWN", MatchRole::Detect));
    let mut effects = Vec::new();
    let cleared = book.clear(Timestamp(5), AlarmId(1), "root@laptop", &mut effects);
    assert_eq!(cleared, Ok(()));
    assert_eq!(
        lines(effects),
        ["#1 cleared by manual, root@laptop runs CLEAR"]
    );
    let mut effects = Vec::new();
    let again = book.clear(Timestamp(6), AlarmId(1), "root@laptop", &mut effects);
    assert_eq!(
        again.map_err(|refusal| refusal.to_string()),
        Err("already-so: alarm #1 is cleared already, by manual, root@laptop".to_owned())
    );
    let unknown = book.clear(Timestamp(6), AlarmId(9), "root@laptop", &mut effects);
    assert_eq!(
        unknown.map_err(|refusal| refusal.code),
        Err(RefusalCode::UnknownName)
    );
    assert_eq!(effects, []);
}

#[test]
fn a_test_activates_as_if_the_event_had_come_and_needs_one_application() {
    let mut book = book();
    let mut test = |condition: &str, application: Option<&str>| {
        let mut effects = Vec::new();
        let application = application.map(ApplicationName::from);
        book.test(
            Timestamp(5),
            &condition.into(),
            application.as_ref(),
            "root@laptop",
            CAUSE,
            &mut effects,
        )
        .map(|_| lines(effects))
        .map_err(|refusal| refusal.to_string())
    };
    let activated = "#1 OWN of A activated by manual (Test) by root@laptop runs REACT";
    assert_eq!(test("OWN", None), Ok(vec![activated.to_owned()]));
    for (condition, application, refusal) in [
        (
            "NONE",
            None,
            "unknown-name: there is no Alarm Condition NONE; `sci alarm conditions` lists them",
        ),
        (
            "OWN",
            Some("B"),
            "bad-request: OWN is selected by application A, not B",
        ),
        (
            "ANY",
            None,
            "bad-request: ANY matches more than one application: add --application",
        ),
        ("ANY", Some("X"), "unknown-name: there is no application X"),
        (
            "TYPE",
            Some("A"),
            "bad-request: TYPE matches applications of type ThirdPartyServer; A is none",
        ),
    ] {
        assert_eq!(test(condition, application), Err(refusal.to_owned()));
    }
    assert_eq!(book.active_count(), 1);
    let request = book.test_request(&"OWN".into(), None, "root@laptop", CAUSE);
    let origin = request.map(|request| request.origin);
    assert!(
        matches!(origin, Ok(Origin::Test { alarm: None, .. })),
        "{origin:?}"
    );
}

#[test]
fn the_management_layers_own_alarm_is_raised_once_and_cleared_by_its_key() {
    let mut book = book();
    let mut raise = |at: u64, text: &str| {
        let mut effects = Vec::new();
        let alarm = ManagementAlarm {
            key: "status/A".into(),
            name: "SERVICE_UNAVAILABLE (5094)".into(),
            category: AlarmCategory::Major,
            application: "A".into(),
            text: text.into(),
            cause: None,
        };
        book.raise(Timestamp(at), alarm, &mut effects);
        lines(effects)
    };
    assert_eq!(
        raise(1, "no SIP"),
        ["#1 SERVICE_UNAVAILABLE (5094) of A activated by Management Layer"]
    );
    assert_eq!(raise(2, "no SIP"), [""; 0]);
    assert_eq!(raise(3, "no SIP for 12 s"), [""; 0]);
    assert!(book.is_raised("status/A"));
    let alarm = book.get(AlarmId(1)).expect("active");
    assert_eq!(
        (alarm.text.as_str(), alarm.clears_at),
        ("no SIP for 12 s", None)
    );
    let mut effects = Vec::new();
    assert!(book.clear_raised(Timestamp(4), "status/A", "5093", &mut effects));
    assert!(!book.clear_raised(Timestamp(5), "status/A", "5093", &mut effects));
    assert_eq!(lines(effects), ["#1 cleared by 5093"]);
}

#[test]
fn every_change_is_handed_out_for_persistence_and_the_history_is_bounded() {
    let mut book = book();
    let mut kept: BTreeMap<AlarmId, StoredAlarm> = BTreeMap::new();
    for sequence in 1..=HISTORY as u64 + 3 {
        detect(
            &mut book,
            sequence,
            &detection(2 * sequence, "A", "OWN", MatchRole::Detect),
        );
        detect(
            &mut book,
            sequence,
            &detection(2 * sequence + 1, "A", "OWN", MatchRole::Cancel),
        );
        for change in book.take_changes() {
            match change {
                AlarmChange::Store(alarm) => {
                    kept.insert(alarm.picture.id, alarm);
                }
                AlarmChange::Delete(id) => {
                    kept.remove(&id);
                }
                AlarmChange::StoreSeen(_) | AlarmChange::DeleteSeen(_) => {}
            }
        }
    }
    assert_eq!(kept.len(), HISTORY);
    assert_eq!(kept.keys().next(), Some(&AlarmId(4)));
    let snapshot = book.snapshot();
    assert_eq!(snapshot.alarms, kept.into_values().collect::<Vec<_>>());
    let mut book = AlarmBook::restore(snapshot);
    book.configure(Arc::new(environment()));
    assert_eq!(
        detect(
            &mut book,
            9,
            &detection(9_999, "A", "OWN", MatchRole::Detect)
        ),
        ["#1004 OWN of A activated by log message 00-04561 runs REACT"]
    );
}

#[test]
fn conditions_are_listed_with_their_active_alarms() {
    let mut book = book();
    detect(&mut book, 0, &detection(1, "A", "ANY", MatchRole::Detect));
    detect(&mut book, 0, &detection(2, "B", "ANY", MatchRole::Detect));
    let listed: Vec<String> = book
        .conditions()
        .into_iter()
        .map(|one| format!("{}: {}, {} active", one.name, one.selection, one.active))
        .collect();
    assert_eq!(
        listed,
        [
            "OWN: A, 0 active",
            "ANY: any, 2 active",
            "TYPE: type ThirdPartyServer, 0 active"
        ]
    );
}
