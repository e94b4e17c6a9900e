//! Fencing under `quorum`, scenario by scenario: who lets go when, who is promoted, and that there are never two. The
//! detection bound is 3 s, a lease 2.4 s, the address lifetime 10 s.

use super::play::{
    self, A, B, Named, OFF_A, ON_B, assert_complete, at, found_only_when_planted, maintenance, ms,
    named, never, quorum, second,
};
use changeover_simulation::{
    Component, ControllerLoss, Fault, Planted, Run, Scenario, When, run_scenario,
};
use std::time::Duration;

/// Nothing may be broken, never two holders, and this application is primary at the end.
fn ends_with(scenario: &Scenario, primary: &str) -> Run {
    let run = play::ends_with(scenario, primary);
    assert_eq!(run.two_holders, Duration::ZERO);
    run
}

#[test]
fn a_primary_that_only_the_scs_cannot_hear_is_told_by_its_peer_and_replaced() {
    let scenario = quorum(15_000).fault(at(5_000), Fault::Cut(0, 1, ms(9_000)));
    let run = ends_with(&scenario, B);
    let asked = second(&run, "RequestVote SIP_EAST epoch 2", 5.0);
    let gone = second(&run, OFF_A, 5.0);
    let voted = second(&run, "Voted SIP_EAST epoch 2 released", 5.0);
    let promoted = second(&run, "SIP_SERVER_BACKUP enters Primary epoch 2", 5.0);
    assert!(asked < gone && gone < voted && voted < promoted);
    assert!((7.4..8.2).contains(&asked), "{asked}");
    assert!(promoted - asked < 0.01, "{asked} {promoted}");
}

#[test]
fn two_hosts_that_do_not_hear_each_other_change_nothing_while_the_scs_hears_both() {
    let scenario = quorum(15_000).fault(at(5_000), Fault::Cut(1, 2, ms(9_000)));
    let run = ends_with(&scenario, A);
    never(&run, "Fenced", 0.0, 40.0);
    never(&run, OFF_A, 0.0, 40.0);
}

#[test]
fn a_primary_that_nobody_hears_lets_go_before_its_backup_is_promoted() {
    let scenario = quorum(15_000)
        .fault(at(5_000), Fault::Cut(0, 1, ms(9_000)))
        .fault(at(5_000), Fault::Cut(1, 2, ms(9_000)));
    let run = ends_with(&scenario, B);
    let gone = second(&run, OFF_A, 5.0);
    let promoted = second(&run, "SIP_SERVER_BACKUP enters Primary epoch 2", 5.0);
    assert!((6.8..7.42).contains(&gone), "{gone}");
    assert!(gone < promoted && promoted < 8.3, "{gone} {promoted}");
    assert!(second(&run, ON_B, 5.0) > gone);
}

#[test]
fn three_that_do_not_hear_each_other_have_no_holder_until_they_do_and_then_one() {
    let scenario = quorum(16_000)
        .fault(at(5_000), Fault::Cut(0, 1, ms(9_000)))
        .fault(at(5_000), Fault::Cut(0, 2, ms(9_000)))
        .fault(at(5_000), Fault::Cut(1, 2, ms(9_000)));
    let run = ends_with(&scenario, A);
    let gone = second(&run, OFF_A, 5.0);
    assert!(gone < 7.42, "{gone}");
    never(&run, " enters Primary", gone, 14.0);
    let back = second(&run, "SIP_SERVER_PRIMARY enters Primary", 14.0);
    assert!(back < 15.0, "{back}");
}

#[test]
fn without_its_scs_a_pair_serves_on_and_a_primary_that_dies_then_waits_for_it() {
    let scenario = quorum(20_000)
        .fault(at(5_000), Fault::Crash(Component::Scs, ms(10_000)))
        .fault(at(10_000), Fault::KillServer(0));
    let run = ends_with(&scenario, A);
    never(&run, OFF_A, 5.0, 10.0);
    never(&run, " enters Primary", 5.0, 15.0);
    let back = second(&run, "SIP_SERVER_PRIMARY enters Primary", 15.0);
    assert!(back < 16.5, "{back}");
}

#[test]
fn a_primary_whose_lca_is_dead_loses_its_vip_by_its_lifetime_and_is_replaced() {
    let scenario = quorum(30_000).fault(at(5_000), Fault::Crash(Component::Lca(1), ms(24_000)));
    let run = ends_with(&scenario, B);
    let gone = second(&run, "has outlived its lifetime", 5.0);
    let promoted = second(&run, "SIP_SERVER_BACKUP enters Primary epoch 2", 5.0);
    assert!((12.9..15.1).contains(&gone), "{gone}");
    assert!(gone < promoted && promoted < 18.6, "{gone} {promoted}");
    // Cut off from its LCA for as long, its server has demoted itself.
    let demoted = second(&run, "SIP_SERVER_PRIMARY enters Backup epoch 1", 5.0);
    assert!(demoted < promoted, "{demoted} {promoted}");
}

#[test]
fn an_lca_that_is_back_in_time_costs_its_primary_nothing() {
    let scenario = quorum(15_000).fault(at(5_000), Fault::Crash(Component::Lca(1), ms(4_500)));
    let run = ends_with(&scenario, A);
    never(&run, OFF_A, 0.0, 40.0);
}

/// How long after it wakes up the VIP is gone from a host that was replaced while it stood still.
fn wakes_up(clock_moves: bool) -> f64 {
    let scenario = quorum(20_000).fault(at(5_000), Fault::Freeze(1, ms(9_000), clock_moves));
    let run = run_scenario(&scenario);
    assert_eq!(run.violations, Vec::<String>::new());
    assert_eq!(run.primary().as_deref(), Some(B));
    let woke = second(&run, "OVER Freeze", 5.0);
    second(&run, OFF_A, woke) - woke
}

#[test]
fn a_host_that_wakes_up_lets_go_at_once_or_as_soon_as_anybody_answers_it() {
    let noticed = wakes_up(true);
    assert!(noticed < 0.002, "{noticed}");
    let told = wakes_up(false);
    assert!(told < 0.6, "{told}");
}

#[test]
fn a_voter_that_dies_right_after_its_vote_remembers_it() {
    let scenario = quorum(20_000)
        .fault(at(5_000), Fault::Cut(0, 1, ms(12_000)))
        .fault(
            When::After("Voted SIP_EAST epoch 2", ms(0)),
            Fault::Crash(Component::Lca(2), ms(300)),
        );
    let run = ends_with(&scenario, B);
    let voted = second(&run, "Voted SIP_EAST epoch 2", 5.0);
    // The former holder hears from the voter's next life as well that it was overtaken: it never comes back.
    never(&run, "VIP 10.10.11.103 on host1", voted, 60.0);
}

#[test]
fn a_primary_in_maintenance_serves_on_though_nobody_hears_it() {
    let scenario = quorum(25_000)
        .operator(at(4_000), maintenance(true))
        .fault(at(5_000), Fault::Cut(0, 1, ms(9_000)))
        .fault(at(5_000), Fault::Cut(1, 2, ms(9_000)))
        .operator(at(18_000), maintenance(false))
        .switchover(at(20_000));
    let run = ends_with(&scenario, B);
    never(&run, OFF_A, 0.0, 20.0);
    second(&run, "MarkSole SIP_EAST host1 epoch 1", 4.0);
    second(&run, "SoleMarked SIP_EAST host1 epoch 1 over", 18.0);
}

#[test]
fn a_mark_that_nobody_could_take_back_keeps_its_backup_from_promotion() {
    let scenario = quorum(25_000)
        .operator(at(4_000), maintenance(true))
        .fault(at(5_000), Fault::Cut(0, 1, ms(15_000)))
        .fault(at(5_000), Fault::Cut(1, 2, ms(15_000)))
        .operator(at(8_000), maintenance(false));
    let run = ends_with(&scenario, A);
    never(&run, " enters Primary epoch 2", 0.0, 60.0);
    never(&run, OFF_A, 0.0, 60.0);
    let suppressed = run.lines_with(&["nothing done for SIP_EAST Refused"]);
    assert!(
        suppressed
            .iter()
            .any(|line| line.contains("without a majority")),
        "{suppressed:?}"
    );
}

#[test]
fn under_release_after_the_primary_lets_go_by_its_own_clock() {
    let mut scenario = quorum(20_000).fault(at(5_000), Fault::Crash(Component::Scs, ms(10_000)));
    scenario.site.on_controller_loss = ControllerLoss::ReleaseAfter(ms(4_000));
    let run = ends_with(&scenario, A);
    let gone = second(&run, OFF_A, 5.0);
    assert!((7.9..8.5).contains(&gone), "{gone}");
    let back = second(&run, "VIP 10.10.11.103 on host1", 15.0);
    assert!(back < 16.0, "{back}");
}

#[test]
fn two_holders_of_which_one_does_not_let_go_are_noticed() {
    let scenario = quorum(15_000)
        .fault(at(5_000), Fault::Cut(0, 1, ms(9_000)))
        .fault(at(5_000), Fault::Cut(1, 2, ms(9_000)));
    let violations = found_only_when_planted(scenario, Planted::StickyAddresses);
    assert!(
        violations.iter().any(|text| text
            .contains("two holders under quorum: host1 and host2 held the VIP of SIP_EAST for ")),
        "{violations:?}"
    );
}

#[test]
fn a_vip_that_goes_with_the_scs_is_noticed() {
    let scenario = quorum(15_000).fault(at(5_000), Fault::Crash(Component::Scs, ms(3_000)));
    let violations = found_only_when_planted(scenario, Planted::FragileAddresses);
    assert_eq!(
        violations
            .first()
            .map(|text| text.split_once(' ').map_or("", |(_, what)| what)),
        Some("controller alone: the VIP of SIP_EAST went, and nothing but the controller was lost"),
        "{violations:?}"
    );
}

/// All of them.
pub(crate) const ALL: &[Named] = named![
    a_primary_that_only_the_scs_cannot_hear_is_told_by_its_peer_and_replaced,
    two_hosts_that_do_not_hear_each_other_change_nothing_while_the_scs_hears_both,
    a_primary_that_nobody_hears_lets_go_before_its_backup_is_promoted,
    three_that_do_not_hear_each_other_have_no_holder_until_they_do_and_then_one,
    without_its_scs_a_pair_serves_on_and_a_primary_that_dies_then_waits_for_it,
    a_primary_whose_lca_is_dead_loses_its_vip_by_its_lifetime_and_is_replaced,
    an_lca_that_is_back_in_time_costs_its_primary_nothing,
    a_host_that_wakes_up_lets_go_at_once_or_as_soon_as_anybody_answers_it,
    a_voter_that_dies_right_after_its_vote_remembers_it,
    a_primary_in_maintenance_serves_on_though_nobody_hears_it,
    a_mark_that_nobody_could_take_back_keeps_its_backup_from_promotion,
    under_release_after_the_primary_lets_go_by_its_own_clock,
    two_holders_of_which_one_does_not_let_go_are_noticed,
    a_vip_that_goes_with_the_scs_is_noticed,
];

#[test]
fn every_scenario_of_this_file_stands_in_its_list() {
    assert_complete(include_str!("fencing.rs"), ALL);
}
