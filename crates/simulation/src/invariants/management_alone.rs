//! Crashes, standstills, broken connections, disks and reloads of the Management Layer alone, LCAs included, never move a
//! VIP under `hold` (BEHAVIOUR, Components die: a restart of anything moves no VIP). Wider than `controller_alone`, which
//! holds under `quorum` too: there an LCA that is dead for long takes its VIP with it. No exceptions; judged until
//! something else happens, an operator asks for something, or the faults are healed.

use super::at;
use crate::scenario::Fault;
use crate::world::World;
use changeover_model::PairName;
use changeover_model::environment::ControllerLoss;

#[derive(Clone, Debug, Default)]
pub(super) struct ManagementAlone {
    /// Something else has happened.
    other: bool,
}

impl ManagementAlone {
    pub(super) fn fault_happened(&mut self, fault: &Fault) {
        self.other |= !matches!(
            fault,
            Fault::Crash(..) | Fault::Pause(..) | Fault::Disk(..) | Fault::BreakConnections(_)
        );
    }

    pub(super) fn asked(&mut self) {
        self.other = true;
    }
}

pub(super) fn vip_went(world: &World, pair: &PairName) -> Option<String> {
    let policy = world.environment.pairs.get(pair)?.policy.on_controller_loss;
    if policy != ControllerLoss::Hold || world.healed || world.invariants.management.other {
        return None;
    }
    let text = format!(
        "management alone: the VIP of {pair} went, and only the Management Layer was touched"
    );
    Some(at(world.now, &text))
}
