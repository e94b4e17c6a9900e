//! Output commit: what an input changed is recorded for the backup first, and no message leaves before the record
//! behind it is acknowledged. Without a backup in step there is nothing to wait for; that window is counted.

use crate::clients::{ClientEvent, SessionId};
use crate::core::{SipCore, Timer};
use crate::ids::CallKey;
use crate::net::Peer;
use crate::outputs::SipOutput;
use crate::sync::Record;
use changeover_model::Timestamp;
use std::collections::VecDeque;

/// What a message tells its receiver about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Nothing that a new primary would need.
    Nothing,
    /// The state of a call.
    Call(CallKey),
    /// The bindings of an address of record.
    Bindings(String),
    /// Subscriptions and agents.
    Clients,
}

/// What may have to wait for the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// A SIP message.
    Sip(Peer, Vec<u8>),
    /// An event for a client.
    Client(SessionId, ClientEvent),
}

/// Messages that wait for the backup.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    waiting: VecDeque<(u64, Outgoing)>,
    /// When the oldest began to wait.
    since: Option<Timestamp>,
}

impl Held {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.since = None;
    }
}

impl SipCore {
    /// After each input: records first, then what may leave.
    pub(crate) fn commit(&mut self) {
        self.tell_clients();
        self.record_changes();
        for (behind, outgoing) in std::mem::take(&mut self.pending) {
            let needed = self.needed(&behind);
            if self.sync.must_wait_for(needed) {
                if self.held.waiting.is_empty() {
                    self.held.since = Some(self.now);
                    self.timers
                        .set(Timer::Commit, self.now + self.config.commit_wait);
                }
                self.held.waiting.push_back((needed, outgoing));
            } else {
                if needed > 0 && self.config.hot && !self.sync.covers(needed) {
                    self.counters.uncommitted += 1;
                }
                self.leave(outgoing);
            }
        }
    }

    fn leave(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Sip(to, bytes) => {
                self.counters.sent += 1;
                self.emit(SipOutput::Send { to, bytes });
            }
            Outgoing::Client(session, event) => self.emit(SipOutput::ToClient { session, event }),
        }
    }

    fn needed(&self, behind: &Behind) -> u64 {
        match behind {
            Behind::Nothing => 0,
            Behind::Call(key) => self.calls.get(key).map_or(0, |entry| entry.recorded),
            Behind::Bindings(aor) => self.registrar.recorded(aor),
            Behind::Clients => self.audience.recorded(),
        }
    }

    fn record_changes(&mut self) {
        let mut records = Vec::new();
        for key in std::mem::take(&mut self.changed) {
            let number = self.sync.next_number(self.config.hot);
            if let Some(entry) = self.calls.get_mut(&key) {
                entry.recorded = number;
                if self.sync.is_streaming() {
                    records.push(Record::Call(entry.call.clone()));
                }
            }
        }
        for aor in std::mem::take(&mut self.changed_bindings) {
            let number = self.sync.next_number(self.config.hot);
            self.registrar.set_recorded(&aor, number);
            if self.sync.is_streaming() {
                let bindings = self.registrar.bindings(&aor).to_vec();
                records.push(Record::Bindings { aor, bindings });
            }
        }
        for key in self.audience.take_changed() {
            let number = self.sync.next_number(self.config.hot);
            self.audience.set_recorded(number);
            if self.sync.is_streaming() {
                let value = self.audience.shared(&key).cloned();
                records.push(Record::Shared { key, value });
            }
        }
        for key in std::mem::take(&mut self.gone) {
            self.sync.next_number(self.config.hot);
            if self.sync.is_streaming() {
                records.push(Record::Forgotten(key));
            }
        }
        self.stream(records);
    }

    /// The backup has acknowledged up to a number: what waited for it leaves, in order.
    pub(crate) fn release_acknowledged(&mut self) {
        // A message may wait behind one of another call that is not covered yet: order between calls means nothing.
        let acknowledged = self.sync.acknowledged();
        let mut kept = VecDeque::with_capacity(self.held.waiting.len());
        for (needed, outgoing) in std::mem::take(&mut self.held.waiting) {
            if needed <= acknowledged {
                self.leave(outgoing);
            } else {
                kept.push_back((needed, outgoing));
            }
        }
        self.held.waiting = kept;
        if self.held.waiting.is_empty() {
            self.held.since = None;
            self.timers.cancel(&Timer::Commit);
        } else {
            // The backup follows: who waits still gets the whole wait again.
            self.held.since = Some(self.now);
            self.timers
                .set(Timer::Commit, self.now + self.config.commit_wait);
        }
    }

    /// The backup is given up: everything that waited leaves.
    pub(crate) fn release_all(&mut self) {
        let waiting = std::mem::take(&mut self.held.waiting);
        self.held.since = None;
        self.timers.cancel(&Timer::Commit);
        for (_, outgoing) in waiting {
            self.counters.uncommitted += 1;
            self.leave(outgoing);
        }
    }

    /// No acknowledgement for the commit wait: callers come first.
    pub(crate) fn commit_overran(&mut self) {
        let waited = self.held.since.map(|since| self.now.since(since));
        self.note(
            true,
            format!(
                "the backup has acknowledged nothing for {} ms; {} messages leave without it",
                waited.unwrap_or_default().as_millis(),
                self.held.waiting.len()
            ),
        );
        self.give_up_backup();
    }
}
