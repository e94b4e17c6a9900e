//! Hooks of a change of roles: `before` ones when the epoch is on disk and before any run mode is ordered, `after` ones
//! when the VIP is observed where it belongs. Those of one member run one after the other, the two members' beside each
//! other; each has its timeout, and its result is a step of the record. A failure raises an alarm, and rolls back where
//! the hook says so and the previous primary can still serve.
//!
//! Nothing waits for a hook while two servers are primary, and a roll-back is never rolled back: there all hooks run
//! afterwards. How a hook runs on its host stands in `lca-core`.

use super::Progress;
use super::role_change::RoleChange;
use crate::ScsCore;
use crate::hosts::HostCondition;
use crate::pairs::Member;
use crate::timeline::{Moment, NewEntry};
use changeover_model::environment::{AlarmCategory, Hook, HookFailure, HookTime};
use changeover_model::message::{CommandOutcome, HookRun, LcaOrder, OrderKey, Party, Step};
use changeover_model::{
    ApplicationName, CauseId, Epoch, HostName, OrderNumber, PairName, RunMode, Timestamp,
};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// How long after its timeout the end of a hook may be reported: killing it takes a moment, the link as well.
const REPORT_SLACK: Duration = Duration::from_secs(3);

/// The hooks of a change of roles.
#[derive(Clone, Debug, Default)]
pub(crate) struct HookPlan {
    before: Vec<Side>,
    after: Vec<Side>,
    /// Everything else is done: only hooks are left. The sentence that it is done with.
    pub(super) settled: Option<String>,
    /// Failures that nothing but an alarm followed, for the sentence.
    failed: Vec<String>,
    /// Members of which one failed: their alarm stands.
    alarmed: BTreeSet<ApplicationName>,
}

/// The hooks of one member at one time.
#[derive(Clone, Debug)]
struct Side {
    application: ApplicationName,
    host: HostName,
    run_mode: RunMode,
    when: HookTime,
    hooks: VecDeque<Hook>,
    running: Option<Running>,
    good: bool,
}

#[derive(Clone, Debug)]
struct Running {
    hook: Hook,
    key: OrderKey,
    order: HookRun,
    at: Timestamp,
    deadline: Timestamp,
    outcome: Option<CommandOutcome>,
}

/// A hook that failed and is to be rolled back for.
#[derive(Clone)]
struct RollBack(String);

impl Side {
    fn is_over(&self) -> bool {
        self.hooks.is_empty() && self.running.is_none()
    }

    fn called(&self, hook: &Hook) -> String {
        let name = hook.command.rsplit('/').next().unwrap_or(&hook.command);
        let event = event_of(self.run_mode);
        format!("{event} hook {name} of {}", self.application)
    }
}

fn event_of(run_mode: RunMode) -> &'static str {
    if run_mode == RunMode::Primary {
        "on_primary"
    } else {
        "on_backup"
    }
}

impl HookPlan {
    fn sides(&mut self) -> impl Iterator<Item = &mut Side> {
        self.before.iter_mut().chain(self.after.iter_mut())
    }

    pub(super) fn postpone(&mut self, by: Duration) {
        for side in self.sides() {
            if let Some(running) = &mut side.running {
                running.deadline = running.deadline + by;
            }
        }
    }

    /// Takes the outcome of an order; false if it is none of its own.
    pub(crate) fn finished(&mut self, number: OrderNumber, outcome: &CommandOutcome) -> bool {
        let mut running = self.sides().filter_map(|side| side.running.as_mut());
        let found = running.find(|running| running.key.number == number);
        if let Some(running) = found {
            running.outcome.get_or_insert_with(|| outcome.clone());
            return true;
        }
        false
    }

    /// Orders on a host that are not answered yet.
    pub(super) fn orders_on(&self, host: &HostName) -> Vec<LcaOrder> {
        self.before
            .iter()
            .chain(&self.after)
            .filter(|side| &side.host == host)
            .filter_map(|side| side.running.as_ref())
            .map(|running| LcaOrder::RunHook {
                key: running.key.clone(),
                hook: running.order.clone(),
            })
            .collect()
    }
}

impl ScsCore {
    /// Which hooks a change of roles has: those of the one that becomes primary, and those of the one that was.
    pub(super) fn plan_hooks(
        &self,
        pair: &PairName,
        from: Option<&ApplicationName>,
        to: &ApplicationName,
        promotes: bool,
        waits: bool,
    ) -> HookPlan {
        let mut plan = HookPlan::default();
        let Some(care) = self.pairs.get(pair) else {
            return plan;
        };
        let peer = care.config.peer_of(to);
        let was = peer.filter(|peer| {
            from == Some(*peer) || (promotes && care.kept.primary.as_ref() == Some(*peer))
        });
        let changes = promotes
            .then_some((to, RunMode::Primary))
            .into_iter()
            .chain(was.map(|was| (was, RunMode::Backup)));
        for (application, run_mode) in changes {
            let Some(host) = care.config.host_of(application) else {
                continue;
            };
            for when in [HookTime::Before, HookTime::After] {
                let hooks = self.hooks_of(application, run_mode, when);
                if hooks.is_empty() {
                    continue;
                }
                let side = Side {
                    application: application.clone(),
                    host: host.clone(),
                    run_mode,
                    when,
                    hooks: hooks.into(),
                    running: None,
                    good: true,
                };
                if when == HookTime::Before && waits {
                    plan.before.push(side);
                } else {
                    plan.after.push(side);
                }
            }
        }
        plan
    }

    fn hooks_of(
        &self,
        application: &ApplicationName,
        run_mode: RunMode,
        when: HookTime,
    ) -> Vec<Hook> {
        self.environment
            .as_ref()
            .and_then(|environment| environment.applications.get(application))
            .map_or(&[][..], |application| application.hooks(run_mode))
            .iter()
            .filter(|hook| hook.when == when)
            .cloned()
            .collect()
    }

    /// Runs what is to run before the VIP moves; `None` when nothing is left to wait for.
    pub(super) fn run_hooks_before(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
    ) -> Option<Progress> {
        if change.hooks.before.is_empty() {
            return None;
        }
        let to = self.member_named(pair, &change.to)?;
        if !to.can_take_over() && !to.is_primary() {
            // Nobody is demoted for it: what it prepared is ended by the next epoch.
            let why = to.obstacles();
            let why = why.first().map_or("it cannot", |one| one.reason.as_str());
            return Some(Progress::Failed(format!(
                "{} was not promoted: {why}",
                change.to
            )));
        }
        let sides = std::mem::take(&mut change.hooks.before);
        let (sides, progress) = self.run_sides(pair, record, change, sides);
        change.hooks.before = sides;
        progress
    }

    /// Runs what is to run when the VIP has moved, and ends the change of roles.
    pub(super) fn run_hooks_after(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
        why: String,
    ) -> Progress {
        let to = self.member_named(pair, &change.to);
        if !change.hooks.after.is_empty() && to.is_some_and(|to| to.fails_to_serve()) {
            // A hook must not hold up the failover that follows; a newer epoch ends it.
            let end = "its hooks were not waited for, since it cannot serve any more";
            return Progress::Done(format!("{why}; {end}"));
        }
        let sides = std::mem::take(&mut change.hooks.after);
        let (sides, progress) = self.run_sides(pair, record, change, sides);
        change.hooks.after = sides;
        progress.unwrap_or_else(|| {
            let failed = std::mem::take(&mut change.hooks.failed);
            if failed.is_empty() {
                return Progress::Done(why);
            }
            Progress::Done(format!("{why}; {}", failed.join("; ")))
        })
    }

    fn run_sides(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
        sides: Vec<Side>,
    ) -> (Vec<Side>, Option<Progress>) {
        let mut left = Vec::new();
        let mut waits: Option<Timestamp> = None;
        let mut rolls_back = None;
        for mut side in sides {
            if let Err(RollBack(why)) = self.run_side(pair, record, change, &mut side) {
                rolls_back.get_or_insert(why);
            }
            if let Some(running) = &side.running {
                let at = running.deadline;
                waits = Some(waits.map_or(at, |earliest| earliest.min(at)));
            }
            if !side.is_over() {
                left.push(side);
            } else if side.good
                // What a roll-back undoes has failed all the same.
                && !change.is_roll_back
                && !change.hooks.alarmed.contains(&side.application)
            {
                let key = format!("hook/{}", side.application);
                self.clear_alarm(&key, "its hooks have succeeded since");
            }
        }
        let progress = match rolls_back {
            Some(why) => Some(Progress::Failed(why)),
            None => waits.map(Progress::Waits),
        };
        (left, progress)
    }

    /// Takes one member's hooks on as far as they go now.
    fn run_side(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
        side: &mut Side,
    ) -> Result<(), RollBack> {
        loop {
            let member = self.member_named(pair, &side.application);
            if let Some(running) = side.running.take() {
                match self.end_of(&running, member.as_ref()) {
                    None => {
                        side.running = Some(running);
                        return Ok(());
                    }
                    Some(Ok(said)) => self.note_hook(record, side, &running, true, said),
                    Some(Err(said)) => {
                        side.good = false;
                        self.note_hook(record, side, &running, false, said.clone());
                        self.hook_failed(pair, record, change, (side, &running.hook), &said)?;
                    }
                }
            }
            let Some(hook) = side.hooks.pop_front() else {
                return Ok(());
            };
            match unreachable(member.as_ref(), side) {
                Some(why) => self.skip_hook(record, side, &hook, why),
                None => side.running = Some(self.start_hook(pair, record, change, side, hook)),
            }
        }
    }

    /// How a running hook ended, if it has.
    fn end_of(&self, running: &Running, member: Option<&Member>) -> Option<Result<String, String>> {
        if let Some(outcome) = &running.outcome {
            let exit = outcome.exit.map(|exit| exit.to_string());
            let line = outcome.output.lines().rev().map(str::trim);
            let line = line.filter(|line| !line.is_empty()).map(str::to_owned);
            let said: Vec<String> = exit.into_iter().chain(line.take(1)).collect();
            let took = self.now.since(running.at).as_secs_f64() * 1e3;
            let said = format!("{} after {took:.1} ms", said.join(": "));
            return Some(if outcome.succeeded {
                Ok(said)
            } else {
                Err(said)
            });
        }
        if member.is_none_or(|member| matches!(member.condition, HostCondition::Lost(_))) {
            return Some(Err("its host is lost".to_owned()));
        }
        let overdue = running.deadline <= self.now;
        overdue.then(|| Err("its LCA has not reported its end".to_owned()))
    }

    fn start_hook(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &RoleChange,
        side: &Side,
        hook: Hook,
    ) -> Running {
        let key = self.order_key(Some(pair), change.epoch, &side.application, false);
        let order = HookRun {
            command: hook.command.clone(),
            arguments: hook.arguments.clone(),
            timeout: hook.timeout,
            run_mode: side.run_mode,
            reason: change.because.clone(),
        };
        let sent = self.send(
            &side.host,
            Some(record),
            LcaOrder::RunHook {
                key: key.clone(),
                hook: order.clone(),
            },
        );
        let evidence = self.evidence_of(change.epoch, sent, side.when);
        self.entry(
            record,
            NewEntry {
                moment: Moment::Here,
                who: Party::ScsToLca(side.host.clone()),
                step: Step::HookStarted(side.application.clone(), side.run_mode),
                what: side.called(&hook),
                evidence,
            },
        );
        Running {
            deadline: self.now + hook.timeout + REPORT_SLACK,
            hook,
            key,
            order,
            at: self.now,
            outcome: None,
        }
    }

    fn evidence_of(&self, epoch: Epoch, sent: bool, when: HookTime) -> String {
        let when = when.as_str();
        if sent {
            format!("epoch {epoch}, {when} the VIP moves")
        } else {
            format!("epoch {epoch}, {when} the VIP moves; no connection to the LCA yet")
        }
    }

    fn note_hook(
        &mut self,
        record: CauseId,
        side: &Side,
        running: &Running,
        good: bool,
        said: String,
    ) {
        let word = if good { "succeeded" } else { "failed" };
        self.entry(
            record,
            NewEntry {
                moment: Moment::Here,
                who: Party::Lca(side.host.clone()),
                step: Step::HookFinished(side.application.clone(), side.run_mode, good),
                what: format!("{} {word}", side.called(&running.hook)),
                evidence: said,
            },
        );
    }

    fn skip_hook(&mut self, record: CauseId, side: &Side, hook: &Hook, why: String) {
        self.note(
            record,
            Step::HookSkipped(side.application.clone(), side.run_mode),
            format!("{} skipped", side.called(hook)),
            why,
        );
    }

    fn hook_failed(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
        (side, hook): (&mut Side, &Hook),
        said: &str,
    ) -> Result<(), RollBack> {
        change.hooks.alarmed.insert(side.application.clone());
        let called = side.called(hook);
        let text = format!("{called} on {} failed: {said}", side.host);
        self.raise_alarm(
            &format!("hook/{}", side.application),
            "HOOK_FAILED",
            AlarmCategory::Major,
            side.application.as_str(),
            &format!("{text}; sci why {pair}"),
            Some(record),
        );
        if hook.on_failure == HookFailure::RollBack {
            if self.can_go_back(pair, change) {
                side.hooks.clear();
                change.hook_demands_roll_back = true;
                return Err(RollBack(text));
            }
            self.note(
                record,
                Step::Note,
                "not rolled back",
                "there is no previous primary that could serve: service goes first",
            );
        }
        change.hooks.failed.push(format!("{called} failed"));
        Ok(())
    }

    /// The previous primary could be primary again.
    fn can_go_back(&self, pair: &PairName, change: &RoleChange) -> bool {
        let previous = change.from.as_ref().filter(|_| change.promotes());
        let member = previous.and_then(|name| self.member_named(pair, name));
        !change.is_roll_back && member.is_some_and(|member| member.can_take_over())
    }
}

/// Why a hook cannot run on its host, or means nothing there.
fn unreachable(member: Option<&Member>, side: &Side) -> Option<String> {
    let Some(member) = member else {
        return Some("it is not in the environment any more".to_owned());
    };
    let host = &side.host;
    match member.condition {
        HostCondition::Lost(_) => Some(format!("{host} is lost")),
        HostCondition::AgentLost(_) => Some(format!("the LCA of {host} does not answer")),
        HostCondition::NotYetJudged => Some(format!("the LCA of {host} has not reported yet")),
        HostCondition::Reported => {
            let dead = side.when == HookTime::Before
                && side.run_mode == RunMode::Backup
                && !member.status.is_up();
            dead.then(|| format!("{} is dead already", side.application))
        }
    }
}
