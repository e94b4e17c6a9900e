//! What the Solution Control Server decides: hosts, pairs, procedures, alarms, timeline.
//!
//! [`ScsCore`] takes [`ScsInput`]s in and puts [`ScsOutput`]s out. Its rooms: `hosts` (who lives), `pairs` (who is
//! and shall be primary, who holds the VIP), `procedures` (one file each), `operators` (what may be asked),
//! `events` (log events on behalf of applications), `detections` (what the Message Server found), `alarms`,
//! `timeline`, `picture` (what is shown), `keeping` and `storage` (what must be on disk first). What an activated
//! alarm runs is decided by `changeover-reaction-engine`; the shell `scs` carries everything out.
#![warn(missing_docs)]
#![warn(
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

pub mod alarms;
mod applications;
mod configuring;
mod detections;
mod dispatch;
mod essence;
mod events;
mod hosts;
mod input_output;
mod keeping;
mod operators;
mod pairs;
mod picture;
mod procedures;
mod reactions;
mod recording;
mod sending;
mod storage;
#[cfg(test)]
mod tests;
pub mod timeline;

pub use changeover_reaction_engine::{Email, LocalCommand, Trap};
pub use input_output::{Echo, LinkLoss, ScsInput, ScsOutput};
pub use storage::{
    OptionChange, StoreChange, StoredMaintenance, StoredPair, StoredRevision, StoredState,
};

use crate::alarms::AlarmBook;
use crate::applications::ApplicationCare;
use crate::dispatch::Timer;
use crate::events::OwnEvents;
use crate::hosts::HostCare;
use crate::keeping::Keeping;
use crate::pairs::PairCare;
use crate::procedures::Operation;
use crate::timeline::{Moment, Timeline};
use changeover_model::environment::Environment;
use changeover_model::message::{AlarmPicture, ConditionPicture, ReactionPicture, TimelineRecord};
use changeover_model::{
    ApplicationName, CauseId, HostName, OrderNumber, PairName, RequestId, Revision, Ticket,
    TimerTable, Timestamp,
};
use changeover_reaction_engine::ReactionEngine;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

/// Who this SCS is, for Hello and for its own log events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScsIdentity {
    /// Version of the program.
    pub version: String,
    /// Different for every start; also makes the source of its log events unique.
    pub session: u64,
}

/// The Solution Control Server.
#[derive(Clone)]
pub struct ScsCore {
    /// Time of the input at hand.
    now: Timestamp,
    /// When this core began.
    started: Timestamp,
    identity: ScsIdentity,
    /// The operator's file, without recorded changes.
    file: Option<Arc<Environment>>,
    /// The environment in force.
    environment: Option<Arc<Environment>>,
    revision: StoredRevision,
    /// The revision is on disk, so its slices may go out.
    revision_kept: bool,
    options: BTreeMap<String, OptionChange>,
    hosts: BTreeMap<HostName, HostCare>,
    host_maintenance: BTreeMap<HostName, StoredMaintenance>,
    applications: BTreeMap<ApplicationName, ApplicationCare>,
    pairs: BTreeMap<PairName, PairCare>,
    /// Pairs of the store that no environment has named yet.
    stored_pairs: BTreeMap<PairName, StoredPair>,
    /// Starts, stops and restarts under way, of members of pairs as well.
    operations: BTreeMap<ApplicationName, Operation>,
    engine: ReactionEngine,
    engine_outputs: VecDeque<changeover_reaction_engine::Output>,
    /// Wishes of the engine that wait for the end of a record.
    wishes: BTreeMap<CauseId, Vec<Ticket>>,
    alarms: AlarmBook,
    timeline: Timeline,
    own_events: OwnEvents,
    message_server_connected: bool,
    message_server_revision: Option<Revision>,
    keeping: Keeping,
    timers: TimerTable<Timer>,
    /// Operators' requests that wait for the end of a record.
    followers: BTreeMap<CauseId, Vec<RequestId>>,
    is_it_me: bool,
    /// Pairs to look at before the input at hand is done with.
    touched: BTreeSet<PairName>,
    touched_operations: BTreeSet<ApplicationName>,
    picture_changed: bool,
    changed_reactions: BTreeSet<u64>,
    /// When what the engine reports now happened at its LCA.
    reported_at: Option<Moment>,
    /// Fence commands started so far.
    fences: u64,
    out: Vec<ScsOutput>,
}

impl ScsCore {
    /// A core that starts at `now` from what was kept. It does nothing before
    /// [`ScsInput::EnvironmentLoaded`].
    pub fn new(now: Timestamp, identity: ScsIdentity, mut stored: StoredState) -> Self {
        let alarms = AlarmBook::restore(stored.take_alarms());
        let timeline = Timeline::restore(stored.timeline.into_values().collect());
        let own_events = OwnEvents::new(&identity, stored.pending_events.into_values().collect());
        let mut core = Self {
            now,
            started: now,
            identity,
            file: None,
            environment: None,
            revision: stored.revision,
            revision_kept: false,
            options: stored.options,
            hosts: BTreeMap::new(),
            host_maintenance: stored.host_maintenance,
            applications: BTreeMap::new(),
            pairs: BTreeMap::new(),
            stored_pairs: stored.pairs,
            operations: BTreeMap::new(),
            engine: ReactionEngine::new(OrderNumber(now.0)),
            engine_outputs: VecDeque::new(),
            wishes: BTreeMap::new(),
            alarms,
            timeline,
            own_events,
            message_server_connected: false,
            message_server_revision: None,
            keeping: Keeping::default(),
            timers: TimerTable::default(),
            followers: BTreeMap::new(),
            is_it_me: false,
            touched: BTreeSet::new(),
            touched_operations: BTreeSet::new(),
            picture_changed: false,
            changed_reactions: BTreeSet::new(),
            reported_at: None,
            fences: 0,
            out: Vec::new(),
        };
        core.close_interrupted_records();
        core
    }

    /// The environment in force: the file plus recorded changes; `None` before the first one.
    pub fn environment(&self) -> Option<&Arc<Environment>> {
        self.environment.as_ref()
    }

    /// Its number.
    pub fn revision(&self) -> Revision {
        self.revision.revision
    }

    /// The LCAs to keep a connection to. Ask again after every [`ScsInput::EnvironmentLoaded`].
    pub fn dial_targets(&self) -> Vec<(HostName, SocketAddr)> {
        self.hosts
            .values()
            .filter(|host| host.needs_lca)
            .map(|host| {
                let config = &host.config;
                (
                    config.name.clone(),
                    SocketAddr::new(config.address, config.lca_port),
                )
            })
            .collect()
    }

    /// Where the Message Server is; `None` before the first environment.
    pub fn message_server(&self) -> Option<SocketAddr> {
        let environment = self.environment.as_ref()?;
        let layer = &environment.management_layer;
        let host = environment.hosts.get(&layer.message_server_host)?;
        Some(SocketAddr::new(host.address, layer.message_server_port))
    }

    /// Active alarms, with `history` the past ones as well, oldest first.
    pub fn alarms(&self, history: bool) -> Vec<AlarmPicture> {
        self.alarms.pictures(history)
    }

    /// The Alarm Conditions.
    pub fn conditions(&self) -> Vec<ConditionPicture> {
        self.alarms.conditions()
    }

    /// The newest timeline records, newest first.
    pub fn timeline(&self, limit: usize) -> Vec<&TimelineRecord> {
        self.timeline.list(limit)
    }

    /// One timeline record.
    pub fn record(&self, id: CauseId) -> Option<&TimelineRecord> {
        self.timeline.get(id)
    }

    /// What `sci timeline ID|last` and `sci why ID|last|PAIR` mean: the number, the newest record, or the newest
    /// of a pair named by its name, either application or VIP.
    pub fn find_record(&self, text: &str) -> Option<&TimelineRecord> {
        if text.is_empty() || text == "last" {
            return self.timeline.last(None);
        }
        if let Ok(id) = text.trim_start_matches('#').parse::<u64>() {
            return self.timeline.get(CauseId(id));
        }
        let pair = self.resolve_pair(text)?;
        self.timeline.last(Some(&pair))
    }

    /// Reactions, open ones and the latest finished, oldest first.
    pub fn reactions(&self) -> Vec<ReactionPicture> {
        self.engine.pictures()
    }

    /// What became of a reaction and why, line by line.
    pub fn explain_reaction(&self, number: u64) -> Option<Vec<String>> {
        self.engine.explain(number)
    }
}
