//! Letting go: the LCA removes the pair's VIPs itself, at once, before it does anything else; then it ends control
//! scripts that could bring them up again, demotes its server, and looks whether they are gone. Repeated until they
//! are. The peer that asked for it is told then and not before.

use super::{ReleaseStep, Releasing};
use crate::LcaOutput;
use crate::core::LcaCore;
use crate::timers::Timer;
use changeover_model::message::{LcaReport, ToPeerLca};
use changeover_model::{Epoch, PairName, ScriptAction, Ticket};
use std::time::Duration;

/// What did not work is tried again after this.
const AGAIN: Duration = Duration::from_millis(100);
/// The kernel answers within this, or is asked again.
const STEP_BOUND: Duration = Duration::from_millis(500);

impl LcaCore {
    /// Lets go of the pair's VIPs and of being primary.
    pub(super) fn let_go(&mut self, pair: &PairName, confirm: Option<Epoch>, why: &str) {
        if let Some(releasing) = &mut self.fencing.pair(pair).releasing {
            releasing.confirm = releasing.confirm.max(confirm);
            return;
        }
        let epoch = self.pairs.epoch(pair);
        let exposed = self.is_exposed(pair);
        self.remove_now(pair, confirm);
        if self.scripts.contains_key(pair) {
            self.release_unordered(pair, epoch);
        }
        for name in self.primaries_of(pair) {
            self.demote_by_itself(&name, epoch, why);
        }
        if exposed {
            let fenced = LcaReport::Fenced {
                pair: pair.clone(),
                epoch,
                reason: why.to_owned(),
            };
            if self.scs_hears(pair) {
                self.report(None, fenced);
            } else {
                self.report_with_next_hello(fenced);
            }
        }
    }

    /// The pair's VIPs are going: nobody is to be drawn here any more.
    pub(crate) fn lets_go(&self, pair: &PairName) -> bool {
        let fence = self.fencing.pairs.get(pair);
        fence.is_some_and(|fence| fence.releasing.is_some())
    }

    fn remove_now(&mut self, pair: &PairName, confirm: Option<Epoch>) {
        let addresses = self
            .pair_slice(pair)
            .map(|slice| slice.virtual_ips.clone())
            .unwrap_or_default();
        let ticket = self.new_ticket();
        let step = ReleaseStep::Removing(ticket);
        self.fencing.pair(pair).releasing = Some(Releasing { step, confirm });
        self.emit(LcaOutput::RemoveAddresses {
            ticket,
            pair: pair.clone(),
            addresses,
        });
        self.arm(Timer::LetGo(pair.clone()), STEP_BOUND);
    }

    fn releasing_at(&self, step: ReleaseStep) -> Option<PairName> {
        let of = |releasing: &Releasing| releasing.step == step;
        self.fencing
            .pairs
            .iter()
            .find(|(_, fence)| fence.releasing.as_ref().is_some_and(of))
            .map(|(pair, _)| pair.clone())
    }

    fn enter_step(&mut self, pair: &PairName, step: ReleaseStep, within: Duration) {
        if let Some(releasing) = &mut self.fencing.pair(pair).releasing {
            releasing.step = step;
            self.arm(Timer::LetGo(pair.clone()), within);
        }
    }

    /// A removal is done, or failed; true if it was one of ours.
    pub(crate) fn let_go_removed(&mut self, ticket: Ticket, done: bool) -> bool {
        let Some(pair) = self.releasing_at(ReleaseStep::Removing(ticket)) else {
            return false;
        };
        if done {
            let ticket = self.read_addresses();
            self.enter_step(&pair, ReleaseStep::Reading(ticket), STEP_BOUND);
        } else {
            self.enter_step(&pair, ReleaseStep::Pausing, AGAIN);
        }
        true
    }

    /// A reading is there; the level is up to date.
    pub(crate) fn let_go_read(&mut self, ticket: Ticket, fresh: bool) {
        let Some(pair) = self.releasing_at(ReleaseStep::Reading(ticket)) else {
            return;
        };
        let may_come_back = self.is_enabling(&pair);
        if !fresh || self.holds_any(&pair) || may_come_back {
            self.enter_step(&pair, ReleaseStep::Pausing, AGAIN);
            return;
        }
        self.timers.cancel(&Timer::LetGo(pair.clone()));
        let done = self.fencing.pair(&pair).releasing.take();
        if let Some(epoch) = done.and_then(|releasing| releasing.confirm) {
            self.confirm_release(&pair, epoch);
        }
        self.look_at_leases();
    }

    /// The next step is due: begin anew, unless the VIPs may be held again.
    pub(crate) fn let_go_again(&mut self, pair: &PairName) {
        let Some(releasing) = self.fencing.pair(pair).releasing.take() else {
            return;
        };
        let over = self
            .pair_slice(pair)
            .is_some_and(|slice| match self.lease(slice) {
                super::lease::Lease::Free => !self.is_exposed(pair),
                super::lease::Lease::Until(end) => end > self.now,
            });
        if over && releasing.confirm.is_none() {
            self.look_at_leases();
            // What came up again meanwhile, rightly, was kept from the neighbours so far.
            self.announce_unspoken(pair);
        } else {
            self.remove_now(pair, releasing.confirm);
            if self.scripts.contains_key(pair) {
                self.release_unordered(pair, self.pairs.epoch(pair));
            }
        }
    }

    /// A control script that may bring the VIPs up has not ended.
    pub(super) fn is_enabling(&self, pair: &PairName) -> bool {
        self.scripts
            .get(pair)
            .is_some_and(|queue| queue.has(ScriptAction::Enable))
    }

    /// The peer wants the pair in a new epoch: from now on nothing of an older one is obeyed here.
    pub(super) fn release_for_peer(&mut self, pair: &PairName, epoch: Epoch) {
        let known = self.pairs.epoch(pair);
        // In an epoch that the SCS has told of since, this host may be the one that is meant.
        if epoch < known || (epoch == known && self.entitled(pair).is_some()) {
            return;
        }
        self.raise_epoch(pair, epoch);
        self.let_go(
            pair,
            Some(epoch),
            &format!("the SCS wants another primary in epoch {epoch}, as the peer's LCA relayed"),
        );
    }

    fn confirm_release(&mut self, pair: &PairName, epoch: Epoch) {
        let Some(peer) = self.pair_slice(pair).map(|slice| slice.peer_host.clone()) else {
            return;
        };
        self.say_to_peer(
            &peer,
            ToPeerLca::Released {
                pair: pair.clone(),
                epoch,
            },
        );
    }
}
