//! How the health checks of an application stand, as its LCA reports and operators see it.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// One health check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckState {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub standing: CheckStanding,
    /// What the run said that brought it there: `exit 1: no answer`, at most 256 bytes.
    pub said: String,
    /// Runs in a row with that result.
    pub in_a_row: u32,
    /// How many of the latest runs failed.
    pub failed_lately: u32,
    /// How many latest runs that is, at most 20.
    pub runs_lately: u32,
    /// Since when it stands so (LCA's clock, or the SCS's in pictures).
    pub since: Timestamp,
}

/// How a health check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckStanding {
    /// It has not passed yet since the application was started.
    Waiting,
    /// It passes.
    Passing,
    /// It fails, not `fall` times in a row yet.
    Failing,
    /// It is down.
    Down,
    /// It was down and passes, not `rise` times in a row yet.
    Recovering,
}

impl CheckStanding {
    /// The word as JSON writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckStanding::Waiting => "waiting",
            CheckStanding::Passing => "passing",
            CheckStanding::Failing => "failing",
            CheckStanding::Down => "down",
            CheckStanding::Recovering => "recovering",
        }
    }

    /// True if the application is taken for unable to serve because of it.
    pub fn is_down(self) -> bool {
        matches!(self, CheckStanding::Down | CheckStanding::Recovering)
    }
}
