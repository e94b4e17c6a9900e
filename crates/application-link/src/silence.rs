//! Owns how long the LCA may be silent towards a primary under `quorum` (BEHAVIOUR, Split brain): as long as the VIP's
//! lifetime, which the LCA renews. What the application is told then stands in `conversation.rs`.

use crate::line::Line;
use std::sync::Weak;
use std::time::Duration;
use tokio::time::Instant;

/// When the LCA was heard last, and how long that lasts.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    heard: Option<Instant>,
    limit: Option<Duration>,
    watched: bool,
    noticed: u64,
}

impl Silence {
    /// The LCA said something; with a registration, what it said of the limit. True if somebody must begin to watch.
    pub(crate) fn heard(&mut self, limit: Option<Option<Duration>>) -> bool {
        self.heard = Some(Instant::now());
        if let Some(limit) = limit {
            self.limit = limit;
        }
        let begins = self.limit.is_some() && !self.watched;
        self.watched |= begins;
        begins
    }

    /// When it is too long; `None` = never. The watch ends with that.
    pub(crate) fn next(&mut self) -> Option<Instant> {
        let next = self
            .heard
            .zip(self.limit)
            .map(|(heard, limit)| heard + limit);
        self.watched = next.is_some();
        next
    }

    /// It was too long; the next time is counted from now. Gives how often that has been.
    pub(crate) fn noticed(&mut self) -> u64 {
        self.heard = Some(Instant::now());
        self.noticed += 1;
        self.noticed
    }
}

/// Looks whenever it may have been too long.
pub(crate) async fn watch(line: Weak<Line>) {
    loop {
        let next = match line.upgrade() {
            Some(line) => line.look_at_silence(),
            None => return,
        };
        let Some(next) = next else { return };
        tokio::time::sleep_until(next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_from_the_last_word_and_without_one_nobody_watches() {
        let mut silence = Silence::default();
        assert!(!silence.heard(Some(None)));
        assert_eq!(silence.next(), None);
        let (limit, before) = (Duration::from_secs(10), Instant::now());
        assert!(silence.heard(Some(Some(limit))), "a watch must begin");
        let first = silence.next();
        assert!(first >= Some(before + limit));
        assert!(!silence.heard(None), "it has begun already");
        assert!(silence.next() >= first);
    }
}
