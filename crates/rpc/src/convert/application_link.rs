//! The link between an LCA and a managed application.

use super::ConvertError;
use super::environment::{optional_port, options, to_options};
use super::fields::{
    address, exact, micros, name, optional_name, optional_word, prose, socket_address, to_text,
    word,
};
use super::words::{Word as _, to_optional};
use crate::wire;
use crate::wire::{from_application, to_application};
use changeover_model::message::{FromApplication, Registered, ToApplication};
use changeover_model::{CauseId, Epoch, Incarnation, OrderNumber};
use std::time::Duration;

impl From<FromApplication> for wire::FromApplication {
    fn from(message: FromApplication) -> Self {
        use from_application as out;
        use from_application::Body;
        let body = match message {
            FromApplication::Register {
                application,
                token,
                version,
                run_mode,
                epoch,
                status,
            } => Body::Register(out::Register {
                application: application.to_string(),
                token,
                version,
                run_mode: run_mode.to_wire(),
                epoch: epoch.0,
                status: status.to_wire(),
            }),
            FromApplication::StatusReported {
                status,
                reason,
                in_step,
            } => Body::StatusReported(out::StatusReported {
                status: status.to_wire(),
                reason,
                in_step,
            }),
            FromApplication::RunModeAcknowledged {
                number,
                run_mode,
                epoch,
            } => Body::RunModeAcknowledged(out::RunModeAcknowledged {
                number: number.0,
                run_mode: run_mode.to_wire(),
                epoch: epoch.0,
            }),
            FromApplication::RunModeRefused { number, reason } => {
                Body::RunModeRefused(out::RunModeRefused {
                    number: number.0,
                    reason,
                })
            }
            FromApplication::HeartbeatAnswered { sequence } => {
                Body::HeartbeatAnswered(out::HeartbeatAnswered { sequence })
            }
        };
        Self { body: Some(body) }
    }
}

impl TryFrom<wire::FromApplication> for FromApplication {
    type Error = ConvertError;
    fn try_from(message: wire::FromApplication) -> Result<Self, ConvertError> {
        use from_application::Body;
        let body = message.body.ok_or(ConvertError::UnknownKind {
            message: "FromApplication",
        })?;
        Ok(match body {
            Body::Register(register) => Self::Register {
                application: name("Register.application", register.application)?,
                token: exact("Register.token", register.token)?,
                version: exact("Register.version", register.version)?,
                run_mode: word("Register.run_mode", register.run_mode)?,
                epoch: Epoch(register.epoch),
                status: word("Register.status", register.status)?,
            },
            Body::StatusReported(reported) => Self::StatusReported {
                status: word("StatusReported.status", reported.status)?,
                reason: prose(reported.reason),
                in_step: reported.in_step,
            },
            Body::RunModeAcknowledged(acknowledged) => Self::RunModeAcknowledged {
                number: OrderNumber(acknowledged.number),
                run_mode: word("RunModeAcknowledged.run_mode", acknowledged.run_mode)?,
                epoch: Epoch(acknowledged.epoch),
            },
            Body::RunModeRefused(refused) => Self::RunModeRefused {
                number: OrderNumber(refused.number),
                reason: prose(refused.reason),
            },
            Body::HeartbeatAnswered(answered) => Self::HeartbeatAnswered {
                sequence: answered.sequence,
            },
        })
    }
}

impl From<ToApplication> for wire::ToApplication {
    fn from(message: ToApplication) -> Self {
        use to_application as out;
        use to_application::Body;
        let body = match message {
            ToApplication::Registered(registered) => Body::Registered(registered.into()),
            ToApplication::RegistrationRefused(refusal) => {
                Body::RegistrationRefused(refusal.into())
            }
            ToApplication::SetRunMode {
                number,
                epoch,
                run_mode,
                cause,
            } => Body::SetRunMode(out::SetRunMode {
                number: number.0,
                epoch: epoch.0,
                run_mode: run_mode.to_wire(),
                cause: cause.map(|cause| cause.0),
            }),
            ToApplication::OptionChanged {
                section,
                option,
                value,
            } => Body::OptionChanged(out::OptionChanged {
                section,
                option,
                value,
            }),
            ToApplication::Heartbeat { sequence } => Body::Heartbeat(out::Heartbeat { sequence }),
        };
        Self { body: Some(body) }
    }
}

impl TryFrom<wire::ToApplication> for ToApplication {
    type Error = ConvertError;
    fn try_from(message: wire::ToApplication) -> Result<Self, ConvertError> {
        use to_application::Body;
        let body = message.body.ok_or(ConvertError::UnknownKind {
            message: "ToApplication",
        })?;
        Ok(match body {
            Body::Registered(registered) => Self::Registered(registered.try_into()?),
            Body::RegistrationRefused(refusal) => Self::RegistrationRefused(refusal.try_into()?),
            Body::SetRunMode(set) => Self::SetRunMode {
                number: OrderNumber(set.number),
                epoch: Epoch(set.epoch),
                run_mode: word("ToApplication.SetRunMode.run_mode", set.run_mode)?,
                cause: set.cause.map(CauseId),
            },
            Body::OptionChanged(changed) => Self::OptionChanged {
                section: exact("OptionChanged.section", changed.section)?,
                option: exact("OptionChanged.option", changed.option)?,
                value: exact("OptionChanged.value", changed.value)?,
            },
            Body::Heartbeat(heartbeat) => Self::Heartbeat {
                sequence: heartbeat.sequence,
            },
        })
    }
}

impl From<Registered> for wire::Registered {
    fn from(registered: Registered) -> Self {
        Self {
            host: registered.host.to_string(),
            pair: to_text(&registered.pair),
            redundancy: to_optional(registered.redundancy),
            options: to_options(registered.options),
            default_port: registered.default_port.map(Into::into),
            ha_sync_port: registered.ha_sync_port.map(Into::into),
            host_address: registered.host_address.to_string(),
            peer_address: to_text(&registered.peer_address),
            message_server: registered.message_server.to_string(),
            incarnation: registered.incarnation.0,
            epoch: registered.epoch.0,
            run_mode: registered.run_mode.to_wire(),
            number: registered.number.0,
            cause: registered.cause.map(|cause| cause.0),
            demote_after_us: registered.demote_after.map(micros),
        }
    }
}

impl TryFrom<wire::Registered> for Registered {
    type Error = ConvertError;
    fn try_from(registered: wire::Registered) -> Result<Self, ConvertError> {
        Ok(Self {
            host: name("Registered.host", registered.host)?,
            pair: optional_name("Registered.pair", registered.pair)?,
            redundancy: optional_word("Registered.redundancy", registered.redundancy)?,
            options: options("Registered.options", registered.options)?,
            default_port: optional_port("Registered.default_port", registered.default_port)?,
            ha_sync_port: optional_port("Registered.ha_sync_port", registered.ha_sync_port)?,
            host_address: address("Registered.host_address", &registered.host_address)?,
            peer_address: registered
                .peer_address
                .map(|text| address("Registered.peer_address", &text))
                .transpose()?,
            message_server: socket_address(
                "Registered.message_server",
                &registered.message_server,
            )?,
            incarnation: Incarnation(registered.incarnation),
            epoch: Epoch(registered.epoch),
            run_mode: word("Registered.run_mode", registered.run_mode)?,
            number: OrderNumber(registered.number),
            cause: registered.cause.map(CauseId),
            demote_after: registered.demote_after_us.map(Duration::from_micros),
        })
    }
}
