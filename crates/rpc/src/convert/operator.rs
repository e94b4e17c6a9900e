//! What operators order and what comes back. An order goes to one of two services of the SCS: a Test and a
//! realignment to the reaction engine, everything else to the SCS itself; [`operator_call`] says which.

use super::ConvertError;
use super::fields::{
    LONGEST_LIST, event_text, exact, exact_list, list, micros, name, names, optional_name,
    optional_word, prose, required, to_list, to_text, to_texts,
};
use super::words::to_optional;
use crate::wire;
use crate::wire::{operator_answer, operator_command, run_request, timeline_request};
use changeover_model::message::{
    MaintenanceTarget, OperatorAnswer, OperatorCommand, PredictedRun, PredictedVip, Prediction,
    SwitchoverRequest,
};
use changeover_model::{AlarmId, CauseId, LogEventId, Refusal};
use std::time::Duration;

/// The call that carries an order.
#[derive(Clone, Debug, PartialEq)]
pub enum OperatorCall {
    /// `SolutionControlServer.Command`.
    Command(wire::OperatorCommand),
    /// `ReactionEngine.Run`.
    Run(wire::RunRequest),
}

/// The call for an order of `operator` (`user@machine`; a certificate's name goes before it).
#[must_use]
pub fn operator_call(operator: &str, command: OperatorCommand) -> OperatorCall {
    use operator_command as out;
    use operator_command::Command;
    let command = match command {
        OperatorCommand::TestAlarm {
            condition,
            application,
            dry_run,
            confirmed,
        } => {
            let what = run_request::What::TestAlarm(run_request::TestAlarm {
                condition: condition.to_string(),
                application: to_text(&application),
            });
            return run(operator, what, dry_run, confirmed);
        }
        OperatorCommand::Realign { pair } => {
            let realign = run_request::Realign { pair };
            return run(operator, run_request::What::Realign(realign), false, false);
        }
        OperatorCommand::Switchover(request) => switchover(request),
        OperatorCommand::Start { application } => Command::Start(out::Start {
            application: application.to_string(),
        }),
        OperatorCommand::Stop {
            application,
            no_handover,
        } => Command::Stop(out::Stop {
            application: application.to_string(),
            no_handover,
        }),
        OperatorCommand::Restart {
            application,
            no_handover,
        } => Command::Restart(out::Restart {
            application: application.to_string(),
            no_handover,
        }),
        OperatorCommand::ClearAlarm { alarm } => {
            Command::ClearAlarm(out::ClearAlarm { alarm: alarm.0 })
        }
        OperatorCommand::SetMaintenance {
            target: MaintenanceTarget::Named(target),
            on,
            duration,
            confirmed,
        } => Command::SetMaintenance(out::SetMaintenance {
            target,
            on,
            duration_us: duration.map(micros),
            confirmed,
        }),
        OperatorCommand::ConfirmLost { hosts } => Command::ConfirmLost(out::ConfirmLost {
            hosts: to_texts(&hosts),
        }),
        OperatorCommand::LogEvent {
            id,
            application,
            text,
            confirmed,
        } => Command::LogEvent(out::LogEventRequested {
            id: id.0,
            application: application.to_string(),
            text,
            confirmed,
        }),
    };
    OperatorCall::Command(wire::OperatorCommand {
        operator: operator.to_owned(),
        command: Some(command),
    })
}

fn switchover(request: SwitchoverRequest) -> operator_command::Command {
    operator_command::Command::Switchover(operator_command::Switchover {
        pair: request.pair,
        to: request.to,
        reason: request.reason,
        dry_run: request.dry_run,
        force: request.force,
    })
}

fn run(operator: &str, what: run_request::What, dry_run: bool, confirmed: bool) -> OperatorCall {
    OperatorCall::Run(wire::RunRequest {
        operator: operator.to_owned(),
        what: Some(what),
        dry_run,
        confirmed,
    })
}

/// The order that a `Command` call carries, and who the caller says asks.
///
/// # Errors
/// When a field is missing or unusable, or the order is of a newer release.
pub fn command_of(call: wire::OperatorCommand) -> Result<(String, OperatorCommand), ConvertError> {
    use operator_command::Command;
    let command = call.command.ok_or(ConvertError::UnknownKind {
        message: "OperatorCommand",
    })?;
    let command = match command {
        Command::Switchover(request) => OperatorCommand::Switchover(SwitchoverRequest {
            pair: name("Switchover.pair", request.pair)?,
            to: optional_name("Switchover.to", request.to)?,
            reason: prose(request.reason),
            dry_run: request.dry_run,
            force: request.force,
        }),
        Command::Start(start) => OperatorCommand::Start {
            application: name("Start.application", start.application)?,
        },
        Command::Stop(stop) => OperatorCommand::Stop {
            application: name("Stop.application", stop.application)?,
            no_handover: stop.no_handover,
        },
        Command::Restart(restart) => OperatorCommand::Restart {
            application: name("Restart.application", restart.application)?,
            no_handover: restart.no_handover,
        },
        Command::ClearAlarm(clear) => OperatorCommand::ClearAlarm {
            alarm: AlarmId(clear.alarm),
        },
        Command::SetMaintenance(set) => OperatorCommand::SetMaintenance {
            target: MaintenanceTarget::Named(name("SetMaintenance.target", set.target)?),
            on: set.on,
            duration: set.duration_us.map(Duration::from_micros),
            confirmed: set.confirmed,
        },
        Command::ConfirmLost(confirm) => OperatorCommand::ConfirmLost {
            hosts: names("ConfirmLost.hosts", confirm.hosts)?,
        },
        Command::LogEvent(event) => OperatorCommand::LogEvent {
            id: LogEventId(event.id),
            application: name("LogEventRequested.application", event.application)?,
            text: event_text(event.text),
            confirmed: event.confirmed,
        },
    };
    Ok((prose(call.operator), command))
}

/// The order that a `Run` call carries, and who the caller says asks.
///
/// # Errors
/// When a field is missing or unusable, or the order is of a newer release.
pub fn command_of_run(call: wire::RunRequest) -> Result<(String, OperatorCommand), ConvertError> {
    let what = call.what.ok_or(ConvertError::UnknownKind {
        message: "RunRequest",
    })?;
    let command = match what {
        run_request::What::TestAlarm(test) => OperatorCommand::TestAlarm {
            condition: name("TestAlarm.condition", test.condition)?,
            application: optional_name("TestAlarm.application", test.application)?,
            dry_run: call.dry_run,
            confirmed: call.confirmed,
        },
        run_request::What::Realign(_) if call.dry_run => {
            return Err(ConvertError::unreadable(
                "RunRequest.dry_run",
                "true",
                "setting of a realignment (only a Test can be predicted)",
            ));
        }
        run_request::What::Realign(realign) => OperatorCommand::Realign {
            pair: name("Realign.pair", realign.pair)?,
        },
    };
    Ok((prose(call.operator), command))
}

/// Which timeline records are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimelineSelection {
    /// All.
    All,
    /// The record of this number.
    Record(CauseId),
    /// The last record of all.
    Last,
    /// Those of a pair: its name, either application, or its VIP.
    Pair(String),
}

impl TimelineSelection {
    /// The request, for at most `limit` records, the newest ones; 0 = 100.
    #[must_use]
    pub fn request(self, limit: u32) -> wire::TimelineRequest {
        use timeline_request::{Last, Which};
        wire::TimelineRequest {
            which: match self {
                Self::All => None,
                Self::Record(id) => Some(Which::Id(id.0)),
                Self::Last => Some(Which::Last(Last {})),
                Self::Pair(pair) => Some(Which::Pair(pair)),
            },
            limit,
        }
    }

    /// What a request asks for, and how many records at most.
    ///
    /// # Errors
    /// When the pair's name is unusable.
    pub fn of(request: wire::TimelineRequest) -> Result<(Self, usize), ConvertError> {
        use timeline_request::Which;
        let selection = match request.which {
            None => Self::All,
            Some(Which::Id(id)) => Self::Record(CauseId(id)),
            Some(Which::Last(_)) => Self::Last,
            Some(Which::Pair(pair)) => Self::Pair(name("TimelineRequest.pair", pair)?),
        };
        let limit = match request.limit {
            0 => 100,
            limit => usize::try_from(limit)
                .unwrap_or(LONGEST_LIST)
                .min(LONGEST_LIST),
        };
        Ok((selection, limit))
    }
}

impl From<OperatorAnswer> for wire::OperatorAnswer {
    fn from(answer: OperatorAnswer) -> Self {
        use operator_answer::{Answer, Done, Progress, Refused};
        let answer = match answer {
            OperatorAnswer::Progress { record, entry } => Answer::Progress(Progress {
                record: record.0,
                entry: Some(entry.into()),
            }),
            OperatorAnswer::Finished(record) => Answer::Finished((*record).into()),
            OperatorAnswer::Done { message, record } => Answer::Done(Done {
                message,
                record: record.map(|record| record.0),
            }),
            OperatorAnswer::Predicted(prediction) => Answer::Predicted(prediction.into()),
            OperatorAnswer::Refused(reasons) => Answer::Refused(Refused {
                reasons: to_list(reasons),
            }),
        };
        Self {
            answer: Some(answer),
        }
    }
}

impl TryFrom<wire::OperatorAnswer> for OperatorAnswer {
    type Error = ConvertError;
    fn try_from(answer: wire::OperatorAnswer) -> Result<Self, ConvertError> {
        use operator_answer::Answer;
        let answer = answer.answer.ok_or(ConvertError::UnknownKind {
            message: "OperatorAnswer",
        })?;
        Ok(match answer {
            Answer::Progress(progress) => Self::Progress {
                record: CauseId(progress.record),
                entry: required("Progress.entry", progress.entry)?,
            },
            Answer::Finished(record) => Self::Finished(Box::new(record.try_into()?)),
            Answer::Done(done) => Self::Done {
                message: prose(done.message),
                record: done.record.map(CauseId),
            },
            Answer::Predicted(prediction) => Self::Predicted(prediction.try_into()?),
            Answer::Refused(refused) => {
                let reasons: Vec<Refusal> = list("Refused.reasons", refused.reasons)?;
                Self::Refused(reasons)
            }
        })
    }
}

impl From<Prediction> for wire::Prediction {
    fn from(prediction: Prediction) -> Self {
        Self {
            runs: to_list(prediction.runs),
            virtual_ips: to_list(prediction.virtual_ips),
            warnings: prediction.warnings,
        }
    }
}

impl TryFrom<wire::Prediction> for Prediction {
    type Error = ConvertError;
    fn try_from(prediction: wire::Prediction) -> Result<Self, ConvertError> {
        Ok(Self {
            runs: list("Prediction.runs", prediction.runs)?,
            virtual_ips: list("Prediction.virtual_ips", prediction.virtual_ips)?,
            warnings: exact_list("Prediction.warnings", prediction.warnings)?,
        })
    }
}

impl From<PredictedRun> for wire::PredictedRun {
    fn from(run: PredictedRun) -> Self {
        Self {
            script: to_text(&run.script),
            application: to_text(&run.application),
            host: to_text(&run.host),
            action: to_optional(run.action),
            detail: run.detail,
        }
    }
}

impl TryFrom<wire::PredictedRun> for PredictedRun {
    type Error = ConvertError;
    fn try_from(run: wire::PredictedRun) -> Result<Self, ConvertError> {
        Ok(Self {
            script: optional_name("PredictedRun.script", run.script)?,
            application: optional_name("PredictedRun.application", run.application)?,
            host: optional_name("PredictedRun.host", run.host)?,
            action: optional_word("PredictedRun.action", run.action)?,
            detail: prose(run.detail),
        })
    }
}

impl From<PredictedVip> for wire::PredictedVip {
    fn from(vip: PredictedVip) -> Self {
        Self {
            address: vip.address,
            holders: to_texts(&vip.holders),
            intended: to_text(&vip.intended),
        }
    }
}

impl TryFrom<wire::PredictedVip> for PredictedVip {
    type Error = ConvertError;
    fn try_from(vip: wire::PredictedVip) -> Result<Self, ConvertError> {
        Ok(Self {
            address: exact("PredictedVip.address", vip.address)?,
            holders: names("PredictedVip.holders", vip.holders)?,
            intended: optional_name("PredictedVip.intended", vip.intended)?,
        })
    }
}
