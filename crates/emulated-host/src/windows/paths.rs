//! Owns where the files of an emulated Windows host are: drive `Z:` is this machine's own root, as compatibility
//! layers have it; every other drive is a folder of the host's own (`hosts/NAME/C`). Names are found in any case.

use std::path::{Component, Path, PathBuf};

/// The drive that stands for this machine's root.
const ROOT_DRIVE: char = 'Z';

/// A Windows path in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WindowsPath {
    drive: char,
    parts: Vec<String>,
}

impl WindowsPath {
    /// The path as seen from `folder`, which is one in full or empty.
    pub(super) fn new(folder: &str, path: &str) -> Self {
        let mut this = Self {
            drive: ROOT_DRIVE,
            parts: Vec::new(),
        };
        for text in [folder, path] {
            this.go(text.trim().trim_matches('"'));
        }
        this
    }

    fn go(&mut self, path: &str) {
        let mut rest = path;
        let mut letters = path.chars();
        if let (Some(drive), Some(':')) = (letters.next(), letters.next())
            && drive.is_ascii_alphabetic()
        {
            let drive = drive.to_ascii_uppercase();
            rest = letters.as_str();
            if drive != self.drive || rest.starts_with(['\\', '/']) {
                self.parts.clear();
            }
            self.drive = drive;
        } else if path.starts_with(['\\', '/']) {
            self.parts.clear();
        }
        for part in rest.split(['\\', '/']) {
            match part {
                "" | "." => {}
                ".." => {
                    self.parts.pop();
                }
                part => self.parts.push(part.to_owned()),
            }
        }
    }

    /// As Windows writes it.
    pub(super) fn shown(&self) -> String {
        format!("{}:\\{}", self.drive, self.parts.join("\\"))
    }

    /// Where it is on this machine; a name that is not there in any case stays as it is written.
    pub(super) fn real(&self, host_folder: Option<&Path>) -> PathBuf {
        let mut real = match (self.drive, host_folder) {
            (ROOT_DRIVE, _) => PathBuf::from("/"),
            (drive, Some(folder)) => existing(folder.to_owned(), &drive.to_string()),
            // Such a drive is nowhere.
            (drive, None) => PathBuf::from(format!("/nonexistent/{drive}")),
        };
        for part in &self.parts {
            real = existing(real, part);
        }
        real
    }

    /// The Windows path of a file of this machine.
    pub(super) fn of(real: &Path, host_folder: Option<&Path>) -> Self {
        let names = |path: &Path| -> Vec<String> {
            path.components()
                .filter_map(|part| match part {
                    Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
                    Component::Prefix(_)
                    | Component::RootDir
                    | Component::CurDir
                    | Component::ParentDir => None,
                })
                .collect()
        };
        if let Some(inside) = host_folder.and_then(|folder| real.strip_prefix(folder).ok()) {
            let mut parts = names(inside);
            if let Some(drive) = parts.first().and_then(|first| first.chars().next())
                && parts.first().is_some_and(|first| first.len() == 1)
            {
                parts.remove(0);
                return Self {
                    drive: drive.to_ascii_uppercase(),
                    parts,
                };
            }
        }
        Self {
            drive: ROOT_DRIVE,
            parts: names(real),
        }
    }
}

/// The entry of a folder by a name in any case.
fn existing(folder: PathBuf, name: &str) -> PathBuf {
    let exact = folder.join(name);
    if exact.symlink_metadata().is_ok() {
        return exact;
    }
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name())
        .filter(|entry| entry.to_string_lossy().to_lowercase() == name.to_lowercase())
        .collect();
    // The same one every time where two differ in nothing but case.
    names.sort();
    names.first().map_or(exact, |found| folder.join(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_from_the_folder_the_drive_or_the_root() {
        let full = |folder, path| WindowsPath::new(folder, path).shown();
        assert_eq!(full("C:\\gcti\\ha", "Ping.vbs"), "C:\\gcti\\ha\\Ping.vbs");
        assert_eq!(
            full("C:\\gcti\\ha", "..\\logs/x.log"),
            "C:\\gcti\\logs\\x.log"
        );
        assert_eq!(full("C:\\gcti", "\\temp"), "C:\\temp");
        assert_eq!(full("C:\\gcti", "d:\\x"), "D:\\x");
        assert_eq!(full("C:\\gcti", "c:logs"), "C:\\gcti\\logs");
        assert_eq!(full("", "/tmp/x"), "Z:\\tmp\\x");
    }

    #[test]
    fn names_are_found_in_any_case_and_drives_are_folders_of_the_host() {
        let folder = tempfile::tempdir().expect("a folder");
        let scripts = folder.path().join("C/Scripts");
        std::fs::create_dir_all(&scripts).expect("ours");
        std::fs::write(scripts.join("HA_IP_ON.bat"), "").expect("ours");
        let path = WindowsPath::new("C:\\SCRIPTS", "ha_ip_on.BAT");
        let real = path.real(Some(folder.path()));
        assert_eq!(real, scripts.join("HA_IP_ON.bat"));
        let back = WindowsPath::of(&real, Some(folder.path()));
        assert_eq!(back.shown(), "C:\\Scripts\\HA_IP_ON.bat");
        assert_eq!(WindowsPath::of(Path::new("/a/b"), None).shown(), "Z:\\a\\b");
    }
}
