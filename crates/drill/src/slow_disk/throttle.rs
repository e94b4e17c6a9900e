//! Owns how slow a disk is: while it is, every write and every request to have it on disk waits for a random, bounded time,
//! and not a moment longer than the disk is slow. Counts them.

use crate::schedule::Random;
use changeover_rehearsal::Moment;
use serde::{Deserialize, Serialize};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A write waits so long, milliseconds: at least and at most.
const WRITE: [u64; 2] = [1, 30];
/// A request to have everything on disk (fsync) waits so long, as on a disk that is shared with a backup.
const SYNC: [u64; 2] = [50, 800];

/// What is asked of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Write,
    Sync,
}

/// What a slow disk has held up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Slowed {
    /// So many writes.
    pub(crate) writes: u64,
    /// So many requests to have what was written on disk.
    pub(crate) syncs: u64,
    /// Milliseconds.
    pub(crate) longest_ms: f64,
}

/// The speed of one disk.
pub(crate) struct Throttle {
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    random: Random,
    is_slow: bool,
    slowed: Slowed,
    /// When those began that still wait.
    waiting: Vec<Moment>,
}

impl Throttle {
    /// As fast as what lies below.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: Mutex::new(State {
                random: Random::of(seed),
                is_slow: false,
                slowed: Slowed::default(),
                waiting: Vec::new(),
            }),
            ended: Condvar::new(),
        }
    }

    /// From now on the disk is slow.
    pub(crate) fn begin(&self) {
        let mut state = self.state();
        state.is_slow = true;
        state.slowed = Slowed::default();
    }

    /// The disk is fast again, also for what waits now. What it held up, that included.
    pub(crate) fn end(&self) -> Slowed {
        let mut state = self.state();
        state.is_slow = false;
        self.ended.notify_all();
        let now = Moment::now();
        let waiting = state.waiting.iter().map(|began| now.ms_since(*began));
        let longest = waiting.fold(state.slowed.longest_ms, f64::max);
        state.slowed.longest_ms = longest;
        state.slowed
    }

    /// Waits as long as this work takes on the disk as it is.
    pub(super) fn hold(&self, work: Work) {
        let mut state = self.state();
        if !state.is_slow {
            return;
        }
        let [least, most] = match work {
            Work::Write => WRITE,
            Work::Sync => SYNC,
        };
        match work {
            Work::Write => state.slowed.writes += 1,
            Work::Sync => state.slowed.syncs += 1,
        }
        let time = Duration::from_millis(least + state.random.below(most - least + 1));
        let began = Moment::now();
        let due = began.plus(time);
        state.waiting.push(began);
        while state.is_slow {
            let left = due.since(Moment::now());
            if left.is_zero() {
                break;
            }
            let waited = self.ended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let at = state.waiting.iter().position(|one| *one == began);
        at.map(|at| state.waiting.swap_remove(at));
        let took = Moment::now().ms_since(began);
        state.slowed.longest_ms = state.slowed.longest_ms.max(took);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
