//! Where the file of a control script is, and what can be said of it without starting it.

use changeover_configuration::ScriptFile;
use changeover_emulated_host::find_script;
use changeover_model::OperatingSystem;
use changeover_model::environment::{Application, Host};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

/// No control script is longer; what is behind it is not looked at.
const MOST_BYTES: u64 = 1 << 20;

/// A script's file on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) path: PathBuf,
    pub(crate) file: ScriptFile,
    /// It is there, and a host of its platform would start it.
    pub(crate) can_be_started: bool,
}

/// The file of an application's command line. `None` where nothing can be said: a program out of PATH, or a folder that
/// is on the site's hosts only.
pub(crate) fn look(application: &Application, host: &Host, home: &Path) -> Option<Look> {
    let info = &application.start_info;
    let (folder, command) = (info.working_directory.as_str(), info.command_line.as_str());
    if command.is_empty() || command == "vipctl" {
        return None;
    }
    let windows = host.os == OperatingSystem::Windows;
    let shown = |path: &Path| {
        path.strip_prefix(home)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    let path = if windows {
        windows_path(home, host, folder, command)?
    } else {
        unix_path(home, folder, command)?
    };
    let Some((text, mode)) = read(&path) else {
        let file = ScriptFile::Missing { path: shown(&path) };
        return Some(Look {
            path,
            file,
            can_be_started: false,
        });
    };
    let executable = mode & 0o111 != 0;
    let file = ScriptFile::Found {
        path: shown(&path),
        text,
        executable,
    };
    let can_be_started = windows || (executable && file.first_line_fault().is_none());
    Some(Look {
        path,
        file,
        can_be_started,
    })
}

fn unix_path(home: &Path, folder: &str, command: &str) -> Option<PathBuf> {
    if !command.contains('/') {
        return None;
    }
    let directory = home.join(folder);
    let path: PathBuf = directory
        .join(command)
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    let beside =
        !folder.is_empty() && Path::new(folder).is_relative() && Path::new(command).is_relative();
    // A folder of the site's hosts that this machine does not have says nothing about them.
    (beside || path.parent().is_some_and(Path::is_dir)).then_some(path)
}

fn windows_path(home: &Path, host: &Host, folder: &str, command: &str) -> Option<PathBuf> {
    let disk = home.join("hosts").join(host.name.as_str());
    if let Some(found) = find_script(home, &disk, folder, command) {
        return Some(found);
    }
    let on_a_drive = folder.contains(':') || command.contains(':');
    (!folder.is_empty() && !on_a_drive && !command.contains(['%', ' '])).then(|| {
        home.join(folder.replace('\\', "/"))
            .join(command.replace('\\', "/"))
    })
}

fn read(path: &Path) -> Option<(String, u32)> {
    let file = std::fs::File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Some((text, metadata.permissions().mode()))
}
