//! Owns the detections that the SCS has not acknowledged, and which of them are on their way to it. They are
//! kept in the order in which they were made and sent again, in that order, after every Hello of the SCS.

use crate::exchange::{ConnectionId, Output};
use changeover_model::message::{AlarmDetected, FromMessageServer, SourceId};
use changeover_model::planted;
use std::collections::BTreeMap;

/// Most detections on their way to the SCS without an acknowledgement. A connection to it needs a queue of
/// at least this length (and the Hello) to take whatever the core hands out.
pub const WINDOW: usize = 512;
/// Most detections kept while the SCS is away.
const LIMIT: usize = 100_000;

/// What identifies an event, and with it its detection.
pub(crate) type Key = (SourceId, u64);

#[derive(Clone, Debug, Default)]
pub(crate) struct Detections {
    /// By the order in which they were made.
    waiting: BTreeMap<u64, AlarmDetected>,
    places: BTreeMap<Key, u64>,
    last: u64,
    scs: Option<Scs>,
}

#[derive(Clone, Debug)]
struct Scs {
    connection: ConnectionId,
    greeted: bool,
    /// Highest place sent on this connection.
    sent: u64,
    /// How many of those are not acknowledged.
    on_the_way: usize,
}

impl Detections {
    /// Keeps a detection; what had to go to make room, if something had to.
    pub(crate) fn keep(&mut self, detected: AlarmDetected) -> Option<Key> {
        let key = (detected.event.source.clone(), detected.event.sequence);
        if self.places.contains_key(&key) {
            return None;
        }
        self.last += 1;
        self.places.insert(key, self.last);
        self.waiting.insert(self.last, detected);
        if self.waiting.len() <= LIMIT {
            return None;
        }
        let oldest = self.waiting.first_key_value().map(|(_, detected)| {
            let event = &detected.event;
            (event.source.clone(), event.sequence)
        });
        oldest.inspect(|key| {
            self.acknowledged(key);
        })
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&AlarmDetected> {
        self.waiting.get(self.places.get(key)?)
    }

    /// Drops a detection; false if it was not there.
    pub(crate) fn acknowledged(&mut self, key: &Key) -> bool {
        let Some(place) = self.places.remove(key) else {
            return false;
        };
        self.waiting.remove(&place);
        if let Some(scs) = &mut self.scs
            && place <= scs.sent
        {
            scs.on_the_way = scs.on_the_way.saturating_sub(1);
        }
        true
    }

    pub(crate) fn scs_connected(&mut self, connection: ConnectionId) {
        self.scs = Some(Scs {
            connection,
            greeted: false,
            sent: if planted("detections-not-resent") {
                self.last
            } else {
                0
            },
            on_the_way: 0,
        });
    }

    pub(crate) fn scs_disconnected(&mut self, connection: ConnectionId) {
        if self.is_scs(connection) {
            self.scs = None;
        }
    }

    pub(crate) fn is_scs(&self, connection: ConnectionId) -> bool {
        self.scs
            .as_ref()
            .is_some_and(|scs| scs.connection == connection)
    }

    /// The SCS said Hello: everything is to be sent, from the oldest.
    pub(crate) fn greeted(&mut self) {
        if let Some(scs) = &mut self.scs {
            scs.greeted = true;
            if !planted("detections-not-resent") {
                scs.sent = 0;
            }
            scs.on_the_way = 0;
        }
    }

    /// Sends what may be sent now.
    pub(crate) fn send(&mut self, outputs: &mut Vec<Output>) {
        let Some(scs) = self.scs.as_mut().filter(|scs| scs.greeted) else {
            return;
        };
        for (place, detected) in self.waiting.range(scs.sent + 1..) {
            if scs.on_the_way >= WINDOW {
                return;
            }
            scs.sent = *place;
            scs.on_the_way += 1;
            outputs.push(Output::ToScs {
                connection: scs.connection,
                message: FromMessageServer::AlarmDetected(detected.clone()),
            });
        }
    }
}
