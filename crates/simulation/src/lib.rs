//! The production cores in one deterministic world with faults: a seed is a run, and the same run every time.
//!
//! Owns the world around the cores (virtual time, network, hosts, servers, scripts, disks, operators: `world`), the
//! faults of a seed (`swarm`), scenarios written by hand ([`Scenario`]), and what must be true of every run
//! (`invariants`). Owns no decision of any component: those are the cores' own, unchanged. Used by the tests in
//! `tests/simulation` and by `changeover simulate`.
#![warn(
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

mod invariants;
mod randomness;
mod scenario;
mod site;
mod swarm;
mod world;

pub use scenario::{
    Act, Component, DiskMood, Fault, HealthMood, HookMood, Planted, Scenario, ScriptMood,
    ServerMood, When,
};
pub use site::{ServerKind, Site};

pub use changeover_model::environment::ControllerLoss;
pub use changeover_model::message::{
    MaintenanceTarget, OperatorAnswer, OperatorCommand, PairState, Picture, RecordKind,
    RecordOutcome, SwitchoverRequest, TimelineRecord,
};
#[cfg(feature = "planted-bugs")]
pub use changeover_model::with_planted;
pub use changeover_model::{LogEventId, Redundancy, RunMode};
use std::time::Duration;
use world::World;

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// Readable lines, such as `12.345678 scs -> lca@host1 SetRunMode SIP_SERVER_PRIMARY Backup epoch 2`; empty if
    /// nobody wanted them.
    pub trace: Vec<String>,
    /// Number that differs if anything went otherwise, also without a trace.
    pub fingerprint: u64,
    /// What broke an invariant.
    pub violations: Vec<String>,
    /// Pairs that ended otherwise than with one primary and one holder, and what the SCS shows as the reason.
    pub explained: Vec<String>,
    /// What operators asked and were answered.
    pub answers: Vec<(OperatorCommand, OperatorAnswer)>,
    /// The site at the end as the SCS shows it.
    pub picture: Option<Picture>,
    /// The SCS's timeline at the end, newest first.
    pub timeline: Vec<TimelineRecord>,
    /// Longest time with two hosts holding a VIP that neighbours could both hear.
    pub two_holders: Duration,
    /// How long the run took in the world.
    pub lasted: Duration,
    /// How many things happened.
    pub events: u64,
}

impl Run {
    /// How to see this run again.
    pub fn replay_command(&self) -> String {
        format!("changeover simulate --seed {}", self.seed)
    }

    /// The application that the SCS shows as primary of the first pair at the end.
    pub fn primary(&self) -> Option<String> {
        let pair = self.picture.as_ref()?.pairs.first()?;
        let mut primaries = pair
            .members
            .iter()
            .filter(|member| member.run_mode == RunMode::Primary);
        match (primaries.next(), primaries.next()) {
            (Some(member), None) => Some(member.application.to_string()),
            _ => None,
        }
    }

    /// The lines of the trace that contain one of the texts, without their times.
    pub fn lines_with(&self, texts: &[&str]) -> Vec<&str> {
        self.trace
            .iter()
            .filter(|line| texts.iter().any(|text| line.contains(text)))
            .map(|line| {
                line.trim_start()
                    .split_once(' ')
                    .map_or("", |(_, rest)| rest)
            })
            .collect()
    }

    /// When, in seconds, the first line with this text was said after `from`.
    pub fn second_of(&self, text: &str, from: f64) -> Option<f64> {
        self.trace
            .iter()
            .filter(|line| line.contains(text))
            .filter_map(|line| line.trim_start().split_once(' ')?.0.parse().ok())
            .find(|at| *at >= from)
    }

    /// For a failed assertion: what broke, and how to see it.
    pub fn report(&self) -> String {
        format!("{}\n{}", self.replay_command(), self.violations.join("\n"))
    }
}

/// Runs what a seed brings, with its trace.
pub fn run(seed: u64) -> Run {
    let (scenario, tidies) = swarm::draw(seed, true);
    carry_out(&scenario, tidies)
}

/// Runs what a seed brings without collecting a trace: for many seeds.
pub fn sweep(seed: u64) -> Run {
    let (scenario, tidies) = swarm::draw(seed, false);
    carry_out(&scenario, tidies)
}

/// Runs a scenario written by hand. Its operator does nothing that it does not say.
pub fn run_scenario(scenario: &Scenario) -> Run {
    #[cfg(feature = "planted-bugs")]
    let scenario = &Scenario {
        seed: scenario.seed + 2 * chance::OTHER.get(),
        ..scenario.clone()
    };
    carry_out(scenario, false)
}

#[cfg(feature = "planted-bugs")]
mod chance {
    //! Is a scenario's failure the bug's, or chance's? The same scenarios with other delays and durations.

    use std::cell::Cell;

    thread_local! {
        pub(super) static OTHER: Cell<u64> = const { Cell::new(0) };
    }

    /// From now on, scenarios on this thread leave to another chance what they leave to chance; 0 = as written.
    pub fn set_other_chance(number: u64) {
        OTHER.set(number);
    }
}
#[cfg(feature = "planted-bugs")]
pub use chance::set_other_chance;

fn carry_out(scenario: &Scenario, tidies: bool) -> Run {
    let mut world = World::new(scenario, tidies);
    world.run();
    let now = world.clock(0);
    let core = world.scs.driven.as_ref().map(|driven| &driven.core);
    Run {
        seed: scenario.seed,
        picture: core.and_then(|core| core.picture(now)),
        timeline: core
            .map(|core| core.timeline(1000).into_iter().cloned().collect())
            .unwrap_or_default(),
        fingerprint: world.trace.fingerprint(),
        trace: world.trace.lines,
        violations: world.invariants.violations,
        explained: world.invariants.explained,
        answers: world.operators.answers,
        two_holders: Duration::from_micros(world.invariants.holders.longest),
        lasted: Duration::from_micros(world.now),
        events: world.events,
    }
}
