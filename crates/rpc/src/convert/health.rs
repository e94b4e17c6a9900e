//! Health checks, how they stand, and hooks.

use super::ConvertError;
use super::fields::{exact, exact_list, micros, prose, required, socket_address, word};
use super::words::Word as _;
use crate::wire;
use crate::wire::health_check::Probe as Kind;
use changeover_model::Timestamp;
use changeover_model::environment::{
    HealthCheck, Hook, HookFailure, HookTime, Probe, SipTransport, StatusRange,
};
use changeover_model::message::CheckState;
use std::time::Duration;

impl From<HealthCheck> for wire::HealthCheck {
    fn from(check: HealthCheck) -> Self {
        Self {
            name: check.name,
            every_us: micros(check.every),
            timeout_us: micros(check.timeout),
            fall: check.fall,
            rise: check.rise,
            probe: Some(to_probe(check.probe)),
        }
    }
}

impl TryFrom<wire::HealthCheck> for HealthCheck {
    type Error = ConvertError;
    fn try_from(check: wire::HealthCheck) -> Result<Self, ConvertError> {
        Ok(Self {
            name: exact("HealthCheck.name", check.name)?,
            every: Duration::from_micros(check.every_us),
            timeout: Duration::from_micros(check.timeout_us),
            fall: check.fall,
            rise: check.rise,
            probe: from_probe(check.probe.ok_or(ConvertError::UnknownKind {
                message: "HealthCheck",
            })?)?,
        })
    }
}

fn to_probe(probe: Probe) -> Kind {
    use wire::health_check as out;
    match probe {
        Probe::Command { command, arguments } => Kind::Command(out::Command { command, arguments }),
        Probe::SipOptions {
            transport,
            address,
            status,
        } => Kind::SipOptions(out::SipOptions {
            tcp: transport == SipTransport::Tcp,
            address: address.to_string(),
            status: Some(status.into()),
        }),
        Probe::Tcp { address } => Kind::Tcp(out::Tcp {
            address: address.to_string(),
        }),
        Probe::Http {
            address,
            host,
            path,
            status,
            body,
        } => Kind::Http(out::Http {
            address: address.to_string(),
            host,
            path,
            status: Some(status.into()),
            body,
        }),
        Probe::Link { interfaces } => Kind::Link(out::Link { interfaces }),
    }
}

fn from_probe(probe: Kind) -> Result<Probe, ConvertError> {
    Ok(match probe {
        Kind::Command(command) => Probe::Command {
            command: exact("HealthCheck.command", command.command)?,
            arguments: exact_list("HealthCheck.arguments", command.arguments)?,
        },
        Kind::SipOptions(sip) => Probe::SipOptions {
            transport: if sip.tcp {
                SipTransport::Tcp
            } else {
                SipTransport::Udp
            },
            address: socket_address("HealthCheck.sip_options", &sip.address)?,
            status: required("HealthCheck.status", sip.status)?,
        },
        Kind::Tcp(tcp) => Probe::Tcp {
            address: socket_address("HealthCheck.tcp", &tcp.address)?,
        },
        Kind::Http(http) => Probe::Http {
            address: socket_address("HealthCheck.http", &http.address)?,
            host: exact("HealthCheck.host", http.host)?,
            path: exact("HealthCheck.path", http.path)?,
            status: required("HealthCheck.status", http.status)?,
            body: http
                .body
                .map(|body| exact("HealthCheck.body", body))
                .transpose()?,
        },
        Kind::Link(link) => Probe::Link {
            interfaces: exact_list("HealthCheck.link", link.interfaces)?,
        },
    })
}

impl From<StatusRange> for wire::StatusRange {
    fn from(range: StatusRange) -> Self {
        Self {
            from: range.from.into(),
            to: range.to.into(),
        }
    }
}

impl TryFrom<wire::StatusRange> for StatusRange {
    type Error = ConvertError;
    fn try_from(range: wire::StatusRange) -> Result<Self, ConvertError> {
        Ok(Self {
            from: u16::try_from(range.from).unwrap_or(u16::MAX),
            to: u16::try_from(range.to).unwrap_or(u16::MAX),
        })
    }
}

impl From<Hook> for wire::Hook {
    fn from(hook: Hook) -> Self {
        Self {
            command: hook.command,
            arguments: hook.arguments,
            timeout_us: micros(hook.timeout),
            before: hook.when == HookTime::Before,
            roll_back: hook.on_failure == HookFailure::RollBack,
        }
    }
}

impl TryFrom<wire::Hook> for Hook {
    type Error = ConvertError;
    fn try_from(hook: wire::Hook) -> Result<Self, ConvertError> {
        Ok(Self {
            command: exact("Hook.command", hook.command)?,
            arguments: exact_list("Hook.arguments", hook.arguments)?,
            timeout: Duration::from_micros(hook.timeout_us),
            when: if hook.before {
                HookTime::Before
            } else {
                HookTime::After
            },
            on_failure: if hook.roll_back {
                HookFailure::RollBack
            } else {
                HookFailure::Alarm
            },
        })
    }
}

impl From<CheckState> for wire::CheckState {
    fn from(check: CheckState) -> Self {
        Self {
            name: check.name,
            standing: check.standing.to_wire(),
            said: check.said,
            in_a_row: check.in_a_row,
            failed_lately: check.failed_lately,
            runs_lately: check.runs_lately,
            since_us: check.since.0,
        }
    }
}

impl TryFrom<wire::CheckState> for CheckState {
    type Error = ConvertError;
    fn try_from(check: wire::CheckState) -> Result<Self, ConvertError> {
        Ok(Self {
            name: exact("CheckState.name", check.name)?,
            standing: word("CheckState.standing", check.standing)?,
            said: prose(check.said),
            in_a_row: check.in_a_row,
            failed_lately: check.failed_lately,
            runs_lately: check.runs_lately,
            since: Timestamp(check.since_us),
        })
    }
}
