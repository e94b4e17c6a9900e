//! Alarm Conditions and the Scripts (type Alarm Reaction) they run.

use crate::{ApplicationName, ApplicationType, ConditionName, LogEventId, ScriptName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Category of an Alarm Condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlarmCategory {
    /// Least urgent.
    Minor,
    /// In between.
    Major,
    /// The HA conditions have this one.
    Critical,
}

impl fmt::Display for AlarmCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            AlarmCategory::Minor => "Minor",
            AlarmCategory::Major => "Major",
            AlarmCategory::Critical => "Critical",
        })
    }
}

/// Whose events an Alarm Condition matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selection {
    /// Any application's.
    Any,
    /// Those of applications of this type.
    ApplicationType(ApplicationType),
    /// Those of this application.
    Application(ApplicationName),
}

/// An Alarm Condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlarmCondition {
    /// Its name.
    pub name: ConditionName,
    /// For people.
    pub description: String,
    /// Its category.
    pub category: AlarmCategory,
    /// The detect event.
    pub detect: LogEventId,
    /// Whose event.
    pub selection: Selection,
    /// The cancel event: clears the alarm of the same application.
    pub cancel: Option<LogEventId>,
    /// The alarm clears itself this long after its last renewal.
    pub cancel_timeout: Duration,
    /// Reaction scripts, in order.
    pub reaction_scripts: Vec<ScriptName>,
    /// Scripts that run when the alarm is cleared, in order (later model).
    pub clearance_scripts: Vec<ScriptName>,
    /// A condition that is switched off matches nothing.
    pub enabled: bool,
}

/// A Script object of type Alarm Reaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// Its name.
    pub name: ScriptName,
    /// What it does.
    pub reaction: ReactionType,
}

/// What a reaction does (the first is the model's, the others the later model's).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ReactionType {
    /// Start a specified application; the VIP control scripts run like this.
    StartApplication(ApplicationName),
    /// Shut down a specified application.
    ShutDownApplication(ApplicationName),
    /// Restart the application that reported the event.
    RestartReportingApplication,
    /// Switch over the pair of the application that reported the event.
    Switchover(SwitchoverWhen),
    /// Execute an OS command.
    OsCommand {
        /// The command with its arguments, run by `/bin/sh -c`.
        command_line: String,
        /// On the reporting application's host instead of the SCS's.
        on_application_host: bool,
    },
    /// Change an option of an application.
    ChangeOption {
        /// Whose option; the reporting application's when absent.
        application: Option<ApplicationName>,
        /// Section.
        section: String,
        /// Option name.
        option: String,
        /// New value.
        value: String,
    },
    /// Send an e-mail.
    SendEmail {
        /// Recipients.
        to: Vec<String>,
        /// Subject, with `$` variables (BEHAVIOUR, Reaction types).
        subject: String,
        /// Body, with `$` variables; a default text when empty.
        body: String,
    },
    /// Send an SNMP trap.
    SendSnmpTrap,
}

/// When a switchover reaction acts, by the run mode of the reporting application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SwitchoverWhen {
    /// Only if it is primary.
    Primary,
    /// Only if it is backup.
    Backup,
    /// In either case.
    Any,
}
