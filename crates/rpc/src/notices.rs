//! Keeps a trouble that repeats many times a second from filling the log: said at once, then once a minute with how
//! often it came meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The same is said again after this.
const PERIOD: Duration = Duration::from_secs(60);
/// Most troubles that are told apart; of more, the one longest silent is forgotten.
const MOST: usize = 64;

/// What was said lately. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Notices(Arc<Mutex<BTreeMap<String, Said>>>);

#[derive(Clone, Copy, Debug)]
struct Said {
    at: Instant,
    withheld: u64,
}

impl Notices {
    /// Whether this is to be said now, and how often it was kept back since it was said last.
    #[must_use]
    pub fn due(&self, what: &str) -> Option<u64> {
        self.due_at(what, Instant::now())
    }

    fn due_at(&self, what: &str, now: Instant) -> Option<u64> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = table.get_mut(what) {
            if now.duration_since(said.at) < PERIOD {
                said.withheld += 1;
                return None;
            }
            let withheld = said.withheld;
            *said = Said {
                at: now,
                withheld: 0,
            };
            return Some(withheld);
        }
        if table.len() >= MOST {
            let oldest = table
                .iter()
                .min_by_key(|(_, said)| said.at)
                .map(|(what, _)| what.clone());
            if let Some(oldest) = oldest {
                table.remove(&oldest);
            }
        }
        table.insert(
            what.to_owned(),
            Said {
                at: now,
                withheld: 0,
            },
        );
        Some(0)
    }

    /// What begins with this is over: should it come again, it is said at once.
    pub fn over(&self, beginning: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|what, _| !what.starts_with(beginning));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_trouble_is_said_at_once_and_then_once_a_minute() {
        let (notices, start) = (Notices::default(), Instant::now());
        let later = start + PERIOD;
        assert_eq!(notices.due_at("host1: expired", start), Some(0));
        for _ in 0..500 {
            assert_eq!(notices.due_at("host1: expired", start), None);
        }
        assert_eq!(notices.due_at("host2: expired", start), Some(0), "another");
        assert_eq!(notices.due_at("host1: expired", later), Some(500));
        assert_eq!(notices.due_at("host1: expired", later), None);
        notices.over("host1: ");
        assert_eq!(notices.due_at("host1: expired", later), Some(0), "again");
        assert_eq!(notices.due_at("host2: expired", later), Some(0), "a minute");
    }

    #[test]
    fn a_caller_who_varies_what_he_does_wrong_costs_no_memory() {
        let notices = Notices::default();
        for number in 0..10 * MOST {
            assert_eq!(notices.due(&format!("trouble {number}")), Some(0));
        }
        assert_eq!(notices.0.lock().expect("not poisoned").len(), MOST);
    }
}
