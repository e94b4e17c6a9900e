//! Time as the cores see it: a number of microseconds handed in by whoever drives them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// Microseconds since the Unix epoch, as the component's driver counts them: the wall clock read once at
/// its start plus monotonic time since. It never goes back within a process; between processes it differs
/// by the offset that links measure.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time that has passed since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Signed difference in microseconds, `self - other`; saturates at the ends of i64.
    pub fn minus(self, other: Timestamp) -> i64 {
        let difference = i128::from(self.0) - i128::from(other.0);
        i64::try_from(difference).unwrap_or(if difference > 0 { i64::MAX } else { i64::MIN })
    }

    /// Moved by a signed number of microseconds; saturates.
    #[must_use]
    pub fn shifted(self, by_micros: i64) -> Timestamp {
        Timestamp(self.0.saturating_add_signed(by_micros))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(micros(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;
    fn sub(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(micros(duration)))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// Why a duration text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationText {
    /// No unit was written.
    #[error("'{0}' has no unit: write it as 500ms, 8s, 5m, 2h or 7d")]
    NoUnit(String),
    /// Not a number, or an unknown unit.
    #[error("'{0}' is no duration: write a number and one of us, ms, s, m, h, d, as in 500ms")]
    Unreadable(String),
}

/// Reads `1.5s`, `500ms`, `250us`, `10m`, `48h`, `7d`. The unit is always written (BEHAVIOUR, Words that
/// stand for time); a bare `0` is accepted, since it has none to lose.
pub fn parse_duration(text: &str) -> Result<Duration, DurationText> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let split = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .ok_or_else(|| {
            if text.parse::<f64>().is_ok() {
                DurationText::NoUnit(text.to_owned())
            } else {
                DurationText::Unreadable(text.to_owned())
            }
        })?;
    let (number, unit) = text.split_at(split);
    let unreadable = || DurationText::Unreadable(text.to_owned());
    let scale: f64 = match unit.trim() {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(unreadable()),
    };
    let value: f64 = number.parse().map_err(|_| unreadable())?;
    let rounded = (value * scale * 1e6).round() / 1e6;
    if rounded > 1e9 {
        return Err(unreadable());
    }
    Duration::try_from_secs_f64(rounded).map_err(|_| unreadable())
}

/// Writes a duration as [`parse_duration`] reads it, with the largest unit that keeps it whole.
pub fn show_duration(duration: Duration) -> String {
    let micros = duration.as_micros();
    if micros == 0 {
        return "0s".to_owned();
    }
    for (unit, size) in [
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1_000),
    ] {
        if micros.is_multiple_of(size) {
            return format!("{}{unit}", micros / size);
        }
    }
    if micros > 1_000_000 && micros.is_multiple_of(100_000) {
        return format!("{}.{}s", micros / 1_000_000, micros % 1_000_000 / 100_000);
    }
    format!("{micros}us")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_back_as_they_are_written() {
        for (text, micros) in [
            ("500ms", 500_000),
            ("1.5s", 1_500_000),
            ("8s", 8_000_000),
            ("10m", 600_000_000),
            ("1h", 3_600_000_000),
            ("7d", 604_800_000_000),
            ("250us", 250),
        ] {
            let duration = parse_duration(text).expect("a documented form");
            assert_eq!(duration, Duration::from_micros(micros), "{text}");
            assert_eq!(
                parse_duration(&show_duration(duration)),
                Ok(duration),
                "{text}"
            );
        }
    }

    #[test]
    fn a_bare_number_is_refused_because_nobody_can_tell_its_unit() {
        assert_eq!(parse_duration("1"), Err(DurationText::NoUnit("1".into())));
        assert_eq!(
            parse_duration("5 bananas"),
            Err(DurationText::Unreadable("5 bananas".into()))
        );
        assert_eq!(
            parse_duration(""),
            Err(DurationText::Unreadable(String::new()))
        );
        assert_eq!(
            parse_duration("..s"),
            Err(DurationText::Unreadable("..s".into()))
        );
        assert_eq!(
            parse_duration("99999999999999999d"),
            Err(DurationText::Unreadable("99999999999999999d".into()))
        );
    }
}
