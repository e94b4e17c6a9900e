//! Synchronisation of a hot standby pair: what is said on the HA link, and both ends of it. The backup dials and says
//! Hello; the primary sends a snapshot in parts, each after the one before was taken, and in between every change
//! as it happens; at the end of the snapshot the backup holds what the primary holds. What must wait for an
//! acknowledgement is `commit.rs`.

mod backup;
mod frames;

pub(crate) use backup::BackupState;
pub use frames::{SYNC_FORMAT, UnreadableFrame};

use crate::call::Call;
use crate::clients::{Shared, SharedKey};
use crate::config::SipConfig;
use crate::core::{SipCore, Timer};
use crate::ids::CallKey;
use crate::inputs::LinkId;
use crate::outputs::{SipOutput, Standing};
use crate::registrar::Binding;
use changeover_model::environment::Addp;
use changeover_model::{Epoch, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Calls or addresses of record in one part of a snapshot: small enough that the changes in between are not late.
const PART: usize = 128;
/// The shortest time that an end may be made to wait for the other: below it the link would carry little else.
const SHORTEST: Duration = Duration::from_millis(50);

/// What the two servers of a pair say to each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SyncMessage {
    /// A backup asks for everything.
    Hello {
        /// Its node number.
        node: u32,
        /// How long either end waits for the other, as the backup sees it; an older release does not say.
        #[serde(default)]
        addp: Option<Addp>,
    },
    /// The answer of who is no primary: there is nothing to be had here yet.
    NotPrimary,
    /// A snapshot begins.
    Begin {
        /// The primary's epoch.
        epoch: Epoch,
        /// Its clock.
        sent_at: Timestamp,
    },
    /// A part of the snapshot.
    Part {
        /// Number of the part.
        part: u64,
        /// The primary's clock.
        sent_at: Timestamp,
        /// What stands in it.
        records: Vec<Record>,
    },
    /// The part is taken.
    PartTaken {
        /// Its number.
        part: u64,
    },
    /// The snapshot is complete; whatever it did not name is gone.
    End {
        /// Number of the latest change sent.
        upto: u64,
    },
    /// Changes.
    Changes {
        /// Number of the last of them.
        upto: u64,
        /// The primary's clock.
        sent_at: Timestamp,
        /// The changes, in order.
        records: Vec<Record>,
    },
    /// Everything up to this number is taken.
    Taken {
        /// The number.
        upto: u64,
    },
    /// Nothing else to say (ADDP).
    Beat,
}

/// One piece of what is replicated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// A call as it is now.
    Call(Box<Call>),
    /// A call is forgotten.
    Forgotten(CallKey),
    /// The bindings of an address of record as they are now.
    Bindings {
        /// The address of record.
        aor: String,
        /// All of them.
        bindings: Vec<Binding>,
    },
    /// Subscriptions of a client, or an agent, as they are now; `None` = gone.
    Shared {
        /// Which.
        key: SharedKey,
        /// As it is now.
        value: Option<Shared>,
    },
}

/// The backup, as its primary sees it.
#[derive(Clone, Debug)]
struct Follower {
    link: LinkId,
    acknowledged: u64,
    snapshot: Option<Snapshot>,
}

/// How far a snapshot is.
#[derive(Clone, Debug, Default)]
struct Snapshot {
    part: u64,
    calls_done: bool,
    last_call: Option<CallKey>,
    aors_done: bool,
    last_aor: Option<String>,
    last_shared: Option<SharedKey>,
}

/// Both ends of the HA link.
#[derive(Clone, Debug)]
pub(crate) struct SyncState {
    /// Number of the latest change.
    number: u64,
    follower: Option<Follower>,
    /// Connections that the peer has dialled, and what holds for each once it has said Hello.
    incoming: BTreeMap<LinkId, Option<Addp>>,
    pub(crate) backup: BackupState,
    /// What holds for the link that is in use.
    pub(crate) addp: Addp,
}

impl SyncState {
    pub(crate) fn new(config: &SipConfig) -> Self {
        Self {
            number: 0,
            follower: None,
            incoming: BTreeMap::new(),
            backup: BackupState::default(),
            addp: config.addp,
        }
    }

    /// The number of the next change; 0 where nothing is synchronised.
    pub(crate) fn next_number(&mut self, hot: bool) -> u64 {
        if hot {
            self.number += 1;
        }
        if hot { self.number } else { 0 }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn is_streaming(&self) -> bool {
        self.follower.is_some()
    }

    /// True while a backup in step has not acknowledged this change.
    pub(crate) fn must_wait_for(&self, number: u64) -> bool {
        let in_step = self.follower.as_ref().filter(|it| it.snapshot.is_none());
        in_step.is_some_and(|it| it.acknowledged < number)
    }

    /// True if a backup in step has this change.
    pub(crate) fn covers(&self, number: u64) -> bool {
        let in_step = self.follower.as_ref().filter(|it| it.snapshot.is_none());
        in_step.is_some_and(|it| it.acknowledged >= number)
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.follower.as_ref().map_or(0, |it| it.acknowledged)
    }

    /// As primary: a backup holds everything.
    pub(crate) fn has_follower_in_step(&self) -> bool {
        self.follower
            .as_ref()
            .is_some_and(|it| it.snapshot.is_none())
    }

    fn active_link(&self) -> Option<LinkId> {
        self.follower
            .as_ref()
            .map(|it| it.link)
            .or(self.backup.link)
    }
}

impl SipCore {
    pub(crate) fn say(&mut self, link: LinkId, message: SyncMessage) {
        self.emit(SipOutput::Sync { link, message });
    }

    pub(crate) fn sync_connected(&mut self, link: LinkId, dialled: bool) {
        if !self.config.hot || dialled == self.is_primary() {
            // A primary dials nobody, and nobody dials a backup but one that mistakes it for the primary.
            if dialled || !self.config.hot {
                return self.emit(SipOutput::CloseSync { link });
            }
        }
        if dialled {
            self.backup_connected(link);
        } else {
            self.sync.incoming.insert(link, None);
        }
    }

    pub(crate) fn sync_received(&mut self, link: LinkId, message: SyncMessage) {
        if self.sync.active_link() == Some(link) {
            let silent = self.now + self.sync.addp.bound();
            self.timers.set(Timer::LinkSilent, silent);
        }
        match message {
            SyncMessage::Hello { addp, .. } => self.hello(link, addp),
            SyncMessage::PartTaken { part } => self.part_taken(link, part),
            SyncMessage::Taken { upto } => self.taken(link, upto),
            SyncMessage::Beat => {}
            SyncMessage::NotPrimary
            | SyncMessage::Begin { .. }
            | SyncMessage::Part { .. }
            | SyncMessage::End { .. }
            | SyncMessage::Changes { .. } => self.heard_from_primary(link, message),
        }
    }

    fn hello(&mut self, link: LinkId, addp: Option<Addp>) {
        let addp = addp.map_or(self.config.addp, mirrored);
        self.sync.incoming.insert(link, Some(addp));
        if !self.is_primary() {
            return self.say(link, SyncMessage::NotPrimary);
        }
        self.start_snapshot(link, addp);
    }

    /// Enters primary mode: whoever has asked for a snapshot meanwhile gets it.
    pub(crate) fn become_source(&mut self) {
        self.forget_primary();
        self.sync.follower = None;
        let incoming = self.sync.incoming.iter();
        let mut waiting = incoming.filter_map(|(link, asked)| Some((*link, (*asked)?)));
        if let Some((link, addp)) = waiting.next_back() {
            self.start_snapshot(link, addp);
        }
    }

    fn start_snapshot(&mut self, link: LinkId, addp: Addp) {
        if let Some(old) = self.sync.follower.take().filter(|old| old.link != link) {
            self.emit(SipOutput::CloseSync { link: old.link });
        }
        self.release_all();
        let (epoch, sent_at) = (self.epoch, self.now);
        self.say(link, SyncMessage::Begin { epoch, sent_at });
        self.sync.follower = Some(Follower {
            link,
            acknowledged: self.sync.number,
            snapshot: Some(Snapshot::default()),
        });
        self.arm_link(addp);
        self.next_part();
    }

    pub(crate) fn arm_link(&mut self, addp: Addp) {
        self.sync.addp = addp;
        self.timers.set(Timer::Beat, self.now + beat(addp));
        self.timers.set(Timer::LinkSilent, self.now + addp.bound());
    }

    fn next_part(&mut self) {
        let Some(follower) = self.sync.follower.as_mut() else {
            return;
        };
        let link = follower.link;
        let Some(snapshot) = follower.snapshot.as_mut() else {
            return;
        };
        let mut records = Vec::new();
        if !snapshot.calls_done {
            use std::ops::Bound::{Excluded, Unbounded};
            let from = snapshot.last_call.map_or(Unbounded, Excluded);
            for (key, entry) in self.calls.range((from, Unbounded)).take(PART) {
                snapshot.last_call = Some(*key);
                records.push(Record::Call(entry.call.clone()));
            }
            snapshot.calls_done = records.is_empty();
        }
        if snapshot.calls_done && !snapshot.aors_done {
            for (aor, list) in self.registrar.after(snapshot.last_aor.as_ref()).take(PART) {
                records.push(Record::Bindings {
                    aor: aor.clone(),
                    bindings: list.to_vec(),
                });
            }
            if let Some(Record::Bindings { aor, .. }) = records.last() {
                snapshot.last_aor = Some(aor.clone());
            }
            snapshot.aors_done = records.is_empty();
        }
        if snapshot.aors_done {
            for (key, value) in self
                .audience
                .after(snapshot.last_shared.as_ref())
                .take(PART)
            {
                records.push(Record::Shared {
                    key: key.clone(),
                    value: Some(value.clone()),
                });
            }
            if let Some(Record::Shared { key, .. }) = records.last() {
                snapshot.last_shared = Some(key.clone());
            }
        }
        if records.is_empty() {
            follower.snapshot = None;
            let upto = self.sync.number;
            self.say(link, SyncMessage::End { upto });
            self.note(true, "the backup is in step".to_owned());
            return;
        }
        snapshot.part += 1;
        let (part, sent_at) = (snapshot.part, self.now);
        let message = SyncMessage::Part {
            part,
            sent_at,
            records,
        };
        self.say(link, message);
    }

    fn part_taken(&mut self, link: LinkId, part: u64) {
        let expected = self.sync.follower.as_ref().is_some_and(|it| {
            it.link == link && it.snapshot.as_ref().is_some_and(|it| it.part == part)
        });
        if expected {
            self.next_part();
        }
    }

    fn taken(&mut self, link: LinkId, upto: u64) {
        let Some(follower) = self.sync.follower.as_mut().filter(|it| it.link == link) else {
            return;
        };
        follower.acknowledged = follower.acknowledged.max(upto.min(self.sync.number));
        self.release_acknowledged();
    }

    /// Sends the changes of one input.
    pub(crate) fn stream(&mut self, records: Vec<Record>) {
        let Some(link) = self.sync.follower.as_ref().map(|it| it.link) else {
            return;
        };
        if records.is_empty() {
            return;
        }
        let (upto, sent_at) = (self.sync.number, self.now);
        let message = SyncMessage::Changes {
            upto,
            sent_at,
            records,
        };
        self.say(link, message);
    }

    /// The backup does not follow: it is cut off, and comes back for a snapshot.
    pub(crate) fn give_up_backup(&mut self) {
        if let Some(follower) = self.sync.follower.take() {
            self.sync.incoming.remove(&follower.link);
            self.emit(SipOutput::CloseSync {
                link: follower.link,
            });
        }
        self.disarm_link();
        self.release_all();
    }

    pub(crate) fn disarm_link(&mut self) {
        self.timers.cancel(&Timer::Beat);
        self.timers.cancel(&Timer::LinkSilent);
    }

    pub(crate) fn sync_disconnected(&mut self, link: LinkId) {
        self.sync.incoming.remove(&link);
        if self
            .sync
            .follower
            .as_ref()
            .is_some_and(|it| it.link == link)
        {
            self.sync.follower = None;
            self.disarm_link();
            self.note(true, "the link to the backup is lost".to_owned());
            self.release_all();
        }
        self.backup_disconnected(link);
    }

    pub(crate) fn beat_due(&mut self) {
        if let Some(link) = self.sync.active_link() {
            self.say(link, SyncMessage::Beat);
            let next = self.now + beat(self.sync.addp);
            self.timers.set(Timer::Beat, next);
        }
    }

    /// ADDP: twice the time without a word.
    pub(crate) fn link_silent(&mut self) {
        self.note(true, "the HA link has been silent for too long".to_owned());
        if self.sync.follower.is_some() {
            self.give_up_backup();
        } else if let Some(link) = self.sync.backup.link {
            self.emit(SipOutput::CloseSync { link });
            self.backup_disconnected(link);
        }
    }

    /// Reports how ready this server is, when that has changed.
    pub(crate) fn tell_standing(&mut self) {
        use changeover_model::RunMode;
        let hot = self.config.hot;
        let standing = match self.run_mode {
            RunMode::Unknown => return,
            RunMode::Primary => Standing {
                initialized: true,
                in_step: !hot || self.sync.has_follower_in_step(),
                silent: self.watch.is_silent(),
            },
            RunMode::Backup | RunMode::Exiting => Standing {
                initialized: !hot || self.sync.backup.initialized,
                in_step: !hot || self.sync.backup.in_step,
                silent: false,
            },
        };
        if self.told.as_ref() != Some(&standing) {
            self.told = Some(standing.clone());
            self.emit(SipOutput::Standing(standing));
        }
    }
}

/// The other end's ADDP, seen from this one.
fn mirrored(addp: Addp) -> Addp {
    Addp {
        timeout: addp.remote_timeout.max(SHORTEST),
        remote_timeout: addp.timeout.max(SHORTEST),
    }
}

/// How often this end says a word: as often as either end waits for one.
fn beat(addp: Addp) -> Duration {
    addp.timeout.min(addp.remote_timeout).max(SHORTEST)
}
