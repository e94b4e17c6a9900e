//! Ends a run with everything that descends from it: its process group, children of children, and those that
//! left the group by setsid and are known by the marker in their environment only.

use super::proc_table::{self, Entry};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, test_kill_process_group,
    waitpid,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Kills every process of a run until none is left; false if some is still there after `limit` (a process in
/// an uninterruptible wait). Blocks: call it on a blocking thread.
pub(crate) fn end_all(run: &str, main: Option<u32>, limit: Duration) -> bool {
    let give_up = Instant::now() + limit;
    let mut pause = Duration::from_micros(200);
    let mut killed = BTreeMap::new();
    loop {
        let alive = members(run, main);
        reap(&killed, main);
        if alive.is_empty() {
            return true;
        }
        for (pid, entry) in &alive {
            kill(*pid, entry.started);
            killed.insert(*pid, entry.started);
        }
        if Instant::now() >= give_up {
            return members(run, main).is_empty();
        }
        // SIGKILL takes effect when the kernel next runs the process; there is no event for all of them.
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Asks the main process, or all processes of the run, to end (SIGTERM).
pub(crate) fn terminate(run: &str, main: u32, all_descendants: bool) {
    for (pid, entry) in members(run, Some(main)) {
        if pid == main || all_descendants {
            send(pid, entry.started, Signal::TERM);
        }
    }
}

/// Living processes of a run.
fn members(run: &str, main: Option<u32>) -> BTreeMap<u32, Entry> {
    let table = proc_table::all();
    let mut found: BTreeSet<u32> = table
        .iter()
        .filter(|(pid, entry)| {
            Some(**pid) == main
                || Some(entry.group) == main
                || proc_table::carries_marker(**pid, run)
        })
        .map(|(pid, _)| *pid)
        .collect();
    loop {
        let more: Vec<u32> = table
            .iter()
            .filter(|(pid, entry)| found.contains(&entry.parent) && !found.contains(*pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    let ourselves = std::process::id();
    found
        .into_iter()
        .filter(|pid| *pid != ourselves)
        .filter_map(|pid| table.get(&pid).map(|entry| (pid, *entry)))
        // The main process is reaped by whoever watches it; a zombie holds nothing.
        .filter(|(_, entry)| !entry.zombie)
        .collect()
}

fn kill(pid: u32, started: u64) {
    send(pid, started, Signal::KILL);
}

/// Sends to exactly the process that was seen: the pidfd is opened first, the start time compared then.
fn send(pid: u32, started: u64, signal: Signal) {
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    let Ok(pidfd) = pidfd_open(raw, PidfdFlags::empty()) else {
        return;
    };
    if proc_table::start_time(pid) != Some(started) {
        return;
    }
    if let Err(error) = pidfd_send_signal(&pidfd, signal) {
        tracing::debug!(pid, %error, "a process ended before its signal");
    }
}

/// Takes the status of those that were killed and became our children (we are the subreaper of orphans). The main
/// process is left to its watcher.
fn reap(killed: &BTreeMap<u32, u64>, main: Option<u32>) {
    let ourselves = std::process::id();
    for (pid, started) in killed {
        let orphan = Some(*pid) != main
            && proc_table::entry(*pid).is_some_and(|entry| {
                entry.zombie && entry.parent == ourselves && entry.started == *started
            });
        if orphan
            && let Some(pid) = i32::try_from(*pid).ok().and_then(Pid::from_raw)
            && let Err(error) = waitpid(Some(pid), WaitOptions::NOHANG)
        {
            tracing::debug!(?pid, %error, "an orphan was reaped by somebody else");
        }
    }
}

/// True if some process of the group that this one led is left.
pub(crate) fn group_is_there(leader: u32) -> bool {
    i32::try_from(leader)
        .ok()
        .and_then(Pid::from_raw)
        .is_some_and(|leader| test_kill_process_group(leader).is_ok())
}

/// True if some process of a run lives.
#[cfg(test)]
pub(crate) fn marked_with(run: &str) -> bool {
    !members(run, None).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::{Launch, launch};

    fn shell(run: &str, script: &str, folder: &std::path::Path) -> u32 {
        let started = launch(&Launch {
            run: run.to_owned(),
            program: "/bin/sh".to_owned(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            working_directory: String::new(),
            environment: Vec::new(),
            output: folder.join("output"),
            is_script: false,
        })
        .expect("a shell can be started");
        started.pid
    }

    #[test]
    fn a_child_that_left_by_setsid_and_outlived_its_parent_is_ended_too() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let run = format!("test-setsid-{}", std::process::id());
        let main = shell(
            &run,
            "setsid sh -c 'sleep 600 & sleep 601' & exec sleep 602",
            folder.path(),
        );
        let seen = Instant::now() + Duration::from_secs(10);
        while members(&run, Some(main)).len() < 4 && Instant::now() < seen {
            std::thread::yield_now();
        }
        assert!(
            members(&run, Some(main)).len() >= 3,
            "{:?}",
            members(&run, Some(main))
        );
        assert!(end_all(&run, Some(main), Duration::from_secs(5)));
        assert!(members(&run, Some(main)).is_empty());
    }
}
