//! The one clock of a process: wall time read once, monotonic time since.

use changeover_model::Timestamp;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Counts [`Timestamp`]s. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    wall_at_start: Timestamp,
}

impl Clock {
    /// Reads the wall clock now and never again, so time does not jump when somebody sets it.
    pub fn start() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            wall_at_start: Timestamp(u64::try_from(wall.as_micros()).unwrap_or(u64::MAX)),
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.wall_at_start + self.started.elapsed()
    }

    /// The instant that [`Clock::now`] will show as `at`; now if that has passed.
    pub fn instant(&self, at: Timestamp) -> Instant {
        self.started
            + at.since(self.wall_at_start)
                .min(Duration::from_secs(10 * 365 * 86_400))
    }
}
