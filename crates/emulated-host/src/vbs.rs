//! VBScript as `cscript` runs it: the subset that helpers of control scripts use (arguments, variables, conditions,
//! loops, functions, `On Error Resume Next`, and the objects `WScript`, `WScript.Shell`, `WScript.Network` and WMI).
//! The text is read by the crate `vbscript`; what is outside the subset ends the script and is named with file and
//! line, as a batch line is.
//!
//! Pure: the host is behind [`ScriptHost`]. Values are in `vbs/value.rs`, statements in `vbs/interpreter.rs`,
//! expressions in `vbs/expressions.rs`, functions of the language in `vbs/functions.rs`, objects in
//! `vbs/objects.rs`. The host itself is `windows/cscript.rs`.

mod expressions;
mod functions;
mod interpreter;
mod objects;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use interpreter::{Script, run};
pub(crate) use value::{Record, Value};

use std::time::Duration;

/// Statements that a helper may carry out.
pub(crate) const STATEMENT_BUDGET: u32 = 100_000;

/// A question to WMI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// The host that the moniker names; `.` for this one.
    pub(crate) computer: String,
    /// In lower case.
    pub(crate) class: String,
    /// `NAME = VALUE`, names in lower case, values without quotes.
    pub(crate) conditions: Vec<(String, String)>,
}

/// The host of a script.
pub(crate) trait ScriptHost {
    /// Runs a command line: exit code, output, errors. `Err`: it is not covered, in words.
    fn execute(&mut self, line: &str) -> Result<(i32, String, String), String>;
    /// Answers a question to WMI. `Err`: it is not covered, in words.
    fn query(&mut self, query: &Query) -> Result<Vec<Record>, String>;
    fn computer_name(&self) -> String;
    /// Date and time as `Now` shows them.
    fn now(&self) -> (String, String);
    fn say(&mut self, line: &str);
    fn complain(&mut self, line: &str);
    fn sleep(&mut self, time: Duration);
}

/// What ends a statement early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// An error that `On Error Resume Next` takes: VBScript's number and text.
    Runtime(i64, String),
    /// Outside the subset, in words.
    NotCovered(String),
    Quit(i32),
    Endless,
}

pub(crate) type Done<T> = Result<T, Trouble>;

fn runtime<T>(number: i64, text: impl Into<String>) -> Done<T> {
    Err(Trouble::Runtime(number, text.into()))
}

fn type_mismatch<T>() -> Done<T> {
    runtime(13, "Type mismatch")
}

fn not_covered<T>(what: impl Into<String>) -> Done<T> {
    Err(Trouble::NotCovered(what.into()))
}
