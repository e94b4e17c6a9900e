//! Planned switchovers: the documented steps, and the ways out when a step does not come.

use super::desk::{A, B, Desk, site, switchover_to};
use changeover_model::environment::OnFailure;
use changeover_model::message::{LcaReport, OperatorCommand, PairState};
use changeover_model::{ApplicationStatus, RunMode};

#[test]
fn a_manual_switchover_gives_each_order_with_the_fact_that_frees_it() {
    let mut desk = Desk::running();
    assert_eq!(desk.state(), PairState::Ok);
    desk.switchover();
    assert_eq!(
        desk.seen(),
        [
            "host1: SIP_SERVER_PRIMARY to Backup in epoch 2",
            "host1: intend EAST: SIP_SERVER_BACKUP in epoch 2",
        ]
    );
    desk.acknowledges(A);
    assert_eq!(
        desk.seen_of(&["host"]),
        [
            "host2: SIP_SERVER_BACKUP to Primary in epoch 2",
            "host2: intend EAST: SIP_SERVER_BACKUP in epoch 2",
        ]
    );
    desk.logs(A);
    assert_eq!(desk.seen_of(&["host"]), ["host1: start A_DOWN"]);
    desk.acknowledges(B);
    desk.logs(B);
    assert_eq!(desk.seen_of(&["host"]), Vec::<String>::new());
    assert_eq!(desk.state(), PairState::Switching);
    desk.script_runs("A_DOWN");
    assert_eq!(desk.seen_of(&["host"]), ["host2: start B_UP"]);
    desk.script_runs("B_UP");
    assert_eq!(
        desk.seen_of(&["answer"]),
        ["answer 1: Done: SIP_SERVER_BACKUP on host2 is primary in epoch 2, after 0.0 ms"]
    );
    assert_eq!(desk.state(), PairState::Ok);
    let (kind, entries) = desk.story();
    assert_eq!(kind, "Switchover Done");
    for step in [
        "sci: switchover of EAST",
        "scs > lca@host1: SIP_SERVER_PRIMARY to Backup",
        "scs > lca@host2: SIP_SERVER_BACKUP to Primary",
        "SIP_SERVER_PRIMARY: 00-04561",
        "SIP_SERVER_BACKUP: 00-04563",
        "message-server: 1 Alarm Condition found",
        "VIP: off on host1",
        "VIP: on on host2",
    ] {
        assert!(
            entries.iter().any(|entry| entry == step),
            "{step} in {entries:#?}"
        );
    }
}

#[test]
fn a_demotion_that_is_not_acknowledged_ends_the_server_and_the_promotion_goes_on() {
    let mut desk = Desk::running();
    desk.switchover();
    desk.seen();
    desk.wait(499);
    assert_eq!(desk.seen_of(&["SIP_SERVER"]), Vec::<String>::new());
    desk.wait(1);
    assert_eq!(
        desk.seen_of(&["host1: stop", "to Primary"]),
        [
            "host1: stop SIP_SERVER_PRIMARY at once",
            "host2: SIP_SERVER_BACKUP to Primary in epoch 2",
        ]
    );
}

#[test]
fn a_lost_event_is_named_and_the_scs_realigns_by_itself() {
    let mut desk = Desk::running();
    desk.switchover();
    desk.acknowledges(A);
    desk.acknowledges(B);
    desk.seen();
    desk.wait(501);
    assert_eq!(desk.seen_of(&["start"]), ["host1: start A_DOWN"]);
    desk.script_runs("A_DOWN");
    desk.script_runs("B_UP");
    assert_eq!(
        desk.seen_of(&["answer"]),
        [
            "answer 1: Done: SIP_SERVER_BACKUP on host2 is primary in epoch 2; the SCS realigned the VIP by itself, after 501.0 ms"
        ]
    );
}

#[test]
fn a_promotion_is_not_ordered_again_to_a_server_that_ended_while_its_lca_was_away() {
    let mut desk = Desk::running();
    desk.switchover();
    desk.acknowledges(A);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
    let server = desk.servers.get_mut(B).expect("a member");
    server.state.status = ApplicationStatus::Stopped;
    server.state.run_mode = RunMode::Unknown;
    desk.connect("host2");
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host1: SIP_SERVER_PRIMARY to Primary in epoch 3"]
    );
}

#[test]
fn a_promotion_that_fails_is_rolled_back_under_a_new_epoch() {
    let mut desk = Desk::running();
    desk.switchover();
    desk.acknowledges(A);
    desk.dies(B);
    assert_eq!(
        desk.seen_of(&["answer", "to Primary"]),
        [
            "host2: SIP_SERVER_BACKUP to Primary in epoch 2",
            "answer 1: RolledBack: SIP_SERVER_BACKUP ended while it was being promoted; rolled back in record 2",
            "host1: SIP_SERVER_PRIMARY to Primary in epoch 3",
        ]
    );
    desk.obeys(A);
    assert_eq!(
        desk.seen_of(&["start"]),
        ["host2: start B_DOWN", "host1: start A_UP"]
    );
    desk.script_runs("B_DOWN");
    desk.script_runs("A_UP");
    assert_eq!(desk.story().0, "RollBack Done");
    let mut site = site();
    for pair in site.pairs.values_mut() {
        pair.policy.on_failure = OnFailure::Alarm;
    }
    let mut desk = Desk::running_with(site);
    desk.switchover();
    desk.acknowledges(A);
    desk.seen();
    desk.dies(B);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    desk.wait(2_100);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host1: SIP_SERVER_PRIMARY to Primary in epoch 3"]
    );
}

#[test]
fn a_repeated_switchover_to_the_same_server_is_harmless() {
    let mut desk = Desk::running();
    desk.asks(switchover_to(Some(A)));
    desk.asks(switchover_to(Some("host1")));
    assert_eq!(
        desk.seen(),
        [
            "answer 1: SIP_SERVER_PRIMARY on host1 is primary of EAST already; nothing was done",
            "answer 2: SIP_SERVER_PRIMARY on host1 is primary of EAST already; nothing was done",
        ]
    );
}

#[test]
fn a_commanded_stop_of_the_primary_hands_over_first() {
    let mut desk = Desk::running();
    desk.asks(OperatorCommand::Stop {
        application: A.into(),
        no_handover: false,
    });
    assert_eq!(
        desk.seen_of(&["SIP_SERVER_PRIMARY to", "stop"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 2"]
    );
    desk.obeys(A);
    desk.obeys(B);
    desk.script_runs("A_DOWN");
    desk.script_runs("B_UP");
    assert_eq!(desk.seen_of(&["stop"]), ["host1: stop SIP_SERVER_PRIMARY"]);
    desk.server_is(A, |state| {
        state.status = ApplicationStatus::Stopped;
        state.stopped_as_asked = true;
        state.run_mode = RunMode::Unknown;
    });
    assert_eq!(
        desk.seen_of(&["answer"]),
        ["answer 1: Done: SIP_SERVER_PRIMARY is stopped"]
    );
    assert_eq!(desk.state(), PairState::NotReady);
}

#[test]
fn a_stop_without_handover_leaves_the_pair_without_a_primary() {
    let mut desk = Desk::running();
    desk.asks(OperatorCommand::Stop {
        application: A.into(),
        no_handover: true,
    });
    desk.server_is(A, |state| {
        state.status = ApplicationStatus::Stopped;
        state.stopped_as_asked = true;
        state.run_mode = RunMode::Unknown;
    });
    desk.wait(30_000);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    assert_eq!(desk.pair().suppressed.len(), 1);
}

#[test]
fn a_host_that_is_shut_down_hands_over_and_is_then_let_go() {
    let mut desk = Desk::running();
    desk.report("host1", LcaReport::HostStopping);
    assert_eq!(
        desk.seen_of(&["SIP_SERVER_PRIMARY to", "handed"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 2"]
    );
    desk.obeys(A);
    desk.obeys(B);
    desk.script_runs("A_DOWN");
    desk.script_runs("B_UP");
    assert_eq!(desk.seen_of(&["handed"]), ["host1: handed over"]);
}
