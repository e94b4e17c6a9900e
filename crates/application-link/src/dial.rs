//! Owns what the two links of an application have in common: how a connection looks from inside, and how long
//! to wait before the next attempt. What is said on it stands in `link.rs` and `log_sender.rs`, the wire in
//! `transport.rs`.

use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;

/// An established connection. It is over when either end is closed.
#[derive(Debug)]
pub(crate) struct Ends<Out, In> {
    pub(crate) to: mpsc::Sender<Out>,
    pub(crate) from: mpsc::Receiver<In>,
}

/// A way to establish it; the error says why not, for the log.
pub(crate) trait Dial<Out, In>: Send + 'static {
    fn dial(&mut self) -> impl Future<Output = Result<Ends<Out, In>, String>> + Send;
}

/// Delays between attempts: doubling from 5 ms to a longest one, spread so that many applications of a host
/// do not come back in the same instant.
#[derive(Debug)]
pub(crate) struct BackOff {
    longest: Duration,
    next: Duration,
}

const FIRST: Duration = Duration::from_millis(5);

impl BackOff {
    pub(crate) fn up_to(longest: Duration) -> Self {
        Self {
            longest,
            next: FIRST,
        }
    }

    /// The connection stood: begin anew.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// The next delay: between half of the current step and all of it.
    pub(crate) fn delay(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(self.longest);
        let spread = u32::from(uuid::Uuid::new_v4().as_bytes()[0]);
        step / 2 + step * spread / 512
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_longest_and_begin_anew_after_a_success() {
        let mut back_off = BackOff::up_to(Duration::from_millis(250));
        let delays: Vec<Duration> = (0..12).map(|_| back_off.delay()).collect();
        assert!(delays[0] <= FIRST);
        assert!(
            delays
                .iter()
                .all(|delay| *delay <= Duration::from_millis(250))
        );
        assert!(delays[11] >= Duration::from_millis(125));
        back_off.reset();
        assert!(back_off.delay() <= FIRST);
    }
}
