//! Log events on their way to the Message Server: sent in batches, kept by the sender until acknowledged,
//! sent again after a reconnect. A duplicate is recognised by source and sequence.

use crate::{ApplicationName, CauseId, Epoch, HostName, LogEventId, LogLevel, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// One life of one sender: application name and a unique part, `SIP_SERVER_PRIMARY/6f1c…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(pub Arc<str>);

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who made an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LogOrigin {
    /// The application itself.
    Application,
    /// The SCS on the application's (or a host's) behalf.
    Scs,
    /// An operator, by `sci log-event`.
    Operator,
    /// An operator who confirmed that it may contradict the intended run modes (`--yes`).
    OperatorConfirmed,
}

/// A log event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEvent {
    /// The sender's life.
    pub source: SourceId,
    /// Grows by one per event of a source, from 1.
    pub sequence: u64,
    /// The application it speaks of (`SCS` for hosts and the SCS itself).
    pub application: ApplicationName,
    /// Its host, or the host it speaks of.
    pub host: Option<HostName>,
    /// Log event ID.
    pub id: LogEventId,
    /// Level.
    pub level: LogLevel,
    /// Text, control characters escaped by whoever shows it; at most 4 KiB.
    pub text: String,
    /// Sender's clock.
    pub at: Timestamp,
    /// Epoch of the order that caused it; `None` = typed in, or a foreign application.
    pub epoch: Option<Epoch>,
    /// Timeline record it belongs to.
    pub cause: Option<CauseId>,
    /// Who made it.
    pub origin: LogOrigin,
}

/// Events of one source, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogBatch {
    /// The source of all of them.
    pub source: SourceId,
    /// At most 1,000.
    pub events: Vec<LogEvent>,
}

/// Every event of the source up to and including this sequence is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogAcknowledged {
    /// The source.
    pub source: SourceId,
    /// Highest stored sequence.
    pub up_to: u64,
}

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Position in the Message Server's log; grows.
    pub position: u64,
    /// Message Server's clock when it was received.
    pub received_at: Timestamp,
    /// The event.
    pub event: LogEvent,
}

/// Which stored events are wanted; absent filters match everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQuery {
    /// Of this application.
    pub application: Option<ApplicationName>,
    /// With this ID.
    pub id: Option<LogEventId>,
    /// Of at least this level.
    pub level: Option<LogLevel>,
    /// Received at or after.
    pub since: Option<Timestamp>,
    /// Most records of the past to return, the newest ones; 0 = 1,000.
    pub limit: u32,
    /// Go on with new ones as they come.
    pub follow: bool,
}
