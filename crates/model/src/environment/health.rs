//! Health checks and hooks of an application: what is looked at and how often, what runs when it changes its run
//! mode. Owns the words and their defaults; `lca-core` carries checks out, `scs-core` orders hooks.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// One way to see whether an application serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// Its name, unique within the application; what it looks at unless written.
    pub name: String,
    /// What is looked at.
    pub probe: Probe,
    /// From one start to the next; default 1 s.
    pub every: Duration,
    /// A run that has not answered by then has failed and is ended; default 500 ms.
    pub timeout: Duration,
    /// Failures in a row until it counts as down; default 3.
    pub fall: u32,
    /// Successes in a row until it counts as up again; default 2.
    pub rise: u32,
}

impl HealthCheck {
    /// Default of `every`.
    pub const EVERY: Duration = Duration::from_secs(1);
    /// Default of `timeout`.
    pub const TIMEOUT: Duration = Duration::from_millis(500);
    /// Default of `fall`.
    pub const FALL: u32 = 3;
    /// Default of `rise`.
    pub const RISE: u32 = 2;
    /// Most checks of one application.
    pub const MOST: usize = 16;
}

/// What a health check looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Probe {
    /// A program: exit 0 is well.
    Command {
        /// The program; a path, or a name to be looked up in PATH.
        command: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// A SIP OPTIONS request.
    SipOptions {
        /// Over what.
        transport: SipTransport,
        /// Where to.
        address: SocketAddr,
        /// Final responses that are well, both ends included.
        status: StatusRange,
    },
    /// A TCP connection that is accepted.
    Tcp {
        /// Where to.
        address: SocketAddr,
    },
    /// An HTTP/1.1 GET.
    Http {
        /// Where to.
        address: SocketAddr,
        /// The `Host` header.
        host: String,
        /// Path with query, beginning with `/`.
        path: String,
        /// Status codes that are well, both ends included.
        status: StatusRange,
        /// Text that the beginning of the body must hold.
        body: Option<String>,
    },
    /// The carrier of interfaces, watched, not polled.
    Link {
        /// All of them must have carrier.
        interfaces: Vec<String>,
    },
}

/// Transport of a SIP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SipTransport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

/// A range of status codes, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRange {
    /// The lowest.
    pub from: u16,
    /// The highest.
    pub to: u16,
}

impl StatusRange {
    /// Any final response of SIP.
    pub const SIP_FINAL: Self = Self { from: 200, to: 699 };
    /// The successes of HTTP.
    pub const HTTP_SUCCESS: Self = Self { from: 200, to: 299 };

    /// True if the code lies in it.
    pub fn holds(self, status: u16) -> bool {
        (self.from..=self.to).contains(&status)
    }
}

impl std::fmt::Display for StatusRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.from == self.to {
            write!(f, "{}", self.from)
        } else {
            write!(f, "{}-{}", self.from, self.to)
        }
    }
}

/// A command that runs when an application changes its run mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The program; a path, or a name to be looked up in PATH.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// It is killed with its descendants after this, and has failed; default 3 s.
    pub timeout: Duration,
    /// When it runs; default after.
    pub when: HookTime,
    /// What follows its failure; default alarm.
    pub on_failure: HookFailure,
}

impl Hook {
    /// Default of `timeout`.
    pub const TIMEOUT: Duration = Duration::from_secs(3);
    /// Most hooks of one application and run mode.
    pub const MOST: usize = 8;
}

/// `when` of a hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookTime {
    /// Before any run mode is ordered, so before the VIP moves.
    Before,
    /// When the VIP is observed where it belongs.
    #[default]
    After,
}

impl HookTime {
    /// The word of the file.
    pub fn as_str(self) -> &'static str {
        match self {
            HookTime::Before => "before",
            HookTime::After => "after",
        }
    }
}

/// `on_failure` of a hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookFailure {
    /// An alarm; the change of roles goes on.
    #[default]
    Alarm,
    /// An alarm, and the previous primary becomes primary again.
    RollBack,
}

impl HookFailure {
    /// The word of the file.
    pub fn as_str(self) -> &'static str {
        match self {
            HookFailure::Alarm => "alarm",
            HookFailure::RollBack => "roll-back",
        }
    }
}
