//! The witness link between the LCAs of a pair's two hosts, under `on_controller_loss: quorum`. Each LCA dials its
//! peer. The one that dialled tells what it holds with every beat; the other answers for what it still supports, so
//! that a holder without its SCS keeps a majority. What a vote or a release means stands in BEHAVIOUR, Who holds
//! the VIP.

use crate::{Epoch, HostName, PairName};
use serde::{Deserialize, Serialize};

/// A pair's VIP held in an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The pair.
    pub pair: PairName,
    /// The epoch in which the sender's member is, or may be, primary.
    pub epoch: Epoch,
}

/// The primary of this epoch keeps its VIP without a majority: its backup is known not to be able to serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoleMark {
    /// The pair.
    pub pair: PairName,
    /// The only epoch for which it counts.
    pub epoch: Epoch,
    /// Host of the primary that has it.
    pub host: HostName,
}

/// From the LCA that dialled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToPeerLca {
    /// First message of a connection.
    Hello {
        /// The sender's host.
        host: HostName,
        /// Changes with every start of the sender.
        session: u64,
    },
    /// Answered at once by [`FromPeerLca::BeatAnswered`].
    Beat {
        /// Grows by one per connection.
        sequence: u64,
        /// What the sender holds; empty for one that only listens.
        holds: Vec<Holding>,
    },
    /// The VIPs of the pair are seen gone here and do not come back in an epoch before this one.
    Released {
        /// The pair.
        pair: PairName,
        /// The new epoch that the release was asked for.
        epoch: Epoch,
    },
}

/// From the LCA that was dialled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromPeerLca {
    /// Answer to a beat.
    BeatAnswered {
        /// The beat's sequence.
        sequence: u64,
        /// Of what the beat named: what the answering one supports.
        grants: Vec<Holding>,
        /// Of what the beat named: what was overtaken, with the epoch that overtook it.
        overtaken: Vec<Holding>,
    },
    /// The SCS wants another primary in this epoch: release the pair's VIPs now and say so.
    Release {
        /// The pair.
        pair: PairName,
        /// The new epoch.
        epoch: Epoch,
    },
}
