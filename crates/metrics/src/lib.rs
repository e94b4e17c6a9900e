//! What components tell Prometheus: families with their catalogue, the endpoint that is scraped, and the check that what
//! it says can be read.
//!
//! Owns the names' rules, the text (OpenMetrics) and the listener. Owns no fact: what is counted comes from the shells,
//! which see every input and output of their core; the cores know nothing of this crate. A shell registers its families
//! with a [`Catalogue`], keeps the handles, and starts an [`Endpoint`] when it was given `--metrics`.
#![warn(missing_docs)]

mod catalogue;
mod endpoint;
pub mod exposition;
mod families;
mod health;
mod links;
mod process;
mod store;

pub use catalogue::{Catalogue, FamilyDescription, FamilyKind};
pub use endpoint::{Endpoint, NoAnswer, Source};
pub use families::{Counters, Durations, Gauges};
pub use health::HealthChecks;
pub use links::LinkMetrics;
pub use process::ProcessFacts;
pub use store::StoreMetrics;
