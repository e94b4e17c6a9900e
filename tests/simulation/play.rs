//! How scenarios written by hand are played: times, and the comparison of a sound world with one that has a planted
//! fault. Shared by the suite and by the trial of planted bugs.

use changeover_simulation::{Planted, Scenario, When, run_scenario};
use std::time::Duration;

/// A named scenario: a test function that panics if anything is otherwise than it says.
pub(crate) type Named = (&'static str, fn());

/// A list of test functions with their names.
macro_rules! named {
    ($($name:ident),+ $(,)?) => {
        &[$((stringify!($name), $name as fn())),+]
    };
}
pub(crate) use named;

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) fn at(milliseconds: u64) -> When {
    When::At(ms(milliseconds))
}

/// This long after the next line of the trace that contains the text.
pub(crate) fn after(text: &'static str, milliseconds: u64) -> When {
    When::After(text, ms(milliseconds))
}

/// The violations of a scenario with a planted fault, and that there are none without it.
pub(crate) fn found_only_when_planted(scenario: Scenario, planted: Planted) -> Vec<String> {
    let sound = run_scenario(&scenario);
    assert_eq!(
        sound.violations,
        Vec::<String>::new(),
        "without {planted:?}"
    );
    run_scenario(&Scenario {
        planted,
        ..scenario
    })
    .violations
}

/// Every test function of a file stands in its list, so that none is left out where the list is gone through.
pub(crate) fn assert_complete(text: &str, list: &[Named]) {
    let tests = text
        .split("#[test]\nfn ")
        .skip(1)
        .map(|rest| rest.split('(').next().unwrap_or_default())
        .filter(|name| !name.starts_with("every_scenario_"));
    let missing: Vec<&str> = tests
        .filter(|name| list.iter().all(|(listed, _)| listed != name))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "missing from its list");
}
