//! No log event that was acknowledged is lost, and every stored event that an enabled condition matches has
//! activated its alarm: in the SCS's active list or its history, over crashes of either (DESIGN: edges repeat,
//! they never get lost). Exception: events stored within the last two seconds may still be on their way.

use crate::world::World;
use changeover_model::environment::{AlarmCondition, Selection};
use changeover_model::message::{LogAcknowledged, LogEvent, SourceId};
use changeover_scs_core::alarms::AlarmKey;
use std::collections::{BTreeMap, BTreeSet};

const ON_THEIR_WAY: u64 = 2_000_000;

/// What senders were told is stored.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    acknowledged: BTreeMap<SourceId, u64>,
}

impl Delivery {
    pub(super) fn acknowledged(&mut self, acknowledged: &LogAcknowledged) {
        let up_to = self
            .acknowledged
            .entry(acknowledged.source.clone())
            .or_insert(0);
        *up_to = acknowledged.up_to.max(*up_to);
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
    for (source, up_to) in &world.invariants.delivery.acknowledged {
        let lost = (1..=*up_to).find(|sequence| !stored.contains(&(source, *sequence)));
        if let Some(sequence) = lost {
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
        if record.received_at.0 + ON_THEIR_WAY > now {
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
