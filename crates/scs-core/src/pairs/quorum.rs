//! `on_controller_loss: quorum` as the SCS sees it: what it supports with its beats, when the VIPs of a host without
//! its LCA have surely run out, and the `sole` mark. How a promotion gets its vote stands in
//! `procedures/clearance`; what an LCA does by itself, in the LCA's core.

use crate::ScsCore;
use crate::hosts::HostCondition;
use crate::keeping::AfterWrite;
use crate::pairs::PairCare;
use changeover_model::environment::{AlarmCategory, ControllerLoss};
use changeover_model::message::{Holding, LcaOrder, RecordKind, RecordOutcome, SoleMark, Step};
use changeover_model::{
    ApplicationStatus, Epoch, HostName, PairName, Refusal, RefusalCode, Timestamp, planted,
};

/// A vote as it came.
#[derive(Clone, Debug)]
pub(crate) struct Voted {
    pub(crate) host: HostName,
    pub(crate) epoch: Epoch,
    pub(crate) at: Timestamp,
    pub(crate) answer: Result<Vote, Refusal>,
}

/// What a vote says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vote {
    /// The former holder has confirmed that its VIPs are gone.
    pub(crate) released: bool,
    /// The voter supports the former holder no longer than since then, by the SCS's clock; `None` = it does not know.
    pub(crate) silent_since: Option<Timestamp>,
}

impl PairCare {
    pub(crate) fn is_quorum(&self) -> bool {
        self.config.policy.on_controller_loss == ControllerLoss::Quorum
    }

    /// The other one of the pair's hosts.
    pub(crate) fn other_host(&self, host: &HostName) -> Option<HostName> {
        self.config.peer_host_of(host).cloned()
    }
}

impl ScsCore {
    /// What a beat to this host supports. It counts from an answer that has arrived, so that is remembered: a
    /// promotion elsewhere waits until it has run out.
    pub(crate) fn grants_for(&mut self, host: &HostName, answered_at: Timestamp) -> Vec<Holding> {
        let names: Vec<PairName> = self
            .pairs
            .iter()
            .filter(|(_, care)| care.is_quorum() && care.intended_host() == Some(host))
            .map(|(name, _)| name.clone())
            .collect();
        let mut grants = Vec::new();
        for pair in names {
            if !self.knows_epoch(&pair) {
                continue;
            }
            let Some(care) = self.pairs.get_mut(&pair) else {
                continue;
            };
            let newest = care.granted.entry(host.clone()).or_insert(answered_at);
            *newest = answered_at.max(*newest);
            let epoch = care.kept.epoch;
            grants.push(Holding { pair, epoch });
        }
        grants
    }

    /// False while a former life of this SCS may have gone further than this one knows: its store was lost.
    pub(crate) fn knows_epoch(&self, pair: &PairName) -> bool {
        let Some(care) = self.pairs.get(pair) else {
            return false;
        };
        let heard_of_all = care.hosts().iter().all(|host| {
            self.hosts
                .get(host)
                .is_some_and(|host| host.ever_reported || self.started + host.bound() <= self.now)
        });
        care.kept.complete || heard_of_all
    }

    /// When what this SCS has granted to a host has run out there.
    pub(crate) fn grant_ends(&self, pair: &PairName, host: &HostName) -> Timestamp {
        let bound = self.hosts.get(host).map(crate::hosts::HostCare::bound);
        let bound = bound.unwrap_or_default();
        let granted = self
            .pairs
            .get(pair)
            .and_then(|care| care.granted.get(host).copied());
        // A former life may have granted until it ended.
        granted.unwrap_or(self.started).max(self.started) + bound
    }

    /// When the VIPs of a host whose LCA is away have surely run out in its kernel, as far as this SCS alone knows.
    pub(crate) fn addresses_end(&self, pair: &PairName, host: &HostName) -> Option<Timestamp> {
        let care = self.pairs.get(pair).filter(|care| care.is_quorum())?;
        let heard = self.hosts.get(host)?.agent_heard.max(self.started);
        let bound = self.hosts.get(host)?.bound();
        Some(heard + bound + care.config.policy.address_lifetime)
    }

    /// Under `quorum` a host without its LCA may be serving until its addresses have run out; then it counts as
    /// released, whatever `on_agent_loss` says.
    pub(crate) fn addresses_live(&mut self, pair: &PairName, host: &HostName) -> Option<Refusal> {
        let end = self.addresses_end(pair, host)?;
        let now = self.now;
        if end <= now {
            return None;
        }
        let care = self.pairs.get_mut(pair)?;
        care.wake_at(end);
        let left = end.since(now).as_secs_f64();
        Some(Refusal::new(
            RefusalCode::AddressLives,
            format!(
                "{host} lives without its LCA: its VIPs may stand for up to {left:.1} s more, then {pair} fails over; start lca on {host}"
            ),
        ))
    }

    /// Nobody can tell what a host without its LCA holds, but it has run out.
    pub(crate) fn count_as_released(&mut self, pair: &PairName, host: &HostName) {
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        let mut addresses = care.addresses.clone();
        for seen in addresses.iter_mut().filter(|seen| &seen.pair == pair) {
            seen.held = None;
        }
        let now = self.now;
        self.addresses_observed(host, now, addresses);
    }

    /// A vote has arrived, or its refusal.
    pub(crate) fn voted(&mut self, pair: &PairName, voted: Voted) {
        if let Some(care) = self.pairs.get_mut(pair) {
            care.voted = Some(voted);
            self.touched.insert(pair.clone());
        }
    }

    /// The epoch in force is on disk.
    pub(crate) fn epoch_is_in_force(&mut self, pair: &PairName, epoch: Epoch) {
        if let Some(care) = self.pairs.get_mut(pair) {
            care.in_force = care.in_force.max(epoch);
            self.touched.insert(pair.clone());
        }
    }

    /// An LCA let go of a pair's VIPs by its own decision.
    pub(crate) fn fenced(&mut self, host: &HostName, pair: &PairName, epoch: Epoch, reason: &str) {
        if !self.pairs.contains_key(pair) {
            return;
        }
        let text = format!(
            "the LCA of {host} released the VIP of {pair} in epoch {epoch} and demoted its server: {reason}"
        );
        if let Some(record) = self.pairs.get(pair).and_then(|care| care.open_record) {
            self.note(
                record,
                Step::ForcedRelease(host.clone()),
                "released by the LCA itself",
                text,
            );
            return;
        }
        let record = self.open_record(
            RecordKind::Host,
            Some(pair),
            format!("{host} let go of {pair}"),
            reason,
        );
        self.note(
            record,
            Step::ForcedRelease(host.clone()),
            "released by the LCA itself",
            text.clone(),
        );
        self.close_record(record, RecordOutcome::Done, text);
    }

    /// The mark stands as far as this SCS knows, on another host than the one that would be promoted.
    pub(crate) fn sole_obstacle(&self, pair: &PairName, to: &HostName) -> Option<Refusal> {
        let care = self.pairs.get(pair)?;
        if planted("sole-mark-ignored") {
            return None;
        }
        let mark = care.kept.sole.as_ref().filter(|mark| &mark.host != to)?;
        if mark.epoch < care.kept.epoch && self.is_reported(&mark.host) {
            return None;
        }
        Some(Refusal::new(
            RefusalCode::SoleMark,
            format!(
                "{} may hold the VIP of {pair} without a majority since its backup was down; waits for its LCA to give that up, or sci hosts confirm-lost {}",
                mark.host, mark.host
            ),
        ))
    }

    fn is_reported(&self, host: &HostName) -> bool {
        self.hosts
            .get(host)
            .is_some_and(|care| care.condition() == HostCondition::Reported)
    }

    /// Sets the mark while the backup is known stopped or the pair is in maintenance, and ends it afterwards.
    pub(crate) fn watch_sole(&mut self, pair: &PairName) {
        let Some(wanted) = self.wanted_sole(pair) else {
            return;
        };
        let kept = self.pairs.get(pair).and_then(|care| care.kept.sole.clone());
        match (wanted, kept) {
            (Some(mark), kept) if kept.as_ref() != Some(&mark) => {
                // Before it is given: a later life of this SCS must know that it may stand.
                if let Some(care) = self.pairs.get_mut(pair) {
                    care.kept.sole = Some(mark.clone());
                    care.sole_sent = None;
                }
                self.keep_pair(pair);
                self.after_write(AfterWrite::SoleKept(pair.clone(), mark));
                self.picture_changed = true;
            }
            (Some(mark), _) => self.send_sole(pair, &mark, true),
            (None, Some(mark)) if self.leaves_a_lease(&mark) => {
                self.send_sole(pair, &mark, false);
            }
            (None, _) => {}
        }
    }

    /// The mark is not ended before its holder has a lease to go on with, if it is back: it would let go at once.
    fn leaves_a_lease(&self, mark: &SoleMark) -> bool {
        let host = self.hosts.get(&mark.host);
        host.and_then(|host| host.link.as_ref())
            .is_none_or(|link| link.grants)
    }

    /// `None` = not to be touched now.
    fn wanted_sole(&self, pair: &PairName) -> Option<Option<SoleMark>> {
        let care = self.pairs.get(pair)?;
        if self.is_busy(pair) {
            return None;
        }
        if !care.is_quorum() {
            return care.kept.sole.is_some().then_some(None);
        }
        let members = self.members(pair)?;
        let primary = members.iter().find(|member| {
            member.is_primary() && care.kept.primary.as_ref() == Some(&member.application)
        });
        let Some(primary) = primary.filter(|primary| primary.epoch == care.kept.epoch) else {
            // Without a primary in contact nothing can be marked; what stands, stands until it is.
            let marked = care.kept.sole.as_ref()?;
            return self.is_reported(&marked.host).then_some(None);
        };
        let other = members
            .iter()
            .find(|one| one.application != primary.application)?;
        let at_rest = other.reported()
            && other.status == ApplicationStatus::Stopped
            && other.stopped_as_asked;
        let wanted = at_rest || self.in_maintenance(pair);
        Some(wanted.then(|| SoleMark {
            pair: pair.clone(),
            epoch: care.kept.epoch,
            host: primary.host.clone(),
        }))
    }

    /// To both LCAs: the one keeps it, the other does not vote against it. Once per connection and wish.
    fn send_sole(&mut self, pair: &PairName, mark: &SoleMark, sole: bool) {
        let Some(care) = self.pairs.get(pair) else {
            return;
        };
        if sole && care.sole_written.as_ref() != Some(mark) {
            return;
        }
        let hosts = care.hosts();
        let connections: Vec<Option<u64>> = hosts
            .iter()
            .map(|host| {
                self.hosts
                    .get(host)
                    .filter(|care| care.reported)?
                    .connection()
            })
            .collect();
        let wish = Some((mark.clone(), sole, connections));
        if care.sole_sent == wish {
            return;
        }
        for host in hosts
            .iter()
            .filter(|host| self.is_reported(host))
            .cloned()
            .collect::<Vec<_>>()
        {
            let mark = mark.clone();
            self.send(&host, None, LcaOrder::MarkSole { mark, sole });
        }
        if let Some(care) = self.pairs.get_mut(pair) {
            care.sole_sent = wish;
        }
    }

    /// The mark is on disk: it may be given.
    pub(crate) fn sole_kept(&mut self, pair: &PairName, mark: &SoleMark) {
        if let Some(care) = self.pairs.get_mut(pair) {
            care.sole_written = Some(mark.clone());
            self.touched.insert(pair.clone());
        }
    }

    /// An LCA says that a mark stands with it, or does not.
    pub(crate) fn sole_marked(&mut self, host: &HostName, mark: &SoleMark, sole: bool) {
        if sole || host != &mark.host || planted("sole-mark-never-cleared") {
            return;
        }
        self.sole_over(
            &mark.pair,
            mark,
            &format!("the LCA of {host} has given it up"),
        );
    }

    fn sole_over(&mut self, pair: &PairName, mark: &SoleMark, why: &str) {
        let Some(care) = self.pairs.get_mut(pair) else {
            return;
        };
        if care.kept.sole.as_ref() != Some(mark) {
            return;
        }
        care.kept.sole = None;
        care.sole_sent = None;
        let record = care.open_record;
        self.keep_pair(pair);
        self.touched.insert(pair.clone());
        self.picture_changed = true;
        self.clear_alarm(&format!("sole/{pair}"), why);
        if let Some(record) = record {
            self.note(record, Step::Note, "sole mark ended", why);
        }
    }

    /// Marks that an LCA has told of in its full state, and those that it has not (any more).
    pub(crate) fn soles_reported(&mut self, host: &HostName, soles: &[SoleMark]) {
        for mark in soles {
            let Some(care) = self.pairs.get_mut(&mark.pair) else {
                continue;
            };
            if care.kept.sole.is_none() && mark.epoch >= care.kept.epoch {
                // This store does not know of it.
                care.kept.sole = Some(mark.clone());
                self.keep_pair(&mark.pair);
                self.touched.insert(mark.pair.clone());
            }
        }
        let gone: Vec<SoleMark> = self
            .pairs
            .values()
            .filter_map(|care| care.kept.sole.clone())
            .filter(|mark| &mark.host == host && !soles.contains(mark))
            .collect();
        for mark in gone {
            let sent = self.pairs.get(&mark.pair).is_some_and(|care| {
                care.sole_written.as_ref() == Some(&mark) && mark.epoch == care.kept.epoch
            });
            // One that this life wrote and is still to send is not missing.
            if !sent {
                self.sole_over(
                    &mark.pair.clone(),
                    &mark,
                    &format!("the LCA of {host} does not have it"),
                );
            }
        }
    }

    /// An operator's word ends the marks of these hosts.
    pub(crate) fn soles_of_lost(&mut self, hosts: &[HostName]) {
        let marks: Vec<SoleMark> = self
            .pairs
            .values()
            .filter_map(|care| care.kept.sole.clone())
            .filter(|mark| hosts.contains(&mark.host))
            .collect();
        for mark in marks {
            let other = self
                .pairs
                .get(&mark.pair)
                .and_then(|care| care.other_host(&mark.host));
            let pair = mark.pair.clone();
            self.sole_over(&pair, &mark, "an operator confirmed that its host is lost");
            if let Some(other) = other {
                self.send(&other, None, LcaOrder::MarkSole { mark, sole: false });
            }
        }
    }

    /// Says so while a mark keeps a backup from being ready.
    pub(crate) fn watch_sole_alarm(&mut self, pair: &PairName) {
        let Some(care) = self.pairs.get(pair) else {
            return;
        };
        let key = format!("sole/{pair}");
        let stuck = care
            .kept
            .sole
            .clone()
            .filter(|mark| !self.in_maintenance(pair) && !self.is_reported(&mark.host));
        let ready = self.members(pair).is_some_and(|members| {
            members.iter().any(|member| {
                member.can_take_over()
                    && stuck.as_ref().is_some_and(|mark| mark.host != member.host)
            })
        });
        match stuck.filter(|_| ready) {
            Some(mark) => {
                let text = format!(
                    "{pair}: its backup is Started, but {} may serve without a majority until its LCA is back; \
                     if it is really off, sci hosts confirm-lost {}",
                    mark.host, mark.host
                );
                self.raise_alarm(
                    &key,
                    "SOLE_MARK",
                    AlarmCategory::Major,
                    pair.as_str(),
                    &text,
                    None,
                );
            }
            None => self.clear_alarm(&key, "the mark is given up"),
        }
    }
}
