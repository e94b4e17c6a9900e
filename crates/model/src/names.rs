//! Names and numbers that identify things. Text ids are cheap to clone; number ids never mix.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(Arc<str>);

        impl $type {
            /// The name as written in the environment file.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl From<&str> for $type {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }
        impl From<String> for $type {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", &self.0)
            }
        }
        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

macro_rules! number {
    ($(#[$doc:meta])* $type:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(pub $inner);

        impl $type {
            /// The number after this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($type), self.0)
            }
        }
    };
}

name!(
    /// Name of the whole site, `environment:` in the file.
    EnvironmentName
);
name!(
    /// Name of a Host object.
    HostName
);
name!(
    /// Name of an Application object: a SIP Server, a Third Party Server, the SCS, the Message Server.
    ApplicationName
);
name!(
    /// Name of a pair, a key of `pairs:`.
    PairName
);
name!(
    /// Name of a Switch object.
    SwitchName
);
name!(
    /// Name of a Script object of type Alarm Reaction.
    ScriptName
);
name!(
    /// Name of an Alarm Condition object.
    ConditionName
);

number!(
    /// Counts the promotions of a pair. Raised once per promotion and persisted before use; an order or
    /// event of a lower epoch is stale (BEHAVIOUR, Epochs and orders).
    Epoch,
    u64
);
number!(
    /// Counts the starts of an application at its LCA; voids orders to its predecessor.
    Incarnation,
    u64
);
number!(
    /// Numbers the SCS's orders. Starts at the SCS's clock in microseconds, so it only grows, also over
    /// restarts of the SCS.
    OrderNumber,
    u64
);
number!(
    /// Number of the Environment as the SCS persisted it: the file's content plus recorded changes.
    Revision,
    u64
);
number!(
    /// Number of an active or past alarm, `#41` for the operator.
    AlarmId,
    u64
);
number!(
    /// Number of a timeline record: the switchover, failover, refusal, alarm … that a step belongs to.
    CauseId,
    u64
);
number!(
    /// Number of an operator's request within the life of one SCS process; never persisted.
    RequestId,
    u64
);
number!(
    /// Ties the result of a slow effect (a write, a removal, a command) to the output that asked for it.
    Ticket,
    u64
);
number!(
    /// A log event ID. Written `00-04561` on the wire and in logs, `4561` in an Alarm Condition (FACTS 3).
    LogEventId,
    u32
);

impl LogEventId {
    /// Warm Standby (backup) mode activated.
    pub const WARM_BACKUP: Self = Self(4560);
    /// Hot Standby (backup) mode activated.
    pub const HOT_BACKUP: Self = Self(4561);
    /// Warm Standby (Primary) mode activated.
    pub const WARM_PRIMARY: Self = Self(4562);
    /// Hot Standby (Primary) mode activated.
    pub const HOT_PRIMARY: Self = Self(4563);
    /// Now Primary: said by the SCS once a member of a pair has confirmed the mode.
    pub const NOW_PRIMARY: Self = Self(5150);
    /// Now Backup: said by the SCS once a member of a pair has confirmed the mode.
    pub const NOW_BACKUP: Self = Self(5151);

    /// The form that logs show: `00-04561`.
    pub fn wire_form(self) -> String {
        format!("00-{:05}", self.0)
    }

    /// Reads `4561` as well as `00-04561`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("00-").unwrap_or(text);
        if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_reads_in_both_its_forms_and_writes_the_wire_form() {
        assert_eq!(LogEventId::parse("4561"), Some(LogEventId::HOT_BACKUP));
        assert_eq!(LogEventId::parse("00-04561"), Some(LogEventId::HOT_BACKUP));
        assert_eq!(LogEventId::HOT_BACKUP.wire_form(), "00-04561");
        for bad in ["", "00-", "4561x", "-1", "1234567890", "０4561"] {
            assert_eq!(LogEventId::parse(bad), None, "{bad}");
        }
    }
}
