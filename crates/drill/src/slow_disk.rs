//! Owns slow disks: above the file system of a component's state one more, which this process serves (FUSE) and which
//! passes everything on, in time or late (`throttle.rs`). It must lie there before the component starts. When one is slow,
//! `hands.rs` says; what is mounted goes with the run, whatever becomes of this process: its end is the file system's.
//! This process must never use a file of it: nobody would answer.

mod nodes;
mod passthrough;
#[cfg(test)]
mod tests;
mod throttle;

pub(crate) use throttle::{Slowed, Throttle};

use changeover_rehearsal::StateDisk;
use passthrough::Passthrough;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What serves such file systems, on every Linux that can have them.
const DEVICE: &str = "/dev/fuse";
/// Mounting one takes no longer.
const BOUND: Duration = Duration::from_secs(10);
/// So many requests of a component are served at once; a disk has a queue as well.
const AT_ONCE: usize = 4;

/// The disks of a site that can be slow.
#[derive(Default)]
pub(crate) struct SlowDisks {
    disks: BTreeMap<String, Arc<Throttle>>,
    refusal: Option<String>,
}

impl SlowDisks {
    /// Lays one above the disk of every component. Where the machine refuses one, none can be slow, and it is known why.
    pub(crate) async fn lay(disks: &[StateDisk], seed: u64) -> Self {
        let mut laid = Self::default();
        for disk in disks {
            match lay_one(disk, seed).await {
                Ok(throttle) => {
                    laid.disks.insert(disk.component.clone(), throttle);
                }
                Err(why) => {
                    laid.refusal = Some(why);
                    break;
                }
            }
        }
        laid
    }

    /// Why no disk can be slow here.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.refusal.clone()
    }

    /// The disk of a component.
    pub(crate) fn of(&self, component: &str) -> Option<&Arc<Throttle>> {
        self.disks.get(component)
    }
}

impl Drop for SlowDisks {
    fn drop(&mut self) {
        // An interrupted drill is taken down in time.
        for throttle in self.disks.values() {
            throttle.end();
        }
    }
}

async fn lay_one(disk: &StateDisk, seed: u64) -> Result<Arc<Throttle>, String> {
    let place = disk.place.clone();
    let failed = |error: std::io::Error| format!("{DEVICE}: {error}");
    let inside = disk.inside.try_clone().map_err(failed)?;
    let mounted = tokio::task::spawn_blocking(move || mount(&place, inside, seed));
    match tokio::time::timeout(BOUND, mounted).await {
        Ok(Ok(done)) => done.map_err(failed),
        Ok(Err(error)) => Err(format!("{DEVICE}: {error}")),
        Err(_) => Err(format!(
            "{DEVICE}: a file system is not mounted within {BOUND:?}"
        )),
    }
}

/// Mounts a file system that passes everything on to what is `inside`, and serves it until it is unmounted.
fn mount(place: &Path, inside: File, seed: u64) -> std::io::Result<Arc<Throttle>> {
    // Asked first: the crate takes a device that is missing for a reason to start a helper program.
    File::options().read(true).write(true).open(DEVICE)?;
    let throttle = Arc::new(Throttle::new(seed));
    let mut how = fuser::Config::default();
    how.mount_options = vec![
        fuser::MountOption::FSName("changeover-drill".to_owned()),
        fuser::MountOption::DefaultPermissions,
    ];
    how.n_threads = Some(AT_ONCE);
    let serves = Passthrough::new(inside, Arc::clone(&throttle));
    let session = fuser::Session::new(serves, place, &how)?;
    // When its service ends, the crate unmounts once more by path, which is the run's own and goes anyway.
    // Nobody waits for its end: it ends when the file system is unmounted, or with this process.
    std::thread::Builder::new()
        .name("slow-disk".to_owned())
        .spawn(move || {
            if let Err(error) = session.run() {
                tracing::debug!(%error, "a slow disk's service ended");
            }
        })?;
    Ok(throttle)
}
