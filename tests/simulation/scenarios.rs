//! Scenarios written by hand: the documented flows, and what must not disturb them.

use super::play::{A, B, Named, after, assert_complete, at, ends_with, ms, named};
use changeover_simulation::{
    Component, Fault, OperatorAnswer, RecordKind, RecordOutcome, Run, Scenario, ScriptMood,
    ServerMood,
};
use std::time::Duration;

/// Every LCA and the SCS die and come back after a switchover.
pub(crate) fn everything_restarts() -> Scenario {
    Scenario::quiet()
        .switchover(at(4_000))
        .fault(at(6_000), Fault::Crash(Component::Lca(1), ms(100)))
        .fault(at(6_000), Fault::Crash(Component::Lca(2), ms(100)))
        .fault(at(6_000), Fault::Crash(Component::Scs, ms(100)))
}

/// The steps of the flow from the operator's wish to the moved VIP, without what is only kept or told besides.
fn flow(run: &Run) -> Vec<&str> {
    let steps = [
        "operator asks",
        " SetRunMode ",
        " enters ",
        " event 4561 epoch 2",
        " event 4563 epoch 2",
        "AlarmDetected",
        "scs alarm",
        " StartApplication ",
        "scs reaction",
        "starts process",
        "VIP 10",
        "ControlScriptFinished",
        "scs answers",
    ];
    let from = run
        .trace
        .iter()
        .position(|line| line.contains("operator asks Switchover"))
        .expect("the operator asked");
    let later = Run {
        trace: run.trace[from..].to_vec(),
        ..run.clone()
    };
    let wanted = later.lines_with(&steps).len();
    let all = run.lines_with(&steps);
    all[all.len() - wanted..].to_vec()
}

/// True if the texts occur in the lines in this order.
fn assert_in_order(lines: &[&str], texts: &[&str]) {
    let mut rest = lines.iter();
    for text in texts {
        assert!(
            rest.any(|line| line.contains(text)),
            "'{text}' does not come where it should in:\n{}",
            lines.join("\n")
        );
    }
}

#[test]
fn a_manual_switchover_goes_through_the_five_files_in_their_order() {
    let run = ends_with(&Scenario::quiet().switchover(at(4_000)), B);
    let lines = flow(&run);
    // The demoted server's own chain: message-server-core, scs-core, reaction-engine, lca-core, the address.
    assert_in_order(
        &lines,
        &[
            "operator asks Switchover",
            "scs -> lca@host1 SetRunMode SIP_SERVER_PRIMARY Backup epoch 2",
            "SIP_SERVER_PRIMARY enters Backup epoch 2",
            "SIP_SERVER_PRIMARY -> message-server event 4561 epoch 2",
            "message-server -> scs AlarmDetected 4561 of SIP_SERVER_PRIMARY: ALRM_PRIMARY_4561_HABackup",
            "scs -> lca@host1 StartApplication SIP_SERVER_PRIMARY_VIP_DOWN disable epoch 2",
            "lca@host1 starts process SIP_SERVER_PRIMARY_VIP_DOWN",
            "VIP 10.10.11.103 off host1",
            "lca@host1 -> scs ControlScriptFinished SIP_SERVER_PRIMARY_VIP_DOWN Succeeded epoch 2: 10.10.11.103 seen gone",
        ],
    );
    assert_in_order(
        &lines,
        &[
            "scs alarm 2 ALRM_PRIMARY_4561_HABackup active",
            "scs alarm 4 ALRM_BACKUP_4563_HAPrimary active",
        ],
    );
    // The promoted server's: the enabling script waits until the release is seen.
    assert_in_order(
        &lines,
        &[
            "scs -> lca@host2 SetRunMode SIP_SERVER_BACKUP Primary epoch 2",
            "SIP_SERVER_BACKUP enters Primary epoch 2",
            "SIP_SERVER_BACKUP -> message-server event 4563 epoch 2",
            "message-server -> scs AlarmDetected 4563 of SIP_SERVER_BACKUP: ALRM_BACKUP_4563_HAPrimary",
            "scs reaction 6 SIP_SERVER_BACKUP_VIP_UP Waiting epoch 2: waits for the release on host1",
            "VIP 10.10.11.103 off host1",
            "scs -> lca@host2 StartApplication SIP_SERVER_BACKUP_VIP_UP enable epoch 2",
            "lca@host2 starts process SIP_SERVER_BACKUP_VIP_UP",
            "VIP 10.10.11.103 on host2",
            "lca@host2 -> scs ControlScriptFinished SIP_SERVER_BACKUP_VIP_UP Succeeded epoch 2: 10.10.11.103/24 seen on eth0:1",
            "scs answers Some(Done): SIP_SERVER_BACKUP on host2 is primary in epoch 2",
        ],
    );
    // The guide starts PRIMARY_VIP_DOWN twice; the second request joins the first.
    assert_in_order(
        &lines,
        &["SIP_SERVER_PRIMARY_VIP_DOWN Joined epoch 2: joins reaction 5"],
    );
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("StartApplication"))
            .count(),
        2
    );
    assert_eq!(run.two_holders, Duration::ZERO);
    let (_, answer) = run.answers.last().expect("the operator was answered");
    let OperatorAnswer::Finished(record) = answer else {
        panic!("not followed to its end: {answer:?}");
    };
    assert_eq!(
        (record.kind, record.outcome),
        (RecordKind::Switchover, Some(RecordOutcome::Done))
    );
}

#[test]
fn a_killed_primary_is_followed_by_its_backup_within_fifty_milliseconds() {
    let run = ends_with(&Scenario::quiet().fault(at(4_000), Fault::KillServer(0)), B);
    assert_in_order(
        &run.lines_with(&[""]),
        &[
            "FAULT KillServer",
            "lca@host1 -> scs ApplicationChanged SIP_SERVER_PRIMARY Stopped",
            "scs -> lca@host2 SetRunMode SIP_SERVER_BACKUP Primary epoch 2",
            "SIP_SERVER_BACKUP -> message-server event 4563 epoch 2",
            "message-server -> scs AlarmDetected 4563 of SIP_SERVER_BACKUP",
            "VIP 10.10.11.103 off host1",
            "VIP 10.10.11.103 on host2",
            // It is restarted as the backup.
            "SIP_SERVER_PRIMARY enters Backup epoch 2",
        ],
    );
    let moved = run
        .second_of("VIP 10.10.11.103 on host2", 4.0)
        .expect("the VIP moved");
    assert!(moved < 4.05, "at {moved}");
    assert_eq!(run.two_holders, Duration::ZERO);
}

#[test]
fn a_host_that_is_cut_off_loses_the_pair_within_its_bound_and_is_put_in_order_when_it_returns() {
    let scenario = Scenario::quiet().fault(at(4_000), Fault::CableOut(1, ms(5_000)));
    let run = ends_with(&scenario, B);
    assert_in_order(
        &run.lines_with(&[""]),
        &[
            "FAULT CableOut",
            "scs -> lca@host2 SetRunMode SIP_SERVER_BACKUP Primary epoch 2",
            "SIP_SERVER_PRIMARY_VIP_DOWN Refused epoch 2: cannot be launched: host1 is lost",
            "VIP 10.10.11.103 on host2",
            "OVER Cable",
            "scs -> lca@host1 SetRunMode SIP_SERVER_PRIMARY Backup epoch 2",
            "SIP_SERVER_PRIMARY -> message-server event 4561 epoch 2",
            "VIP 10.10.11.103 off host1",
            "scs -> lca@host2 AnnounceAddresses SIP_SERVER_BACKUP",
            "lca@host2 announces 10.10.11.103",
        ],
    );
    let moved = run
        .second_of("VIP 10.10.11.103 on host2", 4.0)
        .expect("the VIP moved");
    assert!(
        moved < 7.1,
        "detection takes 3 s, the VIP is there at {moved}"
    );
    assert!(
        run.two_holders <= ms(1_000),
        "{:?} from link-up",
        run.two_holders
    );
}

#[test]
fn a_late_down_of_round_one_cannot_undo_the_up_of_round_two() {
    // The DOWN of epoch 2 is slow; the new primary dies at once, so host1 gets the pair back in epoch 3.
    let scenario = Scenario::quiet()
        .fault(at(3_500), Fault::Scripts(1, ScriptMood::Slow))
        .switchover(at(4_000))
        .fault(
            after("starts process SIP_SERVER_PRIMARY_VIP_DOWN", 1),
            Fault::KillServer(1),
        );
    let run = ends_with(&scenario, A);
    assert_in_order(
        &run.lines_with(&[""]),
        &[
            "StartApplication SIP_SERVER_PRIMARY_VIP_DOWN disable epoch 2",
            "scs -> lca@host1 SetRunMode SIP_SERVER_PRIMARY Primary epoch 3",
            "StartApplication SIP_SERVER_PRIMARY_VIP_UP enable epoch 3",
            "SIP_SERVER_PRIMARY_VIP_DOWN on host1 ends: signal 9",
            "lca@host1 starts process SIP_SERVER_PRIMARY_VIP_UP",
            "ControlScriptFinished SIP_SERVER_PRIMARY_VIP_UP AlreadySo epoch 3",
        ],
    );
    assert_eq!(
        run.lines_with(&["VIP 10.10.11.103 off host1"]),
        Vec::<&str>::new()
    );
}

#[test]
fn an_event_that_never_comes_is_made_good_by_a_realignment() {
    let scenario = Scenario::quiet()
        .fault(at(3_500), Fault::Servers(2, ServerMood::Forgets))
        .switchover(at(4_000));
    let run = ends_with(&scenario, B);
    assert_eq!(run.lines_with(&["event 4563 epoch 2"]), Vec::<&str>::new());
    let moved = run
        .second_of("VIP 10.10.11.103 on host2", 4.0)
        .expect("the VIP moved");
    assert!(
        (4.5..4.6).contains(&moved),
        "event_wait is 500 ms; the VIP is there at {moved}"
    );
}

#[test]
fn an_scs_that_is_restarted_midway_completes_what_it_began() {
    let scenario = Scenario::quiet().switchover(at(4_000)).fault(
        after("SetRunMode SIP_SERVER_BACKUP Primary", 0),
        Fault::Crash(Component::Scs, ms(300)),
    );
    let run = ends_with(&scenario, B);
    let moved = run
        .second_of("VIP 10.10.11.103 on host2", 4.0)
        .expect("the VIP moved");
    assert!(moved < 4.4, "at {moved}");
    // No epoch is spent on it.
    assert_eq!(run.lines_with(&["epoch 3"]), Vec::<&str>::new());
}

#[test]
fn a_message_server_that_is_restarted_midway_loses_no_event() {
    let scenario = Scenario::quiet().switchover(at(4_000)).fault(
        after("event 4563 epoch 2", 0),
        Fault::Crash(Component::MessageServer, ms(200)),
    );
    let run = ends_with(&scenario, B);
    let logged = run.lines_with(&["SIP_SERVER_BACKUP -> message-server event 4563 epoch 2"]);
    assert_eq!(logged.len(), 2, "sent, and sent again");
    assert_in_order(
        &run.lines_with(&[""]),
        &[
            "message-server dies",
            "message-server starts",
            "message-server -> scs AlarmDetected 4563 of SIP_SERVER_BACKUP",
            "VIP 10.10.11.103 on host2",
        ],
    );
}

#[test]
fn an_lca_that_dies_with_a_running_script_ends_it_and_the_reaction_is_tried_again() {
    let scenario = Scenario::quiet()
        .fault(at(3_500), Fault::Scripts(2, ScriptMood::HangsBefore))
        .switchover(at(4_000))
        .fault(
            after("starts process SIP_SERVER_BACKUP_VIP_UP", 50),
            Fault::Crash(Component::Lca(2), ms(300)),
        )
        .fault(
            after("lca@host2 starts", 0),
            Fault::Scripts(2, ScriptMood::Fast),
        );
    let run = ends_with(&scenario, B);
    assert_in_order(
        &run.lines_with(&[""]),
        &[
            "lca@host2 dies",
            "lca@host2 starts",
            "SIP_SERVER_BACKUP_VIP_UP on host2 ends: signal 9",
            "ControlScriptFinished SIP_SERVER_BACKUP_VIP_UP Failed epoch 2",
            "SIP_SERVER_BACKUP_VIP_UP Running epoch 2: launched on host2, attempt 2",
            "VIP 10.10.11.103 on host2",
        ],
    );
    // The server was adopted, not restarted.
    assert_eq!(
        run.lines_with(&["starts process SIP_SERVER_BACKUP "]),
        Vec::<&str>::new()
    );
}

#[test]
fn a_restart_of_everything_moves_no_vip() {
    let run = ends_with(&everything_restarts(), B);
    let moves: Vec<&str> = run.lines_with(&["VIP 10"]);
    assert_eq!(
        moves,
        [
            "VIP 10.10.11.103 on host1",
            "VIP 10.10.11.103 off host1",
            "VIP 10.10.11.103 on host2"
        ]
    );
}

/// All of them.
pub(crate) const ALL: &[Named] = named![
    a_manual_switchover_goes_through_the_five_files_in_their_order,
    a_killed_primary_is_followed_by_its_backup_within_fifty_milliseconds,
    a_host_that_is_cut_off_loses_the_pair_within_its_bound_and_is_put_in_order_when_it_returns,
    a_late_down_of_round_one_cannot_undo_the_up_of_round_two,
    an_event_that_never_comes_is_made_good_by_a_realignment,
    an_scs_that_is_restarted_midway_completes_what_it_began,
    a_message_server_that_is_restarted_midway_loses_no_event,
    an_lca_that_dies_with_a_running_script_ends_it_and_the_reaction_is_tried_again,
    a_restart_of_everything_moves_no_vip,
];

#[test]
fn every_scenario_of_this_file_stands_in_its_list() {
    assert_complete(include_str!("scenarios.rs"), ALL);
}
