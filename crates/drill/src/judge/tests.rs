//! Verdicts on observations as a drill records them, most of which must not be good.

use super::{judge, two_holders_allowed};
use crate::fault::Kind;
use crate::seen::{Case, Made, Promises, Promotion, Recorded, Round, Seen};
use crate::slow_disk::Slowed;
use std::time::Duration;

/// As `check` prints them for a site with usual timing.
fn promises(policy: &str) -> Promises {
    let case = |name: &str, two: Option<f64>| Case {
        name: name.to_owned(),
        two_holders_ms: two,
        no_holder_ms: Some(13_000.0),
    };
    let (cut_off, agent_cut_off, wakes_up) = match policy {
        "hold" => (None, None, None),
        "quorum" => (Some(0.0), Some(10_000.0), Some(2_400.0)),
        _ => (Some(7_000.0), None, Some(10_000.0)),
    };
    Promises {
        pair: "EAST".to_owned(),
        policy: policy.to_owned(),
        cases: vec![
            case("host-cut-off", cut_off),
            case("agent-dies", Some(0.0)),
            case("agent-dies-cut-off", agent_cut_off),
            case("host-wakes-up", wakes_up),
        ],
        rest_ms: 21_000.0,
        members: vec![
            ("A".to_owned(), "host1".to_owned()),
            ("B".to_owned(), "host2".to_owned()),
        ],
    }
}

fn made(kind: Kind, target: &str, host: Option<&str>) -> Made {
    Made {
        kind,
        target: target.to_owned(),
        from_ms: 0.0,
        until_ms: 4_000.0,
        host: host.map(str::to_owned),
        hit_holder: true,
        note: String::new(),
        slowed: None,
    }
}

/// A round in which all went well.
fn round(faults: Vec<Made>) -> Round {
    Round {
        number: 1,
        faults,
        rest_ms: Some(800.0),
        vip_gap_ms: Some(12.0),
        epoch_before: 4,
        epoch_after: 5,
        primary_before: "A".to_owned(),
        primary_after: "B".to_owned(),
        ..Round::default()
    }
}

fn killed() -> Round {
    round(vec![made(Kind::KillServer, "A", Some("host1"))])
}

fn seen(policy: &str, round: Round) -> Seen {
    Seen {
        promises: promises(policy),
        rounds: vec![round],
        promotions: vec![Promotion {
            application: "B".to_owned(),
            epoch: 5,
        }],
        records: vec![Recorded {
            id: 7,
            kind: "failover".to_owned(),
            title: "failover of EAST".to_owned(),
            outcome: Some("done".to_owned()),
            epoch_before: 4,
            epoch_after: 5,
            reasons: 0,
            why: "A died".to_owned(),
            held_at_close: vec!["host2".to_owned()],
        }],
        broke_off: false,
    }
}

/// The invariants that are broken, with what is said of each.
fn broken(seen: &Seen) -> Vec<(&'static str, String)> {
    judge(seen)
        .into_iter()
        .filter(|verdict| !verdict.passed)
        .map(|verdict| (verdict.invariant, verdict.broken.join("; ")))
        .collect()
}

fn only(seen: &Seen) -> (&'static str, String) {
    let mut all = broken(seen);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_death_and_its_failover_break_nothing_and_every_invariant_has_looked() {
    let seen = seen("quorum", killed());
    assert_eq!(broken(&seen), []);
    let idle: Vec<_> = judge(&seen)
        .into_iter()
        .filter(|verdict| verdict.judged == 0)
        .map(|verdict| verdict.invariant)
        .collect();
    assert_eq!(
        idle,
        ["controller-alone", "slow-disk-alone", "reasons-given"]
    );
}

#[test]
fn two_applications_that_are_primary_in_one_epoch_are_named() {
    let mut seen = seen("hold", killed());
    seen.promotions.push(Promotion {
        application: "A".to_owned(),
        epoch: 5,
    });
    let expected = "epoch 5: B and A were primary".to_owned();
    assert_eq!(only(&seen), ("one-primary-per-epoch", expected));
}

#[test]
fn an_epoch_that_falls_or_serves_twice_is_found() {
    let mut seen = seen("hold", killed());
    let mut later = killed();
    later.number = 2;
    (later.epoch_before, later.epoch_after) = (3, 6);
    seen.rounds.push(later);
    let (invariant, said) = only(&seen);
    assert_eq!(invariant, "epochs-rise");
    assert!(said.ends_with("epoch 3 after 5"), "{said}");
    let mut same = killed();
    same.epoch_after = 4;
    let mut seen = self::seen("hold", same);
    seen.records.clear();
    let (invariant, said) = only(&seen);
    assert_eq!(invariant, "epochs-rise");
    assert!(said.ends_with("B became primary within epoch 4"), "{said}");
}

#[test]
fn a_single_millisecond_with_two_holders_breaks_what_has_no_allowance() {
    let mut round = killed();
    round.two_holders_ms = 1.0;
    let (invariant, said) = only(&seen("hold", round));
    assert_eq!(invariant, "two-holders");
    assert!(said.contains("0 ms allowed under hold"), "{said}");
}

#[test]
fn the_allowance_is_the_policys_and_the_faults() {
    let host = |kind| made(kind, "host1", Some("host1"));
    let allowed = |policy: &str, faults: Vec<Made>| {
        let time = two_holders_allowed(&promises(policy), &round(faults));
        time.as_millis()
    };
    let second = Duration::from_secs(1).as_millis();
    assert_eq!(allowed("hold", vec![host(Kind::CutHost)]), second);
    assert_eq!(allowed("quorum", vec![host(Kind::CutHost)]), 0);
    assert_eq!(allowed("hold", vec![host(Kind::FreezeHost)]), second);
    assert_eq!(allowed("quorum", vec![host(Kind::FreezeHost)]), 2_400);
    // As long as clients hear both, and a second after.
    assert_eq!(allowed("hold", vec![host(Kind::DeafHost)]), 5_000);
    assert_eq!(allowed("quorum", vec![host(Kind::DeafHost)]), 0);
    assert_eq!(
        allowed("release-after 10s", vec![host(Kind::DeafHost)]),
        7_000
    );
    let scs = made(Kind::FreezeHost, "mgmt1", Some("mgmt1"));
    assert_eq!(allowed("hold", vec![scs]), 0);
    let agent = || made(Kind::KillLca, "lca@host1", Some("host1"));
    assert_eq!(allowed("quorum", vec![agent()]), 0);
    assert_eq!(
        allowed("quorum", vec![agent(), host(Kind::CutHost)]),
        10_000
    );
}

#[test]
fn a_site_that_does_not_come_to_rest_says_what_is_missing() {
    let mut round = killed();
    round.rest_ms = None;
    round.missing = vec!["EAST is vip-none: ".to_owned()];
    let (invariant, said) = only(&seen("hold", round));
    assert_eq!(invariant, "settled");
    assert!(said.ends_with("EAST is vip-none: "), "{said}");
}

#[test]
fn what_is_under_way_at_rest_or_open_at_the_end_is_stuck() {
    let mut round = killed();
    round.stuck = vec!["A is StartPending: ".to_owned()];
    let mut seen = seen("hold", round);
    let mut open = seen.records[0].clone();
    open.id = 8;
    open.outcome = None;
    seen.records.push(open);
    let (invariant, said) = only(&seen);
    assert_eq!(invariant, "no-stuck-state");
    assert!(
        said.contains("StartPending") && said.contains("record 8"),
        "{said}"
    );
    // Where the drill broke off, it was in the middle of something.
    seen.broke_off = true;
    let (_, said) = only(&seen);
    assert!(!said.contains("record 8"), "{said}");
}

#[test]
fn the_loss_of_the_controller_alone_may_move_a_vip_only_under_release_after() {
    let alone = |policy: &str, faults: Vec<Made>| {
        let mut round = round(faults);
        round.vip_left = true;
        broken(&seen(policy, round))
    };
    let scs = || made(Kind::KillScs, "scs", Some("mgmt1"));
    let frozen = || made(Kind::FreezeHost, "mgmt1", Some("mgmt1"));
    assert_eq!(alone("hold", vec![scs()])[0].0, "controller-alone");
    assert_eq!(
        alone("quorum", vec![scs(), frozen()])[0].0,
        "controller-alone"
    );
    assert_eq!(alone("release-after 10s", vec![scs()]), []);
    let server = made(Kind::KillServer, "A", Some("host1"));
    assert_eq!(alone("hold", vec![scs(), server]), []);
}

#[test]
fn done_without_the_vip_is_a_lie_and_without_the_event_a_loss() {
    let mut lie = seen("hold", killed());
    lie.records[0].held_at_close = vec!["host1".to_owned()];
    let (invariant, said) = only(&lie);
    assert_eq!(invariant, "honest-outcome");
    assert!(said.ends_with("host2 did not hold the VIP"), "{said}");
    let mut lost = seen("hold", killed());
    lost.promotions.clear();
    let (invariant, said) = only(&lost);
    assert_eq!(invariant, "delivery");
    assert!(
        said.ends_with("nobody's event of epoch 5 is in the log"),
        "{said}"
    );
}

#[test]
fn a_failure_without_a_reason_and_a_component_that_ended_are_named() {
    let mut seen = seen("hold", killed());
    seen.records[0].outcome = Some("failed".to_owned());
    seen.records[0].why = String::new();
    assert_eq!(only(&seen).0, "reasons-given");
    let mut round = killed();
    round.ended = vec!["lca@host1".to_owned()];
    let (invariant, said) = only(&self::seen("hold", round));
    assert_eq!(invariant, "no-component-ends");
    assert!(said.ends_with("lca@host1 ended"), "{said}");
}

#[test]
fn what_a_drill_writes_can_be_judged_again() {
    let seen = seen("quorum", killed());
    let text = serde_json::to_string(&seen).expect("plain data");
    let again: Seen = serde_json::from_str(&text).expect("what was written");
    assert_eq!(judge(&again), judge(&seen));
}

#[test]
fn a_vip_that_leaves_its_host_because_a_disk_is_slow_breaks_an_invariant_unless_the_policy_lets_go_by_itself()
 {
    let slow_by = |syncs: u64, target: &str, others: &[Kind]| {
        let slowed = Slowed {
            syncs,
            ..Slowed::default()
        };
        let slow = Made {
            slowed: Some(slowed),
            ..made(Kind::SlowDisk, target, Some("host1"))
        };
        let mut faults = vec![slow];
        faults.extend(others.iter().map(|kind| made(*kind, "EAST", None)));
        Round {
            vip_left: true,
            ..round(faults)
        }
    };
    let slow = |target: &str, others: &[Kind]| slow_by(1, target, others);
    let verdict = |policy: &str, round: Round| {
        let seen = Seen {
            promises: promises(policy),
            rounds: vec![round],
            ..Seen::default()
        };
        let verdicts = judge(&seen);
        let of = verdicts
            .iter()
            .find(|verdict| verdict.invariant == "slow-disk-alone")
            .expect("it is judged");
        (of.judged, of.passed)
    };
    for policy in ["hold", "quorum"] {
        assert_eq!(verdict(policy, slow("lca@host1", &[])), (1, false));
        assert_eq!(verdict(policy, slow("scs", &[])), (1, false));
        // Nothing waited for the disk, so it was not the disk.
        assert_eq!(verdict(policy, slow_by(0, "scs", &[])), (0, true));
        // An operator moved it.
        assert_eq!(verdict(policy, slow("scs", &[Kind::Switchover])), (0, true));
    }
    assert_eq!(verdict("release-after 10s", slow("scs", &[])), (0, true));
}
