//! Starting an application: intent on disk, fork, registration in time. Owns the statuses StartPending and
//! StartTransition with their deadlines; what follows a start that failed stands in `endings`.

use super::{Given, LAUNCH_BOUND, Phase};
use crate::core::{LcaCore, RunOwner};
use crate::orders::Order;
use crate::persistence::Awaiting;
use crate::timers::Timer;
use crate::{
    Elsewhere, LcaOutput, ProcessIdentity, ProcessKind, RUN_MARKER, RunId, RunPurpose, RunRecord,
    StartProcess, StateChange,
};
use changeover_model::environment::StartedBy;
use changeover_model::message::{ControlScript, ExitStatus, OrderOutcome};
use changeover_model::{
    ApplicationName, ApplicationStatus, Epoch, OrderNumber, RefusalCode, RunMode, Ticket, planted,
    show_duration,
};

impl LcaCore {
    pub(crate) fn start_ordered(
        &mut self,
        order: Order,
        run_mode: RunMode,
        control: Option<ControlScript>,
    ) {
        if let Some(control) = control.or_else(|| self.implied_control(&order.key.application)) {
            self.script_ordered(order, control);
            return;
        }
        if !self.may_start(&order) {
            return;
        }
        let name = order.key.application.clone();
        let given = Given {
            run_mode,
            epoch: order.key.epoch,
            number: order.key.number,
            cause: order.cause,
        };
        if let Some(app) = self.applications.get_mut(&name) {
            // An operator's start is a new beginning for the restart limit.
            app.restarts.clear();
            app.limited = false;
            app.start_order = Some(order);
        }
        self.start(&name, given);
    }

    fn may_start(&mut self, order: &Order) -> bool {
        if !self.is_addressed(order) {
            return false;
        }
        let name = &order.key.application;
        let Some(phase) = self.applications.get(name).map(|app| app.phase.clone()) else {
            return false;
        };
        if self.host_stop.is_stopping() {
            let text = "the host is being shut down: nothing is started any more";
            self.refuse(order, RefusalCode::ProcedureUnderWay, text);
            return false;
        }
        match phase {
            Phase::Down => true,
            Phase::Recording(_) | Phase::Launching(_) | Phase::Up(_) => {
                let text = format!("{name} is started already");
                self.refuse(order, RefusalCode::AlreadyRunning, text);
                false
            }
            Phase::Ending(..) | Phase::Clearing(_) => {
                let text = format!("{name} is still ending: start it when it is Stopped");
                self.refuse(order, RefusalCode::ProcedureUnderWay, text);
                false
            }
        }
    }

    /// Refuses an order for an application that is not here, or for an earlier start of it.
    pub(super) fn is_addressed(&mut self, order: &Order) -> bool {
        let name = &order.key.application;
        let Some(app) = self.applications.get(name).filter(|app| !app.leaving) else {
            let text = format!(
                "{name} is no application that the LCA of {} manages: check the host of its Application object",
                self.identity.host
            );
            self.refuse(order, RefusalCode::NotOnThisHost, text);
            return false;
        };
        let incarnation = app.incarnation();
        if order
            .key
            .incarnation
            .is_some_and(|meant| meant != incarnation)
        {
            let text = format!(
                "the order was meant for an earlier start of {name}, it is at start {incarnation}"
            );
            self.refuse(order, RefusalCode::StaleIncarnation, text);
            return false;
        }
        true
    }

    /// Starts an application that may be primary only by an order.
    pub(crate) fn start_as_backup(&mut self, name: &ApplicationName) {
        let Some(app) = self.applications.get(name) else {
            return;
        };
        let run_mode = if planted("restarted-as-it-was") {
            app.given.run_mode
        } else if app.pair.is_some() {
            RunMode::Backup
        } else {
            RunMode::Unknown
        };
        let epoch = app
            .pair
            .as_ref()
            .map_or(Epoch(0), |pair| self.pairs.epoch(pair));
        let given = Given {
            run_mode,
            epoch,
            number: OrderNumber(0),
            cause: None,
        };
        self.start(name, given);
    }

    fn start(&mut self, name: &ApplicationName, given: Given) {
        self.timers.cancel(&Timer::Restart(name.clone()));
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.given = given;
        app.stopped_as_asked = false;
        app.end_is_asked = false;
        app.shown.incarnation = app.shown.incarnation.next();
        app.shown.in_step = app.starts_in_step();
        app.shown.ended_as_asked = false;
        app.set_status(ApplicationStatus::StartPending, "start ordered", self.now);
        let record = app.record();
        app.recorded = Some(record.clone());
        let change = StateChange::Application(record);
        let ticket = self.persist_awaited(change, Awaiting::Start(name.clone()));
        if let Some(app) = self.applications.get_mut(name) {
            app.phase = Phase::Recording(ticket);
        }
        self.settle(name);
    }

    pub(crate) fn start_recorded(&mut self, name: &ApplicationName, ticket: Ticket) {
        let Some(app) = self.applications.get(name) else {
            return;
        };
        if app.phase != Phase::Recording(ticket) {
            return;
        }
        let kind = if app.is_managed() {
            ProcessKind::Managed
        } else {
            ProcessKind::Plain
        };
        let info = app.definition.start_info.clone();
        let purpose = RunPurpose::Application(app.incarnation());
        let cause = app.given.cause;
        let run = self.new_run(RunOwner::Application(name.clone()));
        self.persist_fast(StateChange::Run(Box::new(RunRecord {
            run,
            application: name.clone(),
            purpose,
            cause,
            process: None,
        })));
        let environment = vec![
            ("CHANGEOVER_APPLICATION".to_owned(), name.to_string()),
            ("CHANGEOVER_HOST".to_owned(), self.identity.host.to_string()),
            (RUN_MARKER.to_owned(), self.marker(run)),
        ];
        let within = info.startup_timeout;
        let started_by = match info.started_by() {
            StartedBy::CommandLine => None,
            StartedBy::PidFile(file) => Some(Elsewhere::PidFile(file.to_owned())),
            StartedBy::SystemdUnit(unit) => Some(Elsewhere::SystemdUnit(unit.to_owned())),
        };
        let start = StartProcess {
            run,
            application: name.clone(),
            kind,
            program: info.command_line,
            arguments: info.arguments,
            working_directory: info.working_directory,
            environment,
        };
        let bound = match started_by {
            None => {
                self.emit(LcaOutput::StartProcess(Box::new(start)));
                LAUNCH_BOUND
            }
            Some(elsewhere) => {
                self.start_elsewhere(name, start, elsewhere, within);
                LAUNCH_BOUND + within
            }
        };
        self.arm(Timer::Start(name.clone()), bound);
        if let Some(app) = self.applications.get_mut(name) {
            app.phase = Phase::Launching(run);
        }
    }

    /// What marks every process of a run in its environment: `ENVIRONMENT/HOST/RUN`.
    pub(crate) fn marker(&self, run: RunId) -> String {
        let environment = self
            .slice
            .as_ref()
            .map_or("", |slice| slice.environment.as_str());
        format!("{environment}/{}/{run}", self.identity.host)
    }

    pub(crate) fn start_not_recorded(&mut self, name: &ApplicationName, ticket: Ticket, why: &str) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        if app.phase != Phase::Recording(ticket) {
            return;
        }
        let reason = format!("not started, since the intent could not be written to disk: {why}");
        app.phase = Phase::Down;
        app.show_down(reason.clone(), self.now);
        let order = app.start_order.take();
        self.decide_restart(name);
        self.settle(name);
        if let Some(order) = order {
            self.refuse(&order, RefusalCode::NotPersisted, reason);
        }
    }

    pub(crate) fn application_process_started(
        &mut self,
        name: &ApplicationName,
        run: RunId,
        process: ProcessIdentity,
    ) {
        let Some(app) = self.applications.get_mut(name) else {
            self.kill_run(run);
            return;
        };
        if app.run() != Some(run) {
            self.kill_run(run);
            return;
        }
        app.token.clone_from(&process.token);
        app.shown.pid = Some(process.pid);
        let incarnation = app.incarnation();
        let change = StateChange::Run(Box::new(RunRecord {
            run,
            application: name.clone(),
            purpose: RunPurpose::Application(incarnation),
            cause: app.given.cause,
            process: Some(process),
        }));
        let launching = app.phase == Phase::Launching(run);
        self.persist_durable(change);
        if !launching {
            // It was to be ended before it was there: the signal may have come too early.
            self.signal_again(name);
            self.settle(name);
            return;
        }
        self.up(name, run);
        let order = self
            .applications
            .get_mut(name)
            .and_then(|app| app.start_order.take());
        self.settle(name);
        if let Some(order) = order {
            self.answer_order(&order, OrderOutcome::Done { incarnation });
        }
        self.take_early_registration(name);
    }

    fn up(&mut self, name: &ApplicationName, run: RunId) {
        let now = self.now;
        self.bring_given_up_to_date(name);
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.phase = Phase::Up(run);
        let within = app.definition.start_info.startup_timeout;
        if app.is_managed() {
            let reason = "process started, waiting for its registration";
            app.set_status(ApplicationStatus::StartTransition, reason, now);
            self.arm(Timer::Start(name.clone()), within);
        } else {
            app.set_status(ApplicationStatus::Running, "process started", now);
            app.enter_given_mode(now);
            self.timers.cancel(&Timer::Start(name.clone()));
        }
    }

    pub(crate) fn application_start_failed(
        &mut self,
        name: &ApplicationName,
        run: RunId,
        reason: &str,
    ) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        if app.run() != Some(run) {
            return;
        }
        self.timers.cancel(&Timer::Start(name.clone()));
        if app.phase != Phase::Launching(run) {
            // It was to be ended, and now it is certain that it never was.
            self.ended(name);
            return;
        }
        app.phase = Phase::Down;
        app.show_down(format!("start failed: {reason}"), self.now);
        let order = app.start_order.take();
        self.decide_restart(name);
        self.settle(name);
        if let Some(order) = order {
            let reason = reason.to_owned();
            self.answer_order(&order, OrderOutcome::Failed { reason });
        }
    }

    /// The present step of a start has taken too long.
    pub(crate) fn start_overran(&mut self, name: &ApplicationName) {
        let Some(app) = self.applications.get(name) else {
            return;
        };
        let within = show_duration(app.definition.start_info.startup_timeout);
        match app.phase {
            Phase::Launching(_) => {
                // Whether there is a process is unknown; if there is, it must not stay.
                let reason = "start failed: the fork was not reported in time";
                self.end(name, false, true, reason);
            }
            Phase::Up(_) => {
                let reason =
                    format!("start failed: not ready within its startup timeout of {within}");
                self.end(name, false, false, &reason);
            }
            Phase::Down | Phase::Recording(_) | Phase::Ending(..) | Phase::Clearing(_) => {}
        }
    }

    /// An application whose process was found alive after a restart of the LCA.
    pub(crate) fn adopt(&mut self, name: &ApplicationName, run: RunId, process: &ProcessIdentity) {
        let now = self.now;
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        let recorded = app.recorded.as_ref().map(|record| record.status);
        app.phase = Phase::Up(run);
        app.token.clone_from(&process.token);
        app.shown.pid = Some(process.pid);
        app.shown.epoch = app.given.epoch;
        if !app.is_managed() {
            app.set_status(ApplicationStatus::Running, "adopted", now);
            app.enter_given_mode(now);
            self.align_health(name, true);
            return;
        }
        let waiting = "adopted, waiting for its registration";
        let steady = recorded.filter(|status| {
            matches!(
                status,
                ApplicationStatus::Running
                    | ApplicationStatus::ServiceUnavailable
                    | ApplicationStatus::Suspended
            )
        });
        if let Some(status) = steady {
            app.set_status(status, waiting, now);
            app.set_run_mode(app.given.run_mode, app.given.epoch, now);
            let patience = super::watch::hang_timeout(&app.definition) + super::watch::REDIAL;
            self.arm(Timer::Hang(name.clone()), patience);
            self.align_health(name, true);
        } else {
            app.set_status(ApplicationStatus::StartTransition, waiting, now);
            let within = app.definition.start_info.startup_timeout;
            self.arm(Timer::Start(name.clone()), within);
        }
    }

    /// An application of which nothing was found alive, though it had been started.
    pub(crate) fn found_dead(&mut self, name: &ApplicationName) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        if app.stopped_as_asked {
            return;
        }
        app.shown.last_exit = Some(ExitStatus::Unknown);
        app.show_down("ended unasked while the LCA was away", self.now);
    }
}
