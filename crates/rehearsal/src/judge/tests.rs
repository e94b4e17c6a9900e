//! Verdicts over hand-made accounts: what a good run looks like, and how each thing that is missing is named.

use super::checks::{EndState, end_checks};
use super::witness::{Cast, OwnSighting, SeenEntry, Witness};
use super::{Rule, judge};
use crate::moment::Moment;
use crate::observer::{Holder, Holding, Sighting};
use crate::outcome::StepOutcome;
use crate::probe::ProbeAnswer;
use crate::workflows::rules;
use changeover_model::message::{
    MemberPicture, PairPicture, PairState, Party, PredictedVip, Prediction, ReactionState,
    ReadyPicture, RecordKind, Step,
};
use changeover_model::{
    AlarmId, ApplicationName, ApplicationStatus, CauseId, ConditionName, ConfiguredAs, Epoch,
    HostName, LogEventId, Redundancy, RunMode, ScriptAction, Timestamp,
};
use std::path::Path;
use std::time::Duration;

mod calls;
mod ports;

const A: &str = "SIP_SERVER_PRIMARY";
const B: &str = "SIP_SERVER_BACKUP";
const MS: u64 = 1_000_000;

fn cast(redundancy: Redundancy, primary: &str) -> Cast {
    let text = crate::built_in::environment(redundancy, None, Path::new("/tmp/run"));
    let loaded = changeover_configuration::load("linux.yaml", &text)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let pair = loaded
        .environment
        .pairs
        .values()
        .next()
        .expect("the built-in pair");
    Cast::of(&loaded.environment, pair, &ApplicationName::from(primary)).expect("a member")
}

fn app(name: &str) -> ApplicationName {
    name.into()
}

fn host(name: &str) -> HostName {
    name.into()
}

fn entry(at_ms: f64, step: Step) -> SeenEntry {
    SeenEntry {
        at_ms,
        record: CauseId(7),
        kind: RecordKind::Switchover,
        who: Party::Scs,
        what: format!("{step:?}"),
        step,
        evidence: String::new(),
    }
}

fn condition(name: &str) -> ConditionName {
    name.into()
}

fn reaction(script: &str, state: ReactionState) -> Step {
    Step::ReactionRequested {
        application: Some(app(script)),
        state,
        added: false,
    }
}

fn script_run(at_ms: f64, script: &str, action: ScriptAction, good: bool) -> [SeenEntry; 2] {
    [
        entry(at_ms, Step::Launched(app(script), Some(action))),
        entry(at_ms + 3.0, Step::Finished(app(script), Some(action), good)),
    ]
}

fn holding(sightings: &[(u64, &[&str])]) -> Holding {
    let address = "10.10.11.103".parse().expect("an address");
    Holding {
        addresses: vec![address],
        sightings: sightings
            .iter()
            .map(|(at, hosts)| Sighting {
                at: Moment(at * MS),
                cause: "ifconfig".into(),
                holders: hosts
                    .iter()
                    .map(|name| Holder {
                        address,
                        host: (*name).into(),
                        reachable: true,
                    })
                    .collect(),
            })
            .collect(),
    }
}

fn pair_picture(primary: &str) -> PairPicture {
    let member = |name: &str, on: &str| MemberPicture {
        application: app(name),
        host: host(on),
        configured_as: if name == A {
            ConfiguredAs::Primary
        } else {
            ConfiguredAs::Backup
        },
        run_mode: if name == primary {
            RunMode::Primary
        } else {
            RunMode::Backup
        },
        status: ApplicationStatus::Running,
        in_step: true,
        since: Timestamp(0),
        reason: String::new(),
    };
    PairPicture {
        name: "SIP_EAST".into(),
        redundancy: Redundancy::Hot,
        epoch: Epoch(2),
        state: PairState::Ok,
        maintenance: false,
        maintenance_until: None,
        test_hold_ms: None,
        members: vec![member(A, "host1"), member(B, "host2")],
        virtual_ips: Vec::new(),
        ready: ReadyPicture {
            switchover: true,
            reasons: Vec::new(),
        },
        suppressed: Vec::new(),
        primary_because: String::new(),
        last_record: None,
    }
}

/// A manual switchover as it should be: host 1 to host 2, starting at 1,000 ms.
fn good_switchover() -> Witness {
    let mut entries = vec![
        entry(0.0, Step::Requested),
        entry(0.7, Step::RunModeOrdered(app(A), RunMode::Backup)),
        entry(1.1, Step::RunModeAcknowledged(app(A), RunMode::Backup)),
        entry(1.2, Step::RunModeOrdered(app(B), RunMode::Primary)),
        entry(1.6, Step::RunModeAcknowledged(app(B), RunMode::Primary)),
        entry(1.0, Step::EventLogged(app(A), LogEventId::HOT_BACKUP)),
        entry(1.5, Step::EventLogged(app(B), LogEventId::HOT_PRIMARY)),
        entry(
            1.7,
            Step::ConditionsFound(vec![condition("ALRM_PRIMARY_4561_HABackup")]),
        ),
        entry(
            1.8,
            Step::ConditionsFound(vec![condition("ALRM_BACKUP_4563_HAPrimary")]),
        ),
        entry(
            1.9,
            Step::AlarmActivated(AlarmId(1), condition("ALRM_PRIMARY_4561_HABackup")),
        ),
        entry(
            1.9,
            Step::AlarmActivated(AlarmId(2), condition("ALRM_BACKUP_4563_HAPrimary")),
        ),
        entry(
            2.0,
            reaction("SIP_SERVER_PRIMARY_VIP_DOWN", ReactionState::Running),
        ),
        entry(
            2.0,
            reaction("SIP_SERVER_BACKUP_VIP_UP", ReactionState::Waiting),
        ),
        entry(
            2.0,
            reaction("SIP_SERVER_PRIMARY_VIP_DOWN", ReactionState::Joined),
        ),
    ];
    entries.extend(script_run(
        2.1,
        "SIP_SERVER_PRIMARY_VIP_DOWN",
        ScriptAction::Disable,
        true,
    ));
    entries.push(entry(5.2, Step::VipGone(host("host1"))));
    entries.extend(script_run(
        5.5,
        "SIP_SERVER_BACKUP_VIP_UP",
        ScriptAction::Enable,
        true,
    ));
    entries.push(entry(8.8, Step::VipSeen(host("host2"))));
    Witness {
        cast: cast(Redundancy::Hot, A),
        start: Moment(1_000 * MS),
        end: Moment(1_050 * MS),
        entries,
        own: Vec::new(),
        holding: holding(&[(0, &["host1"]), (1_005, &[]), (1_008, &["host2"])]),
        answers: vec![ProbeAnswer {
            sequence: 1,
            at: Moment(1_010 * MS),
            server: Some(B.into()),
        }],
        neighbour: Some("host2".into()),
        pair: Some(pair_picture(B)),
    }
}

fn verdicts(rules: &[Rule], witness: &Witness) -> Vec<StepOutcome> {
    judge(rules, witness, |path| format!("linux.yaml:1 ({path})"))
}

/// Numbers of the steps that failed, with what each expected.
fn failed(steps: &[StepOutcome]) -> Vec<(u32, &str)> {
    steps
        .iter()
        .filter_map(|step| Some((step.number, step.problem.as_ref()?.expected.as_str())))
        .collect()
}

#[test]
fn a_good_switchover_passes_its_ten_steps_each_with_its_evidence() {
    let witness = good_switchover();
    let steps = verdicts(&rules::manual_switchover(&witness.cast), &witness);
    assert_eq!(failed(&steps), []);
    assert_eq!(steps.len(), 10);
    assert_eq!(steps[1].events[0].evidence, "acknowledged after 0.4 ms");
    let moved: Vec<_> = steps[9]
        .events
        .iter()
        .map(|event| (event.at_ms, event.what.as_str()))
        .collect();
    assert_eq!(
        moved,
        [
            (5.0, "off host1"),
            (8.0, "on host2"),
            (10.0, "answered by SIP_SERVER_BACKUP")
        ]
    );
}

#[test]
fn a_server_that_logs_no_event_fails_its_own_step_and_names_the_option_to_look_at() {
    let mut witness = good_switchover();
    witness
        .entries
        .retain(|entry| !matches!(&entry.step, Step::EventLogged(of, _) if *of == app(A)));
    let steps = verdicts(&rules::manual_switchover(&witness.cast), &witness);
    assert_eq!(
        failed(&steps),
        [(4, "SIP_SERVER_PRIMARY logs 00-04561 to the Message Server")]
    );
    let problem = steps[3].problem.as_ref().expect("it failed");
    assert_eq!(
        problem.look_at,
        "linux.yaml:1 (applications.SIP_SERVER_PRIMARY.options.log)"
    );
    assert_eq!(problem.seen, "nothing of it");
}

#[test]
fn the_wrong_event_is_shown_as_what_was_seen_instead() {
    let mut witness = good_switchover();
    for entry in &mut witness.entries {
        if entry.step == Step::EventLogged(app(B), LogEventId::HOT_PRIMARY) {
            entry.step = Step::EventLogged(app(B), LogEventId::WARM_PRIMARY);
        }
    }
    let steps = verdicts(&rules::manual_switchover(&witness.cast), &witness);
    assert_eq!(failed(&steps).len(), 1);
    assert_eq!(
        steps[4].problem.as_ref().expect("it failed").seen,
        "SIP_SERVER_BACKUP logged 00-04562"
    );
}

#[test]
fn a_timeline_that_claims_a_move_the_observer_did_not_see_fails() {
    let mut witness = good_switchover();
    witness.holding = holding(&[(0, &["host1"])]);
    witness.neighbour = Some("host1".into());
    let steps = verdicts(&rules::manual_switchover(&witness.cast), &witness);
    let expected = "the observer sees the VIP go off on host1; the observer sees the VIP go on on host2; \
                    the client's ARP entry for the VIP names host2";
    assert_eq!(failed(&steps), [(10, expected)]);
}

#[test]
fn a_script_that_ends_badly_fails_the_launch_and_shows_how_it_ended() {
    let mut witness = good_switchover();
    for entry in &mut witness.entries {
        if let Step::Finished(script, _, good) = &mut entry.step
            && script.as_str() == "SIP_SERVER_BACKUP_VIP_UP"
        {
            *good = false;
            entry.what = "SIP_SERVER_BACKUP_VIP_UP".into();
            entry.evidence = "exit 0, VIP not seen".into();
        }
    }
    let steps = verdicts(&rules::manual_switchover(&witness.cast), &witness);
    assert_eq!(
        failed(&steps),
        [(9, "SIP_SERVER_BACKUP_VIP_UP ends with the VIP as wanted")]
    );
    let seen = &steps[8].problem.as_ref().expect("it failed").seen;
    assert_eq!(seen, "scs: SIP_SERVER_BACKUP_VIP_UP (exit 0, VIP not seen)");
}

#[test]
fn warm_standby_is_judged_by_its_own_events() {
    let mut witness = good_switchover();
    witness.cast = cast(Redundancy::Warm, A);
    let steps = verdicts(&rules::manual_switchover(&witness.cast), &witness);
    let numbers: Vec<u32> = failed(&steps)
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    assert_eq!(
        numbers,
        [4, 5, 6, 7],
        "the hot events and conditions are no evidence"
    );
}

#[test]
fn a_killed_primary_must_have_ended_and_must_have_been_reported() {
    let mut witness = good_switchover();
    witness
        .entries
        .retain(|entry| !matches!(entry.step, Step::Requested));
    let missing = verdicts(&rules::primary_failure(&witness.cast), &witness);
    assert_eq!(
        failed(&missing),
        [
            (1, "a process of SIP_SERVER_PRIMARY to kill"),
            (2, "the LCA reports the end of SIP_SERVER_PRIMARY"),
        ]
    );
    witness.own.push(OwnSighting::Killed {
        pid: 42,
        ended_ms: Some(0.3),
    });
    witness
        .entries
        .push(entry(0.4, Step::ApplicationDied(app(A))));
    let steps = verdicts(&rules::primary_failure(&witness.cast), &witness);
    assert_eq!((failed(&steps), steps.len()), (vec![], 9));
}

#[test]
fn of_a_lost_host_the_script_must_be_reported_as_not_launched() {
    let mut witness = good_switchover();
    witness.own.push(OwnSighting::Cable {
        host: host("host1"),
        plugged: false,
    });
    witness
        .entries
        .push(entry(3_000.0, Step::HostLost(host("host1"), true)));
    let steps = verdicts(&rules::primary_disconnected(&witness.cast), &witness);
    let expected = "SIP_SERVER_PRIMARY_VIP_DOWN cannot be launched, and the timeline says so";
    assert_eq!(failed(&steps), [(7, expected)]);
    let step = Step::CannotLaunch(
        app("SIP_SERVER_PRIMARY_VIP_DOWN"),
        Some(ScriptAction::Disable),
    );
    witness.entries.push(entry(3_001.0, step));
    let steps = verdicts(&rules::primary_disconnected(&witness.cast), &witness);
    assert_eq!((failed(&steps), steps.len()), (vec![], 7));
}

#[test]
fn in_a_reconnect_the_restored_server_is_the_one_that_is_demoted() {
    let mut witness = good_switchover();
    witness.cast = cast(Redundancy::Hot, B);
    witness.own.push(OwnSighting::Cable {
        host: host("host1"),
        plugged: true,
    });
    witness
        .entries
        .push(entry(0.5, Step::HostLost(host("host1"), false)));
    let steps = verdicts(&rules::reconnect(&witness.cast), &witness);
    assert_eq!(failed(&steps), [(2, "the SCS finds both servers primary")]);
    witness.entries.push(entry(0.6, Step::TwoPrimariesFound));
    let steps = verdicts(&rules::reconnect(&witness.cast), &witness);
    assert_eq!((failed(&steps), steps.len()), (vec![], 9));
}

/// A Test of the primary's "is backup now" that left what was predicted.
fn good_test() -> Witness {
    let mut witness = good_switchover();
    let mut entries = vec![
        entry(0.0, Step::Requested),
        entry(
            0.5,
            Step::AlarmActivated(AlarmId(3), condition("ALRM_PRIMARY_4561_HABackup")),
        ),
        entry(
            0.6,
            reaction("SIP_SERVER_PRIMARY_VIP_DOWN", ReactionState::Running),
        ),
    ];
    entries.extend(script_run(
        0.7,
        "SIP_SERVER_PRIMARY_VIP_DOWN",
        ScriptAction::Disable,
        true,
    ));
    for entry in &mut entries {
        entry.kind = RecordKind::Test;
    }
    witness.entries = entries;
    witness.holding = holding(&[(0, &["host1"]), (1_004, &[])]);
    let vip = PredictedVip {
        address: "10.10.11.103/24".into(),
        holders: Vec::new(),
        intended: Some(host("host1")),
    };
    witness.own = vec![
        OwnSighting::DryRun {
            prediction: Prediction {
                virtual_ips: vec![vip],
                ..Prediction::default()
            },
            untouched: true,
        },
        OwnSighting::AfterTest {
            holders: Vec::new(),
            state: "vip-none".into(),
            modes_unchanged: true,
        },
    ];
    witness
}

#[test]
fn a_test_passes_when_it_leaves_what_its_dry_run_predicted() {
    let witness = good_test();
    let tested = condition("ALRM_PRIMARY_4561_HABackup");
    let steps = verdicts(&rules::alarm_test(&witness.cast, &tested), &witness);
    assert_eq!((failed(&steps), steps.len()), (vec![], 5));
    assert_eq!(steps[4].events[0].evidence, "pair's state: vip-none");
}

#[test]
fn a_test_fails_when_it_touches_a_run_mode_or_leaves_something_else() {
    let mut witness = good_test();
    let mut touched = entry(0.9, Step::RunModeOrdered(app(A), RunMode::Backup));
    touched.kind = RecordKind::Test;
    witness.entries.push(touched);
    witness.own[1] = OwnSighting::AfterTest {
        holders: vec!["host1".into()],
        state: "ok".into(),
        modes_unchanged: true,
    };
    let tested = condition("ALRM_PRIMARY_4561_HABackup");
    let steps = verdicts(&rules::alarm_test(&witness.cast, &tested), &witness);
    assert_eq!(
        failed(&steps),
        [
            (2, "a Test logs no event and orders no run mode"),
            (5, "10.10.11.103/24 on no host, as predicted")
        ]
    );
}

#[test]
fn at_the_end_one_primary_and_one_holder_must_be_the_same_host() {
    let end = EndState {
        primary: app(B),
        host: host("host2"),
        backup_there: true,
        two_holders: Duration::ZERO,
    };
    let failed = |witness: &Witness| -> Vec<String> {
        end_checks(&end, witness, ToOwned::to_owned)
            .into_iter()
            .filter(|check| !check.passed)
            .map(|check| format!("{}: {}", check.text, check.seen))
            .collect()
    };
    let mut witness = good_switchover();
    assert_eq!(failed(&witness), Vec::<String>::new());

    witness.holding = holding(&[
        (0, &["host1"]),
        (1_005, &["host1", "host2"]),
        (1_007, &["host2"]),
    ]);
    assert_eq!(
        failed(&witness),
        ["never two holders that neighbours reach: 2.0 ms"]
    );

    witness = good_switchover();
    witness.pair = Some(pair_picture(A));
    witness.answers[0].server = Some(A.into());
    let primaries = "SIP_SERVER_BACKUP is primary, the other one is backup, both Started: \
                     ok: SIP_SERVER_PRIMARY Started Primary, SIP_SERVER_BACKUP Started Backup";
    assert_eq!(
        failed(&witness),
        [
            primaries,
            "SIP_SERVER_BACKUP answers through the VIP: SIP_SERVER_PRIMARY answers"
        ]
    );
}
