//! How long this host may hold a pair's VIPs and let its server be primary. A lease counts from the *sending* of the
//! last word that the SCS or the peer's LCA has answered: whatever delays the answer, the others cannot have
//! promoted anybody before it is over. It ends at 80 % of the detection bound. A host that is not (any more) to be
//! the holder follows the SCS's orders while it hears the SCS, and lets go when it does not.

use super::{BEATS, PairFence, lease_of};
use crate::LcaOutput;
use crate::applications::{Phase, Supervised};
use crate::core::LcaCore;
use crate::timers::Timer;
use changeover_model::environment::{ControllerLoss, PairSlice, VirtualIpOnHost};
use changeover_model::message::Holding;
use changeover_model::{
    ApplicationName, Epoch, PairName, RunMode, Timestamp, planted, show_duration,
};
use std::time::Duration;

/// When a host must let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lease {
    /// Nothing to let go of, or nothing to fear.
    Free,
    /// Then, unless it is prolonged.
    Until(Timestamp),
}

impl LcaCore {
    /// The epoch in which this host's member has the right to be primary.
    pub(super) fn entitled(&self, pair: &PairName) -> Option<Epoch> {
        let newest = self.pairs.epoch(pair);
        let intended = self.pairs.intended_primary(pair);
        self.applications
            .iter()
            .any(|(name, app)| {
                app.pair.as_ref() == Some(pair)
                    && app.given.run_mode == RunMode::Primary
                    && app.given.epoch == newest
                    && intended.is_none_or(|primary| primary == name)
            })
            .then_some(newest)
    }

    /// True if there is something to let go of: a VIP that stands here, a control script that may bring one up (one that
    /// takes it away may go on), or a server that is primary.
    pub(super) fn is_exposed(&self, pair: &PairName) -> bool {
        self.holds_any(pair) || self.is_enabling(pair) || !self.primaries_of(pair).is_empty()
    }

    pub(super) fn holds_any(&self, pair: &PairName) -> bool {
        let level = self.addresses.level.iter().flatten();
        level
            .filter(|seen| &seen.pair == pair)
            .any(|seen| seen.held.is_some())
    }

    fn holds_behind_pulled_cable(&self, pair: &PairName) -> bool {
        let level = self.addresses.level.iter().flatten();
        level
            .filter(|seen| &seen.pair == pair && seen.held.is_some())
            .any(|seen| seen.carrier == Some(false))
    }

    /// Members here that are primary, or were ordered to be, and are not being demoted or ended.
    pub(super) fn primaries_of(&self, pair: &PairName) -> Vec<ApplicationName> {
        let serves = |name: &ApplicationName, app: &Supervised| match app.phase {
            Phase::Up(_) if app.given.run_mode == RunMode::Primary => true,
            Phase::Up(_) => {
                app.run_mode() == RunMode::Primary
                    && !self.timers.is_set(&Timer::Demotion(name.clone()))
            }
            Phase::Recording(_) | Phase::Launching(_) => app.given.run_mode == RunMode::Primary,
            Phase::Down | Phase::Ending(..) | Phase::Clearing(_) => false,
        };
        self.applications
            .iter()
            .filter(|(name, app)| app.pair.as_ref() == Some(pair) && serves(name, app))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The latest word of this host that the SCS is known to have heard.
    fn scs_contact(&self) -> Option<Timestamp> {
        self.fencing.scs_seen.max(self.fencing.greeted_at)
    }

    /// True if the SCS has heard this host within a lease.
    pub(super) fn scs_hears(&self, pair: &PairName) -> bool {
        let bound = self.fencing_of(pair).map(|fencing| fencing.bound);
        let lease = lease_of(bound.unwrap_or_default());
        self.scs_contact()
            .is_some_and(|last| last + lease > self.now)
    }

    /// How long this host may go on.
    pub(super) fn lease(&self, slice: &PairSlice) -> Lease {
        let pair = &slice.name;
        if !self.is_exposed(pair) {
            return Lease::Free;
        }
        let began = self.fencing.began;
        match slice.fencing.policy {
            ControllerLoss::Hold => Lease::Free,
            ControllerLoss::ReleaseAfter(_) if planted("release-after-ignored") => Lease::Free,
            ControllerLoss::ReleaseAfter(_) if self.pairs.in_maintenance(Some(pair)) => Lease::Free,
            ControllerLoss::ReleaseAfter(time) => {
                let heard = self.scs_contact().unwrap_or(began);
                Lease::Until(heard.max(began) + time)
            }
            ControllerLoss::Quorum => self.majority_lease(slice),
        }
    }

    fn majority_lease(&self, slice: &PairSlice) -> Lease {
        let pair = &slice.name;
        let lease = lease_of(slice.fencing.bound);
        let Some(epoch) = self.entitled(pair) else {
            if self.holds_behind_pulled_cable(pair) {
                // The SCS need not wait for such a holder, so it must be gone when the cable is back.
                return Lease::Until(self.now);
            }
            let last = self.scs_contact().unwrap_or(self.fencing.began);
            return Lease::Until(last + lease);
        };
        if self.is_sole(pair, epoch) {
            return Lease::Free;
        }
        let fence = self
            .fencing
            .pairs
            .get(pair)
            .filter(|fence| fence.epoch == epoch);
        let last = fence.and_then(|fence| fence.scs.max(fence.peer));
        Lease::Until(last.unwrap_or(self.fencing.began) + lease)
    }

    /// Looks at every pair: lets go where the lease is over, renews the kernel's lifetime where it is not, and sets
    /// when to look again.
    pub(crate) fn look_at_leases(&mut self) {
        let slices: Vec<PairSlice> = self
            .slice
            .iter()
            .flat_map(|slice| &slice.pairs)
            .filter(|pair| pair.fencing.policy != ControllerLoss::Hold)
            .cloned()
            .collect();
        let mut due: Option<Timestamp> = None;
        for slice in &slices {
            match self.lease(slice) {
                Lease::Free => self.renew(slice),
                Lease::Until(end) if end > self.now => {
                    due = Some(due.map_or(end, |due| due.min(end)));
                    self.renew(slice);
                }
                Lease::Until(_) => {
                    let why = self.why_over(slice);
                    self.let_go(&slice.name, None, &why);
                }
            }
        }
        self.fencing.due = due;
        match due {
            Some(at) => {
                let after = at.since(self.now).max(Duration::from_millis(1));
                self.arm(Timer::Lease, after);
            }
            None => self.timers.cancel(&Timer::Lease),
        }
    }

    /// A machine that stood still, or is just busy: what ran out meanwhile comes before everything else.
    pub(crate) fn leases_first(&mut self) {
        if self.fencing.due.is_some_and(|due| due <= self.now) {
            self.look_at_leases();
        }
    }

    fn why_over(&self, slice: &PairSlice) -> String {
        let late = self
            .fencing
            .due
            .map_or(Duration::ZERO, |due| self.now.since(due));
        let mut why = match slice.fencing.policy {
            ControllerLoss::ReleaseAfter(time) => {
                format!("the SCS has answered nothing for {}", show_duration(time))
            }
            ControllerLoss::Quorum | ControllerLoss::Hold
                if self.entitled(&slice.name).is_none()
                    && self.holds_behind_pulled_cable(&slice.name) =>
            {
                "it is not to hold them, and nobody can reach them here without carrier".to_owned()
            }
            ControllerLoss::Quorum | ControllerLoss::Hold
                if self.entitled(&slice.name).is_none() =>
            {
                "it is not to hold them, and the SCS is not heard of".to_owned()
            }
            ControllerLoss::Quorum | ControllerLoss::Hold => format!(
                "neither the SCS nor the LCA of {} has answered for {}",
                slice.peer_host,
                show_duration(lease_of(slice.fencing.bound))
            ),
        };
        if late > Duration::from_millis(100) {
            why.push_str("; this machine stood still meanwhile");
        }
        why
    }

    /// The SCS has this answer, and supports what it grants.
    pub(crate) fn scs_granted(&mut self, answered: u64, grants: &[Holding]) {
        let sent = self
            .fencing
            .answers
            .iter()
            .find(|(sequence, _)| *sequence == answered)
            .map(|(_, at)| *at);
        let Some(sent) = sent else {
            return;
        };
        self.fencing
            .answers
            .retain(|(sequence, _)| *sequence >= answered);
        self.fencing.scs_seen = self.fencing.scs_seen.max(Some(sent));
        for grant in grants {
            if self.entitled(&grant.pair) == Some(grant.epoch) {
                let fence = self.fence_in(&grant.pair, grant.epoch);
                fence.scs = fence.scs.max(Some(sent));
            }
        }
        self.look_at_leases();
    }

    /// A beat of the SCS is being answered.
    pub(crate) fn beat_answered_to_scs(&mut self, sequence: u64) {
        self.fencing.answers.push_back((sequence, self.now));
        if self.fencing.answers.len() > BEATS {
            self.fencing.answers.pop_front();
        }
    }

    /// A connection of the SCS is new: its beats are counted anew.
    pub(crate) fn beats_begin_anew(&mut self) {
        self.fencing.answers.clear();
        self.fencing.greeted_at = None;
    }

    /// The state was told to the SCS.
    pub(crate) fn told_scs(&mut self) {
        self.fencing.greeted_at = Some(self.now);
    }

    pub(super) fn fence_in(&mut self, pair: &PairName, epoch: Epoch) -> &mut PairFence {
        let fence = self.fencing.pair(pair);
        if fence.epoch != epoch {
            fence.epoch = epoch;
            fence.scs = None;
            fence.peer = None;
        }
        fence
    }

    /// May a promotion that the SCS orders be obeyed? It proves that the SCS had our latest word when it gave it;
    /// an order that was under way for longer than a lease may have been overtaken.
    pub(crate) fn promotion_is_timely(&mut self, pair: &PairName, epoch: Epoch) -> bool {
        let Some(fencing) = self
            .fencing_of(pair)
            .filter(changeover_model::environment::Fencing::is_quorum)
        else {
            // What let go of by itself is not promoted by an order of before.
            return self.enabling_is_timely(pair);
        };
        let contact = self.scs_contact();
        let timely = contact.is_some_and(|last| last + lease_of(fencing.bound) > self.now);
        if timely {
            let fence = self.fence_in(pair, epoch);
            fence.scs = fence.scs.max(contact);
        }
        timely
    }

    /// May a control script bring a VIP up because the SCS says so? As with a promotion: an order that was under way for
    /// longer than a lease may have been overtaken, and this host has let go since.
    pub(crate) fn enabling_is_timely(&self, pair: &PairName) -> bool {
        let Some(fencing) = self.fencing_of(pair) else {
            return true;
        };
        let entitled = self.entitled(pair);
        match fencing.policy {
            ControllerLoss::Hold => true,
            ControllerLoss::ReleaseAfter(time) => {
                let last = self.scs_contact().unwrap_or(self.fencing.began);
                self.pairs.in_maintenance(Some(pair)) || last + time > self.now
            }
            ControllerLoss::Quorum => {
                entitled.is_some_and(|epoch| self.is_sole(pair, epoch)) || self.scs_hears(pair)
            }
        }
    }

    /// Gives the VIPs that stand here their lifetime, so that they end by themselves should this LCA die.
    fn renew(&mut self, slice: &PairSlice) {
        let pair = &slice.name;
        if !slice.fencing.is_quorum() {
            return;
        }
        let held = self.held_as(slice);
        if held.is_empty() {
            self.fencing.pair(pair).renewed = None;
            return;
        }
        let (now, every) = (self.now, slice.fencing.address_lifetime / 5);
        let by_majority = self.has_majority(pair);
        let fence = self.fencing.pair(pair);
        let fresh = fence.renewed.is_some_and(|at| now.since(at) < every);
        // Without a majority it gets its lifetime once, when it appears, and then runs out.
        if fresh || (fence.renewed.is_some() && !by_majority) || planted("lifetime-never-renewed") {
            return;
        }
        fence.renewed = Some(now);
        self.arm(Timer::Renew, every);
        self.emit(LcaOutput::RenewAddresses {
            pair: pair.clone(),
            addresses: held,
            lifetime: Some(slice.fencing.address_lifetime),
        });
    }

    /// Somebody else has answered since this life of the LCA began, or nobody needs to.
    fn has_majority(&self, pair: &PairName) -> bool {
        let Some(epoch) = self.entitled(pair) else {
            return false;
        };
        let fence = self
            .fencing
            .pairs
            .get(pair)
            .filter(|fence| fence.epoch == epoch);
        self.is_sole(pair, epoch) || fence.is_some_and(|fence| fence.scs.max(fence.peer).is_some())
    }

    /// What the first reading of a life finds has its lifetime from the life before: that is not prolonged without a
    /// majority.
    pub(crate) fn first_reading(&mut self) {
        let held: Vec<PairName> = self
            .slice
            .iter()
            .flat_map(|slice| &slice.pairs)
            .filter(|pair| pair.fencing.is_quorum() && self.holds_any(&pair.name))
            .map(|pair| pair.name.clone())
            .collect();
        for pair in held {
            self.fencing.pair(&pair).renewed = Some(Timestamp(0));
        }
    }

    /// The pair is not under `quorum` any more: its VIPs stand until somebody removes them.
    pub(super) fn lifetime_ends(&mut self, slice: &PairSlice) {
        let addresses = self.held_as(slice);
        if !addresses.is_empty() {
            self.emit(LcaOutput::RenewAddresses {
                pair: slice.name.clone(),
                addresses,
                lifetime: None,
            });
        }
    }

    fn held_as(&self, slice: &PairSlice) -> Vec<VirtualIpOnHost> {
        slice
            .virtual_ips
            .iter()
            .filter_map(|vip| {
                let held = self
                    .addresses
                    .observation(&slice.name, vip.address)?
                    .held
                    .as_ref()?;
                Some(VirtualIpOnHost {
                    address: vip.address,
                    prefix: held.prefix,
                    interface: held.interface.clone(),
                    label: held.label.clone(),
                })
            })
            .collect()
    }
}
