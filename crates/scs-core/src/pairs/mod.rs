//! The pairs as the SCS cares for them: epoch, intended primary, what is under way, what is suppressed. Who can
//! take over stands in `members`, who holds the VIP in `holders`, what is done by itself in `judgement`.

mod flapping;
mod holders;
mod judgement;
mod maintenance;
mod members;
mod precheck;
mod quorum;
mod trouble;

pub(crate) use holders::Alignment;
pub(crate) use members::Member;
pub(crate) use precheck::Direction;
pub(crate) use quorum::{Vote, Voted};
pub(crate) use trouble::{Trouble, Wrong};

use crate::keeping::AfterWrite;
use crate::procedures::Procedure;
use crate::{ScsCore, StoredPair};
use changeover_model::environment::Pair;
use changeover_model::message::{ApplicationState, OrderOutcome, SoleMark};
use changeover_model::{
    ApplicationName, CauseId, Epoch, HostName, OrderNumber, PairName, Refusal, RunMode, Timestamp,
    planted,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// Most answers to orders that are remembered for a procedure.
const ANSWERS: usize = 64;
/// How many epochs are left out above one that the store does not know: more than a pair goes through while one of its
/// hosts is out of reach.
const UNHEARD_EPOCHS: u64 = 1000;

/// Everything about one pair.
#[derive(Clone, Debug)]
pub(crate) struct PairCare {
    pub(crate) config: Pair,
    pub(crate) kept: StoredPair,
    /// Epochs up to this one may have been used by a former life of the SCS, or were seen at an LCA.
    pub(crate) floor: Epoch,
    /// Epochs up to this one are reserved on disk.
    pub(crate) durable: Epoch,
    /// The reservation of an epoch failed, and why.
    pub(crate) reservation_failed: Option<String>,
    pub(crate) procedure: Option<Procedure>,
    /// Record of the procedure under way: set also while the procedure is being advanced.
    pub(crate) open_record: Option<CauseId>,
    /// Record that late steps without a cause belong to.
    pub(crate) last_record: Option<CauseId>,
    /// Answers to orders of the procedure under way.
    pub(crate) answers: BTreeMap<OrderNumber, OrderOutcome>,
    /// Why nothing is done although something would be to be done.
    pub(crate) suppressed: Vec<Refusal>,
    /// No automatic procedure before then, after one that failed.
    pub(crate) not_before: Option<Timestamp>,
    /// Procedures that failed in a row.
    pub(crate) failures: u32,
    /// When the last one failed.
    pub(crate) failed_at: Option<Timestamp>,
    /// Since when intended and observed holder differ with nothing under way.
    pub(crate) misaligned_since: Option<Timestamp>,
    /// Realignments that did not help, in a row.
    pub(crate) realign_failures: u32,
    /// A host that should not hold the VIP holds it behind a pulled cable, where no order takes it away for good.
    pub(crate) holder_cut_off: bool,
    /// Its cable is back: the next realignment waits for nothing.
    pub(crate) holder_returned: bool,
    /// Since when the pair waits for the member that should be primary first.
    pub(crate) waiting_since: Option<Timestamp>,
    /// Since when it waits for the report of an LCA.
    pub(crate) unjudged_since: Option<Timestamp>,
    pub(crate) trouble: Trouble,
    /// A host that was lost and is back, for the record of the reconnect, or for the holder to announce its VIP again.
    pub(crate) host_returned: Option<(HostName, Timestamp)>,
    /// Record for which the engine had the VIP announced again.
    pub(crate) announced: Option<CauseId>,
    /// Per host: when the newest word arrived from there that a beat has answered with a grant.
    granted: BTreeMap<HostName, Timestamp>,
    /// The epoch in force is on disk up to this one, not only reserved.
    pub(crate) in_force: Epoch,
    /// The newest vote, or its refusal.
    pub(crate) voted: Option<Voted>,
    /// The `sole` mark that is on disk and may be given.
    sole_written: Option<SoleMark>,
    /// What was last said of it, over which connections.
    sole_sent: Option<(SoleMark, bool, Vec<Option<u64>>)>,
    /// When this pair must be looked at again.
    wake: Option<Timestamp>,
}

impl PairCare {
    /// A holder behind a pulled cable may not have obeyed (an NLB host ignores every order there); once neighbours can reach
    /// it, it is to obey before clients notice, whatever earlier attempts came to.
    pub(crate) fn note_cut_off(&mut self, wrong: bool, cut_off: bool) {
        if !wrong {
            self.holder_returned = false;
        } else if self.holder_cut_off && !cut_off {
            self.holder_returned = true;
            self.realign_failures = 0;
        }
        self.holder_cut_off = cut_off;
    }

    pub(crate) fn new(config: Pair, mut kept: StoredPair) -> Self {
        if planted("maintenance-not-restored") {
            kept.maintenance = None;
        }
        Self {
            config,
            floor: if planted("reserved-epoch-forgotten") {
                Epoch(0)
            } else {
                kept.reserved.max(kept.epoch)
            },
            durable: Epoch(0),
            granted: BTreeMap::new(),
            in_force: kept.epoch,
            voted: None,
            sole_written: kept.sole.clone(),
            sole_sent: None,
            kept,
            reservation_failed: None,
            procedure: None,
            open_record: None,
            last_record: None,
            answers: BTreeMap::new(),
            suppressed: Vec::new(),
            not_before: None,
            failures: 0,
            failed_at: None,
            misaligned_since: None,
            realign_failures: 0,
            holder_cut_off: false,
            holder_returned: false,
            waiting_since: None,
            unjudged_since: None,
            trouble: Trouble::default(),
            host_returned: None,
            announced: None,
            wake: None,
        }
    }

    /// The pair's hosts, each once.
    pub(crate) fn hosts(&self) -> Vec<HostName> {
        let mut hosts = vec![self.config.primary_host.clone()];
        if self.config.backup_host != self.config.primary_host {
            hosts.push(self.config.backup_host.clone());
        }
        hosts
    }

    /// The host on which the VIP shall stand.
    pub(crate) fn intended_host(&self) -> Option<&HostName> {
        self.config.host_of(self.kept.primary.as_ref()?)
    }

    /// The epoch of the next promotion.
    pub(crate) fn next_epoch(&self) -> Epoch {
        self.kept.epoch.max(self.floor).next()
    }

    /// Ends a hold; true if there was one.
    pub(crate) fn release_hold(&mut self) -> bool {
        self.kept.held_until_back = None;
        self.kept.held.take().is_some()
    }

    /// Asks to be looked at again then at the latest.
    pub(crate) fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    /// Takes the wish to be looked at again.
    pub(crate) fn take_wake(&mut self) -> Option<Timestamp> {
        self.wake.take()
    }

    /// The machine stood still: deadlines move along.
    pub(crate) fn postpone(&mut self, by: Duration) {
        if let Some(procedure) = self.procedure.as_mut() {
            procedure.postpone(by);
        }
        self.trouble.postpone(by);
        for at in [
            &mut self.not_before,
            &mut self.misaligned_since,
            &mut self.waiting_since,
            &mut self.unjudged_since,
        ]
        .into_iter()
        .flatten()
        {
            *at = *at + by;
        }
    }

    pub(crate) fn answered(&mut self, number: OrderNumber, outcome: OrderOutcome) {
        self.answers.insert(number, outcome);
        if self.answers.len() > ANSWERS {
            self.answers.pop_first();
        }
    }
}

impl ScsCore {
    pub(crate) fn pair_of(&self, application: &ApplicationName) -> Option<PairName> {
        self.environment
            .as_ref()?
            .pair_of(application)
            .map(|pair| pair.name.clone())
    }

    /// A pair by its name, either application, one of its hosts' VIPs (with or without prefix length).
    pub fn resolve_pair(&self, text: &str) -> Option<PairName> {
        let address: Option<std::net::IpAddr> =
            text.split('/').next().and_then(|text| text.parse().ok());
        self.pairs
            .values()
            .find(|care| {
                let pair = &care.config;
                pair.name.as_str() == text
                    || pair.primary.as_str() == text
                    || pair.backup.as_str() == text
                    || pair
                        .virtual_ips
                        .iter()
                        .any(|vip| Some(vip.address) == address)
            })
            .map(|care| care.config.name.clone())
    }

    /// Puts a reservation for the next promotion on disk, so that the promotion need not wait for it.
    pub(crate) fn reserve_epochs(&mut self, pair: &PairName) {
        let Some(care) = self.pairs.get_mut(pair) else {
            return;
        };
        let wanted = care.next_epoch();
        if care.kept.reserved < wanted || care.durable < wanted {
            care.kept.reserved = care.kept.reserved.max(wanted);
            care.reservation_failed = None;
            self.keep_pair(pair);
            self.after_write(AfterWrite::EpochReserved(pair.clone(), wanted));
        }
    }

    /// Epochs that an LCA has seen: a lost store, or a former SCS whose last write did not make it.
    pub(crate) fn adopt_epochs(
        &mut self,
        seen: &[(PairName, Epoch)],
        applications: &[ApplicationState],
    ) {
        let of_applications: Vec<(PairName, Epoch)> = applications
            .iter()
            .filter_map(|state| Some((self.pair_of(&state.application)?, state.epoch)))
            .collect();
        for (pair, epoch) in seen.iter().chain(&of_applications) {
            if planted("reported-epochs-ignored") {
                continue;
            }
            let Some(care) = self.pairs.get_mut(pair) else {
                continue;
            };
            if *epoch > care.kept.epoch {
                // This store does not know of it, so it may not be the one of the SCS that gave it. Higher ones may have been
                // given to a host that is out of reach, or be on their way.
                let above = Epoch(epoch.0.saturating_add(UNHEARD_EPOCHS));
                care.floor = care.floor.max(above);
            }
            if *epoch > care.kept.epoch && care.open_record.is_none() {
                care.kept.epoch = *epoch;
                // Whoever was to be primary in an older epoch is not in this one: another may have been ordered.
                care.kept.primary = applications
                    .iter()
                    .find(|state| {
                        state.epoch == *epoch
                            && state.run_mode == RunMode::Primary
                            && care.config.host_of(&state.application).is_some()
                    })
                    .map(|state| state.application.clone());
                self.keep_pair(pair);
                self.intend_engine(pair);
                self.picture_changed = true;
            }
            self.reserve_epochs(pair);
        }
    }
}
