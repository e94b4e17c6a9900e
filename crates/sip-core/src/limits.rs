//! Owns the bound on refusals and the counters.

use changeover_model::Timestamp;
use std::time::Duration;

/// How many refusals may still be sent in the present second.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    per_second: u32,
    left: u32,
    since: Timestamp,
}

impl Budget {
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            left: per_second,
            since: Timestamp::default(),
        }
    }

    /// True if one more may be sent.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        if now.since(self.since) >= Duration::from_secs(1) {
            self.since = now;
            self.left = self.per_second;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

/// What has happened since the start. Not replicated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// SIP messages that could be read.
    pub(crate) heard: u64,
    /// Bytes that were no SIP message.
    pub(crate) junk: u64,
    /// Requests refused without a transaction.
    pub(crate) refused: u64,
    /// Requests dropped because there were too many refusals.
    pub(crate) dropped: u64,
    /// Messages sent.
    pub(crate) sent: u64,
    /// Messages that left before the backup had acknowledged what stands behind them.
    pub(crate) uncommitted: u64,
}
