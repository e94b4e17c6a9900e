//! One run of a script: started in a process group of its own, waited for as long as it may take, ended with all that is
//! left of its group. As root it runs in an empty network namespace, so that a command that it names by its full path
//! finds no NIC of this machine.

use changeover_configuration::TrialEnd;
use changeover_emulated_host::{ENDLESS, NOT_COVERED};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Most of what a script says that is kept.
const MOST_SAID: usize = 2000;

/// Runs a command; blocks until it has ended or was ended. `errors` is a file for what it says on stderr.
pub(crate) fn run(mut command: Command, errors: &Path, time: Duration) -> TrialEnd {
    let mut started = || -> io::Result<TrialEnd> {
        let file = std::fs::File::create(errors)?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .process_group(0);
        let mut child = secluded(&mut command)?;
        let ended = wait(&child, time);
        end_group(&child);
        let status = child.wait()?;
        if !ended? {
            return Ok(TrialEnd::OverTime);
        }
        let code = status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Ok(TrialEnd::Exit(code))
    };
    started().unwrap_or_else(|error| TrialEnd::NotStarted(error.to_string()))
}

/// What the interpreters of emulated Windows hosts mean by exit codes of their own; to a UNIX script they are codes as any
/// others.
pub(crate) fn of_an_interpreter(end: TrialEnd, errors: &Path) -> TrialEnd {
    match end {
        TrialEnd::Exit(NOT_COVERED) => TrialEnd::NotCovered(said(errors)),
        TrialEnd::Exit(ENDLESS) => TrialEnd::OverTime,
        TrialEnd::Exit(_)
        | TrialEnd::OverTime
        | TrialEnd::NotCovered(_)
        | TrialEnd::NotStarted(_) => end,
    }
}

/// Starts it, as root where there is no network. The thread that leaves this machine's network ends with the start.
fn secluded(command: &mut Command) -> io::Result<Child> {
    if !rustix::process::geteuid().is_root() {
        return command.spawn();
    }
    std::thread::scope(|scope| {
        let start = scope.spawn(|| {
            leave_network()?;
            command.spawn()
        });
        start
            .join()
            .unwrap_or_else(|_panicked| Err(io::Error::other("starting a script panicked")))
    })
}

#[expect(
    unsafe_code,
    reason = "unsafe for the flag FILES only, which is not among these: file descriptors stay shared"
)]
fn leave_network() -> io::Result<()> {
    // SAFETY: NEWNET changes which network this thread sees, and nothing about file descriptors.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.map_err(io::Error::from)
}

/// True if the child ended within the time.
fn wait(child: &Child, time: Duration) -> io::Result<bool> {
    let pidfd = pidfd_open(pid(child)?, PidfdFlags::empty())?;
    let until = Instant::now() + time;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn pid(child: &Child) -> io::Result<Pid> {
    let number = i32::try_from(child.id()).map_err(io::Error::other)?;
    Pid::from_raw(number).ok_or_else(|| io::Error::other("a process without a number"))
}

/// Whatever is left of the group; the child itself has not been waited for, so its number is still its own.
fn end_group(child: &Child) {
    if let Ok(pid) = pid(child)
        && let Err(error) = kill_process_group(pid, Signal::KILL)
    {
        // Nobody left: the usual case.
        debug_assert_ne!(error, rustix::io::Errno::INVAL);
    }
}

fn said(errors: &Path) -> String {
    let bytes = std::fs::read(errors).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let first = text.lines().next().unwrap_or_default();
    first.chars().take(MOST_SAID).collect()
}
