//! Under `quorum` two hosts that neighbours can hear never hold a VIP at once, whatever crashes, is cut off or lies
//! (BEHAVIOUR, Split brain). Named exceptions, each with its bound: the LCA of a holder was dead, or stood still while
//! its host did not: the address lifetime; a holder's whole host stood still: until the lease that it has by its own
//! clock is over. An operator who confirms the loss of a host that lives, or has a VIP enabled against the roles
//! (Test, an event typed in with `--yes`), takes the matter upon themselves: from then on, until the site is as it should
//! be again.

use super::at;
use crate::world::{HostIndex, Node, World, micros};
use changeover_model::PairName;
use changeover_model::environment::ControllerLoss;
use changeover_model::message::OperatorCommand;
use std::collections::BTreeMap;

/// What a release that has begun may take.
const RELEASE: u64 = 5_000;
/// So long in order, it is settled.
const SETTLED: u64 = 2_000_000;
/// A kernel counts whole seconds.
const KERNEL: u64 = 1_000_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct TwoHoldersUnderQuorum {
    since: BTreeMap<PairName, (u64, Vec<HostIndex>)>,
    thawed: BTreeMap<HostIndex, u64>,
    /// An operator overrode what stands against two holders, and it has not settled since.
    overridden: bool,
    /// When it had settled again last.
    settled: Option<u64>,
}

impl TwoHoldersUnderQuorum {
    pub(super) fn asked(&mut self, command: &OperatorCommand) {
        let overrides = matches!(
            command,
            OperatorCommand::ConfirmLost { .. }
                | OperatorCommand::TestAlarm { .. }
                | OperatorCommand::LogEvent {
                    confirmed: true,
                    ..
                }
        );
        if overrides {
            self.overridden = true;
            self.settled = None;
        }
    }

    pub(super) fn thawed(&mut self, now: u64, host: HostIndex) {
        self.thawed.insert(host, now);
    }
}

/// Who holds what has changed.
pub(super) fn count(world: &mut World, pair: &PairName, holders: Vec<HostIndex>) -> Option<String> {
    let now = world.now;
    let policy = world.environment.pairs.get(pair)?.policy.on_controller_loss;
    if policy != ControllerLoss::Quorum {
        return None;
    }
    let known = world.invariants.quorum.since.remove(pair);
    if holders.len() > 1 {
        let began = known.map_or(now, |(since, _)| since);
        world
            .invariants
            .quorum
            .since
            .insert(pair.clone(), (began, holders));
        return None;
    }
    let (since, holders) = known?;
    judge(world, pair, since, &holders)
}

/// After an operator's override: once everything is as it should be, two holders are nobody's wish any more.
pub(super) fn look(world: &mut World) {
    if !world.invariants.quorum.overridden || !world.invariants.quorum.since.is_empty() {
        return;
    }
    let now = world.now;
    let is_settled = super::settled::look(world).wrong.is_empty();
    let quorum = &mut world.invariants.quorum;
    if !is_settled {
        quorum.settled = None;
    } else if now - *quorum.settled.get_or_insert(now) >= SETTLED {
        quorum.overridden = false;
        quorum.settled = None;
    }
}

/// Two that still stand at the end.
pub(super) fn at_the_end(world: &World) -> Vec<String> {
    let open = world.invariants.quorum.since.iter();
    open.filter_map(|(pair, (since, holders))| judge(world, pair, *since, holders))
        .collect()
}

fn judge(world: &World, pair: &PairName, since: u64, holders: &[HostIndex]) -> Option<String> {
    let (now, lasted) = (world.now, world.now - since);
    let allowed = allowed(world, pair, since, holders);
    if lasted <= allowed || world.invariants.quorum.overridden {
        return None;
    }
    let names: Vec<String> = holders
        .iter()
        .map(|host| world.hosts[*host].name.to_string())
        .collect();
    let text = format!(
        "two holders under quorum: {} held the VIP of {pair} for {lasted} us, {allowed} us are allowed",
        names.join(" and ")
    );
    Some(at(now, &text))
}

fn allowed(world: &World, pair: &PairName, since: u64, holders: &[HostIndex]) -> u64 {
    let mut allowed = 0;
    let lifetime = world
        .environment
        .pairs
        .get(pair)
        .map_or(0, |pair| micros(pair.policy.address_lifetime));
    for host in holders {
        let here = &world.hosts[*host];
        let bound = world
            .environment
            .hosts
            .get(&here.name)
            .map_or(0, |host| micros(host.detection_bound()));
        let steady = world.is_steady(Node::Lca(*host), since.saturating_sub(bound));
        if !steady {
            allowed = allowed.max(lifetime + KERNEL);
        }
        let thawed = world.invariants.quorum.thawed.get(host);
        if thawed.is_some_and(|thawed| thawed + bound > since) {
            allowed = allowed.max(bound * 4 / 5 + RELEASE);
        }
    }
    allowed
}
