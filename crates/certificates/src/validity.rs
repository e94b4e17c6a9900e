//! From when until when something is valid.

use std::time::{Duration, SystemTime};
use time::OffsetDateTime;

/// A machine whose clock is behind by no more than this accepts a certificate that was issued just now.
const ALLOWANCE: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// First and last moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Not before.
    pub from: SystemTime,
    /// Not after.
    pub until: SystemTime,
}

impl Validity {
    /// From now (less an hour, for clocks that are behind) for this many days.
    #[must_use]
    pub fn days(days: u32) -> Self {
        let now = SystemTime::now();
        Self {
            from: now - ALLOWANCE,
            until: now + DAY * days,
        }
    }

    /// One that ended a day ago: for tests of what is said then.
    #[must_use]
    pub fn over() -> Self {
        let now = SystemTime::now();
        Self {
            from: now - DAY * 2,
            until: now - DAY,
        }
    }
}

/// A moment's day in UTC, as `2026-11-23`.
#[must_use]
pub fn day(moment: SystemTime) -> String {
    OffsetDateTime::from(moment).date().to_string()
}
