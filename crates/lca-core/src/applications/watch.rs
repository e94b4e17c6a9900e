//! Watching a registered application: the statuses it reports, and heartbeats that notice a hang. The hang of a
//! primary is reported, not acted upon: the SCS knows whether there is somebody to take over. Any other serves
//! nobody while it hangs: it is ended and started again, a hang timeout later.

use super::Phase;
use crate::LcaOutput;
use crate::core::LcaCore;
use crate::timers::Timer;
use changeover_model::environment::Application;
use changeover_model::message::ToApplication;
use changeover_model::{ApplicationName, ApplicationStatus, RunMode, planted, show_duration};
use std::time::Duration;

const HEARTBEAT_EVERY: Duration = Duration::from_millis(500);
const DEFAULT_HANG_TIMEOUT: Duration = Duration::from_secs(3);
/// A hang timeout must leave room for more than one heartbeat.
const SHORTEST_HANG_TIMEOUT: f64 = 1.0;
const LONGEST_HANG_TIMEOUT: f64 = 3600.0;
/// What an adopted application gets to find the new LCA's socket, on top of its hang timeout.
pub(super) const REDIAL: Duration = Duration::from_secs(2);

/// Option `lca` / `hang-timeout`, a bare number of seconds as the model's options are; default 3.
pub(super) fn hang_timeout(application: &Application) -> Duration {
    application
        .option("lca", "hang-timeout")
        .and_then(|text| text.trim().parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite() && *seconds > 0.0)
        .map_or(DEFAULT_HANG_TIMEOUT, |seconds| {
            Duration::from_secs_f64(seconds.clamp(SHORTEST_HANG_TIMEOUT, LONGEST_HANG_TIMEOUT))
        })
}

impl LcaCore {
    pub(super) fn status_reported(
        &mut self,
        name: &ApplicationName,
        status: ApplicationStatus,
        reason: String,
        in_step: bool,
    ) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.shown.in_step = in_step || app.starts_in_step();
        self.enter_status(name, status, bounded(reason));
        self.settle(name);
    }

    /// Takes the status that an application says it is in; anything else than it may say is Initializing.
    pub(super) fn enter_status(
        &mut self,
        name: &ApplicationName,
        status: ApplicationStatus,
        reason: String,
    ) {
        let now = self.now;
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        if !matches!(app.phase, Phase::Up(_)) {
            return;
        }
        let status = match status {
            ApplicationStatus::Running
            | ApplicationStatus::ServiceUnavailable
            | ApplicationStatus::Suspending
            | ApplicationStatus::Suspended
            | ApplicationStatus::Initializing => status,
            ApplicationStatus::Unknown
            | ApplicationStatus::StartPending
            | ApplicationStatus::StartTransition
            | ApplicationStatus::StopPending
            | ApplicationStatus::StopTransition
            | ApplicationStatus::Stopped => ApplicationStatus::Initializing,
        };
        let before = app.status();
        app.set_status(status, reason, now);
        let info = &app.definition.start_info;
        let (startup, shutdown) = (info.startup_timeout, info.shutdown_timeout);
        let (start, suspending) = (Timer::Start(name.clone()), Timer::Suspending(name.clone()));
        if status == ApplicationStatus::Initializing {
            // From StartTransition the same deadline goes on.
            if !self.timers.is_set(&start) {
                self.arm(start, startup);
            }
        } else {
            self.timers.cancel(&start);
        }
        if status != ApplicationStatus::Suspending {
            self.timers.cancel(&suspending);
        } else if before != ApplicationStatus::Suspending {
            self.arm(suspending, shutdown);
        }
    }

    pub(crate) fn suspending_overran(&mut self, name: &ApplicationName) {
        let Some(app) = self.applications.get(name) else {
            return;
        };
        let within = show_duration(app.definition.start_info.shutdown_timeout);
        let reason = format!("did not become Suspended within its shutdown timeout of {within}");
        self.enter_status(name, ApplicationStatus::ServiceUnavailable, reason);
        self.settle(name);
    }

    pub(super) fn begin_heartbeats(&mut self, name: &ApplicationName) {
        let Some(app) = self.applications.get(name) else {
            return;
        };
        let patience = hang_timeout(&app.definition);
        self.arm(Timer::Heartbeat(name.clone()), HEARTBEAT_EVERY);
        self.arm(Timer::Hang(name.clone()), patience);
    }

    pub(crate) fn heartbeat_due(&mut self, name: &ApplicationName) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        let (Some(link), Phase::Up(_)) = (app.link.as_mut(), &app.phase) else {
            return;
        };
        link.heartbeats += 1;
        let (connection, sequence) = (link.connection, link.heartbeats);
        self.emit(LcaOutput::ToApplication {
            connection,
            message: ToApplication::Heartbeat { sequence },
        });
        self.arm(Timer::Heartbeat(name.clone()), HEARTBEAT_EVERY);
    }

    pub(super) fn heartbeat_answered(&mut self, name: &ApplicationName, sequence: u64) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        let asked = app.link.is_some_and(|link| sequence <= link.heartbeats);
        if !asked || !matches!(app.phase, Phase::Up(_)) {
            return;
        }
        let patience = hang_timeout(&app.definition);
        if app.shown.hung {
            app.shown.hung = false;
            app.shown.reason = "answers heartbeats again".to_owned();
        }
        self.arm(Timer::Hang(name.clone()), patience);
        self.settle(name);
    }

    pub(crate) fn hang_noticed(&mut self, name: &ApplicationName) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        if !matches!(app.phase, Phase::Up(_)) || planted("hang-unnoticed") {
            return;
        }
        let patience = hang_timeout(&app.definition);
        if self.pairs.in_maintenance(app.pair.as_ref()) {
            // It may be under a debugger; it gets its full time when maintenance is over.
            self.arm(Timer::Hang(name.clone()), patience);
            return;
        }
        if app.shown.hung {
            self.end_hung(name);
            return;
        }
        app.shown.hung = true;
        app.shown.reason = if app.link.is_some() {
            format!(
                "has not answered a heartbeat for {}",
                show_duration(patience)
            )
        } else {
            "is not connected to its LCA any more".to_owned()
        };
        self.settle(name);
        self.arm(Timer::Hang(name.clone()), patience);
    }

    /// It has hung for as long again. By its restart limit one that hangs again and again stays down in the end.
    fn end_hung(&mut self, name: &ApplicationName) {
        let Some(app) = self.applications.get(name) else {
            return;
        };
        let patience = hang_timeout(&app.definition);
        let may_serve =
            app.run_mode() == RunMode::Primary || app.given.run_mode == RunMode::Primary;
        if may_serve || !app.definition.start_info.auto_restart {
            // Whether it becomes backup, or somebody switches restarts on, is looked at again.
            self.arm(Timer::Hang(name.clone()), patience);
            return;
        }
        let reason = format!("ended because it hung: {}", app.shown.reason);
        self.end(name, false, true, &reason);
    }
}

/// A reason as an application may give it, at most 1 KiB.
pub(super) fn bounded(mut reason: String) -> String {
    if reason.len() > 1024 {
        let mut to = 1024;
        while !reason.is_char_boundary(to) {
            to -= 1;
        }
        reason.truncate(to);
    }
    reason
}
