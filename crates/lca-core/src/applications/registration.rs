//! Who may register as an application, and what it is told: only a process of the started run, with its
//! token and its name. A re-registration after a restart of the LCA keeps run mode and epoch; of the record
//! and the application's own word, the higher epoch wins.

use super::{Link, Phase};
use crate::core::LcaCore;
use crate::timers::Timer;
use crate::{ConnectionId, LcaOutput, RunId};
use changeover_model::message::{FromApplication, Registered, ToApplication};
use changeover_model::{
    ApplicationName, ApplicationStatus, Epoch, OrderNumber, Refusal, RefusalCode, RunMode,
};
use std::time::Duration;

/// A connection that has not registered after this is closed.
const REGISTRATION_BOUND: Duration = Duration::from_secs(10);
/// Open connections of the local socket.
const MOST_CALLERS: usize = 256;

/// A process at the local socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    of_run: Option<RunId>,
    /// The application it registered as.
    registered: Option<ApplicationName>,
}

/// What a process says of itself when it registers.
#[derive(Clone)]
struct Claim {
    application: ApplicationName,
    token: String,
    run_mode: RunMode,
    epoch: Epoch,
    status: ApplicationStatus,
}

impl LcaCore {
    pub(crate) fn application_connected(
        &mut self,
        connection: ConnectionId,
        of_run: Option<RunId>,
    ) {
        if self.callers.len() >= MOST_CALLERS {
            self.emit(LcaOutput::CloseApplication { connection });
            return;
        }
        let caller = Caller {
            of_run,
            registered: None,
        };
        self.callers.insert(connection, caller);
        self.arm(Timer::Registration(connection), REGISTRATION_BOUND);
    }

    pub(crate) fn application_disconnected(&mut self, connection: ConnectionId) {
        self.timers.cancel(&Timer::Registration(connection));
        let Some(caller) = self.callers.remove(&connection) else {
            return;
        };
        if let Some(name) = caller.registered
            && let Some(app) = self.applications.get_mut(&name)
            && app.link.is_some_and(|link| link.connection == connection)
        {
            // Its hang timer runs on: it has that long to come back.
            app.link = None;
            self.timers.cancel(&Timer::Heartbeat(name));
        }
    }

    pub(crate) fn never_registered(&mut self, connection: ConnectionId) {
        if self.callers.remove(&connection).is_some() {
            self.emit(LcaOutput::CloseApplication { connection });
        }
    }

    pub(crate) fn application_message(
        &mut self,
        connection: ConnectionId,
        message: FromApplication,
    ) {
        let Some(caller) = self.callers.get(&connection) else {
            return;
        };
        if let FromApplication::Register { .. } = message {
            self.register(connection, message);
            return;
        }
        let Some(name) = caller.registered.clone() else {
            return;
        };
        let current = self
            .applications
            .get(&name)
            .and_then(|app| app.link)
            .is_some_and(|link| link.connection == connection);
        if !current {
            return;
        }
        match message {
            FromApplication::Register { .. } => {}
            FromApplication::StatusReported {
                status,
                reason,
                in_step,
            } => self.status_reported(&name, status, reason, in_step),
            FromApplication::RunModeAcknowledged {
                number,
                run_mode,
                epoch,
            } => self.run_mode_acknowledged(&name, number, run_mode, epoch),
            FromApplication::RunModeRefused { number, reason } => {
                self.run_mode_refused(&name, number, &reason);
            }
            FromApplication::HeartbeatAnswered { sequence } => {
                self.heartbeat_answered(&name, sequence);
            }
        }
    }

    fn register(&mut self, connection: ConnectionId, message: FromApplication) {
        let FromApplication::Register {
            application,
            token,
            run_mode,
            epoch,
            status,
            ..
        } = message.clone()
        else {
            return;
        };
        let claim = Claim {
            application,
            token,
            run_mode,
            epoch,
            status,
        };
        if self.is_early(connection, &claim) {
            if let Some(app) = self.applications.get_mut(&claim.application) {
                app.early = Some((connection, message));
            }
            return;
        }
        match self.judge_claim(connection, &claim) {
            Ok(()) => self.accept(connection, &claim),
            Err(reason) => {
                self.timers.cancel(&Timer::Registration(connection));
                self.callers.remove(&connection);
                let refusal = Refusal::new(RefusalCode::RegistrationRefused, reason);
                self.emit(LcaOutput::ToApplication {
                    connection,
                    message: ToApplication::RegistrationRefused(refusal),
                });
                self.emit(LcaOutput::CloseApplication { connection });
            }
        }
    }

    /// True if the report that the caller's own process was started is still on its way.
    fn is_early(&self, connection: ConnectionId, claim: &Claim) -> bool {
        let of_run = self
            .callers
            .get(&connection)
            .and_then(|caller| caller.of_run);
        self.applications
            .get(&claim.application)
            .is_some_and(|app| of_run.is_some_and(|run| app.phase == Phase::Launching(run)))
    }

    /// Judges a registration that came before the report of its own process.
    pub(super) fn take_early_registration(&mut self, name: &ApplicationName) {
        let early = self
            .applications
            .get_mut(name)
            .and_then(|app| app.early.take());
        if let Some((connection, message)) = early {
            self.application_message(connection, message);
        }
    }

    fn judge_claim(&self, connection: ConnectionId, claim: &Claim) -> Result<(), String> {
        let name = &claim.application;
        let caller = self
            .callers
            .get(&connection)
            .ok_or("the connection is closed")?;
        let app = self
            .applications
            .get(name)
            .ok_or_else(|| format!("{name} is no application of {}", self.identity.host))?;
        if !app.is_managed() {
            return Err(format!(
                "{name} is a plain program: it has nothing to register"
            ));
        }
        let Phase::Up(run) = app.phase else {
            return Err(format!(
                "{name} is not running under this LCA, or is being ended"
            ));
        };
        if caller.of_run != Some(run) {
            return Err(format!(
                "the caller is neither the process that was started as {name} nor a descendant of it"
            ));
        }
        if app.token.is_empty() || claim.token != app.token {
            return Err(format!(
                "the token is not the one that {name} was started with"
            ));
        }
        Ok(())
    }

    fn accept(&mut self, connection: ConnectionId, claim: &Claim) {
        let name = claim.application.clone();
        self.timers.cancel(&Timer::Registration(connection));
        if let Some(caller) = self.callers.get_mut(&connection) {
            caller.registered = Some(name.clone());
        }
        let older = self
            .applications
            .get(&name)
            .and_then(|app| app.link)
            .map(|link| link.connection)
            .filter(|older| *older != connection);
        if let Some(connection) = older {
            self.callers.remove(&connection);
            self.emit(LcaOutput::CloseApplication { connection });
        }
        self.reconcile(&name, claim);
        let now = self.now;
        if let Some(app) = self.applications.get_mut(&name) {
            app.link = Some(Link {
                connection,
                heartbeats: 0,
            });
            app.shown.hung = false;
            let in_mode = matches!(claim.run_mode, RunMode::Primary | RunMode::Backup);
            // An adopted one may never have entered the mode on record: the order was refused, lost with the former
            // LCA, or waits in a main loop that hangs. What it says itself is so.
            if in_mode {
                app.set_run_mode(claim.run_mode, claim.epoch, now);
            } else {
                app.set_run_mode(RunMode::Unknown, app.epoch(), now);
            }
        }
        self.keep_record(&name);
        if let Some(registered) = self.registered(&name) {
            self.emit(LcaOutput::ToApplication {
                connection,
                message: ToApplication::Registered(registered),
            });
        }
        self.enter_status(&name, claim.status, "registered".to_owned());
        self.begin_heartbeats(&name);
        self.settle(&name);
        self.look_at_announcements(&name);
    }

    /// Decides which run mode a registering application is to have.
    fn reconcile(&mut self, name: &ApplicationName, claim: &Claim) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        let Some(pair) = app.pair.clone() else {
            return;
        };
        let speaks_of_mode = matches!(claim.run_mode, RunMode::Primary | RunMode::Backup);
        if speaks_of_mode && claim.epoch > app.given.epoch {
            app.given.run_mode = claim.run_mode;
            app.given.epoch = claim.epoch;
            app.given.number = OrderNumber(0);
            self.raise_epoch(&pair, claim.epoch);
        } else if claim.run_mode == RunMode::Backup && claim.epoch == app.given.epoch {
            // In one epoch a backup never becomes primary: it was cut off from its LCA and demoted itself.
            app.given.run_mode = RunMode::Backup;
        } else if !speaks_of_mode {
            let newest = self.pairs.epoch(&pair);
            if app.given.epoch < newest {
                // What it was to start as has been overtaken by a promotion since.
                app.given.run_mode = RunMode::Backup;
                app.given.epoch = newest;
                app.given.number = OrderNumber(0);
            }
        }
    }

    fn registered(&self, name: &ApplicationName) -> Option<Registered> {
        let slice = self.slice.as_ref()?;
        let app = self.applications.get(name)?;
        let pair = app.pair.as_ref().and_then(|pair| self.pair_slice(pair));
        Some(Registered {
            host: self.identity.host.clone(),
            pair: app.pair.clone(),
            redundancy: pair.map(|pair| pair.redundancy),
            options: app.definition.options.clone(),
            default_port: app.definition.ports.default,
            ha_sync_port: app.definition.ports.ha_sync,
            host_address: slice.host.address,
            peer_address: pair.map(|pair| pair.peer_address),
            message_server: slice.message_server,
            incarnation: app.incarnation(),
            epoch: app.given.epoch,
            run_mode: app.given.run_mode,
            number: app.given.number,
            cause: app.given.cause,
            demote_after: pair
                .map(|pair| pair.fencing)
                .filter(changeover_model::environment::Fencing::is_quorum)
                .map(|fencing| fencing.address_lifetime),
        })
    }
}
