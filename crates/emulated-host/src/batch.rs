//! Batch files as `cmd.exe` runs them: the subset that control scripts of Windows sites are written in (FACTS,
//! section 5), so that they run unchanged on an emulated host. A line outside it ends the script and is named
//! with file, line and text ([`Stop`]); nothing is skipped in silence.
//!
//! Pure: clock, files, programs and the console are behind [`Machine`]. Owns the shared words; a file becomes
//! lines in `batch/source.rs`, variables are put in by `batch/expansion.rs`, characters become words in
//! `batch/lexer.rs`, words a tree in `batch/parser.rs`, and the tree is carried out in `batch/interpreter.rs`
//! with conditions in `batch/conditions.rs`, pipes in `batch/streams.rs` and `cmd`'s own commands in
//! `batch/builtins.rs`. The machine itself is `windows/machine.rs`.

mod arithmetic;
mod builtins;
mod conditions;
mod expansion;
mod interpreter;
mod lexer;
mod parser;
mod scope;
mod source;
mod streams;
#[cfg(test)]
mod tests;
mod variables;

pub(crate) use interpreter::Interpreter;

use std::fmt;

/// Statements that a script may carry out; beyond them it is taken for an endless loop.
pub(crate) const STATEMENT_BUDGET: u32 = 50_000;
/// Exit code of a script that came to a line which is not covered.
pub const NOT_COVERED: i32 = 120;
/// Exit code of a script that used its statements up.
pub const ENDLESS: i32 = 121;
/// `cmd`'s code for a name that is no command.
pub(crate) const NO_SUCH_COMMAND: i32 = 9009;

/// A moment as `%date%` and `%time%` show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WallTime {
    pub(crate) year: i32,
    /// 1 to 12.
    pub(crate) month: u8,
    /// 1 to 31.
    pub(crate) day: u8,
    /// 0 = Sunday.
    pub(crate) weekday: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    /// Hundredths of a second.
    pub(crate) hundredth: u8,
}

/// What a program did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
}

/// What became of the wish to run a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// It ran.
    Ran(Ran),
    /// It is a script itself, and was stopped at a place of its own.
    Stopped(Box<Stop>),
    /// It was called in a way that the emulation does not cover; in words.
    NotCovered(String),
    /// The host has a batch file of that name.
    BatchFile(String),
    /// Neither emulated nor a file of the host.
    Unknown,
}

/// A directory entry that `if exist`, `type` and `del` can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    File,
    Folder,
}

/// The host that a script runs on. Paths are Windows paths as the script has them, relative ones are meant from
/// `folder`.
pub(crate) trait Machine {
    fn now(&self) -> WallTime;
    fn random(&self) -> u16;
    /// The path in full, and what is there.
    fn look(&self, folder: &str, path: &str) -> (String, Option<Entry>);
    /// A file's content; the complaint when there is none.
    fn read(&self, folder: &str, path: &str) -> Result<Vec<u8>, String>;
    fn write(&mut self, folder: &str, path: &str, append: bool, bytes: &[u8])
    -> Result<(), String>;
    fn remove(&mut self, folder: &str, path: &str) -> Result<(), String>;
    fn make_folder(&mut self, folder: &str, path: &str) -> Result<(), String>;
    /// Runs a program with the text after its name; `input` is its standard input.
    fn run(&mut self, folder: &str, program: &str, tail: &str, input: &[u8]) -> Start;
    /// The console.
    fn show(&mut self, out: &[u8], err: &[u8]);
}

/// Where a script stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: usize,
    /// The line as it is written in the file.
    pub(crate) text: String,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: `{}`", self.file, self.line, self.text.trim())
    }
}

/// Why a script cannot go on. Both end it with an exit code of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A line, command or object that the emulation does not cover.
    NotCovered { place: Place, why: String },
    /// More statements than [`STATEMENT_BUDGET`].
    Endless { place: Place },
}

impl Stop {
    pub(crate) fn code(&self) -> i32 {
        match self {
            Self::NotCovered { .. } => NOT_COVERED,
            Self::Endless { .. } => ENDLESS,
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCovered { place, why } => {
                write!(
                    out,
                    "{place}: {why}; emulated hosts do not cover this line (exit code {NOT_COVERED})"
                )
            }
            Self::Endless { place } => write!(
                out,
                "{place}: the script has carried out {STATEMENT_BUDGET} statements and is taken for one that \
                 loops for ever (exit code {ENDLESS})"
            ),
        }
    }
}
