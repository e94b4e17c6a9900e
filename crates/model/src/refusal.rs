//! Refusals: what a core says instead of doing something. Data, never an `Err`.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// Stable codes of refusals and suppressions, as INTERFACE shows them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum RefusalCode { $($(#[$doc])* $variant,)* }

        impl RefusalCode {
            /// Every code, for documentation and conversion.
            pub const ALL: &'static [RefusalCode] = &[$(RefusalCode::$variant,)*];
            /// The stable text of the code.
            pub fn as_str(self) -> &'static str {
                match self { $(RefusalCode::$variant => $text,)* }
            }
            /// The code with this text.
            pub fn parse(text: &str) -> Option<RefusalCode> {
                match text { $($text => Some(RefusalCode::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    /// The request names nothing that exists (exit code 2).
    UnknownName = "unknown-name",
    /// The request cannot be understood (exit code 2).
    BadRequest = "bad-request",
    /// The caller's role does not allow this.
    NotAllowed = "not-allowed",
    /// The server that would take over is not Started.
    BackupNotRunning = "backup-not-running",
    /// The server that would take over reports Service Unavailable.
    BackupServiceUnavailable = "backup-service-unavailable",
    /// The server that would take over is on a host that is being shut down.
    HostStopping = "host-stopping",
    /// The server that would take over has not reached the primary's state yet (hot standby).
    NotInStep = "not-in-step",
    /// The host in question is lost.
    HostLost = "host-lost",
    /// The host answers, its LCA does not.
    AgentLost = "agent-lost",
    /// Another procedure of the pair is under way.
    ProcedureUnderWay = "procedure-under-way",
    /// The pair or a host of it is in maintenance.
    Maintenance = "maintenance",
    /// Too many automatic switchovers; automatic switching has stopped.
    Flapping = "flapping",
    /// More than half of the hosts went silent at once: the SCS doubts itself.
    IsItMe = "is-it-me",
    /// The pair is held after a failure that only an operator can judge.
    Held = "held",
    /// There is nothing to do: the wanted state is there already.
    AlreadySo = "already-so",
    /// The order or event belongs to an older epoch.
    StaleEpoch = "stale-epoch",
    /// The order was meant for an earlier start of the application.
    StaleIncarnation = "stale-incarnation",
    /// A newer reaction took over; this one was not run.
    Superseded = "superseded",
    /// The reaction contradicts the intended run modes.
    ContradictsRoles = "contradicts-roles",
    /// An alarm Test holds the VIP where it left it, for a time.
    TestHold = "test-hold",
    /// The application is not running.
    NotRunning = "not-running",
    /// The application is running already.
    AlreadyRunning = "already-running",
    /// The application is not known on this host.
    NotOnThisHost = "not-on-this-host",
    /// The application never registered with its LCA.
    NotRegistered = "not-registered",
    /// The registration's token, process or name does not fit.
    RegistrationRefused = "registration-refused",
    /// The backup cannot take over, so the primary is not stopped without `--no-handover`.
    HandoverImpossible = "handover-impossible",
    /// An operator must confirm (`--yes`).
    ConfirmationNeeded = "confirmation-needed",
    /// A queue or table is full.
    Overloaded = "overloaded",
    /// A write to disk failed, so what depends on it is not done.
    NotPersisted = "not-persisted",
    /// A deadline passed without an answer.
    TimedOut = "timed-out",
    /// The component has not seen enough of the site yet to judge.
    NotYetJudged = "not-yet-judged",
    /// A restart limit is reached.
    RestartLimit = "restart-limit",
    /// The Message Server cannot be reached.
    MessageServerLost = "message-server-lost",
    /// The primary may keep its VIP without a majority until its LCA has given up its `sole` mark.
    SoleMark = "sole-mark",
    /// The peer's LCA has not voted for the new primary.
    NoVote = "no-vote",
    /// The fence command failed.
    FenceFailed = "fence-failed",
    /// The VIP of a host whose LCA is away may still live.
    AddressLives = "address-lives",
    /// This build cannot do it yet.
    NotInThisBuild = "not-in-this-build",
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A refusal or the reason of a suppressed action: a stable code and a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable code, for programs.
    pub code: RefusalCode,
    /// What, where and what to do next, for people.
    pub reason: String,
}

impl Refusal {
    /// A refusal with this code and sentence.
    pub fn new(code: RefusalCode, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.reason)
    }
}
