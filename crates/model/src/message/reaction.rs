//! Reactions as operators see them.

use crate::{
    ApplicationName, CauseId, ConditionName, Epoch, HostName, PairName, ScriptAction, ScriptName,
    Timestamp,
};
use serde::{Deserialize, Serialize};

/// Where a reaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReactionState {
    /// Waits for the release it depends on, for its host, or for a retry.
    Waiting,
    /// Under way.
    Running,
    /// Done and seen to be so (or as far as anyone can tell).
    Succeeded,
    /// The same run was under way or had just succeeded; this request shares its outcome.
    Joined,
    /// A newer epoch took over.
    Superseded,
    /// Did not work out after all retries; an alarm tells.
    Failed,
    /// Not run, with a reason.
    Refused,
}

/// One reaction, as listed and followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReactionPicture {
    /// Number of the reaction, unique within the SCS's life.
    pub number: u64,
    /// The pair, for VIP reactions.
    pub pair: Option<PairName>,
    /// The Script object; `None` = added by the engine or by realignment.
    pub script: Option<ScriptName>,
    /// The Third Party Server or application concerned.
    pub application: Option<ApplicationName>,
    /// Its host.
    pub host: Option<HostName>,
    /// Enable or disable, for VIP reactions.
    pub action: Option<ScriptAction>,
    /// The condition that asked for it.
    pub condition: Option<ConditionName>,
    /// Under which epoch it runs.
    pub epoch: Epoch,
    /// State.
    pub state: ReactionState,
    /// Attempts so far.
    pub attempts: u32,
    /// Requested when (SCS's clock).
    pub requested_at: Timestamp,
    /// Ended when.
    pub finished_at: Option<Timestamp>,
    /// For people: what it waits for, what came out, why not.
    pub detail: String,
    /// Timeline record it belongs to.
    pub cause: Option<CauseId>,
}
