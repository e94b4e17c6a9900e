//! Hang detection, statuses with a deadline, and a machine that stood still.

use crate::harness::*;
use changeover_lca_core::LcaInput;
use changeover_model::message::FromApplication;
use changeover_model::{ApplicationStatus, Core};

fn without_beats(lines: Vec<String>) -> Vec<String> {
    lines
        .into_iter()
        .filter(|line| !line.contains(": heartbeat "))
        .collect()
}

#[test]
fn heartbeats_go_out_twice_a_second_and_silence_is_reported_as_a_hang() {
    let mut lca = Lca::serving();
    let lines = lca.pass(ms(3000));
    expect(lines, "
        500 application: heartbeat 1
        1000 application: heartbeat 2
        1500 application: heartbeat 3
        2000 application: heartbeat 4
        2500 application: heartbeat 5
        3000 application: heartbeat 6
        3000 scs: SIP_SERVER_PRIMARY Running Backup/1 start 1 in-step hung (has not answered a heartbeat for 3s)
    ");
    expect(
        lca.say(LINK, FromApplication::HeartbeatAnswered { sequence: 6 }),
        "
        scs: SIP_SERVER_PRIMARY Running Backup/1 start 1 in-step (answers heartbeats again)
    ",
    );
}

#[test]
fn a_backup_that_goes_on_hanging_is_ended_and_started_again() {
    let mut lca = Lca::serving();
    lca.pass(ms(3000));
    expect(without_beats(lca.pass(ms(3000))), "
        3000 SIGKILL run1 to all
        3000 scs: SIP_SERVER_PRIMARY StopTransition Backup/1 start 1 in-step (ended because it hung: has not answered a heartbeat for 3s)
    ");
    lca.exited(0, 9);
    expect(lca.gone(0), "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/1 start 1 in-step (ended because it hung: has not answered a heartbeat for 3s)
    ");
    expect(
        lca.pass(ms(1000)),
        "
        100 scs: SIP_SERVER_PRIMARY StartPending Unknown/1 start 2 (start ordered)
        100 start run2 Managed SIP_SERVER_PRIMARY: ./sip-server
    ",
    );
}

#[test]
fn a_primary_that_goes_on_hanging_is_left_to_the_scs() {
    let mut lca = Lca::serving_as_primary();
    lca.pass(ms(3000));
    expect(without_beats(lca.pass(ms(60_000))), "");
}

#[test]
fn an_application_that_lost_its_connection_has_the_hang_timeout_to_come_back() {
    let mut lca = Lca::serving();
    lca.feed(LcaInput::ApplicationDisconnected { connection: LINK });
    expect(lca.pass(ms(3000)), "
        3000 scs: SIP_SERVER_PRIMARY Running Backup/1 start 1 in-step hung (is not connected to its LCA any more)
    ");
}

#[test]
fn in_maintenance_nobody_hangs() {
    let mut lca = Lca::serving();
    lca.intend(1, None, true);
    expect(without_beats(lca.pass(ms(60_000))), "");
}

#[test]
fn a_tick_that_comes_late_gives_everybody_one_full_period_again() {
    let mut lca = Lca::serving();
    lca.now = lca.now + ms(20_000);
    let mut outputs = Vec::new();
    lca.core.tick(lca.now, &mut outputs);
    assert!(
        lca.core.in_contact(),
        "the SCS was not silent, this machine was"
    );
    expect(without_beats(lca.pass(ms(2900))), "");
    expect(without_beats(lca.pass(ms(100))), "
        100 scs: SIP_SERVER_PRIMARY Running Backup/1 start 1 in-step hung (has not answered a heartbeat for 3s)
    ");
}

#[test]
fn a_suspension_that_does_not_end_becomes_service_unavailable() {
    let mut lca = Lca::serving();
    lca.status(ApplicationStatus::Suspending);
    expect(lca.pass_answering(ms(10_000)), "
        10000 scs: SIP_SERVER_PRIMARY ServiceUnavailable Backup/1 start 1 in-step (did not become Suspended within its shutdown timeout of 10s)
    ");
}

#[test]
fn the_hang_timeout_is_an_option_of_the_application() {
    let mut lca = Lca::new();
    lca.connect();
    let mut slice = site::slice(1);
    let options = [("hang-timeout".to_owned(), "1.5".to_owned())];
    slice.applications[0]
        .options
        .insert("LCA".to_owned(), options.into_iter().collect());
    lca.order(changeover_model::message::LcaOrder::Configure(slice));
    lca.started(0);
    lca.register(LINK, 0);
    lca.status(ApplicationStatus::Running);
    expect(without_beats(lca.pass(ms(1500))), "
        1500 scs: SIP_SERVER_PRIMARY Running Unknown/0 start 1 in-step hung (has not answered a heartbeat for 1500ms)
    ");
}
