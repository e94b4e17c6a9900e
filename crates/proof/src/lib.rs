//! Explores a site's own configuration with the production cores: every fault of a stated model at every point where
//! it makes a difference, and at most two of them. Answers with a verdict, or with the shortest counterexample.
//!
//! The way through: [`prove`] cuts the site down to one pair at a time (`site`), brings it up and to the beginning of
//! each procedure (`roots`), and follows every run (`workers`, `explore`) against the promises (`judge`); `story` tells
//! a counterexample step by step, `cure` what would help, `text` prints. The world is `changeover-simulation`'s.

mod cure;
mod explore;
mod faults;
mod judge;
mod outcome;
mod prove;
mod roots;
mod site;
mod story;
#[cfg(test)]
mod tests;
mod text;
mod workers;

pub use outcome::{PairProof, Proof, Told, Verdict};
pub use prove::{Options, prove};
pub use story::Step;
pub use text::text;
pub use workers::Progress;
