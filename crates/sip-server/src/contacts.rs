//! Registrations over restarts: every change of the bindings is written to a small file, which is read at the start. So
//! phones need not register again after both servers of a pair were down; while one of them lives, what it holds is
//! newer and wins. Owns the file; what a binding is stands in `sip-core`.

use changeover_component::{Handle, read_state, write_state};
use changeover_sip_core::{KeptContacts, SipCore, SipInput};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

/// Pause between two writes: what is registered in less than that before a power cut may be lost.
const PAUSE: Duration = Duration::from_secs(1);

/// Hands in what was kept, and keeps what changes from now on.
pub(crate) fn begin(path: &Path, changes: watch::Receiver<u64>, handle: &Handle<SipCore>) {
    if let Some(kept) = read(path)
        && !handle.try_input(kept)
    {
        tracing::error!("the core did not start; phones have to register again");
    }
    tokio::spawn(keep(path.to_owned(), changes, handle.clone()));
}

/// What was kept; nothing, said in the log, if it cannot be read.
fn read(path: &Path) -> Option<SipInput> {
    match read_state::<KeptContacts>(path) {
        Ok(kept) => kept.map(|contacts| SipInput::ContactsKept { contacts }),
        Err(error) => {
            tracing::warn!("{error}; phones have to register again");
            None
        }
    }
}

/// Writes the bindings after each change, until the core has ended. `changes` counts them.
async fn keep(path: PathBuf, mut changes: watch::Receiver<u64>, handle: Handle<SipCore>) {
    while changes.changed().await.is_ok() {
        changes.mark_unchanged();
        if !write(&path, &handle).await {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Writes them now; false when the core has ended.
pub(crate) async fn write(path: &Path, handle: &Handle<SipCore>) -> bool {
    let Ok(kept) = handle.ask(|_, core| core.kept_contacts()).await else {
        return false;
    };
    let path = path.to_owned();
    let written = tokio::task::spawn_blocking(move || write_state(&path, &kept)).await;
    if let Ok(Err(error)) = written {
        tracing::warn!("{error}; registrations will not survive a restart of both servers");
    }
    true
}
