//! The reaction engine: what an activated alarm asks to be run, in which order, how often, and what came
//! of it (BEHAVIOUR, Events, alarms, reactions).
//!
//! Owns the reactions of every pair: planning, joining, release before enabling, forced release, retries,
//! deadlines, outcomes. Does not own alarms, run modes or epochs (those are `scs-core`'s, which feeds this
//! engine) nor the control scripts themselves (`lca-core` runs them). Flow: `scs-core` hands in
//! [`Input::Requested`]; the engine answers with [`Output::Order`] for an LCA, wishes for `scs-core`,
//! effects for the `scs` shell, and [`Output::Report`]s for the timeline.
//!
//! Where to read: `plan` decides what a request becomes, `course` takes it from there to its end,
//! `release` says when an enabling script may start, `launch` how one is run, `outcome` what came of it.
#![warn(
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

mod course;
mod effects;
mod engine;
mod input;
mod launch;
mod outcome;
mod output;
mod plan;
mod prediction;
mod reaction;
mod release;
mod sight;
#[cfg(test)]
mod tests;
mod variables;

pub use engine::ReactionEngine;
pub use input::{HostReach, Input, Origin, ReactionRequest, Target};
pub use output::{Email, EscalationKind, LocalCommand, Output, Report, Trap};
pub use variables::expand;
