//! Health checks: what one run, several in a row, and one that does not end make of a server's status.

use crate::harness::*;
use changeover_lca_core::LcaInput;
use changeover_model::environment::{HealthCheck, LcaSlice, Probe};
use changeover_model::message::{CheckStanding, LcaOrder};
use changeover_model::{ApplicationStatus, RunMode};

fn check(name: &str) -> HealthCheck {
    HealthCheck {
        name: name.to_owned(),
        probe: Probe::Command {
            command: format!("check-{name}"),
            arguments: Vec::new(),
        },
        every: ms(1000),
        timeout: ms(400),
        fall: 3,
        rise: 2,
    }
}

fn link(interface: &str) -> HealthCheck {
    HealthCheck {
        probe: Probe::Link {
            interfaces: vec![interface.to_owned()],
        },
        ..check("link")
    }
}

/// For random inputs.
pub(crate) fn every_kind() -> Vec<HealthCheck> {
    vec![check("media"), link("eth1")]
}

fn slice_with(application: &str, checks: Vec<HealthCheck>) -> LcaSlice {
    let mut slice = site::slice(1);
    for candidate in &mut slice.applications {
        if candidate.name.as_str() == application {
            candidate.health.clone_from(&checks);
        }
    }
    slice
}

/// The server is Running as backup; each check has had one good run.
fn serving(checks: Vec<HealthCheck>) -> Lca {
    let mut lca = Lca::new();
    lca.connect();
    lca.order(LcaOrder::Configure(slice_with(SERVER, checks.clone())));
    lca.intend(1, None, false);
    lca.started(0);
    lca.register(LINK, 0);
    lca.status(ApplicationStatus::Running);
    lca.acknowledge(0, RunMode::Backup, 1);
    lca.pass_answering(ms(10));
    for run in 0..checks.len() {
        lca.ends(run + 1, Ok("exit 0"));
    }
    lca
}

impl Lca {
    /// Nothing is left of a check's run.
    fn ends(&mut self, run: usize, result: Result<&str, &str>) -> Vec<String> {
        let run = self.runs[run];
        let result = result.map(str::to_owned).map_err(str::to_owned);
        self.feed(LcaInput::CheckEnded { run, result })
    }

    /// The next run begins a second after the one before, and ends so.
    fn next(&mut self, result: Result<&str, &str>) -> Vec<String> {
        let known = self.runs.len();
        self.pass_answering(ms(1000));
        assert_eq!(self.runs.len(), known + 1, "one run a second");
        self.ends(known, result)
    }

    fn shown(&self) -> (ApplicationStatus, String) {
        let state = self.core.state();
        let server = state
            .applications
            .iter()
            .find(|state| state.application.as_str() == SERVER)
            .expect("the slice has it");
        (server.status, server.reason.clone())
    }

    fn standing(&self, index: usize) -> CheckStanding {
        let state = self.core.state();
        let server = state
            .applications
            .iter()
            .find(|state| state.application.as_str() == SERVER);
        server.expect("the slice has it").health[index].standing
    }
}

const DOWN: &str = "health check \"media\": exit 1: no port left (3 in a row)";

#[test]
fn a_server_is_ready_when_each_check_has_passed_once_and_down_after_fall_failures_in_a_row() {
    let mut lca = Lca::new();
    lca.connect();
    lca.order(LcaOrder::Configure(slice_with(
        SERVER,
        vec![check("media")],
    )));
    lca.started(0);
    lca.register(LINK, 0);
    expect(
        lca.status(ApplicationStatus::Running),
        "scs: SIP_SERVER_PRIMARY Initializing Unknown/0 start 1 in-step (health check \"media\" has not passed yet)",
    );
    expect(lca.pass(ms(0)), "0 check run2 \"media\" starts");
    expect(
        lca.ends(1, Ok("exit 0: 12 calls")),
        "scs: SIP_SERVER_PRIMARY Running Unknown/0 start 1 in-step (says so)",
    );
    let bad = Err("exit 1: no port left");
    for _ in 0..2 {
        lca.next(bad);
        assert_eq!(lca.shown().0, ApplicationStatus::Running);
        assert_eq!(lca.standing(0), CheckStanding::Failing);
    }
    expect(
        lca.next(bad),
        &format!("scs: SIP_SERVER_PRIMARY ServiceUnavailable Unknown/0 start 1 in-step ({DOWN})"),
    );
    lca.next(Ok("exit 0"));
    assert_eq!(lca.standing(0), CheckStanding::Recovering);
    assert_eq!(lca.shown().0, ApplicationStatus::ServiceUnavailable);
    expect(
        lca.next(Ok("exit 0")),
        "scs: SIP_SERVER_PRIMARY Running Unknown/0 start 1 in-step (says so)",
    );
}

#[test]
fn one_that_flaps_at_the_edge_never_falls_and_is_seen_to_fail() {
    let mut lca = serving(vec![check("media")]);
    for _ in 0..6 {
        lca.next(Err("exit 1"));
        lca.next(Err("exit 1"));
        lca.next(Ok("exit 0"));
        assert_eq!(lca.shown().0, ApplicationStatus::Running);
    }
    let state = lca.core.state();
    let check = &state.applications[1].health[0];
    assert_eq!((check.failed_lately, check.runs_lately), (12, 19));
    // Once down, it is as hard to get up again.
    for _ in 0..3 {
        lca.next(Err("exit 1"));
    }
    for _ in 0..4 {
        assert_eq!(lca.shown().0, ApplicationStatus::ServiceUnavailable);
        lca.next(Ok("exit 0"));
        lca.next(Err("exit 1"));
    }
    lca.next(Ok("exit 0"));
    lca.next(Ok("exit 0"));
    assert_eq!(lca.shown().0, ApplicationStatus::Running);
}

#[test]
fn one_that_hangs_is_ended_counts_as_failed_and_holds_nobody_up() {
    let mut lca = serving(vec![check("hangs"), check("media")]);
    // Runs 4 and 5 begin together; only the second answers.
    expect(
        lca.pass_answering(ms(1000)),
        "
        990 check run4 \"hangs\" starts
        990 check run5 \"media\" starts
    ",
    );
    lca.ends(4, Ok("exit 0"));
    expect(
        lca.pass_answering(ms(500)),
        "390 check run4 is to end
         390 scs: SIP_SERVER_PRIMARY Running Backup/1 start 1 in-step (says so)",
    );
    // It does not go: there is no second run beside it, and each time it is due counts.
    expect(
        lca.pass_answering(ms(600)),
        "490 check run6 \"media\" starts",
    );
    lca.ends(5, Ok("exit 0"));
    expect(
        lca.pass_answering(ms(1000)),
        "
        890 scs: SIP_SERVER_PRIMARY ServiceUnavailable Backup/1 start 1 in-step (health check \"hangs\": the last run cannot be ended (3 in a row))
        890 check run7 \"media\" starts
    ",
    );
    // Gone at last: the next one begins in its rhythm.
    expect(lca.ends(3, Err("ended")), "");
    lca.ends(6, Ok("exit 0"));
    expect(
        lca.pass_answering(ms(1000)),
        "
        890 check run8 \"hangs\" starts
        890 check run9 \"media\" starts
    ",
    );
}

#[test]
fn an_answer_that_comes_too_late_is_dropped() {
    let mut lca = serving(vec![check("media")]);
    let mut until_its_start = ms(1000);
    for run in [2, 3, 4] {
        lca.pass_answering(until_its_start);
        assert_eq!(lca.runs.len(), run + 1);
        lca.pass_answering(ms(450));
        lca.ends(run, Ok("exit 0: all is well"));
        assert_ne!(lca.standing(0), CheckStanding::Passing);
        until_its_start = ms(550);
    }
    let (status, reason) = lca.shown();
    assert_eq!(status, ApplicationStatus::ServiceUnavailable);
    assert!(reason.contains("no answer within 400ms"), "{reason}");
    // An end of a run that nobody knows any more changes nothing.
    expect(lca.ends(1, Ok("exit 0")), "");
}

#[test]
fn while_it_starts_failures_do_not_count_and_after_its_startup_timeout_they_do() {
    let mut lca = Lca::new();
    lca.connect();
    lca.order(LcaOrder::Configure(slice_with(
        SERVER,
        vec![check("media")],
    )));
    lca.started(0);
    lca.register(LINK, 0);
    lca.status(ApplicationStatus::Running);
    let mut answered = 1;
    let mut until = |lca: &mut Lca, milliseconds: u64| {
        for _ in 0..milliseconds / 50 {
            lca.pass_answering(ms(50));
            while answered < lca.runs.len() {
                lca.ends(answered, Err("exit 1: not yet"));
                answered += 1;
            }
        }
    };
    until(&mut lca, 7900);
    let reason = "health check \"media\" has not passed yet: exit 1: not yet";
    assert_eq!(
        lca.shown(),
        (ApplicationStatus::Initializing, reason.to_owned())
    );
    until(&mut lca, 1500);
    let (status, reason) = lca.shown();
    assert_eq!(status, ApplicationStatus::ServiceUnavailable);
    assert!(reason.contains("exit 1: not yet (3 in a row)"), "{reason}");
}

#[test]
fn in_maintenance_results_are_shown_and_nobody_acts_on_them() {
    let mut lca = serving(vec![check("media")]);
    lca.intend(1, None, true);
    for _ in 0..3 {
        lca.next(Err("exit 1: no port left"));
    }
    assert_eq!(lca.standing(0), CheckStanding::Down);
    assert_eq!(lca.shown().0, ApplicationStatus::Running);
    expect(
        lca.intend(1, None, false),
        &format!("scs: SIP_SERVER_PRIMARY ServiceUnavailable Backup/1 start 1 in-step ({DOWN})"),
    );
}

#[test]
fn a_link_is_watched_and_its_loss_counts_at_once() {
    let mut lca = Lca::new();
    lca.connect();
    let lines = lca.order(LcaOrder::Configure(slice_with(SERVER, vec![link("eth1")])));
    assert!(lines.contains(&"watch links eth1".to_owned()), "{lines:#?}");
    lca.started(0);
    lca.register(LINK, 0);
    expect(
        lca.status(ApplicationStatus::Running),
        "scs: SIP_SERVER_PRIMARY Initializing Unknown/0 start 1 in-step (health check \"link\" has not passed yet)",
    );
    let carrier = |carrier| LcaInput::LinksObserved(vec![("eth1".to_owned(), carrier)]);
    expect(
        lca.feed(carrier(Some(true))),
        "scs: SIP_SERVER_PRIMARY Running Unknown/0 start 1 in-step (says so)",
    );
    expect(
        lca.feed(carrier(Some(false))),
        "scs: SIP_SERVER_PRIMARY ServiceUnavailable Unknown/0 start 1 in-step (health check \"link\": no carrier on eth1)",
    );
    expect(
        lca.feed(carrier(None)),
        "scs: SIP_SERVER_PRIMARY ServiceUnavailable Unknown/0 start 1 in-step (health check \"link\": there is no interface eth1)",
    );
    expect(
        lca.feed(carrier(Some(true))),
        "scs: SIP_SERVER_PRIMARY Running Unknown/0 start 1 in-step (says so)",
    );
}

#[test]
fn a_stopped_server_is_not_checked_and_what_ran_is_ended() {
    let mut lca = serving(vec![check("media")]);
    lca.pass_answering(ms(1000));
    let lines = lca.stop(SERVER, false);
    assert!(
        lines.contains(&"check run3 is to end".to_owned()),
        "{lines:#?}"
    );
    lca.ends(2, Err("ended"));
    let later = lca.pass_answering(ms(4000));
    assert!(
        !later.iter().any(|line| line.contains("check run")),
        "{later:#?}"
    );
}

#[test]
fn a_check_that_is_added_to_a_serving_server_is_presumed_to_pass() {
    let mut lca = serving(vec![check("media")]);
    let mut slice = slice_with(SERVER, vec![check("media"), check("new")]);
    slice.revision = changeover_model::Revision(2);
    lca.order(LcaOrder::Configure(slice));
    assert_eq!(lca.shown().0, ApplicationStatus::Running);
    assert_eq!(lca.standing(0), CheckStanding::Passing);
    assert_eq!(lca.standing(1), CheckStanding::Passing);
}

#[test]
fn a_plain_program_is_initializing_until_its_checks_pass() {
    let mut lca = Lca::new();
    lca.connect();
    lca.order(LcaOrder::Configure(slice_with(PLAIN, vec![check("media")])));
    lca.start(PLAIN, 0);
    let run = lca.runs.len() - 1;
    let lines = lca.started(run);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("RECORDER Initializing")),
        "{lines:#?}"
    );
    lca.pass(ms(0));
    let check = lca.runs.len() - 1;
    let lines = lca.ends(check, Ok("exit 0"));
    assert!(
        lines.iter().any(|line| line.contains("RECORDER Running")),
        "{lines:#?}"
    );
}
