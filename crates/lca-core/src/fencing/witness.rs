//! The witness links between the LCAs of a pair's two hosts. Owns which peers are dialled, the beats of both ends
//! and what is answered to them; a connection on which beats stay unanswered is given up and dialled anew.

use super::{BEATS, Dialled, beat_every};
use crate::core::LcaCore;
use crate::timers::Timer;
use crate::{ConnectionId, LcaOutput};
use changeover_model::environment::PairSlice;
use changeover_model::message::{FromPeerLca, Holding, ToPeerLca};
use changeover_model::{Epoch, HostName, PairName, planted};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// A host has as many peers as pairs, a handful.
const MOST_WITNESSES: usize = 256;

impl LcaCore {
    fn quorum_pairs(&self) -> impl Iterator<Item = &PairSlice> {
        self.slice
            .iter()
            .flat_map(|slice| &slice.pairs)
            .filter(|pair| pair.fencing.is_quorum() && pair.peer_host != self.identity.host)
    }

    /// Tells the shell which peers to dial, if that changed.
    pub(super) fn dial_peers(&mut self) {
        let mut targets: Vec<(HostName, SocketAddr)> = self
            .quorum_pairs()
            .map(|pair| {
                let address = SocketAddr::new(pair.peer_address, pair.fencing.peer_port);
                (pair.peer_host.clone(), address)
            })
            .collect();
        targets.sort();
        targets.dedup();
        if targets == self.fencing.targets {
            return;
        }
        self.fencing
            .dialled
            .retain(|host, _| targets.iter().any(|(name, _)| name == host));
        self.fencing.targets.clone_from(&targets);
        self.emit(LcaOutput::DialPeers(targets));
        self.watch_beats();
    }

    fn watch_beats(&mut self) {
        let every = beat_every(self.quorum_pairs());
        match every {
            Some(every) if !self.fencing.dialled.is_empty() => self.arm(Timer::PeerBeat, every),
            Some(_) | None => self.timers.cancel(&Timer::PeerBeat),
        }
    }

    pub(crate) fn peer_connected(&mut self, peer: &HostName, connection: ConnectionId) {
        if !self.fencing.targets.iter().any(|(name, _)| name == peer) {
            return;
        }
        let dialled = Dialled {
            connection,
            sequence: 0,
            beats: VecDeque::new(),
        };
        self.fencing.dialled.insert(peer.clone(), dialled);
        let (host, session) = (self.identity.host.clone(), self.identity.session);
        self.say_to_peer(peer, ToPeerLca::Hello { host, session });
        self.beat_peer(peer);
        self.watch_beats();
    }

    pub(crate) fn peer_disconnected(&mut self, peer: &HostName, connection: ConnectionId) {
        let current = self.fencing.dialled.get(peer);
        if current.is_some_and(|dialled| dialled.connection == connection) {
            self.fencing.dialled.remove(peer);
            self.watch_beats();
        }
    }

    pub(super) fn say_to_peer(&mut self, peer: &HostName, message: ToPeerLca) {
        if let Some(dialled) = self.fencing.dialled.get(peer) {
            let connection = dialled.connection;
            self.emit(LcaOutput::ToPeer {
                peer: peer.clone(),
                connection,
                message,
            });
        }
    }

    /// Beats to every peer are due.
    pub(crate) fn peer_beats_due(&mut self) {
        let peers: Vec<HostName> = self.fencing.dialled.keys().cloned().collect();
        for peer in peers {
            self.beat_peer(&peer);
        }
        self.watch_beats();
    }

    fn bound_towards(&self, peer: &HostName) -> Duration {
        self.quorum_pairs()
            .filter(|pair| &pair.peer_host == peer)
            .map(|pair| pair.fencing.bound)
            .min()
            .unwrap_or(Duration::from_secs(3))
    }

    fn beat_peer(&mut self, peer: &HostName) {
        let holds: Vec<Holding> = self
            .quorum_pairs()
            .filter(|pair| &pair.peer_host == peer)
            .filter_map(|pair| {
                Some(Holding {
                    pair: pair.name.clone(),
                    epoch: self.entitled(&pair.name)?,
                })
            })
            .collect();
        let (now, bound) = (self.now, self.bound_towards(peer));
        let Some(dialled) = self.fencing.dialled.get_mut(peer) else {
            return;
        };
        let connection = dialled.connection;
        let unanswered = dialled.beats.front().map(|(_, sent, _)| now.since(*sent));
        if unanswered.is_some_and(|silent| silent >= bound) {
            self.fencing.dialled.remove(peer);
            self.emit(LcaOutput::ClosePeer {
                peer: peer.clone(),
                connection,
            });
            return;
        }
        dialled.sequence += 1;
        let sequence = dialled.sequence;
        dialled.beats.push_back((sequence, now, holds.clone()));
        if dialled.beats.len() > BEATS {
            dialled.beats.pop_front();
        }
        self.say_to_peer(peer, ToPeerLca::Beat { sequence, holds });
    }

    /// A member here has become primary: the peer is told at once.
    pub(crate) fn tell_peer_of(&mut self, pair: &PairName) {
        let peer = self
            .pair_slice(pair)
            .filter(|slice| slice.fencing.is_quorum())
            .map(|slice| slice.peer_host.clone());
        if let Some(peer) = peer {
            self.beat_peer(&peer);
        }
    }

    pub(crate) fn peer_message(
        &mut self,
        peer: &HostName,
        connection: ConnectionId,
        message: FromPeerLca,
    ) {
        let Some(dialled) = self
            .fencing
            .dialled
            .get_mut(peer)
            .filter(|dialled| dialled.connection == connection)
        else {
            return;
        };
        match message {
            FromPeerLca::BeatAnswered {
                sequence,
                grants,
                overtaken,
            } => {
                let sent = dialled
                    .beats
                    .iter()
                    .find(|(number, _, _)| *number == sequence)
                    .map(|(_, at, holds)| (*at, holds.clone()));
                dialled.beats.retain(|(number, _, _)| *number > sequence);
                let Some((mut sent, holds)) = sent else {
                    return;
                };
                if planted("lease-from-receipt") {
                    sent = self.now;
                }
                // Only what the beat itself named.
                for grant in grants.iter().filter(|grant| holds.contains(grant)) {
                    if self.entitled(&grant.pair) == Some(grant.epoch) {
                        let fence = self.fence_in(&grant.pair, grant.epoch);
                        fence.peer = fence.peer.max(Some(sent));
                    }
                }
                for by in overtaken {
                    if self.is_pair_with(&by.pair, peer) {
                        self.release_for_peer(&by.pair, by.epoch);
                    }
                }
                self.look_at_leases();
            }
            FromPeerLca::Release { pair, epoch } => {
                if self.is_pair_with(&pair, peer) {
                    self.release_for_peer(&pair, epoch);
                }
            }
        }
    }

    fn is_pair_with(&self, pair: &PairName, peer: &HostName) -> bool {
        self.quorum_pairs()
            .any(|slice| &slice.name == pair && &slice.peer_host == peer)
    }

    pub(crate) fn witness_message(
        &mut self,
        peer: &HostName,
        connection: ConnectionId,
        message: ToPeerLca,
    ) {
        let current = self.fencing.witnessed.get(peer);
        match message {
            ToPeerLca::Hello { .. } => {
                if current.is_some() || self.fencing.witnessed.len() < MOST_WITNESSES {
                    self.fencing.witnessed.insert(peer.clone(), connection);
                }
            }
            ToPeerLca::Beat { .. } | ToPeerLca::Released { .. } if current != Some(&connection) => {
            }
            ToPeerLca::Beat { sequence, holds } => self.answer_beat(peer, sequence, &holds),
            ToPeerLca::Released { pair, epoch } => {
                if self.is_pair_with(&pair, peer) {
                    self.peer_released(&pair, epoch);
                }
            }
        }
    }

    pub(crate) fn witness_disconnected(&mut self, peer: &HostName, connection: ConnectionId) {
        if self.fencing.witnessed.get(peer) == Some(&connection) {
            self.fencing.witnessed.remove(peer);
        }
    }

    pub(super) fn say_to_witnessed(&mut self, peer: &HostName, message: FromPeerLca) {
        if let Some(connection) = self.fencing.witnessed.get(peer).copied() {
            self.emit(LcaOutput::ToWitnessed {
                peer: peer.clone(),
                connection,
                message,
            });
        }
    }

    fn answer_beat(&mut self, peer: &HostName, sequence: u64, holds: &[Holding]) {
        let mut grants = Vec::new();
        let mut overtaken = Vec::new();
        for holding in holds {
            if !self.is_pair_with(&holding.pair, peer) {
                continue;
            }
            match self.support(&holding.pair, holding.epoch) {
                Support::Granted => {
                    self.raise_epoch(&holding.pair, holding.epoch);
                    self.fencing.pair(&holding.pair).granted = Some(self.now);
                    grants.push(holding.clone());
                }
                Support::Overtaken(epoch) => overtaken.push(Holding {
                    pair: holding.pair.clone(),
                    epoch,
                }),
                Support::Denied => {}
            }
        }
        self.say_to_witnessed(
            peer,
            FromPeerLca::BeatAnswered {
                sequence,
                grants,
                overtaken,
            },
        );
    }

    /// Whether this host supports the peer as the holder in an epoch.
    fn support(&self, pair: &PairName, epoch: Epoch) -> Support {
        let (known, voted) = (self.pairs.epoch(pair), self.pairs.voted(pair));
        if planted("beats-answered-after-the-vote") {
            Support::Granted
        } else if epoch < known.max(voted) {
            Support::Overtaken(known.max(voted))
        } else if epoch == voted || self.entitled(pair) == Some(epoch) {
            // That epoch was asked for on behalf of this host.
            Support::Denied
        } else {
            Support::Granted
        }
    }
}

#[derive(Clone)]
enum Support {
    Granted,
    Overtaken(Epoch),
    Denied,
}
