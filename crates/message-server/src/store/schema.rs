//! Owns the tables of the log database and their versions. A database is brought forward one version after
//! the other inside one transaction; a version from the future is refused by `opening.rs`.

use rusqlite::Connection;

/// The steps, in order; the number of steps is the version that this release writes.
const STEPS: &[&str] = &[
    // 1: the first version.
    "
    CREATE TABLE log (
        position    INTEGER PRIMARY KEY,
        received_at INTEGER NOT NULL,
        source      TEXT    NOT NULL,
        sequence    INTEGER NOT NULL,
        application TEXT    NOT NULL,
        host        TEXT,
        id          INTEGER NOT NULL,
        level       INTEGER NOT NULL,
        text        TEXT    NOT NULL,
        at          INTEGER NOT NULL,
        epoch       INTEGER,
        cause       INTEGER,
        origin      INTEGER NOT NULL,
        unmatched   INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX log_received_at ON log (received_at);
    CREATE INDEX log_application ON log (application, position);
    CREATE INDEX log_id          ON log (id, position);
    CREATE INDEX log_level       ON log (level, position);
    CREATE INDEX log_unmatched   ON log (position) WHERE unmatched;

    -- Alarms that the SCS has not acknowledged, in the order in which they were found.
    CREATE TABLE detections (
        number   INTEGER PRIMARY KEY AUTOINCREMENT,
        source   TEXT    NOT NULL,
        sequence INTEGER NOT NULL,
        detected TEXT    NOT NULL,
        UNIQUE (source, sequence)
    );

    -- How far each sender's events are stored.
    CREATE TABLE sources (
        source     TEXT    PRIMARY KEY,
        high_water INTEGER NOT NULL,
        heard_at   INTEGER NOT NULL
    ) WITHOUT ROWID;

    -- The Alarm Conditions last in force; one row.
    CREATE TABLE slice (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        slice    TEXT    NOT NULL
    );

    -- Single numbers: highest_position (positions are never given twice, also after deletions) and
    -- clean (1 = closed in good order).
    CREATE TABLE numbers (
        name  TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) WITHOUT ROWID;
    INSERT INTO numbers VALUES ('highest_position', 0), ('clean', 1);
    ",
];

/// The version that this release writes.
pub(super) fn version() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The version of a database; 0 = empty.
pub(super) fn version_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a database forward to [`version`], as a whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let found = usize::try_from(version_of(&transaction)?).unwrap_or(0);
    for step in STEPS.iter().skip(found) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", version())?;
    transaction.commit()
}
