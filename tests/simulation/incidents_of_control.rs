//! Public incidents of other tools, re-enacted: scripts that are late, lie or hang, states without a way out, reasons
//! that nobody can find, tests that nobody dares. docs/incidents.md tells what happened there.

use super::play::{
    A, B, Named, OFF_A, ON_A, ON_B, after, assert_complete, at, ends_with, hold, maintenance, ms,
    named, never, quorum, second,
};
use changeover_simulation::{
    Component, Fault, HealthMood, LogEventId, OperatorAnswer, OperatorCommand, PairState,
    RecordKind, Run, Scenario, ScriptMood, ServerMood, run_scenario,
};

fn stop(application: &str) -> OperatorCommand {
    OperatorCommand::Stop {
        application: application.into(),
        no_handover: false,
    }
}

fn test_of(condition: &str, dry_run: bool) -> OperatorCommand {
    OperatorCommand::TestAlarm {
        condition: condition.into(),
        application: None,
        dry_run,
        confirmed: true,
    }
}

fn count(run: &Run, text: &str) -> usize {
    run.lines_with(&[text]).len()
}

/// What the last answer to an operator was.
fn last_answer(run: &Run) -> &OperatorAnswer {
    &run.answers.last().expect("the operator was answered").1
}

#[test]
fn a_release_that_fails_is_forced_and_the_vip_is_up_elsewhere_at_once() {
    let scenario = hold(15_000)
        .fault(at(3_500), Fault::Scripts(1, ScriptMood::Fails))
        .switchover(at(5_000));
    let run = ends_with(&scenario, B);
    let moved = second(&run, ON_B, 5.0);
    assert!(moved < 5.1, "{moved}");
    second(&run, "ReleaseAddresses SIP_SERVER_PRIMARY_VIP_DOWN", 5.0);
}

#[test]
fn a_release_that_says_it_is_done_and_is_not_is_found_out() {
    let scenario = hold(15_000)
        .fault(at(3_500), Fault::Scripts(1, ScriptMood::Lies))
        .switchover(at(5_000));
    let run = ends_with(&scenario, B);
    second(
        &run,
        "ControlScriptFinished SIP_SERVER_PRIMARY_VIP_DOWN Failed",
        5.0,
    );
    assert!(second(&run, ON_B, 5.0) < 5.1);
}

#[test]
fn a_release_that_never_ends_is_ended() {
    let scenario = hold(15_000)
        .fault(at(3_500), Fault::Scripts(1, ScriptMood::HangsBefore))
        .switchover(at(5_000));
    let run = ends_with(&scenario, B);
    let moved = second(&run, ON_B, 5.0);
    assert!((6.0..6.2).contains(&moved), "release_wait is 1 s: {moved}");
    second(
        &run,
        "SIP_SERVER_PRIMARY_VIP_DOWN on host1 ends: signal 9",
        5.0,
    );
}

#[test]
fn an_enabling_script_that_fails_is_tried_once_more_and_then_the_pair_goes_back() {
    let scenario = hold(30_000)
        .fault(at(3_500), Fault::Scripts(2, ScriptMood::Fails))
        .switchover(at(5_000));
    let run = ends_with(&scenario, A);
    second(&run, "roll-back of SIP_EAST Done", 5.0);
    assert_eq!(
        count(&run, "StartApplication SIP_SERVER_BACKUP_VIP_UP"),
        4,
        "twice for the event, twice for the realignment that follows"
    );
}

#[test]
fn switchovers_in_quick_succession_end_with_the_last_one() {
    let scenario = hold(20_000)
        .fault(at(3_500), Fault::Scripts(1, ScriptMood::Slow))
        .switchover(at(5_000))
        .switchover(at(9_000))
        .switchover(at(13_000));
    let run = ends_with(&scenario, B);
    assert_eq!(run.two_holders, ms(0));
}

#[test]
fn an_event_that_comes_after_two_more_switchovers_moves_nothing() {
    let scenario = hold(25_000)
        .fault(at(4_900), Fault::Crash(Component::MessageServer, ms(8_000)))
        .switchover(at(5_000))
        .switchover(at(9_000));
    let run = ends_with(&scenario, A);
    let back = second(&run, "message-server starts", 5.0);
    second(&run, "Superseded", back);
    never(&run, OFF_A, back, 60.0);
    never(&run, ON_B, back, 60.0);
}

#[test]
fn an_event_that_somebody_types_in_moves_nothing_against_the_roles() {
    let scenario = hold(15_000).operator(
        at(5_000),
        OperatorCommand::LogEvent {
            id: LogEventId::HOT_BACKUP,
            application: A.into(),
            text: String::new(),
            confirmed: false,
        },
    );
    let run = ends_with(&scenario, A);
    never(&run, OFF_A, 0.0, 60.0);
    never(
        &run,
        "StartApplication SIP_SERVER_PRIMARY_VIP_DOWN",
        5.0,
        60.0,
    );
}

#[test]
fn a_detection_that_comes_twice_activates_its_alarm_once() {
    let scenario = hold(15_000).switchover(at(5_000)).fault(
        after(
            "message-server -> scs AlarmDetected 4563 of SIP_SERVER_BACKUP",
            0,
        ),
        Fault::Crash(Component::MessageServer, ms(200)),
    );
    let run = ends_with(&scenario, B);
    assert_eq!(count(&run, "AlarmDetected 4563 of SIP_SERVER_BACKUP"), 2);
    let requests = run
        .timeline
        .iter()
        .flat_map(|record| &record.entries)
        .filter(|entry| entry.what == "00-04563" && entry.evidence.contains("Hot Standby"))
        .count();
    // The first promotion of the site and this one.
    assert_eq!(requests, 2);
}

#[test]
fn an_order_that_a_broken_connection_swallowed_is_given_again() {
    let scenario = hold(15_000).switchover(at(5_000)).fault(
        after("SetRunMode SIP_SERVER_BACKUP Primary epoch 2", 0),
        Fault::ResetConnections(2),
    );
    let run = ends_with(&scenario, B);
    let promoted = second(&run, "SIP_SERVER_BACKUP enters Primary epoch 2", 5.0);
    assert!(promoted < 5.5, "{promoted}");
}

#[test]
fn a_script_order_that_a_broken_connection_swallowed_is_tried_again() {
    let scenario = hold(25_000).switchover(at(5_000)).fault(
        after("StartApplication SIP_SERVER_BACKUP_VIP_UP", 0),
        Fault::ResetConnections(2),
    );
    let run = ends_with(&scenario, B);
    let moved = second(&run, ON_B, 5.0);
    assert!(moved < 6.5, "{moved}");
}

#[test]
fn an_order_that_the_network_held_up_comes_too_late_and_is_refused() {
    // The enabling of epoch 3 is still on its way to host1 when host2 has the VIP in epoch 4.
    let scenario = quorum(25_000)
        .switchover(at(5_000))
        .switchover(at(9_000))
        .fault(
            after("SIP_SERVER_PRIMARY enters Primary epoch 3", 0),
            Fault::OneWay(0, 1, ms(9_000)),
        );
    let run = ends_with(&scenario, B);
    second(&run, ON_B, 12.0);
    never(&run, ON_A, 9.5, 60.0);
    never(&run, "starts process SIP_SERVER_PRIMARY_VIP_UP", 9.5, 60.0);
}

#[test]
fn a_primary_that_does_not_obey_its_demotion_is_ended() {
    let scenario = hold(20_000)
        .fault(at(4_900), Fault::HangServer(0, ms(12_000)))
        .switchover(at(5_000));
    let run = ends_with(&scenario, B);
    second(&run, "StopApplication SIP_SERVER_PRIMARY at once", 5.0);
    let moved = second(&run, ON_B, 5.0);
    assert!(
        (5.5..5.8).contains(&moved),
        "demotion_wait is 500 ms: {moved}"
    );
}

#[test]
fn a_primary_that_hangs_is_noticed_and_replaced() {
    let scenario = hold(25_000).fault(at(5_000), Fault::HangServer(0, ms(18_000)));
    let run = ends_with(&scenario, B);
    let moved = second(&run, ON_B, 5.0);
    assert!((7.4..9.1).contains(&moved), "hang timeout is 3 s: {moved}");
}

#[test]
fn a_backup_that_cannot_serve_is_not_promoted() {
    let scenario = hold(30_000)
        .fault(at(4_500), Fault::UnavailableServer(1, ms(20_000)))
        .fault(at(5_000), Fault::KillServer(0));
    let run = ends_with(&scenario, A);
    never(&run, "SetRunMode SIP_SERVER_BACKUP Primary", 0.0, 60.0);
    // The one that died comes up again, and is promoted: nothing waits for an operator.
    assert!(second(&run, "SIP_SERVER_PRIMARY enters Primary epoch 2", 5.0) < 9.0);
}

#[test]
fn a_server_that_dies_again_and_again_stays_down_and_says_why() {
    let mut scenario = hold(60_000);
    for round in 0..9 {
        scenario = scenario.fault(at(5_000 + round * 6_000), Fault::KillServer(1));
    }
    let run = run_scenario(&scenario);
    assert_eq!(run.violations, Vec::<String>::new());
    let picture = run.picture.as_ref().expect("the SCS shows something");
    let server = picture
        .applications
        .iter()
        .find(|application| application.name.as_str() == B)
        .expect("the backup is shown");
    assert!(
        server.reason.starts_with("restart-limit: "),
        "{}",
        server.reason
    );
}

#[test]
fn a_pair_that_flaps_stops_switching_by_itself() {
    let mut scenario = hold(80_000);
    for round in 0..8_u64 {
        let primary = usize::from(round % 2 == 1);
        scenario = scenario.fault(at(5_000 + round * 9_000), Fault::KillServer(primary));
    }
    let run = run_scenario(&scenario);
    assert_eq!(run.violations, Vec::<String>::new());
    let failovers = run
        .timeline
        .iter()
        .filter(|record| record.kind == RecordKind::Failover)
        .count();
    assert_eq!(failovers, 4, "{:?}", run.explained);
    second(&run, "event 10327", 5.0);
}

#[test]
fn in_maintenance_nothing_is_moved_also_after_a_restart_and_the_reason_is_told() {
    let scenario = hold(30_000)
        .operator(at(4_500), maintenance(true))
        .fault(at(5_000), Fault::Crash(Component::Scs, ms(500)))
        .fault(at(8_000), Fault::KillServer(0))
        .operator(at(18_000), maintenance(false));
    let run = run_scenario(&scenario);
    assert_eq!(run.violations, Vec::<String>::new());
    never(&run, " enters Primary", 8.0, 18.0);
    let why = second(&run, "nothing done for SIP_EAST Refused", 8.0);
    assert!(why < 8.1, "{why}");
    second(&run, " enters Primary", 18.0);
}

#[test]
fn a_refused_switchover_says_why() {
    let scenario = hold(15_000)
        .fault(at(4_500), Fault::UnavailableServer(1, ms(8_000)))
        .switchover(at(5_000));
    let run = ends_with(&scenario, A);
    let OperatorAnswer::Refused(reasons) = last_answer(&run) else {
        panic!("{:?}", run.answers);
    };
    assert_eq!(
        reasons.first().map(|reason| reason.code.as_str()),
        Some("backup-service-unavailable")
    );
}

#[test]
fn a_promotion_that_is_refused_goes_back_and_nothing_stays_under_way() {
    let scenario = hold(25_000)
        .fault(at(4_900), Fault::HangServer(1, ms(1_500)))
        .fault(at(4_900), Fault::Servers(2, ServerMood::Refuses))
        .switchover(at(5_000));
    let run = run_scenario(&scenario);
    assert_eq!(run.violations, Vec::<String>::new());
    assert_eq!(run.explained, Vec::<String>::new());
}

#[test]
fn a_dry_run_of_a_test_only_tells() {
    let scenario = hold(15_000).operator(at(5_000), test_of("ALRM_PRIMARY_4561_HABackup", true));
    let run = ends_with(&scenario, A);
    never(&run, OFF_A, 0.0, 60.0);
    assert!(matches!(last_answer(&run), OperatorAnswer::Predicted(_)));
}

#[test]
fn a_test_holds_what_it_did_for_as_long_as_it_says() {
    let mut scenario =
        hold(10_000).operator(at(5_000), test_of("ALRM_PRIMARY_4561_HABackup", false));
    scenario.end_at = ms(90_000);
    let run = ends_with(&scenario, A);
    let gone = second(&run, OFF_A, 5.0);
    let back = second(&run, ON_A, gone);
    assert!(
        (64.0..69.0).contains(&(back - 0.0)),
        "test_hold is 60 s: {back}"
    );
}

#[test]
fn a_stop_of_the_primary_hands_over_and_ends_it_in_order() {
    let scenario = hold(15_000).operator(at(5_000), stop(A)).operator(
        at(12_000),
        OperatorCommand::Start {
            application: A.into(),
        },
    );
    let run = ends_with(&scenario, B);
    let promoted = second(&run, "SIP_SERVER_BACKUP enters Primary epoch 2", 5.0);
    let exiting = second(&run, "SIP_SERVER_PRIMARY StopTransition Exiting", 5.0);
    assert!(promoted < exiting, "{promoted} {exiting}");
    assert_eq!(run.two_holders, ms(0));
}

#[test]
fn a_failed_fence_command_holds_the_pair() {
    let mut scenario = hold(25_000)
        .fault(at(4_500), Fault::FencesFail(true))
        .fault(at(5_000), Fault::CableOut(1, ms(15_000)));
    scenario.site.fence = true;
    let run = ends_with(&scenario, A);
    never(&run, "SIP_SERVER_BACKUP enters Primary", 5.0, 20.0);
    second(&run, "FENCE_FAILED active", 5.0);
}

#[test]
fn an_epoch_that_was_reserved_is_not_used_again_by_the_next_life_of_the_controller() {
    for seed in 1..=6 {
        let scenario = Scenario {
            seed,
            ..hold(40_000)
                .fault(at(5_000), Fault::KillServer(0))
                .fault(
                    after("SetRunMode SIP_SERVER_BACKUP Primary epoch 2", 0),
                    Fault::Crash(Component::Scs, ms(300)),
                )
                .fault(at(5_001), Fault::PowerLoss(1, ms(500)))
                .fault(at(5_002), Fault::CableOut(2, ms(25_000)))
        };
        let run = run_scenario(&scenario);
        assert_eq!(run.violations, Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn a_controller_that_lost_its_store_goes_on_above_what_the_agents_have_seen() {
    let scenario = hold(25_000)
        .switchover(at(5_000))
        .fault(at(8_000), Fault::LoseStore(ms(300)))
        .switchover(at(14_000));
    let run = ends_with(&scenario, A);
    second(&run, "SIP_SERVER_PRIMARY enters Primary epoch", 14.0);
    never(&run, "StaleEpoch", 8.0, 60.0);
    never(&run, "VIP 10.10.11.103", 6.0, 13.9);
}

#[test]
fn a_controller_that_lost_its_store_believes_the_agents_where_nobody_is_primary_any_more() {
    let scenario = hold(25_000)
        .switchover(at(5_000))
        .fault(at(8_000), Fault::LoseStore(ms(3_000)))
        .fault(at(8_200), Fault::KillServer(1));
    let run = ends_with(&scenario, A);
    second(&run, "SIP_SERVER_PRIMARY enters Primary epoch 1003", 11.0);
    never(&run, "StaleEpoch", 8.0, 60.0);
}

#[test]
fn an_alarm_clears_itself_after_its_cancel_timeout() {
    let mut scenario = hold(10_000);
    scenario.end_at = ms(3_640_000);
    let run = ends_with(&scenario, A);
    let picture = run.picture.as_ref().expect("the SCS shows something");
    assert_eq!(picture.active_alarms, 0);
    assert_eq!(
        picture.pairs.first().map(|pair| pair.state),
        Some(PairState::Ok)
    );
}

#[test]
fn a_switchover_to_a_backup_that_has_not_caught_up_is_refused() {
    let scenario = hold(20_000)
        .fault(at(5_000), Fault::KillServer(1))
        .switchover(after(
            "ApplicationChanged SIP_SERVER_BACKUP Running Backup",
            0,
        ));
    let run = ends_with(&scenario, A);
    let OperatorAnswer::Refused(reasons) = last_answer(&run) else {
        panic!("{:?}", run.answers);
    };
    assert_eq!(
        reasons.first().map(|reason| reason.code.as_str()),
        Some("not-in-step")
    );
}

#[test]
fn a_primary_whose_health_checks_fail_is_replaced() {
    let mut scenario = hold(25_000).fault(at(6_000), Fault::Health(1, HealthMood::Fails));
    scenario.site.health = true;
    let run = ends_with(&scenario, B);
    let moved = second(&run, ON_B, 6.0);
    assert!(moved < 9.0, "{moved}");
}

#[test]
fn a_mark_that_its_agent_was_told_is_known_to_its_next_life() {
    let scenario = quorum(30_000)
        .operator(at(4_000), maintenance(true))
        .fault(at(5_000), Fault::Crash(Component::Lca(1), ms(300)))
        .fault(at(5_000), Fault::Cut(0, 1, ms(15_000)))
        .fault(at(5_000), Fault::Cut(1, 2, ms(15_000)))
        .operator(at(25_000), maintenance(false));
    let run = ends_with(&scenario, A);
    never(&run, OFF_A, 0.0, 60.0);
}

/// All of them.
pub(crate) const ALL: &[Named] = named![
    a_release_that_fails_is_forced_and_the_vip_is_up_elsewhere_at_once,
    a_release_that_says_it_is_done_and_is_not_is_found_out,
    a_release_that_never_ends_is_ended,
    an_enabling_script_that_fails_is_tried_once_more_and_then_the_pair_goes_back,
    switchovers_in_quick_succession_end_with_the_last_one,
    an_event_that_comes_after_two_more_switchovers_moves_nothing,
    an_event_that_somebody_types_in_moves_nothing_against_the_roles,
    a_detection_that_comes_twice_activates_its_alarm_once,
    an_order_that_a_broken_connection_swallowed_is_given_again,
    an_order_that_the_network_held_up_comes_too_late_and_is_refused,
    a_script_order_that_a_broken_connection_swallowed_is_tried_again,
    a_primary_that_does_not_obey_its_demotion_is_ended,
    a_primary_that_hangs_is_noticed_and_replaced,
    a_backup_that_cannot_serve_is_not_promoted,
    a_server_that_dies_again_and_again_stays_down_and_says_why,
    a_pair_that_flaps_stops_switching_by_itself,
    in_maintenance_nothing_is_moved_also_after_a_restart_and_the_reason_is_told,
    a_refused_switchover_says_why,
    a_promotion_that_is_refused_goes_back_and_nothing_stays_under_way,
    a_dry_run_of_a_test_only_tells,
    a_test_holds_what_it_did_for_as_long_as_it_says,
    a_stop_of_the_primary_hands_over_and_ends_it_in_order,
    a_failed_fence_command_holds_the_pair,
    an_epoch_that_was_reserved_is_not_used_again_by_the_next_life_of_the_controller,
    a_controller_that_lost_its_store_goes_on_above_what_the_agents_have_seen,
    a_controller_that_lost_its_store_believes_the_agents_where_nobody_is_primary_any_more,
    an_alarm_clears_itself_after_its_cancel_timeout,
    a_switchover_to_a_backup_that_has_not_caught_up_is_refused,
    a_primary_whose_health_checks_fail_is_replaced,
    a_mark_that_its_agent_was_told_is_known_to_its_next_life,
];

#[test]
fn every_scenario_of_this_file_stands_in_its_list() {
    assert_complete(include_str!("incidents_of_control.rs"), ALL);
}
