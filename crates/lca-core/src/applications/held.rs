//! Third Party Servers whose life or run mode is not their own word: members of a pair, whose run mode this LCA
//! holds and keeps over its own crashes, and programs whose main process is not the one that was forked (a pid
//! file names it, or systemd runs it). What is started elsewhere may run already: then it is taken over as it is.

use super::{Given, Phase, Supervised};
use crate::core::{LcaCore, RunOwner};
use crate::orders::Order;
use crate::{Elsewhere, LcaOutput, RunId, StartProcess};
use changeover_model::environment::StartedBy;
use changeover_model::message::{ExitStatus, OrderOutcome};
use changeover_model::{ApplicationName, ApplicationStatus, OrderNumber, RunMode, Timestamp};
use std::time::Duration;

impl Supervised {
    /// A third-party member is in the mode it was given, since nobody else could say otherwise.
    pub(super) fn enter_given_mode(&mut self, now: Timestamp) {
        if self.is_held() && matches!(self.given.run_mode, RunMode::Primary | RunMode::Backup) {
            self.set_run_mode(self.given.run_mode, self.given.epoch, now);
        }
    }
}

impl LcaCore {
    /// What a third-party member was to start as may have been overtaken by a promotion since: it gets the current
    /// epoch, as backup.
    pub(super) fn bring_given_up_to_date(&mut self, name: &ApplicationName) {
        let Some(app) = self.applications.get_mut(name).filter(|app| app.is_held()) else {
            return;
        };
        let newest = app
            .pair
            .as_ref()
            .map(|pair| self.pairs.epoch(pair))
            .unwrap_or_default();
        if app.given.epoch < newest {
            app.given.run_mode = RunMode::Backup;
            app.given.epoch = newest;
            app.given.number = OrderNumber(0);
        }
    }

    /// A run mode for a third-party member that is up: kept with its epoch, then acknowledged. The runtime copy is
    /// written before the answer leaves, the disk follows.
    pub(super) fn hold_run_mode(&mut self, order: Order, run_mode: RunMode) {
        let now = self.now;
        let name = order.key.application.clone();
        let Some(app) = self.applications.get_mut(&name) else {
            return;
        };
        app.given = Given {
            run_mode,
            epoch: order.key.epoch,
            number: order.key.number,
            cause: order.cause,
        };
        app.enter_given_mode(now);
        let incarnation = app.incarnation();
        self.keep_record_on_disk(&name);
        self.settle(&name);
        self.answer_order(&order, OrderOutcome::Done { incarnation });
        self.look_at_announcements(&name);
    }

    /// Has something started whose main process this LCA does not fork itself.
    pub(super) fn start_elsewhere(
        &mut self,
        name: &ApplicationName,
        start: StartProcess,
        elsewhere: Elsewhere,
        within: Duration,
    ) {
        let reason = match &elsewhere {
            Elsewhere::PidFile(file) => format!("waiting for its process id in {file}"),
            Elsewhere::SystemdUnit(unit) => format!("waiting for systemd to start {unit}"),
        };
        self.emit(LcaOutput::StartElsewhere {
            start: Box::new(start),
            elsewhere,
            within,
        });
        let now = self.now;
        if let Some(app) = self.applications.get_mut(name) {
            app.set_status(ApplicationStatus::StartTransition, reason, now);
        }
        self.settle(name);
    }

    /// Says how the main process of something started elsewhere was found, after it was reported.
    pub(crate) fn main_process_found(&mut self, run: RunId, how: String) {
        let Some(RunOwner::Application(name)) = self.runs.get(&run).cloned() else {
            return;
        };
        let now = self.now;
        if let Some(app) = self.applications.get_mut(&name)
            && app.phase == Phase::Up(run)
        {
            app.set_status(ApplicationStatus::Running, super::watch::bounded(how), now);
        }
        self.settle(&name);
    }

    /// What systemd says about an end that was told already.
    pub(crate) fn end_explained(&mut self, run: RunId, exit: ExitStatus, text: &str) {
        let Some(RunOwner::Application(name)) = self.runs.get(&run).cloned() else {
            return;
        };
        if let Some(app) = self
            .applications
            .get_mut(&name)
            .filter(|app| app.run() == Some(run))
        {
            app.shown.last_exit = Some(exit);
            if matches!(app.phase, Phase::Clearing(_)) {
                let reason = format!("ended unasked: {exit}; {text}");
                app.shown.reason = super::watch::bounded(reason);
            }
        }
        self.settle(&name);
    }

    /// Gives out the units to watch, if they have changed.
    pub(crate) fn watch_units(&mut self) {
        let units: Vec<(ApplicationName, String)> = self
            .applications
            .iter()
            .filter(|(_, app)| !app.leaving)
            .filter_map(|(name, app)| match app.definition.start_info.started_by() {
                StartedBy::SystemdUnit(unit) => Some((name.clone(), unit.to_owned())),
                StartedBy::CommandLine | StartedBy::PidFile(_) => None,
            })
            .collect();
        if units != self.watched_units {
            self.watched_units.clone_from(&units);
            self.emit(LcaOutput::WatchUnits(units));
        }
    }

    /// Something that this LCA does not run as far as it knows was seen running: a unit that somebody else, or
    /// systemd itself, has started. It is taken over as backup; a stop that was asked for is over with that.
    pub(crate) fn seen_running(&mut self, name: &ApplicationName) {
        let stopping = self.host_stop.is_stopping();
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        if app.phase != Phase::Down || app.leaving || stopping {
            return;
        }
        app.limited = false;
        self.start_as_backup(name);
    }
}
