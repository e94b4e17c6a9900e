//! Two hosts that neighbours can hear never hold a VIP at once while nothing worse happens than servers that are
//! killed and switchovers that are asked for (DESIGN 1; the measure `two_holders_ms`). Exceptions, all bounded and
//! judged elsewhere: a host that was cut off and comes back, components that die in between, scripts that do not
//! release, addresses that nobody could read.

use super::at;
use crate::scenario::Fault;
use crate::world::World;
use changeover_model::PairName;
use std::collections::BTreeMap;

/// Whether the run is one of those, and for how long there were two.
#[derive(Clone, Debug, Default)]
pub(crate) struct TwoHolders {
    /// Something worse has happened.
    worse: bool,
    since: BTreeMap<PairName, u64>,
    /// Longest time with two, microseconds.
    pub(crate) longest: u64,
}

impl TwoHolders {
    pub(super) fn fault_happened(&mut self, fault: &Fault) {
        self.worse |= !matches!(fault, Fault::KillServer(_));
    }

    /// The longest time with two, one that lasts still included.
    pub(crate) fn longest_until(&self, now: u64) -> u64 {
        let open = self.since.values().map(|since| now.saturating_sub(*since));
        open.max().unwrap_or_default().max(self.longest)
    }

    pub(crate) fn are_two(&self) -> bool {
        !self.since.is_empty()
    }

    /// An operator asked for more than changes of roles.
    pub(crate) fn meddled(&mut self) {
        self.worse = true;
    }
}

pub(super) fn count(world: &mut World) -> Vec<String> {
    let now = world.now;
    let mut found = Vec::new();
    let environment = world.environment.clone();
    for pair in environment.pairs.keys() {
        let addresses = world.virtual_ips(pair);
        let indices: Vec<usize> = (0..world.hosts.len())
            .filter(|index| {
                let host = &world.hosts[*index];
                host.can_be_heard(now)
                    && addresses.iter().any(|vip| host.addresses.contains_key(vip))
            })
            .collect();
        let holders: Vec<String> = indices
            .iter()
            .map(|index| world.hosts[*index].name.to_string())
            .collect();
        found.extend(super::two_holders_under_quorum::count(world, pair, indices));
        let holding = &mut world.invariants.holders;
        if holders.len() < 2 {
            if let Some(since) = holding.since.remove(pair) {
                holding.longest = holding.longest.max(now - since);
            }
            continue;
        }
        holding.since.entry(pair.clone()).or_insert(now);
        if !holding.worse {
            let text = format!(
                "two holders: {} hold the VIP of {pair}",
                holders.join(" and ")
            );
            found.push(at(now, &text));
        }
    }
    found
}
