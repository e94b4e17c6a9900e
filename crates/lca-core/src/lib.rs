//! What the Local Control Agent decides: application lifecycle, control scripts, addresses.
//!
//! Owns the deciding half of `lca`: [`LcaCore`] takes [`LcaInput`]s (what the SCS and the applications said,
//! what processes and addresses did) and gives [`LcaOutput`]s. Owns no process, socket or file: those are the
//! shell's. One hop of the flow stands here: `StartApplication` of a control script (`scripts.rs`) becomes
//! [`StartProcess`]; its outcome and the observed holder go back to the SCS.
#![warn(missing_docs)]
#![warn(
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

mod addresses;
mod applications;
mod commands;
mod configure;
mod contact;
mod core;
mod epochs;
mod essence;
mod fencing;
mod health;
mod hooks;
mod host_stop;
mod inputs;
mod orders;
mod outputs;
mod persistence;
mod recovery;
mod scripts;
mod stored;
mod timers;

pub use crate::core::LcaCore;
pub use inputs::{ConnectionId, FoundRun, LcaIdentity, LcaInput, Recovery};
pub use outputs::{
    Elsewhere, LcaOutput, ProcessKind, ProcessSignal, RUN_MARKER, StartCheck, StartProcess,
    WatchedAddress,
};
pub use stored::{
    ApplicationRecord, Durability, PairRecord, ProcessIdentity, RunId, RunPurpose, RunRecord,
    StateChange, StoredState,
};
