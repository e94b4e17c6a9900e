//! Nobody is promoted who cannot serve, and nobody by itself whom an operator has put aside (BEHAVIOUR: never promote
//! a backup that is not Running; maintenance stops failover). Judged by what the SCS itself shows when it gives the
//! order. Exceptions: one that is primary already and is only told a new epoch; an order that is given once more; a
//! procedure that was under way when maintenance began.

use super::at;
use crate::world::World;
use changeover_model::message::{OrderKey, RecordKind};
use changeover_model::{ApplicationStatus, CauseId, Epoch, PairName, RunMode};
use std::collections::BTreeSet;

/// A procedure that is older than this may have begun before maintenance did.
const FRESH: u64 = 100_000;

/// The promotions that were ordered.
#[derive(Clone, Debug, Default)]
pub(super) struct Promotions {
    ordered: BTreeSet<(PairName, Epoch)>,
}

impl Promotions {
    /// True the first time.
    fn is_new(&mut self, pair: &PairName, epoch: Epoch) -> bool {
        self.ordered.insert((pair.clone(), epoch))
    }
}

/// The SCS orders a server to be primary.
pub(super) fn ordered(world: &mut World, key: &OrderKey, cause: Option<CauseId>) -> Option<String> {
    let pair = key.pair.as_ref()?;
    if !world.invariants.promotions.is_new(pair, key.epoch) {
        return None;
    }
    let clock = world.clock(0);
    let core = &world.scs.driven.as_ref()?.core;
    let picture = core.picture(clock)?;
    let name = &key.application;
    let shown = picture.applications.iter().find(|one| &one.name == name)?;
    if shown.status != ApplicationStatus::Running && shown.run_mode != RunMode::Primary {
        let status = shown.status;
        let text =
            format!("promotions: {name} is ordered to be primary of {pair}, and it is {status}");
        return Some(at(world.now, &text));
    }
    let record = core.record(cause?)?;
    let by_itself = matches!(record.kind, RecordKind::Failover | RecordKind::Start);
    let put_aside = picture
        .pairs
        .iter()
        .any(|one| &one.name == pair && one.maintenance);
    let fresh = record.opened_at.0 + FRESH > clock.0;
    let (kind, failover) = (record.kind, record.kind == RecordKind::Failover);
    let flaps = failover
        .then(|| super::flap_bound::switched(world, pair))
        .flatten();
    (by_itself && put_aside && fresh)
        .then(|| {
            let text = format!(
                "promotions: {name} is promoted ({kind:?}) although {pair} is in maintenance"
            );
            at(world.now, &text)
        })
        .or(flaps)
}
