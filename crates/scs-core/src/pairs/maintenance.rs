//! Maintenance of pairs and hosts, and everything of a pair that ends by itself: maintenance, test hold, flapping.

use crate::ScsCore;
use crate::dispatch::Timer;
use crate::{StoreChange, StoredMaintenance};
use changeover_model::{HostName, PairName};

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
