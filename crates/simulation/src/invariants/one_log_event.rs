//! Every activation of a run mode is one log event in the store: none lost, none twice, over any restarts (BEHAVIOUR,
//! Events: 4560-4563 are logged at every activation; senders resend, duplicates are dropped). Counted per life of a
//! server. Exceptions: a server that died may have taken its last events with it; events stand at the sender for as long
//! as it is not connected.

use crate::world::World;
use changeover_model::message::SourceId;
use std::collections::BTreeMap;

/// How many run-mode events each life of a server has logged.
#[derive(Clone, Debug, Default)]
pub(super) struct OneLogEvent {
    logged: BTreeMap<SourceId, u64>,
}

impl OneLogEvent {
    pub(super) fn logged(&mut self, source: &SourceId) {
        *self.logged.entry(source.clone()).or_default() += 1;
    }
}

/// The last look.
pub(super) fn look(world: &World) -> Vec<String> {
    let mut stored: BTreeMap<(&SourceId, u64), u64> = BTreeMap::new();
    for record in world.message_server.store.records.values() {
        let event = &record.event;
        *stored.entry((&event.source, event.sequence)).or_default() += 1;
    }
    let mut wrong: Vec<String> = stored
        .iter()
        .filter(|(_, times)| **times > 1)
        .map(|((source, sequence), times)| {
            format!("one log event: {source}/{sequence} is in the log {times} times")
        })
        .collect();
    for (source, logged) in &world.invariants.log_events.logged {
        let there = stored.keys().filter(|(of, _)| of == &source).count() as u64;
        if world.has_delivered(source) && there != *logged {
            wrong.push(format!(
                "one log event: {source} logged {logged} activations, {there} are in the log"
            ));
        }
    }
    wrong.truncate(5);
    wrong
}
