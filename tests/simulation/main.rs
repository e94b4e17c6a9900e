//! The production cores in one deterministic world with faults: many seeds, seeds that failed once, scenarios written
//! by hand, and a check that the invariants can fail. A failing seed prints the command that shows it again.

mod fencing;
mod incidents;
mod incidents_of_control;
mod play;
mod scenarios;

use changeover_simulation::{Fault, Planted, Run, Scenario, ScriptMood, run, sweep};
use play::{at, found_only_when_planted};
use std::path::Path;

fn failures<'run>(runs: impl Iterator<Item = &'run Run>) -> String {
    let reports: Vec<String> = runs
        .filter(|run| !run.violations.is_empty())
        .take(5)
        .map(Run::report)
        .collect();
    reports.join("\n\n")
}

#[test]
fn two_thousand_seeds_break_no_invariant_and_almost_all_end_with_one_primary_and_one_holder() {
    let runs: Vec<Run> = (0..2_000).map(sweep).collect();
    let failed = runs.iter().filter(|run| !run.violations.is_empty()).count();
    assert_eq!(
        failed,
        0,
        "{failed} seeds fail, the first of them:\n\n{}",
        failures(runs.iter())
    );
    // The rest ends as an operator left it, or as the SCS shows with a reason.
    let otherwise = runs.iter().filter(|run| !run.explained.is_empty()).count();
    assert!(
        otherwise < 200,
        "{otherwise} seeds end otherwise than with one primary and one holder"
    );
}

#[test]
fn a_thousand_seeds_half_of_them_with_health_checks_and_hooks_break_no_invariant() {
    let runs: Vec<Run> = (30_000..31_000).map(sweep).collect();
    assert_eq!(failures(runs.iter()), "");
    let otherwise = runs.iter().filter(|run| !run.explained.is_empty()).count();
    assert!(
        otherwise < 100,
        "{otherwise} seeds end otherwise than with one primary and one holder"
    );
}

#[test]
fn the_same_seed_gives_the_same_trace_and_a_sweep_is_the_same_run_without_one() {
    for seed in [3, 58, 191, 404] {
        let (first, second) = (run(seed), run(seed));
        assert!(
            first.trace.len() > 50,
            "seed {seed} has only {} lines",
            first.trace.len()
        );
        assert_eq!(first, second, "seed {seed}");
        let swept = sweep(seed);
        assert_eq!(
            (
                swept.fingerprint,
                swept.events,
                swept.violations,
                swept.picture
            ),
            (
                first.fingerprint,
                first.events,
                first.violations,
                first.picture
            ),
            "seed {seed}"
        );
    }
    assert_ne!(run(3).fingerprint, run(4).fingerprint);
}

#[test]
fn seeds_that_failed_once_do_not_fail_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/simulation/seeds");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of seeds can be read")
        .map(|entry| entry.expect("its entries too").path())
        .collect();
    files.sort();
    let mut runs = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a file of seeds is text");
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let seed = line
                .parse()
                .unwrap_or_else(|_| panic!("{}: '{line}' is no seed", file.display()));
            runs.push(sweep(seed));
        }
    }
    assert!(
        runs.len() >= 10,
        "seeds are missing from {}",
        folder.display()
    );
    assert_eq!(failures(runs.iter()), "");
}

#[test]
fn a_neighbour_that_does_not_learn_is_noticed() {
    let violations = found_only_when_planted(
        Scenario::quiet().switchover(at(4_000)),
        Planted::DeafNeighbour,
    );
    assert_eq!(
        violations,
        ["30.000000 settled: the neighbour's entry for 10.10.11.103 points to host1"]
    );
}

#[test]
fn a_script_whose_failure_nobody_sees_is_noticed() {
    let scenario = Scenario::quiet()
        .fault(at(3_500), Fault::Scripts(1, ScriptMood::Lies))
        .switchover(at(4_000));
    let violations = found_only_when_planted(scenario, Planted::LyingAddresses);
    let first = violations.first().map_or("", String::as_str);
    assert!(
        first.ends_with(
            "honest outcome: SIP_SERVER_PRIMARY_VIP_DOWN is reported as Succeeded, but the addresses are not as wanted"
        ),
        "{violations:?}"
    );
}

#[test]
fn a_store_that_forgets_what_it_acknowledged_is_noticed() {
    let violations = found_only_when_planted(Scenario::quiet(), Planted::ForgetfulStore);
    assert!(
        violations
            .first()
            .is_some_and(|first| first.contains("no event lost: ")),
        "{violations:?}"
    );
}

#[test]
fn stores_that_are_lost_all_at_once_are_noticed_as_stale_effects() {
    let scenario = scenarios::everything_restarts();
    let violations = found_only_when_planted(scenario, Planted::LostStores);
    assert!(
        violations
            .iter()
            .any(|text| text.contains("no stale effect: ")),
        "{violations:?}"
    );
}
