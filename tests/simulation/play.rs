//! How scenarios written by hand are played: times, and the comparison of a sound world with one that has a planted
//! fault. Shared by the suite and by the trial of planted bugs.

use changeover_simulation::{
    ControllerLoss, MaintenanceTarget, OperatorCommand, Planted, Run, Scenario, Site, When,
    run_scenario,
};
use std::time::Duration;

/// The configured primary, on host1.
pub(crate) const A: &str = "SIP_SERVER_PRIMARY";
/// The configured backup, on host2.
pub(crate) const B: &str = "SIP_SERVER_BACKUP";
pub(crate) const OFF_A: &str = "VIP 10.10.11.103 off host1";
pub(crate) const ON_A: &str = "VIP 10.10.11.103 on host1";
pub(crate) const ON_B: &str = "VIP 10.10.11.103 on host2";

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

/// Under the default policy, healed after this time and given 25 s more.
pub(crate) fn hold(heal_after: u64) -> Scenario {
    Scenario {
        heal_at: ms(heal_after),
        end_at: ms(heal_after + 25_000),
        ..Scenario::quiet()
    }
}

/// The same under `quorum`.
pub(crate) fn quorum(heal_after: u64) -> Scenario {
    Scenario {
        site: Site {
            on_controller_loss: ControllerLoss::Quorum,
            ..Site::default()
        },
        ..hold(heal_after)
    }
}

/// Nothing may be broken, and this application is primary at the end.
pub(crate) fn ends_with(scenario: &Scenario, primary: &str) -> Run {
    let run = run_scenario(scenario);
    assert_eq!(run.violations, Vec::<String>::new());
    assert_eq!(run.explained, Vec::<String>::new());
    assert_eq!(run.primary().as_deref(), Some(primary));
    run
}

/// When the first line with this text was said from then on, in seconds.
pub(crate) fn second(run: &Run, text: &str, from: f64) -> f64 {
    run.second_of(text, from).unwrap_or_else(|| {
        panic!(
            "'{text}' was never said after {from}:\n{}",
            run.trace.join("\n")
        )
    })
}

/// That no line with this text was said between these seconds.
pub(crate) fn never(run: &Run, text: &str, from: f64, to: f64) {
    let found = run.second_of(text, from);
    assert!(
        found.is_none_or(|at| at > to),
        "'{text}' was said at {found:?}"
    );
}

/// An operator puts the pair into maintenance, or ends it.
pub(crate) fn maintenance(on: bool) -> OperatorCommand {
    OperatorCommand::SetMaintenance {
        target: MaintenanceTarget::Named("SIP_EAST".to_owned()),
        on,
        duration: None,
        confirmed: true,
    }
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
