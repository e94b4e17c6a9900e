//! The backup's end of the HA link: applies what the primary tells, says what it has taken, sends nothing else.
//! What it held before a snapshot stays until the snapshot is complete, so that a primary which dies half-way
//! through leaves the older state rather than half of the newer.

use super::{Record, SyncMessage};
use crate::clients::SharedKey;
use crate::core::{Entry, SipCore};
use crate::ids::CallKey;
use crate::inputs::LinkId;
use changeover_model::{Epoch, Timestamp};
use std::collections::BTreeSet;
use std::time::Duration;

/// What a backup knows of its primary.
#[derive(Clone, Debug, Default)]
pub(crate) struct BackupState {
    pub(crate) link: Option<LinkId>,
    /// A snapshot is being received: what it has named so far.
    snapshot: Option<Named>,
    /// Holds what the primary holds.
    pub(crate) in_step: bool,
    /// Has been in step, or knows that there is nobody to be in step with.
    pub(crate) initialized: bool,
    epoch: Epoch,
    /// When a link on which it was in step was lost.
    lost_at: Option<Timestamp>,
}

/// A link that was lost so shortly before a promotion was lost because the primary died.
const LOST_WITH_THE_PRIMARY: Duration = Duration::from_secs(15);

#[derive(Clone, Debug, Default)]
struct Named {
    calls: BTreeSet<CallKey>,
    aors: BTreeSet<String>,
    shared: BTreeSet<SharedKey>,
}

impl SipCore {
    /// Enters backup mode.
    pub(crate) fn await_primary(&mut self) {
        self.sync.follower = None;
        self.disarm_link();
        self.sync.backup.in_step = false;
    }

    /// True if what this backup holds is what the primary held when it went.
    pub(crate) fn was_in_step(&self) -> bool {
        let backup = &self.sync.backup;
        let just_lost = |at| self.now.since(at) < LOST_WITH_THE_PRIMARY;
        backup.in_step || backup.lost_at.is_some_and(just_lost)
    }

    /// Leaves backup mode.
    pub(crate) fn forget_primary(&mut self) {
        let backup = &mut self.sync.backup;
        backup.link = None;
        backup.snapshot = None;
        backup.in_step = false;
        backup.initialized = true;
        self.disarm_link();
    }

    pub(crate) fn backup_connected(&mut self, link: LinkId) {
        self.sync.backup.link = Some(link);
        let (node, addp) = (self.config.node, self.config.addp);
        self.arm_link(addp);
        let addp = Some(addp);
        self.say(link, SyncMessage::Hello { node, addp });
    }

    pub(crate) fn backup_disconnected(&mut self, link: LinkId) {
        if self.sync.backup.link == Some(link) {
            if self.sync.backup.in_step {
                self.sync.backup.lost_at = Some(self.now);
            }
            self.sync.backup.link = None;
            self.sync.backup.snapshot = None;
            self.sync.backup.in_step = false;
            self.disarm_link();
        }
    }

    /// Nobody is there to be in step with. What one holds is all there is.
    pub(crate) fn sync_unreachable(&mut self) {
        if !self.is_primary() {
            self.sync.backup.initialized = true;
        }
    }

    pub(crate) fn heard_from_primary(&mut self, link: LinkId, message: SyncMessage) {
        if self.is_primary() || self.sync.backup.link != Some(link) {
            return;
        }
        match message {
            SyncMessage::NotPrimary => self.sync.backup.initialized = true,
            SyncMessage::Begin { epoch, .. } => {
                // Who speaks for an older epoch has not heard yet that it is no primary any more.
                if epoch >= self.sync.backup.epoch {
                    self.sync.backup.epoch = epoch;
                    self.sync.backup.in_step = false;
                    self.sync.backup.snapshot = Some(Named::default());
                }
            }
            SyncMessage::Part {
                part,
                sent_at,
                records,
            } => {
                self.take_records(records, sent_at);
                self.say(link, SyncMessage::PartTaken { part });
            }
            SyncMessage::Changes {
                upto,
                sent_at,
                records,
            } => {
                self.take_records(records, sent_at);
                self.say(link, SyncMessage::Taken { upto });
            }
            SyncMessage::End { upto } => {
                self.sweep();
                self.say(link, SyncMessage::Taken { upto });
            }
            SyncMessage::Hello { .. }
            | SyncMessage::PartTaken { .. }
            | SyncMessage::Taken { .. }
            | SyncMessage::Beat => {}
        }
    }

    fn take_records(&mut self, records: Vec<Record>, sent_at: Timestamp) {
        let offset = self.now.minus(sent_at);
        for record in records {
            match record {
                Record::Call(mut call) => {
                    if let Some(named) = &mut self.sync.backup.snapshot {
                        named.calls.insert(call.key);
                    }
                    call.shift(offset);
                    self.replace(call);
                }
                Record::Forgotten(key) => self.drop_call(key),
                Record::Bindings { aor, mut bindings } => {
                    if let Some(named) = &mut self.sync.backup.snapshot {
                        named.aors.insert(aor.clone());
                    }
                    for binding in &mut bindings {
                        binding.expires_at = binding.expires_at.shifted(offset);
                    }
                    self.registrar.put(aor, bindings);
                }
                Record::Shared { key, value } => {
                    if let Some(named) = &mut self.sync.backup.snapshot {
                        named.shared.insert(key.clone());
                    }
                    self.audience.put(key, value);
                }
            }
        }
    }

    fn replace(&mut self, call: Box<crate::call::Call>) {
        self.drop_call(call.key);
        if call.forget_at.is_some() {
            self.tombstones += 1;
        }
        self.index(&call);
        self.calls.insert(call.key, Entry { call, recorded: 0 });
    }

    fn drop_call(&mut self, key: CallKey) {
        if let Some(old) = self.calls.remove(&key) {
            self.let_go(&old.call);
        }
    }

    /// The snapshot is complete: what it did not name is gone.
    fn sweep(&mut self) {
        let Some(named) = self.sync.backup.snapshot.take() else {
            return;
        };
        let gone: Vec<CallKey> = self
            .calls
            .keys()
            .filter(|it| !named.calls.contains(it))
            .copied()
            .collect();
        for key in gone {
            self.drop_call(key);
        }
        let gone: Vec<String> = self
            .registrar
            .iter()
            .map(|(aor, _)| aor.clone())
            .filter(|aor| !named.aors.contains(aor))
            .collect();
        for aor in gone {
            self.registrar.put(aor, Vec::new());
        }
        let gone: Vec<SharedKey> = self
            .audience
            .keys()
            .filter(|key| !named.shared.contains(key))
            .cloned()
            .collect();
        for key in gone {
            self.audience.put(key, None);
        }
        self.sync.backup.in_step = true;
        self.sync.backup.initialized = true;
        self.note(
            true,
            format!("in step with the primary: {} calls", self.calls.len()),
        );
    }
}
