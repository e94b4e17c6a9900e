//! Pauses between attempts: doubling up to a bound, each shortened by chance so that many links do not dial in
//! step after a common loss.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// Pause after the first failure, and the shortest of all.
const FIRST: Duration = Duration::from_millis(10);

pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(super) fn new(longest: Duration) -> Self {
        Self {
            next: FIRST.min(longest),
            longest,
        }
    }

    pub(super) fn reset(&mut self) {
        self.next = FIRST.min(self.longest);
    }

    /// The pause before the next attempt: between half of the present bound and all of it.
    pub(super) fn pause(&mut self) -> Duration {
        let bound = self.next;
        self.next = (bound * 2).min(self.longest);
        let half = bound / 2;
        half + half.mul_f64(chance())
    }
}

/// A number between 0 and 1 from the randomness that the standard library seeds its hashers with.
fn chance() -> f64 {
    let bits = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(u32::MAX);
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_bound_and_start_small_again_after_a_reset() {
        let mut backoff = Backoff::new(Duration::from_millis(250));
        for bound in [10, 20, 40, 80, 160, 250, 250] {
            let bound = Duration::from_millis(bound);
            let pause = backoff.pause();
            assert!(
                bound / 2 <= pause && pause <= bound,
                "{pause:?} of {bound:?}"
            );
        }
        backoff.reset();
        assert!(backoff.pause() <= Duration::from_millis(10));
    }
}
