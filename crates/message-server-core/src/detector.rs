//! Owns the question which Alarm Conditions an event matches. The conditions are indexed by log event ID and
//! then by whose event it is, so an answer costs the same with ten conditions and with ten thousand. What
//! becomes of the matches stands in `core.rs`.

use changeover_model::environment::{MessageServerSlice, Selection};
use changeover_model::message::{AlarmMatch, LogEvent, MatchRole};
use changeover_model::{ApplicationName, ApplicationType, ConditionName, LogEventId};
use indexmap::IndexMap;

/// The Alarm Conditions in force, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    by_id: IndexMap<LogEventId, Interested>,
    application_types: IndexMap<ApplicationName, ApplicationType>,
}

/// The conditions that name one log event ID.
#[derive(Clone, Debug, Default)]
struct Interested {
    any: Vec<Entry>,
    by_type: IndexMap<ApplicationType, Vec<Entry>>,
    by_application: IndexMap<ApplicationName, Vec<Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Place in the configuration; matches are told in this order.
    place: usize,
    condition: ConditionName,
    role: MatchRole,
}

impl Detector {
    /// Indexes the conditions of a slice. Those that are switched off match nothing.
    pub fn new(slice: &MessageServerSlice) -> Self {
        let mut detector = Self {
            by_id: IndexMap::new(),
            application_types: slice.application_types.clone(),
        };
        for (place, condition) in slice.conditions.iter().enumerate() {
            if !condition.enabled {
                continue;
            }
            let mut enter = |id: LogEventId, role: MatchRole| {
                let entry = Entry {
                    place,
                    condition: condition.name.clone(),
                    role,
                };
                let interested = detector.by_id.entry(id).or_default();
                interested.list(&condition.selection).push(entry);
            };
            enter(condition.detect, MatchRole::Detect);
            if let Some(cancel) = condition.cancel {
                enter(cancel, MatchRole::Cancel);
            }
        }
        detector
    }

    /// What an event matches, in the order of the configuration; empty = nothing.
    pub fn matches(&self, event: &LogEvent) -> Vec<AlarmMatch> {
        let Some(interested) = self.by_id.get(&event.id) else {
            return Vec::new();
        };
        let of_type = self
            .application_types
            .get(&event.application)
            .and_then(|application_type| interested.by_type.get(application_type));
        let of_application = interested.by_application.get(&event.application);
        let mut found: Vec<&Entry> = interested
            .any
            .iter()
            .chain(of_type.into_iter().flatten())
            .chain(of_application.into_iter().flatten())
            .collect();
        found.sort_by_key(|entry| (entry.place, entry.role));
        found
            .into_iter()
            .map(|entry| AlarmMatch {
                condition: entry.condition.clone(),
                role: entry.role,
            })
            .collect()
    }
}

impl Interested {
    fn list(&mut self, selection: &Selection) -> &mut Vec<Entry> {
        match selection {
            Selection::Any => &mut self.any,
            Selection::ApplicationType(application_type) => {
                self.by_type.entry(*application_type).or_default()
            }
            Selection::Application(application) => {
                self.by_application.entry(application.clone()).or_default()
            }
        }
    }
}

#[cfg(test)]
#[path = "detector_tests.rs"]
mod tests;
