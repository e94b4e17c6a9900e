//! Maintenance of pairs and hosts, and everything of a pair that ends by itself: maintenance, test hold, flapping,
//! a hold for an agent that is away.

use crate::ScsCore;
use crate::dispatch::Timer;
use crate::hosts::{HostCare, HostCondition};
use crate::{StoreChange, StoredMaintenance};
use changeover_model::message::{RecordKind, RecordOutcome, Step};
use changeover_model::{HostName, PairName, RefusalCode};

impl ScsCore {
    pub(crate) fn in_maintenance(&self, pair: &PairName) -> bool {
        self.maintenance_of(pair).is_some()
    }

    /// What of the pair is in maintenance: itself or one of its hosts.
    pub(crate) fn maintenance_of(&self, pair: &PairName) -> Option<String> {
        let care = self.pairs.get(pair)?;
        if care.kept.maintenance.is_some() {
            return Some(pair.to_string());
        }
        care.hosts()
            .into_iter()
            .find(|host| self.host_maintenance.contains_key(host))
            .map(|host| host.to_string())
    }

    /// Ends what of the pair has run out, and wakes it for what will.
    pub(crate) fn expire(&mut self, pair: &PairName) {
        let now = self.now;
        self.end_hold(pair);
        let Some(care) = self.pairs.get_mut(pair) else {
            return;
        };
        let within = care.config.policy.flapping.within;
        let mut changed = false;
        let mut ended = false;
        if let Some(until) = care.kept.maintenance.and_then(|kept| kept.until) {
            if until <= now {
                care.kept.maintenance = None;
                ended = true;
            } else {
                care.wake_at(until);
            }
        }
        if let Some(until) = care.kept.test_hold_until {
            if until <= now {
                care.kept.test_hold_until = None;
                changed = true;
            } else {
                care.wake_at(until);
            }
        }
        let quiet = care.kept.flapping_since.map(|since| since + within);
        if let Some(until) = quiet.filter(|until| *until > now) {
            care.wake_at(until);
        }
        if changed || ended {
            self.keep_pair(pair);
            self.picture_changed = true;
        }
        if ended {
            self.intend(pair);
        }
        if quiet.is_some_and(|until| until <= now) {
            self.end_flapping(pair, "no new cause to switch");
        }
    }

    /// A hold for an agent that stayed away has no reason any more once that agent has told what it holds, or
    /// nothing of its host is left.
    fn end_hold(&mut self, pair: &PairName) {
        let host = self
            .pairs
            .get(pair)
            .and_then(|care| care.kept.held_until_back.clone());
        let Some(host) = host else {
            return;
        };
        let fenced_in_vain = self
            .pairs
            .get(pair)
            .and_then(|care| care.kept.held.as_ref())
            .is_some_and(|held| held.code == RefusalCode::FenceFailed);
        let confirmed = self
            .hosts
            .get(&host)
            .is_some_and(|care| care.confirmed_lost);
        let why = match self.hosts.get(&host).map(HostCare::condition) {
            Some(HostCondition::Lost(true)) if fenced_in_vain && !confirmed => return,
            Some(HostCondition::Reported) => format!("the LCA of {host} is back and has reported"),
            Some(HostCondition::Lost(true)) => format!("{host} is lost: it holds nothing any more"),
            None => format!("{host} is no longer in the environment"),
            Some(
                HostCondition::NotYetJudged
                | HostCondition::AgentLost(_)
                | HostCondition::Lost(false),
            ) => return,
        };
        if let Some(care) = self.pairs.get_mut(pair) {
            care.release_hold();
        }
        self.keep_pair(pair);
        let title = format!("{pair} is held no more");
        let record = self.open_record(RecordKind::Host, Some(pair), title.clone(), &why);
        self.note(record, Step::Note, title, why.clone());
        self.clear_alarm(&format!("held/{pair}"), &why);
        self.close_record(record, RecordOutcome::Done, why);
    }

    pub(crate) fn set_pair_maintenance(
        &mut self,
        pair: &PairName,
        maintenance: Option<StoredMaintenance>,
    ) {
        if let Some(care) = self.pairs.get_mut(pair) {
            care.kept.maintenance = maintenance;
        }
        self.keep_pair(pair);
        self.intend(pair);
        self.touched.insert(pair.clone());
        self.picture_changed = true;
    }

    pub(crate) fn set_host_maintenance(
        &mut self,
        host: &HostName,
        maintenance: Option<StoredMaintenance>,
    ) {
        match maintenance {
            Some(maintenance) => {
                self.host_maintenance.insert(host.clone(), maintenance);
            }
            None => {
                self.host_maintenance.remove(host);
            }
        }
        self.keep(StoreChange::HostMaintenance(host.clone(), maintenance));
        self.watch_host_maintenance(host);
        let pairs: Vec<PairName> = self
            .pairs
            .iter()
            .filter(|(_, care)| care.hosts().contains(host))
            .map(|(name, _)| name.clone())
            .collect();
        for pair in pairs {
            self.intend(&pair);
            self.touched.insert(pair);
        }
        self.picture_changed = true;
    }

    pub(crate) fn watch_host_maintenance(&mut self, host: &HostName) {
        let until = self.host_maintenance.get(host).and_then(|kept| kept.until);
        match until {
            Some(until) => self.timers.set(Timer::HostMaintenance(host.clone()), until),
            None => {
                self.timers.cancel(&Timer::HostMaintenance(host.clone()));
            }
        }
    }

    pub(crate) fn host_maintenance_over(&mut self, host: &HostName) {
        self.set_host_maintenance(host, None);
    }
}
