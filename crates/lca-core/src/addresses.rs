//! Who holds what on this host, and announcing it. The level goes to the SCS on every change. A VIP is
//! announced (gratuitous ARP, unsolicited NA) whoever put it there, but only while the local member is
//! primary in the highest epoch known and the SCS is in contact; otherwise this host is silent, so that an
//! old primary that comes back does not draw the neighbours to itself (BEHAVIOUR, Who holds the VIP).

use crate::core::LcaCore;
use crate::orders::Order;
use crate::timers::Timer;
use crate::{LcaOutput, WatchedAddress};
use changeover_model::environment::VirtualIpOnHost;
use changeover_model::message::{AddressObservation, LcaReport, OrderOutcome};
use changeover_model::{
    ApplicationName, PairName, RefusalCode, RunMode, Ticket, Timestamp, planted,
};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// When an announcement is repeated, counted from the first: neighbours lose packets, switches relearn.
const REPEAT_AFTER: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(5),
];
/// A rival is answered and reported at most this often per address.
const RIVAL_PAUSE: Duration = Duration::from_secs(1);
/// Observations kept; a slice has a handful.
const MOST_OBSERVATIONS: usize = 4096;

/// What is known of the VIPs here.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressBook {
    /// The newest reading; `None` = there has been none.
    pub(crate) level: Option<Vec<AddressObservation>>,
    watched: Vec<WatchedAddress>,
    /// Series of announcements under way.
    series: BTreeMap<IpAddr, Series>,
    /// When a rival was last answered and reported.
    rivals: BTreeMap<IpAddr, Timestamp>,
}

#[derive(Clone, Debug)]
struct Series {
    pair: PairName,
    began: Timestamp,
    repeats: usize,
}

impl AddressBook {
    pub(crate) fn observation(
        &self,
        pair: &PairName,
        address: IpAddr,
    ) -> Option<&AddressObservation> {
        self.level
            .as_ref()?
            .iter()
            .find(|seen| &seen.pair == pair && seen.address == address)
    }

    pub(crate) fn is_held(&self, pair: &PairName, address: IpAddr) -> Option<bool> {
        self.observation(pair, address)
            .map(|seen| seen.held.is_some())
    }

    fn held(&self) -> Vec<(PairName, IpAddr)> {
        let level = self.level.iter().flatten();
        level
            .filter(|seen| seen.held.is_some())
            .map(|seen| (seen.pair.clone(), seen.address))
            .collect()
    }
}

impl LcaCore {
    /// Tells the shell what to watch, if that changed.
    pub(crate) fn watch_addresses(&mut self) {
        let pairs = self.slice.iter().flat_map(|slice| &slice.pairs);
        let watched: Vec<WatchedAddress> = pairs
            .flat_map(|pair| {
                pair.virtual_ips.iter().map(|address| WatchedAddress {
                    pair: pair.name.clone(),
                    address: address.clone(),
                })
            })
            .collect();
        if watched != self.addresses.watched {
            let known =
                |address: &IpAddr| watched.iter().any(|vip| &vip.address.address == address);
            self.addresses.rivals.retain(|address, _| known(address));
            self.addresses.watched.clone_from(&watched);
            self.emit(LcaOutput::WatchAddresses(watched));
        }
    }

    pub(crate) fn addresses_observed(&mut self, mut observations: Vec<AddressObservation>) {
        observations.truncate(MOST_OBSERVATIONS);
        if self.addresses.level.as_ref() == Some(&observations) {
            return;
        }
        let before = self.addresses.held();
        let first = self.addresses.level.is_none();
        self.addresses.level = Some(observations.clone());
        if first {
            self.first_reading();
        }
        let appeared: Vec<_> = self
            .addresses
            .held()
            .into_iter()
            .filter(|vip| !before.contains(vip))
            .collect();
        // The announcement is what the neighbours wait for; the report comes after.
        if !planted("vip-not-announced") {
            self.announce(appeared);
        }
        self.report(None, LcaReport::AddressesObserved(observations));
        self.look_at_leases();
    }

    pub(crate) fn addresses_read(
        &mut self,
        ticket: Ticket,
        result: Result<Vec<AddressObservation>, String>,
    ) {
        let fresh = result.is_ok();
        if let Ok(observations) = result {
            self.addresses_observed(observations);
        }
        self.let_go_read(ticket, fresh);
        // After a failed reading the last level has to do.
        self.script_reading_done(ticket);
    }

    /// True if this host is to speak for the pair's VIPs.
    fn speaks_for(&self, pair: &PairName) -> bool {
        if planted("announced-by-a-backup") {
            return true;
        }
        let newest = self.pairs.epoch(pair);
        let intended = self.pairs.intended_primary(pair);
        self.scs.in_contact
            && !self.lets_go(pair)
            && self.applications.iter().any(|(name, app)| {
                app.pair.as_ref() == Some(pair)
                    && app.run_mode() == RunMode::Primary
                    && intended.map_or(app.epoch() == newest, |primary| primary == name)
            })
    }

    /// Announces those VIPs that this host is to speak for, now and again later.
    fn announce(&mut self, vips: Vec<(PairName, IpAddr)>) {
        let spoken_for: Vec<_> = vips
            .into_iter()
            .filter(|(pair, _)| self.speaks_for(pair))
            .collect();
        self.send_announcement(spoken_for.iter().cloned());
        for (pair, address) in spoken_for {
            let series = Series {
                pair,
                began: self.now,
                repeats: 0,
            };
            self.addresses.series.insert(address, series);
            self.arm(Timer::Announce(address), REPEAT_AFTER[0]);
        }
    }

    fn send_announcement(&mut self, vips: impl Iterator<Item = (PairName, IpAddr)>) {
        let addresses: Vec<VirtualIpOnHost> = vips
            .filter_map(|(pair, address)| {
                let held = self.addresses.observation(&pair, address)?.held.as_ref()?;
                Some(VirtualIpOnHost {
                    address,
                    prefix: held.prefix,
                    interface: held.interface.clone(),
                    label: held.label.clone(),
                })
            })
            .collect();
        if !addresses.is_empty() {
            self.emit(LcaOutput::Announce { addresses });
        }
    }

    pub(crate) fn announcement_due(&mut self, address: IpAddr) {
        let Some(mut series) = self.addresses.series.remove(&address) else {
            return;
        };
        let held = self.addresses.is_held(&series.pair, address) == Some(true);
        if !held || !self.speaks_for(&series.pair) {
            return;
        }
        self.send_announcement(std::iter::once((series.pair.clone(), address)));
        series.repeats += 1;
        if let Some(after) = REPEAT_AFTER.get(series.repeats) {
            let passed = self.now.since(series.began);
            self.arm(Timer::Announce(address), after.saturating_sub(passed));
            self.addresses.series.insert(address, series);
        }
    }

    /// A member may have become primary after its VIP appeared.
    pub(crate) fn look_at_announcements(&mut self, name: &ApplicationName) {
        let Some(pair) = self.applications.get(name).and_then(|app| app.pair.clone()) else {
            return;
        };
        let is_primary = self
            .applications
            .get(name)
            .is_some_and(|app| app.run_mode() == RunMode::Primary);
        if !is_primary {
            return;
        }
        self.announce_unspoken(&pair);
    }

    /// VIPs of the pair that stand here and were not announced, or not lately: they came while nobody could say
    /// whether this host was to speak for them (no contact, another intention).
    pub(crate) fn announce_unspoken(&mut self, pair: &PairName) {
        let unspoken: Vec<_> = self
            .addresses
            .held()
            .into_iter()
            .filter(|(of, address)| of == pair && !self.addresses.series.contains_key(address))
            .collect();
        self.announce(unspoken);
    }

    pub(crate) fn announcement_ordered(&mut self, order: &Order) {
        let Some(pair) = order
            .key
            .pair
            .clone()
            .filter(|pair| self.pair_slice(pair).is_some())
        else {
            let text = format!("{} has no such pair", self.identity.host);
            self.refuse(order, RefusalCode::UnknownName, text);
            return;
        };
        if !self.speaks_for(&pair) {
            let text = format!(
                "no member of {pair} on {} is primary in epoch {}",
                self.identity.host,
                self.pairs.epoch(&pair)
            );
            self.refuse(order, RefusalCode::ContradictsRoles, text);
            return;
        }
        let held: Vec<_> = self
            .addresses
            .held()
            .into_iter()
            .filter(|(of, _)| of == &pair)
            .collect();
        if held.is_empty() {
            let reason = format!("{} holds no VIP of {pair}", self.identity.host);
            self.answer_order(order, OrderOutcome::Failed { reason });
            return;
        }
        self.announce(held);
        let incarnation = self
            .applications
            .get(&order.key.application)
            .map(|app| app.incarnation())
            .unwrap_or_default();
        self.answer_order(order, OrderOutcome::Done { incarnation });
    }

    /// The last word must not be the rival's, so that what is said too often now is said at the end of the pause.
    fn answer_rival_later(&mut self, pair: PairName, address: IpAddr, at: Timestamp) {
        if self.addresses.is_held(&pair, address) != Some(true) || !self.speaks_for(&pair) {
            return;
        }
        let began = self.now;
        let repeats = REPEAT_AFTER.len() - 1;
        let series = Series {
            pair,
            began,
            repeats,
        };
        self.addresses.series.entry(address).or_insert(series);
        let after = at.since(self.now);
        self.arm(Timer::Announce(address), after);
    }

    pub(crate) fn rival_sighted(&mut self, address: IpAddr, interface: String, mac: String) {
        let pair = self
            .addresses
            .watched
            .iter()
            .find(|vip| vip.address.address == address)
            .map(|vip| vip.pair.clone());
        let Some(pair) = pair else {
            return;
        };
        let last = self.addresses.rivals.get(&address).copied();
        if let Some(last) = last.filter(|last| self.now.since(*last) < RIVAL_PAUSE) {
            self.answer_rival_later(pair, address, last + RIVAL_PAUSE);
            return;
        }
        self.addresses.rivals.insert(address, self.now);
        if self.addresses.is_held(&pair, address) == Some(true) && self.speaks_for(&pair) {
            self.send_announcement(std::iter::once((pair.clone(), address)));
        }
        let report = LcaReport::RivalSighted {
            pair,
            address,
            interface,
            mac,
        };
        self.report(None, report);
    }
}
