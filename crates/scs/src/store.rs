//! The SCS's memory: one SQLite database of keys and values, written by one thread that commits whatever is
//! queued whenever it is free. What is kept, and under which key, scs-core decides (`StoreChange`).

use crate::metrics::STORE;
use changeover_component::Handle;
use changeover_metrics::StoreMetrics;
use changeover_model::Ticket;
use changeover_scs_core::{ScsCore, ScsInput, StoreChange, StoredState};
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Name of the database in the state folder.
pub(crate) const FILE: &str = "scs.db";
/// Version of its schema, in SQLite's `user_version`.
const VERSION: i64 = 1;
/// Most transactions that may wait for the disk.
const QUEUE: usize = 4_096;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Written by a newer release.
    #[error("{} has schema version {found}, this release knows up to {VERSION}; install the newer release again, or move the file away to start anew (epochs are then taken from the LCAs)", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// It cannot be opened or read.
    #[error("cannot use {}: {source}", path.display())]
    Unusable {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A damaged database cannot be moved out of the way.
    #[error("{} is damaged and cannot be moved aside: {source}", path.display())]
    Stuck {
        /// The database.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// An open store and what it held.
pub(crate) struct Opened {
    connection: Connection,
    pub(crate) state: StoredState,
    /// What an operator must know of the opening.
    pub(crate) notes: Vec<String>,
}

/// Opens the store. A damaged database is moved aside by name; what it held comes back from the LCAs (epochs,
/// run modes) and from the Message Server (unacknowledged alarms).
///
/// # Errors
/// See [`StoreError`].
pub(crate) fn open(state_dir: &Path) -> Result<Opened, StoreError> {
    let path = state_dir.join(FILE);
    match open_database(&path) {
        Err(StoreError::Unusable { source, .. }) if is_damage(&source) => {
            let stamp = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs();
            let aside = state_dir.join(format!("{FILE}.damaged-{stamp}"));
            for suffix in ["", "-wal", "-shm"] {
                let from = state_dir.join(format!("{FILE}{suffix}"));
                if from.exists() {
                    std::fs::rename(
                        &from,
                        state_dir.join(format!("{FILE}.damaged-{stamp}{suffix}")),
                    )
                    .map_err(|source| StoreError::Stuck { path: from, source })?;
                }
            }
            let mut opened = open_database(&path)?;
            opened.notes.push(format!(
                "the database was damaged ({source}) and is kept as {}; a new one was begun, epochs are taken from the LCAs",
                aside.display()
            ));
            Ok(opened)
        }
        other => other,
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}

fn open_database(path: &Path) -> Result<Opened, StoreError> {
    let unusable = |source| StoreError::Unusable {
        path: path.to_owned(),
        source,
    };
    let mut connection = Connection::open(path).map_err(unusable)?;
    connection
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=2000;",
        )
        .map_err(unusable)?;
    let damaged: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(unusable)?;
    if damaged != "ok" {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(unusable(rusqlite::Error::SqliteFailure(
            code,
            Some(damaged),
        )));
    }
    let found: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(unusable)?;
    if found > VERSION {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
        });
    }
    if found < VERSION {
        migrate(&mut connection).map_err(unusable)?;
    }
    let (state, notes) = read(&connection).map_err(unusable)?;
    Ok(Opened {
        connection,
        state,
        notes,
    })
}

/// Brings an empty database to the current schema, in one transaction.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let change = connection.transaction()?;
    change.execute_batch(
        "CREATE TABLE kept (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
    )?;
    change.pragma_update(None, "user_version", VERSION)?;
    change.commit()
}

fn read(connection: &Connection) -> rusqlite::Result<(StoredState, Vec<String>)> {
    let mut state = StoredState::default();
    let mut notes = Vec::new();
    let mut query = connection.prepare("SELECT key, value FROM kept ORDER BY key")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (key, value): (String, String) = (row.get(0)?, row.get(1)?);
        match serde_json::from_str::<StoreChange>(&value) {
            Ok(change) => state.apply(change),
            Err(error) => notes.push(format!(
                "what is kept as {key} cannot be read and is left out: {error}"
            )),
        }
    }
    Ok((state, notes))
}

/// The way to the writer.
pub(crate) struct Store {
    queue: mpsc::SyncSender<(Ticket, Vec<StoreChange>)>,
    metrics: StoreMetrics,
}

/// The writer before it has started: the core's handle exists only after the effects do.
pub(crate) struct Writer {
    queue: mpsc::SyncSender<(Ticket, Vec<StoreChange>)>,
    work: mpsc::Receiver<(Ticket, Vec<StoreChange>)>,
    metrics: StoreMetrics,
}

impl Writer {
    pub(crate) fn new(metrics: StoreMetrics) -> Self {
        let (queue, work) = mpsc::sync_channel(QUEUE);
        Self {
            queue,
            work,
            metrics,
        }
    }

    /// The way to it.
    pub(crate) fn store(&self) -> Store {
        Store {
            queue: self.queue.clone(),
            metrics: self.metrics.clone(),
        }
    }

    /// Starts its thread. It ends when every [`Store`] is gone, after everything queued is written.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start(self, opened: Opened, handle: Handle<ScsCore>) -> std::io::Result<()> {
        let Self {
            queue,
            work,
            metrics,
        } = self;
        drop(queue);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || write_all(opened.connection, &work, &handle, &metrics))?;
        Ok(())
    }
}

impl Store {
    /// Queues one transaction.
    pub(crate) fn keep(&self, ticket: Ticket, changes: Vec<StoreChange>, handle: &Handle<ScsCore>) {
        self.metrics.queued(STORE);
        if self.queue.try_send((ticket, changes)).is_err() {
            let failed = ScsInput::PersistFailed {
                ticket,
                reason: "the disk does not keep up".to_owned(),
            };
            self.metrics.wrote(STORE, 1, Duration::ZERO, false);
            if !handle.try_input(failed) {
                tracing::error!("the disk does not keep up, and neither does the SCS");
            }
        }
    }
}

/// Commits whatever is queued in one transaction; a failure is that of every ticket in it.
fn write_all(
    mut connection: Connection,
    work: &mpsc::Receiver<(Ticket, Vec<StoreChange>)>,
    handle: &Handle<ScsCore>,
    metrics: &StoreMetrics,
) {
    while let Ok(first) = work.recv() {
        let batch: Vec<_> = std::iter::once(first)
            .chain(work.try_iter().take(QUEUE))
            .collect();
        let began = Instant::now();
        let written = write(
            &mut connection,
            batch.iter().flat_map(|(_, changes)| changes),
        );
        metrics.wrote(STORE, batch.len(), began.elapsed(), written.is_ok());
        if let Err(error) = &written {
            tracing::error!(%error, "the database cannot be written");
        }
        for (ticket, _) in batch {
            let input = match &written {
                Ok(()) => ScsInput::Persisted(ticket),
                Err(error) => ScsInput::PersistFailed {
                    ticket,
                    reason: error.to_string(),
                },
            };
            if !handle.try_input(input) {
                tracing::error!(
                    "an answer of the store is lost: the SCS is overloaded or stopping"
                );
            }
        }
    }
}

fn write<'a>(
    connection: &mut Connection,
    changes: impl Iterator<Item = &'a StoreChange>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut put = transaction.prepare_cached(
            "INSERT INTO kept (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?;
        let mut delete = transaction.prepare_cached("DELETE FROM kept WHERE key = ?1")?;
        for change in changes {
            if change.deletes() {
                delete.execute([change.key()])?;
            } else {
                let value = serde_json::to_string(change)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
                put.execute(params![change.key(), value])?;
            }
        }
    }
    transaction.commit()
}

#[cfg(test)]
mod crash_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use changeover_model::{Epoch, PairName};
    use changeover_scs_core::StoredPair;

    fn epoch(of: u64) -> StoreChange {
        StoreChange::Pair(
            PairName::from("SIP_EAST"),
            StoredPair {
                epoch: Epoch(of),
                ..StoredPair::default()
            },
        )
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder can be made")
    }

    #[test]
    fn the_last_write_of_a_key_is_what_a_restart_finds() {
        let folder = folder();
        let mut opened = open(folder.path()).expect("a new store");
        write(&mut opened.connection, [epoch(3), epoch(4)].iter()).expect("it is written");
        drop(opened);
        let opened = open(folder.path()).expect("the same store");
        assert_eq!(
            opened.state.pairs[&PairName::from("SIP_EAST")].epoch,
            Epoch(4)
        );
        assert_eq!(opened.notes, Vec::<String>::new());
    }

    #[test]
    fn a_damaged_database_is_kept_by_name_and_a_new_one_begun() {
        let folder = folder();
        std::fs::write(folder.path().join(FILE), vec![b'x'; 8_192]).expect("writable");
        let opened = open(folder.path()).expect("a new store is begun");
        assert!(opened.state.pairs.is_empty());
        assert_eq!(opened.notes.len(), 1, "{:?}", opened.notes);
        let kept = std::fs::read_dir(folder.path())
            .expect("readable")
            .filter(|entry| {
                entry
                    .as_ref()
                    .is_ok_and(|entry| entry.file_name().to_string_lossy().contains("damaged"))
            })
            .count();
        assert_eq!(kept, 1);
    }

    #[test]
    fn a_newer_database_is_refused_by_name() {
        let folder = folder();
        let opened = open(folder.path()).expect("a new store");
        opened
            .connection
            .pragma_update(None, "user_version", 7)
            .expect("writable");
        drop(opened);
        let Err(error) = open(folder.path()) else {
            panic!("a newer store was opened")
        };
        assert!(
            matches!(error, StoreError::Newer { found: 7, .. }),
            "{error}"
        );
    }
}
