//! The runs of this host: starts what the core orders, watches each to its end, makes sure that nothing of it
//! is left, and says so to the core. How a process is started and killed stands in `processes`.

use crate::own_tool::{self, OwnTool, VIPCTL};
use crate::processes::{self, Launch, MARKER, OutputFile, Watched};
use crate::units::Units;
use changeover_component::Handle;
use changeover_lca_core::{
    FoundRun, LcaCore, LcaInput, ProcessKind, ProcessSignal, RunId, StartProcess,
};
use changeover_model::message::ExitStatus;
use changeover_virtual_ip::Addresses;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;

/// How long killed processes may take to go before the core is told so all the same (uninterruptible waits).
pub(crate) const KILL_LIMIT: Duration = Duration::from_secs(5);
/// What a run without a process is said to have ended by.
const KILLED: i32 = 9;
/// How often the size of output files is looked at.
const OUTPUT_PERIOD: Duration = Duration::from_millis(200);

/// What a child finds in its environment besides what the core orders.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// This LCA's local socket, `CHANGEOVER_LCA`.
    pub(crate) socket: PathBuf,
    /// Folder of certificates; an application finds its own in the sub-folder of its name.
    pub(crate) tls: Option<PathBuf>,
    /// Links may be in the clear to any address, `CHANGEOVER_INSECURE`.
    pub(crate) insecure: bool,
    /// Folder of output files.
    pub(crate) output: PathBuf,
    /// Folder of the environment file: relative working directories start there.
    pub(crate) home: PathBuf,
    /// The kernel's addresses of this host, on which this agent carries out its own `vipctl`; `None` on an
    /// emulated network.
    pub(crate) kernel: Option<Arc<dyn Addresses>>,
}

/// How the processes of a run are ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// By signals: it was forked by this agent, or went into the background.
    #[default]
    Forked,
    /// By systemd.
    Unit(String),
}

/// One run, while anything of it lives.
#[derive(Debug, Default)]
struct Run {
    marker: String,
    way: Way,
    main: Option<u32>,
    /// Kill was ordered: before the fork it means "do not start".
    kill: bool,
    /// It has no process: this ends it.
    here: Option<AbortHandle>,
}

/// All of them.
#[derive(Clone)]
pub(crate) struct Runs {
    table: Arc<Mutex<BTreeMap<RunId, Run>>>,
    surroundings: Arc<Surroundings>,
    units: Units,
}

impl Runs {
    pub(crate) fn new(surroundings: Surroundings) -> Self {
        Self {
            table: Arc::default(),
            surroundings: Arc::new(surroundings),
            units: Units::default(),
        }
    }

    /// systemd, as far as units are concerned.
    pub(crate) fn units(&self) -> &Units {
        &self.units
    }

    /// Takes note of a run that is about to be; its marker.
    pub(crate) fn begin(&self, run: RunId, order: &StartProcess, way: Way) -> String {
        let marker = order
            .environment
            .iter()
            .find(|(name, _)| name == MARKER)
            .map_or_else(|| run.to_string(), |(_, value)| value.clone());
        let new = Run {
            marker: marker.clone(),
            way,
            ..Run::default()
        };
        self.with(|table| table.insert(run, new));
        marker
    }

    /// Nothing of a run is there any more, or ever was.
    pub(crate) fn over(&self, run: RunId) {
        self.with(|table| table.remove(&run));
    }

    /// Takes note of a main process; true if the run is to be ended.
    pub(crate) fn set_main(&self, run: RunId, pid: u32) -> bool {
        self.with(|table| {
            table.get_mut(&run).is_some_and(|of| {
                of.main = Some(pid);
                of.kill
            })
        })
    }

    pub(crate) fn main_of(&self, run: RunId) -> Option<u32> {
        self.with(|table| table.get(&run).and_then(|of| of.main))
    }

    pub(crate) fn is_unwanted(&self, run: RunId) -> bool {
        self.with(|table| table.get(&run).is_some_and(|of| of.kill))
    }

    fn way_of(&self, run: RunId) -> Way {
        self.with(|table| table.get(&run).map(|of| of.way.clone()))
            .unwrap_or_default()
    }

    fn with<R>(&self, work: impl FnOnce(&mut BTreeMap<RunId, Run>) -> R) -> R {
        work(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The run that a process belongs to, for the local socket.
    pub(crate) fn run_of(&self, pid: u32) -> Option<RunId> {
        let mains: Vec<(RunId, Option<u32>, String)> = self.with(|table| {
            table
                .iter()
                .filter(|(_, of)| of.here.is_none())
                .map(|(run, of)| (*run, of.main, of.marker.clone()))
                .collect()
        });
        mains
            .into_iter()
            .find(|(_, main, marker)| {
                main.is_some_and(|main| processes::descends_from(pid, main))
                    || processes::is_marked(pid, marker)
            })
            .map(|(run, _, _)| run)
    }

    /// Starts a process and follows it to its end.
    pub(crate) fn start(&self, handle: Handle<LcaCore>, order: StartProcess) {
        if let Some(kernel) = &self.surroundings.kernel
            && let Some(tool) = OwnTool::of(&order, self.output_path(&order))
        {
            return self.carry_out(handle, order.run, tool, kernel.clone());
        }
        let marker = self.begin(order.run, &order, Way::Forked);
        let this = self.clone();
        tokio::spawn(async move { this.live(handle, order, marker).await });
    }

    /// Carries out a control script within this process.
    fn carry_out(
        &self,
        handle: Handle<LcaCore>,
        run: RunId,
        tool: OwnTool,
        kernel: Arc<dyn Addresses>,
    ) {
        let carried_out = tokio::spawn(tool.carry_out(kernel));
        let here = Some(carried_out.abort_handle());
        self.with(|table| {
            table.insert(
                run,
                Run {
                    here,
                    ..Run::default()
                },
            )
        });
        let this = self.clone();
        tokio::spawn(async move {
            tell(&handle, LcaInput::ScriptCarriedOutHere { run }).await;
            let ended = "ended by this agent before it was through";
            let (exit, output) = carried_out
                .await
                .unwrap_or_else(|_ended| (ExitStatus::Signal(KILLED), ended.to_owned()));
            tell(&handle, LcaInput::ProcessExited { run, exit, output }).await;
            this.with(|table| table.remove(&run));
            tell(&handle, LcaInput::ProcessesGone { run }).await;
        });
    }

    async fn live(self, handle: Handle<LcaCore>, order: StartProcess, marker: String) {
        let run = order.run;
        let token = uuid::Uuid::new_v4().to_string();
        let output = OutputFile::new(self.output_path(&order));
        if order.kind != ProcessKind::Managed && order.kind != ProcessKind::Plain {
            output.remove();
        }
        let launch = self.launch_of(&order, marker, &token);
        let launched = if self.with(|table| table.get(&run).is_some_and(|of| of.kill)) {
            Err("it was ended before it was started".to_owned())
        } else {
            // What runs for long; a control script is through before it would matter.
            let serves = matches!(order.kind, ProcessKind::Managed | ProcessKind::Plain);
            let group = serves.then(|| order.application.to_string());
            let start = move || {
                let started = processes::launch(&launch);
                if let (Ok(started), Some(group)) = (&started, group) {
                    processes::enter_group(started.pid, &group);
                }
                started
            };
            match tokio::task::spawn_blocking(start).await {
                Ok(result) => result.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        };
        let started = match launched.and_then(|started| {
            Watched::child(started.pid)
                .map(|watched| (started, watched))
                .map_err(|error| error.to_string())
        }) {
            Ok(started) => started,
            Err(reason) => {
                self.over(run);
                return tell(&handle, LcaInput::ProcessStartFailed { run, reason }).await;
            }
        };
        let (started, watched) = started;
        let killed = self.set_main(run, started.pid);
        tell(
            &handle,
            LcaInput::ProcessStarted {
                run,
                pid: started.pid,
                start_time: started.started,
                token,
            },
        )
        .await;
        if killed {
            self.end(run);
        }
        self.follow(&handle, run, watched, &output).await;
    }

    /// Follows a process of an earlier life of this agent.
    pub(crate) fn adopt(
        &self,
        handle: Handle<LcaCore>,
        found: &FoundRun,
        marker: String,
        way: Way,
        watched: Option<Watched>,
    ) {
        let run = found.run;
        self.with(|table| {
            table.insert(
                run,
                Run {
                    marker,
                    way,
                    main: found.pid,
                    ..Run::default()
                },
            )
        });
        let this = self.clone();
        let output = OutputFile::new(self.surroundings.output.join(found.application.as_str()));
        tokio::spawn(async move {
            match watched {
                Some(watched) => this.follow(&handle, run, watched, &output).await,
                None => this.finish(&handle, run).await,
            }
        });
    }

    pub(crate) async fn follow(
        &self,
        handle: &Handle<LcaCore>,
        run: RunId,
        watched: Watched,
        output: &OutputFile,
    ) {
        let mut look = tokio::time::interval(OUTPUT_PERIOD);
        let exit: ExitStatus = loop {
            tokio::select! {
                biased;
                exit = watched.ended() => break exit,
                _ = look.tick() => {
                    if let Err(error) = output.keep_bounded() {
                        tracing::warn!(%run, %error, "an output file cannot be bounded");
                    }
                }
            }
        };
        let output = output.tail();
        tell(handle, LcaInput::ProcessExited { run, exit, output }).await;
        self.finish(handle, run).await;
    }

    /// Ends what is left of a run and reports that nothing is.
    async fn finish(&self, handle: &Handle<LcaCore>, run: RunId) {
        let Some((marker, main, way)) = self.with(|table| {
            table
                .get(&run)
                .map(|of| (of.marker.clone(), of.main, of.way.clone()))
        }) else {
            return;
        };
        if let Way::Unit(unit) = way {
            self.finish_unit(handle, run, &unit).await;
            return;
        }
        let ended =
            tokio::task::spawn_blocking(move || processes::end_all(&marker, main, KILL_LIMIT))
                .await;
        if !ended.unwrap_or(false) {
            tracing::error!(%run, "processes of this run do not end: an uninterruptible wait in the kernel?");
        }
        self.with(|table| table.remove(&run));
        tell(handle, LcaInput::ProcessesGone { run }).await;
    }

    /// The same by systemd, which knows what belongs to a unit. The end itself was told at once; what systemd says
    /// about it follows.
    async fn finish_unit(&self, handle: &Handle<LcaCore>, run: RunId, unit: &str) {
        match self.units.ending(unit).await {
            Ok((exit, text)) => tell(handle, LcaInput::EndExplained { run, exit, text }).await,
            Err(error) => tracing::warn!(unit, %error, "how the unit ended is not known"),
        }
        if let Err(error) = self.units.make_sure_stopped(unit, KILL_LIMIT).await {
            tracing::error!(unit, %error, "whether anything of the unit is left is not known");
        }
        self.over(run);
        tell(handle, LcaInput::ProcessesGone { run }).await;
    }

    /// Has systemd stop or kill a unit. Its follower sees the end and reports it.
    fn signal_unit(&self, unit: String, kill: bool) {
        let units = self.units.clone();
        tokio::spawn(async move {
            let done = if kill {
                units.kill(&unit).await
            } else {
                units.stop(&unit).await
            };
            if let Err(error) = done {
                tracing::error!(unit, %error, "the unit cannot be stopped");
            }
        });
    }

    /// Carries out a signal order.
    pub(crate) fn signal(&self, run: RunId, signal: ProcessSignal, all_descendants: bool) {
        if let (Way::Unit(unit), Some(_)) = (self.way_of(run), self.main_of(run)) {
            if signal == ProcessSignal::Kill {
                self.with(|table| table.get_mut(&run).map(|of| of.kill = true));
            }
            return self.signal_unit(unit, signal == ProcessSignal::Kill);
        }
        match signal {
            ProcessSignal::Kill => self.end(run),
            ProcessSignal::Term => {
                self.abort(run);
                let Some((marker, Some(main))) =
                    self.with(|table| table.get(&run).map(|of| (of.marker.clone(), of.main)))
                else {
                    return;
                };
                let task = tokio::task::spawn_blocking(move || {
                    processes::terminate(&marker, main, all_descendants)
                });
                drop(task);
            }
        }
    }

    /// Kills a run with all its descendants. Its follower sees the end and reports it.
    pub(crate) fn end(&self, run: RunId) {
        self.abort(run);
        if let Way::Unit(unit) = self.way_of(run) {
            return self.signal_unit(unit, true);
        }
        let found = self.with(|table| {
            table.get_mut(&run).map(|of| {
                of.kill = true;
                (of.marker.clone(), of.main)
            })
        });
        if let Some((marker, Some(main))) = found {
            let task = tokio::task::spawn_blocking(move || {
                processes::end_all(&marker, Some(main), KILL_LIMIT)
            });
            drop(task);
        }
    }

    /// Ends a run that has no process.
    fn abort(&self, run: RunId) {
        let here = self.with(|table| table.get(&run).and_then(|of| of.here.clone()));
        if let Some(here) = here {
            here.abort();
        }
    }

    pub(crate) fn output_of(&self, order: &StartProcess) -> OutputFile {
        OutputFile::new(self.output_path(order))
    }

    fn output_path(&self, order: &StartProcess) -> PathBuf {
        self.surroundings.output.join(match order.kind {
            ProcessKind::Command => format!("{}.command-{}", order.application, order.run),
            ProcessKind::Managed | ProcessKind::Plain | ProcessKind::ControlScript => {
                order.application.to_string()
            }
        })
    }

    pub(crate) fn launch_of(&self, order: &StartProcess, marker: String, token: &str) -> Launch {
        let mut environment = order.environment.clone();
        environment.push((
            "CHANGEOVER_LCA".to_owned(),
            self.surroundings.socket.display().to_string(),
        ));
        environment.push(("CHANGEOVER_TOKEN".to_owned(), token.to_owned()));
        if let Some(tls) = &self.surroundings.tls {
            let own = tls.join(order.application.as_str());
            let folder = if own.is_dir() { &own } else { tls };
            environment.push(("CHANGEOVER_TLS".to_owned(), folder.display().to_string()));
        }
        if self.surroundings.insecure {
            environment.push(("CHANGEOVER_INSECURE".to_owned(), "true".to_owned()));
        }
        let (program, arguments) = own_tool(&order.program, &order.arguments, order.kind);
        Launch {
            run: marker,
            program,
            arguments,
            working_directory: beside_the_file(&self.surroundings.home, &order.working_directory),
            environment,
            output: self.output_path(order),
            is_script: matches!(
                order.kind,
                ProcessKind::ControlScript | ProcessKind::Command
            ),
        }
    }
}

/// A relative working directory lies beside the environment file, as in a rehearsal; none stays none.
fn beside_the_file(home: &Path, written: &str) -> String {
    // A path of Windows with a drive is in full already; it means an emulated host (`processes/platform.rs`).
    if written.is_empty() || written.get(1..2) == Some(":") {
        return written.to_owned();
    }
    // Without `.` in the middle, for people.
    let folder: PathBuf = home.join(written).components().collect();
    folder.display().to_string()
}

/// `vipctl` and `sip-server` without a path stand for this release's own: a link to this very binary under that name,
/// by which people know the process; else this binary itself where it carries every component as a subcommand; else
/// the one beside it, which may be left over from another release.
fn own_tool(program: &str, arguments: &[String], kind: ProcessKind) -> (String, Vec<String>) {
    let mut arguments = match program == VIPCTL && kind == ProcessKind::ControlScript {
        true => own_tool::arguments(arguments),
        false => arguments.to_vec(),
    };
    // On an emulated network `vipctl` is the emulated host's, found through PATH like `ifconfig`: the one beside this
    // program acts on the kernel, and with it on the addresses of the machine that only plays the site.
    if program == VIPCTL && std::env::var_os(changeover_emulated_nic::NETWORK_VARIABLE).is_some() {
        return (program.to_owned(), arguments);
    }
    if matches!(program, VIPCTL | "sip-server")
        && let Ok(ourselves) = std::env::current_exe()
    {
        let beside = ourselves.with_file_name(program);
        let is_ourselves = beside.canonicalize().is_ok_and(|file| file == ourselves);
        if !is_ourselves
            && ourselves
                .file_name()
                .is_some_and(|name| name == "changeover")
        {
            arguments.insert(0, program.to_owned());
            return (ourselves.display().to_string(), arguments);
        }
        if beside.is_file() {
            return (beside.display().to_string(), arguments);
        }
    }
    (program.to_owned(), arguments)
}

pub(crate) async fn tell(handle: &Handle<LcaCore>, input: LcaInput) {
    if handle.input(input).await.is_err() {
        tracing::debug!("the agent is stopping; an event of a process is not reported");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_working_directory_lies_beside_the_environment_file() {
        let home = Path::new("/etc/changeover");
        for (written, meant) in [
            ("scripts", "/etc/changeover/scripts"),
            ("./scripts", "/etc/changeover/scripts"),
            ("/opt/scripts", "/opt/scripts"),
            ("", ""),
        ] {
            assert_eq!(beside_the_file(home, written), meant);
        }
    }
}
