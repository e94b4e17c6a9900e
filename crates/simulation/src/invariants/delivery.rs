//! No log event that was acknowledged is lost, and every stored event that an enabled condition matches has
//! activated its alarm: in the SCS's active list or its history, over crashes of either (DESIGN: edges repeat,
//! they never get lost). Exceptions: events stored within the last two seconds may still be on their way; an event
//! that its sender never wrote down before it died was never acknowledged, though later ones of the source are; an SCS
//! that lost its whole store has lost its alarms with it.

use crate::world::World;
use changeover_model::environment::{AlarmCondition, Selection};
use changeover_model::message::{LogAcknowledged, LogBatch, LogEvent, SourceId};
use changeover_scs_core::alarms::AlarmKey;
use std::collections::{BTreeMap, BTreeSet};

const ON_THEIR_WAY: u64 = 2_000_000;

/// What senders were told is stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Delivery {
    /// What each life of a sender has sent and not been told about: its source may outlive it.
    sent: BTreeMap<(SourceId, u64), BTreeSet<u64>>,
    acknowledged: BTreeSet<(SourceId, u64)>,
    /// The SCS lost its store then.
    lost_at: u64,
}

impl Delivery {
    pub(super) fn sent(&mut self, life: u64, batch: &LogBatch) {
        let sent = self.sent.entry((batch.source.clone(), life)).or_default();
        sent.extend(batch.events.iter().map(|event| event.sequence));
    }

    pub(super) fn store_lost(&mut self, at: u64) {
        self.lost_at = at;
    }

    pub(super) fn acknowledged(&mut self, life: u64, acknowledged: &LogAcknowledged) {
        let source = &acknowledged.source;
        let Some(sent) = self.sent.get_mut(&(source.clone(), life)) else {
            return;
        };
        let later = sent.split_off(&(acknowledged.up_to + 1));
        for sequence in std::mem::replace(sent, later) {
            self.acknowledged.insert((source.clone(), sequence));
        }
    }
}

fn matches(condition: &AlarmCondition, event: &LogEvent, world: &World) -> bool {
    condition.enabled
        && condition.detect == event.id
        && match &condition.selection {
            Selection::Any => true,
            Selection::Application(name) => name == &event.application,
            Selection::ApplicationType(wanted) => world
                .environment
                .applications
                .get(&event.application)
                .is_some_and(|application| &application.application_type == wanted),
        }
}

pub(super) fn look(world: &World) -> Vec<String> {
    let store = &world.message_server.store;
    let mut wrong = Vec::new();
    let stored: BTreeSet<(&SourceId, u64)> = store
        .records
        .values()
        .map(|record| (&record.event.source, record.event.sequence))
        .collect();
    for (source, sequence) in &world.invariants.delivery.acknowledged {
        if !stored.contains(&(source, *sequence)) {
            wrong.push(format!(
                "no event lost: {source}/{sequence} was acknowledged and is not in the log"
            ));
        }
    }
    let alarms: BTreeSet<&AlarmKey> = world
        .scs
        .store
        .alarms
        .values()
        .map(|alarm| &alarm.key)
        .collect();
    let now = world.clock(0).0;
    for record in store.records.values() {
        let lost = record.received_at.0 < world.invariants.delivery.lost_at;
        if record.received_at.0 + ON_THEIR_WAY > now || lost {
            continue;
        }
        let event = &record.event;
        for condition in world.environment.alarm_conditions.values() {
            if !matches(condition, event, world) {
                continue;
            }
            let key = AlarmKey::Condition {
                condition: condition.name.clone(),
                application: event.application.clone(),
            };
            let seen = world.scs.store.detections.get(&event.source);
            let is_seen = seen.is_some_and(|seen| {
                event.sequence <= seen.floor || seen.above.contains(&event.sequence)
            });
            if !alarms.contains(&key) || !is_seen {
                wrong.push(format!(
                    "no alarm lost: event {} of {} ({}/{}) has not activated {}",
                    event.id, event.application, event.source, event.sequence, condition.name
                ));
            }
        }
    }
    wrong.truncate(5);
    wrong
}
