//! `sci`, the Solution Control Interface as a command line: asks the SCS, shows what it says.
//!
//! Owns arguments, texts and exit codes. Decides nothing: every refusal and prediction comes from the SCS.
//! One file per verb under `verbs/`; the way to the SCS is `client`.

mod arguments;
mod client;
mod dialling;
mod follow;
mod output;
mod text;
mod verbs;

pub use arguments::{Arguments, Verb};
pub use client::{Scs, ScsError};
pub use text::{pairs_text, picture_text, record_text};

use changeover_component::{ExitCode, LogArguments, LogFormat};

/// Runs one command to its end.
pub fn main(arguments: Arguments) -> ExitCode {
    let log = LogArguments {
        log_format: LogFormat::Text,
    };
    changeover_component::run(&log, async move {
        let interrupted = async {
            match tokio::signal::ctrl_c().await {
                Ok(()) => {}
                Err(error) => {
                    tracing::debug!(%error, "Ctrl-C cannot be watched");
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            code = verbs::run(arguments) => Ok(code),
            () = interrupted => Ok(ExitCode::Interrupted),
        }
    })
}
