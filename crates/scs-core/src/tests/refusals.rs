//! What operators are refused, with every reason at once, and what force overrides.

use super::desk::{A, B, Desk, switchover_to};
use changeover_model::message::{
    LogEvent, LogOrigin, MaintenanceTarget, OperatorCommand, PairState, RecordKind, SourceId,
    SwitchoverRequest,
};
use changeover_model::{ApplicationStatus, LogEventId, LogLevel, RefusalCode};
use std::time::Duration;

fn maintenance(on: bool, confirmed: bool) -> OperatorCommand {
    OperatorCommand::SetMaintenance {
        target: MaintenanceTarget::Named("EAST".into()),
        on,
        duration: Some(Duration::from_secs(7_200)),
        confirmed,
    }
}

fn switchover(force: bool, dry_run: bool) -> OperatorCommand {
    OperatorCommand::Switchover(SwitchoverRequest {
        pair: "10.10.11.103".into(),
        to: None,
        reason: "test".into(),
        dry_run,
        force,
    })
}

fn test_of(condition: &str, dry_run: bool, confirmed: bool) -> OperatorCommand {
    OperatorCommand::TestAlarm {
        condition: condition.into(),
        application: None,
        dry_run,
        confirmed,
    }
}

#[test]
fn a_refused_switchover_names_all_its_reasons_and_leaves_a_record() {
    let mut desk = Desk::running();
    desk.server_is(B, |state| state.status = ApplicationStatus::Stopped);
    desk.asks(maintenance(true, false));
    desk.seen();
    desk.asks(switchover(false, false));
    assert_eq!(
        desk.seen(),
        ["answer 2: refused backup-not-running maintenance"]
    );
    assert_eq!(desk.story().0, "Refusal Refused");
    desk.asks(switchover(true, false));
    assert_eq!(
        desk.seen(),
        ["answer 3: refused backup-not-running"],
        "force never promotes a server that is not Started"
    );
    desk.asks(switchover(false, true));
    assert_eq!(
        desk.seen(),
        ["answer 4: refused backup-not-running maintenance"]
    );
}

#[test]
fn force_overrides_what_is_not_in_step_and_maintenance() {
    let mut desk = Desk::running();
    desk.server_is(B, |state| state.in_step = false);
    desk.asks(maintenance(true, false));
    desk.seen();
    desk.asks(switchover(false, false));
    assert_eq!(desk.seen(), ["answer 2: refused not-in-step maintenance"]);
    desk.asks(switchover(true, false));
    assert_eq!(desk.seen_of(&["host1"]).len(), 2);
}

#[test]
fn names_that_mean_nothing_are_refused_as_unusable_input() {
    let mut desk = Desk::running();
    desk.asks(switchover_to(Some("host9")));
    desk.asks(OperatorCommand::Realign {
        pair: "WEST".into(),
    });
    desk.asks(OperatorCommand::Start {
        application: "NOBODY".into(),
    });
    desk.asks(OperatorCommand::ConfirmLost {
        hosts: vec!["host9".into()],
    });
    desk.asks(test_of("NOTHING", true, false));
    assert!(
        desk.seen()
            .iter()
            .all(|line| line.ends_with("refused unknown-name"))
    );
    desk.asks(OperatorCommand::Start {
        application: "A_UP".into(),
    });
    desk.asks(OperatorCommand::Start {
        application: A.into(),
    });
    assert_eq!(
        desk.seen(),
        [
            "answer 6: refused bad-request",
            "answer 7: refused already-running"
        ]
    );
}

#[test]
fn a_second_procedure_is_refused_while_one_is_under_way() {
    let mut desk = Desk::running();
    desk.switchover();
    desk.seen();
    desk.switchover();
    desk.asks(OperatorCommand::Realign {
        pair: "EAST".into(),
    });
    assert_eq!(
        desk.seen(),
        [
            "answer 2: refused procedure-under-way",
            "answer 3: refused procedure-under-way"
        ]
    );
}

#[test]
fn a_stop_of_a_primary_that_cannot_hand_over_is_refused() {
    let mut desk = Desk::running();
    desk.server_is(B, |state| state.status = ApplicationStatus::Stopped);
    desk.seen();
    desk.asks(OperatorCommand::Stop {
        application: A.into(),
        no_handover: false,
    });
    assert_eq!(
        desk.seen(),
        ["answer 1: refused handover-impossible backup-not-running"]
    );
}

#[test]
fn maintenance_stops_failover_and_off_tells_first_what_would_happen() {
    let mut desk = Desk::running();
    desk.asks(maintenance(true, false));
    desk.dies(A);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    assert_eq!(desk.state(), PairState::Maintenance);
    desk.asks(maintenance(false, false));
    assert_eq!(
        desk.seen_of(&["answer"]),
        ["answer 2: predicted [\"EAST: SIP_SERVER_BACKUP would be promoted\"]"]
    );
    desk.asks(maintenance(false, true));
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn a_test_needs_a_yes_on_a_live_pair_and_holds_realignment() {
    let mut desk = Desk::running();
    desk.asks(test_of("ALRM_A_4561", true, false));
    assert!(desk.seen_of(&["answer 1: predicted"]).len() == 1);
    desk.asks(test_of("ALRM_A_4561", false, false));
    assert_eq!(desk.seen(), ["answer 2: refused confirmation-needed"]);
    desk.asks(test_of("ALRM_A_4561", false, true));
    assert_eq!(desk.seen_of(&["host"]), ["host1: start A_DOWN"]);
    desk.script_runs("A_DOWN");
    assert_eq!(desk.state(), PairState::VipNone);
    assert_eq!(desk.pair().test_hold_ms, Some(60_000));
    let suppressed: Vec<_> = desk.pair().suppressed.iter().map(|one| one.code).collect();
    assert_eq!(suppressed, [RefusalCode::TestHold]);
    assert_eq!(desk.story().0, "Test Done");
    desk.wait(30_000);
    assert_eq!(desk.seen_of(&["start"]), Vec::<String>::new());
    desk.asks(OperatorCommand::Realign { pair: A.into() });
    assert_eq!(desk.seen_of(&["start"]), ["host1: start A_UP"]);
    desk.script_runs("A_UP");
    assert_eq!(desk.state(), PairState::Ok);
    let kind = desk.core.find_record("last").map(|record| record.kind);
    assert_eq!(kind, Some(RecordKind::Realignment));
}

#[test]
fn a_test_that_touches_no_vip_holds_nothing() {
    let mut site = super::desk::site();
    for condition in site.alarm_conditions.values_mut() {
        condition.reaction_scripts.clear();
    }
    let mut desk = Desk::running_with(site);
    desk.asks(test_of("ALRM_A_4561", false, true));
    assert_eq!(desk.story().0, "Test Done");
    assert_eq!(
        (desk.state(), desk.pair().test_hold_ms),
        (PairState::Ok, None)
    );
}

#[test]
fn the_record_of_an_event_whose_reaction_was_refused_says_why() {
    let mut desk = Desk::running();
    desk.detected(
        LogEvent {
            source: SourceId("SCS/1".into()),
            sequence: 1,
            application: A.into(),
            host: None,
            id: LogEventId(4561),
            level: LogLevel::Standard,
            text: "typed in".into(),
            at: desk.now,
            epoch: None,
            cause: None,
            origin: LogOrigin::Operator,
        },
        "A",
    );
    let record = desk
        .core
        .find_record("last")
        .expect("the event left a record");
    let codes: Vec<_> = record.reasons.iter().map(|one| one.code).collect();
    assert_eq!(codes, [RefusalCode::ContradictsRoles]);
    assert!(record.why.contains("--yes"), "{}", record.why);
    assert_eq!(desk.state(), PairState::Ok);
}

#[test]
fn an_event_typed_in_goes_through_the_message_server() {
    let mut desk = Desk::running();
    desk.asks(OperatorCommand::LogEvent {
        id: LogEventId(4563),
        application: A.into(),
        text: String::new(),
        confirmed: false,
    });
    assert_eq!(
        desk.seen(),
        [
            "answer 1: 00-04563 of SIP_SERVER_PRIMARY is on its way to the Message Server",
            "log 4563 SIP_SERVER_PRIMARY"
        ]
    );
}
