//! What an operator or a test may see of the core's state.

use crate::call::{Phase, TransferPhase};
use crate::core::SipCore;
use crate::ids::CallKey;
use changeover_model::{Epoch, RunMode, Timestamp};
use serde::{Deserialize, Serialize};

/// A server as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SipPicture {
    /// Run mode.
    pub run_mode: RunMode,
    /// Epoch of the latest order.
    pub epoch: Epoch,
    /// Calls in which somebody still is.
    pub calls: usize,
    /// Transactions of either kind and direction, tombstones not counted.
    pub transactions: usize,
    /// Released calls that are still remembered.
    pub tombstones: usize,
    /// Addresses of record with a binding.
    pub registrations: usize,
    /// Clients whose subscriptions are held.
    pub clients: usize,
    /// Agents that are logged in.
    pub agents: usize,
    /// Requests of clients whose event has not come yet.
    pub requests: usize,
    /// Calls at DNs that clients were told of and have not ended there.
    pub told: usize,
    /// Deadlines.
    pub timers: usize,
    /// Messages that wait for the backup.
    pub held: usize,
    /// The HA link.
    pub sync: SyncPicture,
    /// When the latest SIP message was heard; 0 = never.
    pub heard_at: Timestamp,
    /// SIP messages heard, as primary.
    pub heard: u64,
    /// Messages sent.
    pub sent: u64,
    /// Arrivals that were no SIP message.
    pub junk: u64,
    /// Requests refused without a transaction.
    pub refused: u64,
    /// Requests dropped in a flood.
    pub dropped: u64,
    /// Messages that left before a backup had what stands behind them.
    pub uncommitted: u64,
}

/// The HA link as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyncPicture {
    /// Number of the latest change.
    pub number: u64,
    /// Number of the latest change that the backup has taken.
    pub acknowledged: u64,
    /// Both servers hold the same.
    pub in_step: bool,
}

/// A call as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallPicture {
    /// Its key.
    pub key: CallKey,
    /// When it began.
    pub began: Timestamp,
    /// Its legs.
    pub legs: Vec<LegPicture>,
    /// Routing Point it waits on.
    pub parked_on: Option<String>,
    /// A transfer is under way.
    pub in_transfer: bool,
}

/// A leg as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LegPicture {
    /// Call-ID of its dialog.
    pub call_id: String,
    /// The DN.
    pub dn: String,
    /// Where it stands.
    pub phase: Phase,
    /// Its peer has put the other side on hold.
    pub holds: bool,
}

/// An address of record as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegistrationPicture {
    /// The address of record.
    pub aor: String,
    /// Contact URIs with the time each has left, in milliseconds.
    pub contacts: Vec<(String, u64)>,
}

impl SipCore {
    /// The whole, in numbers.
    pub fn picture(&self) -> SipPicture {
        let up = self.calls.values().filter(|it| it.call.is_up()).count();
        let invites: usize = self.calls.values().map(|it| it.call.transactions()).sum();
        SipPicture {
            run_mode: self.run_mode,
            epoch: self.epoch,
            calls: up,
            transactions: invites + self.servers.len() + self.clients.len(),
            tombstones: self.tombstones,
            registrations: self.registrar.len(),
            clients: self.audience.count().0,
            agents: self.audience.count().1,
            requests: self.audience.under_way().0,
            told: self.audience.under_way().1,
            timers: self.timers.iter().count(),
            held: self.held.len(),
            sync: SyncPicture {
                number: self.sync.number(),
                acknowledged: self.sync.acknowledged(),
                in_step: self.sync.has_follower_in_step() || self.sync.backup.in_step,
            },
            heard_at: self.watch.heard_at(),
            heard: self.counters.heard,
            sent: self.counters.sent,
            junk: self.counters.junk,
            refused: self.counters.refused,
            dropped: self.counters.dropped,
            uncommitted: self.counters.uncommitted,
        }
    }

    /// Calls in which somebody still is, oldest first, at most `most`.
    pub fn calls(&self, most: usize) -> Vec<CallPicture> {
        let up = self.calls.values().filter(|it| it.call.is_up()).take(most);
        up.map(|entry| CallPicture {
            key: entry.call.key,
            began: entry.call.began,
            parked_on: entry.call.parked.as_ref().map(|it| it.dn.clone()),
            in_transfer: entry
                .call
                .transfer
                .as_ref()
                .is_some_and(|it| it.phase != TransferPhase::Over),
            legs: entry
                .call
                .legs
                .iter()
                .map(|leg| LegPicture {
                    call_id: leg.call_id.clone(),
                    dn: leg.dn.clone(),
                    phase: leg.phase,
                    holds: crate::sdp::is_hold(&leg.remote_sdp),
                })
                .collect(),
        })
        .collect()
    }

    /// The Call-IDs of a call's dialogs; none if the call is not known.
    pub fn call_ids(&self, key: CallKey) -> Vec<String> {
        let legs = self.calls.get(&key).map(|entry| entry.call.legs.iter());
        legs.into_iter()
            .flatten()
            .map(|leg| leg.call_id.clone())
            .collect()
    }

    /// Bindings that have not run out, at most `most` addresses of record.
    pub fn registrations(&self, now: Timestamp, most: usize) -> Vec<RegistrationPicture> {
        let all = self.registrar.iter().take(most);
        all.map(|(aor, list)| RegistrationPicture {
            aor: aor.clone(),
            contacts: list
                .iter()
                .map(|it| {
                    let left = it.expires_at.since(now).as_millis();
                    (it.uri.clone(), u64::try_from(left).unwrap_or(u64::MAX))
                })
                .collect(),
        })
        .collect()
    }
}
