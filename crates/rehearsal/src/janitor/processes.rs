//! Owns the processes of a run: found by a marker in `/proc/PID/environ`, ended through a pidfd that was opened
//! before the marker was read again, so that a number the kernel has given to somebody else harms nobody.

use crate::moment::Moment;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::time::Duration;

/// Killing everything takes no longer; what is left then hangs in the kernel.
const BOUND: Duration = Duration::from_secs(10);
/// Between two looks at a process that was killed and has not ended.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How the end of one process was brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was killed, and it ended then.
    At(Moment),
    /// It was killed, and it did not end in time.
    NotInTime,
}

/// Ends all processes that carry `marker=value`, with everything they fork meanwhile. Says what is left.
pub(super) fn end_all_marked(marker: &str, value: &str) -> Vec<String> {
    let end = Moment::now().plus(BOUND);
    loop {
        let found = marked(marker, value);
        if found.is_empty() {
            return Vec::new();
        }
        if Moment::now() > end {
            return found
                .into_iter()
                .map(|(pid, _)| format!("process {} ({})", pid.as_raw_nonzero(), name_of(pid)))
                .collect();
        }
        for (_, process) in &found {
            if let Err(error) = pidfd_send_signal(process, Signal::KILL) {
                tracing::debug!(%error, "a process ended before it was killed");
            }
        }
        for (_, process) in &found {
            wait_for(process, LOOK_AGAIN);
        }
    }
}

/// Kills one process that carries the marker, and waits for its end. `None` when there is no such process.
pub(crate) fn end_process(
    pid: u32,
    marker: &str,
    value: &str,
    bound: Duration,
) -> Option<(Moment, Ended)> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    if environment_of(pid, marker).as_deref() != Some(value) {
        return None;
    }
    let killed = Moment::now();
    pidfd_send_signal(&process, Signal::KILL).ok()?;
    let ended = if wait_for(&process, bound) {
        Ended::At(Moment::now())
    } else {
        Ended::NotInTime
    };
    Some((killed, ended))
}

/// Sends a signal to one process that carries the marker; false when there is no such process.
pub(crate) fn signal_process(pid: u32, marker: &str, value: &str, signal: Signal) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return false;
    };
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
        return false;
    };
    environment_of(pid, marker).as_deref() == Some(value)
        && pidfd_send_signal(&process, signal).is_ok()
}

/// The processes that carry the marker and stand in a network namespace, which is known by its file.
pub(crate) fn in_namespace(file: &std::path::Path, marker: &str, value: &str) -> Vec<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(namespace) = std::fs::metadata(file) else {
        return Vec::new();
    };
    let here = |pid: Pid| {
        std::fs::metadata(format!("/proc/{}/ns/net", pid.as_raw_nonzero()))
            .is_ok_and(|of| (of.dev(), of.ino()) == (namespace.dev(), namespace.ino()))
    };
    pids()
        .into_iter()
        .filter(|pid| here(*pid) && environment_of(*pid, marker).as_deref() == Some(value))
        .filter_map(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok())
        .collect()
}

/// Every value that some process has for a marker, once.
pub(super) fn values_of(marker: &str) -> Vec<String> {
    let mut values: Vec<String> = pids()
        .into_iter()
        .filter_map(|pid| environment_of(pid, marker))
        .collect();
    values.sort();
    values.dedup();
    values
}

/// When a process started, in clock ticks since boot.
pub(super) fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, spaces and parentheses too.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

fn marked(marker: &str, value: &str) -> Vec<(Pid, OwnedFd)> {
    let me = rustix::process::getpid();
    pids()
        .into_iter()
        .filter(|pid| *pid != me)
        .filter_map(|pid| {
            if environment_of(pid, marker).as_deref() != Some(value) {
                return None;
            }
            let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
            let still = environment_of(pid, marker).as_deref() == Some(value);
            still.then_some((pid, process))
        })
        .collect()
}

fn pids() -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .collect()
}

/// A variable in a process's environment. A process that has ended has none, reaped or not.
fn environment_of(pid: Pid, name: &str) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok()?;
    environment.split(|byte| *byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

fn name_of(pid: Pid) -> String {
    std::fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero()))
        .map_or_else(|_| "ended".to_owned(), |name| name.trim().to_owned())
}

/// Waits for the end of a process; true if it came in time.
fn wait_for(process: &OwnedFd, bound: Duration) -> bool {
    let end = Moment::now().plus(bound);
    loop {
        let left = end.since(Moment::now());
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut polled = [PollFd::new(process, PollFlags::IN)];
        match poll(&mut polled, Some(&timeout)) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
