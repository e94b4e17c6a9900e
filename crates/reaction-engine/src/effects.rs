//! Every reaction that is no VIP control script: wishes to `scs-core`, commands, mails, traps. Each has a
//! bounded wait; those that may be repeated without harm are.

use crate::engine::{ReactionEngine, Timer};
use crate::launch::ANSWER_MARGIN;
use crate::output::{Email, LocalCommand, Output, Trap};
use crate::reaction::{Asked, Phase, Subject, Work};
use crate::variables::{command_environment, expand, mail_value};
use changeover_model::environment::Environment;
use changeover_model::message::{CommandOutcome, LcaOrder, OrderKey, Party, ReactionState, Step};
use changeover_model::{ApplicationName, Epoch, Ticket, Timestamp};
use std::time::Duration;

/// An OS command is killed after this.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);
/// A mail or trap that is not out by then has failed.
const SENDING_TIMEOUT: Duration = Duration::from_secs(30);
/// A switchover that has not ended by then counts as failed here; the procedure goes on.
const SWITCHOVER_TIMEOUT: Duration = Duration::from_secs(60);
/// Recording and pushing an option.
const OPTION_TIMEOUT: Duration = Duration::from_secs(10);

impl Subject {
    /// True for what does no harm when it is done twice.
    pub(crate) fn may_repeat(&self) -> bool {
        match self.work {
            Work::Control
            | Work::Start(_)
            | Work::ChangeOption { .. }
            | Work::Email { .. }
            | Work::Trap => true,
            Work::ShutDown(_)
            | Work::Restart(_)
            | Work::Switchover(_)
            | Work::CommandHere(_)
            | Work::CommandThere(_)
            | Work::Nothing => false,
        }
    }
}

impl ReactionEngine {
    pub(crate) fn start_effect(&mut self, now: Timestamp, number: u64, outputs: &mut Vec<Output>) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let Some(reaction) = self.reactions.get_mut(&number) else {
            return;
        };
        reaction.attempts += 1;
        let (subject, asked) = (reaction.subject.clone(), reaction.asked.clone());
        if let Work::CommandThere(command_line) = &subject.work {
            self.command_there(now, number, &environment, command_line, outputs);
            return;
        }
        let ticket = self.ticket();
        let Some((output, wait)) = self.effect(&environment, &subject, &asked, ticket) else {
            let why = "there is nothing to do for it";
            self.end(now, number, ReactionState::Failed, why, true);
            return;
        };
        outputs.push(output);
        self.by_ticket.insert(ticket, number);
        self.timers.set(Timer::Phase(number), now + wait);
        if let Some(reaction) = self.reactions.get_mut(&number) {
            reaction.phase = Phase::Effect(ticket);
            reaction.note(now, "under way");
        }
        let step = if let Work::Start(application) = &subject.work {
            Step::Launched(application.clone(), None)
        } else {
            Step::Note
        };
        let title = subject.title();
        self.report(number, Party::Scs, step, title, asked.reason, outputs);
    }

    /// The output that carries a reaction out, and how long its answer may take.
    fn effect(
        &self,
        environment: &Environment,
        subject: &Subject,
        asked: &Asked,
        ticket: Ticket,
    ) -> Option<(Output, Duration)> {
        let layer = &environment.management_layer;
        let value = |name: &str| mail_value(environment, subject, asked, name);
        let (output, wait) = match &subject.work {
            Work::CommandHere(command_line) => {
                let command = LocalCommand {
                    command_line: command_line.clone(),
                    environment: self.environment_of(environment, asked),
                    timeout: COMMAND_TIMEOUT,
                };
                (Output::RunCommand { ticket, command }, COMMAND_TIMEOUT)
            }
            Work::Email { to, subject, body } => {
                let body = if body.is_empty() { DEFAULT_BODY } else { body };
                let email = Email {
                    smtp: layer.smtp.clone()?,
                    to: to.clone(),
                    subject: expand(subject, value),
                    body: expand(body, value),
                };
                (Output::SendEmail { ticket, email }, SENDING_TIMEOUT)
            }
            Work::Trap => {
                let trap = trap(environment, asked)?;
                (Output::SendSnmpTrap { ticket, trap }, SENDING_TIMEOUT)
            }
            Work::Start(_)
            | Work::ShutDown(_)
            | Work::Restart(_)
            | Work::Switchover(_)
            | Work::ChangeOption { .. } => wish(environment, &subject.work, asked, ticket)?,
            Work::Control | Work::CommandThere(_) | Work::Nothing => return None,
        };
        Some((output, wait + ANSWER_MARGIN))
    }

    fn environment_of(&self, environment: &Environment, asked: &Asked) -> Vec<(String, String)> {
        let pair = asked
            .reporting
            .as_ref()
            .and_then(|name| environment.pair_of(name));
        let primary = pair.and_then(|pair| self.primary_of(&pair.name));
        let epoch = pair.map_or(Epoch(0), |pair| self.epoch_of(&pair.name));
        command_environment(environment, asked, primary, epoch)
    }

    fn command_there(
        &mut self,
        now: Timestamp,
        number: u64,
        environment: &Environment,
        command_line: &str,
        outputs: &mut Vec<Output>,
    ) {
        let order = self.take_order_number();
        let Some(reaction) = self.reactions.get_mut(&number) else {
            return;
        };
        let (Some(host), Some(application)) = (
            reaction.subject.host.clone(),
            reaction.subject.application.clone(),
        ) else {
            return;
        };
        reaction.phase = Phase::Running(order);
        reaction.note(now, format!("sent to {host}"));
        let asked = reaction.asked.clone();
        let title = reaction.subject.title();
        outputs.push(Output::Order {
            host: host.clone(),
            cause: asked.cause,
            order: LcaOrder::ExecuteCommand {
                key: OrderKey {
                    pair: None,
                    epoch: Epoch(0),
                    application,
                    incarnation: None,
                    number: order,
                },
                command_line: command_line.to_owned(),
                environment: self.environment_of(environment, &asked),
                timeout: COMMAND_TIMEOUT,
            },
        });
        self.by_order.insert(order, number);
        self.timers
            .set(Timer::Phase(number), now + COMMAND_TIMEOUT + ANSWER_MARGIN);
        let who = Party::ScsToLca(host);
        self.report(number, who, Step::Note, title, asked.reason, outputs);
    }

    pub(crate) fn command_finished(
        &mut self,
        now: Timestamp,
        key: &OrderKey,
        outcome: &CommandOutcome,
        outputs: &mut Vec<Output>,
    ) {
        let Some(number) = self.by_order.get(&key.number).copied() else {
            return;
        };
        let exit = match outcome.exit {
            Some(exit) => exit.to_string(),
            None => "it did not end by itself".to_owned(),
        };
        let last = outcome.output.lines().last().unwrap_or_default();
        let shown: String = last.trim().chars().take(120).collect();
        let evidence = if shown.is_empty() {
            exit
        } else {
            format!("{exit} ({shown})")
        };
        if outcome.succeeded {
            self.effect_done(now, number, &evidence, outputs);
        } else {
            self.attempt_failed(now, number, &evidence, outputs);
        }
    }

    pub(crate) fn effect_finished(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        result: Result<String, String>,
        outputs: &mut Vec<Output>,
    ) {
        let Some(number) = self.by_ticket.remove(&ticket) else {
            return;
        };
        match result {
            Ok(evidence) => {
                let unclassified = self
                    .reactions
                    .get(&number)
                    .is_some_and(|reaction| matches!(reaction.subject.work, Work::Start(_)));
                let evidence = match (unclassified, evidence.is_empty()) {
                    (true, true) => "not verified".to_owned(),
                    (true, false) => format!("{evidence}, not verified"),
                    (false, true) => "done".to_owned(),
                    (false, false) => evidence,
                };
                self.effect_done(now, number, &evidence, outputs);
            }
            Err(why) => self.attempt_failed(now, number, &why, outputs),
        }
    }

    fn effect_done(
        &mut self,
        now: Timestamp,
        number: u64,
        evidence: &str,
        outputs: &mut Vec<Output>,
    ) {
        self.report_finished(number, true, evidence, outputs);
        self.end(now, number, ReactionState::Succeeded, evidence, false);
    }
}

const DEFAULT_BODY: &str = "Alarm $COND_NAME ($COND_CTGR)\n\
    Application: $APP_NAME ($APP_TYPE)\n\
    Log event: $MSG_ID $MSG_DESCR\n\
    Reaction: $REACT_NAME\n";

/// What only `scs-core` can do, as a wish to it.
fn wish(
    environment: &Environment,
    work: &Work,
    asked: &Asked,
    ticket: Ticket,
) -> Option<(Output, Duration)> {
    let (cause, reason) = (asked.cause, asked.reason.clone());
    let wish = match work.clone() {
        Work::Start(application) => {
            let wait = timeouts(environment, &application).0;
            let output = Output::StartApplicationRequested {
                ticket,
                cause,
                application,
                reason,
            };
            (output, wait)
        }
        Work::ShutDown(application) => {
            let wait = timeouts(environment, &application).1;
            let output = Output::ShutDownApplicationRequested {
                ticket,
                cause,
                application,
                reason,
            };
            (output, wait)
        }
        Work::Restart(application) => {
            let (start, stop) = timeouts(environment, &application);
            let output = Output::RestartApplicationRequested {
                ticket,
                cause,
                application,
                reason,
            };
            (output, start + stop)
        }
        Work::Switchover(pair) => {
            let output = Output::SwitchoverRequested {
                ticket,
                cause,
                pair,
                reason,
            };
            (output, SWITCHOVER_TIMEOUT)
        }
        Work::ChangeOption {
            application,
            section,
            option,
            value,
        } => {
            let output = Output::ChangeOptionRequested {
                ticket,
                cause,
                application,
                section,
                option,
                value,
            };
            (output, OPTION_TIMEOUT)
        }
        Work::Control
        | Work::CommandHere(_)
        | Work::CommandThere(_)
        | Work::Email { .. }
        | Work::Trap
        | Work::Nothing => return None,
    };
    Some(wish)
}

fn timeouts(environment: &Environment, application: &ApplicationName) -> (Duration, Duration) {
    environment.applications.get(application).map_or(
        (Duration::from_secs(90), Duration::from_secs(90)),
        |application| {
            (
                application.start_info.startup_timeout,
                application.start_info.shutdown_timeout,
            )
        },
    )
}

fn trap(environment: &Environment, asked: &Asked) -> Option<Trap> {
    let condition = asked
        .condition
        .as_ref()
        .and_then(|name| environment.alarm_conditions.get(name));
    let application = asked
        .reporting
        .as_ref()
        .and_then(|name| environment.applications.get(name));
    let event = asked.event.as_ref();
    Some(Trap {
        snmp: environment.management_layer.snmp.clone()?,
        alarm: asked.alarm,
        condition: asked.condition.clone(),
        category: condition.map(|condition| condition.category),
        application: asked.reporting.clone(),
        host: event
            .and_then(|event| event.host.clone())
            .or_else(|| application.map(|application| application.host.clone())),
        event: event.map(|event| event.id),
        text: event.map_or_else(|| asked.reason.clone(), |event| event.text.clone()),
    })
}
