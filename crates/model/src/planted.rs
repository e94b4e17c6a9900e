//! Bugs that are planted on purpose, to see that the tests of the cores find them.
//!
//! Owns which bug is planted on this thread, and nothing else: the bug itself is one `if planted("name")` at the place
//! in a core that it breaks. Without the feature `planted-bugs` the answer is a constant `false` and the branch is gone
//! from the program; no component is ever built with it. One build holds all of them, so that trying one costs
//! seconds. The catalogue of names, and what must find each, is `tests/simulation`'s.

/// Whether this bug is planted on this thread. Never, in a build without the feature `planted-bugs`.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub const fn planted(_name: &str) -> bool {
    false
}

#[cfg(feature = "planted-bugs")]
pub use with_feature::{planted, with_planted};

#[cfg(feature = "planted-bugs")]
mod with_feature {
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    /// Whether this bug is planted on this thread.
    pub fn planted(name: &str) -> bool {
        PLANTED.get() == Some(name)
    }

    /// Carries `what` out with one bug planted on this thread, or with none; what was planted before is so again
    /// afterwards, also after a panic.
    pub fn with_planted<T>(name: Option<&'static str>, what: impl FnOnce() -> T) -> T {
        struct Before(Option<&'static str>);
        impl Drop for Before {
            fn drop(&mut self) {
                PLANTED.set(self.0);
            }
        }
        let _before = Before(PLANTED.replace(name));
        what()
    }
}
