//! Starting: a reaction begins or is put where it waits; a control script is ordered from its LCA, and so is
//! the forced release that takes a failing one's place. What comes back is judged in `outcome`.

use crate::HostReach;
use crate::engine::{ReactionEngine, Timer};
use crate::output::Output;
use crate::plan::cannot_launch;
use crate::reaction::{Phase, Work};
use changeover_model::environment::Pair;
use changeover_model::message::{ControlScript, LcaOrder, OrderKey, Party, ReactionState, Step};
use changeover_model::{HostName, OrderNumber, RunMode, ScriptAction, Timestamp};
use std::time::Duration;

/// Beyond a script's start-up timeout: until the LCA must have told its outcome.
pub(crate) const ANSWER_MARGIN: Duration = Duration::from_secs(2);
/// Until the LCA must have removed the addresses itself.
pub(crate) const FORCE_WAIT: Duration = Duration::from_secs(3);

pub(crate) fn host_lost_while_running(host: &HostName) -> String {
    format!("{host} was lost while it ran; its VIP is released by realignment after its return")
}

impl ReactionEngine {
    /// Starts a reaction, or puts it where it waits.
    pub(crate) fn start(&mut self, now: Timestamp, number: u64, outputs: &mut Vec<Output>) {
        let Some(reaction) = self.reactions.get(&number) else {
            return;
        };
        let needs_agent = match &reaction.subject.work {
            Work::Control | Work::CommandThere(_) => reaction.subject.host.clone(),
            Work::Start(_)
            | Work::ShutDown(_)
            | Work::Restart(_)
            | Work::Switchover(_)
            | Work::CommandHere(_)
            | Work::ChangeOption { .. }
            | Work::Email { .. }
            | Work::Trap
            | Work::Nothing => None,
        };
        if let Some(host) = needs_agent {
            match self.sight.reach(&host) {
                HostReach::Connected => {}
                HostReach::Lost => {
                    self.cannot_launch(now, number, &cannot_launch(&host), outputs);
                    return;
                }
                HostReach::AgentAway if now >= self.away_deadline(&host) => {
                    let why = format!("cannot be launched: the agent of {host} stays away");
                    self.cannot_launch(now, number, &why, outputs);
                    return;
                }
                HostReach::AgentAway => {
                    self.wait_for_agent(now, number, &host);
                    return;
                }
            }
        }
        let Some(reaction) = self.reactions.get_mut(&number) else {
            return;
        };
        match (&reaction.subject.work, reaction.subject.action) {
            (Work::Control, Some(ScriptAction::Enable)) if !reaction.as_listed => {
                self.queue_enable(now, number, outputs);
            }
            (Work::Control, _) => self.launch(now, number, outputs),
            _ => self.start_effect(now, number, outputs),
        }
    }

    fn wait_for_agent(&mut self, now: Timestamp, number: u64, host: &HostName) {
        let deadline = self.away_deadline(host);
        if let Some(reaction) = self.reactions.get_mut(&number)
            && reaction.phase != Phase::Host
        {
            reaction.phase = Phase::Host;
            reaction.note(now, format!("waits for the agent of {host}"));
            self.timers.cancel(&Timer::Phase(number));
        }
        self.timers.set(Timer::Away(host.clone()), deadline);
    }

    /// Puts an enabling reaction behind its releases and looks at once whether they are there.
    fn queue_enable(&mut self, now: Timestamp, number: u64, outputs: &mut Vec<Output>) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let Some((pair, host)) = self.pair_and_host(&environment, number) else {
            return;
        };
        // Whatever becomes of the releases, they end within this.
        let slowest = pair
            .control
            .iter()
            .filter(|(other, _)| **other != host)
            .map(|(other, control)| {
                let script = environment
                    .applications
                    .get(&control.disable)
                    .map_or(Duration::from_secs(8), |script| {
                        script.start_info.startup_timeout
                    });
                let away = environment
                    .hosts
                    .get(other)
                    .map_or(Duration::ZERO, |host| host.lca_restart_timeout);
                (script + ANSWER_MARGIN + pair.policy.retry_after) * (pair.policy.retries + 1)
                    + FORCE_WAIT
                    + away
            })
            .max()
            .unwrap_or(FORCE_WAIT);
        if let Some(reaction) = self.reactions.get_mut(&number) {
            reaction.phase = Phase::Release;
        }
        self.timers.set(Timer::Phase(number), now + slowest);
        self.try_enable(now, number, outputs);
    }

    /// Orders a control script from its LCA.
    pub(crate) fn launch(&mut self, now: Timestamp, number: u64, outputs: &mut Vec<Output>) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let Some((pair, host)) = self.pair_and_host(&environment, number) else {
            return;
        };
        self.supersede_opposite(now, number);
        let order = self.take_order_number();
        let primary_host = self.intended_host(pair).cloned();
        let Some(reaction) = self.reactions.get_mut(&number) else {
            return;
        };
        let subject = reaction.subject.clone();
        let (Some(application), Some(action)) = (subject.application.clone(), subject.action)
        else {
            return;
        };
        reaction.attempts += 1;
        reaction.phase = Phase::Running(order);
        reaction.overran = false;
        let attempt = match reaction.attempts {
            1 => String::new(),
            attempt => format!(", attempt {attempt}"),
        };
        let evidence = format!("control script, {action}, epoch {}{attempt}", subject.epoch);
        reaction.note(now, format!("launched on {host}{attempt}"));
        let control = ControlScript {
            action,
            run_mode: if primary_host.as_ref() == Some(&host) {
                RunMode::Primary
            } else {
                RunMode::Backup
            },
            event: reaction.asked.event.as_ref().map(|event| event.id),
            alarm: reaction.asked.condition.clone(),
            reason: reaction.asked.reason.clone(),
        };
        let watch_release = action == ScriptAction::Disable && !reaction.as_listed;
        let cause = reaction.asked.cause;
        let key = self.key(pair, &application, order, number);
        outputs.push(Output::Order {
            host: host.clone(),
            cause,
            order: LcaOrder::StartApplication {
                key,
                run_mode: RunMode::Unknown,
                control: Some(control),
            },
        });
        self.by_order.insert(order, number);
        self.sight.started(&pair.name, &host, order, action);
        let step = Step::Launched(application.clone(), Some(action));
        let who = Party::ScsToLca(host);
        self.report(number, who, step, application.as_str(), evidence, outputs);
        let timeout = environment
            .applications
            .get(&application)
            .map_or(Duration::from_secs(8), |script| {
                script.start_info.startup_timeout
            });
        self.timers
            .set(Timer::Phase(number), now + timeout + ANSWER_MARGIN);
        if watch_release {
            self.timers
                .set(Timer::Overrun(number), now + pair.policy.release_wait);
        }
    }

    /// The newest wish for a host counts: an older one for the opposite that still waits is not run any more.
    /// (One that runs is ended by the LCA.)
    fn supersede_opposite(&mut self, now: Timestamp, number: u64) {
        let Some(subject) = self.reactions.get(&number).map(|found| &found.subject) else {
            return;
        };
        let older: Vec<u64> = self
            .runs()
            .filter(|run| run.number < number)
            .filter(|run| matches!(run.phase, Phase::Release | Phase::Host | Phase::Retry))
            .filter(|run| {
                run.subject.pair == subject.pair
                    && run.subject.host == subject.host
                    && run.subject.action != subject.action
            })
            .map(|run| run.number)
            .collect();
        for old in older {
            let why = format!("reaction {number} asked for the opposite");
            self.end(now, old, ReactionState::Superseded, &why, false);
        }
    }

    fn key(
        &self,
        pair: &Pair,
        application: &changeover_model::ApplicationName,
        order: OrderNumber,
        number: u64,
    ) -> OrderKey {
        OrderKey {
            pair: Some(pair.name.clone()),
            epoch: self
                .reactions
                .get(&number)
                .map_or(self.epoch_of(&pair.name), |found| found.subject.epoch),
            application: application.clone(),
            incarnation: None,
            number: order,
        }
    }

    /// Tells the LCA to end the script and remove the addresses itself.
    pub(crate) fn force(
        &mut self,
        now: Timestamp,
        number: u64,
        why: &str,
        outputs: &mut Vec<Output>,
    ) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let Some((pair, host)) = self.pair_and_host(&environment, number) else {
            return;
        };
        let order = self.take_order_number();
        let Some(reaction) = self.reactions.get_mut(&number) else {
            return;
        };
        let Some(application) = reaction.subject.application.clone() else {
            return;
        };
        if let Phase::Running(old) | Phase::Forcing(old) = reaction.phase {
            self.by_order.remove(&old);
        }
        reaction.phase = Phase::Forcing(order);
        reaction.forced = true;
        reaction.note(now, format!("{why}: the LCA removes it by itself"));
        let cause = reaction.asked.cause;
        let key = self.key(pair, &application, order, number);
        outputs.push(Output::Order {
            host: host.clone(),
            cause,
            order: LcaOrder::ReleaseAddresses { key },
        });
        self.by_order.insert(order, number);
        self.timers.cancel(&Timer::Overrun(number));
        self.timers.set(Timer::Phase(number), now + FORCE_WAIT);
        let who = Party::ScsToLca(host);
        let what = format!("release by the LCA instead of {application}");
        self.report(number, who, Step::Note, what, why, outputs);
    }
}
