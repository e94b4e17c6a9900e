//! Stopping an application: Exiting over its link, SIGTERM after half of the shutdown timeout (at once for
//! plain programs), SIGKILL of all its processes after the other half. Owns StopPending and StopTransition;
//! what follows the end stands in `endings`.

use super::{KILL_BOUND, Phase, Step, Supervised};
use crate::core::LcaCore;
use crate::orders::Order;
use crate::timers::Timer;
use crate::{LcaOutput, ProcessSignal, RunId};
use changeover_model::message::{OrderOutcome, ToApplication};
use changeover_model::{
    ApplicationName, ApplicationStatus, OrderNumber, Refusal, RefusalCode, RunMode, planted,
};

/// Stop orders of one application that are remembered as waiting.
const MOST_STOP_ORDERS: usize = 8;

impl LcaCore {
    pub(crate) fn stop_ordered(&mut self, order: Order, at_once: bool) {
        if self.stop_script(&order) || !self.is_addressed(&order) {
            return;
        }
        let name = order.key.application.clone();
        let Some(app) = self.applications.get_mut(&name) else {
            return;
        };
        if app.stop_orders.len() >= MOST_STOP_ORDERS {
            let text = format!("{MOST_STOP_ORDERS} orders to stop {name} wait for its end already");
            self.refuse(&order, RefusalCode::Overloaded, text);
            return;
        }
        // A server that is ended because it does not obey counts as one that died: it comes back as backup.
        app.stopped_as_asked |= !at_once;
        app.given.cause = order.cause.or(app.given.cause);
        app.stop_orders.push(order);
        // The intent comes first: after a crash in between it is not started again.
        self.keep_record_on_disk(&name);
        self.stop(&name, at_once);
    }

    /// Ends an application because somebody wants it ended.
    pub(crate) fn stop(&mut self, name: &ApplicationName, at_once: bool) {
        self.timers.cancel(&Timer::Restart(name.clone()));
        let now = self.now;
        let stopping = self.host_stop.is_stopping();
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.end_is_asked = true;
        match app.phase {
            Phase::Down | Phase::Recording(_) => {
                app.phase = Phase::Down;
                app.show_down(app.why_ended(stopping), now);
                self.ended_as_asked(name);
            }
            Phase::Launching(_) | Phase::Up(_) => {
                self.end(name, true, at_once, "stop ordered");
            }
            Phase::Ending(run, step) => {
                let urgent = at_once && step != Step::Killing;
                if urgent || step == Step::Stuck {
                    self.kill_step(name, run);
                }
                self.settle(name);
            }
            // It is ending by itself; the orders are answered when it is gone.
            Phase::Clearing(_) => self.settle(name),
        }
    }

    /// Begins to end an application that is up or being started.
    pub(super) fn end(&mut self, name: &ApplicationName, asked: bool, at_once: bool, reason: &str) {
        let now = self.now;
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        let (Phase::Launching(run) | Phase::Up(run)) = app.phase else {
            return;
        };
        let launching = app.phase == Phase::Launching(run);
        app.end_is_asked = asked;
        app.set_status(ApplicationStatus::StopPending, reason, now);
        app.shown.hung = false;
        let start_order = app.start_order.take();
        self.cancel_watches(name);
        if at_once || launching {
            self.kill_step(name, run);
        } else if !self.exiting_step(name, run) {
            self.term_step(name, run);
        }
        self.settle(name);
        self.abandon_run_mode(name, "it is being ended");
        if let Some(order) = start_order {
            let outcome = if asked {
                let text = format!("{name} was stopped before it was up");
                OrderOutcome::Refused(Refusal::new(RefusalCode::Superseded, text))
            } else {
                OrderOutcome::Failed {
                    reason: reason.to_owned(),
                }
            };
            self.answer_order(&order, outcome);
        }
    }

    /// Tells the application to exit; false if it is not registered.
    fn exiting_step(&mut self, name: &ApplicationName, run: RunId) -> bool {
        let Some(app) = self.applications.get_mut(name) else {
            return false;
        };
        let Some(link) = app.link.filter(|_| !planted("exiting-skipped")) else {
            return false;
        };
        app.phase = Phase::Ending(run, Step::Exiting);
        let number = app
            .stop_orders
            .last()
            .map_or(OrderNumber(0), |order| order.key.number);
        let message = ToApplication::SetRunMode {
            number,
            epoch: app.given.epoch,
            run_mode: RunMode::Exiting,
            cause: app.given.cause,
        };
        let half = app.definition.start_info.shutdown_timeout / 2;
        self.emit(LcaOutput::ToApplication {
            connection: link.connection,
            message,
        });
        self.arm(Timer::Stop(name.clone()), half);
        true
    }

    fn term_step(&mut self, name: &ApplicationName, run: RunId) {
        let now = self.now;
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.phase = Phase::Ending(run, Step::Terminating);
        let reason = app.shown.reason.clone();
        app.set_status(ApplicationStatus::StopTransition, reason, now);
        let half = app.definition.start_info.shutdown_timeout / 2;
        self.emit(LcaOutput::SignalProcess {
            run,
            signal: ProcessSignal::Term,
            all_descendants: false,
        });
        self.arm(Timer::Stop(name.clone()), half);
    }

    pub(super) fn kill_step(&mut self, name: &ApplicationName, run: RunId) {
        let now = self.now;
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.phase = Phase::Ending(run, Step::Killing);
        let reason = app.shown.reason.clone();
        app.set_status(ApplicationStatus::StopTransition, reason, now);
        self.kill_run(run);
        self.arm(Timer::Stop(name.clone()), KILL_BOUND);
    }

    /// Its process came into being after the signal was given.
    pub(super) fn signal_again(&mut self, name: &ApplicationName) {
        if let Some(run) = self.applications.get(name).and_then(Supervised::run) {
            self.kill_run(run);
        }
    }

    /// The application has acknowledged that it is to exit.
    pub(super) fn exit_acknowledged(&mut self, name: &ApplicationName) {
        let now = self.now;
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        if matches!(app.phase, Phase::Ending(_, Step::Exiting)) {
            app.set_run_mode(RunMode::Exiting, app.shown.epoch, now);
            let reason = app.shown.reason.clone();
            app.set_status(ApplicationStatus::StopTransition, reason, now);
            self.settle(name);
        }
    }

    /// The present step of an ending has taken too long.
    pub(crate) fn stop_step_overran(&mut self, name: &ApplicationName) {
        let now = self.now;
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        match app.phase {
            Phase::Ending(run, Step::Exiting) => self.term_step(name, run),
            Phase::Ending(run, Step::Terminating) => self.kill_step(name, run),
            Phase::Ending(run, Step::Killing | Step::Stuck) => {
                app.phase = Phase::Ending(run, Step::Stuck);
                let reason = format!(
                    "process {} does not end by SIGKILL: look for a device or a mount that blocks it",
                    app.shown
                        .pid
                        .map_or("of unknown id".to_owned(), |pid| pid.to_string())
                );
                app.set_status(ApplicationStatus::Unknown, reason.clone(), now);
                let orders = std::mem::take(&mut app.stop_orders);
                self.settle(name);
                for order in orders {
                    let reason = reason.clone();
                    self.answer_order(&order, OrderOutcome::Failed { reason });
                }
                self.look_for_end_of_host_stop();
            }
            Phase::Clearing(_) => {
                app.shown.reason.push_str("; remains of it do not end");
                self.cleared(name);
            }
            Phase::Down | Phase::Recording(_) | Phase::Launching(_) | Phase::Up(_) => {}
        }
        self.settle(name);
    }

    fn cancel_watches(&mut self, name: &ApplicationName) {
        for timer in [
            Timer::Start(name.clone()),
            Timer::RunMode(name.clone()),
            Timer::Suspending(name.clone()),
            Timer::Heartbeat(name.clone()),
            Timer::Hang(name.clone()),
        ] {
            self.timers.cancel(&timer);
        }
    }

    /// Forgets every deadline of an application.
    pub(super) fn cancel_all_timers(&mut self, name: &ApplicationName) {
        self.cancel_watches(name);
        self.timers.cancel(&Timer::Stop(name.clone()));
        self.timers.cancel(&Timer::Restart(name.clone()));
    }
}
