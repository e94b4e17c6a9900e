//! Where wire meets model, and the only place: one file per conversation, both ways.
//!
//! Model to wire is `From` and always works. Wire to model is `TryFrom` with [`ConvertError`]: foreign input is
//! bounded (names 255 bytes, lists [`LONGEST_LIST`]), never trusted, never a panic. Prose is cut at its bound
//! instead of refused, so that a long message can wedge no queue; a word of a newer release becomes the model's
//! `Unknown` where it has one. What comes out goes to a shell, which hands it to its core.

mod alarm_link;
mod application_link;
mod environment;
mod error;
mod fields;
mod health;
mod lca_order;
mod lca_report;
mod log_delivery;
mod observation;
mod operator;
mod peer;
mod picture;
mod reaction;
mod refusal;
mod timeline;
mod words;

pub use error::ConvertError;
pub use fields::LONGEST_LIST;
pub use operator::{OperatorCall, TimelineSelection, command_of, command_of_run, operator_call};
pub use peer::WhatLcaSees;
