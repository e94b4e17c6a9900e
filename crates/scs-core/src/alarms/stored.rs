//! How alarms are persisted, and how conditions are shown.

use super::repetition::SeenSource;
use changeover_model::environment::{AlarmCondition, Selection};
use changeover_model::message::{AlarmPicture, ConditionPicture, SourceId};
use changeover_model::{AlarmId, ApplicationName, ConditionName};
use serde::{Deserialize, Serialize};

/// What makes two activations the same alarm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AlarmKey {
    /// A condition and the application whose event it was.
    Condition {
        /// The condition.
        condition: ConditionName,
        /// The application.
        application: ApplicationName,
    },
    /// An alarm of the Management Layer itself, by its key.
    Management(String),
}

/// An alarm as it is persisted, active or past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredAlarm {
    /// What it is about.
    pub key: AlarmKey,
    /// Everything else.
    pub picture: AlarmPicture,
}

impl StoredAlarm {
    /// True until it is cleared.
    pub fn is_active(&self) -> bool {
        self.picture.cleared_at.is_none()
    }
}

/// A change to be written, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AlarmChange {
    /// This alarm is new or changed; keyed by its id.
    Store(StoredAlarm),
    /// This alarm fell out of the bound.
    Delete(AlarmId),
    /// What was seen of a source; keyed by its name.
    StoreSeen(SeenSource),
    /// Nothing more is kept of a source.
    DeleteSeen(SourceId),
}

/// The whole book.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlarmSnapshot {
    /// All alarms.
    pub alarms: Vec<StoredAlarm>,
    /// What was seen of each source.
    pub seen: Vec<SeenSource>,
}

/// A condition as listed.
pub(super) fn condition_picture(condition: &AlarmCondition, active: usize) -> ConditionPicture {
    ConditionPicture {
        name: condition.name.clone(),
        category: condition.category,
        detect: condition.detect,
        selection: match &condition.selection {
            Selection::Any => "any".to_owned(),
            Selection::ApplicationType(application_type) => format!("type {application_type}"),
            Selection::Application(application) => application.to_string(),
        },
        cancel: condition.cancel,
        cancel_timeout_ms: u64::try_from(condition.cancel_timeout.as_millis()).unwrap_or(u64::MAX),
        reaction_scripts: condition.reaction_scripts.clone(),
        enabled: condition.enabled,
        active,
    }
}
