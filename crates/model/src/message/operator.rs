//! What an operator asks of the SCS, and what comes back.
//!
//! A command is answered by any number of [`OperatorAnswer::Progress`] and then exactly one other answer.

use crate::message::{TimelineEntry, TimelineRecord};
use crate::{
    AlarmId, ApplicationName, CauseId, ConditionName, HostName, LogEventId, Refusal, ScriptAction,
    ScriptName,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// `root@laptop`, or the certificate's name.
    pub name: String,
    /// What they may do.
    pub role: OperatorRole,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperatorRole {
    /// Look only.
    Viewer,
    /// Everything.
    Operator,
}

/// A planned change of the primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchoverRequest {
    /// The pair: its name, either application, or its VIP.
    pub pair: String,
    /// The application or host that shall be primary afterwards; `None` toggles.
    pub to: Option<String>,
    /// Why, for the timeline.
    pub reason: String,
    /// Only the pre-check.
    pub dry_run: bool,
    /// Override what can be overridden.
    pub force: bool,
}

/// What an operator orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperatorCommand {
    /// Switch over.
    Switchover(SwitchoverRequest),
    /// Start an application.
    Start {
        /// Which.
        application: ApplicationName,
    },
    /// Stop an application; a pair's primary hands over first.
    Stop {
        /// Which.
        application: ApplicationName,
        /// Leave the pair without a primary.
        no_handover: bool,
    },
    /// Stop and start an application; a pair's primary hands over first.
    Restart {
        /// Which.
        application: ApplicationName,
        /// Do not hand over.
        no_handover: bool,
    },
    /// Clear an alarm.
    ClearAlarm {
        /// Which.
        alarm: AlarmId,
    },
    /// Run a condition's reactions as if its event had come (model).
    TestAlarm {
        /// Which.
        condition: ConditionName,
        /// Reporting application, for conditions selected by any or by type.
        application: Option<ApplicationName>,
        /// Only predict.
        dry_run: bool,
        /// The operator has confirmed (`--yes`).
        confirmed: bool,
    },
    /// Bring the VIP back in line with the run modes.
    Realign {
        /// The pair: its name, either application, or its VIP.
        pair: String,
    },
    /// Switch maintenance on or off.
    SetMaintenance {
        /// Of what.
        target: MaintenanceTarget,
        /// On or off.
        on: bool,
        /// For how long; `None` = until switched off.
        duration: Option<Duration>,
        /// The operator has confirmed (`--yes`); needed to switch off when something would happen at once.
        confirmed: bool,
    },
    /// These hosts are really lost (Is it me?).
    ConfirmLost {
        /// Which.
        hosts: Vec<HostName>,
    },
    /// Put a log event into the Message Server.
    LogEvent {
        /// Which event.
        id: LogEventId,
        /// In whose name.
        application: ApplicationName,
        /// Text; the event's own when empty.
        text: String,
        /// The operator has confirmed (`--yes`).
        confirmed: bool,
    },
}

/// What maintenance is switched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MaintenanceTarget {
    /// A pair or a host, by name (a pair also by either application or its VIP).
    Named(String),
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OperatorAnswer {
    /// A step of what was asked; more follows.
    Progress {
        /// The record it belongs to.
        record: CauseId,
        /// The step.
        entry: TimelineEntry,
    },
    /// It has ended; the record tells how.
    Finished(Box<TimelineRecord>),
    /// Done at once, nothing to follow.
    Done {
        /// For people.
        message: String,
        /// The record it left, if any.
        record: Option<CauseId>,
    },
    /// What would happen, or what just will (before a Test runs); `--dry-run` ends with it.
    Predicted(Prediction),
    /// Refused; nothing was done.
    Refused(Vec<Refusal>),
}

/// What a Test, a realignment or the end of a maintenance would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// What would be run, in order.
    pub runs: Vec<PredictedRun>,
    /// Who would hold each VIP afterwards.
    pub virtual_ips: Vec<PredictedVip>,
    /// What to know before saying yes.
    pub warnings: Vec<String>,
}

/// One predicted run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictedRun {
    /// The Script object; `None` = added by the engine.
    pub script: Option<ScriptName>,
    /// The application it starts, if it starts one.
    pub application: Option<ApplicationName>,
    /// Its host.
    pub host: Option<HostName>,
    /// Enable or disable, for VIP control scripts.
    pub action: Option<ScriptAction>,
    /// For people: `starts at once`, `waits for the release on host1`.
    pub detail: String,
}

/// Predicted holder of a VIP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictedVip {
    /// `10.10.11.103/24`.
    pub address: String,
    /// Hosts that would hold it.
    pub holders: Vec<HostName>,
    /// Host that should.
    pub intended: Option<HostName>,
}
