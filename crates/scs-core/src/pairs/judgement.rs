//! What the SCS does by itself about a pair with nothing under way: adopt, promote, fail over, demote one of two
//! primaries, or name why not. Judged from levels, anew after each input that touched the pair, so that a lost
//! message or a restart of the SCS heals. The procedures it opens stand in `procedures`.

use super::{Alignment, Member};
use crate::ScsCore;
use crate::dispatch::Timer;
use crate::hosts::HostCondition;
use changeover_model::environment::OnAgentLoss;
use changeover_model::message::{LcaOrder, RecordKind};
use changeover_model::{PairName, Refusal, RefusalCode, planted};
use std::time::Duration;

/// How long a pair waits for the member that should be primary first while that one comes up.
const PREFERRED_WAIT: Duration = Duration::from_secs(3);
/// How long it waits for an LCA that has not reported before it says that it does.
const REPORT_WAIT: Duration = Duration::from_secs(3);
/// Rounds of procedure and judgement within one input.
const ROUNDS: usize = 8;

impl ScsCore {
    /// Takes the pair as far as it goes now, and sets when it must be looked at again.
    pub(crate) fn advance_pair(&mut self, pair: &PairName) {
        if !self.pairs.contains_key(pair) {
            return;
        }
        self.expire(pair);
        for _ in 0..ROUNDS {
            let opened = if self.is_busy(pair) {
                self.advance_procedure(pair)
            } else {
                self.judge(pair)
            };
            if !opened {
                break;
            }
        }
        self.watch_trouble(pair);
        self.watch_alignment(pair);
        self.watch_failure(pair);
        self.watch_sole(pair);
        self.watch_sole_alarm(pair);
        self.end_handovers(pair);
        let now = self.now;
        let wake = self
            .pairs
            .get_mut(pair)
            .and_then(super::PairCare::take_wake);
        match wake {
            Some(at) => {
                let at = at.max(now + Duration::from_millis(1));
                self.timers.set(Timer::Pair(pair.clone()), at);
            }
            None => {
                self.timers.cancel(&Timer::Pair(pair.clone()));
            }
        }
    }

    pub(crate) fn is_busy(&self, pair: &PairName) -> bool {
        self.pairs
            .get(pair)
            .is_some_and(|care| care.open_record.is_some())
    }

    fn end_handovers(&mut self, pair: &PairName) {
        let hosts = self.pairs.get(pair).map(super::PairCare::hosts);
        for host in hosts.unwrap_or_default() {
            self.check_handed_over(&host);
        }
    }

    /// True if it opened a procedure.
    fn judge(&mut self, pair: &PairName) -> bool {
        let Some([first, second]) = self.members(pair) else {
            return false;
        };
        if self.stops_member(pair) {
            self.suppress(pair, Vec::new(), "");
            return false;
        }
        let members = [&first, &second];
        if members.iter().any(|member| member.is_unjudged()) {
            self.await_report(pair, members);
            return false;
        }
        if let Some(care) = self.pairs.get_mut(pair) {
            care.unjudged_since = None;
        }
        match (first.is_primary(), second.is_primary()) {
            (true, true) => self.two_primaries(pair, &first, &second),
            (true, false) => self.one_primary(pair, &first, &second),
            (false, true) => self.one_primary(pair, &second, &first),
            (false, false) => self.no_primary(pair, &first, &second),
        }
    }

    /// Nothing is judged before both LCAs have reported or are lost, which several faults in a row can put off: while nobody
    /// is seen to be primary and one could be, that is told.
    fn await_report(&mut self, pair: &PairName, members: [&Member; 2]) {
        let now = self.now;
        let Some(care) = self.pairs.get_mut(pair) else {
            return;
        };
        let until = *care.unjudged_since.get_or_insert(now) + REPORT_WAIT;
        let mut reasons = Vec::new();
        if until > now {
            care.wake_at(until);
        } else if members.iter().any(|member| member.can_take_over())
            && !members.iter().any(|member| member.is_primary())
        {
            let unjudged = members.iter().filter(|member| member.is_unjudged());
            reasons.extend(unjudged.flat_map(|member| member.obstacles()));
        }
        self.suppress(pair, reasons, "nobody is seen to be primary");
    }

    fn two_primaries(&mut self, pair: &PairName, first: &Member, second: &Member) -> bool {
        let reasons = self.gate(pair);
        if !reasons.is_empty() {
            self.suppress(pair, reasons, "both are primary");
            return false;
        }
        self.suppress(pair, Vec::new(), "");
        let intended = self
            .pairs
            .get(pair)
            .and_then(|care| care.kept.primary.clone());
        // The lower epoch is demoted; with equal ones the one that is not intended: the restored one.
        let first_wins = match first.epoch.cmp(&second.epoch) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => intended.as_ref() != Some(&second.application),
        };
        let (winner, loser) = if first_wins != planted("wrong-winner-of-a-reconnect") {
            (first, second)
        } else {
            (second, first)
        };
        self.open_reconnect(pair, winner, loser)
    }

    fn one_primary(&mut self, pair: &PairName, primary: &Member, other: &Member) -> bool {
        let replaceable = primary.fails_to_serve() && other.can_take_over();
        if self.is_overtaken(pair, primary) {
            if !replaceable {
                return self.take_back(pair, primary, other);
            }
        } else {
            self.adopt_primary(pair, primary);
        }
        let leaving = self
            .hosts
            .get(&primary.host)
            .is_some_and(|host| host.stopping && !host.handed_over);
        if !primary.fails_to_serve() && !leaving {
            self.suppress(pair, Vec::new(), "");
            self.announce_after_a_return(pair, primary, other);
            return false;
        }
        let cause = if leaving {
            format!("{} is being shut down", primary.host)
        } else {
            format!("{} cannot serve: {}", primary.application, primary.reason)
        };
        let mut obstacles = other.obstacles();
        obstacles.extend(self.sole_obstacle(pair, &other.host));
        let mut reasons = self.gate(pair);
        if !obstacles.is_empty() {
            reasons.push(no_backup(&obstacles));
            reasons.extend(obstacles);
        }
        if !leaving && reasons.is_empty() {
            reasons.extend(self.flaps(pair));
        }
        if !reasons.is_empty() {
            self.suppress(pair, reasons, &cause);
            return false;
        }
        self.suppress(pair, Vec::new(), "");
        if leaving {
            self.open_handover_of_host(pair, primary, other, &cause)
        } else {
            self.open_failover(pair, primary, other, &cause)
        }
    }

    /// A host that nobody could hear is back and has nothing to give up. It may have announced the VIP as its own meanwhile (one
    /// that stood still does, as soon as it goes on), where the holder could not hear it: so the holder announces again.
    fn announce_after_a_return(&mut self, pair: &PairName, primary: &Member, other: &Member) {
        let aligned = self.alignment(pair, false) == Alignment::AsIntended;
        let Some(care) = self.pairs.get_mut(pair).filter(|_| aligned) else {
            return;
        };
        let returned = care.host_returned.take_if(|(host, _)| *host == other.host);
        if returned.is_none() || care.config.virtual_ips.is_empty() {
            return;
        }
        let key = self.order_key(Some(pair), primary.epoch, &primary.application, true);
        let order = LcaOrder::AnnounceAddresses { key };
        self.send(&primary.host, None, order);
    }

    /// The epoch in force is newer than the one in which it is primary: it was given to another server, whose order may still
    /// be on its way, or to this one, which never came to hear of it and for which its LCA does not speak.
    fn is_overtaken(&self, pair: &PairName, primary: &Member) -> bool {
        let care = self.pairs.get(pair);
        care.is_some_and(|care| primary.epoch < care.kept.epoch)
    }

    /// The primary of an older epoch serves and the one that was to follow it does not: back under a new epoch,
    /// unless that one may serve where nobody can see it.
    fn take_back(&mut self, pair: &PairName, primary: &Member, other: &Member) -> bool {
        let (name, epoch) = (&primary.application, primary.epoch);
        let kept = self.pairs.get(pair).map(|care| &care.kept);
        let own = kept.filter(|kept| kept.primary.as_ref() == Some(name));
        let (cause, mut reasons) = match own.map(|kept| kept.epoch) {
            Some(newest) => {
                let cause = format!("{name} is primary in epoch {epoch}, not in {newest}");
                (cause, Vec::new())
            }
            None => {
                let cause = format!(
                    "{name} is primary in epoch {epoch}, {} never became it",
                    other.application
                );
                let may = self.may_still_serve(pair, other);
                (cause, may.into_iter().collect::<Vec<Refusal>>())
            }
        };
        reasons.extend(self.gate(pair));
        if !reasons.is_empty() {
            self.suppress(pair, reasons, &cause);
            return false;
        }
        self.suppress(pair, Vec::new(), "");
        self.open_take_back(pair, primary, other, &cause)
    }

    /// What is there without having been ordered by this SCS: after a lost store or a restart.
    fn adopt_primary(&mut self, pair: &PairName, primary: &Member) {
        let Some(care) = self.pairs.get_mut(pair) else {
            return;
        };
        let known = care.kept.primary.as_ref() == Some(&primary.application);
        if known && primary.epoch <= care.kept.epoch {
            return;
        }
        care.kept.epoch = care.kept.epoch.max(primary.epoch);
        care.kept.primary = Some(primary.application.clone());
        care.kept.because = "it was primary already".to_owned();
        care.kept.left_without_primary = false;
        self.keep_pair(pair);
        self.intend(pair);
        self.picture_changed = true;
    }

    fn no_primary(&mut self, pair: &PairName, first: &Member, second: &Member) -> bool {
        let Some(care) = self.pairs.get(pair) else {
            return false;
        };
        let intended = care.kept.primary.clone();
        if care.kept.left_without_primary {
            let reason = Refusal::new(
                RefusalCode::Held,
                format!(
                    "an operator stopped the primary of {pair} without handing over; sci start or sci switchover"
                ),
            );
            self.suppress(pair, vec![reason], "");
            return false;
        }
        let (preferred, other) = if intended.as_ref() == Some(&second.application) {
            (second, first)
        } else {
            (first, second)
        };
        let candidate = if preferred.can_take_over() {
            Some((preferred, other))
        } else if other.can_take_over() {
            Some((other, preferred))
        } else {
            None
        };
        let cause = self.loss_of(preferred, intended.is_some());
        let mut reasons: Vec<Refusal> = [first, second]
            .into_iter()
            .filter_map(|member| self.may_still_serve(pair, member))
            .collect();
        reasons.extend(self.gate(pair));
        let Some((to, from)) = candidate else {
            self.nobody(pair, preferred, other, reasons, &cause);
            return false;
        };
        reasons.extend(self.sole_obstacle(pair, &to.host));
        let starting = self.operations.contains_key(&preferred.application);
        let comes = preferred.comes_up() || (starting && preferred.reported());
        if to.application != preferred.application && comes && self.waits_for_preferred(pair) {
            return false;
        }
        let fails_over = intended.as_ref() == Some(&from.application);
        if fails_over && reasons.is_empty() {
            reasons.extend(self.flaps(pair));
        }
        if !reasons.is_empty() {
            self.suppress(pair, reasons, &cause);
            return false;
        }
        self.suppress(pair, Vec::new(), "");
        if fails_over {
            self.open_failover(pair, from, to, &cause)
        } else {
            self.open_start(pair, to)
        }
    }

    fn loss_of(&self, member: &Member, was_primary: bool) -> String {
        let name = &member.application;
        match member.condition {
            HostCondition::Lost(_) => format!("{} is lost", member.host),
            HostCondition::AgentLost(_) => format!("the LCA of {} is lost", member.host),
            HostCondition::Reported | HostCondition::NotYetJudged if was_primary => {
                format!(
                    "{name} is {} and not primary any more",
                    member.status.for_people()
                )
            }
            HostCondition::Reported | HostCondition::NotYetJudged => "no primary yet".to_owned(),
        }
    }

    /// A member out of contact that may well be serving: nobody is promoted beside it.
    fn may_still_serve(&mut self, pair: &PairName, member: &Member) -> Option<Refusal> {
        let by_quorum = self.pairs.get(pair)?.is_quorum();
        if by_quorum && matches!(member.condition, HostCondition::AgentLost(_)) {
            return self.addresses_live(pair, &member.host);
        }
        let policy = &self.pairs.get(pair)?.config.policy;
        let host = &member.host;
        match member.condition {
            HostCondition::Reported | HostCondition::NotYetJudged | HostCondition::Lost(true) => {
                None
            }
            HostCondition::Lost(false) => Some(Refusal::new(
                RefusalCode::HostLost,
                format!("{host} went silent; disconnect_switchover_timeout is not over yet"),
            )),
            HostCondition::AgentLost(true)
                if policy.on_agent_loss == OnAgentLoss::Failover || planted("hold-ignored") =>
            {
                None
            }
            HostCondition::AgentLost(over) => {
                let application = &member.application;
                Some(Refusal::new(
                    RefusalCode::AgentLost,
                    if over {
                        format!(
                            "{host} lives without its LCA, so {application} may still be serving: the pair is held. Start lca on {host}"
                        )
                    } else {
                        format!("{host} lives without its LCA; lca_restart_timeout is not over yet")
                    },
                ))
            }
        }
    }

    fn waits_for_preferred(&mut self, pair: &PairName) -> bool {
        let now = self.now;
        let Some(care) = self.pairs.get_mut(pair) else {
            return false;
        };
        let since = *care.waiting_since.get_or_insert(now);
        let until = since + PREFERRED_WAIT;
        if until > now {
            care.wake_at(until);
        }
        until > now
    }

    /// Nobody can be promoted: named, unless both were stopped on purpose or one is on its way.
    fn nobody(
        &mut self,
        pair: &PairName,
        preferred: &Member,
        other: &Member,
        mut reasons: Vec<Refusal>,
        cause: &str,
    ) {
        let members = [preferred, other];
        let at_rest = members.iter().all(|member| {
            member.reported()
                && (member.stopped_as_asked || member.comes_up())
                && !member.fails_to_serve()
        });
        if at_rest {
            self.suppress(pair, Vec::new(), "");
            return;
        }
        let obstacles: Vec<Refusal> = members
            .iter()
            .flat_map(|member| member.obstacles())
            .filter(|obstacle| reasons.iter().all(|reason| reason.code != obstacle.code))
            .collect();
        if !obstacles.is_empty() {
            reasons.push(no_backup(&obstacles));
            reasons.extend(obstacles);
        }
        self.suppress(pair, reasons, cause);
    }

    /// What stands against anything automatic.
    pub(crate) fn gate(&mut self, pair: &PairName) -> Vec<Refusal> {
        let now = self.now;
        let mut reasons = Vec::new();
        if let Some(what) = self.maintenance_of(pair)
            && !planted("maintenance-ignored")
        {
            reasons.push(Refusal::new(
                RefusalCode::Maintenance,
                format!("{what} is in maintenance; sci maintenance off {what}"),
            ));
        }
        if self.is_it_me {
            reasons.push(Refusal::new(
                RefusalCode::IsItMe,
                "more than half of the hosts fell silent at once; sci hosts confirm-lost HOST if they are really lost",
            ));
        }
        let Some(care) = self.pairs.get_mut(pair) else {
            return reasons;
        };
        reasons.extend(care.kept.held.clone());
        if let Some(until) = care.not_before.filter(|until| *until > now) {
            care.wake_at(until);
            reasons.push(Refusal::new(
                RefusalCode::Held,
                format!("the last procedure of {pair} failed; it is tried again shortly (sci why {pair})"),
            ));
        }
        reasons
    }

    /// Remembers what is not done and why; a new reason leaves a record.
    fn suppress(&mut self, pair: &PairName, reasons: Vec<Refusal>, cause: &str) {
        let Some(care) = self.pairs.get_mut(pair) else {
            return;
        };
        let codes = |list: &[Refusal]| list.iter().map(|one| one.code).collect::<Vec<_>>();
        if reasons.is_empty() {
            care.waiting_since = None;
        }
        let new = codes(&reasons) != codes(&care.suppressed);
        care.suppressed.clone_from(&reasons);
        if !new {
            return;
        }
        self.picture_changed = true;
        if reasons.is_empty() || cause.is_empty() {
            return;
        }
        if planted("suppression-without-a-record") {
            return;
        }
        self.new_cause_to_switch(pair);
        self.record_reasons(
            RecordKind::Suppression,
            Some(pair),
            format!("nothing done for {pair}"),
            cause,
            &reasons,
        );
    }
}

fn no_backup(obstacles: &[Refusal]) -> Refusal {
    let code = obstacles
        .first()
        .map_or(RefusalCode::BackupNotRunning, |obstacle| obstacle.code);
    Refusal::new(
        code,
        "no backup can take over; tried again as soon as one is Started",
    )
}
