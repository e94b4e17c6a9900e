//! Owns how many sites run at the same time: each is a dozen processes, and a machine with two cores must not be the
//! reason why a bound is missed.

use std::sync::{Condvar, Mutex, PoisonError};

/// Sites at the same time.
const MOST: usize = 2;

static RUNNING: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

/// The right to run a site, until it is dropped.
pub(crate) struct Turn(());

impl Turn {
    /// Waits for one.
    pub(crate) fn take() -> Self {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= MOST {
            running = FREED.wait(running).unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        Self(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREED.notify_one();
    }
}
