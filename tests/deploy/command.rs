//! Owns how a command is run: with a bound, its output kept, its failure told in full.

use std::process::{Command, Stdio};
use std::time::Duration;

/// What became of a command.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    command: String,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Its output; a failure is one of the test.
    #[track_caller]
    pub(crate) fn succeeded(self) -> String {
        assert_eq!(
            self.code,
            Some(0),
            "{}\n--- output\n{}--- errors\n{}",
            self.command,
            self.out,
            self.err
        );
        self.out
    }
}

/// Runs a program to its end; after `bound` it is killed, and that is a failure (code 137).
pub(crate) fn run(program: &str, words: &[&str], bound: Duration) -> Ran {
    let seconds = bound.as_secs().max(1).to_string();
    let output = Command::new("timeout")
        .args(["-s", "KILL", &seconds, program])
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    Ran {
        command: format!("{program} {}", words.join(" ")),
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs `ip`, which never takes long; its output.
#[track_caller]
pub(crate) fn ip(words: &[&str]) -> String {
    run("ip", words, Duration::from_secs(10)).succeeded()
}
