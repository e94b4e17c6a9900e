//! A Third Party Server as a member of a pair: the LCA holds its run mode, and finds its main process wherever that is.

use crate::harness::*;
use changeover_lca_core::{FoundRun, LcaInput, Recovery};
use changeover_model::environment::{LcaSlice, StartInfo};
use changeover_model::message::{ExitStatus, LcaOrder};
use changeover_model::{ApplicationType, RunMode};

/// The slice of the other tests with a third-party member.
fn slice(change: impl Fn(&mut StartInfo)) -> LcaSlice {
    let mut slice = site::slice(1);
    let member = &mut slice.applications[0];
    member.application_type = ApplicationType::ThirdPartyServer;
    member.start_info.command_line = "./proxy".to_owned();
    member.start_info.auto_restart = true;
    change(&mut member.start_info);
    slice
}

fn by_unit(info: &mut StartInfo) {
    info.command_line.clear();
    info.systemd_unit = "proxy.service".to_owned();
}

fn by_pid_file(info: &mut StartInfo) {
    info.pid_file = "/run/proxy.pid".to_owned();
}

fn configured(change: impl Fn(&mut StartInfo)) -> Lca {
    let mut lca = Lca::new();
    lca.connect();
    lca.order(LcaOrder::Configure(slice(change)));
    lca.intend(1, None, false);
    lca
}

fn found(lca: &mut Lca, run: usize, how: &str) -> Vec<String> {
    let run = lca.runs[run];
    lca.feed(LcaInput::MainProcessFound {
        run,
        pid: 4000,
        start_time: 77,
        how: how.to_owned(),
    })
}

fn serving_as_primary(change: impl Fn(&mut StartInfo)) -> Lca {
    let mut lca = configured(change);
    found(&mut lca, 0, "started");
    lca.set_run_mode(RunMode::Primary, 2);
    lca
}

fn restarted(old: Lca, alive: bool) -> (Lca, Vec<String>) {
    let mut lca = Lca::recovered(old.stored.clone(), old.now + ms(300));
    lca.runs.clone_from(&old.runs);
    let found = alive.then(|| FoundRun {
        run: old.runs[0],
        application: SERVER.into(),
        pid: Some(4000),
        start_time: 77,
        token: String::new(),
    });
    let lines = lca.feed(LcaInput::Recovered(Recovery {
        state: old.stored,
        found: found.into_iter().collect(),
    }));
    (lca, lines)
}

#[test]
fn a_plain_child_is_backup_of_the_current_epoch_as_soon_as_it_runs() {
    let mut lca = configured(|_| {});
    expect(
        lca.started(0),
        "
        scs: SIP_SERVER_PRIMARY Running Backup/1 start 1 in-step (process started)
    ",
    );
}

#[test]
fn a_run_mode_is_kept_with_its_epoch_before_it_is_acknowledged() {
    let mut lca = configured(|_| {});
    lca.started(0);
    lca.show_writes = true;
    expect(
        lca.set_run_mode(RunMode::Primary, 2).1,
        "
        write disk: pair SIP_EAST epoch 2
        write disk: SIP_SERVER_PRIMARY Running start 1 Primary of epoch 2
        scs: SIP_SERVER_PRIMARY Running Primary/2 start 1 in-step (process started)
        scs: order 1 SIP_SERVER_PRIMARY done, start 1
    ",
    );
}

#[test]
fn an_order_of_a_lower_epoch_or_for_a_stopped_one_is_refused() {
    let mut lca = serving_as_primary(by_unit);
    expect(lca.set_run_mode(RunMode::Backup, 1).1, "
        scs: order 2 SIP_SERVER_PRIMARY refused, stale-epoch: the order is of epoch 1 of SIP_EAST, host1 has seen 2
    ");
    lca.stop(SERVER, false);
    lca.exited(0, 0);
    lca.gone(0);
    expect(
        lca.set_run_mode(RunMode::Primary, 2).1,
        "
        scs: order 4 SIP_SERVER_PRIMARY refused, not-running: SIP_SERVER_PRIMARY is Stopped
    ",
    );
}

#[test]
fn a_crash_of_the_lca_keeps_the_primary_running_as_primary() {
    for change in [by_unit, by_pid_file, |_: &mut StartInfo| {}] {
        let (mut lca, lines) = restarted(serving_as_primary(change), true);
        assert!(
            lines.iter().all(|line| line.starts_with("watch ")),
            "nothing is started or ended: {lines:?}"
        );
        let hello = lca.connect().remove(0);
        assert!(
            hello.ends_with("SIP_SERVER_PRIMARY Running Primary/2 start 1 in-step (adopted)"),
            "{hello}"
        );
    }
}

#[test]
fn a_unit_is_started_by_systemd_and_what_came_of_it_is_told() {
    let mut lca = Lca::new();
    lca.connect();
    expect(
        lca.order(LcaOrder::Configure(slice(by_unit))),
        r#"
        watch 10.10.11.103
        watch units proxy.service
        scs: SIP_SERVER_PRIMARY StartPending Unknown/0 start 1 in-step (start ordered)
        scs: configured 1
        start run1 Plain SIP_SERVER_PRIMARY: by SystemdUnit("proxy.service")
        scs: SIP_SERVER_PRIMARY StartTransition Unknown/0 start 1 in-step (waiting for systemd to start proxy.service)
    "#,
    );
    expect(found(&mut lca, 0, "taken over: proxy.service is active already"), "
        scs: SIP_SERVER_PRIMARY Running Backup/0 start 1 in-step (process started)
        scs: SIP_SERVER_PRIMARY Running Backup/0 start 1 in-step (taken over: proxy.service is active already)
    ");
}

#[test]
fn a_unit_that_cannot_be_started_says_what_to_do_and_is_tried_again() {
    let mut lca = configured(by_unit);
    let run = lca.runs[0];
    let reason = "systemd knows no unit proxy.service: check the name".to_owned();
    expect(lca.feed(LcaInput::ProcessStartFailed { run, reason }), "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/0 start 1 in-step (start failed: systemd knows no unit proxy.service: check the name)
    ");
    let again = lca.pass(ms(100));
    assert!(
        again.iter().any(|line| line.contains("start run2")),
        "{again:?}"
    );
}

#[test]
fn a_unit_whose_main_process_dies_is_restarted_as_backup_and_systemd_explains_the_end() {
    let mut lca = serving_as_primary(by_unit);
    let run = lca.runs[0];
    let (exit, output) = (ExitStatus::Unknown, String::new());
    expect(
        lca.feed(LcaInput::ProcessExited { run, exit, output }),
        "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/2 start 1 in-step (ended unasked: exit unknown)
        SIGKILL run1 to all
    ",
    );
    let text = "systemd: proxy.service failed, result oom-kill".to_owned();
    let exit = ExitStatus::Signal(9);
    expect(lca.feed(LcaInput::EndExplained { run, exit, text }), "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/2 start 1 in-step (ended unasked: signal 9; systemd: proxy.service failed, result oom-kill)
    ");
    lca.gone(0);
    lca.pass(ms(100));
    let lines = found(&mut lca, 1, "proxy.service was started");
    assert_eq!(
        lines.last().map(String::as_str),
        Some(
            "scs: SIP_SERVER_PRIMARY Running Backup/2 start 2 in-step (proxy.service was started)"
        )
    );
}

#[test]
fn a_unit_that_somebody_else_starts_is_taken_over_as_backup() {
    let mut lca = serving_as_primary(by_unit);
    lca.stop(SERVER, false);
    lca.exited(0, 0);
    lca.gone(0);
    let application = SERVER.into();
    let lines = lca.feed(LcaInput::SeenRunning { application });
    assert!(
        lines
            .iter()
            .any(|line| line.contains("start run2") && line.contains("proxy.service")),
        "{lines:?}"
    );
    let again = lca.feed(LcaInput::SeenRunning {
        application: SERVER.into(),
    });
    expect(again, "");
}

#[test]
fn a_program_that_went_into_the_background_is_stopped_like_any_other() {
    let mut lca = configured(by_pid_file);
    found(&mut lca, 0, "started: /run/proxy.pid names process 4000");
    expect(
        lca.stop(SERVER, false),
        "
        SIGTERM run1
        scs: SIP_SERVER_PRIMARY StopTransition Backup/1 start 1 in-step (stop ordered)
    ",
    );
    let later = lca.pass(ms(5000));
    assert_eq!(later, ["5000 SIGKILL run1 to all"]);
}

#[test]
fn a_start_that_never_answers_is_ended() {
    let mut lca = configured(by_pid_file);
    let lines = lca.pass(ms(18_000));
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("18000 SIGKILL run1")),
        "{lines:?}"
    );
}
