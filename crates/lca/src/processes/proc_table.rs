//! Reads of /proc: who is whose child, who carries a run's marker, when a process started.

use super::MARKER;
use changeover_emulated_nic::NETWORK_VARIABLE;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// One process of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) zombie: bool,
    /// Clock ticks since boot.
    pub(crate) started: u64,
}

/// Start time of a process in clock ticks since boot; `None` if there is none.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    entry(pid).map(|entry| entry.started)
}

/// Boot id of this machine; empty where the kernel tells none.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// True if the process is `ancestor` or descends from it.
pub(crate) fn descends_from(pid: u32, ancestor: u32) -> bool {
    let mut current = pid;
    // A chain of parents is short; the bound only guards against a race that makes it a ring.
    for _ in 0..64 {
        if current == ancestor {
            return true;
        }
        match entry(current) {
            Some(entry) if entry.parent > 1 => current = entry.parent,
            _ => return false,
        }
    }
    false
}

/// One process; `None` if there is none.
pub(crate) fn entry(pid: u32) -> Option<Entry> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Fields follow the last `)`: the name before it may hold anything.
fn parse(stat: &str) -> Option<Entry> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some(Entry {
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

/// Every process of the machine that this user may see.
pub(crate) fn all() -> BTreeMap<u32, Entry> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return BTreeMap::new();
    };
    folder
        .filter_map(|item| item.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| Some((pid, entry(pid)?)))
        .collect()
}

/// True if the process carries this run's marker in the environment it was started with.
pub(crate) fn carries_marker(pid: u32, run: &str) -> bool {
    let wanted = format!("{MARKER}={run}");
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
        environment
            .split(|byte| *byte == 0)
            .any(|entry| entry == wanted.as_bytes())
    })
}

/// A living process that carries the marker of some run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marked {
    pub(crate) pid: u32,
    pub(crate) started: u64,
    /// Its environment, as it was started.
    pub(crate) environment: BTreeMap<String, String>,
}

/// The environment a process was started with; empty if it cannot be read.
pub(crate) fn environment_of(pid: u32) -> BTreeMap<String, String> {
    fs::read(format!("/proc/{pid}/environ"))
        .unwrap_or_default()
        .split(|byte| *byte == 0)
        .map(|entry| String::from_utf8_lossy(entry).into_owned())
        .filter_map(|entry| {
            entry
                .split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// Every living process of this agent's network that carries a marker, oldest first: how the runs of a crashed agent
/// are found whose pid was never recorded. Another site on the same machine may have a host of the same name; its
/// processes live on another emulated network or in another network namespace, and are none of ours. (On an emulated
/// host the namespace says nothing: scripts may be kept in one of their own.)
pub(crate) fn marked() -> Vec<Marked> {
    let namespace = network_namespace(std::process::id());
    let network = std::env::var(NETWORK_VARIABLE).ok();
    let is_here = |pid| network.is_some() || network_namespace(pid) == namespace;
    let mut found: Vec<Marked> = all()
        .into_iter()
        .filter(|(pid, entry)| !entry.zombie && is_here(*pid))
        .map(|(pid, entry)| Marked {
            pid,
            started: entry.started,
            environment: environment_of(pid),
        })
        .filter(|process| process.environment.contains_key(MARKER))
        .filter(|process| process.environment.get(NETWORK_VARIABLE) == network.as_ref())
        .collect();
    found.sort_by_key(|process| (process.started, process.pid));
    found
}

/// What tells one network namespace from another; `None` where it cannot be read.
fn network_namespace(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_marked_process_of_another_emulated_network_is_not_ours() {
        let sleeper = |network: Option<&str>| {
            let mut command = Command::new("sleep");
            command
                .arg("600")
                .env(MARKER, "test/host1/1")
                .stdin(Stdio::null());
            match network {
                Some(network) => command.env(NETWORK_VARIABLE, network),
                None => command.env_remove(NETWORK_VARIABLE),
            };
            command.spawn().expect("sleep(1) is part of every Linux")
        };
        let (mut ours, mut foreign) = (sleeper(None), sleeper(Some("/tmp/another/net")));
        let found: Vec<u32> = marked().iter().map(|process| process.pid).collect();
        let seen = (found.contains(&ours.id()), found.contains(&foreign.id()));
        for child in [&mut ours, &mut foreign] {
            child.kill().expect("our child");
            child.wait().expect("our child");
        }
        assert_eq!(seen, (true, false));
    }

    #[test]
    fn a_name_full_of_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "42 (a) b (c) S 7 40 40 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 123456 0 0";
        let entry = parse(stat).expect("a stat line");
        assert_eq!(
            (entry.parent, entry.group, entry.zombie, entry.started),
            (7, 40, false, 123_456)
        );
    }

    #[test]
    fn this_process_descends_from_its_parent_and_not_from_a_stranger() {
        let parent = entry(std::process::id())
            .expect("this process exists")
            .parent;
        assert!(descends_from(std::process::id(), parent));
        assert!(!descends_from(parent, std::process::id()));
    }
}
