//! The vocabulary of Changeover: what every other crate talks about.
//!
//! Owns the names, the time type, the [`Core`] trait with its [`TimerTable`], the validated
//! [`environment`] and the [`message`]s that components exchange. Owns no decision: those stand in
//! the cores (`scs-core`, `lca-core`, `message-server-core`, `reaction-engine`), and no wire format:
//! that is `rpc`.
#![warn(missing_docs)]
#![warn(
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

mod core_trait;
pub mod environment;
pub mod message;
mod mode_event;
mod names;
mod planted;
mod refusal;
mod time;
mod words;

pub use core_trait::{Core, TimerTable};
pub use mode_event::mode_event;
pub use names::{
    AlarmId, ApplicationName, CauseId, ConditionName, EnvironmentName, Epoch, HostName,
    Incarnation, LogEventId, OrderNumber, PairName, RequestId, Revision, ScriptName, SwitchName,
    Ticket,
};
pub use planted::planted;
#[cfg(feature = "planted-bugs")]
pub use planted::with_planted;
pub use refusal::{Refusal, RefusalCode};
pub use time::{DurationText, Timestamp, parse_duration, show_duration};
pub use words::{
    ApplicationStatus, ApplicationType, ConfiguredAs, HostStatus, LogLevel, NlbAffinity,
    NlbFiltering, NlbMode, NlbProtocol, NlbState, OperatingSystem, Redundancy, RunMode,
    ScriptAction, Takeover,
};
