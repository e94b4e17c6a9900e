//! Public incidents of other tools, re-enacted: addresses on two hosts or on none, neighbours that keep an old entry,
//! pauses that look like losses, controllers that are the outage. docs/incidents.md tells what happened there. Scripts,
//! stuck states and reasons stand in `incidents_of_control`.

use super::play::{
    A, B, Named, OFF_A, ON_A, ON_B, after, assert_complete, at, ends_with, hold, ms, named, never,
    quorum, second,
};
use changeover_simulation::{Act, Component, DiskMood, Fault, PairState, run_scenario};
use std::time::Duration;

#[test]
fn an_agent_that_is_killed_leaves_its_server_and_its_vip_where_they_are() {
    let scenario = hold(30_000).fault(at(5_000), Fault::Crash(Component::Lca(1), ms(20_000)));
    let run = ends_with(&scenario, A);
    never(&run, OFF_A, 0.0, 60.0);
    never(&run, ON_B, 0.0, 60.0);
    never(&run, "SIP_SERVER_BACKUP Primary", 0.0, 60.0);
    // It is held, and says so.
    second(&run, "nothing done for SIP_EAST Refused", 5.0);
}

#[test]
fn a_short_standstill_of_the_primary_host_changes_nothing_and_leaves_no_stale_neighbour() {
    for clock_moves in [false, true] {
        let scenario = hold(15_000).fault(at(5_000), Fault::Freeze(1, ms(2_000), clock_moves));
        let run = ends_with(&scenario, A);
        never(&run, OFF_A, 0.0, 60.0);
        never(&run, ON_B, 0.0, 60.0);
    }
}

#[test]
fn a_short_standstill_of_the_backup_host_changes_nothing() {
    let scenario = hold(15_000).fault(at(5_000), Fault::Freeze(2, ms(2_800), true));
    let run = ends_with(&scenario, A);
    never(&run, ON_B, 0.0, 60.0);
}

#[test]
fn an_agent_that_stood_still_judges_nobody_and_is_judged_by_nobody() {
    let scenario = hold(20_000).fault(at(5_000), Fault::Pause(Component::Lca(1), ms(6_000)));
    let run = ends_with(&scenario, A);
    never(&run, OFF_A, 0.0, 60.0);
    never(&run, "ServiceUnavailable", 5.0, 60.0);
    never(&run, " enters ", 5.0, 60.0);
}

#[test]
fn a_controller_that_stood_still_loses_no_host() {
    let scenario = hold(20_000).fault(at(5_000), Fault::Pause(Component::Scs, ms(8_000)));
    let run = ends_with(&scenario, A);
    never(&run, OFF_A, 0.0, 60.0);
    never(&run, "host1 lost", 5.0, 60.0);
    never(&run, "host2 lost", 5.0, 60.0);
}

#[test]
fn two_primaries_that_hear_each_other_again_are_one_within_a_second() {
    let scenario = hold(20_000)
        .fault(at(5_000), Fault::Cut(0, 1, ms(6_000)))
        .fault(at(5_000), Fault::Cut(1, 2, ms(6_000)));
    let run = ends_with(&scenario, B);
    let gone = second(&run, OFF_A, 11.0);
    assert!(gone < 12.0, "{gone}");
    second(&run, "reconnect of SIP_EAST Done", 11.0);
}

#[test]
fn the_winner_of_a_reconnect_is_known_to_the_neighbours_although_it_never_changed() {
    let scenario = hold(20_000).fault(at(5_000), Fault::CableOut(1, ms(5_000)));
    let run = ends_with(&scenario, B);
    assert!(run.two_holders <= ms(1_000), "{:?}", run.two_holders);
    // The returned host keeps silent, the winner speaks.
    never(&run, "lca@host1 announces", 4.0, 60.0);
    second(&run, "lca@host2 announces 10.10.11.103", 10.0);
}

#[test]
fn a_host_that_returns_with_its_vip_lets_go_of_it_under_quorum_before_it_can_be_heard() {
    let scenario = quorum(20_000).fault(at(5_000), Fault::CableOut(1, ms(5_000)));
    let run = ends_with(&scenario, B);
    assert_eq!(run.two_holders, Duration::ZERO);
    assert!(second(&run, OFF_A, 5.0) < 7.5);
    never(&run, "lca@host1 announces", 5.0, 60.0);
}

#[test]
fn an_old_primary_that_is_started_again_is_the_backup() {
    let scenario = hold(20_000)
        .fault(at(5_000), Fault::KillServer(0))
        .fault(at(9_000), Fault::PowerLoss(1, ms(2_000)));
    let run = ends_with(&scenario, B);
    never(&run, "SIP_SERVER_PRIMARY enters Primary", 5.0, 60.0);
    never(&run, ON_A, 5.0, 60.0);
}

#[test]
fn a_backup_that_cannot_see_a_primary_that_the_third_one_sees_stays_backup() {
    let scenario = quorum(20_000).fault(at(5_000), Fault::Cut(1, 2, ms(10_000)));
    let run = ends_with(&scenario, A);
    never(&run, " enters Primary", 5.0, 60.0);
}

#[test]
fn a_primary_that_loses_its_controller_and_its_peer_has_let_go_before_another_holds() {
    let scenario = quorum(20_000)
        .fault(at(5_000), Fault::Cut(0, 1, ms(10_000)))
        .fault(at(5_000), Fault::Cut(1, 2, ms(10_000)));
    let run = ends_with(&scenario, B);
    assert_eq!(run.two_holders, Duration::ZERO);
    assert!(second(&run, OFF_A, 5.0) < second(&run, ON_B, 5.0));
}

#[test]
fn a_primary_that_hears_others_but_is_not_heard_lets_go_in_time() {
    for other in [
        Fault::OneWay(1, 2, ms(12_000)),
        Fault::Cut(1, 2, ms(12_000)),
    ] {
        let scenario = quorum(25_000)
            .fault(at(5_000), Fault::OneWay(1, 0, ms(12_000)))
            .fault(at(5_000), other);
        let run = ends_with(&scenario, B);
        assert_eq!(run.two_holders, Duration::ZERO);
        let gone = second(&run, OFF_A, 5.0);
        assert!(gone < 7.6, "{gone}");
    }
}

#[test]
fn without_its_controller_a_healthy_primary_keeps_its_vip() {
    for scenario in [hold(25_000), quorum(25_000)] {
        let scenario = scenario
            .fault(at(5_000), Fault::Crash(Component::Scs, ms(15_000)))
            .fault(
                at(6_000),
                Fault::Crash(Component::MessageServer, ms(10_000)),
            );
        let run = ends_with(&scenario, A);
        never(&run, OFF_A, 0.0, 60.0);
    }
}

#[test]
fn a_controller_whose_disk_refuses_everything_moves_nothing() {
    let scenario = hold(20_000)
        .fault(at(5_000), Fault::Disk(Component::Scs, DiskMood::Fails))
        .fault(at(8_000), Fault::Crash(Component::Scs, ms(500)));
    let run = ends_with(&scenario, A);
    never(&run, OFF_A, 0.0, 60.0);
}

#[test]
fn a_controller_that_loses_everybody_doubts_itself() {
    let scenario = hold(20_000).fault(at(5_000), Fault::CableOut(0, ms(9_000)));
    let run = ends_with(&scenario, A);
    never(&run, OFF_A, 0.0, 60.0);
    never(&run, " enters Primary", 5.0, 60.0);
    second(&run, "Is it me?", 5.0);
}

#[test]
fn a_host_that_loses_its_power_is_replaced_within_its_bound_though_its_connections_never_close() {
    let scenario = hold(30_000).fault(at(5_000), Fault::PowerLoss(1, ms(18_000)));
    let run = ends_with(&scenario, B);
    let moved = second(&run, ON_B, 5.0);
    assert!(moved < 8.1, "{moved}");
}

#[test]
fn an_announcement_that_nobody_heard_is_repeated() {
    let scenario = hold(15_000)
        .switchover(at(5_000))
        .fault(after(ON_B, 0), Fault::CableOut(2, ms(50)));
    let run = ends_with(&scenario, B);
    let heard = second(&run, "lca@host2 announces", 5.06);
    assert!(heard < 6.2, "{heard}");
}

#[test]
fn reloads_and_restarts_of_everything_move_no_vip() {
    let mut scenario = hold(20_000);
    for (number, time) in [5_000, 6_000, 6_010, 9_000, 12_000].into_iter().enumerate() {
        scenario = scenario.then(at(time), Act::Reload(number as u64));
    }
    for (component, time) in [
        (Component::Lca(1), 7_000),
        (Component::Lca(2), 7_500),
        (Component::Scs, 8_000),
        (Component::MessageServer, 8_500),
    ] {
        scenario = scenario.fault(at(time), Fault::Crash(component, ms(1_000)));
    }
    let run = ends_with(&scenario, A);
    never(&run, OFF_A, 0.0, 60.0);
    never(&run, " enters ", 5.0, 60.0);
}

#[test]
fn a_host_that_is_shut_down_hands_over_first() {
    let scenario = hold(20_000).fault(at(5_000), Fault::ShutDown(1, ms(5_000)));
    let run = ends_with(&scenario, B);
    assert_eq!(run.two_holders, Duration::ZERO);
    let promoted = second(&run, "SIP_SERVER_BACKUP enters Primary epoch 2", 5.0);
    assert!(promoted < 5.1, "{promoted}");
    assert!(promoted < second(&run, "host1 is down", 5.0));
    let demoted = second(&run, "SIP_SERVER_PRIMARY enters Backup epoch 2", 5.0);
    assert!(demoted < second(&run, "SIP_SERVER_PRIMARY on host1 ends", 5.0));
}

#[test]
fn a_pair_whose_agent_stays_away_is_shown_as_it_is() {
    let mut scenario = hold(60_000).fault(at(5_000), Fault::Crash(Component::Lca(1), ms(55_000)));
    scenario.end_at = ms(30_000);
    let run = run_scenario(&scenario);
    let picture = run.picture.as_ref().expect("the SCS shows something");
    let pair = picture.pairs.first().expect("there is a pair");
    assert!(
        pair.suppressed
            .iter()
            .any(|reason| reason.code.as_str() == "agent-lost"),
        "{:?}",
        pair.suppressed
    );
    assert_ne!(pair.state, PairState::Ok);
}

/// All of them.
pub(crate) const ALL: &[Named] = named![
    an_agent_that_is_killed_leaves_its_server_and_its_vip_where_they_are,
    a_short_standstill_of_the_primary_host_changes_nothing_and_leaves_no_stale_neighbour,
    a_short_standstill_of_the_backup_host_changes_nothing,
    an_agent_that_stood_still_judges_nobody_and_is_judged_by_nobody,
    a_controller_that_stood_still_loses_no_host,
    two_primaries_that_hear_each_other_again_are_one_within_a_second,
    the_winner_of_a_reconnect_is_known_to_the_neighbours_although_it_never_changed,
    a_host_that_returns_with_its_vip_lets_go_of_it_under_quorum_before_it_can_be_heard,
    an_old_primary_that_is_started_again_is_the_backup,
    a_backup_that_cannot_see_a_primary_that_the_third_one_sees_stays_backup,
    a_primary_that_loses_its_controller_and_its_peer_has_let_go_before_another_holds,
    a_primary_that_hears_others_but_is_not_heard_lets_go_in_time,
    without_its_controller_a_healthy_primary_keeps_its_vip,
    a_controller_whose_disk_refuses_everything_moves_nothing,
    a_controller_that_loses_everybody_doubts_itself,
    a_host_that_loses_its_power_is_replaced_within_its_bound_though_its_connections_never_close,
    an_announcement_that_nobody_heard_is_repeated,
    reloads_and_restarts_of_everything_move_no_vip,
    a_host_that_is_shut_down_hands_over_first,
    a_pair_whose_agent_stays_away_is_shown_as_it_is,
];

#[test]
fn every_scenario_of_this_file_stands_in_its_list() {
    assert_complete(include_str!("incidents.rs"), ALL);
}
