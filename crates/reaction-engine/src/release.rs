//! Release before enabling: when an enabling script may start, which release it still needs, and what
//! happens to a holder that does not let go (BEHAVIOUR, Order).

use crate::HostReach;
use crate::engine::ReactionEngine;
use crate::output::{EscalationKind, Output};
use crate::reaction::{Phase, Reaction};
use crate::sight::Holding;
use changeover_model::environment::{Environment, ForceRelease, OnAgentLoss, Pair};
use changeover_model::message::ReactionState;
use changeover_model::{HostName, PairName, ScriptAction, Timestamp, planted};

/// Whether another host stands in the way of an enabling script.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Gate {
    /// It does not; the text says why where that is not plain.
    Free(Option<String>),
    /// Its release is not seen yet.
    Wait(String),
    /// Its agent stays away: the release will not come before it is back.
    Stuck(String),
}

impl ReactionEngine {
    /// Whether `other` stands in the way of enabling the pair's VIPs somewhere else.
    pub(crate) fn gate(&self, now: Timestamp, pair: &Pair, other: &HostName) -> Gate {
        let reach = self.sight.reach(other);
        if planted("enabled-before-disabled") {
            return Gate::Free(None);
        }
        if reach == HostReach::Lost {
            return Gate::Free(Some(format!("{other} is lost")));
        }
        let may_raise = self.sight.may_run(&pair.name, other, ScriptAction::Enable);
        let holding = self.sight.holding(&pair.name, other);
        if reach == HostReach::Connected && self.sight.is_cut_off(&pair.name, other) {
            return Gate::Free((holding == Holding::Held).then(|| {
                format!("{other} holds the VIP without carrier: unreachable, released later")
            }));
        }
        let gone = match holding {
            Holding::Gone => true,
            Holding::Held => false,
            Holding::Unknown => {
                self.sight.last_good(&pair.name, other) == Some(ScriptAction::Disable)
            }
        };
        if gone && !may_raise {
            return Gate::Free(None);
        }
        if reach == HostReach::AgentAway && now >= self.away_deadline(other) {
            return match pair.policy.on_agent_loss {
                OnAgentLoss::Failover => Gate::Free(Some(format!(
                    "the agent of {other} stays away; on_agent_loss is failover"
                ))),
                OnAgentLoss::Hold => Gate::Stuck(format!(
                    "{other} may hold the VIP and its agent stays away: nobody can release it there"
                )),
            };
        }
        Gate::Wait(format!("waits for the release on {other}"))
    }

    /// The open release of the pair on a host.
    pub(crate) fn open_release(&self, pair: &PairName, host: &HostName) -> Option<&Reaction> {
        self.runs().find(|run| {
            run.is_control(pair, ScriptAction::Disable) && run.subject.host.as_ref() == Some(host)
        })
    }

    /// Looks again at an enabling reaction in [`Phase::Release`]: starts it, adds a missing release, or gives
    /// up.
    pub(crate) fn try_enable(&mut self, now: Timestamp, number: u64, outputs: &mut Vec<Output>) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let Some((pair, host)) = self.pair_and_host(&environment, number) else {
            return;
        };
        let mut waits = None;
        for other in pair.control.keys().filter(|other| **other != host) {
            if self.is_ignored(number, other) {
                continue;
            }
            match self.gate(now, pair, other) {
                Gate::Free(None) => {}
                Gate::Free(Some(why)) => self.note(now, number, why),
                Gate::Stuck(why) => {
                    let back = Some(other.clone());
                    self.give_up_enable(now, number, pair, &why, back, outputs);
                    return;
                }
                Gate::Wait(why) => {
                    if self.overran(pair, other) {
                        if !self.release_denied(now, number, pair, other, outputs) {
                            return;
                        }
                        continue;
                    }
                    self.add_release(now, number, pair, other, outputs);
                    waits = Some(why);
                }
            }
        }
        match waits {
            None => self.launch(now, number, outputs),
            Some(why) => self.note_once(now, number, &why),
        }
    }

    fn overran(&self, pair: &Pair, other: &HostName) -> bool {
        pair.policy.force_release != ForceRelease::On
            && self
                .open_release(&pair.name, other)
                .is_some_and(|release| release.overran)
    }

    fn is_ignored(&self, number: u64, other: &HostName) -> bool {
        self.reactions
            .get(&number)
            .is_some_and(|reaction| reaction.ignored.contains(other))
    }

    /// A holder did not let go and is not (or could not be) forced. True if the reaction goes on all the same.
    fn release_denied(
        &mut self,
        now: Timestamp,
        number: u64,
        pair: &Pair,
        other: &HostName,
        outputs: &mut Vec<Output>,
    ) -> bool {
        if pair.policy.force_release == ForceRelease::EnableAnyway {
            let why = format!("enabled although {other} has not released the VIP (enable-anyway)");
            self.note(now, number, why.clone());
            if let Some(reaction) = self.reactions.get_mut(&number) {
                reaction.ignored.insert(other.clone());
            }
            self.escalate(number, EscalationKind::ReleaseForced, why, outputs);
            return true;
        }
        let why = format!("{other} has not released the VIP");
        self.give_up_enable(now, number, pair, &why, None, outputs);
        false
    }

    /// Ends an enabling reaction whose release does not come, and asks for the pair to be held: until the agent
    /// of `until_back` is back, or until an operator has looked.
    pub(crate) fn give_up_enable(
        &mut self,
        now: Timestamp,
        number: u64,
        pair: &Pair,
        why: &str,
        until_back: Option<HostName>,
        outputs: &mut Vec<Output>,
    ) {
        let Some(cause) = self.reactions.get(&number).map(|found| found.asked.cause) else {
            return;
        };
        let name = &pair.name;
        let reason = match &until_back {
            Some(host) => format!(
                "{why}; start lca on {host} (that ends it by itself), or look at that host, then: sci realign {name}, \
                 or if it is lost: sci hosts confirm-lost {host}"
            ),
            None => format!("{why}; look at that host, then: sci realign {name}"),
        };
        self.escalate(
            number,
            EscalationKind::ReleaseFailed,
            reason.clone(),
            outputs,
        );
        outputs.push(Output::HoldPair {
            pair: pair.name.clone(),
            cause,
            until_back,
            reason,
        });
        self.report_finished(number, false, why, outputs);
        self.end(now, number, ReactionState::Failed, why, true);
    }

    fn add_release(
        &mut self,
        now: Timestamp,
        number: u64,
        pair: &Pair,
        other: &HostName,
        outputs: &mut Vec<Output>,
    ) {
        if self.open_release(&pair.name, other).is_some() {
            return;
        }
        let Some(reaction) = self.reactions.get_mut(&number) else {
            return;
        };
        if !reaction.added_for.insert(other.clone()) {
            return;
        }
        let asked = reaction.asked.clone();
        let subject = self.control_subject(None, pair, other, ScriptAction::Disable, true);
        let detail = format!("added: no requested reaction releases the VIP on {other}");
        self.begin(now, subject, asked, &detail, outputs);
    }

    /// `release_wait` is over for a release that still runs.
    pub(crate) fn release_overran(
        &mut self,
        now: Timestamp,
        number: u64,
        outputs: &mut Vec<Output>,
    ) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let Some((pair, host)) = self.pair_and_host(&environment, number) else {
            return;
        };
        if self.sight.is_as_wanted(pair, &host, ScriptAction::Disable) {
            return;
        }
        let wait = changeover_model::show_duration(pair.policy.release_wait);
        if let Some(reaction) = self.reactions.get_mut(&number) {
            reaction.overran = true;
            reaction.note(now, format!("the VIP is still on {host} after {wait}"));
        }
        if pair.policy.force_release == ForceRelease::On
            && self.sight.reach(&host) == HostReach::Connected
        {
            let why = format!("the VIP was still there after {wait}");
            self.force(now, number, &why, outputs);
        }
    }

    /// A release failed for good: whoever waits for it goes on anyway, or not at all.
    pub(crate) fn release_failed(
        &mut self,
        now: Timestamp,
        environment: &Environment,
        number: u64,
        outputs: &mut Vec<Output>,
    ) {
        let Some((pair, host)) = self.pair_and_host(environment, number) else {
            return;
        };
        if !matches!(self.gate(now, pair, &host), Gate::Wait(_)) {
            return;
        }
        let waiting: Vec<u64> = self
            .runs()
            .filter(|run| run.phase == Phase::Release)
            .filter(|run| run.is_control(&pair.name, ScriptAction::Enable))
            .map(|run| run.number)
            .collect();
        for enabling in waiting {
            self.release_denied(now, enabling, pair, &host, outputs);
        }
    }

    /// The pair and host of a VIP reaction.
    pub(crate) fn pair_and_host<'a>(
        &self,
        environment: &'a Environment,
        number: u64,
    ) -> Option<(&'a Pair, HostName)> {
        let subject = &self.reactions.get(&number)?.subject;
        let pair = environment.pairs.get(subject.pair.as_ref()?)?;
        Some((pair, subject.host.clone()?))
    }
}
