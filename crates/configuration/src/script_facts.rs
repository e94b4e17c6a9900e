//! What somebody with a disk found out about control scripts, for the rules to judge.
//!
//! Owns the words only: this crate reads no file and starts no program. `changeover check` fills them (crate
//! `script-trials`), and rules such as `script-missing` read them.

use changeover_model::ApplicationName;
use std::net::IpAddr;

/// What is known about the control script of one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptFacts {
    /// The Third Party Server that starts it.
    pub application: ApplicationName,
    /// Its file.
    pub file: ScriptFile,
    /// How it behaved on an emulated host, if it was tried there.
    pub trial: Option<Trial>,
}

/// The file of a control script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptFile {
    /// The folder is on this machine, the file is not in it.
    Missing {
        /// Where it was looked for.
        path: String,
    },
    /// It is there.
    Found {
        /// Where.
        path: String,
        /// What stands in it.
        text: String,
        /// Whether it may be started.
        executable: bool,
    },
}

/// Two runs of a script, one after the other, on an emulated host. A disabling script is tried on a host that holds
/// the addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The first run.
    pub first: TrialRun,
    /// The same again.
    pub second: TrialRun,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialRun {
    /// How it ended.
    pub end: TrialEnd,
    /// The Virtual IPs on the host afterwards.
    pub held: Vec<HeldAddress>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrialEnd {
    /// By itself, with this exit code.
    Exit(i32),
    /// It was still running when its time was over, and was ended.
    OverTime,
    /// It does something that emulated hosts do not cover: what they said.
    NotCovered(String),
    /// It could not be started: what the system said.
    NotStarted(String),
}

/// A Virtual IP on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldAddress {
    /// The address.
    pub address: IpAddr,
    /// The prefix length it was set with.
    pub prefix: u8,
    /// The interface.
    pub interface: String,
}

impl ScriptFile {
    /// Why a UNIX kernel cannot start it, by its first line, in words that follow the file's name; `None` where it can, and
    /// of a missing file.
    pub fn first_line_fault(&self) -> Option<&'static str> {
        let ScriptFile::Found { text, .. } = self else {
            return None;
        };
        let first = text.split('\n').next().unwrap_or_default();
        if !first.starts_with("#!") {
            Some("names no interpreter")
        } else if first.ends_with('\r') {
            Some("ends its lines as Windows does")
        } else {
            None
        }
    }

    /// The text without comments, with line numbers from 1; nothing for a missing file.
    pub(crate) fn code(&self, windows: bool) -> Vec<(usize, &str)> {
        let ScriptFile::Found { text, .. } = self else {
            return Vec::new();
        };
        text.lines()
            .enumerate()
            .map(|(index, line)| (index + 1, without_comment(line.trim(), windows)))
            .filter(|(_, line)| !line.is_empty())
            .collect()
    }
}

fn without_comment(line: &str, windows: bool) -> &str {
    if windows {
        let word = line.trim_start_matches('@');
        let word = word.split_whitespace().next().unwrap_or_default();
        let comment = word.eq_ignore_ascii_case("rem") || word.starts_with("::");
        return if comment { "" } else { line };
    }
    // `$#` and `${x#y}` are no comments: one begins a word.
    let mut before = ' ';
    for (at, letter) in line.char_indices() {
        if letter == '#' && before.is_whitespace() {
            return line.get(..at).unwrap_or(line).trim_end();
        }
        before = letter;
    }
    line
}
