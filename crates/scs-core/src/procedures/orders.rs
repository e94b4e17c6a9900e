//! Orders that a role change gives, and how their answers are found again.

use crate::ScsCore;
use crate::timeline::{Moment, NewEntry};
use changeover_model::message::{CommandOutcome, LcaOrder, OrderKey, OrderOutcome, Party, Step};
use changeover_model::{
    ApplicationName, ApplicationStatus, CauseId, Epoch, HostName, OrderNumber, PairName, RunMode,
    Timestamp, planted,
};
use std::time::Duration;

/// A run-mode order on its way.
#[derive(Clone, Debug)]
pub(crate) struct RunModeOrder {
    pub(crate) application: ApplicationName,
    pub(crate) host: HostName,
    pub(crate) run_mode: RunMode,
    pub(crate) epoch: Epoch,
    pub(crate) number: OrderNumber,
    pub(crate) at: Timestamp,
    pub(crate) deadline: Timestamp,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing yet.
    Open,
    /// The application is in that run mode.
    Obeyed,
    /// It is not and will not be by this order.
    Not(String),
}

/// The outcome of a hook that was refused.
fn not_run(outcome: &OrderOutcome) -> Option<CommandOutcome> {
    let output = match outcome {
        OrderOutcome::Done { .. } => return None,
        OrderOutcome::Refused(refusal) => refusal.to_string(),
        OrderOutcome::Failed { reason } => reason.clone(),
    };
    Some(CommandOutcome {
        exit: None,
        succeeded: false,
        output,
    })
}

fn mode_name(run_mode: RunMode) -> &'static str {
    run_mode.as_str()
}

impl ScsCore {
    pub(crate) fn order_run_mode(
        &mut self,
        pair: &PairName,
        record: CauseId,
        target: (&ApplicationName, &HostName),
        run_mode: RunMode,
        epoch: Epoch,
        wait: Duration,
    ) -> RunModeOrder {
        let (application, host) = target;
        let key = self.order_key(Some(pair), epoch, application, true);
        let number = key.number;
        let sent = self.send(host, Some(record), LcaOrder::SetRunMode { key, run_mode });
        self.entry(
            record,
            NewEntry {
                moment: Moment::Here,
                who: Party::ScsToLca(host.clone()),
                step: Step::RunModeOrdered(application.clone(), run_mode),
                what: format!("{application} to {}", mode_name(run_mode)),
                evidence: if sent {
                    format!("epoch {epoch}, order {number}")
                } else {
                    format!("epoch {epoch}; no connection to the LCA")
                },
            },
        );
        RunModeOrder {
            application: application.clone(),
            host: host.clone(),
            run_mode,
            epoch,
            number,
            at: self.now,
            deadline: self.now + wait.max(Duration::from_millis(1)),
        }
    }

    /// What became of an order: by its answer, or by the level that the LCA reports (an answer can get lost with
    /// its connection).
    pub(crate) fn answer_of(&mut self, pair: &PairName, order: &RunModeOrder) -> Answer {
        let Some(care) = self.pairs.get_mut(pair) else {
            return Answer::Not("the pair is gone".into());
        };
        match care.answers.remove(&order.number) {
            Some(OrderOutcome::Done { .. }) => return Answer::Obeyed,
            Some(OrderOutcome::Refused(refusal)) => return Answer::Not(refusal.to_string()),
            Some(OrderOutcome::Failed { reason }) => return Answer::Not(reason),
            None => {}
        }
        let reached = self
            .applications
            .get(&order.application)
            .is_some_and(|care| {
                care.state.status.is_up()
                    && care.state.run_mode == order.run_mode
                    && care.state.epoch >= order.epoch
            });
        if reached {
            Answer::Obeyed
        } else {
            Answer::Open
        }
    }

    pub(crate) fn note_obeyed(&mut self, record: CauseId, order: &RunModeOrder) {
        let took = self.now.since(order.at).as_secs_f64() * 1e3;
        self.entry(
            record,
            NewEntry {
                moment: Moment::Here,
                who: Party::Lca(order.host.clone()),
                step: Step::RunModeAcknowledged(order.application.clone(), order.run_mode),
                what: format!("{} is {}", order.application, mode_name(order.run_mode)),
                evidence: format!("acknowledged after {took:.1} ms"),
            },
        );
    }

    pub(crate) fn note_not_obeyed(&mut self, record: CauseId, order: &RunModeOrder, why: &str) {
        self.note(
            record,
            Step::RunModeFailed(order.application.clone(), order.run_mode),
            format!(
                "{} did not become {}",
                order.application,
                mode_name(order.run_mode)
            ),
            why,
        );
    }

    /// The LCA ends a server that does not obey.
    pub(crate) fn end_at_once(
        &mut self,
        pair: &PairName,
        record: CauseId,
        application: &ApplicationName,
        epoch: Epoch,
    ) {
        let Some(host) = self
            .applications
            .get(application)
            .map(|care| care.host.clone())
        else {
            return;
        };
        if planted("silent-primary-not-ended") {
            return;
        }
        let key = self.order_key(Some(pair), epoch, application, true);
        let sent = self.send(
            &host,
            Some(record),
            LcaOrder::StopApplication { key, at_once: true },
        );
        self.entry(
            record,
            NewEntry {
                moment: Moment::Here,
                who: Party::ScsToLca(host),
                step: Step::StopOrdered(application.clone()),
                what: format!("end {application} at once"),
                evidence: if sent {
                    format!("epoch {epoch}")
                } else {
                    "no connection to the LCA".to_owned()
                },
            },
        );
    }

    /// An answer from an LCA: for the pair's procedure, for the engine, for a start or stop.
    pub(crate) fn order_answered(
        &mut self,
        host: &HostName,
        at: Timestamp,
        key: OrderKey,
        outcome: OrderOutcome,
    ) {
        if let Some(pair) = &key.pair
            && let Some(care) = self.pairs.get_mut(pair)
        {
            care.answered(key.number, outcome.clone());
            if let (Some(procedure), Some(refused)) = (&mut care.procedure, not_run(&outcome)) {
                // A hook that its LCA did not start; nothing else knows its number.
                procedure.hook_finished(key.number, &refused);
            }
            self.touched.insert(pair.clone());
        }
        if let Some(operation) = self.operations.get_mut(&key.application)
            && operation.order == Some(key.number)
        {
            operation.answer = Some(outcome.clone());
            self.touched_operations.insert(key.application.clone());
        }
        self.reported_at = Some(self.moment_of(host, at));
        self.engine(changeover_reaction_engine::Input::OrderAnswered {
            host: host.clone(),
            key,
            outcome,
        });
        self.reported_at = None;
    }

    /// A connection is new: orders under way may have been lost with the old one. They are idempotent.
    pub(crate) fn resend_orders(&mut self, pair: &PairName, host: &HostName) {
        let Some(care) = self.pairs.get(pair) else {
            return;
        };
        let Some(super::Plan::RoleChange(change)) =
            care.procedure.as_ref().map(|procedure| &procedure.plan)
        else {
            return;
        };
        let record = care.open_record;
        if planted("orders-not-resent") {
            return;
        }
        let hooks = change.hooks.orders_on(host);
        for order in change.orders_on(host) {
            let state = self
                .applications
                .get(&order.application)
                .map(|care| &care.state);
            // The procedure is about to hear that this one cannot serve (any more).
            if order.run_mode == RunMode::Primary
                && state.is_some_and(|state| {
                    state.status != ApplicationStatus::Running && state.run_mode != RunMode::Primary
                })
            {
                continue;
            }
            let incarnation = state.map(|state| state.incarnation);
            let key = OrderKey {
                pair: Some(pair.clone()),
                epoch: order.epoch,
                application: order.application.clone(),
                incarnation,
                number: order.number,
            };
            self.send(
                host,
                record,
                LcaOrder::SetRunMode {
                    key,
                    run_mode: order.run_mode,
                },
            );
        }
        for hook in hooks {
            self.send(host, record, hook);
        }
    }
}
