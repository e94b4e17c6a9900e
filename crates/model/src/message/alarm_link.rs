//! The link between the SCS and the Message Server about alarms. The SCS dials, pushes the conditions; the
//! Message Server sends each detection before it commits the event and again until it is acknowledged, so
//! a crash of either repeats and never loses. A repetition is recognised by the event's source and sequence.

use crate::environment::MessageServerSlice;
use crate::message::{LogEvent, SourceId};
use crate::{ConditionName, Revision, Timestamp};
use serde::{Deserialize, Serialize};

/// From the SCS to the Message Server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToMessageServer {
    /// First message of a connection.
    Hello {
        /// Version of the SCS's program.
        version: String,
        /// Changes with every start of the SCS.
        session: u64,
    },
    /// The conditions. Kept on disk and used when the SCS is away.
    Configure(MessageServerSlice),
    /// The detections of this event are persisted at the SCS.
    AlarmAcknowledged {
        /// Source of the event.
        source: SourceId,
        /// Sequence of the event.
        sequence: u64,
    },
}

/// From the Message Server to the SCS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromMessageServer {
    /// Answer to Hello.
    Hello {
        /// Version of the Message Server's program.
        version: String,
        /// Revision of the conditions in force; 0 = none yet.
        revision: Revision,
    },
    /// An event matched. Unacknowledged ones are sent again, in order, after Hello.
    AlarmDetected(AlarmDetected),
}

/// One event and every condition it matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmDetected {
    /// The event.
    pub event: LogEvent,
    /// What it matched, in the order of the configuration; never empty.
    pub matches: Vec<AlarmMatch>,
    /// Message Server's clock when it matched.
    pub matched_at: Timestamp,
}

/// One condition matched by an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmMatch {
    /// The condition.
    pub condition: ConditionName,
    /// As what the event matched.
    pub role: MatchRole,
}

/// Detect or cancel event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MatchRole {
    /// The detect event: activates or renews the alarm.
    Detect,
    /// The cancel event: clears it.
    Cancel,
}
