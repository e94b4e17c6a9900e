//! Runs whose main process this agent does not fork itself: programs that go into the background and leave a pid
//! file, and systemd units. What runs already is taken over as it is. From the moment the main process is found the
//! run is followed in `runs` like any other.

use crate::processes::{self, Launch, Named, PidFile, Watched, pid_file_place};
use crate::runs::{Runs, Way, tell};
use changeover_component::Handle;
use changeover_lca_core::{Elsewhere, LcaCore, LcaInput, RunId, StartProcess};
use changeover_model::ApplicationName;
use changeover_model::message::ExitStatus;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Between two looks for a pid file: a program writes it about when its starter ends, and no event says so.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A main process that was found.
struct Found {
    named: Named,
    how: String,
}

impl Runs {
    /// Starts something elsewhere, or takes it over, and follows it to its end.
    pub(crate) fn start_elsewhere(
        &self,
        handle: Handle<LcaCore>,
        start: StartProcess,
        elsewhere: Elsewhere,
        within: Duration,
    ) {
        let this = self.clone();
        let run = start.run;
        let way = match &elsewhere {
            Elsewhere::PidFile(_) => Way::Forked,
            Elsewhere::SystemdUnit(unit) => Way::Unit(unit.clone()),
        };
        let marker = self.begin(run, &start, way);
        tokio::spawn(async move {
            let found = match &elsewhere {
                Elsewhere::PidFile(file) => {
                    let file = pid_file_place(file, &start.working_directory);
                    this.by_pid_file(&start, &marker, file, within).await
                }
                Elsewhere::SystemdUnit(unit) => this.by_unit(run, unit, within).await,
            };
            let watched = found.and_then(|found| {
                let Named { pid, started } = found.named;
                match Watched::adopt(pid, started) {
                    Ok(Some(watched)) => Ok((found, watched)),
                    Ok(None) => Err(format!("process {pid} ended as soon as it was found")),
                    Err(error) => Err(format!("process {pid} cannot be watched: {error}")),
                }
            });
            match watched {
                Ok((found, watched)) => this.found(&handle, &start, found, watched).await,
                Err(reason) => {
                    this.over(run);
                    tell(&handle, LcaInput::ProcessStartFailed { run, reason }).await;
                }
            }
        });
    }

    async fn found(
        &self,
        handle: &Handle<LcaCore>,
        start: &StartProcess,
        found: Found,
        watched: Watched,
    ) {
        let run = start.run;
        let Named { pid, started } = found.named;
        tracing::info!(application = %start.application, pid, "{}", found.how);
        let unwanted = self.set_main(run, pid);
        let input = LcaInput::MainProcessFound {
            run,
            pid,
            start_time: started,
            how: found.how,
        };
        tell(handle, input).await;
        if unwanted {
            self.end(run);
        }
        self.follow(handle, run, watched, &self.output_of(start))
            .await;
    }

    async fn by_unit(&self, run: RunId, unit: &str, within: Duration) -> Result<Found, String> {
        if self.is_unwanted(run) {
            return Err("it was ended before it was started".to_owned());
        }
        let main = self.units().start(unit, within).await?;
        let started = processes::start_time(main.pid)
            .ok_or_else(|| format!("the main process {} of {unit} ended at once", main.pid))?;
        Ok(Found {
            named: Named {
                pid: main.pid,
                started,
            },
            how: main.how,
        })
    }

    async fn by_pid_file(
        &self,
        start: &StartProcess,
        marker: &str,
        file: PathBuf,
        within: Duration,
    ) -> Result<Found, String> {
        let (path, application) = (file.clone(), start.application.to_string());
        let before = blocking(move || PidFile::look(&path, &application)).await?;
        let shown = file.display().to_string();
        let remark = match before {
            PidFile::Names(named) => {
                let how = format!("taken over: {shown} names living process {}", named.pid);
                return Ok(Found { named, how });
            }
            PidFile::Absent => String::new(),
            PidFile::Stale(why) => {
                tracing::warn!(application = %start.application, "{shown} is stale: {why}");
                format!("; the stale {shown} was not trusted: {why}")
            }
        };
        let deadline = Instant::now() + within;
        let began = self.starter(start, marker, deadline).await;
        let found = match began {
            Ok(began) => {
                self.wait_for(start.run, marker, file, began, deadline)
                    .await
            }
            Err(reason) => Err(reason),
        };
        match found {
            Ok(named) => Ok(Found {
                how: format!("started: {shown} names process {}{remark}", named.pid),
                named,
            }),
            Err(reason) => {
                // Nothing of it may stay: it would be in the way of the next start.
                self.end_now(start.run, marker).await;
                Err(format!("{reason}{remark}"))
            }
        }
    }

    /// Runs the starter to its end; when it began, in clock ticks since boot.
    async fn starter(
        &self,
        start: &StartProcess,
        marker: &str,
        deadline: Instant,
    ) -> Result<u64, String> {
        let run = start.run;
        if self.is_unwanted(run) {
            return Err("it was ended before it was started".to_owned());
        }
        let launch: Launch = self.launch_of(start, marker.to_owned(), "");
        let launched =
            blocking(move || processes::launch(&launch).map_err(|error| error.to_string()))
                .await??;
        let watched = Watched::child(launched.pid).map_err(|error| error.to_string())?;
        if self.set_main(run, launched.pid) {
            self.end(run);
        }
        let program = &start.program;
        match tokio::time::timeout_at(deadline, watched.ended()).await {
            Ok(ExitStatus::Code(0)) => Ok(launched.started),
            Ok(exit) => Err(format!(
                "{program} ended with {exit} instead of going into the background: {}",
                self.output_of(start).tail().trim()
            )),
            Err(_) => Err(format!(
                "{program} has not gone into the background within its startup timeout; if it is to stay in the \
                 foreground, remove pid_file"
            )),
        }
    }

    /// Waits until the pid file names what the starter left.
    async fn wait_for(
        &self,
        run: RunId,
        marker: &str,
        file: PathBuf,
        began: u64,
        deadline: Instant,
    ) -> Result<Named, String> {
        loop {
            let (path, marker) = (file.clone(), marker.to_owned());
            let why =
                match blocking(move || PidFile::look_after_start(&path, &marker, began)).await? {
                    PidFile::Names(named) => return Ok(named),
                    PidFile::Absent => "there is no such file".to_owned(),
                    PidFile::Stale(why) => why,
                };
            if self.is_unwanted(run) {
                return Err("it was ended before it was up".to_owned());
            }
            if Instant::now() >= deadline {
                return Err(format!(
                    "the program went into the background, but {} names no living process of it: {why}; check \
                     pid_file, and that the program may write it",
                    file.display()
                ));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn end_now(&self, run: RunId, marker: &str) {
        let (main, marker) = (self.main_of(run), marker.to_owned());
        let ended =
            blocking(move || processes::end_all(&marker, main, crate::runs::KILL_LIMIT)).await;
        if ended != Ok(true) {
            tracing::error!(%run, "processes of a start that failed do not end");
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| error.to_string())
}

/// The units of this host's applications, each watched for a start that this agent did not order.
#[derive(Debug, Default)]
pub(crate) struct UnitWatches {
    running: BTreeMap<(ApplicationName, String), AbortHandle>,
}

impl UnitWatches {
    /// Watches exactly these from now on.
    pub(crate) fn set(
        &mut self,
        handle: &Handle<LcaCore>,
        runs: &Runs,
        wanted: Vec<(ApplicationName, String)>,
    ) {
        self.running.retain(|key, task| {
            let stays = wanted.contains(key);
            if !stays {
                task.abort();
            }
            stays
        });
        for (application, unit) in wanted {
            let key = (application.clone(), unit.clone());
            let (handle, units) = (handle.clone(), runs.units().clone());
            self.running.entry(key).or_insert_with(|| {
                let task = tokio::spawn(async move {
                    let (seen, mut sightings) = mpsc::channel(1);
                    let telling = async {
                        while sightings.recv().await.is_some() {
                            let application = application.clone();
                            tell(&handle, LcaInput::SeenRunning { application }).await;
                        }
                    };
                    tokio::join!(units.watch(&unit, seen), telling);
                });
                task.abort_handle()
            });
        }
    }
}
