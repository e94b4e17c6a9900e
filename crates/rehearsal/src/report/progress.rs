//! Owns the line that says where a rehearsal is, on a terminal only, and remarks that are no results.

use crate::outcome::SiteOutcome;
use std::io::{IsTerminal as _, Write as _};

/// The line on standard error.
#[derive(Debug)]
pub(crate) struct Progress {
    on_terminal: bool,
    shown: bool,
}

impl Progress {
    /// Shows something only on a terminal.
    pub(crate) fn on_stderr() -> Self {
        Self {
            on_terminal: std::io::stderr().is_terminal(),
            shown: false,
        }
    }

    /// What is done now.
    pub(crate) fn step(&mut self, site: &SiteOutcome, what: &str) {
        if self.on_terminal {
            let line = format!(
                "{} {} #{}: {what}",
                site.pair, site.redundancy, site.repetition
            );
            say(&format!("\r\x1b[2K{line}"));
            self.shown = true;
        }
    }

    /// Something worth a line of its own.
    pub(crate) fn remark(&mut self, text: &str) {
        self.done();
        say(&format!("{text}\n"));
    }

    /// Takes the line away.
    pub(crate) fn done(&mut self) {
        if self.shown {
            say("\r\x1b[2K");
            self.shown = false;
        }
    }
}

fn say(text: &str) {
    let mut out = std::io::stderr().lock();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        tracing::debug!("standard error is closed");
    }
}
