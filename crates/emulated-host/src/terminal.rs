//! Owns where a command's words go: the process's own streams, or kept for a script's interpreter, which redirects
//! and pipes them. A reader that went away (a script's `| head -1`) is no reason to fail.

use std::io::{self, Write};

pub(crate) struct Terminal {
    out: Sink,
    err: Sink,
}

enum Sink {
    Stream(Box<dyn Write>),
    Kept(Vec<u8>),
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) {
        match self {
            Self::Stream(stream) => drop(stream.write_all(bytes).and_then(|()| stream.flush())),
            Self::Kept(kept) => kept.extend_from_slice(bytes),
        }
    }

    fn take(&mut self) -> Vec<u8> {
        match self {
            Self::Stream(_) => Vec::new(),
            Self::Kept(kept) => std::mem::take(kept),
        }
    }
}

impl Terminal {
    pub(crate) fn standard() -> Self {
        Self {
            out: Sink::Stream(Box::new(io::stdout())),
            err: Sink::Stream(Box::new(io::stderr())),
        }
    }

    /// Keeps everything for [`Terminal::take`].
    pub(crate) fn kept() -> Self {
        Self {
            out: Sink::Kept(Vec::new()),
            err: Sink::Kept(Vec::new()),
        }
    }

    /// What was kept: output and errors.
    pub(crate) fn take(&mut self) -> (Vec<u8>, Vec<u8>) {
        (self.out.take(), self.err.take())
    }

    /// A line of output.
    pub(crate) fn say(&mut self, line: &str) {
        self.print(&format!("{line}\n"));
    }

    /// Output as it is, flushed: `ping` is read line by line.
    pub(crate) fn print(&mut self, text: &str) {
        self.out.write(text.as_bytes());
    }

    /// A line of complaint.
    pub(crate) fn complain(&mut self, line: &str) {
        self.err.write(format!("{line}\n").as_bytes());
    }
}
