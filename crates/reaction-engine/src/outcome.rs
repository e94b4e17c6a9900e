//! What came of it: answers of LCAs, outcomes of control scripts, silence. Judges by observation, tries again,
//! forces a release, gives up.

use crate::HostReach;
use crate::engine::{ReactionEngine, Timer};
use crate::output::{EscalationKind, Output};
use crate::reaction::{Phase, Work};
use changeover_model::environment::{ForceRelease, Pair, Policy};
use changeover_model::message::{
    LcaOrder, OrderKey, OrderOutcome, Party, ReactionState, ScriptOutcome, ScriptResult, Step,
};
use changeover_model::{
    CauseId, HostName, OrderNumber, RefusalCode, ScriptAction, Timestamp, planted, show_duration,
};

impl ReactionEngine {
    pub(crate) fn force_answered(
        &mut self,
        now: Timestamp,
        number: u64,
        host: &HostName,
        outcome: OrderOutcome,
        outputs: &mut Vec<Output>,
    ) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let Some((pair, _)) = self.pair_and_host(&environment, number) else {
            return;
        };
        match outcome {
            OrderOutcome::Done { .. } => {
                self.sight.forget_running(host, Some(&pair.name));
                self.sight.settled(pair, host, ScriptAction::Disable, true);
                let title = self.title(number);
                let why = format!("{title} did not release the VIP; the LCA removed it by itself");
                let who = Party::Lca(host.clone());
                let step = Step::ForcedRelease(host.clone());
                self.report(
                    number,
                    who,
                    step,
                    "VIP removed by the LCA itself",
                    &why,
                    outputs,
                );
                let advice = format!("{why}; look at the script and its output");
                self.escalate(number, EscalationKind::ReleaseForced, advice, outputs);
                self.succeed(now, number, pair, &why, outputs);
            }
            OrderOutcome::Refused(refusal) if refusal.code == RefusalCode::StaleEpoch => {
                self.stale(now, number, &refusal.to_string(), outputs);
            }
            OrderOutcome::Refused(refusal) => {
                let why = format!("forced release refused, {refusal}");
                self.attempt_failed(now, number, &why, outputs);
            }
            OrderOutcome::Failed { reason } => {
                let why = format!("forced release failed: {reason}");
                self.attempt_failed(now, number, &why, outputs);
            }
        }
    }

    /// The LCA's first answer to a launch: only bad news matter, the outcome follows.
    pub(crate) fn launch_answered(
        &mut self,
        now: Timestamp,
        number: u64,
        host: &HostName,
        outcome: OrderOutcome,
        outputs: &mut Vec<Output>,
    ) {
        match outcome {
            OrderOutcome::Done { .. } => self.script_runs(number, host),
            OrderOutcome::Refused(refusal) if refusal.code == RefusalCode::StaleEpoch => {
                self.script_gone(number, host);
                self.stale(now, number, &refusal.to_string(), outputs);
            }
            OrderOutcome::Refused(refusal) => {
                self.script_gone(number, host);
                let why = format!("refused by lca@{host}, {refusal}");
                self.attempt_failed(now, number, &why, outputs);
            }
            OrderOutcome::Failed { reason } => {
                self.script_gone(number, host);
                let why = format!("not started: {reason}");
                self.attempt_failed(now, number, &why, outputs);
            }
        }
    }

    fn script_runs(&mut self, number: u64, host: &HostName) {
        if let Some(reaction) = self.reactions.get(&number)
            && let (Some(pair), Phase::Running(order)) = (&reaction.subject.pair, reaction.phase)
        {
            self.sight.confirmed(pair, host, order);
        }
    }

    fn script_gone(&mut self, number: u64, host: &HostName) {
        if let Some(reaction) = self.reactions.get(&number)
            && let (Some(pair), Phase::Running(order)) = (&reaction.subject.pair, reaction.phase)
        {
            self.sight.ended(pair, host, order);
        }
    }

    fn stale(&mut self, now: Timestamp, number: u64, why: &str, outputs: &mut Vec<Output>) {
        self.report_finished(number, false, why, outputs);
        self.end(now, number, ReactionState::Superseded, why, false);
    }

    /// A control script ended: what the LCA saw decides.
    pub(crate) fn script_finished(
        &mut self,
        now: Timestamp,
        host: &HostName,
        key: &OrderKey,
        outcome: &ScriptOutcome,
        outputs: &mut Vec<Output>,
    ) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let Some((pair, _, action)) = environment.control_script(&key.application) else {
            return;
        };
        self.sight.confirmed(&pair.name, host, key.number);
        self.sight.ended(&pair.name, host, key.number);
        if outcome.result.is_good() {
            let observed = outcome.result != ScriptResult::NotVerified;
            self.sight.settled(pair, host, action, observed);
        }
        let Some(number) = self.by_order.get(&key.number).copied() else {
            return;
        };
        if self.reactions.get(&number).map(|found| found.phase) != Some(Phase::Running(key.number))
        {
            return;
        }
        let evidence = evidence(outcome);
        match outcome.result {
            ScriptResult::Succeeded | ScriptResult::AlreadySo | ScriptResult::NotVerified => {
                self.report_finished(number, true, &evidence, outputs);
                self.succeed(now, number, pair, &evidence, outputs);
            }
            ScriptResult::Superseded => {
                let why = format!("a newer control script took its place; {evidence}");
                self.stale(now, number, &why, outputs);
            }
            ScriptResult::TimedOut if self.sight.is_as_wanted(pair, host, action) => {
                let why = format!("{evidence}; it did not end in time, but the VIP is as wanted");
                self.report_finished(number, true, &why, outputs);
                self.succeed(now, number, pair, &why, outputs);
            }
            ScriptResult::Failed if planted("failure-reported-as-success") => {
                self.report_finished(number, true, &evidence, outputs);
                self.succeed(now, number, pair, &evidence, outputs);
            }
            ScriptResult::Failed | ScriptResult::TimedOut | ScriptResult::NotStarted => {
                self.attempt_failed(now, number, &evidence, outputs);
            }
        }
    }

    pub(crate) fn report_finished(
        &self,
        number: u64,
        good: bool,
        evidence: &str,
        outputs: &mut Vec<Output>,
    ) {
        let Some(reaction) = self.reactions.get(&number) else {
            return;
        };
        let Some(application) = reaction.subject.application.clone() else {
            return;
        };
        let who = reaction.subject.host.clone().map_or(Party::Scs, Party::Lca);
        let what = if reaction.subject.work == Work::Control {
            application.to_string()
        } else {
            reaction.subject.title()
        };
        let step = Step::Finished(application, reaction.subject.action, good);
        self.report(number, who, step, what, evidence, outputs);
    }

    fn succeed(
        &mut self,
        now: Timestamp,
        number: u64,
        pair: &Pair,
        detail: &str,
        outputs: &mut Vec<Output>,
    ) {
        let rival = self.reactions.get(&number).filter(|found| found.rival_held);
        if let Some(cause) = rival.map(|found| found.asked.cause) {
            self.announce_again(pair, cause, outputs);
        }
        self.end(now, number, ReactionState::Succeeded, detail, false);
    }

    /// The intended holder never changed state while a rival held the VIP too: neighbours may still send there.
    fn announce_again(&mut self, pair: &Pair, cause: CauseId, outputs: &mut Vec<Output>) {
        let Some(host) = self.intended_host(pair) else {
            return;
        };
        let Some(member) = pair.member_on(host).cloned() else {
            return;
        };
        if self.sight.reach(host) != HostReach::Connected {
            return;
        }
        let order = self.take_order_number();
        outputs.push(Output::Order {
            host: host.clone(),
            cause,
            order: LcaOrder::AnnounceAddresses {
                key: OrderKey {
                    pair: Some(pair.name.clone()),
                    epoch: self.epoch_of(&pair.name),
                    application: member,
                    incarnation: None,
                    number: order,
                },
            },
        });
    }

    /// An attempt did not work out, or nobody can tell: force a release, try again, or give up.
    pub(crate) fn attempt_failed(
        &mut self,
        now: Timestamp,
        number: u64,
        why: &str,
        outputs: &mut Vec<Output>,
    ) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let found = self.pair_and_host(&environment, number);
        let policy = found.as_ref().map_or_else(
            || self.policy_of_reporting(number),
            |(pair, _)| pair.policy.clone(),
        );
        let Some(reaction) = self.reactions.get_mut(&number) else {
            return;
        };
        if let Phase::Running(order) | Phase::Forcing(order) = reaction.phase {
            self.by_order.remove(&order);
        }
        self.timers.cancel(&Timer::Overrun(number));
        let may_force = reaction.subject.action == Some(ScriptAction::Disable)
            && !reaction.as_listed
            && !reaction.forced
            && policy.force_release == ForceRelease::On
            && !planted("release-never-forced");
        if let Some((pair, host)) = &found
            && may_force
            && self.sight.reach(host) == HostReach::Connected
            && !self.sight.is_as_wanted(pair, host, ScriptAction::Disable)
        {
            self.report_finished(number, false, why, outputs);
            self.force(now, number, why, outputs);
            return;
        }
        let more = reaction.attempts <= policy.retries || planted("retries-without-end");
        if more && reaction.subject.may_repeat() {
            reaction.phase = Phase::Retry;
            let pause = show_duration(policy.retry_after);
            let text = format!("{why}; tried again in {pause}");
            reaction.note(now, text.clone());
            self.timers
                .set(Timer::Phase(number), now + policy.retry_after);
            self.report_finished(number, false, &text, outputs);
            return;
        }
        self.give_up(now, number, why, outputs);
    }

    fn give_up(&mut self, now: Timestamp, number: u64, why: &str, outputs: &mut Vec<Output>) {
        let Some(reaction) = self.reactions.get(&number) else {
            return;
        };
        let (title, attempts) = (reaction.subject.title(), reaction.attempts);
        let (kind, advice) = match (&reaction.subject.work, reaction.subject.action) {
            (Work::Control, Some(ScriptAction::Disable)) => (
                EscalationKind::ReleaseFailed,
                "look at the script and its output",
            ),
            (Work::Control, _) => (
                EscalationKind::ScriptFailed,
                "look at the script and its output",
            ),
            _ => (
                EscalationKind::ReactionFailed,
                "it has not been done; do it by hand if needed",
            ),
        };
        let plural = if attempts == 1 { "attempt" } else { "attempts" };
        let reason = format!("{title} failed after {attempts} {plural}: {why}; {advice}");
        self.report_finished(number, false, why, outputs);
        self.escalate(number, kind, reason, outputs);
        if let Some(environment) = self.environment.clone() {
            self.release_failed(now, &environment, number, outputs);
        }
        self.end(now, number, ReactionState::Failed, why, true);
    }

    /// What the Hello of an LCA says about running scripts, against what should run there.
    pub(crate) fn scripts_running(
        &mut self,
        now: Timestamp,
        host: &HostName,
        before: OrderNumber,
        keys: &[OrderKey],
        outputs: &mut Vec<Output>,
    ) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        if planted("lost-script-waited-for") {
            return;
        }
        for order in self.sight.reconcile(host, before, keys) {
            let Some(number) = self.by_order.get(&order).copied() else {
                continue;
            };
            let Some((pair, _)) = self.pair_and_host(&environment, number) else {
                continue;
            };
            let action = self
                .reactions
                .get(&number)
                .and_then(|run| run.subject.action);
            if action.is_some_and(|action| self.sight.is_as_wanted(pair, host, action)) {
                let why = "its end was missed while the agent was away; the VIP is as wanted";
                self.report_finished(number, true, why, outputs);
                self.succeed(now, number, pair, why, outputs);
            } else {
                let why = "lost: its agent came back without it";
                self.attempt_failed(now, number, why, outputs);
            }
        }
        for key in keys {
            if let Some((pair, on, action)) = environment.control_script(&key.application)
                && on == host
                && !self.sight.knows_script(&pair.name, host, key.number)
            {
                self.sight.started(&pair.name, host, key.number, action);
            }
        }
    }

    /// The present phase of a reaction has lasted as long as it may.
    pub(crate) fn phase_overran(&mut self, now: Timestamp, number: u64, outputs: &mut Vec<Output>) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let Some(phase) = self.reactions.get(&number).map(|found| found.phase) else {
            return;
        };
        match phase {
            Phase::Retry => self.start(now, number, outputs),
            Phase::Running(_) | Phase::Forcing(_) | Phase::Effect(_) => {
                self.unanswered(now, number, outputs);
            }
            Phase::Release => {
                if let Some((pair, _)) = self.pair_and_host(&environment, number) {
                    let why = "the release elsewhere was not seen in time";
                    self.give_up_enable(now, number, pair, why, None, outputs);
                }
            }
            Phase::New | Phase::Turn(_) | Phase::Host | Phase::Joined(_) | Phase::Ended(_) => {}
        }
    }

    fn unanswered(&mut self, now: Timestamp, number: u64, outputs: &mut Vec<Output>) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let action = self
            .reactions
            .get(&number)
            .and_then(|run| run.subject.action);
        if let (Some((pair, host)), Some(action)) =
            (self.pair_and_host(&environment, number), action)
            && self.sight.is_as_wanted(pair, &host, action)
        {
            let why = "its outcome was never told; the VIP is as wanted";
            self.report_finished(number, true, why, outputs);
            self.succeed(now, number, pair, why, outputs);
            return;
        }
        self.attempt_failed(now, number, "outcome unknown: no answer in time", outputs);
    }

    fn policy_of_reporting(&self, number: u64) -> Policy {
        self.reactions
            .get(&number)
            .and_then(|reaction| reaction.asked.reporting.as_ref())
            .and_then(|name| self.environment.as_ref()?.pair_of(name))
            .map_or_else(Policy::default, |pair| pair.policy.clone())
    }
}

/// `exit 0 in 3.1 ms, VIP seen gone`.
fn evidence(outcome: &ScriptOutcome) -> String {
    let ran = outcome.duration.as_secs_f64() * 1e3;
    let mut text = match outcome.exit {
        Some(exit) => format!("{exit} in {ran:.1} ms"),
        None => format!("no exit after {ran:.1} ms"),
    };
    let verdict = match outcome.result {
        ScriptResult::Succeeded => "",
        ScriptResult::AlreadySo => ", already so",
        ScriptResult::NotVerified => ", not verified",
        ScriptResult::Failed => ", failed",
        ScriptResult::TimedOut => ", timed out",
        ScriptResult::Superseded => ", superseded",
        ScriptResult::NotStarted => ", not started",
    };
    if !outcome.observed.is_empty() {
        text.push_str(", ");
        text.push_str(&outcome.observed);
    }
    text.push_str(verdict);
    let last_line = outcome
        .output
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty());
    if let (false, Some(line)) = (outcome.result.is_good(), last_line) {
        let shown: String = line.trim().chars().take(120).collect();
        text.push_str(&format!(" ({shown})"));
    }
    text
}
