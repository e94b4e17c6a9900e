//! Owns the log database, `log.db` in the state folder: opening, and the way in and out for the rest of the
//! shell. What is written comes from `message-server-core` (its `Store` and the like) and goes through the one
//! writer thread of `writing.rs`; queries read beside it, in `reading.rs`.

mod opening;
mod reading;
mod retention;
mod rows;
mod schema;
mod writing;

use std::path::PathBuf;

pub(crate) use opening::{Opened, open};
pub(crate) use reading::{Reader, wanted};
pub(crate) use writing::{Answer, Work, Writer, WriterThread};

/// Name of the database in the state folder.
pub(crate) const FILE: &str = "log.db";

/// What can go wrong with the log database. Each says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another Message Server has it.
    #[error(
        "{} is in use by another message-server; stop that one, or give this one a --state-dir of its own",
        path.display()
    )]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// A file beside the database cannot be made or moved.
    #[error("cannot {operation} {}: {source}; check the folder's owner and free space", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The database was written by a newer release.
    #[error(
        "{} has schema version {found}, this release knows versions up to {known}; install the newer release again, or move the file away to begin an empty log",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The highest version this program knows.
        known: i64,
    },
    /// The database cannot be opened or brought up to date.
    #[error("cannot {operation} the log database {}: {source}", path.display())]
    Open {
        /// What was tried.
        operation: &'static str,
        /// The database.
        path: PathBuf,
        /// Why it failed.
        source: rusqlite::Error,
    },
    /// Stored events cannot be read.
    #[error("cannot read the log database: {0}")]
    Read(#[from] rusqlite::Error),
    /// The writer's thread cannot be started.
    #[error("cannot start the log database's writer: {0}")]
    Writer(std::io::Error),
}

/// True if an error says that the file itself is damaged, so that no repetition will help.
fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}

#[cfg(test)]
mod tests;
