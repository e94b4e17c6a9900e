//! Forced release: the LCA removes the pair's VIPs itself, after the control script that did not, and
//! looks whether they are gone.

use super::{READ_BOUND, Stage};
use crate::LcaOutput;
use crate::core::LcaCore;
use changeover_model::message::OrderOutcome;
use changeover_model::{Incarnation, OrderNumber, PairName, ScriptAction, Ticket};
use std::time::Duration;

/// A removal takes no longer than this.
const REMOVE_BOUND: Duration = Duration::from_secs(2);

impl LcaCore {
    pub(super) fn begin_release(&mut self, pair: &PairName) {
        let addresses = self
            .pair_slice(pair)
            .map(|slice| slice.virtual_ips.clone())
            .unwrap_or_default();
        let ticket = self.new_ticket();
        self.emit(LcaOutput::RemoveAddresses {
            ticket,
            pair: pair.clone(),
            addresses,
        });
        self.enter(pair, Stage::Removing(ticket), REMOVE_BOUND);
    }

    pub(crate) fn addresses_removed(&mut self, ticket: Ticket, result: Result<(), String>) {
        if self.let_go_removed(ticket, result.is_ok()) {
            return;
        }
        let waiting = self.scripts.iter().find_map(|(pair, queue)| {
            let job = queue.current.as_ref()?;
            (job.stage == Stage::Removing(ticket)).then(|| pair.clone())
        });
        let Some(pair) = waiting else {
            return;
        };
        match result {
            Ok(()) => {
                let ticket = self.read_addresses();
                self.enter(&pair, Stage::Verifying(ticket), READ_BOUND);
            }
            Err(reason) => self.release_failed(&pair, &reason),
        }
    }

    pub(super) fn release_verified(&mut self, pair: &PairName) {
        if self.is_as_wanted(pair, ScriptAction::Disable) == Some(false) {
            let seen = self.seen(pair);
            self.release_failed(pair, &format!("removed, and yet {seen}"));
            return;
        }
        let incarnation = Incarnation(0);
        self.finish_release(pair, OrderOutcome::Done { incarnation });
    }

    pub(super) fn release_failed(&mut self, pair: &PairName, reason: &str) {
        let reason = format!("the VIPs of {pair} could not be removed: {reason}");
        self.finish_release(pair, OrderOutcome::Failed { reason });
    }

    fn finish_release(&mut self, pair: &PairName, outcome: OrderOutcome) {
        if let Some(job) = self.take_current(pair)
            && job.order.key.number != OrderNumber(0)
        {
            self.answer_order(&job.order, outcome);
        }
        self.advance(pair);
    }
}
