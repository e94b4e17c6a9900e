//! From an LCA to the SCS: its state, and what became of orders.

use super::ConvertError;
use super::fields::{
    address, exact, list, micros, name, optional, prose, required, tail, to_list, word,
};
use super::observation::epochs;
use super::words::Word as _;
use crate::wire;
use crate::wire::from_lca;
use changeover_model::message::{
    ApplicationState, CommandOutcome, ExitStatus, FromLca, LcaReport, LcaState, OrderOutcome,
    ScriptOutcome,
};
use changeover_model::{CauseId, Epoch, Incarnation, Revision, Timestamp};
use std::time::Duration;

impl From<FromLca> for wire::FromLca {
    fn from(message: FromLca) -> Self {
        Self {
            sent_at_us: message.sent_at.0,
            cause: message.cause.map(|cause| cause.0),
            report: Some(to_report(message.body)),
        }
    }
}

impl TryFrom<wire::FromLca> for FromLca {
    type Error = ConvertError;
    fn try_from(message: wire::FromLca) -> Result<Self, ConvertError> {
        let report = message
            .report
            .ok_or(ConvertError::UnknownKind { message: "FromLca" })?;
        Ok(Self {
            sent_at: Timestamp(message.sent_at_us),
            cause: message.cause.map(CauseId),
            body: from_report(report)?,
        })
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind of message")]
fn to_report(report: LcaReport) -> from_lca::Report {
    use from_lca::Report;
    match report {
        LcaReport::Hello(state) => Report::Hello(state.into()),
        LcaReport::BeatAnswered { sequence } => {
            Report::BeatAnswered(from_lca::BeatAnswered { sequence })
        }
        LcaReport::Configured { revision } => Report::Configured(from_lca::Configured {
            revision: revision.0,
        }),
        LcaReport::ApplicationChanged(state) => Report::ApplicationChanged(state.into()),
        LcaReport::OrderAnswered { key, outcome } => {
            Report::OrderAnswered(from_lca::OrderAnswered {
                key: Some(key.into()),
                outcome: Some(outcome.into()),
            })
        }
        LcaReport::ControlScriptFinished { key, outcome } => {
            Report::ControlScriptFinished(from_lca::ControlScriptFinished {
                key: Some(key.into()),
                outcome: Some(outcome.into()),
            })
        }
        LcaReport::AddressesObserved(addresses) => {
            Report::AddressesObserved(from_lca::AddressesObserved {
                addresses: to_list(addresses),
            })
        }
        LcaReport::CommandFinished { key, outcome } => {
            Report::CommandFinished(from_lca::CommandFinished {
                key: Some(key.into()),
                outcome: Some(outcome.into()),
            })
        }
        LcaReport::RivalSighted {
            pair,
            address,
            interface,
            mac,
        } => Report::RivalSighted(from_lca::RivalSighted {
            pair: pair.to_string(),
            address: address.to_string(),
            interface,
            mac,
        }),
        LcaReport::HostStopping => Report::HostStopping(from_lca::HostStopping {}),
        LcaReport::Voted {
            pair,
            epoch,
            released,
            quiet,
        } => Report::Voted(from_lca::Voted {
            pair: pair.to_string(),
            epoch: epoch.0,
            released,
            quiet_us: quiet.map(micros),
        }),
        LcaReport::VoteRefused {
            pair,
            epoch,
            refusal,
        } => Report::VoteRefused(from_lca::VoteRefused {
            pair: pair.to_string(),
            epoch: epoch.0,
            refusal: Some(refusal.into()),
        }),
        LcaReport::SoleMarked { mark, sole } => Report::SoleMarked(from_lca::SoleMarked {
            mark: Some(mark.into()),
            sole,
        }),
        LcaReport::Fenced {
            pair,
            epoch,
            reason,
        } => Report::Fenced(from_lca::Fenced {
            pair: pair.to_string(),
            epoch: epoch.0,
            reason,
        }),
    }
}

fn from_report(report: from_lca::Report) -> Result<LcaReport, ConvertError> {
    use from_lca::Report;
    Ok(match report {
        Report::Hello(state) => LcaReport::Hello(state.try_into()?),
        Report::BeatAnswered(answered) => LcaReport::BeatAnswered {
            sequence: answered.sequence,
        },
        Report::Configured(configured) => LcaReport::Configured {
            revision: Revision(configured.revision),
        },
        Report::ApplicationChanged(state) => LcaReport::ApplicationChanged(state.try_into()?),
        Report::OrderAnswered(answered) => LcaReport::OrderAnswered {
            key: required("OrderAnswered.key", answered.key)?,
            outcome: required("OrderAnswered.outcome", answered.outcome)?,
        },
        Report::ControlScriptFinished(finished) => LcaReport::ControlScriptFinished {
            key: required("ControlScriptFinished.key", finished.key)?,
            outcome: required("ControlScriptFinished.outcome", finished.outcome)?,
        },
        Report::AddressesObserved(observed) => {
            LcaReport::AddressesObserved(list("AddressesObserved.addresses", observed.addresses)?)
        }
        Report::CommandFinished(finished) => LcaReport::CommandFinished {
            key: required("CommandFinished.key", finished.key)?,
            outcome: required("CommandFinished.outcome", finished.outcome)?,
        },
        Report::RivalSighted(rival) => LcaReport::RivalSighted {
            pair: name("RivalSighted.pair", rival.pair)?,
            address: address("RivalSighted.address", &rival.address)?,
            interface: exact("RivalSighted.interface", rival.interface)?,
            mac: exact("RivalSighted.mac", rival.mac)?,
        },
        Report::HostStopping(_) => LcaReport::HostStopping,
        Report::Voted(voted) => LcaReport::Voted {
            pair: name("Voted.pair", voted.pair)?,
            epoch: Epoch(voted.epoch),
            released: voted.released,
            quiet: voted.quiet_us.map(Duration::from_micros),
        },
        Report::VoteRefused(refused) => LcaReport::VoteRefused {
            pair: name("VoteRefused.pair", refused.pair)?,
            epoch: Epoch(refused.epoch),
            refusal: required("VoteRefused.refusal", refused.refusal)?,
        },
        Report::SoleMarked(marked) => LcaReport::SoleMarked {
            mark: required("SoleMarked.mark", marked.mark)?,
            sole: marked.sole,
        },
        Report::Fenced(fenced) => LcaReport::Fenced {
            pair: name("Fenced.pair", fenced.pair)?,
            epoch: Epoch(fenced.epoch),
            reason: prose(fenced.reason),
        },
    })
}

impl From<LcaState> for wire::LcaState {
    fn from(state: LcaState) -> Self {
        Self {
            host: state.host.to_string(),
            version: state.version,
            boot: state.boot,
            session: state.session,
            revision: state.revision.0,
            applications: to_list(state.applications),
            epochs: to_list(state.epochs),
            addresses: to_list(state.addresses),
            scripts: to_list(state.scripts),
            soles: to_list(state.soles),
        }
    }
}

impl TryFrom<wire::LcaState> for LcaState {
    type Error = ConvertError;
    fn try_from(state: wire::LcaState) -> Result<Self, ConvertError> {
        Ok(Self {
            host: name("LcaState.host", state.host)?,
            version: exact("LcaState.version", state.version)?,
            boot: exact("LcaState.boot", state.boot)?,
            session: state.session,
            revision: Revision(state.revision),
            applications: list("LcaState.applications", state.applications)?,
            epochs: epochs("LcaState.epochs", state.epochs)?,
            addresses: list("LcaState.addresses", state.addresses)?,
            scripts: list("LcaState.scripts", state.scripts)?,
            soles: list("LcaState.soles", state.soles)?,
        })
    }
}

impl From<ApplicationState> for wire::ApplicationState {
    fn from(state: ApplicationState) -> Self {
        Self {
            application: state.application.to_string(),
            status: state.status.to_wire(),
            run_mode: state.run_mode.to_wire(),
            incarnation: state.incarnation.0,
            epoch: state.epoch.0,
            pid: state.pid,
            since_us: state.since.0,
            reason: state.reason,
            in_step: state.in_step,
            hung: state.hung,
            stopped_as_asked: state.stopped_as_asked,
            last_exit: state.last_exit.map(Into::into),
            last_output: state.last_output,
            health: to_list(state.health),
        }
    }
}

impl TryFrom<wire::ApplicationState> for ApplicationState {
    type Error = ConvertError;
    fn try_from(state: wire::ApplicationState) -> Result<Self, ConvertError> {
        Ok(Self {
            application: name("ApplicationState.application", state.application)?,
            status: word("ApplicationState.status", state.status)?,
            run_mode: word("ApplicationState.run_mode", state.run_mode)?,
            incarnation: Incarnation(state.incarnation),
            epoch: Epoch(state.epoch),
            pid: state.pid,
            since: Timestamp(state.since_us),
            reason: prose(state.reason),
            in_step: state.in_step,
            hung: state.hung,
            stopped_as_asked: state.stopped_as_asked,
            last_exit: optional(state.last_exit)?,
            last_output: tail(state.last_output),
            health: list("ApplicationState.health", state.health)?,
        })
    }
}

impl From<ExitStatus> for wire::ExitStatus {
    fn from(exit: ExitStatus) -> Self {
        use wire::exit_status::{NotKnown, Status};
        Self {
            status: Some(match exit {
                ExitStatus::Code(code) => Status::Code(code),
                ExitStatus::Signal(signal) => Status::Signal(signal),
                ExitStatus::Unknown => Status::NotKnown(NotKnown {}),
            }),
        }
    }
}

impl TryFrom<wire::ExitStatus> for ExitStatus {
    type Error = ConvertError;
    /// An unset or newer kind is `Unknown`.
    fn try_from(exit: wire::ExitStatus) -> Result<Self, ConvertError> {
        use wire::exit_status::Status;
        Ok(match exit.status {
            Some(Status::Code(code)) => Self::Code(code),
            Some(Status::Signal(signal)) => Self::Signal(signal),
            Some(Status::NotKnown(_)) | None => Self::Unknown,
        })
    }
}

impl From<OrderOutcome> for wire::OrderOutcome {
    fn from(outcome: OrderOutcome) -> Self {
        use wire::order_outcome::{Done, Failed, Outcome};
        Self {
            outcome: Some(match outcome {
                OrderOutcome::Done { incarnation } => Outcome::Done(Done {
                    incarnation: incarnation.0,
                }),
                OrderOutcome::Refused(refusal) => Outcome::Refused(refusal.into()),
                OrderOutcome::Failed { reason } => Outcome::Failed(Failed { reason }),
            }),
        }
    }
}

impl TryFrom<wire::OrderOutcome> for OrderOutcome {
    type Error = ConvertError;
    fn try_from(outcome: wire::OrderOutcome) -> Result<Self, ConvertError> {
        use wire::order_outcome::Outcome;
        let outcome = outcome.outcome.ok_or(ConvertError::UnknownKind {
            message: "OrderOutcome",
        })?;
        Ok(match outcome {
            Outcome::Done(done) => Self::Done {
                incarnation: Incarnation(done.incarnation),
            },
            Outcome::Refused(refusal) => Self::Refused(refusal.try_into()?),
            Outcome::Failed(failed) => Self::Failed {
                reason: prose(failed.reason),
            },
        })
    }
}

impl From<ScriptOutcome> for wire::ScriptOutcome {
    fn from(outcome: ScriptOutcome) -> Self {
        Self {
            result: outcome.result.to_wire(),
            exit: outcome.exit.map(Into::into),
            duration_us: micros(outcome.duration),
            observed: outcome.observed,
            output: outcome.output,
        }
    }
}

impl TryFrom<wire::ScriptOutcome> for ScriptOutcome {
    type Error = ConvertError;
    fn try_from(outcome: wire::ScriptOutcome) -> Result<Self, ConvertError> {
        Ok(Self {
            result: word("ScriptOutcome.result", outcome.result)?,
            exit: optional(outcome.exit)?,
            duration: Duration::from_micros(outcome.duration_us),
            observed: prose(outcome.observed),
            output: tail(outcome.output),
        })
    }
}

impl From<CommandOutcome> for wire::CommandOutcome {
    fn from(outcome: CommandOutcome) -> Self {
        Self {
            exit: outcome.exit.map(Into::into),
            succeeded: outcome.succeeded,
            output: outcome.output,
        }
    }
}

impl TryFrom<wire::CommandOutcome> for CommandOutcome {
    type Error = ConvertError;
    fn try_from(outcome: wire::CommandOutcome) -> Result<Self, ConvertError> {
        Ok(Self {
            exit: optional(outcome.exit)?,
            succeeded: outcome.succeeded,
            output: tail(outcome.output),
        })
    }
}
