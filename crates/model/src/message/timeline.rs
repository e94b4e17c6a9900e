//! The timeline: one record per switchover, failover, refusal, realignment, Test … with its steps in causal
//! order. Owned by scs-core, persisted by scs, bounded. `sci timeline` prints records, `sci why` their last line;
//! the rehearsal judges the documented workflows by the steps.

use crate::{
    AlarmId, ApplicationName, CauseId, Epoch, HostName, LogEventId, PairName, Refusal, RunMode,
    ScriptAction, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// Planned change of the primary.
    Switchover,
    /// Unplanned change of the primary.
    Failover,
    /// First promotion of a pair, or after both were stopped.
    Start,
    /// Commanded start, stop or restart of an application.
    Operation,
    /// A lost host or agent came back.
    Reconnect,
    /// The reactions were run again because intended and observed holder differed.
    Realignment,
    /// Back to the previous primary.
    RollBack,
    /// An alarm outside any of these, with its reactions.
    Alarm,
    /// An alarm Test.
    Test,
    /// A request that was refused.
    Refusal,
    /// An automatic action that was not taken.
    Suppression,
    /// A host or agent was lost or came back.
    Host,
    /// Maintenance, configuration and the like.
    Administration,
}

/// How a record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordOutcome {
    /// As asked.
    Done,
    /// Not as asked; `why` tells.
    Failed,
    /// Undone: the previous state is back.
    RolledBack,
    /// Nothing was done.
    Refused,
    /// A newer procedure took over.
    Superseded,
}

/// A timeline record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineRecord {
    /// Its number.
    pub id: CauseId,
    /// What it is about.
    pub kind: RecordKind,
    /// The pair, if any.
    pub pair: Option<PairName>,
    /// The headline: `switchover of SIP_EAST`.
    pub title: String,
    /// Who or what led to it: an operator's name, an event, a loss.
    pub trigger: String,
    /// Begun (SCS's clock).
    pub opened_at: Timestamp,
    /// Ended; `None` = under way.
    pub closed_at: Option<Timestamp>,
    /// Epoch before.
    pub epoch_before: Epoch,
    /// Epoch after (so far).
    pub epoch_after: Epoch,
    /// Outcome; `None` = under way.
    pub outcome: Option<RecordOutcome>,
    /// One sentence: what happened and why.
    pub why: String,
    /// Reasons of refusals and suppressions.
    pub reasons: Vec<Refusal>,
    /// The steps, in causal order.
    pub entries: Vec<TimelineEntry>,
}

/// Who did a step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Party {
    /// An operator, by sci.
    Operator(String),
    /// The SCS.
    Scs,
    /// The SCS towards the LCA of a host.
    ScsToLca(HostName),
    /// The LCA of a host.
    Lca(HostName),
    /// An application.
    Application(ApplicationName),
    /// The Message Server.
    MessageServer,
    /// The reaction engine.
    ReactionEngine,
    /// The addresses themselves, as observed.
    VirtualIp,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Party::Operator(_) => "sci".to_owned(),
            Party::Scs => "scs".to_owned(),
            Party::ScsToLca(host) => format!("scs > lca@{host}"),
            Party::Lca(host) => format!("lca@{host}"),
            Party::Application(name) => name.to_string(),
            Party::MessageServer => "message-server".to_owned(),
            Party::ReactionEngine => "reaction-engine".to_owned(),
            Party::VirtualIp => "VIP".to_owned(),
        };
        f.pad(&text)
    }
}

/// What kind of step an entry is, for programs that judge a workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// Asked by an operator.
    Requested,
    /// Refused, suppressed or superseded.
    Refused(Refusal),
    /// A host is lost (or back, when `false`).
    HostLost(HostName, bool),
    /// An agent is lost (or back, when `false`) while its host lives.
    AgentLost(HostName, bool),
    /// An application died unasked, as its LCA reported.
    ApplicationDied(ApplicationName),
    /// An application hangs or reports Service Unavailable.
    ApplicationUnavailable(ApplicationName),
    /// Both of a pair were found primary.
    TwoPrimariesFound,
    /// A run mode was ordered.
    RunModeOrdered(ApplicationName, RunMode),
    /// The application acknowledged it.
    RunModeAcknowledged(ApplicationName, RunMode),
    /// The order was not obeyed in time, or could not be.
    RunModeFailed(ApplicationName, RunMode),
    /// A start was ordered (of a server).
    StartOrdered(ApplicationName),
    /// A stop was ordered.
    StopOrdered(ApplicationName),
    /// A log event came to the Message Server.
    EventLogged(ApplicationName, LogEventId),
    /// The Message Server found Alarm Conditions for it.
    ConditionsFound(Vec<crate::ConditionName>),
    /// An alarm was activated or renewed.
    AlarmActivated(AlarmId, crate::ConditionName),
    /// An alarm was cleared.
    AlarmCleared(AlarmId, crate::ConditionName),
    /// A reaction was requested: script and the application it names.
    ReactionRequested {
        /// The application started by the reaction, if it starts one.
        application: Option<ApplicationName>,
        /// What became of the request at once: run, joined, waiting, added …
        state: super::ReactionState,
        /// True if the engine added it.
        added: bool,
    },
    /// A control script or other application was launched through an LCA.
    Launched(ApplicationName, Option<ScriptAction>),
    /// It ended: application, action, and whether the outcome is good.
    Finished(ApplicationName, Option<ScriptAction>, bool),
    /// It could not be launched (host lost).
    CannotLaunch(ApplicationName, Option<ScriptAction>),
    /// A hook of this application was started for this run mode.
    HookStarted(ApplicationName, RunMode),
    /// It ended: application, run mode, and whether it succeeded.
    HookFinished(ApplicationName, RunMode, bool),
    /// A hook was not run: its host or agent is lost, or its server is dead.
    HookSkipped(ApplicationName, RunMode),
    /// The LCA removed the addresses itself.
    ForcedRelease(HostName),
    /// VIPs of the pair are seen on a host.
    VipSeen(HostName),
    /// VIPs of the pair are seen gone from a host.
    VipGone(HostName),
    /// Anything else worth a line.
    Note,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When it happened where it happened, converted to the SCS's clock.
    pub at: Timestamp,
    /// How wrong that conversion may be.
    pub uncertainty: Duration,
    /// Who.
    pub who: Party,
    /// What, for programs.
    pub step: Step,
    /// What, for people.
    pub what: String,
    /// How it is known.
    pub evidence: String,
}
