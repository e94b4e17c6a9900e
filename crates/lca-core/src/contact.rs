//! The link to the SCS: which connection counts, Hello, beats, silence, and the reports that must not be
//! lost while it is away. Orders go on to `orders.rs`.

use crate::core::LcaCore;
use crate::timers::Timer;
use crate::{ConnectionId, LcaOutput};
use changeover_model::message::{FromLca, LcaOrder, LcaReport, LcaState, OrderKey, ToLca};
use changeover_model::{CauseId, Revision, Timestamp, planted};
use std::collections::VecDeque;
use std::time::Duration;

/// Outcomes kept for the next Hello; the SCS can ask for older ones by repeating the order.
const MOST_UNSENT: usize = 64;
/// A bound below this would make every pause of the SCS a loss.
const SHORTEST_BOUND: Duration = Duration::from_millis(50);

/// The link to the SCS.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScsContact {
    connection: Option<ConnectionId>,
    /// Hello was said on this connection: reports make sense to the other side.
    greeted: bool,
    /// Greeted, and heard within the bound.
    pub(crate) in_contact: bool,
    bound: Duration,
    heard_at: Option<Timestamp>,
    unsent: VecDeque<FromLca>,
}

impl ScsContact {
    /// What of it bears on what comes next; see `essence`.
    pub(crate) fn essence(&self, into: &mut impl std::hash::Hasher) {
        use std::hash::Hash as _;
        (self.connection.is_some(), self.greeted, self.in_contact).hash(into);
        self.unsent.len().hash(into);
    }
}

impl LcaCore {
    pub(crate) fn scs_connected(&mut self, connection: ConnectionId) {
        self.scs.connection = Some(connection);
        self.beats_begin_anew();
        self.lose_contact();
    }

    pub(crate) fn scs_disconnected(&mut self, connection: ConnectionId) {
        if self.scs.connection == Some(connection) {
            self.scs.connection = None;
            self.lose_contact();
        }
    }

    fn lose_contact(&mut self) {
        self.scs.greeted = false;
        self.scs.in_contact = false;
        self.timers.cancel(&Timer::ScsSilent);
    }

    pub(crate) fn scs_message(&mut self, connection: ConnectionId, message: ToLca) {
        // What an older connection still delivers was said by a life of the SCS that has gone on since.
        if self.scs.connection != Some(connection) {
            return;
        }
        match message.body {
            LcaOrder::Hello { bound, .. } => {
                self.scs.bound = bound.max(SHORTEST_BOUND);
                self.scs_heard();
                self.greet();
            }
            LcaOrder::Beat {
                sequence,
                answered,
                grants,
            } => {
                self.scs_heard();
                self.beat_answered_to_scs(sequence);
                self.send(None, LcaReport::BeatAnswered { sequence });
                self.scs_granted(answered, &grants);
            }
            LcaOrder::Configure(_)
            | LcaOrder::IntendPair { .. }
            | LcaOrder::StartApplication { .. }
            | LcaOrder::StopApplication { .. }
            | LcaOrder::SetRunMode { .. }
            | LcaOrder::ReleaseAddresses { .. }
            | LcaOrder::AnnounceAddresses { .. }
            | LcaOrder::ExecuteCommand { .. }
            | LcaOrder::RunHook { .. }
            | LcaOrder::ChangeOption { .. }
            | LcaOrder::RequestVote { .. }
            | LcaOrder::MarkSole { .. }
            | LcaOrder::HandedOver => {
                self.scs_heard();
                self.take_order(message.cause, message.body);
            }
        }
    }

    fn scs_heard(&mut self) {
        if self.scs.greeted {
            self.scs.heard_at = Some(self.now);
            self.scs.in_contact = true;
            self.arm(Timer::ScsSilent, self.scs.bound);
        }
    }

    pub(crate) fn scs_fell_silent(&mut self) {
        self.scs.in_contact = false;
    }

    /// Its full state, as it tells it to the SCS at every Hello.
    pub fn state(&self) -> LcaState {
        LcaState {
            host: self.identity.host.clone(),
            version: self.identity.version.clone(),
            boot: self.identity.boot.clone(),
            session: self.identity.session,
            revision: self
                .slice
                .as_ref()
                .map_or(Revision(0), |slice| slice.revision),
            applications: self.applications.values().map(|app| app.state()).collect(),
            epochs: self
                .pairs
                .records
                .values()
                .map(|record| (record.pair.clone(), record.epoch))
                .collect(),
            addresses: self.addresses.level.clone().unwrap_or_default(),
            scripts: self.open_script_keys(),
            soles: self
                .pairs
                .records
                .values()
                .filter_map(|record| record.sole.clone())
                .collect(),
        }
    }

    /// When it last heard the SCS in this life; `None` = never.
    pub fn scs_heard_at(&self) -> Option<Timestamp> {
        self.scs.heard_at
    }

    fn greet(&mut self) {
        let state = self.state();
        self.scs.greeted = true;
        self.scs_heard();
        self.told_scs();
        self.send(None, LcaReport::Hello(state));
        while let Some(report) = self.scs.unsent.pop_front() {
            self.emit(LcaOutput::ToScs(report));
        }
        if self.host_stop.is_handing_over() {
            self.send(None, LcaReport::HostStopping);
        }
    }

    /// Scripts that run, wait, or have ended without the SCS having been told.
    fn open_script_keys(&self) -> Vec<OrderKey> {
        let unsent = self.scs.unsent.iter().filter_map(|report| {
            if let LcaReport::ControlScriptFinished { key, .. } = &report.body {
                Some(key.clone())
            } else {
                None
            }
        });
        self.scripts
            .values()
            .flat_map(|queue| queue.open_keys())
            .chain(unsent)
            .collect()
    }

    /// Tells the SCS. While it is away, outcomes of orders wait for the next Hello; levels do not need to,
    /// since Hello carries them.
    pub(crate) fn report(&mut self, cause: Option<CauseId>, body: LcaReport) {
        if self.scs.greeted {
            self.send(cause, body);
            return;
        }
        let is_outcome = matches!(
            body,
            LcaReport::OrderAnswered { .. }
                | LcaReport::ControlScriptFinished { .. }
                | LcaReport::CommandFinished { .. }
                | LcaReport::Fenced { .. }
        );
        if is_outcome && !planted("outcomes-dropped-while-away") {
            if self.scs.unsent.len() >= MOST_UNSENT {
                self.scs.unsent.pop_front();
            }
            let sent_at = self.now;
            self.scs.unsent.push_back(FromLca {
                sent_at,
                cause,
                body,
            });
        }
    }

    /// Tells the SCS with the next Hello what it cannot hear now: the connection may not have been found dead yet.
    pub(crate) fn report_with_next_hello(&mut self, body: LcaReport) {
        if self.scs.unsent.len() >= MOST_UNSENT {
            self.scs.unsent.pop_front();
        }
        let sent_at = self.now;
        self.scs.unsent.push_back(FromLca {
            sent_at,
            cause: None,
            body,
        });
    }

    fn send(&mut self, cause: Option<CauseId>, body: LcaReport) {
        let sent_at = self.now;
        self.emit(LcaOutput::ToScs(FromLca {
            sent_at,
            cause,
            body,
        }));
    }
}
