//! What of this core bears on what it does next, as input to a hash: for explorers that must know a situation again.
//! Leaves out names that only grow (record and order numbers, sessions), texts, histories, and the phase of beats;
//! epochs count from `base`, times from now and in half seconds. Decides nothing; the LCA's stands beside its core.

use crate::ScsCore;
use crate::dispatch::Timer;
use crate::pairs::PairCare;
use crate::procedures::Plan;
use changeover_model::{Epoch, Timestamp};
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

/// Two times that are less apart count as one.
const COARSE: u128 = 500_000;

impl ScsCore {
    /// Feeds what matters into a hasher. `base` is the epoch that others count from.
    pub fn essence(&self, now: Timestamp, base: Epoch, into: &mut impl Hasher) {
        self.revision_kept.hash(into);
        self.is_it_me.hash(into);
        self.message_server_connected.hash(into);
        self.message_server_revision.is_some().hash(into);
        for host in self.hosts.values() {
            discriminant(&host.status).hash(into);
            host.link.as_ref().map(|link| link.grants).hash(into);
            (host.reported, host.ever_reported, host.confirmed_lost).hash(into);
            (host.agent_lost.is_some(), host.agent_wait_over).hash(into);
            (host.lost.is_some(), host.lost_wait_over, host.heard_out).hash(into);
            (host.stopping, host.handed_over).hash(into);
            for seen in &host.addresses {
                (seen.address, seen.held.is_some(), seen.carrier).hash(into);
            }
        }
        for care in self.applications.values() {
            let state = &care.state;
            discriminant(&state.status).hash(into);
            discriminant(&state.run_mode).hash(into);
            (
                care.known,
                state.in_step,
                state.hung,
                state.stopped_as_asked,
            )
                .hash(into);
            if self.environment_names_pair(&state.application) {
                base.0.wrapping_sub(state.epoch.0).hash(into);
            }
        }
        for (name, care) in &self.pairs {
            care.essence(base, into);
            for reaction in self.engine.open_for(name) {
                reaction.application.hash(into);
                discriminant(&reaction.state).hash(into);
                (reaction.attempts, base.0.wrapping_sub(reaction.epoch.0)).hash(into);
            }
        }
        for (application, operation) in &self.operations {
            application.hash(into);
            (operation.order.is_some(), operation.answer.is_some()).hash(into);
        }
        (self.wishes.len(), self.followers.len()).hash(into);
        for (at, timer) in self.timers.iter() {
            match timer {
                Timer::Beat(_) | Timer::Poll(_) | Timer::WriteBound | Timer::HelloDue(_) => {}
                Timer::AgentSilence(_)
                | Timer::HostSilence(_)
                | Timer::AgentWait(_)
                | Timer::LostWait(_)
                | Timer::HostMaintenance(_)
                | Timer::DoubtOver
                | Timer::Pair(_)
                | Timer::Operation(_)
                | Timer::WriteAgain => {
                    discriminant(timer).hash(into);
                    (at.since(now).as_micros() / COARSE).hash(into);
                }
            }
        }
    }

    fn environment_names_pair(&self, application: &changeover_model::ApplicationName) -> bool {
        self.pairs
            .values()
            .any(|pair| pair.config.has_member(application))
    }
}

impl PairCare {
    fn essence(&self, base: Epoch, into: &mut impl Hasher) {
        base.0.wrapping_sub(self.kept.epoch.0).hash(into);
        base.0.wrapping_sub(self.floor.0).hash(into);
        self.kept.primary.hash(into);
        (self.kept.left_without_primary, self.kept.held.is_some()).hash(into);
        self.kept.complete.hash(into);
        (self.kept.maintenance.is_some(), self.kept.sole.is_some()).hash(into);
        (self.kept.test_hold_until.is_some(), self.failures).hash(into);
        self.kept.flapping_since.is_some().hash(into);
        (self.misaligned_since.is_some(), self.realign_failures).hash(into);
        (self.waiting_since.is_some(), self.not_before.is_some()).hash(into);
        self.unjudged_since.is_some().hash(into);
        (self.holder_cut_off, self.holder_returned).hash(into);
        self.host_returned.is_some().hash(into);
        for refusal in &self.suppressed {
            refusal.code.as_str().hash(into);
        }
        if let Some(voted) = &self.voted {
            base.0.wrapping_sub(voted.epoch.0).hash(into);
            voted.answer.is_ok().hash(into);
        }
        if let Some(procedure) = &self.procedure {
            discriminant(&procedure.kind).hash(into);
            match &procedure.plan {
                Plan::RoleChange(change) => change.essence(base, into),
                Plan::Realignment(_) => 1_u8.hash(into),
            }
        }
    }
}
