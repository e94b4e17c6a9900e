//! The link between the SCS and the Message Server: conditions one way, detections the other.

use super::ConvertError;
use super::fields::{exact, list, name, required, to_list, word};
use super::log_delivery::source;
use super::words::Word as _;
use crate::wire;
use crate::wire::{from_message_server, to_message_server};
use changeover_model::message::{AlarmDetected, AlarmMatch, FromMessageServer, ToMessageServer};
use changeover_model::{Revision, Timestamp};

impl From<ToMessageServer> for wire::ToMessageServer {
    fn from(message: ToMessageServer) -> Self {
        use to_message_server::{AlarmAcknowledged, Body, Hello};
        let body = match message {
            ToMessageServer::Hello { version, session } => Body::Hello(Hello { version, session }),
            ToMessageServer::Configure(slice) => Body::Configure(slice.into()),
            ToMessageServer::AlarmAcknowledged { source, sequence } => {
                Body::AlarmAcknowledged(AlarmAcknowledged {
                    source: source.to_string(),
                    sequence,
                })
            }
        };
        Self { body: Some(body) }
    }
}

impl TryFrom<wire::ToMessageServer> for ToMessageServer {
    type Error = ConvertError;
    fn try_from(message: wire::ToMessageServer) -> Result<Self, ConvertError> {
        use to_message_server::Body;
        let body = message.body.ok_or(ConvertError::UnknownKind {
            message: "ToMessageServer",
        })?;
        Ok(match body {
            Body::Hello(hello) => Self::Hello {
                version: exact("ToMessageServer.Hello.version", hello.version)?,
                session: hello.session,
            },
            Body::Configure(slice) => Self::Configure(slice.try_into()?),
            Body::AlarmAcknowledged(acknowledged) => Self::AlarmAcknowledged {
                source: source("AlarmAcknowledged.source", acknowledged.source)?,
                sequence: acknowledged.sequence,
            },
        })
    }
}

impl From<FromMessageServer> for wire::FromMessageServer {
    fn from(message: FromMessageServer) -> Self {
        use from_message_server::{Body, Hello};
        let body = match message {
            FromMessageServer::Hello { version, revision } => Body::Hello(Hello {
                version,
                revision: revision.0,
            }),
            FromMessageServer::AlarmDetected(detected) => Body::AlarmDetected(detected.into()),
        };
        Self { body: Some(body) }
    }
}

impl TryFrom<wire::FromMessageServer> for FromMessageServer {
    type Error = ConvertError;
    fn try_from(message: wire::FromMessageServer) -> Result<Self, ConvertError> {
        use from_message_server::Body;
        let body = message.body.ok_or(ConvertError::UnknownKind {
            message: "FromMessageServer",
        })?;
        Ok(match body {
            Body::Hello(hello) => Self::Hello {
                version: exact("FromMessageServer.Hello.version", hello.version)?,
                revision: Revision(hello.revision),
            },
            Body::AlarmDetected(detected) => Self::AlarmDetected(detected.try_into()?),
        })
    }
}

impl From<AlarmDetected> for wire::AlarmDetected {
    fn from(detected: AlarmDetected) -> Self {
        Self {
            event: Some(detected.event.into()),
            matches: to_list(detected.matches),
            matched_at_us: detected.matched_at.0,
        }
    }
}

impl TryFrom<wire::AlarmDetected> for AlarmDetected {
    type Error = ConvertError;
    fn try_from(detected: wire::AlarmDetected) -> Result<Self, ConvertError> {
        let field = "AlarmDetected.matches";
        if detected.matches.is_empty() {
            return Err(ConvertError::Missing { field });
        }
        Ok(Self {
            event: required("AlarmDetected.event", detected.event)?,
            matches: list(field, detected.matches)?,
            matched_at: Timestamp(detected.matched_at_us),
        })
    }
}

impl From<AlarmMatch> for wire::AlarmMatch {
    fn from(found: AlarmMatch) -> Self {
        Self {
            condition: found.condition.to_string(),
            role: found.role.to_wire(),
        }
    }
}

impl TryFrom<wire::AlarmMatch> for AlarmMatch {
    type Error = ConvertError;
    fn try_from(found: wire::AlarmMatch) -> Result<Self, ConvertError> {
        Ok(Self {
            condition: name("AlarmMatch.condition", found.condition)?,
            role: word("AlarmMatch.role", found.role)?,
        })
    }
}
