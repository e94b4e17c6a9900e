//! Owns where a command's words go. A reader that went away (a script's `| head -1`) is no reason to fail.

use std::io::{self, Write};

pub(crate) struct Terminal {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
}

impl Terminal {
    pub(crate) fn standard() -> Self {
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
        }
    }

    /// A line of output.
    pub(crate) fn say(&mut self, line: &str) {
        self.print(&format!("{line}\n"));
    }

    /// Output as it is, flushed: `ping` is read line by line.
    pub(crate) fn print(&mut self, text: &str) {
        drop(
            self.out
                .write_all(text.as_bytes())
                .and_then(|()| self.out.flush()),
        );
    }

    /// A line of complaint.
    pub(crate) fn complain(&mut self, line: &str) {
        drop(self.err.write_all(format!("{line}\n").as_bytes()));
    }
}
