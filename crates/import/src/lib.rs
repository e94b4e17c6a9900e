//! From the files of other HA software to an environment file: keepalived's VRRP pairs, Pacemaker's groups of addresses
//! and a server.
//!
//! Owns what each statement of theirs means here, and the list of those that mean nothing here: nothing is dropped
//! silently. Reads no files itself. The flow: `keepalived` or `pacemaker` fill a draft of the site (`draft.rs`), which
//! writes itself as YAML; `changeover check` judges the result.
#![warn(missing_docs)]
#![warn(
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

mod draft;
mod keepalived;
mod pacemaker;
mod words;

use serde::Serialize;
use std::net::IpAddr;

/// A file that was read.
#[derive(Clone, Copy, Debug)]
pub struct Source<'s> {
    /// Its name, for places.
    pub name: &'s str,
    /// Its text.
    pub text: &'s str,
}

/// What an operator knows and the files do not say.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Names and addresses of the two hosts, the present primary's first.
    pub hosts: Vec<(String, IpAddr)>,
    /// The third machine, for the SCS and the Message Server.
    pub management: Option<(String, IpAddr)>,
    /// The systemd unit of the server.
    pub unit: Option<String>,
}

/// An environment file made of foreign files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The environment file.
    pub environment: String,
    /// Statements that it does not carry over, in the order of the files.
    pub not_carried_over: Vec<Statement>,
    /// What the file needs and the input does not say; a stand-in is written for each.
    pub missing: Vec<String>,
}

/// A statement of a foreign file, and why nothing here stands for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Statement {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The statement, shortened.
    pub statement: String,
    /// Why, and what to do instead.
    pub why: String,
}

/// Why nothing could be made of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is not of that form.
    #[error("{file}:{line}: {what}")]
    Syntax {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// There is no pair in it.
    #[error("{file}: {what}")]
    NoPair {
        /// The file.
        file: String,
        /// What was looked for.
        what: &'static str,
    },
    /// Two files that do not belong together.
    #[error("{one} and {other} are not the two halves of a pair: {what}")]
    NotAPair {
        /// The first file.
        one: String,
        /// The second.
        other: String,
        /// How they differ.
        what: String,
    },
}

/// Whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// keepalived.conf.
    Keepalived,
    /// Pacemaker's Cluster Information Base, as `cibadmin --query` prints it.
    Pacemaker,
}

impl Format {
    /// By what the text begins with.
    pub fn of(text: &str) -> Self {
        if text.trim_start().starts_with('<') {
            Format::Pacemaker
        } else {
            Format::Keepalived
        }
    }
}

/// Makes an environment file of foreign files: one CIB, or the keepalived.conf of one host or of both.
///
/// # Errors
/// When a file cannot be read as what it is, holds no pair, or two files do not belong together.
pub fn import(
    format: Format,
    first: Source<'_>,
    second: Option<Source<'_>>,
    known: &Known,
) -> Result<Imported, ImportError> {
    let draft = match (format, second) {
        (Format::Keepalived, second) => keepalived::draft(first, second, known)?,
        (Format::Pacemaker, None) => pacemaker::draft(first, known)?,
        (Format::Pacemaker, Some(second)) => {
            return Err(ImportError::NotAPair {
                one: first.name.to_owned(),
                other: second.name.to_owned(),
                what: "every node has the same CIB, one is enough".to_owned(),
            });
        }
    };
    Ok(draft.finish(known))
}
