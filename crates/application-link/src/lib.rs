//! What a managed application embeds to live under an LCA: registration, run-mode orders, status, heartbeats
//! and log events.
//!
//! An LCA starts the application with `CHANGEOVER_LCA`, `CHANGEOVER_APPLICATION` and `CHANGEOVER_TOKEN` in its
//! environment. [`ApplicationLink::register`] registers with them and keeps the link, also over restarts of
//! the LCA. [`ApplicationLink::next_order`] gives the run modes to enter; [`RunModeOrder::activated`] logs the
//! event of the mode (4560 to 4563) and acknowledges the order, both at once. Heartbeats of the LCA are
//! answered only while the application's own main loop waits in `next_order` or calls
//! [`ApplicationLink::alive`], so a main loop that hangs is seen.
//!
//! Owns no decision: which mode is right is `scs-core`'s, the application's life is `lca-core`'s. Log events go
//! on to `message-server-core`. `examples/managed_application.rs` shows the whole use.
#![warn(missing_docs)]

mod clock;
mod conversation;
mod line;
mod link;
mod log_sender;
mod order;
mod outage;
mod settings;
mod silence;

pub use changeover_message_server_core::NewLogEvent;
pub use changeover_model::message::Registered;
pub use changeover_model::mode_event;
pub use link::{ApplicationLink, LinkError};
pub use log_sender::LogSender;
pub use order::{Order, RunModeOrder};
pub use settings::{Settings, SettingsError};
