//! Owns the removal of what is mounted below a run's folder: small file systems that a drill fills, and slow ones above
//! them that the drill's own process serves.

use crate::moment::Moment;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where the kernel lists what is mounted.
const MOUNTS: &str = "/proc/self/mounts";

/// Unmounting everything takes no longer: who serves what lay above a place lets go of it a moment after that is gone.
const BOUND: Duration = Duration::from_secs(5);
/// Between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// Unmounts everything below a folder, the deepest first, and tries again what is still in use. Says what is left. What
/// somebody else unmounts meanwhile, as the process does that serves it, is gone as well: only the kernel's list counts.
pub(super) fn remove_below(folder: &Path) -> Vec<String> {
    let end = Moment::now().plus(BOUND);
    loop {
        let text = std::fs::read_to_string(MOUNTS).unwrap_or_default();
        let mut places = below(&text, folder);
        places.sort();
        places.reverse();
        let left: Vec<String> = places
            .into_iter()
            .filter_map(|place| {
                unmount(&place)
                    .err()
                    .map(|why| format!("what is mounted on {}: {why}", place.display()))
            })
            .collect();
        if left.is_empty() || Moment::now() > end {
            return left;
        }
        std::thread::sleep(TRY_AGAIN);
    }
}

/// The mount points below a folder, by the kernel's list.
fn below(mounts: &str, folder: &Path) -> Vec<PathBuf> {
    mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .map(PathBuf::from)
        .filter(|place| place.starts_with(folder))
        .collect()
}

/// By force, which means something only for a file system that a process serves: nobody waits for its answers any more.
fn unmount(place: &Path) -> Result<(), String> {
    let ran = Command::new("umount")
        .arg("-f")
        .arg(place)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("umount cannot be started: {error}"))?;
    if ran.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&ran.stderr).trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_mounted_below_the_folder_is_found() {
        let mounts = "tmpfs /tmp/changeover-run-1/state/scs tmpfs rw 0 0\n\
                      tmpfs /tmp/changeover-run-12/state/scs tmpfs rw 0 0\n/dev/vda / ext4 rw 0 0\n";
        assert_eq!(
            below(mounts, Path::new("/tmp/changeover-run-1")),
            [PathBuf::from("/tmp/changeover-run-1/state/scs")]
        );
    }
}
