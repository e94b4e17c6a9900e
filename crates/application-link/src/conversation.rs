//! Owns what an application says to its LCA and when: registration with what it knows of itself, one answer
//! per order however often the order comes, the status again after a reconnect. A state machine without IO;
//! `line.rs` carries it.

use changeover_model::message::{FromApplication, Registered, ToApplication};
use changeover_model::{ApplicationStatus, CauseId, Epoch, OrderNumber, RunMode};
use std::collections::VecDeque;

/// How many finished orders are remembered, to answer a repetition.
const REMEMBERED: usize = 32;

/// An order to enter a run mode, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ordered {
    pub(crate) number: OrderNumber,
    pub(crate) epoch: Epoch,
    pub(crate) run_mode: RunMode,
    pub(crate) cause: Option<CauseId>,
}

/// What the application must be told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Order(Ordered),
    Heartbeat(u64),
    OptionChanged {
        section: String,
        option: String,
        value: String,
    },
    /// Accepted (again).
    Registered(Box<Registered>),
    /// Not accepted.
    Refused(changeover_model::Refusal),
}

/// What the application says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Activated(Ordered),
    Refused(OrderNumber, String),
    Status {
        status: ApplicationStatus,
        reason: String,
        in_step: bool,
    },
    Alive(u64),
}

#[derive(Debug)]
pub(crate) struct Conversation {
    register: Register,
    run_mode: RunMode,
    epoch: Epoch,
    status: Option<(ApplicationStatus, String, bool)>,
    registered: bool,
    /// Orders that the application has and has not answered.
    open: Vec<OrderNumber>,
    /// Answers given, oldest first.
    answered: VecDeque<(OrderNumber, FromApplication)>,
}

/// The part of the registration that never changes.
#[derive(Clone, Debug)]
pub(crate) struct Register {
    pub(crate) application: changeover_model::ApplicationName,
    pub(crate) token: String,
    pub(crate) version: String,
}

impl Conversation {
    pub(crate) fn new(register: Register) -> Self {
        Self {
            register,
            run_mode: RunMode::Unknown,
            epoch: Epoch(0),
            status: None,
            registered: false,
            open: Vec::new(),
            answered: VecDeque::new(),
        }
    }

    /// A connection stands: what to say first.
    pub(crate) fn connected(&mut self) -> FromApplication {
        self.registered = false;
        FromApplication::Register {
            application: self.register.application.clone(),
            token: self.register.token.clone(),
            version: self.register.version.clone(),
            run_mode: self.run_mode,
            epoch: self.epoch,
            status: self
                .status
                .as_ref()
                .map_or(ApplicationStatus::Initializing, |(status, _, _)| *status),
        }
    }

    pub(crate) fn disconnected(&mut self) {
        self.registered = false;
    }

    /// Nothing was heard of the LCA for so long that the VIP has run out: a primary is to demote itself, in the epoch
    /// that it has. `moment` makes the order's number one that no LCA gives.
    pub(crate) fn cut_off(&mut self, moment: u64) -> Option<Told> {
        if self.run_mode != RunMode::Primary {
            return None;
        }
        let order = Ordered {
            number: OrderNumber(u64::MAX - moment),
            epoch: self.epoch,
            run_mode: RunMode::Backup,
            cause: None,
        };
        let told = self.ordered(order, &mut Vec::new());
        told.filter(|_| self.open.len() < REMEMBERED)
    }

    /// Whether the LCA has accepted the registration of the connection that stands.
    pub(crate) fn is_registered(&self) -> bool {
        self.registered
    }

    /// Takes what the LCA said: what the application is to be told, and what to answer.
    pub(crate) fn heard(
        &mut self,
        message: ToApplication,
        answers: &mut Vec<FromApplication>,
    ) -> Vec<Told> {
        match message {
            ToApplication::Registered(registered) => {
                self.registered = true;
                answers.extend(self.status_report());
                let order = Ordered {
                    number: registered.number,
                    epoch: registered.epoch,
                    run_mode: registered.run_mode,
                    cause: registered.cause,
                };
                let mut told = vec![Told::Registered(Box::new(registered))];
                told.extend(self.on_record(order, answers));
                told
            }
            ToApplication::RegistrationRefused(refusal) => vec![Told::Refused(refusal)],
            ToApplication::SetRunMode {
                number,
                epoch,
                run_mode,
                cause,
            } => {
                let order = Ordered {
                    number,
                    epoch,
                    run_mode,
                    cause,
                };
                self.ordered(order, answers).into_iter().collect()
            }
            ToApplication::OptionChanged {
                section,
                option,
                value,
            } => vec![Told::OptionChanged {
                section,
                option,
                value,
            }],
            ToApplication::Heartbeat { sequence } => vec![Told::Heartbeat(sequence)],
        }
    }

    /// The run mode that the LCA has on record for us. One we are in already is confirmed; an older one than
    /// ours is what an LCA without memory believes, and our registration has told it better.
    fn on_record(&mut self, order: Ordered, answers: &mut Vec<FromApplication>) -> Option<Told> {
        if self.run_mode == RunMode::Unknown {
            return self.ordered(order, answers);
        }
        if (order.run_mode, order.epoch) == (self.run_mode, self.epoch) {
            answers.push(acknowledgement(&order));
            return None;
        }
        if order.epoch < self.epoch || order.run_mode == RunMode::Unknown {
            return None;
        }
        self.ordered(order, answers)
    }

    fn ordered(&mut self, order: Ordered, answers: &mut Vec<FromApplication>) -> Option<Told> {
        let known = self.answered.iter().find(|(it, _)| *it == order.number);
        if let Some((_, answer)) = known.filter(|_| !self.was_undone(&order)) {
            answers.push(answer.clone());
            return None;
        }
        if self.open.contains(&order.number) {
            return None;
        }
        self.open.push(order.number);
        Some(Told::Order(order))
    }

    /// True if another order of the same epoch has followed it: the LCA let go by itself, or the application did. To
    /// confirm it then would show a primary that does not serve, so whoever gives it again wants it done again.
    fn was_undone(&self, order: &Ordered) -> bool {
        order.epoch == self.epoch
            && order.run_mode != self.run_mode
            && self
                .answered
                .back()
                .is_some_and(|(last, _)| *last != order.number)
    }

    /// Takes what the application says: what to send to the LCA, if it is there.
    pub(crate) fn said(&mut self, said: Said) -> Option<FromApplication> {
        let message = match said {
            Said::Activated(order) => {
                self.run_mode = order.run_mode;
                self.epoch = order.epoch;
                let answer = acknowledgement(&order);
                self.remember(order.number, answer.clone());
                answer
            }
            Said::Refused(number, reason) => {
                let answer = FromApplication::RunModeRefused { number, reason };
                self.remember(number, answer.clone());
                answer
            }
            Said::Status {
                status,
                reason,
                in_step,
            } => {
                self.status = Some((status, reason, in_step));
                self.status_report()?
            }
            Said::Alive(sequence) => FromApplication::HeartbeatAnswered { sequence },
        };
        self.registered.then_some(message)
    }

    fn remember(&mut self, number: OrderNumber, answer: FromApplication) {
        self.open.retain(|open| *open != number);
        self.answered.retain(|(answered, _)| *answered != number);
        self.answered.push_back((number, answer));
        if self.answered.len() > REMEMBERED {
            self.answered.pop_front();
        }
    }

    fn status_report(&self) -> Option<FromApplication> {
        let (status, reason, in_step) = self.status.clone()?;
        Some(FromApplication::StatusReported {
            status,
            reason,
            in_step,
        })
    }
}

fn acknowledgement(order: &Ordered) -> FromApplication {
    FromApplication::RunModeAcknowledged {
        number: order.number,
        run_mode: order.run_mode,
        epoch: order.epoch,
    }
}

#[cfg(test)]
#[path = "conversation_tests.rs"]
mod tests;
