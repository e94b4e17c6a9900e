//! Stops: politely, firmly, by force; and one that does not even end by force.

use crate::harness::*;
use changeover_model::RunMode;
use changeover_model::message::LcaOrder;

#[test]
fn a_registered_server_is_told_to_exit_then_terminated_then_killed_with_all_its_processes() {
    let mut lca = Lca::serving();
    lca.show_writes = true;
    expect(
        lca.stop(SERVER, false),
        "
        write disk: pair SIP_EAST epoch 2
        write disk: SIP_SERVER_PRIMARY Running start 1 Backup of epoch 1 stopped-as-asked
        application: enter Exiting of epoch 1, order 1
        scs: SIP_SERVER_PRIMARY StopPending Backup/1 start 1 in-step (stop ordered)
        write fast: SIP_SERVER_PRIMARY StopPending start 1 Backup of epoch 1 stopped-as-asked
    ",
    );
    lca.show_writes = false;
    expect(
        lca.acknowledge(1, RunMode::Exiting, 1),
        "
        scs: SIP_SERVER_PRIMARY StopTransition Exiting/1 start 1 in-step (stop ordered)
    ",
    );
    expect(
        lca.pass(ms(10_000)),
        "
        5000 SIGTERM run1
        10000 SIGKILL run1 to all
    ",
    );
    expect(
        lca.exited(0, 9),
        "
        scs: SIP_SERVER_PRIMARY StopTransition Exiting/1 start 1 in-step (stop ordered)
    ",
    );
    expect(
        lca.gone(0),
        "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/1 start 1 in-step as-asked (stopped as asked)
        scs: order 1 SIP_SERVER_PRIMARY done, start 1
    ",
    );
    expect(lca.pass(ms(60_000)), "");
}

#[test]
fn at_once_is_killed_straight_away_and_comes_back_as_backup_like_one_that_died() {
    let mut lca = Lca::serving();
    expect(
        lca.stop(SERVER, true),
        "
        SIGKILL run1 to all
        scs: SIP_SERVER_PRIMARY StopTransition Backup/1 start 1 in-step (stop ordered)
    ",
    );
    lca.exited(0, 9);
    expect(
        lca.gone(0),
        "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/1 start 1 in-step (ended by the SCS because it did not obey)
        scs: order 1 SIP_SERVER_PRIMARY done, start 1
    ",
    );
    expect(
        lca.pass(ms(100)),
        "
        100 scs: SIP_SERVER_PRIMARY StartPending Unknown/1 start 2 (start ordered)
        100 start run2 Managed SIP_SERVER_PRIMARY: ./sip-server
    ",
    );
}

#[test]
fn an_urgent_order_overtakes_a_polite_one_and_both_are_answered_at_the_end() {
    let mut lca = Lca::serving();
    lca.stop(SERVER, false);
    expect(
        lca.stop(SERVER, true),
        "
        SIGKILL run1 to all
        scs: SIP_SERVER_PRIMARY StopTransition Backup/1 start 1 in-step (stop ordered)
    ",
    );
    lca.exited(0, 9);
    expect(
        lca.gone(0),
        "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/1 start 1 in-step as-asked (stopped as asked)
        scs: order 1 SIP_SERVER_PRIMARY done, start 1
        scs: order 2 SIP_SERVER_PRIMARY done, start 1
    ",
    );
}

#[test]
fn a_plain_program_gets_sigterm_at_once_and_what_it_leaves_is_killed() {
    let mut lca = Lca::configured();
    lca.start(PLAIN, 0);
    lca.started(1);
    expect(
        lca.stop(PLAIN, false),
        "
        SIGTERM run2
        scs: RECORDER StopTransition Unknown/0 start 1 in-step (stop ordered)
    ",
    );
    expect(
        lca.exited(1, 0),
        "
        SIGKILL run2 to all
        scs: RECORDER StopTransition Unknown/0 start 1 in-step (stop ordered)
    ",
    );
    expect(
        lca.gone(1),
        "
        scs: RECORDER Stopped Unknown/0 start 1 in-step as-asked (stopped as asked)
        scs: order 2 RECORDER done, start 1
    ",
    );
}

#[test]
fn a_process_that_survives_sigkill_is_named_and_can_be_tried_again() {
    let mut lca = Lca::serving();
    lca.stop(SERVER, true);
    let kept: Vec<_> = lca
        .pass(ms(5000))
        .into_iter()
        .filter(|line| line.starts_with("5000"))
        .collect();
    expect(kept, "
        5000 scs: SIP_SERVER_PRIMARY Unknown Backup/1 start 1 in-step (process 4000 does not end by SIGKILL: look for a device or a mount that blocks it)
        5000 scs: order 1 SIP_SERVER_PRIMARY failed, process 4000 does not end by SIGKILL: look for a device or a mount that blocks it
    ");
    lca.connect();
    expect(lca.start(SERVER, 2), "
        scs: order 2 SIP_SERVER_PRIMARY refused, procedure-under-way: SIP_SERVER_PRIMARY is still ending: start it when it is Stopped
    ");
    expect(
        lca.gone(0),
        "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/1 start 1 in-step (ended by the SCS because it did not obey)
    ",
    );
}

#[test]
fn a_stop_before_the_fork_is_reported_ends_what_may_have_been_forked() {
    let mut lca = Lca::configured();
    lca.start(PLAIN, 0);
    expect(
        lca.stop(PLAIN, false),
        "
        SIGKILL run2 to all
        scs: RECORDER StopTransition Unknown/0 start 1 in-step (stop ordered)
        scs: order 1 RECORDER refused, superseded: RECORDER was stopped before it was up
    ",
    );
    expect(
        lca.started(1),
        "
        SIGKILL run2 to all
        scs: RECORDER StopTransition Unknown/0 start 1 in-step (stop ordered)
    ",
    );
}

#[test]
fn what_was_stopped_as_asked_is_not_started_by_a_new_configuration() {
    let mut lca = Lca::serving();
    lca.stop(SERVER, true);
    lca.exited(0, 9);
    lca.gone(0);
    expect(
        lca.order(LcaOrder::Configure(site::slice(2))),
        "scs: configured 2",
    );
}
