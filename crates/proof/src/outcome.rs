//! What came of an exploration, for the text and for JSON. Owns the shape only.

use crate::story::Step;
use serde::Serialize;

/// Of the whole file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// Every pair was explored to its end, and nothing was broken.
    pub proved: bool,
    /// Most faults of a run.
    pub faults: usize,
    /// One of each pair.
    pub pairs: Vec<PairProof>,
    /// Wall time, seconds.
    pub wall_s: f64,
}

/// Of one pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairProof {
    /// Its name.
    pub pair: String,
    /// `on_controller_loss`.
    pub policy: String,
    /// `release-first` or `as-listed`.
    pub reaction_order: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Why it is not finished, or could not be explored; null otherwise.
    pub not_finished: Option<String>,
    /// The procedures.
    pub procedures: Vec<String>,
    /// The fault model.
    pub fault_kinds: Vec<String>,
    /// Every fault is over after this, milliseconds.
    pub heals_within_ms: f64,
    /// Runs, each with another set of faults.
    pub runs: u64,
    /// Points that were followed from.
    pub states: u64,
    /// Worst time from the end of the last fault until the site had settled, milliseconds.
    pub settled_within_ms: f64,
    /// Longest time with two reachable holders in any run, milliseconds.
    pub two_holders_ms: f64,
    /// The faults of the run that had them.
    pub two_holders_with: Vec<String>,
    /// What an operator's Test leaves, as it is meant to.
    pub tests: Vec<String>,
    /// What the simulation does not represent of this site.
    pub left_out: Vec<String>,
    /// The shortest run that broke something.
    pub counterexample: Option<Told>,
}

/// A counterexample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// Which procedure.
    pub procedure: String,
    /// Faults in it.
    pub faults: usize,
    /// What is broken.
    pub broken: String,
    /// Step by step.
    pub steps: Vec<Step>,
    /// The rule or change that would cure it.
    pub cure: String,
}

/// The answer for a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was followed, nothing was broken.
    Proved,
    /// Something was broken.
    Counterexample,
    /// The time was over before everything was followed.
    NotFinished,
    /// The simulation cannot represent the pair.
    NotExplored,
}
