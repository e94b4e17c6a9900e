//! Run-mode orders: on the critical path of every switchover. Refused when stale or without an addressee;
//! answered when the application has acknowledged.

use super::{Given, Phase, watch};
use crate::LcaOutput;
use crate::core::LcaCore;
use crate::orders::Order;
use crate::timers::Timer;
use changeover_model::message::{OrderOutcome, ToApplication};
use changeover_model::{ApplicationName, Epoch, OrderNumber, RefusalCode, RunMode, show_duration};
use std::time::Duration;

/// An order that the application has not acknowledged by then has failed; the SCS, with its
/// `demotion_wait`, usually decides earlier.
const ACKNOWLEDGE_BOUND: Duration = Duration::from_secs(5);

impl LcaCore {
    pub(crate) fn run_mode_ordered(&mut self, order: Order, run_mode: RunMode) {
        if !matches!(run_mode, RunMode::Primary | RunMode::Backup) {
            let text = format!("{run_mode} cannot be ordered: only Primary and Backup can");
            self.refuse(&order, RefusalCode::BadRequest, text);
            return;
        }
        if !self.is_addressed(&order) {
            return;
        }
        let name = order.key.application.clone();
        if run_mode == RunMode::Primary
            && let Some(pair) = order.key.pair.clone()
            && !self.promotion_is_timely(&pair, order.key.epoch)
        {
            let text = "the order was under way for longer than this host may be primary unheard";
            self.refuse(&order, RefusalCode::NoVote, text);
            return;
        }
        let Some(app) = self.applications.get_mut(&name) else {
            return;
        };
        if !matches!(app.phase, Phase::Up(_)) {
            let text = format!("{name} is {}", app.status().for_people());
            self.refuse(&order, RefusalCode::NotRunning, text);
            return;
        }
        if app.is_held() {
            self.hold_run_mode(order, run_mode);
            return;
        }
        let Some(link) = app.link else {
            let text = format!("{name} runs, but is not connected to its LCA");
            self.refuse(&order, RefusalCode::NotRegistered, text);
            return;
        };
        app.given = Given {
            run_mode,
            epoch: order.key.epoch,
            number: order.key.number,
            cause: order.cause,
        };
        let message = ToApplication::SetRunMode {
            number: order.key.number,
            epoch: order.key.epoch,
            run_mode,
            cause: order.cause,
        };
        let displaced = app.pending_mode.replace(order);
        // After a crash of this LCA the application must find this mode on record, not the one before.
        self.keep_record(&name);
        self.emit(LcaOutput::ToApplication {
            connection: link.connection,
            message,
        });
        self.arm(Timer::RunMode(name.clone()), ACKNOWLEDGE_BOUND);
        self.timers.cancel(&Timer::Demotion(name.clone()));
        if run_mode == RunMode::Primary {
            let pair = self
                .applications
                .get(&name)
                .and_then(|app| app.pair.clone());
            pair.iter().for_each(|pair| self.tell_peer_of(pair));
        }
        self.look_at_leases();
        if let Some(order) = displaced {
            let text = format!("a newer run-mode order for {name} came before the answer");
            self.refuse(&order, RefusalCode::Superseded, text);
        }
    }

    pub(super) fn run_mode_acknowledged(
        &mut self,
        name: &ApplicationName,
        number: OrderNumber,
        run_mode: RunMode,
        epoch: Epoch,
    ) {
        if run_mode == RunMode::Exiting {
            self.exit_acknowledged(name);
            return;
        }
        let now = self.now;
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        let given = (app.given.number, app.given.run_mode, app.given.epoch);
        if !matches!(app.phase, Phase::Up(_)) {
            return;
        }
        app.set_run_mode(run_mode, epoch, now);
        // An older order is answered no more, but that is the mode it is in until it has obeyed the newest, and
        // stays in if it refuses that one.
        if given != (number, run_mode, epoch) {
            self.settle(name);
            return;
        }
        let incarnation = app.incarnation();
        let pending = app.pending_mode.take();
        self.timers.cancel(&Timer::RunMode(name.clone()));
        self.settle(name);
        if let Some(order) = pending {
            self.answer_order(&order, OrderOutcome::Done { incarnation });
        }
        self.look_at_announcements(name);
    }

    pub(super) fn run_mode_refused(
        &mut self,
        name: &ApplicationName,
        number: OrderNumber,
        reason: &str,
    ) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        if app.given.number != number {
            return;
        }
        if app.run_mode() != RunMode::Unknown {
            // It stays what it was: that is what it must find on record.
            app.given.run_mode = app.shown.run_mode;
            app.given.epoch = app.shown.epoch;
        }
        let Some(order) = app.pending_mode.take() else {
            self.keep_record(name);
            return;
        };
        self.timers.cancel(&Timer::RunMode(name.clone()));
        self.keep_record(name);
        let reason = watch::bounded(format!("{name} refused: {reason}"));
        self.answer_order(&order, OrderOutcome::Failed { reason });
    }

    pub(crate) fn run_mode_overran(&mut self, name: &ApplicationName) {
        let waited = show_duration(ACKNOWLEDGE_BOUND);
        self.fail_run_mode(name, format!("{name} has not acknowledged for {waited}"));
    }

    /// The application that was to acknowledge is going away.
    pub(super) fn abandon_run_mode(&mut self, name: &ApplicationName, why: &str) {
        self.timers.cancel(&Timer::RunMode(name.clone()));
        self.fail_run_mode(name, format!("{name} did not acknowledge: {why}"));
    }

    fn fail_run_mode(&mut self, name: &ApplicationName, reason: String) {
        let pending = self
            .applications
            .get_mut(name)
            .and_then(|app| app.pending_mode.take());
        if let Some(order) = pending {
            self.answer_order(&order, OrderOutcome::Failed { reason });
        }
    }
}
