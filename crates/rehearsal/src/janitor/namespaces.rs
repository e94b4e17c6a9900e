//! Owns the names of a run's network namespaces and their removal. They are made in `site/namespaces.rs`.

use std::process::{Command, Stdio};

/// Start of the name of every namespace that a rehearsal makes.
const PREFIX: &str = "cho-";
/// Where named network namespaces stand.
const PLACE: &str = "/run/netns";

/// The name of a run's namespace.
pub(crate) fn namespace_name(run: &str, host: &str) -> String {
    format!("{PREFIX}{run}-{host}")
}

/// The runs of which there are namespaces.
pub(super) fn runs() -> Vec<String> {
    let mut runs: Vec<String> = names()
        .iter()
        .filter_map(|name| {
            let (run, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
            let own = run.len() == 8 && run.bytes().all(|byte| byte.is_ascii_hexdigit());
            own.then(|| run.to_owned())
        })
        .collect();
    runs.sort();
    runs.dedup();
    runs
}

/// Removes a run's namespaces, whose processes have ended. Says what is left.
pub(super) fn remove_all(run: &str) -> Vec<String> {
    let start = namespace_name(run, "");
    names()
        .into_iter()
        .filter(|name| name.starts_with(&start))
        .filter_map(|name| {
            remove(&name)
                .err()
                .map(|why| format!("the namespace {name}: {why}"))
        })
        .collect()
}

/// `ip netns del` unmounts and unlinks; it waits for nothing, so that its own end is bound enough.
fn remove(name: &str) -> Result<(), String> {
    let ran = Command::new("ip")
        .args(["netns", "del", name])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("ip cannot be started: {error}"))?;
    if ran.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&ran.stderr).trim().to_owned())
    }
}

fn names() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(PLACE) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(PREFIX))
        .collect()
}
