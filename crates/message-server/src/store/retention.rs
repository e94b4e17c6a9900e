//! Owns the deletion of old events, a bounded number at a time so that new ones never wait long. Events that
//! still wait for conditions stay; their number is bounded elsewhere.

use super::rows;
use changeover_model::Timestamp;
use rusqlite::{Connection, params};

/// Most events deleted at once.
const SOME: u32 = 2_000;
/// Most pages given back to the file system at once.
const PAGES: u32 = 1_000;

/// Deletes some of the oldest events: those received before a time, and as many as it takes to stay within
/// `max_bytes`. How many, and true if there is more to delete.
pub(super) fn delete_some(
    connection: &mut Connection,
    before: Timestamp,
    max_bytes: u64,
) -> rusqlite::Result<(u64, bool)> {
    let too_old = connection
        .prepare_cached(
            "DELETE FROM log WHERE position IN
               (SELECT position FROM log WHERE received_at < ?1 AND NOT unmatched ORDER BY received_at LIMIT ?2)",
        )?
        .execute(params![rows::micros(before), SOME])?;
    let mut too_many = 0;
    if used_bytes(connection)? > max_bytes {
        too_many = connection
            .prepare_cached(
                "DELETE FROM log WHERE position IN
                   (SELECT position FROM log WHERE NOT unmatched ORDER BY position LIMIT ?1)",
            )?
            .execute([SOME])?;
    }
    let mut vacuum = connection.prepare_cached(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    let full = |deleted: usize| u32::try_from(deleted).is_ok_and(|deleted| deleted == SOME);
    let deleted = u64::try_from(too_old + too_many).unwrap_or(u64::MAX);
    Ok((deleted, full(too_old) || full(too_many)))
}

fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |pragma: &str| {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, u32>(0))
    };
    let pages = number("page_count")?.saturating_sub(number("freelist_count")?);
    Ok(u64::from(pages) * u64::from(number("page_size")?))
}
