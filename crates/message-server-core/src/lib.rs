//! The Message Server's decisions, and both ends of log-event delivery.
//!
//! Owns the [`Outbox`] (the sending end, embedded by every sender of log events), the [`Detector`] (which
//! Alarm Conditions an event matches, in constant time) and the [`MessageServerCore`] (the receiving end:
//! duplicates, acknowledgements, detections kept for the SCS). Owns no disk and no connection: those are
//! `message-server` and `application-link`. This is hop 1 of the flow: a `LogEvent` comes in, an
//! `AlarmDetected` goes out and is taken up by `scs-core`.
#![warn(
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

mod core;
mod detections;
mod detector;
mod exchange;
mod outbox;
pub mod own_events;
mod sources;
mod storing;

pub use crate::core::MessageServerCore;
pub use crate::detections::WINDOW as DETECTION_WINDOW;
pub use crate::detector::Detector;
pub use crate::exchange::{ConnectionId, Identity, Input, Note, Output, Recovered, StoreRequest};
pub use crate::outbox::{NewLogEvent, Outbox};
