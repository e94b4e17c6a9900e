//! Starts a process: own process group, own output file, the run's marker in its environment.

use super::{OutputFile, proc_table, seclusion};
use changeover_component::METRICS_VARIABLE;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Environment variable by which the processes of a run are found whatever became of their parents.
pub(crate) const MARKER: &str = "CHANGEOVER_RUN";

/// What to start.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// Value of the marker; unique over all starts on this host.
    pub(crate) run: String,
    /// The program: a path if it contains a `/`, else looked up in PATH.
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
    /// Empty = this agent's own.
    pub(crate) working_directory: String,
    /// Added to this agent's environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Where standard output and error go.
    pub(crate) output: PathBuf,
    /// A script of the site, not a server: on an emulated host it is kept away from the kernel's network.
    pub(crate) is_script: bool,
}

/// A process that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    pub(crate) pid: u32,
    /// Clock ticks since boot.
    pub(crate) started: u64,
}

/// Starts it. The child is reaped through its pidfd, not through the standard library's handle.
///
/// # Errors
/// Says which program could not be started from where.
pub(crate) fn launch(what: &Launch) -> io::Result<Started> {
    let output = OutputFile::open_for_process(&what.output)?;
    let mut command = Command::new(program(what));
    command
        .args(&what.arguments)
        .envs(what.environment.iter().map(|(name, value)| (name, value)))
        .env(MARKER, &what.run)
        .env_remove(METRICS_VARIABLE)
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .env_remove("WATCHDOG_PID")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0);
    if !what.working_directory.is_empty() {
        command.current_dir(&what.working_directory);
    }
    let place = what.is_script.then(seclusion::place).flatten();
    let child = seclusion::within(place, || command.spawn()).map_err(|error| {
        let place = if what.working_directory.is_empty() {
            "."
        } else {
            &what.working_directory
        };
        io::Error::new(
            error.kind(),
            format!("cannot start {} in {place}: {error}", what.program),
        )
    })?;
    let pid = child.id();
    Ok(Started {
        pid,
        started: proc_table::start_time(pid).unwrap_or_default(),
    })
}

/// The program as the kernel shall find it. A relative path means the working directory of the application,
/// not that of this agent.
fn program(what: &Launch) -> PathBuf {
    let path = Path::new(&what.program);
    if what.program.contains('/') && path.is_relative() && !what.working_directory.is_empty() {
        let joined = Path::new(&what.working_directory).join(path);
        return std::path::absolute(&joined).unwrap_or(joined);
    }
    path.to_owned()
}
