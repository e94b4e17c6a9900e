//! Owns the one time scale of a rehearsal: CLOCK_MONOTONIC in nanoseconds, which every process of the machine
//! shares. What components report in their own clocks is converted where it arrives (`operator.rs`).

use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::Duration;

/// A moment on this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub(crate) u64);

impl Moment {
    /// Now.
    pub fn now() -> Self {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
        let seconds = u64::try_from(tv_sec).unwrap_or(0);
        Self(seconds * 1_000_000_000 + u64::try_from(tv_nsec).unwrap_or(0))
    }

    /// Milliseconds from `start` to here; negative when this was earlier.
    pub fn ms_since(self, start: Moment) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "differences within one run are far below 2^53 ns"
        )]
        let difference = (i128::from(self.0) - i128::from(start.0)) as f64;
        difference / 1e6
    }

    /// Time from `start` to here; zero when this was earlier.
    pub fn since(self, start: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(start.0))
    }

    /// Later by a duration.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// The form in which the kernel takes a deadline.
    pub(crate) fn timespec(self) -> Timespec {
        Timespec {
            tv_sec: i64::try_from(self.0 / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(self.0 % 1_000_000_000).unwrap_or(0),
        }
    }
}

/// A duration in milliseconds with fractions.
pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
