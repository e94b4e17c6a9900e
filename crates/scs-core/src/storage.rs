//! What the SCS keeps over a restart, as changes to write and as the state to start from. Owns the shape of
//! the store, not its medium: the shell writes each [`StoreChange`] under its [`StoreChange::key`] and folds
//! what it finds at the start with [`StoredState::apply`].

use crate::alarms::{AlarmChange, AlarmSnapshot, SeenSource, StoredAlarm};
use changeover_model::message::{LogEvent, SoleMark, SourceId, TimelineRecord};
use changeover_model::{
    AlarmId, ApplicationName, CauseId, Epoch, HostName, PairName, Refusal, Revision, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is kept of a pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredPair {
    /// Epoch in force.
    pub epoch: Epoch,
    /// Highest epoch that may have been used: it is on disk before the first order that carries it, so that
    /// the write of the next promotion is not on its critical path.
    pub reserved: Epoch,
    /// The application that shall be primary.
    pub primary: Option<ApplicationName>,
    /// Why it is primary, for people.
    pub because: String,
    /// An operator left the pair without a primary (`sci stop --no-handover`): none is promoted by itself.
    pub left_without_primary: bool,
    /// Maintenance, if switched on.
    pub maintenance: Option<StoredMaintenance>,
    /// An alarm Test suspends realignment until then.
    pub test_hold_until: Option<Timestamp>,
    /// The pair is held after a failure that only an operator can judge, or until `held_until_back` is back.
    pub held: Option<Refusal>,
    /// The hold ends by itself once the LCA of this host has reported, or the host is lost.
    #[serde(default)]
    pub held_until_back: Option<HostName>,
    /// Times of automatic role changes within the flapping window.
    pub automatic_switches: Vec<Timestamp>,
    /// Automatic switching stopped: when the last cause to switch was seen.
    pub flapping_since: Option<Timestamp>,
    /// The primary's LCA may hold the VIP without a majority, under `quorum`.
    #[serde(default)]
    pub sole: Option<SoleMark>,
    /// Since this store began, every host of the pair has been heard of or had its time: no SCS with another store has gone
    /// further than is known here.
    #[serde(default)]
    pub complete: bool,
}

/// Maintenance of a pair or host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMaintenance {
    /// Ends by itself then; `None` = when switched off.
    pub until: Option<Timestamp>,
}

/// The environment's number and the fingerprint of the content it stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRevision {
    /// Number.
    pub revision: Revision,
    /// Fingerprint of the file's content plus recorded changes.
    pub fingerprint: u64,
}

/// An option that a reaction changed; it lies over the file until the file says the same or another change
/// replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionChange {
    /// Whose.
    pub application: ApplicationName,
    /// Section.
    pub section: String,
    /// Option.
    pub option: String,
    /// Value.
    pub value: String,
}

/// One change to the store. Writing the same key again replaces what stood there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StoreChange {
    /// State of a pair.
    Pair(PairName, StoredPair),
    /// Maintenance of a host; `None` = off.
    HostMaintenance(HostName, Option<StoredMaintenance>),
    /// An alarm, active or past.
    Alarm(StoredAlarm),
    /// A past alarm has left the history.
    AlarmDropped(AlarmId),
    /// Which detections of a source are dealt with.
    DetectionsSeen(SeenSource),
    /// This source is forgotten.
    SourceDropped(SourceId),
    /// A timeline record.
    Timeline(Box<TimelineRecord>),
    /// An old record has left the timeline.
    TimelineDropped(CauseId),
    /// An own log event that the Message Server has not acknowledged yet.
    PendingEvent(LogEvent),
    /// It is acknowledged.
    PendingEventDropped(SourceId, u64),
    /// Revision of the environment.
    Revision(StoredRevision),
    /// An option changed by a reaction.
    Option(OptionChange),
}

impl StoreChange {
    /// Under which key the shell keeps it. Two changes with the same key: the later one replaces the earlier.
    pub fn key(&self) -> String {
        match self {
            StoreChange::Pair(pair, _) => format!("pair/{pair}"),
            StoreChange::HostMaintenance(host, _) => format!("host-maintenance/{host}"),
            StoreChange::Alarm(alarm) => format!("alarm/{}", alarm.picture.id),
            StoreChange::AlarmDropped(id) => format!("alarm/{id}"),
            StoreChange::DetectionsSeen(seen) => format!("source/{}", seen.source),
            StoreChange::SourceDropped(source) => format!("source/{source}"),
            StoreChange::Timeline(record) => format!("timeline/{}", record.id),
            StoreChange::TimelineDropped(id) => format!("timeline/{id}"),
            StoreChange::PendingEvent(event) => {
                format!("pending/{}/{}", event.source, event.sequence)
            }
            StoreChange::PendingEventDropped(source, sequence) => {
                format!("pending/{source}/{sequence}")
            }
            StoreChange::Revision(_) => "revision".to_owned(),
            StoreChange::Option(change) => format!(
                "option/{}/{}/{}",
                change.application,
                change.section.to_ascii_lowercase(),
                change.option.to_ascii_lowercase()
            ),
        }
    }

    /// True if what stands under the key is deleted instead of replaced.
    pub fn deletes(&self) -> bool {
        match self {
            StoreChange::HostMaintenance(_, maintenance) => maintenance.is_none(),
            StoreChange::AlarmDropped(_)
            | StoreChange::SourceDropped(_)
            | StoreChange::TimelineDropped(_)
            | StoreChange::PendingEventDropped(..) => true,
            StoreChange::Pair(..)
            | StoreChange::Alarm(_)
            | StoreChange::DetectionsSeen(_)
            | StoreChange::Timeline(_)
            | StoreChange::PendingEvent(_)
            | StoreChange::Revision(_)
            | StoreChange::Option(_) => false,
        }
    }
}

/// Everything that was kept; empty for a first start or a lost store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredState {
    /// Pairs.
    pub pairs: BTreeMap<PairName, StoredPair>,
    /// Hosts in maintenance.
    pub host_maintenance: BTreeMap<HostName, StoredMaintenance>,
    /// Alarms, active and past.
    pub alarms: BTreeMap<AlarmId, StoredAlarm>,
    /// Detections dealt with, per source.
    pub detections: BTreeMap<SourceId, SeenSource>,
    /// Timeline records.
    pub timeline: BTreeMap<CauseId, TimelineRecord>,
    /// Own log events that were not acknowledged.
    pub pending_events: BTreeMap<(SourceId, u64), LogEvent>,
    /// Revision of the environment.
    pub revision: StoredRevision,
    /// Options changed by reactions, by [`StoreChange::key`].
    pub options: BTreeMap<String, OptionChange>,
}

impl StoredState {
    /// Folds one change in, in the order in which they were written (or in any order, when the medium has
    /// replaced and deleted by key).
    pub fn apply(&mut self, change: StoreChange) {
        let key = change.key();
        match change {
            StoreChange::Pair(name, pair) => {
                self.pairs.insert(name, pair);
            }
            StoreChange::HostMaintenance(host, Some(maintenance)) => {
                self.host_maintenance.insert(host, maintenance);
            }
            StoreChange::HostMaintenance(host, None) => {
                self.host_maintenance.remove(&host);
            }
            StoreChange::Alarm(alarm) => {
                self.alarms.insert(alarm.picture.id, alarm);
            }
            StoreChange::AlarmDropped(id) => {
                self.alarms.remove(&id);
            }
            StoreChange::DetectionsSeen(seen) => {
                self.detections.insert(seen.source.clone(), seen);
            }
            StoreChange::SourceDropped(source) => {
                self.detections.remove(&source);
            }
            StoreChange::Timeline(record) => {
                self.timeline.insert(record.id, *record);
            }
            StoreChange::TimelineDropped(id) => {
                self.timeline.remove(&id);
            }
            StoreChange::PendingEvent(event) => {
                self.pending_events
                    .insert((event.source.clone(), event.sequence), event);
            }
            StoreChange::PendingEventDropped(source, sequence) => {
                self.pending_events.remove(&(source, sequence));
            }
            StoreChange::Revision(revision) => self.revision = revision,
            StoreChange::Option(change) => {
                self.options.insert(key, change);
            }
        }
    }
    pub(crate) fn take_alarms(&mut self) -> AlarmSnapshot {
        AlarmSnapshot {
            alarms: std::mem::take(&mut self.alarms).into_values().collect(),
            seen: std::mem::take(&mut self.detections).into_values().collect(),
        }
    }
}

impl From<AlarmChange> for StoreChange {
    fn from(change: AlarmChange) -> Self {
        match change {
            AlarmChange::Store(alarm) => StoreChange::Alarm(alarm),
            AlarmChange::Delete(id) => StoreChange::AlarmDropped(id),
            AlarmChange::StoreSeen(seen) => StoreChange::DetectionsSeen(seen),
            AlarmChange::DeleteSeen(source) => StoreChange::SourceDropped(source),
        }
    }
}
