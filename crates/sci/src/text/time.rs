//! Times as an operator reads them: of today by the clock, of the last days with the weekday, else the date.

use changeover_model::Timestamp;
use jiff::{Zoned, tz::TimeZone};

fn zoned(at: Timestamp) -> Option<Zoned> {
    let micros = i64::try_from(at.0).ok()?;
    Some(
        jiff::Timestamp::from_microsecond(micros)
            .ok()?
            .to_zoned(TimeZone::system()),
    )
}

/// `14:02:11`, `Tue 09:14`, `2026-03-01 09:14`.
pub(crate) fn moment(at: Timestamp, now: Timestamp) -> String {
    let (Some(at), Some(now)) = (zoned(at), zoned(now)) else {
        return "?".to_owned();
    };
    let format = if at.date() == now.date() {
        "%H:%M:%S"
    } else if now.timestamp().as_second() - at.timestamp().as_second() < 6 * 86_400 {
        "%a %H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    at.strftime(format).to_string()
}

/// With date and milliseconds, for logs.
pub(crate) fn exact(at: Timestamp) -> String {
    zoned(at).map_or_else(
        || "?".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
    )
}

/// `12 ms`, `3.4 s`, `5 min`, `2 h`.
pub(crate) fn span(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..5_400_000 => format!("{} min", millis / 60_000),
        _ => format!("{} h", millis / 3_600_000),
    }
}
