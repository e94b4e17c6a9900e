//! Owns the numbers that `ping` and `arping` take for counts and times, in seconds with or without fraction.

use std::time::Duration;

/// The longest time that is taken seriously.
const LONGEST: f64 = 86_400.0;

/// Seconds such as `2` or `0.2`; `None` for anything else.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    (0.0..=LONGEST)
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

/// A count of at least one.
pub(crate) fn count(text: &str) -> Option<u64> {
    text.parse().ok().filter(|count| *count > 0)
}

/// Milliseconds with three decimals, as both commands print times.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1000.0)
}
