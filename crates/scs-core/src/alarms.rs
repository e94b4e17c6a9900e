//! The alarm book: which alarms are active, since when, why, and what their activation or clearing asks the
//! reaction engine to run.
//!
//! Owns activation, renewal, clearing (cancel event, timeout, manual), Tests, the Management Layer's own
//! alarms, the recognition of repeated detections, and the bounded history. Does not match events (the
//! Message Server does) nor run reactions: it hands `scs-core` the [`ReactionRequest`] for the engine.

mod repetition;
mod stored;
mod testing;
#[cfg(test)]
mod tests;

pub use repetition::SeenSource;
pub use stored::{AlarmChange, AlarmKey, AlarmSnapshot, StoredAlarm};

use changeover_model::environment::{AlarmCategory, AlarmCondition, Environment};
use changeover_model::message::{
    AlarmDetected, AlarmPicture, ConditionPicture, LogEvent, LogOrigin, MatchRole, SourceId,
};
use changeover_model::{
    AlarmId, ApplicationName, CauseId, ConditionName, Refusal, RefusalCode, TimerTable, Timestamp,
    planted,
};
use changeover_reaction_engine::{Origin, ReactionRequest, Target};
use repetition::Repetition;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Most cleared alarms kept; the oldest go first.
pub const HISTORY: usize = 1_000;
/// Most active alarms; beyond it the one that was renewed longest ago is moved to the history.
pub const ACTIVE: usize = 1_000;

/// What follows from a change of the book.
#[derive(Clone, Debug, PartialEq)]
pub enum AlarmEffect {
    /// An alarm was activated, or renewed by another event or Test.
    Activated {
        /// The alarm as it stands now.
        alarm: AlarmPicture,
        /// It was active before.
        renewed: bool,
        /// Reactions to run; `None` when the condition has none.
        run: Option<ReactionRequest>,
    },
    /// An alarm was cleared. Reactions under way go on.
    Cleared {
        /// The alarm as it stands in the history.
        alarm: AlarmPicture,
        /// Clearance scripts to run; `None` when the condition has none.
        run: Option<ReactionRequest>,
    },
}

/// An alarm of the Management Layer itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagementAlarm {
    /// What it is about, for [`AlarmBook::clear_raised`]: `no-primary/SIP_EAST`.
    pub key: String,
    /// Shown as its condition: `SERVICE_UNAVAILABLE (5094)`.
    pub name: String,
    /// Category.
    pub category: AlarmCategory,
    /// The application (or host, or pair) it speaks of.
    pub application: ApplicationName,
    /// For people.
    pub text: String,
    /// Timeline record.
    pub cause: Option<CauseId>,
}

/// All alarms, active and past.
#[derive(Clone, Debug, Default)]
pub struct AlarmBook {
    environment: Option<Arc<Environment>>,
    alarms: BTreeMap<AlarmId, StoredAlarm>,
    active: BTreeMap<AlarmKey, AlarmId>,
    timers: TimerTable<AlarmId>,
    last_id: AlarmId,
    seen: Repetition,
    changes: Vec<AlarmChange>,
}

/// What activates an alarm.
#[derive(Clone)]
struct Activation {
    key: AlarmKey,
    name: ConditionName,
    category: AlarmCategory,
    application: ApplicationName,
    clears_at: Option<Timestamp>,
    text: String,
    by: String,
    cause: Option<CauseId>,
}

impl AlarmBook {
    /// An empty book.
    pub fn new() -> Self {
        Self::default()
    }

    /// The book as it was persisted. Alarms whose timeout has passed meanwhile are cleared by the next tick.
    pub fn restore(snapshot: AlarmSnapshot) -> Self {
        let mut book = Self::new();
        for alarm in snapshot.alarms {
            let id = alarm.picture.id;
            book.last_id = book.last_id.max(id);
            if alarm.is_active() {
                book.active.insert(alarm.key.clone(), id);
                if let Some(at) = alarm.picture.clears_at {
                    book.timers.set(id, at);
                }
            }
            book.alarms.insert(id, alarm);
        }
        book.seen = Repetition::restore(snapshot.seen);
        book
    }

    /// The environment in force. Alarms of conditions that are gone stay until they are cleared.
    pub fn configure(&mut self, environment: Arc<Environment>) {
        self.environment = Some(environment);
    }

    /// True if this detection was taken already: acknowledge it again, nothing else. Ask before opening a
    /// timeline record for it.
    pub fn is_repetition(&self, detected: &AlarmDetected) -> bool {
        !planted("repeated-detection-runs-again")
            && self
                .seen
                .contains(&detected.event.source, detected.event.sequence)
    }

    /// Takes a detection: each detect match activates or renews its alarm and asks for its reactions, each
    /// cancel match clears. A repetition changes nothing. Acknowledge it to the Message Server when the
    /// changes are persisted.
    pub fn detected(
        &mut self,
        now: Timestamp,
        detected: &AlarmDetected,
        cause: CauseId,
        effects: &mut Vec<AlarmEffect>,
    ) {
        let event = &detected.event;
        match self.seen.insert(&event.source, event.sequence) {
            Some(change) => self.changes.extend(change),
            None if planted("repeated-detection-runs-again") => {}
            None => return,
        }
        for matched in &detected.matches {
            let Some(condition) = self.condition(&matched.condition) else {
                continue;
            };
            match matched.role {
                MatchRole::Detect => self.activate_by(now, &condition, event, cause, effects),
                MatchRole::Cancel => {
                    let key = AlarmKey::Condition {
                        condition: condition.name.clone(),
                        application: event.application.clone(),
                    };
                    if let Some(id) = self.active.get(&key).copied() {
                        let by = format!("cancel event {}", event.id.wire_form());
                        self.clear_alarm(now, id, by, effects);
                    }
                }
            }
        }
    }

    /// Clears an active alarm by hand.
    ///
    /// # Errors
    /// There is no such alarm, or it is cleared already.
    pub fn clear(
        &mut self,
        now: Timestamp,
        alarm: AlarmId,
        operator: &str,
        effects: &mut Vec<AlarmEffect>,
    ) -> Result<(), Refusal> {
        let stored = self.alarms.get(&alarm).ok_or_else(|| {
            Refusal::new(
                RefusalCode::UnknownName,
                format!("there is no alarm #{alarm}; `sci alarms --history` lists them"),
            )
        })?;
        if !stored.is_active() {
            let by = stored
                .picture
                .cleared_by
                .as_deref()
                .unwrap_or("nobody knows");
            return Err(Refusal::new(
                RefusalCode::AlreadySo,
                format!("alarm #{alarm} is cleared already, by {by}"),
            ));
        }
        self.clear_alarm(now, alarm, format!("manual, {operator}"), effects);
        Ok(())
    }

    /// Raises an alarm of the Management Layer itself. One that is active under the same key keeps its number
    /// and says nothing more; only its text follows.
    pub fn raise(
        &mut self,
        now: Timestamp,
        alarm: ManagementAlarm,
        effects: &mut Vec<AlarmEffect>,
    ) -> AlarmId {
        let key = AlarmKey::Management(alarm.key);
        if let Some(id) = self.active.get(&key).copied() {
            if let Some(stored) = self.alarms.get_mut(&id)
                && stored.picture.text != alarm.text
            {
                stored.picture.text = alarm.text;
                stored.picture.renewed_at = now;
                self.changes.push(AlarmChange::Store(stored.clone()));
            }
            return id;
        }
        let (id, renewed) = self.activate(
            now,
            Activation {
                key,
                name: ConditionName::from(alarm.name),
                category: alarm.category,
                application: alarm.application,
                clears_at: None,
                text: alarm.text,
                by: "Management Layer".to_owned(),
                cause: alarm.cause,
            },
            effects,
        );
        self.tell_activated(id, renewed, None, effects);
        id
    }

    /// Clears the Management Layer's alarm with this key; true if it was active. `why` completes "cleared by".
    pub fn clear_raised(
        &mut self,
        now: Timestamp,
        key: &str,
        why: &str,
        effects: &mut Vec<AlarmEffect>,
    ) -> bool {
        let key = AlarmKey::Management(key.to_owned());
        match self.active.get(&key).copied() {
            Some(id) => {
                self.clear_alarm(now, id, why.to_owned(), effects);
                true
            }
            None => false,
        }
    }

    /// True while the Management Layer's alarm with this key is active.
    pub fn is_raised(&self, key: &str) -> bool {
        self.active
            .contains_key(&AlarmKey::Management(key.to_owned()))
    }

    /// Clears what has timed out.
    pub fn tick(&mut self, now: Timestamp, effects: &mut Vec<AlarmEffect>) {
        while let Some((_, id)) = self.timers.pop_due(now) {
            self.clear_alarm(now, id, "timeout".to_owned(), effects);
        }
    }

    /// The machine stood still: what would have cleared an alarm in time may still wait in a queue.
    pub fn postpone(&mut self, by: Duration) {
        self.timers.postpone_all(by);
        for id in self.active.values() {
            if let Some(stored) = self.alarms.get_mut(id)
                && let Some(at) = &mut stored.picture.clears_at
            {
                *at = *at + by;
            }
        }
    }

    /// When [`AlarmBook::tick`] has something to clear.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.timers.earliest()
    }

    /// The active alarms, oldest first.
    pub fn active(&self) -> impl Iterator<Item = &AlarmPicture> {
        self.alarms
            .values()
            .filter(|alarm| alarm.is_active())
            .map(|alarm| &alarm.picture)
    }

    /// How many are active.
    pub fn active_count(&self) -> usize {
        self.active.len()
    }

    /// An alarm, active or past.
    pub fn get(&self, alarm: AlarmId) -> Option<&AlarmPicture> {
        self.alarms.get(&alarm).map(|stored| &stored.picture)
    }

    /// The active alarms, oldest first; with `history` the past ones too.
    pub fn pictures(&self, history: bool) -> Vec<AlarmPicture> {
        self.alarms
            .values()
            .filter(|alarm| history || alarm.is_active())
            .map(|alarm| alarm.picture.clone())
            .collect()
    }

    /// The conditions of the environment with the number of their active alarms.
    pub fn conditions(&self) -> Vec<ConditionPicture> {
        let Some(environment) = &self.environment else {
            return Vec::new();
        };
        environment
            .alarm_conditions
            .values()
            .map(|condition| stored::condition_picture(condition, self.active_of(&condition.name)))
            .collect()
    }

    /// What must be written since the last call.
    pub fn take_changes(&mut self) -> Vec<AlarmChange> {
        std::mem::take(&mut self.changes)
    }

    /// The whole book, for a fresh store.
    pub fn snapshot(&self) -> AlarmSnapshot {
        AlarmSnapshot {
            alarms: self.alarms.values().cloned().collect(),
            seen: self.seen.snapshot(),
        }
    }

    fn active_of(&self, name: &ConditionName) -> usize {
        self.active
            .keys()
            .filter(|key| matches!(key, AlarmKey::Condition { condition, .. } if condition == name))
            .count()
    }

    fn condition(&self, name: &ConditionName) -> Option<AlarmCondition> {
        self.environment
            .as_ref()?
            .alarm_conditions
            .get(name)
            .cloned()
    }

    fn activate_by(
        &mut self,
        now: Timestamp,
        condition: &AlarmCondition,
        event: &LogEvent,
        cause: CauseId,
        effects: &mut Vec<AlarmEffect>,
    ) {
        let (alarm, renewed) = self.activate(
            now,
            Activation {
                key: AlarmKey::Condition {
                    condition: condition.name.clone(),
                    application: event.application.clone(),
                },
                name: condition.name.clone(),
                category: condition.category,
                application: event.application.clone(),
                clears_at: timeout_of(condition, now),
                text: event.text.clone(),
                by: format!("log message {}", event.id.wire_form()),
                cause: Some(cause),
            },
            effects,
        );
        let run = (!condition.reaction_scripts.is_empty()).then(|| ReactionRequest {
            origin: Origin::Event {
                event: event.clone(),
                alarm,
                condition: condition.name.clone(),
            },
            reporting_application: Some(event.application.clone()),
            target: Target::Scripts(condition.reaction_scripts.clone()),
            epoch: event.epoch,
            cause,
            operator_confirmed: event.origin == LogOrigin::OperatorConfirmed,
        });
        self.tell_activated(alarm, renewed, run, effects);
    }

    fn activate(
        &mut self,
        now: Timestamp,
        new: Activation,
        effects: &mut Vec<AlarmEffect>,
    ) -> (AlarmId, bool) {
        let active = self.active.get(&new.key).copied();
        let id = active.unwrap_or_else(|| {
            self.last_id = self.last_id.next();
            self.last_id
        });
        let stored = self.alarms.entry(id).or_insert_with(|| StoredAlarm {
            key: new.key.clone(),
            picture: AlarmPicture {
                id,
                condition: new.name,
                category: new.category,
                application: new.application,
                activated_at: now,
                renewed_at: now,
                clears_at: None,
                cleared_at: None,
                text: String::new(),
                activated_by: String::new(),
                cleared_by: None,
                cause: None,
            },
        });
        stored.picture.renewed_at = now;
        stored.picture.clears_at = new.clears_at;
        stored.picture.text = new.text;
        stored.picture.activated_by = new.by;
        stored.picture.cause = new.cause;
        self.changes.push(AlarmChange::Store(stored.clone()));
        self.active.insert(new.key, id);
        match new.clears_at {
            Some(at) if !planted("cancel-timeout-ignored") => self.timers.set(id, at),
            Some(_) | None => {
                self.timers.cancel(&id);
            }
        }
        self.keep_active_bound(now, id, effects);
        (id, active.is_some())
    }

    fn keep_active_bound(
        &mut self,
        now: Timestamp,
        newest: AlarmId,
        effects: &mut Vec<AlarmEffect>,
    ) {
        if self.active.len() <= ACTIVE {
            return;
        }
        let oldest = self
            .active()
            .filter(|alarm| alarm.id != newest)
            .min_by_key(|alarm| (alarm.renewed_at, alarm.id))
            .map(|alarm| alarm.id);
        if let Some(oldest) = oldest {
            let by = format!("lack of room: {ACTIVE} alarms are active");
            self.clear_alarm(now, oldest, by, effects);
        }
    }

    fn tell_activated(
        &self,
        id: AlarmId,
        renewed: bool,
        run: Option<ReactionRequest>,
        effects: &mut Vec<AlarmEffect>,
    ) {
        if let Some(stored) = self.alarms.get(&id) {
            effects.push(AlarmEffect::Activated {
                alarm: stored.picture.clone(),
                renewed,
                run,
            });
        }
    }

    fn clear_alarm(
        &mut self,
        now: Timestamp,
        id: AlarmId,
        by: String,
        effects: &mut Vec<AlarmEffect>,
    ) {
        let Some(stored) = self.alarms.get_mut(&id) else {
            return;
        };
        stored.picture.cleared_at = Some(now);
        stored.picture.cleared_by = Some(by);
        stored.picture.clears_at = None;
        let stored = stored.clone();
        self.changes.push(AlarmChange::Store(stored.clone()));
        self.active.remove(&stored.key);
        self.timers.cancel(&id);
        let run = self.clearance(&stored);
        effects.push(AlarmEffect::Cleared {
            alarm: stored.picture,
            run,
        });
        self.keep_history_bound();
    }

    fn clearance(&self, stored: &StoredAlarm) -> Option<ReactionRequest> {
        let AlarmKey::Condition {
            condition,
            application,
        } = &stored.key
        else {
            return None;
        };
        let condition = self.condition(condition)?;
        let cause = stored.picture.cause?;
        (!condition.clearance_scripts.is_empty()).then(|| ReactionRequest {
            origin: Origin::Clearance {
                alarm: stored.picture.id,
                condition: condition.name.clone(),
            },
            reporting_application: Some(application.clone()),
            target: Target::Scripts(condition.clearance_scripts.clone()),
            epoch: None,
            cause,
            operator_confirmed: false,
        })
    }

    fn keep_history_bound(&mut self) {
        let surplus = (self.alarms.len() - self.active.len()).saturating_sub(HISTORY);
        let gone: Vec<AlarmId> = self
            .alarms
            .values()
            .filter(|alarm| !alarm.is_active())
            .map(|alarm| alarm.picture.id)
            .take(surplus)
            .collect();
        for id in gone {
            self.alarms.remove(&id);
            self.changes.push(AlarmChange::Delete(id));
        }
    }

    /// Forgets what was seen of a source that will never speak again (its application was started anew).
    pub fn forget_source(&mut self, source: &SourceId) {
        self.changes.extend(self.seen.forget(source));
    }
}

fn timeout_of(condition: &AlarmCondition, now: Timestamp) -> Option<Timestamp> {
    (!condition.cancel_timeout.is_zero()).then(|| now + condition.cancel_timeout)
}
