//! Fencing: when this host lets go of a pair's VIPs by itself (BEHAVIOUR, Who holds the VIP: Split brain). Owns what
//! is kept of leases, votes and witness links; the rules stand in the files below: `lease` (how long a majority
//! lasts), `release` (letting go), `witness` (the links between the two LCAs), `vote`, `sole`. Nothing here runs
//! under `hold`.

mod lease;
mod release;
mod sole;
mod vote;
mod witness;

use crate::ConnectionId;
use changeover_model::environment::{Fencing, PairSlice};
use changeover_model::message::Holding;
use changeover_model::{Epoch, HostName, PairName, Ticket, Timestamp, planted};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// Beats remembered until they are answered.
const BEATS: usize = 64;

/// Everything about fencing on this host.
#[derive(Clone, Debug, Default)]
pub(crate) struct FencingRoom {
    /// When this life of the LCA began: what it does not know of before counts from then.
    began: Timestamp,
    /// Answers to beats of the SCS on its present connection: which, and when they left.
    answers: VecDeque<(u64, Timestamp)>,
    /// When the newest answer left that the SCS has confirmed, on any connection.
    scs_seen: Option<Timestamp>,
    /// When the state was last told to the SCS: what it orders afterwards, it ordered knowing that.
    greeted_at: Option<Timestamp>,
    /// The peers to keep a connection to, as last given to the shell.
    targets: Vec<(HostName, SocketAddr)>,
    /// The connections that this LCA has dialled.
    dialled: BTreeMap<HostName, Dialled>,
    /// The connections that peers have dialled.
    witnessed: BTreeMap<HostName, ConnectionId>,
    pairs: BTreeMap<PairName, PairFence>,
    /// The earliest end of a lease.
    due: Option<Timestamp>,
}

impl FencingRoom {
    /// What of it bears on what comes next; see `essence`.
    pub(crate) fn essence(&self, base: Epoch, into: &mut impl std::hash::Hasher) {
        use std::hash::Hash as _;
        (self.dialled.len(), self.witnessed.len()).hash(into);
        for fence in self.pairs.values() {
            base.0.wrapping_sub(fence.epoch.0).hash(into);
            (fence.scs.is_some(), fence.peer.is_some()).hash(into);
            fence.granted.is_some().hash(into);
            if let Some(releasing) = &fence.releasing {
                std::mem::discriminant(&releasing.step).hash(into);
                releasing.confirm.is_some().hash(into);
            }
            if let Some(vote) = &fence.vote {
                base.0.wrapping_sub(vote.epoch.0).hash(into);
                std::mem::discriminant(&vote.state).hash(into);
            }
        }
    }
}

/// A connection to a peer's LCA.
#[derive(Clone, Debug)]
struct Dialled {
    connection: ConnectionId,
    sequence: u64,
    /// Beats without an answer: number, when sent, what was held.
    beats: VecDeque<(u64, Timestamp, Vec<Holding>)>,
}

/// What is kept of one pair.
#[derive(Clone, Debug, Default)]
struct PairFence {
    /// The epoch that the two below are about.
    epoch: Epoch,
    /// When the newest word left this host that the SCS has answered with a grant.
    scs: Option<Timestamp>,
    /// The same of the peer's LCA.
    peer: Option<Timestamp>,
    /// Letting go is under way.
    releasing: Option<Releasing>,
    /// When the VIPs' lifetime was last set.
    renewed: Option<Timestamp>,
    /// As a witness: when a beat of the pair was last granted.
    granted: Option<Timestamp>,
    vote: Option<Vote>,
}

/// Letting go of a pair's VIPs.
#[derive(Clone, Debug)]
struct Releasing {
    step: ReleaseStep,
    /// The peer asked for it, for this epoch, and is told when they are seen gone.
    confirm: Option<Epoch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReleaseStep {
    Removing(Ticket),
    Reading(Ticket),
    /// Something of it did not work; it begins anew shortly.
    Pausing,
}

/// A vote that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Vote {
    epoch: Epoch,
    asked: Timestamp,
    state: VoteState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VoteState {
    /// The former holder may still hold until its lease has surely run out.
    Waiting,
    /// It is given; `true` = the former holder confirmed.
    Given(bool),
}

/// At this part of the detection bound a primary lets go: before anybody may conclude that it has.
fn lease_of(bound: Duration) -> Duration {
    if planted("lease-longer-than-the-bound") {
        return bound * 2;
    }
    bound * 4 / 5
}

/// Distance of beats between LCAs: several fit into the shortest bound.
fn beat_every<'a>(pairs: impl Iterator<Item = &'a PairSlice>) -> Option<Duration> {
    let shortest = pairs
        .filter(|pair| pair.fencing.is_quorum())
        .map(|pair| pair.fencing.bound.min(pair.fencing.peer_bound))
        .min()?;
    Some((shortest / 8).clamp(Duration::from_millis(20), Duration::from_millis(500)))
}

impl FencingRoom {
    fn pair(&mut self, pair: &PairName) -> &mut PairFence {
        self.pairs.entry(pair.clone()).or_default()
    }
}

impl crate::core::LcaCore {
    fn fencing_of(&self, pair: &PairName) -> Option<Fencing> {
        self.pair_slice(pair).map(|slice| slice.fencing)
    }

    /// This life of the LCA begins.
    pub(crate) fn fencing_begins(&mut self) {
        self.fencing.began = self.now;
        self.dial_peers();
        self.look_at_leases();
    }

    /// A new slice, or none of what was before: peers, policies and bounds may differ.
    pub(crate) fn fencing_configured(&mut self, before: Vec<PairSlice>) {
        for old in before.iter().filter(|old| old.fencing.is_quorum()) {
            let still = self
                .fencing_of(&old.name)
                .is_some_and(|new| new.is_quorum());
            if !still {
                self.lifetime_ends(old);
            }
        }
        let known: Vec<PairName> = self.fencing.pairs.keys().cloned().collect();
        for pair in known {
            if self.pair_slice(&pair).is_none() {
                self.fencing.pairs.remove(&pair);
            }
        }
        self.dial_peers();
        self.look_at_leases();
    }
}
