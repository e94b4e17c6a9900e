//! A control group for each application, where systemd has handed ours over (`Delegate=yes`): what an application uses and
//! whatever it forked stands under its own name in `systemctl status lca`, and a limit that a site sets there concerns it
//! alone. A convenience: nothing is found or ended by it, and without it everything works.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// By this attribute systemd says that a group is ours to divide.
const DELEGATED: &str = "trusted.delegate";

/// Puts a process that has just been started into the group of its application. A failure is of no consequence.
pub(crate) fn enter(pid: u32, application: &str) {
    static OURS: OnceLock<Option<PathBuf>> = OnceLock::new();
    let Some(ours) = OURS.get_or_init(delegated) else {
        return;
    };
    if let Err(error) = put(pid, &ours.join(group_name(application))) {
        tracing::debug!(pid, application, %error, "no control group of its own");
    }
}

fn put(pid: u32, group: &Path) -> io::Result<()> {
    match std::fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    std::fs::write(group.join("cgroup.procs"), pid.to_string())
}

/// This process's own group, if it is one that systemd has handed over. It stays in that group itself: as long as nobody
/// switches controllers on below, the kernel lets a group have both processes and groups.
fn delegated() -> Option<PathBuf> {
    let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = unified_path(&text)?;
    let ours = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .into_iter()
        .filter(|place| Path::new(place).join("cgroup.controllers").exists())
        .map(|place| PathBuf::from(format!("{place}{path}")))
        .find(|group| group.join("cgroup.procs").exists())?;
    let mut value = [0_u8; 8];
    let size = rustix::fs::getxattr(&ours, DELEGATED, &mut value).ok()?;
    (value.get(..size) == Some(b"1")).then_some(ours)
}

/// The path of a process in the unified hierarchy; the line with number 0.
fn unified_path(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

/// An application's name as the name of a folder. Two names that differ in odd characters only share a group.
fn group_name(application: &str) -> String {
    let safe = |character: char| {
        if character.is_ascii_alphanumeric() || matches!(character, '_' | '-') {
            character
        } else {
            '_'
        }
    };
    // With a prefix no name can be one of the kernel's own files.
    format!("app-{}", application.chars().map(safe).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unified_hierarchy_is_found_beside_the_older_ones() {
        let hybrid =
            "9:name=systemd:/system.slice/lca.service\n1:cpu:/\n0::/system.slice/lca.service\n";
        assert_eq!(unified_path(hybrid), Some("/system.slice/lca.service"));
        assert_eq!(unified_path("1:cpu:/\n"), None);
    }

    #[test]
    fn a_name_never_leaves_the_folder_or_hides_a_file_of_the_kernel() {
        assert_eq!(group_name("SIP_SERVER_A"), "app-SIP_SERVER_A");
        assert_eq!(group_name("../cgroup.procs"), "app-___cgroup_procs");
    }
}
