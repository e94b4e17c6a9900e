//! Starts: intent, fork, registration, readiness, and what goes wrong with each.

use crate::harness::*;
use changeover_lca_core::{ConnectionId, LcaInput};
use changeover_model::message::{FromApplication, LcaOrder};
use changeover_model::{ApplicationStatus, Epoch, RunMode};

#[test]
fn the_first_configuration_starts_the_pair_member_as_backup_by_itself() {
    let mut lca = Lca::new();
    lca.show_writes = true;
    lca.connect();
    expect(
        lca.order(LcaOrder::Configure(site::slice(1))),
        "
        write disk: slice 1
        watch 10.10.11.103
        write disk: SIP_SERVER_PRIMARY StartPending start 1 Backup of epoch 0
        scs: SIP_SERVER_PRIMARY StartPending Unknown/0 start 1 (start ordered)
        scs: configured 1
        write fast: run1 of SIP_SERVER_PRIMARY pid None
        start run1 Managed SIP_SERVER_PRIMARY: ./sip-server
    ",
    );
}

#[test]
fn a_managed_application_is_running_only_when_it_says_so() {
    let mut lca = Lca::configured();
    lca.intend(3, None, false);
    lca.show_writes = true;
    expect(lca.started(0), "
        write disk: run1 of SIP_SERVER_PRIMARY pid Some(4000)
        scs: SIP_SERVER_PRIMARY StartTransition Unknown/0 start 1 (process started, waiting for its registration)
        write fast: SIP_SERVER_PRIMARY StartTransition start 1 Backup of epoch 0
    ");
    expect(
        lca.register(LINK, 0),
        "
        write fast: SIP_SERVER_PRIMARY StartTransition start 1 Backup of epoch 3
        application: registered: Backup of epoch 3, start 1, order 0, 0 option sections
        scs: SIP_SERVER_PRIMARY Initializing Unknown/0 start 1 (registered)
        write fast: SIP_SERVER_PRIMARY Initializing start 1 Backup of epoch 3
    ",
    );
    expect(
        lca.acknowledge(0, RunMode::Backup, 3),
        "
        scs: SIP_SERVER_PRIMARY Initializing Backup/3 start 1 (registered)
    ",
    );
    expect(
        lca.status(ApplicationStatus::Running),
        "
        scs: SIP_SERVER_PRIMARY Running Backup/3 start 1 in-step (says so)
        write fast: SIP_SERVER_PRIMARY Running start 1 Backup of epoch 3
    ",
    );
}

#[test]
fn an_order_to_start_is_answered_when_the_process_is_there() {
    let mut lca = Lca::configured();
    expect(
        lca.start(PLAIN, 0),
        "
        scs: RECORDER StartPending Unknown/0 start 1 in-step (start ordered)
        start run2 Plain RECORDER: ./recorder
    ",
    );
    expect(
        lca.started(1),
        "
        scs: RECORDER Running Unknown/0 start 1 in-step (process started)
        scs: order 1 RECORDER done, start 1
    ",
    );
    expect(
        lca.start(PLAIN, 0),
        "
        scs: order 2 RECORDER refused, already-running: RECORDER is started already
    ",
    );
}

#[test]
fn without_the_intent_on_disk_nothing_is_forked() {
    let mut lca = Lca::configured();
    lca.disk_answers = false;
    lca.start(PLAIN, 0);
    let ticket = lca.unanswered[0];
    let reason = "disk full".to_owned();
    expect(lca.feed(LcaInput::PersistFailed { ticket, reason }), "
        scs: RECORDER Stopped Unknown/0 start 1 in-step (not started, since the intent could not be written to disk: disk full)
        scs: order 1 RECORDER refused, not-persisted: not started, since the intent could not be written to disk: disk full
    ");
    lca.started(0);
    lca.register(LINK, 0);
    lca.start(PLAIN, 0);
    lca.show_writes = true;
    let lines = lca.pass(ms(10_000));
    let kept: Vec<_> = lines
        .into_iter()
        .filter(|line| {
            (line.contains("scs: ") && line.contains("RECORDER")) || line.contains("again")
        })
        .collect();
    expect(kept, "
        5000 write disk: everything again
        10000 scs: RECORDER Stopped Unknown/0 start 2 in-step (not started, since the intent could not be written to disk: the disk has not answered within its bound)
        10000 scs: order 2 RECORDER refused, not-persisted: not started, since the intent could not be written to disk: the disk has not answered within its bound
    ");
}

#[test]
fn a_missing_program_is_a_failed_start_with_its_reason() {
    let mut lca = Lca::configured();
    lca.start(PLAIN, 0);
    let run = lca.runs[1];
    let reason = "/opt/site/recorder: no such file".to_owned();
    expect(lca.feed(LcaInput::ProcessStartFailed { run, reason }), "
        scs: RECORDER Stopped Unknown/0 start 1 in-step (start failed: /opt/site/recorder: no such file)
        scs: order 1 RECORDER failed, /opt/site/recorder: no such file
    ");
}

#[test]
fn a_server_that_does_not_get_ready_in_time_is_ended_and_started_again() {
    let mut lca = Lca::configured();
    lca.started(0);
    expect(lca.pass(ms(8000)), "
        8000 SIGTERM run1
        8000 scs: SIP_SERVER_PRIMARY StopTransition Unknown/0 start 1 (start failed: not ready within its startup timeout of 8s)
    ");
    lca.exited(0, 0);
    expect(lca.gone(0), "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/0 start 1 (start failed: not ready within its startup timeout of 8s)
    ");
    expect(
        lca.pass(ms(100)),
        "
        100 scs: SIP_SERVER_PRIMARY StartPending Unknown/0 start 2 (start ordered)
        100 start run2 Managed SIP_SERVER_PRIMARY: ./sip-server
    ",
    );
}

#[test]
fn a_fork_that_is_never_reported_is_killed_and_counts_as_failed() {
    let mut lca = Lca::configured();
    expect(lca.pass(ms(15_000)), "
        10000 SIGKILL run1 to all
        10000 scs: SIP_SERVER_PRIMARY StopTransition Unknown/0 start 1 (start failed: the fork was not reported in time)
        15000 scs: SIP_SERVER_PRIMARY Unknown Unknown/0 start 1 (process of unknown id does not end by SIGKILL: look for a device or a mount that blocks it)
    ");
}

#[test]
fn only_a_process_of_the_run_with_its_token_and_name_may_register() {
    let mut lca = Lca::configured();
    lca.started(0);
    let of_run = Some(lca.runs[0]);
    let register = |application: &str, token: &str| FromApplication::Register {
        application: application.into(),
        token: token.to_owned(),
        version: "1".to_owned(),
        run_mode: RunMode::Unknown,
        epoch: Epoch(0),
        status: ApplicationStatus::Initializing,
    };
    let attempts = [
        (
            of_run,
            SERVER,
            "guess",
            "the token is not the one that SIP_SERVER_PRIMARY was started with",
        ),
        (
            None,
            SERVER,
            "token0",
            "the caller is neither the process that was started as SIP_SERVER_PRIMARY nor a descendant of it",
        ),
        (
            of_run,
            PLAIN,
            "token0",
            "RECORDER is a plain program: it has nothing to register",
        ),
        (
            of_run,
            "OTHER",
            "token0",
            "OTHER is no application of host1",
        ),
    ];
    for (index, (of_run, name, token, why)) in (200..).zip(attempts) {
        let connection = ConnectionId(index);
        lca.feed(LcaInput::ApplicationConnected {
            connection,
            pid: 1,
            of_run,
        });
        expect(
            lca.say(connection, register(name, token)),
            &format!(
                "
            application: registration refused: registration-refused: {why}
            close connection {connection}
        "
            ),
        );
    }
}

#[test]
fn a_registration_faster_than_the_report_of_the_fork_waits_for_it() {
    let mut lca = Lca::configured();
    expect(lca.register(LINK, 0), "");
    expect(lca.started(0), "
        scs: SIP_SERVER_PRIMARY StartTransition Unknown/0 start 1 (process started, waiting for its registration)
        application: registered: Backup of epoch 0, start 1, order 0, 0 option sections
        scs: SIP_SERVER_PRIMARY Initializing Unknown/0 start 1 (registered)
    ");
}

#[test]
fn a_stranger_at_the_socket_is_shown_out_after_a_while() {
    let mut lca = Lca::new();
    let connection = ConnectionId(5);
    lca.feed(LcaInput::ApplicationConnected {
        connection,
        pid: 1,
        of_run: None,
    });
    expect(lca.pass(ms(10_000)), "10000 close connection 5");
}
