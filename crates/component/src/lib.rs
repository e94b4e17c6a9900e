//! What every shell shares, once: the driver of a core, the clock, signals, readiness, logging, exit codes.
//!
//! A component's `run()` builds its core and its effects, calls [`start`] and feeds the returned
//! [`Handle`]; what the core then wants done comes to the component's [`Effects`]. Owns no decision and
//! no wire: those are the cores and `rpc`.

mod arguments;
mod clock;
mod driver;
mod exit;
mod journal;
mod logging;
mod process;
mod readiness;
mod signals;
mod state_file;

pub use arguments::{
    ComponentArguments, LinkArguments, LogArguments, METRICS_VARIABLE, MetricsArguments,
};
pub use clock::Clock;
pub use driver::{Effects, Gone, Handle, start};
pub use exit::ExitCode;
pub use logging::{LogFormat, start_logging};
pub use process::run;
pub use readiness::Readiness;
pub use signals::{Signal, Signals};
pub use state_file::{StateFileError, read_state, write_state, write_state_fast};
