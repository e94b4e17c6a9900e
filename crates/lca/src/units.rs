//! systemd units as third-party applications: started, stopped and killed over D-Bus, their main process found, their
//! end explained, and a start by somebody else noticed. Owns the connection to the system bus; the life of the main
//! process is followed by `runs` like any other, decisions are lca-core's.

mod systemd;
#[cfg(test)]
mod tests;

use changeover_model::message::ExitStatus;
use std::sync::Arc;
use std::time::Duration;
use systemd::{ManagerProxy, ServiceProxy, UnitProxy};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use zbus::Connection;
use zbus::proxy::CacheProperties;
use zbus::zvariant::OwnedObjectPath;

/// An answer of the bus or of systemd that takes longer than this does not come.
const ANSWER: Duration = Duration::from_secs(5);
/// Pause before a lost bus is tried again by a watch.
const AGAIN: Duration = Duration::from_secs(1);
/// What goes before a new job of the same unit.
const MODE: &str = "replace";
const SIGKILL: i32 = 9;

/// systemd, as far as units are concerned. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Units {
    connection: Arc<Mutex<Option<Connection>>>,
}

/// A unit's main process as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MainProcess {
    pub(crate) pid: u32,
    /// For people: started, or active already.
    pub(crate) how: String,
}

/// What a unit is now.
#[derive(Clone, Debug, PartialEq, Eq)]
struct UnitState {
    load: String,
    active: String,
    sub: String,
    main_pid: u32,
}

impl UnitState {
    fn is_up(&self) -> bool {
        matches!(self.active.as_str(), "active" | "reloading") && self.main_pid > 0
    }
}

impl Units {
    async fn bus(&self) -> Result<Connection, String> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = held.as_ref() {
            return Ok(connection.clone());
        }
        let opened = match timeout(ANSWER, Connection::system()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => {
                return Err(format!(
                    "the system's D-Bus cannot be reached ({error}), so systemd cannot be asked: check that this \
                     host runs systemd and dbus, and that the LCA may use /run/dbus/system_bus_socket"
                ));
            }
            Err(_) => return Err(silent("the system's D-Bus")),
        };
        *held = Some(opened.clone());
        Ok(opened)
    }

    /// A broken connection is opened anew by the next question.
    async fn forget(&self) {
        *self.connection.lock().await = None;
    }

    /// One exchange with systemd, bounded; its failure in words.
    async fn ask<T>(
        &self,
        what: &str,
        question: impl Future<Output = zbus::Result<T>>,
    ) -> Result<T, String> {
        match timeout(ANSWER, question).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if matches!(error, zbus::Error::InputOutput(_)) {
                    self.forget().await;
                }
                Err(explained(what, &error))
            }
            Err(_) => {
                self.forget().await;
                Err(silent(what))
            }
        }
    }

    async fn manager(&self) -> Result<ManagerProxy<'static>, String> {
        let bus = self.bus().await?;
        let proxy = ManagerProxy::builder(&bus)
            .cache_properties(CacheProperties::No)
            .build();
        self.ask("reaching systemd", proxy).await
    }

    async fn subscribe(&self, manager: &ManagerProxy<'_>) -> Result<(), String> {
        let question = async {
            match manager.subscribe().await {
                // Once for each connection is what systemd wants.
                Err(zbus::Error::MethodError(name, ..))
                    if name.as_str().ends_with("AlreadySubscribed") =>
                {
                    Ok(())
                }
                answer => answer,
            }
        };
        self.ask("asking systemd for signals", question).await
    }

    async fn state(&self, manager: &ManagerProxy<'_>, name: &str) -> Result<UnitState, String> {
        let path = self
            .ask("looking at the unit", manager.load_unit(name))
            .await?;
        let bus = self.bus().await?;
        let question = async {
            let (unit, service) = proxies(&bus, &path).await?;
            let load = unit.load_state().await?;
            let main_pid = if load == "loaded" {
                service.main_pid().await?
            } else {
                0
            };
            Ok(UnitState {
                load,
                active: unit.active_state().await?,
                sub: unit.sub_state().await?,
                main_pid,
            })
        };
        self.ask("looking at the unit", question).await
    }

    /// Starts a unit, or takes it as it is if it is active already.
    ///
    /// # Errors
    /// What went wrong and what to do about it.
    pub(crate) async fn start(&self, name: &str, within: Duration) -> Result<MainProcess, String> {
        let manager = self.manager().await?;
        let before = self.state(&manager, name).await?;
        refuse_unusable(name, &before)?;
        if before.is_up() {
            let how = format!("taken over: {name} is active already");
            return Ok(MainProcess {
                pid: before.main_pid,
                how,
            });
        }
        if before.active == "failed" {
            // How often it may be restarted is this agent's to count, not systemd's on top.
            self.ask("clearing the failure", manager.reset_failed_unit(name))
                .await?;
        }
        let result = self
            .job(
                &manager,
                name,
                within,
                "starting",
                manager.start_unit(name, MODE),
            )
            .await?;
        let after = self.state(&manager, name).await?;
        if result != "done" {
            return Err(format!(
                "systemd says '{result}' to the start of {name}, which is {} ({}): look at systemctl status {name} \
                 and journalctl -u {name}",
                after.active, after.sub
            ));
        }
        if !after.is_up() {
            return Err(format!(
                "{name} is {} ({}) without a main process, so its end could not be seen: give it Type=notify, \
                 Type=exec, or Type=forking with PIDFile=",
                after.active, after.sub
            ));
        }
        let how = if before.sub == "auto-restart" {
            format!("{name} was restarted by systemd")
        } else {
            format!("{name} was started")
        };
        Ok(MainProcess {
            pid: after.main_pid,
            how,
        })
    }

    /// Gives systemd a job and waits for its end; its result.
    async fn job(
        &self,
        manager: &ManagerProxy<'_>,
        name: &str,
        within: Duration,
        doing: &str,
        order: impl Future<Output = zbus::Result<zbus::zvariant::OwnedObjectPath>>,
    ) -> Result<String, String> {
        // The signal may come before the answer that names the job.
        let mut ended = self
            .ask("waiting for jobs", manager.receive_job_removed())
            .await?;
        self.subscribe(manager).await?;
        let what = format!("{doing} {name}");
        let job = self.ask(&what, order).await?;
        let waited = timeout(within, async {
            while let Some(signal) = ended.next().await {
                if let Ok(of) = signal.args()
                    && of.job().as_str() == job.as_str()
                {
                    return Ok((*of.result()).to_owned());
                }
            }
            Err(format!("{what}: the bus was closed"))
        })
        .await;
        waited.unwrap_or_else(|_| {
            Err(format!(
                "{what} takes longer than {} s: look at systemctl status {name}, or raise startup_timeout",
                within.as_secs()
            ))
        })
    }

    /// Asks systemd to stop a unit; its main process ends by that.
    ///
    /// # Errors
    /// When systemd cannot be asked.
    pub(crate) async fn stop(&self, name: &str) -> Result<(), String> {
        let manager = self.manager().await?;
        let what = format!("stopping {name}");
        self.ask(&what, manager.stop_unit(name, MODE))
            .await
            .map(drop)
    }

    /// SIGKILL to all of a unit, and a stop so that systemd does not restart it.
    ///
    /// # Errors
    /// When systemd cannot be asked.
    pub(crate) async fn kill(&self, name: &str) -> Result<(), String> {
        let manager = self.manager().await?;
        let what = format!("killing {name}");
        let killed = self
            .ask(&what, manager.kill_unit(name, "all", SIGKILL))
            .await;
        self.ask(&what, manager.stop_unit(name, MODE)).await?;
        // Nothing was left to kill, which is as well.
        if let Err(error) = killed {
            tracing::debug!(%error, "a unit had no process to kill");
        }
        Ok(())
    }

    /// After its main process ended: nothing of the unit runs any more, and systemd does not restart it by itself,
    /// since whether and how it comes back is this agent's to decide.
    ///
    /// # Errors
    /// When systemd cannot be asked or the unit does not end in time.
    pub(crate) async fn make_sure_stopped(
        &self,
        name: &str,
        within: Duration,
    ) -> Result<(), String> {
        let manager = self.manager().await?;
        let stopped = self
            .job(
                &manager,
                name,
                within,
                "stopping",
                manager.stop_unit(name, MODE),
            )
            .await;
        if stopped.is_ok() {
            return Ok(());
        }
        self.kill(name).await?;
        self.job(
            &manager,
            name,
            within,
            "stopping",
            manager.stop_unit(name, MODE),
        )
        .await
        .map(drop)
    }

    /// How a unit's main process ended, and what systemd says about it.
    ///
    /// # Errors
    /// When systemd cannot be asked.
    pub(crate) async fn ending(&self, name: &str) -> Result<(ExitStatus, String), String> {
        let manager = self.manager().await?;
        let path = self
            .ask("looking at the unit", manager.load_unit(name))
            .await?;
        let bus = self.bus().await?;
        let question = async {
            let (unit, service) = proxies(&bus, &path).await?;
            let (code, status) = (
                service.exec_main_code().await?,
                service.exec_main_status().await?,
            );
            let exit = match code {
                1 => ExitStatus::Code(status),
                2 | 3 => ExitStatus::Signal(status),
                _ => ExitStatus::Unknown,
            };
            let (active, sub) = (unit.active_state().await?, unit.sub_state().await?);
            let result = service.result().await?;
            let restarts = service.n_restarts().await.unwrap_or_default();
            let mut text = format!("systemd: {name} {active} ({sub}), result {result}");
            if sub == "auto-restart" {
                text.push_str("; its Restart= is overruled, the LCA restarts it");
            } else if restarts > 0 {
                text.push_str(&format!(", restarted by systemd {restarts} times before"));
            }
            Ok((exit, text))
        };
        self.ask("looking at the unit", question).await
    }

    /// Says so whenever the unit is active with a main process: at once if it is, then at every change.
    /// Never ends; a lost bus is tried again.
    pub(crate) async fn watch(&self, name: &str, seen: mpsc::Sender<()>) {
        loop {
            if let Err(error) = self.watch_once(name, &seen).await {
                tracing::debug!(unit = name, %error, "a unit cannot be watched now; trying again");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn watch_once(&self, name: &str, seen: &mpsc::Sender<()>) -> Result<(), String> {
        let manager = self.manager().await?;
        self.subscribe(&manager).await?;
        let path = self
            .ask("looking at the unit", manager.load_unit(name))
            .await?;
        let bus = self.bus().await?;
        let properties = async {
            zbus::fdo::PropertiesProxy::builder(&bus)
                .destination("org.freedesktop.systemd1")?
                .path(path)?
                .build()
                .await
        };
        let properties = self.ask("watching the unit", properties).await?;
        let changes = async { properties.receive_properties_changed().await };
        let mut changes = self.ask("watching the unit", changes).await?;
        if self.state(&manager, name).await?.is_up() {
            say(seen);
        }
        while changes.next().await.is_some() {
            if self.state(&manager, name).await?.is_up() {
                say(seen);
            }
        }
        self.forget().await;
        Err("the bus was closed".to_owned())
    }
}

/// What tells of a unit and of its service, asked anew each time: a cache would answer with the past.
async fn proxies(
    bus: &Connection,
    path: &OwnedObjectPath,
) -> zbus::Result<(UnitProxy<'static>, ServiceProxy<'static>)> {
    let unit = UnitProxy::builder(bus)
        .path(path.clone())?
        .cache_properties(CacheProperties::No)
        .build()
        .await?;
    let service = ServiceProxy::builder(bus)
        .path(path.clone())?
        .cache_properties(CacheProperties::No)
        .build()
        .await?;
    Ok((unit, service))
}

/// One that is not taken yet says enough.
fn say(seen: &mpsc::Sender<()>) {
    if seen.try_send(()).is_err() {
        tracing::debug!("an earlier sighting of the unit is not taken yet");
    }
}

fn refuse_unusable(name: &str, state: &UnitState) -> Result<(), String> {
    match state.load.as_str() {
        "loaded" => Ok(()),
        "not-found" => Err(format!(
            "systemd knows no unit {name}: check the name with systemctl cat {name}, and run systemctl daemon-reload \
             after installing it"
        )),
        "masked" => Err(format!(
            "{name} is masked: systemctl unmask {name} lets it be started"
        )),
        other => Err(format!(
            "systemd cannot use {name} ({other}): systemctl status {name} says why"
        )),
    }
}

fn silent(what: &str) -> String {
    format!("{what}: no answer within {} s", ANSWER.as_secs())
}

fn explained(what: &str, error: &zbus::Error) -> String {
    let hint = match error {
        zbus::Error::MethodError(name, ..)
            if name.as_str().ends_with("AccessDenied")
                || name.as_str().ends_with("InteractiveAuthorizationRequired") =>
        {
            "; the LCA must run as root, or polkit must let its user manage units"
        }
        zbus::Error::MethodError(name, ..) if name.as_str().ends_with("ServiceUnknown") => {
            "; systemd does not answer on the system's D-Bus: is it this host's init?"
        }
        zbus::Error::InputOutput(_) => "; the system's D-Bus went away",
        _ => "",
    };
    format!("{what}: {error}{hint}")
}
