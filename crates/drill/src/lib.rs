//! The drill: random real faults on a site that runs on this machine, each healed after a while, and a report of what was
//! done, what happened, and whether everything held that must hold.
//!
//! The flow: `course` (the whole drill) -> `schedule` (which fault, on what, for how long: pure) -> `carry_out` (does it
//! and looks on) with `hands` (how each fault is made and healed) `relay` (a slow wire) and
//! `slow_disk` (a slow disk) -> `rest` (what is missing for
//! the site to be at rest, and what an operator would do: pure) -> `judge` (a verdict per invariant: pure) -> `report`.
//! The site itself is `changeover-rehearsal`'s. Decides nothing about switchovers: that is what it tries.

mod arguments;
mod carry_out;
mod course;
mod fault;
mod hands;
mod judge;
mod numbers;
mod relay;
mod report;
mod rest;
mod schedule;
mod seen;
mod slow_disk;
mod switchovers;

pub use arguments::DrillArguments;
pub use course::drill;
pub use fault::Kind;
