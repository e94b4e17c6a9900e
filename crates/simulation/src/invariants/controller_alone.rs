//! Under `hold` and `quorum` the loss of the controller alone never stops a healthy service (BEHAVIOUR, Split brain):
//! while nothing has happened but crashes, pauses and disks of the SCS and the Message Server, no VIP goes from where it
//! stands. No exceptions; judged until the faults are healed, as long as no operator asks for anything.

use super::at;
use crate::scenario::{Component, Fault};
use crate::world::World;
use changeover_model::PairName;
use changeover_model::environment::ControllerLoss;

#[derive(Clone, Debug, Default)]
pub(crate) struct ControllerAlone {
    /// Something else has happened.
    other: bool,
}

impl ControllerAlone {
    pub(super) fn fault_happened(&mut self, fault: &Fault) {
        self.other |= !matches!(
            fault,
            Fault::Crash(Component::Scs | Component::MessageServer, _)
                | Fault::Pause(Component::Scs | Component::MessageServer, _)
                | Fault::Disk(Component::Scs | Component::MessageServer, _)
        );
    }

    pub(super) fn asked(&mut self) {
        self.other = true;
    }
}

pub(super) fn vip_went(world: &World, pair: &PairName) -> Option<String> {
    let policy = world.environment.pairs.get(pair)?.policy.on_controller_loss;
    let covered = match policy {
        ControllerLoss::Hold | ControllerLoss::Quorum => true,
        ControllerLoss::ReleaseAfter(_) => false,
    };
    if !covered || world.healed || world.invariants.controller.other {
        return None;
    }
    let text = format!(
        "controller alone: the VIP of {pair} went, and nothing but the controller was lost"
    );
    Some(at(world.now, &text))
}
