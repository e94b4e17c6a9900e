//! Owns how an event stands in a row of the log table. Numbers without a sign keep their bits in SQLite's
//! signed integers.

use changeover_model::message::{LogEvent, LogOrigin, LogRecord, SourceId};
use changeover_model::{CauseId, Epoch, LogEventId, LogLevel, Timestamp};
use rusqlite::{Row, Statement, params};

/// The columns that [`record`] reads, in its order.
pub(super) const COLUMNS: &str = "position, received_at, source, sequence, application, host, id, level, text, at, epoch, cause, origin";

/// A time as its column has it.
pub(super) fn micros(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// A level as its column has it; they compare like the levels.
pub(super) fn level_number(level: LogLevel) -> i64 {
    match level {
        LogLevel::Debug => 1,
        LogLevel::Trace => 2,
        LogLevel::Interaction => 3,
        LogLevel::Standard => 4,
        LogLevel::Alarm => 5,
    }
}

fn level(number: i64) -> LogLevel {
    match number {
        1 => LogLevel::Debug,
        2 => LogLevel::Trace,
        3 => LogLevel::Interaction,
        5 => LogLevel::Alarm,
        _ => LogLevel::Standard,
    }
}

fn origin_number(origin: LogOrigin) -> i64 {
    match origin {
        LogOrigin::Application => 1,
        LogOrigin::Scs => 2,
        LogOrigin::Operator => 3,
        LogOrigin::OperatorConfirmed => 4,
    }
}

fn origin(number: i64) -> LogOrigin {
    match number {
        2 => LogOrigin::Scs,
        3 => LogOrigin::Operator,
        4 => LogOrigin::OperatorConfirmed,
        _ => LogOrigin::Application,
    }
}

/// Writes a record with a statement made for [`COLUMNS`] and `unmatched`.
pub(super) fn insert(
    statement: &mut Statement<'_>,
    record: &LogRecord,
    unmatched: bool,
) -> rusqlite::Result<()> {
    let event = &record.event;
    statement.execute(params![
        record.position.cast_signed(),
        micros(record.received_at),
        &*event.source.0,
        event.sequence.cast_signed(),
        event.application.as_str(),
        event.host.as_ref().map(|host| host.as_str()),
        i64::from(event.id.0),
        level_number(event.level),
        event.text,
        micros(event.at),
        event.epoch.map(|epoch| epoch.0.cast_signed()),
        event.cause.map(|cause| cause.0.cast_signed()),
        origin_number(event.origin),
        unmatched,
    ])?;
    Ok(())
}

/// Reads a record from a row of [`COLUMNS`].
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<LogRecord> {
    let unsigned = |index: usize| row.get::<_, i64>(index).map(i64::cast_unsigned);
    let optional = |index: usize| {
        row.get::<_, Option<i64>>(index)
            .map(|value| value.map(i64::cast_unsigned))
    };
    let text = |index: usize| row.get::<_, String>(index);
    Ok(LogRecord {
        position: unsigned(0)?,
        received_at: Timestamp(unsigned(1)?),
        event: LogEvent {
            source: SourceId(text(2)?.into()),
            sequence: unsigned(3)?,
            application: text(4)?.into(),
            host: row.get::<_, Option<String>>(5)?.map(Into::into),
            id: LogEventId(row.get(6)?),
            level: level(row.get(7)?),
            text: text(8)?,
            at: Timestamp(unsigned(9)?),
            epoch: optional(10)?.map(Epoch),
            cause: optional(11)?.map(CauseId),
            origin: origin(row.get(12)?),
        },
    })
}
