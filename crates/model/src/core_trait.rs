//! The shape of every deciding part, and the one table of deadlines each of them keeps.

use crate::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A pure core: it decides, its shell acts. Total: no input panics; a refusal is an output.
///
/// The driver hands in everything that is queued before it delivers a tick, and calls
/// [`Core::tick`] when [`Core::deadline`] has come.
pub trait Core {
    /// What can happen to it.
    type Input;
    /// What must be done about it.
    type Output;

    /// Takes one input and appends what must be done about it, in order.
    fn handle(&mut self, now: Timestamp, input: Self::Input, outputs: &mut Vec<Self::Output>);

    /// Lets every deadline that is not later than `now` take effect.
    fn tick(&mut self, now: Timestamp, outputs: &mut Vec<Self::Output>);

    /// When [`Core::tick`] must be called if nothing else happens first. Costs O(log n).
    fn deadline(&self) -> Option<Timestamp>;
}

/// The deadlines of a core, one per key. Setting a key again moves its deadline.
#[derive(Clone, Debug)]
pub struct TimerTable<K> {
    by_time: BTreeSet<(Timestamp, K)>,
    by_key: BTreeMap<K, Timestamp>,
}

impl<K: Ord + Clone> Default for TimerTable<K> {
    fn default() -> Self {
        Self {
            by_time: BTreeSet::new(),
            by_key: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> TimerTable<K> {
    /// Sets the deadline of `key`, replacing the one it had.
    pub fn set(&mut self, key: K, at: Timestamp) {
        self.cancel(&key);
        self.by_time.insert((at, key.clone()));
        self.by_key.insert(key, at);
    }

    /// Forgets the deadline of `key`; true if it had one.
    pub fn cancel(&mut self, key: &K) -> bool {
        match self.by_key.remove(key) {
            Some(at) => self.by_time.remove(&(at, key.clone())),
            None => false,
        }
    }

    /// The deadline of `key`, if it has one.
    pub fn get(&self, key: &K) -> Option<Timestamp> {
        self.by_key.get(key).copied()
    }

    /// The earliest deadline of all.
    pub fn earliest(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out the earliest key whose deadline is not later than `now`. Call until `None`; a key set
    /// anew in between with a deadline in the past comes out again.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, K)> {
        if self.by_time.first().is_none_or(|(at, _)| *at > now) {
            return None;
        }
        let (at, key) = self.by_time.pop_first()?;
        self.by_key.remove(&key);
        Some((at, key))
    }

    /// Moves every deadline by the same time: what a core does when its clock turns out to have stood still.
    pub fn postpone_all(&mut self, by: std::time::Duration) {
        self.by_time = self
            .by_time
            .iter()
            .map(|(at, key)| (*at + by, key.clone()))
            .collect();
        for at in self.by_key.values_mut() {
            *at = *at + by;
        }
    }

    /// All keys with their deadlines, earliest first.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, &K)> {
        self.by_time.iter().map(|(at, key)| (*at, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_out_in_order_and_setting_again_moves_them() {
        let mut table = TimerTable::default();
        table.set("a", Timestamp(30));
        table.set("b", Timestamp(10));
        table.set("a", Timestamp(5));
        assert_eq!(table.earliest(), Some(Timestamp(5)));
        assert_eq!(table.pop_due(Timestamp(20)), Some((Timestamp(5), "a")));
        assert_eq!(table.pop_due(Timestamp(20)), Some((Timestamp(10), "b")));
        assert_eq!(table.pop_due(Timestamp(20)), None);
        assert_eq!(table.earliest(), None);
    }
}
