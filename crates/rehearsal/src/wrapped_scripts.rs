//! Owns the wrapper through which a drill starts a site's control scripts: it runs the script as it is, unless a fault is
//! in force on its host. The site's own files are not touched; what is started stands in the run's folder.

use crate::plan::SiteEnvironment;
use crate::trouble::Trouble;
use changeover_configuration::show;
use changeover_model::ApplicationName;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Folder of the wrappers below the run's folder.
const WRAPPERS: &str = "wrapped";
/// Folder of the faults in force, one file per host.
const FAULTS: &str = "faults";
/// Carried out by the Local Control Agent itself, without a process that could be wrapped.
const BUILTIN: &str = "vipctl";

/// The control scripts of a site that are programs of their own.
pub(crate) fn wrappable(site: &SiteEnvironment) -> Vec<ApplicationName> {
    let environment = site.environment();
    let mut names: Vec<ApplicationName> = environment
        .pairs
        .values()
        .flat_map(|pair| pair.control.values())
        .flat_map(|control| [control.enable.clone(), control.disable.clone()])
        .filter(|name| {
            environment
                .applications
                .get(name)
                .is_some_and(|script| script.start_info.command_line != BUILTIN)
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Puts the wrappers in, and writes the environment that components are given into the run's folder.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn put_in(site: &mut SiteEnvironment, folder: &Path) -> Result<(), Trouble> {
    let names = wrappable(site);
    if names.is_empty() {
        return Ok(());
    }
    let (wrappers, faults) = (folder.join(WRAPPERS), folder.join(FAULTS));
    for place in [&wrappers, &faults] {
        std::fs::create_dir_all(place).map_err(Trouble::file("make the folder", place))?;
    }
    let home = site.home.clone();
    site.keep_working_directories();
    let environment = &mut site.loaded.environment;
    for application in environment.applications.values_mut() {
        let info = &mut application.start_info;
        if !names.contains(&application.name) {
            continue;
        }
        let program = if info.command_line.contains('/') {
            let program = home.join(&info.working_directory).join(&info.command_line);
            program.components().collect()
        } else {
            PathBuf::from(&info.command_line)
        };
        let wrapper = wrappers.join(format!("{}.sh", application.name));
        std::fs::write(&wrapper, text(&program, &faults))
            .map_err(Trouble::file("write", &wrapper))?;
        std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755))
            .map_err(Trouble::file("make executable", &wrapper))?;
        info.command_line = wrapper.display().to_string();
    }
    let config = folder.join("drilled.yaml");
    std::fs::write(&config, show(&site.loaded)).map_err(Trouble::file("write", &config))?;
    site.config = config;
    site.control
        .push_str(", each through a wrapper that can fail for it");
    Ok(())
}

/// The file whose presence is a fault of the scripts on a host; its first word says which.
pub(crate) fn fault_file(folder: &Path, host: &str) -> PathBuf {
    folder.join(FAULTS).join(host)
}

fn text(program: &Path, faults: &Path) -> String {
    format!(
        "#!/bin/sh\n# Runs a control script as it is, unless a fault is in force on this host.\n\
         fault={}/$CHANGEOVER_HOST\nif [ -e \"$fault\" ]; then\n    read -r what < \"$fault\"\n    case $what in\n    \
         fails) exit 1 ;;\n    slow) sleep 2 ;;\n    hangs) sleep 600 ;;\n    esac\nfi\nexec {} \"$@\"\n",
        quoted(faults),
        quoted(program)
    )
}

/// A path as one word of the shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built_in;
    use changeover_configuration::load;
    use changeover_model::Redundancy;
    use std::process::Command;

    #[test]
    fn a_wrapped_script_runs_as_it_is_until_a_fault_is_in_force_on_its_host() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let scripts = folder.path().join("it's");
        std::fs::create_dir(&scripts).expect("the folder is ours");
        let script = scripts.join("up.sh");
        std::fs::write(&script, "#!/bin/sh\necho \"$1\"; exit 7\n").expect("the folder is ours");
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))
            .expect("the file is ours");
        let wrapper = folder.path().join("wrapper.sh");
        std::fs::write(&wrapper, text(&script, &folder.path().join(FAULTS)))
            .expect("the folder is ours");
        let run = || {
            let ran = Command::new("sh")
                .arg(&wrapper)
                .arg("a word")
                .env("CHANGEOVER_HOST", "host1")
                .output()
                .expect("sh is part of every Linux");
            let said = String::from_utf8_lossy(&ran.stdout).into_owned();
            (ran.status.code(), said)
        };
        assert_eq!(run(), (Some(7), "a word\n".to_owned()));
        std::fs::create_dir(folder.path().join(FAULTS)).expect("the folder is ours");
        let fault = fault_file(folder.path(), "host1");
        std::fs::write(&fault, "fails\n").expect("the folder is ours");
        assert_eq!(run(), (Some(1), String::new()));
        std::fs::rename(&fault, fault_file(folder.path(), "host2")).expect("ours");
        assert_eq!(run(), (Some(7), "a word\n".to_owned()), "another host's");
    }

    #[test]
    fn the_file_with_wrappers_says_what_the_sites_file_says_but_for_what_is_started() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = built_in::environment(Redundancy::Hot, None, folder.path());
        let mut site = SiteEnvironment {
            loaded: load("linux.yaml", &text).unwrap_or_else(|problems| panic!("{problems}")),
            config: folder.path().join("linux.yaml"),
            home: folder.path().to_owned(),
            control: String::new(),
            stand_ins: Vec::new(),
        };
        put_in(&mut site, folder.path()).expect("the folder is ours");
        let written = std::fs::read_to_string(&site.config).expect("it was written");
        let again = load("drilled.yaml", &written).expect("what show prints can be read");
        assert_eq!(again.environment, site.loaded.environment);
        assert_eq!(wrappable(&site).len(), 4);
        let started = &again.environment.applications["SIP_SERVER_PRIMARY_VIP_UP"].start_info;
        assert!(
            started
                .command_line
                .ends_with("wrapped/SIP_SERVER_PRIMARY_VIP_UP.sh"),
            "{}",
            started.command_line
        );
    }
}
