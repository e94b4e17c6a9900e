//! How far a host's clock is from the SCS's, measured on the beats of its link. Owns no time-out.

use changeover_model::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// Samples that are kept; the one with the shortest round trip is believed.
const SAMPLES: usize = 8;

/// Offset of one link.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkClock {
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Host's clock minus SCS's, microseconds.
    offset: i64,
    round_trip: Duration,
}

impl LinkClock {
    /// A beat left at `sent`, was answered by the host at `answered` (its clock) and came back at `received`.
    pub(crate) fn measured(&mut self, sent: Timestamp, answered: Timestamp, received: Timestamp) {
        let round_trip = received.since(sent);
        let middle = sent + round_trip / 2;
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            offset: answered.minus(middle),
            round_trip,
        });
    }

    /// A new process counts its time anew.
    pub(crate) fn forget(&mut self) {
        self.samples.clear();
    }

    fn best(&self) -> Option<Sample> {
        self.samples
            .iter()
            .min_by_key(|sample| sample.round_trip)
            .copied()
    }

    /// Host's clock minus the SCS's, microseconds.
    pub(crate) fn offset(&self) -> Option<i64> {
        self.best().map(|sample| sample.offset)
    }

    /// The latest round trip, microseconds.
    pub(crate) fn round_trip(&self) -> Option<u64> {
        self.samples
            .back()
            .map(|sample| u64::try_from(sample.round_trip.as_micros()).unwrap_or(u64::MAX))
    }

    /// How wrong the offset may be.
    pub(crate) fn uncertainty(&self) -> Duration {
        self.best()
            .map_or(Duration::ZERO, |sample| sample.round_trip / 2)
    }

    /// A time of the host on the SCS's clock, never later than `now`. Without a measurement the arrival itself
    /// is all that is known.
    pub(crate) fn to_scs(&self, at: Timestamp, now: Timestamp) -> Timestamp {
        self.best().map_or(now, |sample| {
            at.shifted(sample.offset.saturating_neg()).min(now)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beat_with_the_shortest_round_trip_sets_the_offset() {
        let mut clock = LinkClock::default();
        assert_eq!(clock.to_scs(Timestamp(5), Timestamp(900)), Timestamp(900));
        clock.measured(Timestamp(1_000), Timestamp(5_900), Timestamp(1_800));
        clock.measured(Timestamp(2_000), Timestamp(6_050), Timestamp(2_100));
        assert_eq!(clock.offset(), Some(4_000));
        assert_eq!(
            clock.to_scs(Timestamp(6_200), Timestamp(9_000)),
            Timestamp(2_200)
        );
        assert_eq!(clock.uncertainty(), Duration::from_micros(50));
        assert_eq!(clock.round_trip(), Some(100));
    }
}
