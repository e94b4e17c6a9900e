//! The end of an application, asked or not, and what follows: answers, the automatic restart with its
//! back-off and limit, or nothing. Restarts are always as backup; the SCS promotes.

use super::{KILL_BOUND, Phase, Step, Supervised};
use crate::core::LcaCore;
use crate::timers::Timer;
use crate::{RunId, StateChange};
use changeover_model::message::{ExitStatus, OrderOutcome};
use changeover_model::{
    ApplicationName, ApplicationStatus, PairName, Refusal, RefusalCode, planted, show_duration,
};
use std::time::Duration;

impl LcaCore {
    /// The main process of an application has ended.
    pub(crate) fn application_exited(
        &mut self,
        name: &ApplicationName,
        run: RunId,
        exit: ExitStatus,
        output: String,
    ) {
        let now = self.now;
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        if app.run() != Some(run) {
            return;
        }
        app.shown.last_exit = Some(exit);
        app.shown.pid = None;
        match app.phase {
            Phase::Launching(_) | Phase::Up(_) => {
                app.shown.last_output = output;
                self.died(name, run, exit);
            }
            Phase::Ending(_, step) => {
                if !app.end_is_asked {
                    app.shown.last_output = output;
                }
                if step != Step::Killing {
                    // The main process is gone: what it left is not asked twice.
                    self.kill_step(name, run);
                }
                self.settle(name);
            }
            Phase::Clearing(_) => {
                app.show_down(format!("ended unasked: {exit}"), now);
                self.settle(name);
            }
            Phase::Down | Phase::Recording(_) => {}
        }
    }

    fn died(&mut self, name: &ApplicationName, run: RunId, exit: ExitStatus) {
        self.cancel_all_timers(name);
        let now = self.now;
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.phase = Phase::Clearing(run);
        app.shown.ended_as_asked = false;
        app.show_down(format!("ended unasked: {exit}"), now);
        let start_order = app.start_order.take();
        self.settle(name);
        self.abandon_run_mode(name, "it ended");
        if let Some(order) = start_order {
            let reason = format!("it ended at once: {exit}");
            self.answer_order(&order, OrderOutcome::Failed { reason });
        }
        self.kill_run(run);
        self.arm(Timer::Stop(name.clone()), KILL_BOUND);
    }

    /// No process of an application's run is left.
    pub(crate) fn application_processes_gone(&mut self, name: &ApplicationName, run: RunId) {
        let Some(app) = self.applications.get(name) else {
            return;
        };
        if app.run() != Some(run) {
            return;
        }
        match app.phase {
            Phase::Launching(_) | Phase::Up(_) => {
                self.died(name, run, ExitStatus::Unknown);
                self.cleared(name);
            }
            Phase::Clearing(_) => self.cleared(name),
            Phase::Ending(..) => self.ended(name),
            Phase::Down | Phase::Recording(_) => {}
        }
    }

    /// Everything that a dead application left is gone, or will not go.
    pub(super) fn cleared(&mut self, name: &ApplicationName) {
        self.timers.cancel(&Timer::Stop(name.clone()));
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.phase = Phase::Down;
        if app.end_is_asked {
            self.ended_as_asked(name);
            return;
        }
        if planted("dead-server-not-restarted") {
            return;
        }
        self.decide_restart(name);
        self.settle(name);
    }

    /// An ending that this LCA began is complete.
    pub(super) fn ended(&mut self, name: &ApplicationName) {
        self.cancel_all_timers(name);
        let now = self.now;
        let stopping = self.host_stop.is_stopping();
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.phase = Phase::Down;
        if app.end_is_asked {
            app.show_down(app.why_ended(stopping), now);
            self.ended_as_asked(name);
            return;
        }
        let reason = app.shown.reason.clone();
        app.show_down(reason, now);
        self.decide_restart(name);
        self.settle(name);
    }

    /// It is down and somebody wanted that: answers them, or forgets an application that left the slice.
    pub(super) fn ended_as_asked(&mut self, name: &ApplicationName) {
        let stopping = self.host_stop.is_stopping();
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.shown.ended_as_asked = app.is_wanted_down(stopping);
        let incarnation = app.incarnation();
        let stop_orders = std::mem::take(&mut app.stop_orders);
        let start_order = app.start_order.take();
        let leaving = app.leaving;
        self.settle(name);
        if let Some(order) = start_order {
            let text = format!("{name} was stopped before it was up");
            let refusal = Refusal::new(RefusalCode::Superseded, text);
            self.answer_order(&order, OrderOutcome::Refused(refusal));
        }
        for order in stop_orders {
            self.answer_order(&order, OrderOutcome::Done { incarnation });
        }
        if leaving {
            self.cancel_all_timers(name);
            self.applications.remove(name);
            self.align_health(name, false);
            self.persist_fast(StateChange::ApplicationForgotten(name.clone()));
        } else if self
            .applications
            .get(name)
            .is_some_and(Supervised::is_wanted)
        {
            // It had left the slice and came back before it had ended, or it was ended because it did not obey.
            self.decide_restart(name);
        }
        self.look_for_end_of_host_stop();
    }

    /// Something that was wanted up is down: starts it again after a delay, or says why not.
    pub(super) fn decide_restart(&mut self, name: &ApplicationName) {
        let now = self.now;
        let stopping = self.host_stop.is_stopping();
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        let info = &app.definition.start_info;
        if stopping || app.stopped_as_asked || app.leaving || !info.auto_restart {
            self.look_for_end_of_host_stop();
            return;
        }
        if self.pairs.in_maintenance(app.pair.as_ref()) {
            app.shown.reason.push_str("; not restarted: maintenance");
            return;
        }
        let policy = info.restart;
        while app
            .restarts
            .front()
            .is_some_and(|at| now.since(*at) >= policy.within)
        {
            app.restarts.pop_front();
        }
        let done = u32::try_from(app.restarts.len()).unwrap_or(u32::MAX);
        if done >= policy.limit && !planted("restart-limit-ignored") {
            app.limited = true;
            let text = format!(
                "restart-limit: {done} restarts within {}; the last end: {}; find the cause, then start it",
                show_duration(policy.within),
                app.shown.reason
            );
            app.shown.reason = text;
            return;
        }
        app.restarts.push_back(now);
        let delay = back_off(policy.first_delay, policy.longest_delay, done);
        self.arm(Timer::Restart(name.clone()), delay);
    }

    pub(crate) fn restart_due(&mut self, name: &ApplicationName) {
        let stopping = self.host_stop.is_stopping();
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        if app.phase != Phase::Down || app.stopped_as_asked || app.leaving || stopping {
            return;
        }
        if self.pairs.in_maintenance(app.pair.as_ref()) {
            app.shown.reason.push_str("; not restarted: maintenance");
            self.settle(name);
            return;
        }
        self.start_as_backup(name);
    }

    /// Restarts what stayed down because of maintenance; hang detection begins anew.
    pub(crate) fn maintenance_ended(&mut self, pair: &PairName) {
        for name in self.members_of(pair) {
            let Some(app) = self.applications.get(&name) else {
                continue;
            };
            let down = app.phase == Phase::Down && app.status() == ApplicationStatus::Stopped;
            let waiting = self.timers.is_set(&Timer::Restart(name.clone()));
            if down && app.is_wanted() && !app.limited && !waiting {
                self.decide_restart(&name);
                self.settle(&name);
            }
        }
    }
}

/// The delay before restart number `done` + 1 of a series.
fn back_off(first: Duration, longest: Duration, done: u32) -> Duration {
    let factor = 2u32.saturating_pow(done.min(20));
    first.saturating_mul(factor).min(longest)
}
