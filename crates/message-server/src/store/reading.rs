//! Owns queries of stored events. A reader has a connection of its own and reads page by page beside the
//! writer, so that a large answer costs neither memory nor anybody's time.

use super::{StoreError, rows};
use changeover_model::message::{LogQuery, LogRecord};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params_from_iter};
use std::path::Path;

/// Most records of one page.
const PAGE: usize = 500;
/// How many records of the past when the query does not say.
const DEFAULT_LIMIT: u32 = 1_000;

/// A query under way.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Connection,
    filter: String,
    values: Vec<Value>,
    /// The next page begins here.
    from: i64,
    /// The last position of the stored part; everything later is the live part's.
    up_to: i64,
}

/// True if an event is among those that a query wants.
pub(crate) fn wanted(query: &LogQuery, record: &LogRecord) -> bool {
    let event = &record.event;
    query
        .application
        .as_ref()
        .is_none_or(|it| *it == event.application)
        && query.id.is_none_or(|id| id == event.id)
        && query.level.is_none_or(|level| level <= event.level)
        && query.since.is_none_or(|since| since <= record.received_at)
}

impl Reader {
    /// Fixes what the stored part of the answer is: the newest `limit` of what is in the log now.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub(crate) fn open(path: &Path, query: &LogQuery) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        let (filter, values) = filter(query);
        let up_to: Option<i64> =
            connection.query_row("SELECT max(position) FROM log", [], |row| row.get(0))?;
        let limit = if query.limit == 0 {
            DEFAULT_LIMIT
        } else {
            query.limit
        };
        let oldest: Option<i64> = connection
            .query_row(
                &format!(
                    "SELECT position FROM log WHERE {filter} ORDER BY position DESC LIMIT 1 OFFSET {}",
                    limit - 1
                ),
                params_from_iter(&values),
                |row| row.get(0),
            )
            .optional()?;
        Ok(Self {
            connection,
            filter,
            values,
            from: oldest.unwrap_or(0),
            up_to: up_to.unwrap_or(0),
        })
    }

    /// The last position of the stored part.
    pub(crate) fn up_to(&self) -> u64 {
        self.up_to.cast_unsigned()
    }

    /// The next records, oldest first; empty at the end.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub(crate) fn next_page(&mut self) -> Result<Vec<LogRecord>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {} FROM log WHERE {} AND position BETWEEN {} AND {} ORDER BY position LIMIT {PAGE}",
            rows::COLUMNS,
            self.filter,
            self.from,
            self.up_to
        ))?;
        let page: Vec<LogRecord> = statement
            .query_map(params_from_iter(&self.values), rows::record)?
            .collect::<Result<_, _>>()?;
        if let Some(last) = page.last() {
            self.from = last.position.cast_signed() + 1;
        }
        Ok(page)
    }
}

fn filter(query: &LogQuery) -> (String, Vec<Value>) {
    let mut terms = vec!["true".to_owned()];
    let mut values = Vec::new();
    let mut term = |text: &str, value: Value| {
        values.push(value);
        terms.push(format!("{text} ?{}", values.len()));
    };
    if let Some(application) = &query.application {
        let name = application.as_str().to_owned();
        term("application =", Value::Text(name));
    }
    if let Some(id) = query.id {
        term("id =", Value::Integer(i64::from(id.0)));
    }
    if let Some(level) = query.level {
        term("level >=", Value::Integer(rows::level_number(level)));
    }
    if let Some(since) = query.since {
        term("received_at >=", Value::Integer(rows::micros(since)));
    }
    (terms.join(" AND "), values)
}
