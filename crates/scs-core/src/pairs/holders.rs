//! Who holds the VIP: observed on the hosts in contact, against where it shall be. Owns the comparison and its
//! steps in the timeline; what is done about a difference stands in `judgement` and `procedures/realignment`.

use crate::ScsCore;
use crate::hosts::HostCondition;
use crate::timeline::NewEntry;
use changeover_model::message::{AddressObservation, Party, Step};
use changeover_model::{CauseId, HostName, PairName, Timestamp};
use std::net::IpAddr;
use std::time::Duration;

/// A step that comes later than this after the end of a record does not belong to it.
const LATE_STEP: Duration = Duration::from_secs(5);

/// Intended against observed holders of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alignment {
    /// Every VIP is on the intended host and nowhere else; also for a pair without VIPs.
    AsIntended,
    /// More than one host holds one.
    Two,
    /// One is on a host where it should not be.
    Elsewhere,
    /// Nobody holds any.
    None,
    /// Of several, some are on the intended host and nobody holds the others.
    Partial,
    /// There is no intended host, or it is not in contact.
    Unjudged,
}

impl ScsCore {
    /// Hosts in contact that hold this VIP. With `reachable_only`, holders behind an interface without carrier do
    /// not count.
    pub(crate) fn holders(
        &self,
        pair: &PairName,
        address: IpAddr,
        reachable_only: bool,
    ) -> Vec<HostName> {
        self.holders_where(pair, address, |condition, observation| {
            condition == HostCondition::Reported
                && (!reachable_only || observation.carrier != Some(false))
        })
    }

    /// Hosts out of contact that held it when they were last heard of.
    pub(crate) fn last_holders(&self, pair: &PairName, address: IpAddr) -> Vec<HostName> {
        self.holders_where(pair, address, |condition, _| {
            condition != HostCondition::Reported
        })
    }

    fn holders_where(
        &self,
        pair: &PairName,
        address: IpAddr,
        counts: impl Fn(HostCondition, &AddressObservation) -> bool,
    ) -> Vec<HostName> {
        let Some(care) = self.pairs.get(pair) else {
            return Vec::new();
        };
        care.hosts()
            .into_iter()
            .filter(|host| {
                self.hosts.get(host).is_some_and(|care| {
                    care.addresses.iter().any(|one| {
                        &one.pair == pair
                            && one.address == address
                            && one.held.is_some()
                            && counts(care.condition(), one)
                    })
                })
            })
            .collect()
    }

    pub(crate) fn alignment(&self, pair: &PairName, reachable_only: bool) -> Alignment {
        let Some(care) = self.pairs.get(pair) else {
            return Alignment::Unjudged;
        };
        if care.config.virtual_ips.is_empty() {
            return Alignment::AsIntended;
        }
        let intended = care.intended_host().filter(|host| {
            self.hosts
                .get(*host)
                .is_some_and(|host| host.condition() == HostCondition::Reported)
        });
        let all: Vec<Vec<HostName>> = care
            .config
            .virtual_ips
            .iter()
            .map(|vip| self.holders(pair, vip.address, reachable_only))
            .collect();
        if all.iter().any(|holders| holders.len() > 1) {
            return Alignment::Two;
        }
        let Some(intended) = intended else {
            return Alignment::Unjudged;
        };
        if all.iter().flatten().any(|holder| holder != intended) {
            Alignment::Elsewhere
        } else if all.iter().all(Vec::is_empty) {
            Alignment::None
        } else if all.iter().any(Vec::is_empty) {
            Alignment::Partial
        } else {
            Alignment::AsIntended
        }
    }

    /// Which VIPs are not where they should be, and where they are; for people. Empty if all are.
    pub(crate) fn misplaced(&self, pair: &PairName) -> String {
        let Some(care) = self.pairs.get(pair) else {
            return String::new();
        };
        let intended = care.intended_host();
        let texts: Vec<String> = care
            .config
            .virtual_ips
            .iter()
            .filter_map(|vip| {
                let holders = self.holders(pair, vip.address, true);
                if holders.iter().eq(intended) {
                    return None;
                }
                let names: Vec<&str> = holders.iter().map(HostName::as_str).collect();
                Some(if names.is_empty() {
                    format!("{} is on no host", vip.address)
                } else {
                    format!("{} is on {}", vip.address, names.join(" and "))
                })
            })
            .collect();
        texts.join(", ")
    }

    /// What changed on a host since it was last seen, as steps of the record under way.
    pub(crate) fn address_steps(
        &mut self,
        host: &HostName,
        at: Timestamp,
        before: &[AddressObservation],
    ) {
        let pairs: Vec<PairName> = self
            .pairs
            .iter()
            .filter(|(_, care)| care.hosts().contains(host))
            .map(|(name, _)| name.clone())
            .collect();
        for pair in pairs {
            if before.iter().any(|one| one.pair == pair) {
                self.address_step(&pair, host, at, before);
            }
        }
    }

    /// Still open, or closed so lately that a step may belong to it.
    fn is_recent(&self, record: CauseId) -> bool {
        self.timeline.get(record).is_some_and(|record| {
            record
                .closed_at
                .is_none_or(|at| self.now.since(at) <= LATE_STEP)
        })
    }

    fn address_step(
        &mut self,
        pair: &PairName,
        host: &HostName,
        at: Timestamp,
        before: &[AddressObservation],
    ) {
        let held = |list: &[AddressObservation]| -> Vec<(IpAddr, String)> {
            list.iter()
                .filter(|one| &one.pair == pair)
                .filter_map(|one| {
                    let on = one.held.as_ref()?;
                    let place = on.label.clone().unwrap_or_else(|| on.interface.clone());
                    Some((one.address, place))
                })
                .collect()
        };
        let now = self
            .hosts
            .get(host)
            .map(|care| held(&care.addresses))
            .unwrap_or_default();
        let then = held(before);
        let record = self.pairs.get(pair).and_then(|care| {
            care.open_record
                .or_else(|| care.last_record.filter(|last| self.is_recent(*last)))
        });
        let Some(record) = record else {
            return;
        };
        let moment = self.moment_of(host, at);
        let gone: Vec<&(IpAddr, String)> = then
            .iter()
            .filter(|(address, _)| !now.iter().any(|(other, _)| other == address))
            .collect();
        let come: Vec<&(IpAddr, String)> = now
            .iter()
            .filter(|(address, _)| !then.iter().any(|(other, _)| other == address))
            .collect();
        for (list, step, word) in [
            (gone, Step::VipGone(host.clone()), "off"),
            (come, Step::VipSeen(host.clone()), "on"),
        ] {
            if list.is_empty() {
                continue;
            }
            let evidence = list
                .iter()
                .map(|(address, place)| format!("{address} {word} {place}"))
                .collect::<Vec<_>>()
                .join(", ");
            self.entry(
                record,
                NewEntry {
                    moment,
                    who: Party::VirtualIp,
                    step,
                    what: format!("{word} on {host}"),
                    evidence,
                },
            );
        }
    }
}
