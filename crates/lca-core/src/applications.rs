//! The applications of this host, control scripts apart: what is known and intended of each. Owns the record
//! and what is told about it; the state machine's steps stand in the files below: `start`, `registration`,
//! `watch`, `run_mode`, `stop`, `endings` (and the automatic restart).

mod demotion;
mod endings;
mod held;
mod registration;
mod run_mode;
mod start;
mod stop;
mod watch;

pub(crate) use registration::Caller;

use crate::core::LcaCore;
use crate::health::Verdict;
use crate::orders::Order;
use crate::{ApplicationRecord, ConnectionId, LcaOutput, ProcessSignal, RunId, StateChange};
use changeover_model::environment::Application;
use changeover_model::message::{
    ApplicationState, CheckState, ExitStatus, FromApplication, LcaReport,
};
use changeover_model::{
    ApplicationName, ApplicationStatus, CauseId, Epoch, Incarnation, OrderNumber, PairName,
    Redundancy, RunMode, Ticket, Timestamp,
};
use std::collections::VecDeque;
use std::time::Duration;

/// After SIGKILL everything is gone within this, or is called what it is: not to be killed.
pub(crate) const KILL_BOUND: Duration = Duration::from_secs(5);
/// From the order to fork until the process is reported.
const LAUNCH_BOUND: Duration = Duration::from_secs(10);

/// Where an application stands with its process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No process.
    Down,
    /// The intent to start it is being written.
    Recording(Ticket),
    /// The process is being started.
    Launching(RunId),
    /// It runs.
    Up(RunId),
    /// It is being ended.
    Ending(RunId, Step),
    /// Its main process died by itself; what it left is being killed.
    Clearing(RunId),
}

/// How far an ending has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It was told to exit.
    Exiting,
    /// SIGTERM was sent.
    Terminating,
    /// SIGKILL was sent.
    Killing,
    /// It does not even end by that.
    Stuck,
}

/// The run mode an application was last given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) run_mode: RunMode,
    pub(crate) epoch: Epoch,
    pub(crate) number: OrderNumber,
    pub(crate) cause: Option<CauseId>,
}

/// The registered connection of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) connection: ConnectionId,
    pub(crate) heartbeats: u64,
}

/// One application.
#[derive(Clone, Debug)]
pub(crate) struct Supervised {
    pub(crate) definition: Application,
    pub(crate) pair: Option<PairName>,
    pub(crate) redundancy: Option<Redundancy>,
    /// It is gone from the slice and is forgotten when it has ended.
    pub(crate) leaving: bool,
    pub(crate) phase: Phase,
    pub(crate) token: String,
    pub(crate) given: Given,
    /// Stopped by an order: not to be started by this LCA's own decision.
    pub(crate) stopped_as_asked: bool,
    /// The ending under way was ordered (also by the end of the host).
    pub(crate) end_is_asked: bool,
    /// Too many restarts: only an order starts it again.
    pub(crate) limited: bool,
    pub(crate) link: Option<Link>,
    /// A registration that was faster than the report of its own process's start.
    pub(crate) early: Option<(ConnectionId, FromApplication)>,
    /// A run-mode order that was passed on and is not acknowledged yet.
    pub(crate) pending_mode: Option<Order>,
    pub(crate) start_order: Option<Order>,
    pub(crate) stop_orders: Vec<Order>,
    pub(crate) restarts: VecDeque<Timestamp>,
    shown: Shown,
    /// What its health checks add up to; absent while nobody acts on it (maintenance).
    verdict: Verdict,
    checks: Vec<CheckState>,
    reported: Option<ApplicationState>,
    recorded: Option<ApplicationRecord>,
}

/// What is told about an application, apart from what follows from the rest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) status: ApplicationStatus,
    pub(crate) run_mode: RunMode,
    pub(crate) epoch: Epoch,
    pub(crate) incarnation: Incarnation,
    pub(crate) pid: Option<u32>,
    pub(crate) since: Timestamp,
    pub(crate) reason: String,
    pub(crate) in_step: bool,
    pub(crate) hung: bool,
    pub(crate) ended_as_asked: bool,
    pub(crate) last_exit: Option<ExitStatus>,
    pub(crate) last_output: String,
}

impl Supervised {
    /// What of what is told bears on what comes next; see `essence`.
    pub(crate) fn shown_essence(&self, into: &mut impl std::hash::Hasher) {
        use std::hash::Hash as _;
        std::mem::discriminant(&self.shown.status).hash(into);
        std::mem::discriminant(&self.shown.run_mode).hash(into);
        (self.shown.in_step, self.shown.hung).hash(into);
    }

    pub(crate) fn new(
        definition: Application,
        pair: Option<(PairName, Redundancy)>,
        record: Option<&ApplicationRecord>,
        now: Timestamp,
    ) -> Self {
        let (pair, redundancy) = pair.unzip();
        let managed = definition.is_managed();
        let stopped_as_asked = record.is_some_and(|record| record.stopped_as_asked);
        Self {
            definition,
            pair,
            redundancy,
            leaving: false,
            phase: Phase::Down,
            token: String::new(),
            given: Given {
                run_mode: record.map_or(RunMode::Unknown, |record| record.run_mode),
                epoch: record.map_or(Epoch(0), |record| record.epoch),
                number: record.map_or(OrderNumber(0), |record| record.number),
                cause: None,
            },
            stopped_as_asked,
            end_is_asked: false,
            limited: false,
            link: None,
            early: None,
            pending_mode: None,
            start_order: None,
            stop_orders: Vec::new(),
            restarts: VecDeque::new(),
            shown: Shown {
                status: ApplicationStatus::Stopped,
                run_mode: RunMode::Unknown,
                epoch: Epoch(0),
                incarnation: record.map_or(Incarnation(0), |record| record.incarnation),
                pid: None,
                since: now,
                reason: if stopped_as_asked {
                    "stopped as asked".to_owned()
                } else {
                    "not started yet".to_owned()
                },
                in_step: redundancy != Some(Redundancy::Hot) || !managed,
                hung: false,
                ended_as_asked: stopped_as_asked,
                last_exit: None,
                last_output: String::new(),
            },
            verdict: Verdict::Serves,
            checks: Vec::new(),
            reported: None,
            recorded: record.cloned(),
        }
    }

    pub(crate) fn name(&self) -> &ApplicationName {
        &self.definition.name
    }

    pub(crate) fn status(&self) -> ApplicationStatus {
        self.shown.status
    }

    pub(crate) fn run_mode(&self) -> RunMode {
        self.shown.run_mode
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.shown.epoch
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        self.shown.incarnation
    }

    /// True for applications that register over the application link.
    pub(crate) fn is_managed(&self) -> bool {
        self.definition.is_managed()
    }

    /// True for a third-party member of a pair: its run mode is held here.
    pub(crate) fn is_held(&self) -> bool {
        self.pair.is_some() && !self.is_managed()
    }

    /// Nothing is out of step where nothing is synchronised.
    pub(crate) fn starts_in_step(&self) -> bool {
        self.redundancy != Some(Redundancy::Hot) || !self.is_managed()
    }

    /// True if it is wanted up by the LCA's own decision.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.stopped_as_asked
            && !self.leaving
            && (self.pair.is_some() || self.definition.start_info.auto_restart)
    }

    /// True if somebody wants it to stay down: an operator, the slice, the end of the host.
    pub(crate) fn is_wanted_down(&self, host_is_stopping: bool) -> bool {
        self.stopped_as_asked || self.leaving || host_is_stopping
    }

    /// The reason of an end that was ordered, for people.
    pub(crate) fn why_ended(&self, host_is_stopping: bool) -> &'static str {
        if self.is_wanted_down(host_is_stopping) {
            "stopped as asked"
        } else {
            "ended by the SCS because it did not obey"
        }
    }

    pub(crate) fn run(&self) -> Option<RunId> {
        match self.phase {
            Phase::Down | Phase::Recording(_) => None,
            Phase::Launching(run)
            | Phase::Up(run)
            | Phase::Ending(run, _)
            | Phase::Clearing(run) => Some(run),
        }
    }

    /// Full state, as the SCS sees it.
    pub(crate) fn state(&self) -> ApplicationState {
        let shown = &self.shown;
        let (status, reason, since) = self.status_with_health();
        ApplicationState {
            application: self.name().clone(),
            status,
            run_mode: shown.run_mode,
            incarnation: shown.incarnation,
            epoch: shown.epoch,
            pid: shown.pid,
            since,
            reason,
            in_step: shown.in_step,
            hung: shown.hung,
            stopped_as_asked: shown.ended_as_asked,
            last_exit: shown.last_exit,
            last_output: shown.last_output.clone(),
            health: self.checks.clone(),
        }
    }

    /// What it says of itself, unless a health check knows better: one that says it serves and does not pass its
    /// checks cannot serve; one that has not passed them since its start is not ready yet.
    fn status_with_health(&self) -> (ApplicationStatus, String, Timestamp) {
        let shown = &self.shown;
        match (&self.verdict, shown.status) {
            (Verdict::Down(reason, since), ApplicationStatus::Running) => (
                ApplicationStatus::ServiceUnavailable,
                reason.clone(),
                shown.since.max(*since),
            ),
            (Verdict::Waits(reason, since), ApplicationStatus::Running) => (
                ApplicationStatus::Initializing,
                reason.clone(),
                shown.since.max(*since),
            ),
            (Verdict::Serves | Verdict::Waits(..) | Verdict::Down(..), status) => {
                (status, shown.reason.clone(), shown.since)
            }
        }
    }

    fn record(&self) -> ApplicationRecord {
        ApplicationRecord {
            application: self.name().clone(),
            incarnation: self.shown.incarnation,
            stopped_as_asked: self.stopped_as_asked,
            run_mode: self.given.run_mode,
            epoch: self.given.epoch,
            number: self.given.number,
            status: self.shown.status,
        }
    }

    fn set_status(&mut self, status: ApplicationStatus, reason: impl Into<String>, now: Timestamp) {
        if self.shown.status != status {
            self.shown.status = status;
            self.shown.since = now;
        }
        self.shown.reason = reason.into();
    }

    fn set_run_mode(&mut self, run_mode: RunMode, epoch: Epoch, now: Timestamp) {
        if self.shown.run_mode != run_mode {
            self.shown.run_mode = run_mode;
            self.shown.since = now;
        }
        self.shown.epoch = epoch;
    }

    /// No process of it serves any more.
    fn show_down(&mut self, reason: impl Into<String>, now: Timestamp) {
        self.set_status(ApplicationStatus::Stopped, reason, now);
        self.set_run_mode(RunMode::Unknown, self.shown.epoch, now);
        self.shown.pid = None;
        self.shown.hung = false;
        self.link = None;
        self.early = None;
    }
}

impl LcaCore {
    /// Tells what changed about an application, and keeps it.
    pub(crate) fn settle(&mut self, name: &ApplicationName) {
        self.judge_health(name);
        let health = self.health_of(name).cloned().unwrap_or_default();
        let heeded = self
            .applications
            .get(name)
            .is_some_and(|app| !self.pairs.in_maintenance(app.pair.as_ref()));
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.verdict = if heeded {
            health.verdict
        } else {
            Verdict::Serves
        };
        app.checks = health.checks;
        let state = app.state();
        if app.reported.as_ref() != Some(&state) {
            app.reported = Some(state.clone());
            let cause = app.given.cause;
            self.report(cause, LcaReport::ApplicationChanged(state));
        }
        self.keep_record(name);
    }

    /// Writes what is intended with an application to the fast file, if that changed.
    pub(crate) fn keep_record(&mut self, name: &ApplicationName) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        let record = app.record();
        if app.recorded.as_ref() != Some(&record) {
            app.recorded = Some(record.clone());
            self.persist_fast(StateChange::Application(record));
        }
    }

    /// Writes what is intended with an application to disk, whether it changed or not.
    fn keep_record_on_disk(&mut self, name: &ApplicationName) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        let record = app.record();
        app.recorded = Some(record.clone());
        self.persist_durable(StateChange::Application(record));
    }

    /// SIGKILL to every process of a run.
    pub(crate) fn kill_run(&mut self, run: RunId) {
        self.emit(LcaOutput::SignalProcess {
            run,
            signal: ProcessSignal::Kill,
            all_descendants: true,
        });
    }

    /// Where an application starts, and with it its checks and hooks; empty = where this LCA is.
    pub(crate) fn working_directory_of(&self, name: &ApplicationName) -> String {
        self.applications.get(name).map_or_else(String::new, |app| {
            app.definition.start_info.working_directory.clone()
        })
    }

    /// The applications of a pair on this host.
    pub(crate) fn members_of(&self, pair: &PairName) -> Vec<ApplicationName> {
        self.applications
            .iter()
            .filter(|(_, app)| app.pair.as_ref() == Some(pair))
            .map(|(name, _)| name.clone())
            .collect()
    }
}
