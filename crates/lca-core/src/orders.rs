//! Orders of the SCS: which room each goes to, and the memory that makes them idempotent. What an order does
//! stands in its room.

use crate::core::LcaCore;
use changeover_model::message::{
    CommandOutcome, LcaOrder, LcaReport, OrderKey, OrderOutcome, ScriptOutcome,
};
use changeover_model::{CauseId, Incarnation, Refusal, RefusalCode};
use std::collections::{BTreeMap, VecDeque};

/// Orders whose answers are remembered.
const REMEMBERED: usize = 256;

/// What is known of an order that came before.
#[derive(Clone, Debug)]
enum Answer {
    UnderWay,
    Order(OrderOutcome),
    Script(ScriptOutcome),
    Command(CommandOutcome),
}

/// The latest orders with their answers: the same order again gets the same answer, not a second effect.
#[derive(Clone, Debug, Default)]
pub(crate) struct OrderMemory {
    answers: BTreeMap<OrderKey, Answer>,
    by_age: VecDeque<OrderKey>,
}

impl OrderMemory {
    fn remember(&mut self, key: &OrderKey, answer: Answer) {
        if self.answers.insert(key.clone(), answer).is_none() {
            self.by_age.push_back(key.clone());
            if self.by_age.len() > REMEMBERED
                && let Some(oldest) = self.by_age.pop_front()
            {
                self.answers.remove(&oldest);
            }
        }
    }
}

/// An order with the timeline record that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) key: OrderKey,
    pub(crate) cause: Option<CauseId>,
}

impl LcaCore {
    /// Carries out an order, or answers it again if it came before.
    pub(crate) fn take_order(&mut self, cause: Option<CauseId>, order: LcaOrder) {
        match order {
            // These belong to the connection and are done where it is kept.
            LcaOrder::Hello { .. } | LcaOrder::Beat { .. } => {}
            LcaOrder::Configure(slice) => self.configure(slice),
            LcaOrder::IntendPair {
                pair,
                epoch,
                primary,
                maintenance,
            } => self.intend_pair(pair, epoch, primary, maintenance),
            LcaOrder::ChangeOption {
                application,
                section,
                option,
                value,
            } => self.change_option(&application, section, option, value),
            LcaOrder::HandedOver => self.handed_over(),
            LcaOrder::RequestVote {
                pair,
                epoch,
                yielded,
            } => self.vote_requested(pair, epoch, yielded),
            LcaOrder::MarkSole { mark, sole } => self.mark_sole(mark, sole),
            LcaOrder::StartApplication { ref key, .. }
            | LcaOrder::StopApplication { ref key, .. }
            | LcaOrder::SetRunMode { ref key, .. }
            | LcaOrder::ReleaseAddresses { ref key }
            | LcaOrder::AnnounceAddresses { ref key }
            | LcaOrder::ExecuteCommand { ref key, .. }
            | LcaOrder::RunHook { ref key, .. } => {
                let numbered = Order {
                    key: key.clone(),
                    cause,
                };
                self.take_numbered_order(numbered, order);
            }
        }
    }

    fn take_numbered_order(&mut self, order: Order, body: LcaOrder) {
        if let Some(answer) = self.orders.answers.get(&order.key).cloned() {
            self.answer_again(&order, answer);
            return;
        }
        self.orders.remember(&order.key, Answer::UnderWay);
        if let Err(refusal) = self.check_epoch(&order.key) {
            self.answer_order(&order, OrderOutcome::Refused(refusal));
            return;
        }
        match body {
            LcaOrder::StartApplication {
                run_mode, control, ..
            } => self.start_ordered(order, run_mode, control),
            LcaOrder::StopApplication { at_once, .. } => self.stop_ordered(order, at_once),
            LcaOrder::SetRunMode { run_mode, .. } => self.run_mode_ordered(order, run_mode),
            LcaOrder::ReleaseAddresses { .. } => self.release_ordered(order),
            LcaOrder::AnnounceAddresses { .. } => self.announcement_ordered(&order),
            LcaOrder::ExecuteCommand {
                command_line,
                environment,
                timeout,
                ..
            } => self.command_ordered(order, command_line, environment, timeout),
            LcaOrder::RunHook { hook, .. } => self.hook_ordered(order, hook),
            LcaOrder::Hello { .. }
            | LcaOrder::Beat { .. }
            | LcaOrder::Configure(_)
            | LcaOrder::IntendPair { .. }
            | LcaOrder::ChangeOption { .. }
            | LcaOrder::RequestVote { .. }
            | LcaOrder::MarkSole { .. }
            | LcaOrder::HandedOver => {}
        }
    }

    fn answer_again(&mut self, order: &Order, answer: Answer) {
        let key = order.key.clone();
        let report = match answer {
            Answer::UnderWay => return,
            Answer::Order(outcome) => LcaReport::OrderAnswered { key, outcome },
            Answer::Script(outcome) => LcaReport::ControlScriptFinished { key, outcome },
            Answer::Command(outcome) => LcaReport::CommandFinished { key, outcome },
        };
        self.report(order.cause, report);
    }

    /// Remembers the outcome of an order and reports it.
    pub(crate) fn answer_order(&mut self, order: &Order, outcome: OrderOutcome) {
        self.orders
            .remember(&order.key, Answer::Order(outcome.clone()));
        self.report(
            order.cause,
            LcaReport::OrderAnswered {
                key: order.key.clone(),
                outcome,
            },
        );
    }

    /// Reports that a control script was launched; its outcome is still to come.
    pub(crate) fn report_launched(&mut self, order: &Order) {
        self.report(
            order.cause,
            LcaReport::OrderAnswered {
                key: order.key.clone(),
                outcome: OrderOutcome::Done {
                    incarnation: Incarnation(0),
                },
            },
        );
    }

    /// Remembers the outcome of a control script and reports it.
    pub(crate) fn report_script(&mut self, order: &Order, outcome: ScriptOutcome) {
        self.orders
            .remember(&order.key, Answer::Script(outcome.clone()));
        self.report(
            order.cause,
            LcaReport::ControlScriptFinished {
                key: order.key.clone(),
                outcome,
            },
        );
    }

    /// Remembers the outcome of a command and reports it.
    pub(crate) fn report_command(&mut self, order: &Order, outcome: CommandOutcome) {
        self.orders
            .remember(&order.key, Answer::Command(outcome.clone()));
        self.report(
            order.cause,
            LcaReport::CommandFinished {
                key: order.key.clone(),
                outcome,
            },
        );
    }

    pub(crate) fn refuse(&mut self, order: &Order, code: RefusalCode, reason: impl Into<String>) {
        self.answer_order(order, OrderOutcome::Refused(Refusal::new(code, reason)));
    }
}
