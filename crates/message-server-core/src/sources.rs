//! Owns the memory of sources: how far each has been taken in and how far it is durable, by which duplicates
//! are recognised and acknowledgements are made. Bounded: the source that was silent longest is forgotten.

use crate::exchange::{ConnectionId, Output};
use changeover_model::message::{LogAcknowledged, SourceId};
use changeover_model::planted;
use std::collections::{BTreeMap, BTreeSet};

/// Most sources remembered. A sender is a new source with every start, so most of them are long dead.
const LIMIT: usize = 10_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    known: BTreeMap<SourceId, Known>,
    /// Silent longest first.
    by_use: BTreeSet<(u64, SourceId)>,
    uses: u64,
}

#[derive(Clone, Debug, Default)]
struct Known {
    /// Highest sequence taken in: stored, or waiting for its store.
    taken: u64,
    /// Highest durable sequence.
    stored: u64,
    /// Where its last batch came from.
    connection: Option<ConnectionId>,
    last_use: u64,
}

/// What a sequence is to the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Taken in before.
    Duplicate,
    /// New, and this many before it never came (0 if the source was not known).
    New { missing: u64 },
}

impl Sources {
    /// A source as the store remembers it.
    pub(crate) fn recovered(&mut self, source: SourceId, stored: u64) {
        self.touch(&source, None);
        if let Some(known) = self.known.get_mut(&source) {
            known.taken = stored;
            known.stored = stored;
        }
    }

    /// Notes that a source was heard, and on which connection it waits for acknowledgements.
    pub(crate) fn touch(&mut self, source: &SourceId, connection: Option<ConnectionId>) {
        self.uses += 1;
        let known = self.known.entry(source.clone()).or_default();
        self.by_use.remove(&(known.last_use, source.clone()));
        known.last_use = self.uses;
        known.connection = connection.or(known.connection);
        self.by_use.insert((self.uses, source.clone()));
    }

    /// Judges a sequence and takes it in.
    pub(crate) fn take(&mut self, source: &SourceId, sequence: u64) -> Arrival {
        let known = self.known.entry(source.clone()).or_default();
        if sequence <= known.taken && !planted("duplicates-taken-in") {
            return Arrival::Duplicate;
        }
        let missing = if known.taken == 0 {
            0
        } else {
            sequence.saturating_sub(known.taken + 1)
        };
        known.taken = sequence;
        if planted("acknowledged-before-commit") {
            known.stored = sequence;
        }
        Arrival::New { missing }
    }

    /// The acknowledgement that is due for a source whose events are all durable.
    pub(crate) fn due(&self, source: &SourceId) -> Option<Output> {
        let known = self.known.get(source)?;
        (known.stored == known.taken).then(|| known.acknowledgement(source))?
    }

    /// Everything of a source up to this sequence is durable; the acknowledgement that tells it.
    pub(crate) fn stored(&mut self, source: &SourceId, sequence: u64) -> Option<Output> {
        let known = self.known.get_mut(source)?;
        known.stored = known.stored.max(sequence);
        known.acknowledgement(source)
    }

    pub(crate) fn disconnected(&mut self, connection: ConnectionId) {
        for known in self.known.values_mut() {
            if known.connection == Some(connection) {
                known.connection = None;
            }
        }
    }

    /// Forgets the sources that are too many; never one with events that wait for their store.
    pub(crate) fn forget_excess(&mut self, outputs: &mut Vec<Output>) {
        while self.known.len() > LIMIT {
            let idle = self.by_use.iter().find(|(_, source)| {
                self.known
                    .get(source)
                    .is_none_or(|known| known.taken == known.stored)
            });
            let Some(idle) = idle.cloned() else { return };
            self.by_use.remove(&idle);
            self.known.remove(&idle.1);
            outputs.push(Output::ForgetSource { source: idle.1 });
        }
    }
}

impl Known {
    fn acknowledgement(&self, source: &SourceId) -> Option<Output> {
        Some(Output::Acknowledge {
            connection: self.connection?,
            acknowledged: LogAcknowledged {
                source: source.clone(),
                up_to: self.stored,
            },
        })
    }
}
