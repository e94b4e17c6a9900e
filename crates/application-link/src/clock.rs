//! Owns the application's time: the wall clock read once, plus monotonic time since, so that it never goes
//! back within a process.

use changeover_model::Timestamp;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

/// Now.
pub(crate) fn now() -> Timestamp {
    static START: OnceLock<(Timestamp, Instant)> = OnceLock::new();
    let (wall, monotonic) = START.get_or_init(|| {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        (Timestamp(0) + since, Instant::now())
    });
    *wall + monotonic.elapsed()
}
