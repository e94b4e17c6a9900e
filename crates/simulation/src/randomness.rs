//! The one source of chance of a simulated world: a seeded SplitMix64, so that a seed is a run and nothing of the
//! machine gets in. Owns no decision; `swarm` and `world` draw from it.

/// A pseudo-random number generator, seeded once.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
    /// Nothing is left to chance: the middle of every range, the likelier of two.
    steady: bool,
}

impl Random {
    /// Two seeds that differ give unrelated sequences; `stream` keeps several uses of one seed apart.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self {
            state: seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03),
            steady: false,
        };
        random.next();
        random
    }

    /// One that leaves nothing to chance: for explorers that vary by themselves what they want to vary.
    pub(crate) fn steady() -> Self {
        Self {
            state: 0,
            steady: true,
        }
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "nothing lies below 0");
        if self.steady {
            return bound / 2;
        }
        let wide = (u128::from(self.next()) * u128::from(bound)) >> 64;
        u64::try_from(wide).expect("a product shifted by 64 bits is below its factor")
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True `per_mille` times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        if self.steady {
            return per_mille > 500;
        }
        self.below(1000) < per_mille
    }

    /// One of them; `choices` must not be empty.
    pub(crate) fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        let index = self.index(choices.len());
        choices[index].clone()
    }

    /// An index below `length`, which must not be 0.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let below = self.below(length as u64);
        usize::try_from(below).expect("below a length")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_sequence_again_and_streams_differ() {
        let draw = |seed, stream| {
            let mut random = Random::new(seed, stream);
            (0..4).map(|_| random.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        assert_ne!(draw(7, 1), draw(8, 1));
    }
}
