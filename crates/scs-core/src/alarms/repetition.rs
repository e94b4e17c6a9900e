//! Recognises detections that come a second time: the Message Server repeats what was not acknowledged, also
//! over restarts of either side. Bounded per source and in the number of sources.

use super::stored::AlarmChange;
use changeover_model::message::SourceId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Sequences remembered one by one per source; older ones all count as seen.
const WINDOW: usize = 256;
/// Sources remembered; the one that was silent longest goes first.
const SOURCES: usize = 1_000;

/// What was seen of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenSource {
    /// The source.
    pub source: SourceId,
    /// Everything up to here counts as seen.
    pub floor: u64,
    /// Seen above the floor.
    pub above: BTreeSet<u64>,
    /// Grows with every detection: which source spoke last.
    pub turn: u64,
}

/// What was seen of all sources.
#[derive(Clone, Debug, Default)]
pub(super) struct Repetition {
    sources: BTreeMap<SourceId, SeenSource>,
    /// By the turn of their last detection.
    by_turn: BTreeMap<u64, SourceId>,
    turn: u64,
}

impl Repetition {
    pub(super) fn restore(sources: Vec<SeenSource>) -> Self {
        let mut restored = Self::default();
        for seen in sources {
            restored.turn = restored.turn.max(seen.turn);
            restored.by_turn.insert(seen.turn, seen.source.clone());
            restored.sources.insert(seen.source.clone(), seen);
        }
        restored
    }

    pub(super) fn contains(&self, source: &SourceId, sequence: u64) -> bool {
        self.sources
            .get(source)
            .is_some_and(|seen| sequence <= seen.floor || seen.above.contains(&sequence))
    }

    /// Remembers a detection and tells what to write; `None` if it was seen before.
    pub(super) fn insert(&mut self, source: &SourceId, sequence: u64) -> Option<Vec<AlarmChange>> {
        if self.contains(source, sequence) {
            return None;
        }
        self.turn += 1;
        let seen = self
            .sources
            .entry(source.clone())
            .or_insert_with(|| SeenSource {
                source: source.clone(),
                floor: 0,
                above: BTreeSet::new(),
                turn: 0,
            });
        self.by_turn.remove(&seen.turn);
        seen.turn = self.turn;
        seen.above.insert(sequence);
        while seen.above.len() > WINDOW {
            seen.floor = seen.above.pop_first().unwrap_or(seen.floor);
        }
        let mut changes = vec![AlarmChange::StoreSeen(seen.clone())];
        self.by_turn.insert(self.turn, source.clone());
        if self.sources.len() > SOURCES
            && let Some((_, quietest)) = self.by_turn.pop_first()
        {
            self.sources.remove(&quietest);
            changes.push(AlarmChange::DeleteSeen(quietest));
        }
        Some(changes)
    }

    pub(super) fn forget(&mut self, source: &SourceId) -> Option<AlarmChange> {
        let seen = self.sources.remove(source)?;
        self.by_turn.remove(&seen.turn);
        Some(AlarmChange::DeleteSeen(seen.source))
    }

    pub(super) fn snapshot(&self) -> Vec<SeenSource> {
        self.sources.values().cloned().collect()
    }
}
