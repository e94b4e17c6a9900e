//! Owns percentiles of a few hundred measured times. Pure.

use serde::Serialize;

/// What a list of times looks like, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) number: usize,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of these; zeros if there are none.
    pub(crate) fn of(times: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = times.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            // The smallest one that is not exceeded by that many of a hundred.
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).copied().unwrap_or_default()
        };
        Self {
            number: sorted.len(),
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: sorted.last().copied().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let spread = Spread::of((1..=200).rev().map(f64::from));
        let expected = Spread {
            number: 200,
            p50: 100.0,
            p90: 180.0,
            p99: 198.0,
            max: 200.0,
        };
        assert_eq!(spread, expected);
        let one = Spread::of([7.5]);
        assert_eq!((one.p50, one.p99, one.max), (7.5, 7.5, 7.5));
        assert_eq!(Spread::of([]), Spread::default());
    }
}
