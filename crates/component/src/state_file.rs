//! Small state files: written whole, replaced atomically, with a version inside.

use serde::{Serialize, de::DeserializeOwned};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Version of the frame around every state file.
const VERSION: u32 = 1;

/// Why a state file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its content is damaged. It was renamed so that nobody loses it.
    #[error("{} is damaged ({reason}); it is kept as {}", path.display(), kept.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// Where it is now.
        kept: PathBuf,
    },
    /// It was written by a newer release.
    #[error("{} has version {found}, this release reads up to {VERSION}; install the newer release again or move the file away", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

#[derive(Serialize)]
struct FrameOut<'a, T> {
    version: u32,
    state: &'a T,
}

#[derive(serde::Deserialize)]
struct FrameIn {
    version: u32,
    state: serde_json::Value,
}

/// Reads a state file; `None` if there is none.
///
/// # Errors
/// A damaged file is renamed and named; a newer version is refused.
pub fn read_state<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StateFileError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(StateFileError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    let damaged = |reason: serde_json::Error| {
        let kept = path.with_extension("damaged");
        match fs::rename(path, &kept) {
            Ok(()) => StateFileError::Damaged {
                path: path.to_owned(),
                reason: reason.to_string(),
                kept,
            },
            Err(source) => StateFileError::Write { path: kept, source },
        }
    };
    let frame: FrameIn = serde_json::from_slice(&bytes).map_err(damaged)?;
    if frame.version > VERSION {
        return Err(StateFileError::Newer {
            path: path.to_owned(),
            found: frame.version,
        });
    }
    serde_json::from_value(frame.state)
        .map(Some)
        .map_err(damaged)
}

/// Replaces a state file; when it returns, the new content survives a power loss.
///
/// # Errors
/// The old content stays when it fails.
pub fn write_state<T: Serialize>(path: &Path, state: &T) -> Result<(), StateFileError> {
    write(path, state, true)
}

/// Replaces a state file without waiting for the disk: survives the end of the process, not of the machine.
///
/// # Errors
/// The old content stays when it fails.
pub fn write_state_fast<T: Serialize>(path: &Path, state: &T) -> Result<(), StateFileError> {
    write(path, state, false)
}

fn write<T: Serialize>(path: &Path, state: &T, durable: bool) -> Result<(), StateFileError> {
    let failed = |source: io::Error| StateFileError::Write {
        path: path.to_owned(),
        source,
    };
    let bytes = serde_json::to_vec(&FrameOut {
        version: VERSION,
        state,
    })
    .map_err(|error| failed(error.into()))?;
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh).map_err(failed)?;
    file.write_all(&bytes).map_err(failed)?;
    if durable {
        file.sync_all().map_err(failed)?;
    }
    fs::rename(&fresh, path).map_err(failed)?;
    if durable && let Some(folder) = path.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder can be made")
    }

    #[test]
    fn what_is_written_is_read_back_and_a_missing_file_is_no_error() {
        let folder = folder();
        let path = folder.path().join("epochs.json");
        assert!(
            read_state::<Vec<u64>>(&path)
                .expect("no file is fine")
                .is_none()
        );
        write_state(&path, &vec![1u64, 2]).expect("the folder is writable");
        write_state_fast(&path, &vec![3u64]).expect("the folder is writable");
        assert_eq!(
            read_state::<Vec<u64>>(&path).expect("readable"),
            Some(vec![3])
        );
    }

    #[test]
    fn a_torn_file_is_named_and_kept_and_a_newer_one_is_refused() {
        let folder = folder();
        let path = folder.path().join("epochs.json");
        fs::write(&path, b"{\"version\":1,\"sta").expect("writable");
        let error = read_state::<Vec<u64>>(&path).expect_err("it is torn");
        assert!(matches!(error, StateFileError::Damaged { .. }), "{error}");
        assert!(folder.path().join("epochs.damaged").exists());
        assert!(
            read_state::<Vec<u64>>(&path)
                .expect("it is out of the way")
                .is_none()
        );
        fs::write(&path, b"{\"version\":9,\"state\":[]}").expect("writable");
        let error = read_state::<Vec<u64>>(&path).expect_err("it is newer");
        assert!(
            matches!(error, StateFileError::Newer { found: 9, .. }),
            "{error}"
        );
    }
}
