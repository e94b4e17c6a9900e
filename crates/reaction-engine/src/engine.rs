//! The engine itself: its state, the way each input takes through it, and the life of a reaction from its
//! request to its end. Planning stands in `plan`, releases in `release`, control scripts in `launch`, every
//! other kind of reaction in `effects`.

use crate::launch::host_lost_while_running;
use crate::output::Output;
use crate::plan::cannot_launch;
use crate::reaction::{Phase, Reaction, Work};
use crate::sight::Sight;
use crate::{HostReach, Input, ReactionRequest};
use changeover_model::environment::{Environment, Pair};
use changeover_model::message::{
    OrderKey, OrderOutcome, Party, Prediction, ReactionPicture, ReactionState, Step,
};
use changeover_model::{
    ApplicationName, CauseId, Core, Epoch, HostName, OrderNumber, PairName, Refusal, RefusalCode,
    Ticket, TimerTable, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What a deadline is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The present phase of a reaction has lasted long enough.
    Phase(u64),
    /// `release_wait` of a release.
    Overrun(u64),
    /// A host's agent has stayed away for `lca_restart_timeout`.
    Away(HostName),
}

/// What is known of a pair.
#[derive(Clone, Debug, Default)]
struct Intended {
    epoch: Epoch,
    primary: Option<ApplicationName>,
    maintenance: bool,
}

/// Open reactions of one pair and cause, for [`Output::Settled`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) open: usize,
    pub(crate) bad: bool,
}

/// The reaction engine.
#[derive(Clone, Debug)]
pub struct ReactionEngine {
    /// Time of the last input: what a prediction calls now.
    clock: Timestamp,
    pub(crate) environment: Option<Arc<Environment>>,
    intended: BTreeMap<PairName, Intended>,
    pub(crate) sight: Sight,
    pub(crate) reactions: BTreeMap<u64, Reaction>,
    pub(crate) open: BTreeSet<u64>,
    pub(crate) ended: VecDeque<u64>,
    pub(crate) by_order: BTreeMap<OrderNumber, u64>,
    pub(crate) by_ticket: BTreeMap<Ticket, u64>,
    pub(crate) accounts: BTreeMap<(Option<PairName>, CauseId), Account>,
    pub(crate) timers: TimerTable<Timer>,
    pub(crate) next_number: u64,
    next_ticket: Ticket,
    next_order: OrderNumber,
}

impl ReactionEngine {
    /// An engine that numbers its orders from `first_order` on. The SCS's other orders to LCAs need numbers
    /// of their own from the same growing sequence: see [`ReactionEngine::take_order_number`].
    pub fn new(first_order: OrderNumber) -> Self {
        Self {
            clock: Timestamp(0),
            environment: None,
            intended: BTreeMap::new(),
            sight: Sight::default(),
            reactions: BTreeMap::new(),
            open: BTreeSet::new(),
            ended: VecDeque::new(),
            by_order: BTreeMap::new(),
            by_ticket: BTreeMap::new(),
            accounts: BTreeMap::new(),
            timers: TimerTable::default(),
            next_number: 1,
            next_ticket: Ticket(1),
            next_order: first_order,
        }
    }

    /// The next order number. `scs-core` takes the numbers of its own orders from here too, so that all
    /// orders of one SCS grow together.
    pub fn take_order_number(&mut self) -> OrderNumber {
        let number = self.next_order;
        self.next_order = number.next();
        number
    }

    /// The number that the next order will have: every order so far has a smaller one.
    pub fn next_order_number(&self) -> OrderNumber {
        self.next_order
    }

    /// Every open reaction and the last 500 ended ones, oldest first.
    pub fn pictures(&self) -> Vec<ReactionPicture> {
        self.reactions.values().map(Reaction::picture).collect()
    }

    /// What became of a reaction and why, line by line; `None` if there is none of this number any more.
    pub fn explain(&self, number: u64) -> Option<Vec<String>> {
        self.reactions.get(&number).map(Reaction::story)
    }

    /// The open reactions of a pair, oldest first.
    pub fn open_for(&self, pair: &PairName) -> Vec<ReactionPicture> {
        self.open_reactions()
            .filter(|reaction| reaction.subject.pair.as_ref() == Some(pair))
            .map(Reaction::picture)
            .collect()
    }

    /// What a request would run if it came now, and who would hold the VIPs afterwards; by the same planning
    /// as the real run.
    pub fn predict(&self, request: &ReactionRequest) -> Prediction {
        self.foretell(self.clock, request)
    }

    /// The machine stood still for this long: every wait gets it on top, so that nothing is given up for a silence
    /// of our own.
    pub fn postpone(&mut self, by: std::time::Duration) {
        self.timers.postpone_all(by);
        self.sight.postpone(by);
    }

    pub(crate) fn epoch_of(&self, pair: &PairName) -> Epoch {
        self.intended
            .get(pair)
            .map_or(Epoch(0), |intended| intended.epoch)
    }

    pub(crate) fn primary_of(&self, pair: &PairName) -> Option<&ApplicationName> {
        self.intended.get(pair)?.primary.as_ref()
    }

    pub(crate) fn in_maintenance(&self, pair: &PairName) -> bool {
        self.intended
            .get(pair)
            .is_some_and(|intended| intended.maintenance)
    }

    pub(crate) fn intended_host<'a>(&self, pair: &'a Pair) -> Option<&'a HostName> {
        self.primary_of(&pair.name)
            .and_then(|primary| pair.host_of(primary))
    }

    /// Until when the agent of a host may be away before it counts as staying away.
    pub(crate) fn away_deadline(&self, host: &HostName) -> Timestamp {
        let wait = self
            .environment
            .as_ref()
            .and_then(|environment| environment.hosts.get(host))
            .map_or(std::time::Duration::from_secs(5), |host| {
                host.lca_restart_timeout
            });
        self.sight.since(host) + wait
    }

    pub(crate) fn open_reactions(&self) -> impl Iterator<Item = &Reaction> {
        self.open
            .iter()
            .filter_map(|number| self.reactions.get(number))
    }

    /// Open reactions that run, or will run, something themselves; oldest first.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Reaction> {
        self.open_reactions().filter(|reaction| reaction.is_run())
    }

    pub(crate) fn ended_newest_first(&self) -> impl Iterator<Item = &Reaction> {
        self.ended
            .iter()
            .rev()
            .filter_map(|number| self.reactions.get(number))
    }

    pub(crate) fn ticket(&mut self) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket = ticket.next();
        ticket
    }

    fn intend(&mut self, now: Timestamp, pair: PairName, new: Intended, outputs: &mut Vec<Output>) {
        let known = self.intended.entry(pair.clone()).or_default();
        if new.epoch < known.epoch {
            return;
        }
        let raised = new.epoch > known.epoch;
        let epoch = new.epoch;
        *known = new;
        if !raised {
            return;
        }
        let old: Vec<u64> = self
            .open_reactions()
            .filter(|reaction| reaction.subject.pair.as_ref() == Some(&pair))
            .filter(|reaction| reaction.subject.epoch < epoch)
            .map(|reaction| reaction.number)
            .collect();
        for number in old {
            let refusal = Refusal::new(
                RefusalCode::Superseded,
                format!("{pair} has reached epoch {epoch}"),
            );
            let (title, reason) = (self.title(number), refusal.to_string());
            let step = Step::Refused(refusal);
            let who = Party::ReactionEngine;
            self.report(number, who, step, title, reason.clone(), outputs);
            self.end(now, number, ReactionState::Superseded, &reason, false);
        }
    }

    fn configured(
        &mut self,
        now: Timestamp,
        environment: Arc<Environment>,
        outputs: &mut Vec<Output>,
    ) {
        for host in environment.hosts.keys() {
            self.sight.expect(now, host);
        }
        let orphans: Vec<u64> = self
            .open_reactions()
            .filter(|reaction| reaction.subject.work == Work::Control)
            .filter(|reaction| {
                let subject = &reaction.subject;
                subject.application.as_ref().is_none_or(|application| {
                    environment
                        .control_script(application)
                        .is_none_or(|(pair, host, action)| {
                            subject.pair.as_ref() != Some(&pair.name)
                                || subject.host.as_ref() != Some(host)
                                || subject.action != Some(action)
                        })
                })
            })
            .map(|reaction| reaction.number)
            .collect();
        self.environment = Some(environment);
        for number in orphans {
            let why = "the environment in force no longer has this control script";
            self.report_finished(number, false, why, outputs);
            self.end(now, number, ReactionState::Refused, why, true);
        }
    }

    fn host_changed(
        &mut self,
        now: Timestamp,
        host: &HostName,
        reach: HostReach,
        outputs: &mut Vec<Output>,
    ) {
        if !self.sight.set_reach(now, host, reach) {
            return;
        }
        let timer = Timer::Away(host.clone());
        match reach {
            HostReach::AgentAway => self.timers.set(timer, self.away_deadline(host)),
            HostReach::Connected => {
                self.timers.cancel(&timer);
                let overran: Vec<u64> = self
                    .runs()
                    .filter(|run| run.overran && run.subject.host.as_ref() == Some(host))
                    .map(|run| run.number)
                    .collect();
                for number in overran {
                    self.release_overran(now, number, outputs);
                }
            }
            HostReach::Lost => {
                self.timers.cancel(&timer);
                self.sight.forget_running(host, None);
                let there: Vec<(u64, Phase)> = self
                    .runs()
                    .filter(|run| run.subject.host.as_ref() == Some(host))
                    .map(|run| (run.number, run.phase))
                    .collect();
                for (number, phase) in there {
                    match phase {
                        Phase::Running(_) | Phase::Forcing(_) => {
                            let why = host_lost_while_running(host);
                            self.cannot_launch(now, number, &why, outputs);
                        }
                        Phase::Host | Phase::Retry => {
                            self.cannot_launch(now, number, &cannot_launch(host), outputs);
                        }
                        Phase::New
                        | Phase::Turn(_)
                        | Phase::Release
                        | Phase::Effect(_)
                        | Phase::Joined(_)
                        | Phase::Ended(_) => {}
                    }
                }
            }
        }
    }

    fn order_answered(
        &mut self,
        now: Timestamp,
        host: &HostName,
        key: &OrderKey,
        outcome: OrderOutcome,
        outputs: &mut Vec<Output>,
    ) {
        let Some(number) = self.by_order.get(&key.number).copied() else {
            return;
        };
        match self.reactions.get(&number).map(|reaction| reaction.phase) {
            Some(Phase::Forcing(order)) if order == key.number => {
                self.force_answered(now, number, host, outcome, outputs);
            }
            Some(Phase::Running(order)) if order == key.number => {
                self.launch_answered(now, number, host, outcome, outputs);
            }
            _ => {}
        }
    }

    /// Looks again at everything that waits for something that may have come.
    fn look_again(&mut self, now: Timestamp, outputs: &mut Vec<Output>) {
        // Each pass starts or ends at least one reaction; an added release makes one more.
        for _ in 0..=2 * self.open.len() {
            let waiting: Vec<(u64, Phase)> = self
                .runs()
                .filter(|run| matches!(run.phase, Phase::Turn(_) | Phase::Release | Phase::Host))
                .map(|run| (run.number, run.phase))
                .collect();
            let mut moved = false;
            for (number, phase) in waiting {
                match phase {
                    Phase::Turn(before) if self.open.contains(&before) => continue,
                    Phase::Turn(_) => self.start(now, number, outputs),
                    Phase::Host => self.start(now, number, outputs),
                    Phase::Release => self.try_enable(now, number, outputs),
                    Phase::New
                    | Phase::Retry
                    | Phase::Running(_)
                    | Phase::Forcing(_)
                    | Phase::Effect(_)
                    | Phase::Joined(_)
                    | Phase::Ended(_) => {}
                }
                moved |= self.reactions.get(&number).map(|found| found.phase) != Some(phase);
            }
            if !moved {
                break;
            }
        }
    }

    fn settle(&mut self, outputs: &mut Vec<Output>) {
        self.accounts.retain(|(pair, cause), account| {
            if account.open == 0 {
                outputs.push(Output::Settled {
                    pair: pair.clone(),
                    cause: *cause,
                    good: !account.bad,
                });
            }
            account.open > 0
        });
    }

    fn timer_due(&mut self, now: Timestamp, timer: Timer, outputs: &mut Vec<Output>) {
        match timer {
            Timer::Overrun(number) => self.release_overran(now, number, outputs),
            Timer::Phase(number) => self.phase_overran(now, number, outputs),
            // Whoever waits for the agent is looked at again after every tick.
            Timer::Away(_) => {}
        }
    }
}

impl Core for ReactionEngine {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, outputs: &mut Vec<Output>) {
        self.clock = self.clock.max(now);
        match input {
            Input::Configured(environment) => self.configured(now, environment, outputs),
            Input::PairIntended {
                pair,
                epoch,
                primary,
                maintenance,
            } => {
                let intended = Intended {
                    epoch,
                    primary,
                    maintenance,
                };
                self.intend(now, pair, intended, outputs);
            }
            Input::HostChanged { host, reach } => self.host_changed(now, &host, reach, outputs),
            Input::ScriptsRunning { host, before, keys } => {
                self.scripts_running(now, &host, before, &keys, outputs);
            }
            Input::AddressesObserved { host, addresses } => {
                self.sight.observe(now, &host, addresses);
            }
            Input::Requested(request) => self.requested(now, &request, outputs),
            Input::OrderAnswered { host, key, outcome } => {
                self.order_answered(now, &host, &key, outcome, outputs);
            }
            Input::ControlScriptFinished { host, key, outcome } => {
                self.script_finished(now, &host, &key, &outcome, outputs);
            }
            Input::CommandFinished { key, outcome, .. } => {
                self.command_finished(now, &key, &outcome, outputs);
            }
            Input::EffectFinished { ticket, result } => {
                self.effect_finished(now, ticket, result, outputs);
            }
        }
        self.look_again(now, outputs);
        self.settle(outputs);
    }

    fn tick(&mut self, now: Timestamp, outputs: &mut Vec<Output>) {
        self.clock = self.clock.max(now);
        while let Some((_, timer)) = self.timers.pop_due(now) {
            self.timer_due(now, timer, outputs);
        }
        self.look_again(now, outputs);
        self.settle(outputs);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.earliest()
    }
}
