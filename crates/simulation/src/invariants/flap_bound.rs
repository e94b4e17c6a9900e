//! Role changes that nobody asked for stay within the bound of the policy (BEHAVIOUR, Flapping): so many in a window,
//! then switching by itself has stopped. Exceptions: what an operator asks for begins the count anew; an SCS that died
//! or whose disk fails may have forgotten one each time.

use super::at;
use crate::scenario::{Component, Fault};
use crate::world::World;
use changeover_model::PairName;
use std::collections::{BTreeMap, VecDeque};

/// When each pair was failed over, and how many of them may be forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct FlapBound {
    failovers: BTreeMap<PairName, VecDeque<u64>>,
    forgotten: usize,
}

impl FlapBound {
    pub(super) fn fault_happened(&mut self, fault: &Fault) {
        let forgets = matches!(
            fault,
            Fault::Crash(Component::Scs, _) | Fault::LoseStore(_) | Fault::Disk(Component::Scs, _)
        );
        self.forgotten += usize::from(forgets);
    }

    pub(super) fn asked(&mut self) {
        self.failovers.clear();
    }
}

/// A failover gives a promotion.
pub(super) fn switched(world: &mut World, pair: &PairName) -> Option<String> {
    let now = world.now;
    let flapping = world.environment.pairs.get(pair)?.policy.flapping;
    let within = crate::world::micros(flapping.within);
    let bound = &mut world.invariants.flapping;
    let times = bound.failovers.entry(pair.clone()).or_default();
    times.push_back(now);
    while times.front().is_some_and(|first| first + within <= now) {
        times.pop_front();
    }
    let most = usize::try_from(flapping.switches).ok()? + bound.forgotten;
    (times.len() > most).then(|| {
        let count = times.len();
        at(
            now,
            &format!("flap bound: {pair} failed over {count} times, {most} are allowed"),
        )
    })
}
