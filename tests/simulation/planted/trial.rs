//! One bug at a time: plants it on this thread, plays every scenario and then seeds, and says what broke first.

use super::catalogue::Bug;
use super::{fencing, incidents, incidents_of_control, play::Named, scenarios};
use changeover_simulation::{set_other_chance, sweep, with_planted};
use std::cell::Cell;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once};

/// Seeds that are tried at most where no scenario fails.
const SEEDS: u64 = 400;
/// Seeds that are tried besides, for the page, where one does.
const SEEDS_BESIDES: u64 = 120;
/// A scenario that finds a bug finds it under so many chances.
const CHANCES: u64 = 5;
/// They begin here: half of the seeds from here on have health checks and hooks.
const FIRST_SEED: u64 = 29_900;

const LISTS: &[&[Named]] = &[
    scenarios::ALL,
    fencing::ALL,
    incidents::ALL,
    incidents_of_control::ALL,
];

/// What became of a bug.
pub(crate) struct Result {
    pub(crate) bug: &'static Bug,
    /// The first scenario that failed, and how many were played.
    pub(crate) by_scenario: Option<(&'static str, usize)>,
    /// What a seed broke first, and after how many seeds.
    pub(crate) by_seed: Option<(String, u64)>,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Panics of a planted bug are what is looked for: nobody wants to read them.
fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
}

impl Result {
    /// Tries a bug; `both` = some seeds too if a scenario has found it already.
    pub(crate) fn of(bug: &'static Bug, both: bool) -> Self {
        silence_panics();
        QUIET.set(true);
        let by_scenario = scenario_that_fails(bug.planted());
        let by_seed = match by_scenario {
            None => seed_that_fails(bug.planted(), SEEDS),
            Some(_) if both => seed_that_fails(bug.planted(), SEEDS_BESIDES),
            Some(_) => None,
        };
        QUIET.set(false);
        Self {
            bug,
            by_scenario,
            by_seed,
        }
    }

    pub(crate) fn is_found(&self) -> bool {
        self.by_scenario.is_some() || self.by_seed.is_some()
    }
}

/// True if a scenario passes with a bug planted, or without one.
fn passes(play: fn(), planted: Option<&'static str>, chance: u64) -> bool {
    set_other_chance(chance);
    let run = || with_planted(planted, play);
    let passed = std::panic::catch_unwind(AssertUnwindSafe(run)).is_ok();
    set_other_chance(0);
    passed
}

/// A planted bug changes what is left to chance as well, so that one failure proves nothing: a scenario has found it if it
/// fails with the bug, and passes without, whatever chance brings.
fn scenario_that_fails(planted: Option<&'static str>) -> Option<(&'static str, usize)> {
    let all = LISTS.iter().flat_map(|list| list.iter());
    for (played, (name, play)) in all.enumerate() {
        let fails = |chance| !passes(*play, planted, chance);
        let sound = |chance| passes(*play, None, chance);
        if fails(0) && (1..CHANCES).all(fails) && (1..CHANCES).all(sound) {
            return Some((name, played + 1));
        }
    }
    None
}

fn seed_that_fails(planted: Option<&'static str>, seeds: u64) -> Option<(String, u64)> {
    for tried in 0..seeds {
        let run = || with_planted(planted, || sweep(FIRST_SEED + tried));
        let found = match std::panic::catch_unwind(AssertUnwindSafe(run)) {
            Ok(run) => run.violations.into_iter().next(),
            Err(_) => Some("0 a core stops: an assertion of its own".to_owned()),
        };
        if let Some(violation) = found {
            let (_, what) = violation.split_once(' ').unwrap_or_default();
            let invariant = what.split(':').next().unwrap_or_default();
            return Some((invariant.to_owned(), tried + 1));
        }
    }
    None
}

/// Every bug, on two threads.
pub(crate) fn try_all(bugs: &'static [Bug], both: bool) -> Vec<Result> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = Result::of(bug, both);
                    results.lock().expect("nobody panics with it").push(result);
                }
            });
        }
    });
    let mut results = results.into_inner().expect("nobody panics with it");
    results.sort_by_key(|result| bugs.iter().position(|bug| bug.name == result.bug.name));
    results
}

fn scenario_cell(result: &Result) -> String {
    result
        .by_scenario
        .map_or("-".to_owned(), |(name, _)| name.replace('_', " "))
}

fn seed_cell(result: &Result) -> String {
    match &result.by_seed {
        Some((invariant, runs)) => format!("{invariant} (seed {runs})"),
        None => "-".to_owned(),
    }
}

/// For the terminal.
pub(crate) fn table(results: &[Result]) -> String {
    let mut text = String::new();
    for result in results {
        let verdict = if result.is_found() {
            "found"
        } else {
            "SURVIVES"
        };
        let (scenario, seed) = (scenario_cell(result), seed_cell(result));
        writeln!(
            text,
            "{verdict:8} {:20} {:38} {scenario} | {seed}",
            result.bug.core, result.bug.name
        )
        .expect("a String takes everything");
    }
    let found = results.iter().filter(|result| result.is_found()).count();
    writeln!(text, "{found} of {} planted bugs are found", results.len())
        .expect("a String takes everything");
    text
}

/// What was tried and taken out of the catalogue.
const SECOND_GUARDS: &str = "
## Second guards

Ten more were planted and taken out again, because no run could tell: each breaks a guard behind which another one
stands. They are kept in mind here, since two of them at once would matter: a voter that would vote for an older epoch, or
go on answering beats after its vote, or take an older release for this one (the SCS never asks for an older epoch, and the
former holder is told to let go over the same link first); an LCA that looks at its lease only with its tick (the tick
follows at once, and a lease counts from the sending); a process of an earlier start, or one that nobody can account for,
that is left alone (what is started is on record first); a release that is ordered from a lost host (launching looks
again); a request that joins a failed run (only while the VIP is as wanted); the winner of a reconnect that is not told to
announce (the release that the engine runs announces as well); a hook of an older epoch that is not ended (the next hook
waits for its end).
";

/// docs/developer/planted-bugs.md.
pub(crate) fn page(results: &[Result]) -> String {
    let found = results.iter().filter(|result| result.is_found()).count();
    let by_scenario = results.iter().filter(|result| result.by_scenario.is_some());
    let by_seed = results.iter().filter(|result| result.by_seed.is_some());
    let mut text = format!(
        "# Planted bugs

What the tests of the cores are measured with: realistic mistakes, each one `if planted(\"name\")` at the place in a
production core that it breaks. They exist in builds with the feature `planted-bugs` only, which no component is ever
built with. A bug counts as found when a scenario written by hand fails (tests/simulation), under {CHANCES} different delays and
durations, under which it passes without the bug, or when one of {SEEDS} seeds
breaks an invariant (crates/simulation/src/invariants); where a scenario had found it already, {SEEDS_BESIDES} were tried.

**{found} of {} are found**, {} by a scenario, {} by a seed.

This page is written by `UPDATE_EXPECT=1 cargo test -p changeover-simulation --features planted-bugs`.

| bug | core | what it breaks | the scenario that fails first | the invariant that a seed breaks first |
| --- | --- | --- | --- | --- |
",
        results.len(),
        by_scenario.count(),
        by_seed.count()
    );
    for result in results {
        let bug = result.bug;
        let (scenario, seed) = (scenario_cell(result), seed_cell(result));
        writeln!(
            text,
            "| `{}` | {} | {} | {scenario} | {seed} |",
            bug.name, bug.core, bug.breaks
        )
        .expect("a String takes everything");
    }
    text.push_str(SECOND_GUARDS);
    text.push_str("\n## Survivors\n\n");
    let mut survivors = results
        .iter()
        .filter(|result| !result.is_found())
        .peekable();
    if survivors.peek().is_none() {
        text.push_str("None.\n");
    }
    for result in survivors {
        let why = result.bug.survives.unwrap_or("nobody has looked yet");
        writeln!(text, "- `{}`: {why}", result.bug.name).expect("a String takes everything");
    }
    text
}
