//! Owns the commands by which a rehearsal touches the machine, each with a bound, and the way into a network
//! namespace: a thread of its own, because the kernel moves threads and tokio would move the work.

use crate::trouble::Trouble;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// No command here takes longer.
const BOUND: Duration = Duration::from_secs(10);

/// Runs `ip` with these words; its output.
///
/// # Errors
/// When it is not there, fails, or takes too long.
pub(crate) async fn ip(words: &[&str]) -> Result<String, Trouble> {
    let shown = format!("ip {}", words.join(" "));
    let run = Command::new("ip")
        .args(words)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ran = tokio::time::timeout(BOUND, run)
        .await
        .map_err(|_| Trouble::TooLong {
            what: shown.clone(),
            bound: BOUND,
        })?
        .map_err(|source| Trouble::Start {
            what: shown.clone(),
            source,
        })?;
    if !ran.status.success() {
        return Err(Trouble::Command {
            command: shown,
            status: ran.status.to_string(),
            said: String::from_utf8_lossy(&ran.stderr).trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// Where a named network namespace can be opened.
pub(crate) fn namespace_file(name: &str) -> PathBuf {
    Path::new("/run/netns").join(name)
}

/// Moves the calling thread into a named network namespace, for good.
///
/// # Errors
/// When there is no such namespace, or this process may not enter it.
pub(crate) fn enter_namespace(name: &str) -> Result<(), Trouble> {
    let failed = |source| Trouble::Namespace {
        name: name.to_owned(),
        source,
    };
    let file = File::open(namespace_file(name)).map_err(failed)?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| failed(error.into()))
}

/// Does something short inside a network namespace (or just here, without one) on a thread that ends with it.
/// What it opens or starts stays in that namespace.
///
/// # Errors
/// When the namespace cannot be entered, or the work fails.
pub(crate) async fn within<T: Send + 'static>(
    namespace: Option<&str>,
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let Some(name) = namespace.map(ToOwned::to_owned) else {
        return work();
    };
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let inside = name.clone();
    let thread = std::thread::Builder::new()
        .name("within".into())
        .spawn(move || {
            let _entered = runtime.enter();
            let done = enter_namespace(&inside).and_then(|()| work());
            // Nobody waits any more when the rehearsal was interrupted.
            drop(sender.send(done));
        });
    let failed = |source| Trouble::Namespace {
        name: name.clone(),
        source,
    };
    thread.map_err(failed)?;
    receiver.await.unwrap_or_else(|_| {
        Err(failed(std::io::Error::other(
            "the thread inside it panicked",
        )))
    })
}
