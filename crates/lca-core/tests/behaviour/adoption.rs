//! What a new life of the LCA makes of what the old one left.

use crate::harness::*;
use changeover_lca_core::{FoundRun, LcaInput, Recovery, RunId};
use changeover_model::message::LcaOrder;
use changeover_model::{ApplicationStatus, RunMode};

/// A new LCA with the store of another one; `alive` = runs (by index) of which the main process lives.
fn restarted(old: Lca, alive: &[usize]) -> (Lca, Vec<String>) {
    let mut lca = Lca::recovered(old.stored.clone(), old.now + ms(300));
    lca.runs.clone_from(&old.runs);
    let found = alive
        .iter()
        .map(|index| FoundRun {
            run: old.runs[*index],
            application: SERVER.into(),
            pid: Some(4000),
            start_time: 77,
            token: format!("token{index}"),
        })
        .collect();
    let state = old.stored;
    let lines = lca.feed(LcaInput::Recovered(Recovery { state, found }));
    (lca, lines)
}

#[test]
fn a_living_primary_is_kept_with_its_mode_epoch_and_start_and_registers_again() {
    let (mut lca, lines) = restarted(Lca::serving_as_primary(), &[0]);
    expect(lines, "watch 10.10.11.103");
    expect(lca.connect(), "
        scs: hello revision 1, 0 scripts; RECORDER Stopped Unknown/0 start 0 in-step (not started yet); SIP_SERVER_PRIMARY Running Primary/2 start 1 (adopted, waiting for its registration)
    ");
    expect(
        lca.register_as(LINK, 0, RunMode::Primary, 2, ApplicationStatus::Running),
        "
        application: registered: Primary of epoch 2, start 1, order 1, 0 option sections
        scs: SIP_SERVER_PRIMARY Running Primary/2 start 1 (registered)
    ",
    );
}

#[test]
fn an_adopted_server_that_never_entered_the_mode_on_record_is_not_shown_in_it() {
    let mut old = Lca::serving();
    old.set_run_mode(RunMode::Primary, 2);
    // It refused, or never got the order, and says so to the new LCA.
    let (mut lca, _) = restarted(old, &[0]);
    lca.connect();
    let lines = lca.register_as(LINK, 0, RunMode::Unknown, 0, ApplicationStatus::Running);
    assert!(
        lines.iter().any(|line| line.contains("Running Unknown/")),
        "{lines:?}"
    );
}

#[test]
fn of_record_and_report_the_higher_epoch_wins() {
    let (mut lca, _) = restarted(Lca::serving(), &[0]);
    expect(
        lca.register_as(LINK, 0, RunMode::Primary, 5, ApplicationStatus::Running),
        "
        application: registered: Primary of epoch 5, start 1, order 0, 0 option sections
    ",
    );
    lca.connect();
    expect(lca.set_run_mode(RunMode::Backup, 4).1, "
        scs: order 1 SIP_SERVER_PRIMARY refused, stale-epoch: the order is of epoch 4 of SIP_EAST, host1 has seen 5
    ");
    let (mut lca, _) = restarted(Lca::serving_as_primary(), &[0]);
    expect(
        lca.register_as(LINK, 0, RunMode::Backup, 1, ApplicationStatus::Running),
        "
        application: registered: Primary of epoch 2, start 1, order 1, 0 option sections
    ",
    );
}

#[test]
fn an_adopted_server_that_does_not_register_is_reported_as_hung() {
    let (mut lca, _) = restarted(Lca::serving_as_primary(), &[0]);
    lca.connect();
    expect(lca.pass(ms(5000)), "
        5000 scs: SIP_SERVER_PRIMARY Running Primary/2 start 1 hung (is not connected to its LCA any more)
    ");
}

#[test]
fn a_server_that_died_meanwhile_is_started_again_as_backup() {
    let (mut lca, lines) = restarted(Lca::serving_as_primary(), &[]);
    expect(
        lines,
        "
        watch 10.10.11.103
        start run2 Managed SIP_SERVER_PRIMARY: ./sip-server
    ",
    );
    lca.started(1);
    expect(
        lca.register(LINK, 1),
        "
        application: registered: Backup of epoch 2, start 2, order 0, 0 option sections
    ",
    );
}

#[test]
fn what_was_stopped_as_asked_stays_stopped_and_a_stop_under_way_goes_on() {
    let mut old = Lca::serving();
    old.stop(SERVER, false);
    old.exited(0, 0);
    old.gone(0);
    let (_, lines) = restarted(old, &[]);
    expect(lines, "watch 10.10.11.103");
    let mut old = Lca::serving();
    old.stop(SERVER, false);
    let (_, lines) = restarted(old, &[0]);
    expect(
        lines,
        "
        watch 10.10.11.103
        SIGTERM run1
    ",
    );
}

#[test]
fn a_server_whose_start_was_interrupted_between_fork_and_record_is_adopted() {
    let (mut lca, lines) = restarted(Lca::configured(), &[0]);
    expect(lines, "watch 10.10.11.103");
    expect(
        lca.register(LINK, 0),
        "
        application: registered: Backup of epoch 0, start 1, order 0, 0 option sections
    ",
    );
}

#[test]
fn a_script_that_was_running_is_ended_and_its_outcome_told() {
    let mut old = Lca::serving();
    old.observe(true);
    old.script(DOWN, 2);
    old.started(1);
    let (mut lca, lines) = restarted(old, &[0, 1]);
    expect(
        lines,
        "
        watch 10.10.11.103
        SIGKILL run2 to all
    ",
    );
    expect(lca.gone(1), "read addresses");
    expect(lca.read(false), "");
    let hello = lca.connect();
    expect(
        hello[1..].to_vec(),
        "
        scs: script 1 SIP_SERVER_PRIMARY_VIP_DOWN Succeeded (exit unknown): 10.10.11.103 seen gone
    ",
    );
}

#[test]
fn a_process_that_nobody_can_account_for_is_killed() {
    let mut lca = Lca::recovered(
        changeover_lca_core::StoredState::default(),
        changeover_model::Timestamp(5),
    );
    let stray = FoundRun {
        run: RunId(99),
        application: SERVER.into(),
        pid: Some(1234),
        start_time: 1,
        token: String::new(),
    };
    let state = changeover_lca_core::StoredState::default();
    expect(
        lca.feed(LcaInput::Recovered(Recovery {
            state,
            found: vec![stray],
        })),
        "SIGKILL run1 to all",
    );
}

#[test]
fn a_command_that_was_running_is_ended_and_said_to_be_unknown() {
    let mut old = Lca::serving();
    let key = old.key(SERVER, 2);
    old.order(LcaOrder::ExecuteCommand {
        key,
        command_line: "true".to_owned(),
        environment: Vec::new(),
        timeout: ms(4000),
    });
    let (mut lca, lines) = restarted(old, &[0, 1]);
    expect(
        lines,
        "
        watch 10.10.11.103
        SIGKILL run2 to all
    ",
    );
    expect(
        lca.connect()[1..].to_vec(),
        "
        scs: command 1 SIP_SERVER_PRIMARY succeeded false: the LCA was restarted while it ran; how it ended is not known
    ",
    );
}

#[test]
fn a_server_that_died_and_left_children_is_started_again_when_they_are_gone() {
    let old = Lca::serving();
    let mut lca = Lca::recovered(old.stored.clone(), old.now + ms(300));
    lca.runs.clone_from(&old.runs);
    let found = vec![FoundRun {
        run: old.runs[0],
        application: SERVER.into(),
        pid: None,
        start_time: 0,
        token: String::new(),
    }];
    let state = old.stored;
    expect(
        lca.feed(LcaInput::Recovered(Recovery { state, found })),
        "
        watch 10.10.11.103
        SIGKILL run1 to all
    ",
    );
    lca.gone(0);
    expect(
        lca.pass(ms(100)),
        "100 start run2 Managed SIP_SERVER_PRIMARY: ./sip-server",
    );
}
