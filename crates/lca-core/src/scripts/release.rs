//! Forced release: the LCA removes the pair's VIPs itself, after the control script that did not, and
//! looks whether they are gone.

use super::{Job, READ_BOUND, ScriptQueue, Stage, Work};
use crate::LcaOutput;
use crate::core::LcaCore;
use crate::orders::Order;
use changeover_model::message::{OrderKey, OrderOutcome};
use changeover_model::{Epoch, Incarnation, OrderNumber, PairName, ScriptAction, Ticket};
use std::time::Duration;

/// A removal takes no longer than this.
const REMOVE_BOUND: Duration = Duration::from_secs(2);

impl ScriptQueue {
    /// True if a script with this action runs or waits, or was killed and is not known to be gone.
    pub(crate) fn has(&self, action: ScriptAction) -> bool {
        self.current
            .iter()
            .chain(&self.next)
            .any(|job| match &job.work {
                Work::Script(control) => control.action == action && !job.gone,
                Work::Release => false,
            })
    }

    /// A release that nobody ordered runs or waits already.
    fn releases(&self) -> bool {
        self.current
            .iter()
            .chain(&self.next)
            .any(|job| matches!(job.work, Work::Release))
    }
}

impl LcaCore {
    /// Ends what runs or waits for a pair and removes its VIPs, by this LCA's own decision: order number 0.
    pub(crate) fn release_unordered(&mut self, pair: &PairName, epoch: Epoch) {
        let applications = self
            .pair_slice(pair)
            .and_then(|slice| slice.control.clone());
        let (Some(control), false) = (
            applications,
            self.scripts.get(pair).is_some_and(ScriptQueue::releases),
        ) else {
            return;
        };
        let order = Order {
            key: OrderKey {
                pair: Some(pair.clone()),
                epoch,
                application: control.disable,
                incarnation: None,
                number: OrderNumber(0),
            },
            cause: None,
        };
        let job = Job::new(order, Work::Release, self.now);
        self.enqueue(pair.clone(), job);
    }

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
