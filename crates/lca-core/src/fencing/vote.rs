//! The vote of this host's LCA for a promotion on it. It is kept before it is given, and from then on beats of older
//! epochs are answered no more. A former holder that can still be heard is made to release first; one that cannot
//! has run out of its lease one detection bound after its last beat was answered.

use super::{Vote, VoteState};
use crate::core::LcaCore;
use crate::timers::Timer;
use crate::{PairRecord, StateChange};
use changeover_model::message::{FromPeerLca, LcaReport};
use changeover_model::{Epoch, PairName, Refusal, RefusalCode, planted};
use std::time::Duration;

/// A peer that can be heard confirms within this.
const CONFIRM_WAIT: Duration = Duration::from_millis(500);

impl LcaCore {
    pub(crate) fn vote_requested(&mut self, pair: PairName, epoch: Epoch, yielded: bool) {
        let asked = self.fencing.pairs.get(&pair).and_then(|fence| fence.vote);
        if let Some(vote) = asked.filter(|vote| vote.epoch == epoch) {
            match vote.state {
                VoteState::Given(released) => self.give_vote(&pair, epoch, released),
                VoteState::Waiting if yielded => self.give_vote(&pair, epoch, true),
                VoteState::Waiting => self.ask_for_release(&pair, epoch),
            }
            return;
        }
        if let Err(refusal) = self.may_vote(&pair, epoch) {
            let report = LcaReport::VoteRefused {
                pair,
                epoch,
                refusal,
            };
            self.report(None, report);
            return;
        }
        self.keep_vote(&pair, epoch);
        let (asked, state) = (self.now, VoteState::Waiting);
        self.fencing.pair(&pair).vote = Some(Vote {
            epoch,
            asked,
            state,
        });
        if yielded {
            self.give_vote(&pair, epoch, true);
        } else {
            self.ask_for_release(&pair, epoch);
            self.look_at_vote(&pair);
        }
    }

    fn may_vote(&self, pair: &PairName, epoch: Epoch) -> Result<(), Refusal> {
        let host = &self.identity.host;
        let Some(slice) = self.pair_slice(pair) else {
            let text = format!("{host} has no pair {pair}");
            return Err(Refusal::new(RefusalCode::UnknownName, text));
        };
        let (known, voted) = (self.pairs.epoch(pair), self.pairs.voted(pair));
        if (epoch < known || epoch < voted) && !planted("vote-for-an-older-epoch") {
            let text = format!(
                "the vote is asked for epoch {epoch} of {pair}, {host} has seen {}",
                known.max(voted)
            );
            return Err(Refusal::new(RefusalCode::StaleEpoch, text));
        }
        let sole = self.pairs.sole(pair);
        if let Some(sole) = sole.filter(|sole| sole.host == slice.peer_host && sole.epoch >= known)
        {
            let text = format!(
                "{} may hold the VIP of {pair} alone in epoch {}: its LCA gives up its mark, or sci hosts confirm-lost {}",
                sole.host, sole.epoch, sole.host
            );
            return Err(Refusal::new(RefusalCode::SoleMark, text));
        }
        Ok(())
    }

    /// The record comes before everything that says or means the vote.
    fn keep_vote(&mut self, pair: &PairName, epoch: Epoch) {
        let record = self.pairs.record(pair);
        let record = PairRecord {
            voted: record.voted.max(epoch),
            ..record
        };
        self.pairs.records.insert(pair.clone(), record.clone());
        if !planted("vote-not-kept") {
            self.persist_durable(StateChange::Pair(record));
        }
    }

    fn ask_for_release(&mut self, pair: &PairName, epoch: Epoch) {
        let Some(peer) = self.pair_slice(pair).map(|slice| slice.peer_host.clone()) else {
            return;
        };
        let pair = pair.clone();
        self.say_to_witnessed(&peer, FromPeerLca::Release { pair, epoch });
    }

    /// The former holder says that it holds nothing any more.
    pub(super) fn peer_released(&mut self, pair: &PairName, epoch: Epoch) {
        let vote = self.fencing.pairs.get(pair).and_then(|fence| fence.vote);
        if vote.is_some_and(|vote| {
            (vote.epoch == epoch || planted("stale-release-accepted"))
                && vote.state == VoteState::Waiting
        }) {
            self.give_vote(pair, epoch, true);
        }
    }

    /// Gives the vote if the former holder's lease has surely run out; else looks again then.
    pub(crate) fn look_at_vote(&mut self, pair: &PairName) {
        let Some(fencing) = self.fencing_of(pair) else {
            return;
        };
        let began = self.fencing.began;
        let peer = self.pair_slice(pair).map(|slice| &slice.peer_host);
        let heard = peer.is_some_and(|peer| self.fencing.witnessed.contains_key(peer));
        let fence = self.fencing.pair(pair);
        let Some(vote) = fence.vote.filter(|vote| vote.state == VoteState::Waiting) else {
            return;
        };
        // A former life may have answered a beat just before it ended.
        let last = fence.granted.unwrap_or(began);
        let mut end = last + fencing.peer_bound;
        if heard {
            // Its word is better than the passing of time, which does not tell what the SCS itself has granted.
            end = end.max(vote.asked + CONFIRM_WAIT);
        }
        if end <= self.now || planted("vote-without-waiting") {
            self.give_vote(pair, vote.epoch, false);
        } else {
            let after = end.since(self.now);
            self.arm(Timer::Vote(pair.clone()), after);
        }
    }

    fn give_vote(&mut self, pair: &PairName, epoch: Epoch, released: bool) {
        self.timers.cancel(&Timer::Vote(pair.clone()));
        let now = self.now;
        let fence = self.fencing.pair(pair);
        let state = VoteState::Given(released);
        let asked = now;
        fence.vote = Some(Vote {
            epoch,
            asked,
            state,
        });
        let quiet = fence.granted.map(|at| now.since(at));
        let report = LcaReport::Voted {
            pair: pair.clone(),
            epoch,
            released,
            quiet,
        };
        self.report(None, report);
    }
}
