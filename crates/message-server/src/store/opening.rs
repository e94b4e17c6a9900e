//! Owns the way from a file to a usable database: the lock against a second Message Server, the check for
//! damage after an unclean end, the move aside, the migration, and reading what the core must know. A damaged
//! database is never deleted: it keeps its content under a name that tells when it was found.

use super::{FILE, StoreError, is_damage, rows, schema};
use changeover_message_server_core::Recovered;
use changeover_model::message::SourceId;
use rusqlite::{Connection, OptionalExtension as _};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Most events that wait for conditions over a restart; the core has the same bound.
const UNMATCHED: u32 = 10_000;

/// An open database, and what it held.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The writer's connection.
    pub(super) connection: Connection,
    /// Held as long as the database is used.
    pub(super) lock: File,
    /// The database file.
    pub(super) path: PathBuf,
    /// For the core.
    pub(crate) recovered: Recovered,
}

/// Opens the log database of a state folder, which must exist.
///
/// # Errors
/// [`StoreError`]; a damaged database is no error but a note in [`Recovered`].
pub(crate) fn open(state_dir: &Path) -> Result<Opened, StoreError> {
    let lock = lock(state_dir)?;
    let path = state_dir.join(FILE);
    let mut notes = Vec::new();
    let (connection, recovered) = match try_open(&path) {
        Err(Trouble::Damaged(reason)) => {
            notes.push(move_aside(&path, &reason)?);
            try_open(&path).map_err(|trouble| trouble.into_error(&path))?
        }
        other => other.map_err(|trouble| trouble.into_error(&path))?,
    };
    let mut opened = Opened {
        connection,
        lock,
        path,
        recovered,
    };
    opened.recovered.notes.extend(notes);
    Ok(opened)
}

enum Trouble {
    /// The file is no sound database.
    Damaged(String),
    Error(StoreError),
    Sqlite(&'static str, rusqlite::Error),
}

impl Trouble {
    fn of(operation: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |error| {
            if is_damage(&error) {
                Self::Damaged(error.to_string())
            } else {
                Self::Sqlite(operation, error)
            }
        }
    }

    fn into_error(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Error(error) => error,
            Self::Sqlite(operation, source) => StoreError::Open {
                operation,
                path,
                source,
            },
            Self::Damaged(reason) => StoreError::File {
                operation: "begin anew with",
                path,
                source: std::io::Error::other(reason),
            },
        }
    }
}

fn lock(state_dir: &Path) -> Result<File, StoreError> {
    let path = state_dir.join("log.lock");
    let failed = |operation| {
        let path = path.clone();
        move |source| StoreError::File {
            operation,
            path,
            source,
        }
    };
    let file = File::create(&path).map_err(failed("make"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
        Err(TryLockError::Error(source)) => Err(failed("lock")(source)),
    }
}

fn try_open(path: &Path) -> Result<(Connection, Recovered), Trouble> {
    let mut connection = Connection::open(path).map_err(Trouble::of("open"))?;
    set_up(&connection).map_err(Trouble::of("set up"))?;
    let found = schema::version_of(&connection).map_err(Trouble::of("read the version of"))?;
    if found > schema::version() {
        return Err(Trouble::Error(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: schema::version(),
        }));
    }
    schema::migrate(&mut connection).map_err(Trouble::of("bring up to date"))?;
    check(&connection)?;
    let recovered = recovered(&connection).map_err(Trouble::of("read"))?;
    connection
        .execute("UPDATE numbers SET value = 0 WHERE name = 'clean'", [])
        .map_err(Trouble::of("write"))?;
    Ok((connection, recovered))
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    // Before the first table, so that deleted events give their pages back bit by bit.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // With NORMAL the last commits would not survive a power loss, and they were acknowledged.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)
}

/// After an unclean end the whole file is looked at; a clean one is trusted, for the sake of a quick start.
fn check(connection: &Connection) -> Result<(), Trouble> {
    let clean = number(connection, "clean").map_err(Trouble::of("read"))?;
    if clean == 1 {
        return Ok(());
    }
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(Trouble::of("check"))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(Trouble::Damaged(verdict))
}

fn number(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection
        .query_row("SELECT value FROM numbers WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()
        .map(Option::unwrap_or_default)
}

fn recovered(connection: &Connection) -> rusqlite::Result<Recovered> {
    let mut recovered = Recovered {
        highest_position: number(connection, "highest_position")?.cast_unsigned(),
        ..Recovered::default()
    };
    let mut sources =
        connection.prepare("SELECT source, high_water FROM sources ORDER BY heard_at, source")?;
    let source = |row: &rusqlite::Row<'_>| {
        let name: String = row.get(0)?;
        Ok((SourceId(name.into()), row.get::<_, i64>(1)?.cast_unsigned()))
    };
    recovered.high_water = sources.query_map([], source)?.collect::<Result<_, _>>()?;

    let mut detections = connection.prepare("SELECT detected FROM detections ORDER BY number")?;
    let texts = detections.query_map([], |row| row.get::<_, String>(0))?;
    for text in texts {
        match serde_json::from_str(&text?) {
            Ok(detected) => recovered.unacknowledged.push(detected),
            Err(error) => recovered
                .notes
                .push(format!("a kept alarm cannot be read: {error}")),
        }
    }

    let mut unmatched = connection.prepare(&format!(
        "SELECT {} FROM log WHERE unmatched ORDER BY position DESC LIMIT {UNMATCHED}",
        rows::COLUMNS
    ))?;
    recovered.unmatched = unmatched
        .query_map([], rows::record)?
        .collect::<Result<_, _>>()?;
    recovered.unmatched.reverse();

    let slice: Option<String> = connection
        .query_row("SELECT slice FROM slice", [], |row| row.get(0))
        .optional()?;
    match slice.as_deref().map(serde_json::from_str).transpose() {
        Ok(slice) => recovered.slice = slice,
        Err(error) => recovered.notes.push(format!(
            "the kept Alarm Conditions cannot be read ({error}); events wait for the SCS to send them"
        )),
    }
    Ok(recovered)
}

/// Renames a damaged database with its side files; what is to be told about it.
fn move_aside(path: &Path, reason: &str) -> Result<String, StoreError> {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let with = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let kept = with(path, &format!(".damaged-{seconds}"));
    for suffix in ["", "-wal", "-shm"] {
        let from = with(path, suffix);
        match std::fs::rename(&from, with(&kept, suffix)) {
            Ok(()) => {}
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(StoreError::File {
                    operation: "move aside",
                    path: from,
                    source,
                });
            }
        }
    }
    Ok(format!(
        "the log database was damaged ({reason}): it is kept as {}, and an empty log was begun; events that senders still have will be stored again, older ones are in the kept file only",
        kept.display()
    ))
}
