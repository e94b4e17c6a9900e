//! Owns what a drill has seen, as data: `carry_out` and `switchovers` write it, `judge` reads it, the JSON report is it. No
//! reference to anything that runs, so that verdicts can be tried on observations that never happened.

use crate::fault::Kind;
use crate::slow_disk::Slowed;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A fault that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) kind: Kind,
    pub(crate) target: String,
    /// Milliseconds since the round began.
    pub(crate) from_ms: f64,
    /// When it was healed, or over.
    pub(crate) until_ms: f64,
    /// The host on which it was.
    pub(crate) host: Option<String>,
    /// The VIP was there when it began.
    pub(crate) hit_holder: bool,
    /// How it went, where there is something to say.
    pub(crate) note: String,
    /// What a slow disk has held up; null for everything else.
    pub(crate) slowed: Option<Slowed>,
}

impl Made {
    pub(crate) fn lasted(&self) -> Duration {
        Duration::from_secs_f64(((self.until_ms - self.from_ms) / 1e3).max(0.0))
    }
}

/// One round: faults, their end, and rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Round {
    /// Counts from 1.
    pub(crate) number: u32,
    /// Milliseconds since the drill began.
    pub(crate) began_ms: f64,
    pub(crate) faults: Vec<Made>,
    /// From the end of the last fault until the site was at rest. Null: it was not, within the bound.
    pub(crate) rest_ms: Option<f64>,
    /// What was missing for that when the bound was over.
    pub(crate) missing: Vec<String>,
    /// What an operator had to do, as the pages say.
    pub(crate) remedies: Vec<String>,
    /// Longest interval without an answer through the VIP.
    pub(crate) vip_gap_ms: Option<f64>,
    pub(crate) no_holder_ms: f64,
    pub(crate) two_holders_ms: f64,
    pub(crate) unreachable_holder_ms: f64,
    /// The host that had the VIP lost it.
    pub(crate) vip_left: bool,
    pub(crate) epoch_before: u64,
    pub(crate) epoch_after: u64,
    pub(crate) primary_before: String,
    pub(crate) primary_after: String,
    /// What was still under way at rest although its time is over.
    pub(crate) stuck: Vec<String>,
    /// Components that ended although nobody had killed them.
    pub(crate) ended: Vec<String>,
}

impl Round {
    /// When the last fault was over, milliseconds since the round began.
    pub(crate) fn healed_ms(&self) -> f64 {
        let ends = self.faults.iter().map(|fault| fault.until_ms);
        ends.fold(0.0, f64::max)
    }

    /// Under which name the round is counted: its kind of fault.
    pub(crate) fn kind(&self) -> String {
        let of_scripts = |fault: &&Made| fault.kind.is_of_scripts();
        match &self.faults[..] {
            [] => "none".to_owned(),
            [only] => only.kind.as_str().to_owned(),
            faults => match faults.iter().find(of_scripts) {
                Some(fault) => fault.kind.as_str().to_owned(),
                None => "two at once".to_owned(),
            },
        }
    }
}

/// A log event by which an application said that it is primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promotion {
    pub(crate) application: String,
    pub(crate) epoch: u64,
}

/// A record of the SCS's timeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) id: u64,
    pub(crate) kind: String,
    pub(crate) title: String,
    /// `done`, `failed` …; null while under way.
    pub(crate) outcome: Option<String>,
    pub(crate) epoch_before: u64,
    pub(crate) epoch_after: u64,
    pub(crate) reasons: usize,
    pub(crate) why: String,
    /// Hosts that held the VIP when it was closed, by the observer.
    pub(crate) held_at_close: Vec<String>,
}

/// What the site promises by its file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Promises {
    pub(crate) pair: String,
    /// `hold`, `quorum`, `release-after 10s`.
    pub(crate) policy: String,
    /// The worst times that `check` prints, milliseconds; null = until reconnect.
    pub(crate) cases: Vec<Case>,
    /// A site is at rest again so long after the last fault, milliseconds.
    pub(crate) rest_ms: f64,
    /// Host of each member.
    pub(crate) members: Vec<(String, String)>,
}

/// One of the worst cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) two_holders_ms: Option<f64>,
    pub(crate) no_holder_ms: Option<f64>,
}

impl Promises {
    /// The host of a member.
    pub(crate) fn host_of(&self, application: &str) -> Option<&str> {
        let member = self.members.iter().find(|(name, _)| name == application);
        member.map(|(_, host)| host.as_str())
    }

    /// True for a host of the pair.
    pub(crate) fn is_of_pair(&self, host: &str) -> bool {
        self.members.iter().any(|(_, of)| of == host)
    }
}

/// Everything that a drill has seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) promises: Promises,
    pub(crate) rounds: Vec<Round>,
    pub(crate) promotions: Vec<Promotion>,
    pub(crate) records: Vec<Recorded>,
    /// The drill did not come to its end: what was under way then is not stuck.
    pub(crate) broke_off: bool,
}
