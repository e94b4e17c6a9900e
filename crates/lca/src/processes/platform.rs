//! Starts a script of an emulated host as that host's platform does. On Windows it is `cmd.exe` that runs batch files and
//! finds commands; here that is the emulated one, first in PATH. Which platform the host has is in the environment,
//! set by whoever plays the site. On a real host nothing changes.

use super::Launch;
use changeover_emulated_nic::NETWORK_VARIABLE;

/// The host's platform, as the environment file has it.
const PLATFORM_VARIABLE: &str = "CHANGEOVER_NETWORK_PLATFORM";
/// Where the script begins, in the platform's own notation.
const START_FOLDER_VARIABLE: &str = "CHANGEOVER_NETWORK_START_FOLDER";

/// What is started in its place; `None`: what it says.
pub(super) fn in_its_place(what: &Launch) -> Option<Launch> {
    std::env::var_os(NETWORK_VARIABLE)?;
    let platform = std::env::var(PLATFORM_VARIABLE).ok()?;
    (platform == "windows").then(|| on_windows(what))
}

fn on_windows(what: &Launch) -> Launch {
    let mut launch = what.clone();
    if what.is_script {
        launch.program = "cmd.exe".to_owned();
        launch.arguments = vec!["/c".to_owned(), what.program.clone()];
        launch.arguments.extend(what.arguments.iter().cloned());
        let folder = std::mem::take(&mut launch.working_directory);
        if !folder.is_empty() {
            launch
                .environment
                .push((START_FOLDER_VARIABLE.to_owned(), folder));
        }
    } else if what.working_directory.contains(['\\', ':']) {
        // A server of this release needs no folder of its own, and a drive is not on this machine.
        launch.working_directory.clear();
    }
    launch
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(is_script: bool) -> Launch {
        Launch {
            run: "run".to_owned(),
            program: "HA_IP_ON.bat".to_owned(),
            arguments: vec!["fast".to_owned()],
            working_directory: "C:\\changeover".to_owned(),
            environment: Vec::new(),
            output: "/tmp/x".into(),
            is_script,
        }
    }

    #[test]
    fn a_script_of_a_windows_host_is_run_by_its_cmd_in_its_own_folder() {
        let placed = on_windows(&launch(true));
        assert_eq!(placed.program, "cmd.exe");
        assert_eq!(placed.arguments, ["/c", "HA_IP_ON.bat", "fast"]);
        assert_eq!(placed.working_directory, "");
        assert_eq!(
            placed.environment,
            [(
                START_FOLDER_VARIABLE.to_owned(),
                "C:\\changeover".to_owned()
            )]
        );
        let server = on_windows(&launch(false));
        assert_eq!(
            (server.program.as_str(), server.working_directory.as_str()),
            ("HA_IP_ON.bat", "")
        );
    }
}
