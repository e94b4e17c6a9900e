//! The course of a reaction, from its request to its end: taken by plan, recorded, started, joined, refused,
//! ended, and reported. What is run in between stands in `launch` and `effects`.

use crate::engine::{ReactionEngine, Timer};
use crate::output::{EscalationKind, Output, Report};
use crate::plan::{Disposition, Plan};
use crate::prediction::joins;
use crate::reaction::{Asked, Phase, Reaction, Subject};
use crate::{HostReach, Origin, ReactionRequest, Target};
use changeover_model::message::{Party, ReactionState, Step};
use changeover_model::{Refusal, RefusalCode, ScriptAction, Timestamp};

/// Ended reactions kept for pictures and joining.
const HISTORY: usize = 500;
/// Most open reactions; beyond it, whatever is no fresh VIP run is refused as overloaded.
const OPEN: usize = 1_000;

impl ReactionEngine {
    pub(crate) fn note(&mut self, now: Timestamp, number: u64, text: impl Into<String>) {
        if let Some(reaction) = self.reactions.get_mut(&number) {
            reaction.note(now, text);
        }
    }

    /// Notes something that is looked at again and again, when it is new.
    pub(crate) fn note_once(&mut self, now: Timestamp, number: u64, text: &str) {
        if let Some(reaction) = self.reactions.get_mut(&number)
            && reaction.detail != text
        {
            reaction.note(now, text);
        }
    }

    pub(crate) fn report(
        &self,
        number: u64,
        who: Party,
        step: Step,
        what: impl Into<String>,
        evidence: impl Into<String>,
        outputs: &mut Vec<Output>,
    ) {
        if let Some(reaction) = self.reactions.get(&number) {
            outputs.push(Output::Report(Report {
                cause: reaction.asked.cause,
                pair: reaction.subject.pair.clone(),
                number,
                who,
                step,
                what: what.into(),
                evidence: evidence.into(),
            }));
        }
    }

    pub(crate) fn escalate(
        &self,
        number: u64,
        kind: EscalationKind,
        reason: String,
        outputs: &mut Vec<Output>,
    ) {
        if let Some(reaction) = self.reactions.get(&number) {
            outputs.push(Output::Escalated {
                pair: reaction.subject.pair.clone(),
                application: reaction.subject.application.clone(),
                cause: reaction.asked.cause,
                kind,
                reason,
            });
        }
    }

    /// Takes a request: plans it and starts what can start.
    pub(crate) fn requested(
        &mut self,
        now: Timestamp,
        request: &ReactionRequest,
        outputs: &mut Vec<Output>,
    ) {
        let plan = self.plan(now, request);
        let asked = asked_by(request);
        if plan.steps.is_empty() {
            self.nothing_to_do(request, outputs);
            return;
        }
        let mut numbers: Vec<u64> = Vec::new();
        for index in 0..plan.steps.len() {
            let before = numbers.last().copied().filter(|_| plan.sequential);
            let number = self.take_step(now, &plan, index, &numbers, &asked, outputs);
            if let Some((before, reaction)) = before.zip(self.reactions.get_mut(&number))
                && reaction.phase == Phase::New
            {
                reaction.phase = Phase::Turn(before);
                reaction.note(now, format!("starts when reaction {before} has ended"));
            }
            numbers.push(number);
        }
        // Disabling first: their orders leave before anything else is looked at.
        for disabling in [true, false] {
            for number in &numbers {
                let is_new = self.reactions.get(number).is_some_and(|reaction| {
                    reaction.phase == Phase::New
                        && (reaction.subject.action == Some(ScriptAction::Disable)) == disabling
                });
                if is_new {
                    self.start(now, *number, outputs);
                }
            }
        }
    }

    fn nothing_to_do(&mut self, request: &ReactionRequest, outputs: &mut Vec<Output>) {
        let pair = match &request.target {
            Target::AlignPair(pair) => Some(pair.clone()),
            Target::Scripts(_) => None,
        };
        if let Some(pair) = &pair {
            outputs.push(Output::Report(Report {
                cause: request.cause,
                pair: Some(pair.clone()),
                number: 0,
                who: Party::ReactionEngine,
                step: Step::Note,
                what: format!("{pair} is in line already"),
                evidence: "every VIP is where it shall be; nothing to run".to_owned(),
            }));
        }
        self.accounts.entry((pair, request.cause)).or_default();
    }

    /// Makes a reaction of a planned step and records what becomes of it at once; its number.
    fn take_step(
        &mut self,
        now: Timestamp,
        plan: &Plan,
        index: usize,
        numbers: &[u64],
        asked: &Asked,
        outputs: &mut Vec<Output>,
    ) -> u64 {
        let step = &plan.steps[index];
        let fresh_vip = step.subject.pair.is_some() && step.disposition == Disposition::Run;
        let disposition = if self.open.len() >= OPEN && !fresh_vip {
            Disposition::Refuse(Refusal::new(
                RefusalCode::Overloaded,
                format!("{OPEN} reactions are open; this one is not run"),
            ))
        } else {
            step.disposition.clone()
        };
        let waits = self.waiting_reason(now, plan, step);
        let number = self.admit(now, step.subject.clone(), asked.clone());
        if let Some(reaction) = self.reactions.get_mut(&number) {
            reaction.as_listed = plan.sequential;
        }
        match disposition {
            Disposition::Run => {
                let state = match waits {
                    Some(_) => ReactionState::Waiting,
                    None => ReactionState::Running,
                };
                let why = waits.unwrap_or_else(|| step.detail.clone());
                self.report_request(number, &why, state, outputs);
            }
            Disposition::Join { with, finished } => {
                self.join(now, number, with, finished, outputs);
            }
            Disposition::JoinPlanned(index) => match numbers.get(index) {
                Some(with) => self.join(now, number, *with, false, outputs),
                None => self.end(now, number, ReactionState::Joined, "", false),
            },
            Disposition::Refuse(refusal) => {
                self.refuse(now, number, refusal, ReactionState::Refused, outputs);
            }
            Disposition::Supersede(refusal) => {
                self.refuse(now, number, refusal, ReactionState::Superseded, outputs);
            }
            Disposition::CannotLaunch(why) => {
                self.report_request(number, &why, ReactionState::Refused, outputs);
                self.cannot_launch(now, number, &why, outputs);
            }
            Disposition::NotApplicable(why) => {
                self.report_request(number, &why, ReactionState::Refused, outputs);
                self.end(now, number, ReactionState::Refused, &why, false);
            }
        }
        number
    }

    /// A VIP reaction that the engine adds by itself: recorded and started.
    pub(crate) fn begin(
        &mut self,
        now: Timestamp,
        subject: Subject,
        asked: Asked,
        detail: &str,
        outputs: &mut Vec<Output>,
    ) {
        let number = self.admit(now, subject, asked);
        self.report_request(number, detail, ReactionState::Running, outputs);
        self.start(now, number, outputs);
    }

    fn admit(&mut self, now: Timestamp, subject: Subject, asked: Asked) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        let account = (subject.pair.clone(), asked.cause);
        self.accounts.entry(account).or_default().open += 1;
        let mut reaction = Reaction::new(number, now, subject, asked);
        reaction.rival_held = self.is_rival_of_holder(&reaction.subject);
        self.reactions.insert(number, reaction);
        self.open.insert(number);
        number
    }

    /// True for a release on a host beside the intended one that holds the VIP already.
    fn is_rival_of_holder(&self, subject: &Subject) -> bool {
        let pair = subject
            .pair
            .as_ref()
            .and_then(|pair| self.environment.as_ref()?.pairs.get(pair));
        pair.is_some_and(|pair| {
            subject.action == Some(ScriptAction::Disable)
                && self.intended_host(pair).is_some_and(|intended| {
                    subject.host.as_ref() != Some(intended)
                        && self
                            .sight
                            .is_as_wanted(pair, intended, ScriptAction::Enable)
                })
        })
    }

    fn join(
        &mut self,
        now: Timestamp,
        number: u64,
        with: u64,
        finished: bool,
        outputs: &mut Vec<Output>,
    ) {
        let text = joins(with, finished);
        self.report_request(number, &text, ReactionState::Joined, outputs);
        if finished {
            self.end(now, number, ReactionState::Joined, &text, false);
        } else if let Some(reaction) = self.reactions.get_mut(&number) {
            reaction.phase = Phase::Joined(with);
            reaction.note(now, text);
        }
    }

    fn refuse(
        &mut self,
        now: Timestamp,
        number: u64,
        refusal: Refusal,
        state: ReactionState,
        outputs: &mut Vec<Output>,
    ) {
        let bad = state == ReactionState::Refused;
        let title = self.title(number);
        let reason = refusal.to_string();
        self.report_request(number, &reason, state, outputs);
        self.report(
            number,
            Party::ReactionEngine,
            Step::Refused(refusal),
            title,
            reason.clone(),
            outputs,
        );
        self.end(now, number, state, &reason, bad);
    }

    pub(crate) fn cannot_launch(
        &mut self,
        now: Timestamp,
        number: u64,
        why: &str,
        outputs: &mut Vec<Output>,
    ) {
        let Some(subject) = self
            .reactions
            .get(&number)
            .map(|found| found.subject.clone())
        else {
            return;
        };
        if let Some(application) = subject.application.clone() {
            let who = subject.host.clone().map_or(Party::Scs, Party::ScsToLca);
            let step = Step::CannotLaunch(application, subject.action);
            self.report(number, who, step, subject.title(), why, outputs);
        }
        // A lost host's VIP reaches nobody; where only the agent is away, it may.
        let bad = subject
            .host
            .is_some_and(|host| self.sight.reach(&host) != HostReach::Lost);
        self.end(now, number, ReactionState::Refused, why, bad);
    }

    pub(crate) fn title(&self, number: u64) -> String {
        self.reactions
            .get(&number)
            .map(|reaction| reaction.subject.title())
            .unwrap_or_default()
    }

    fn report_request(
        &self,
        number: u64,
        evidence: &str,
        state: ReactionState,
        outputs: &mut Vec<Output>,
    ) {
        let Some(reaction) = self.reactions.get(&number) else {
            return;
        };
        let step = Step::ReactionRequested {
            application: reaction.subject.application.clone(),
            state,
            added: reaction.subject.added,
        };
        let evidence = match (evidence.is_empty(), &reaction.subject.script) {
            (false, _) => evidence.to_owned(),
            (true, Some(script)) => format!("{script}, because of {}", reaction.asked.reason),
            (true, None) => format!("because of {}", reaction.asked.reason),
        };
        let title = reaction.subject.title();
        self.report(
            number,
            Party::ReactionEngine,
            step,
            title,
            evidence,
            outputs,
        );
    }

    /// Ends a reaction, and with it those that joined it.
    pub(crate) fn end(
        &mut self,
        now: Timestamp,
        number: u64,
        state: ReactionState,
        detail: &str,
        bad: bool,
    ) {
        let Some(reaction) = self.reactions.get_mut(&number) else {
            return;
        };
        if !self.open.remove(&number) {
            return;
        }
        match reaction.phase {
            Phase::Running(order) | Phase::Forcing(order) => {
                self.by_order.remove(&order);
            }
            Phase::Effect(ticket) => {
                self.by_ticket.remove(&ticket);
            }
            Phase::New
            | Phase::Turn(_)
            | Phase::Release
            | Phase::Host
            | Phase::Retry
            | Phase::Joined(_)
            | Phase::Ended(_) => {}
        }
        reaction.phase = Phase::Ended(state);
        reaction.finished_at = Some(now);
        if reaction.detail != detail {
            reaction.note(now, detail);
        }
        let account = (reaction.subject.pair.clone(), reaction.asked.cause);
        let account = self.accounts.entry(account).or_default();
        account.open = account.open.saturating_sub(1);
        account.bad |= bad;
        self.timers.cancel(&Timer::Phase(number));
        self.timers.cancel(&Timer::Overrun(number));
        self.ended.push_back(number);
        let joined: Vec<u64> = self
            .open_reactions()
            .filter(|other| other.phase == Phase::Joined(number))
            .map(|other| other.number)
            .collect();
        for other in joined {
            let text = format!("reaction {number}: {detail}");
            self.end(now, other, ReactionState::Joined, &text, bad);
        }
        while self.ended.len() > HISTORY {
            if let Some(oldest) = self.ended.pop_front() {
                self.reactions.remove(&oldest);
            }
        }
    }
}

fn asked_by(request: &ReactionRequest) -> Asked {
    let (condition, alarm, event, reason) = match &request.origin {
        Origin::Event {
            event,
            alarm,
            condition,
        } => (
            Some(condition.clone()),
            Some(*alarm),
            Some(event.clone()),
            format!("{} of {}", event.id.wire_form(), event.application),
        ),
        Origin::Clearance { alarm, condition } => (
            Some(condition.clone()),
            Some(*alarm),
            None,
            format!("clearing of alarm #{alarm} ({condition})"),
        ),
        Origin::Test {
            operator,
            alarm,
            condition,
        } => (
            Some(condition.clone()),
            *alarm,
            None,
            format!("Test of {condition} by {operator}"),
        ),
        Origin::Realignment => (None, None, None, "realignment".to_owned()),
        Origin::Operator { name } => (None, None, None, format!("a request of {name}")),
    };
    Asked {
        cause: request.cause,
        reporting: request.reporting_application.clone(),
        condition,
        alarm,
        event,
        reason,
    }
}
