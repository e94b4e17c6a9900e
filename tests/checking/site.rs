//! A site in a temporary folder, and the binary run there.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder with a site in it.
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder }
    }

    /// A new Linux site whose VIP is moved by shell scripts, as `changeover new` writes it.
    pub(crate) fn linux() -> Self {
        let this = Self::empty();
        let words = [
            "new",
            "site",
            "--platform",
            "linux",
            "--redundancy",
            "hot",
            "--control-scripts",
            "shell",
        ];
        let (code, said) = this.run(&words);
        assert_eq!(code, Some(0), "{said}");
        this
    }

    /// A shipped example with its scripts.
    pub(crate) fn example(name: &str, scripts: &str) -> Self {
        let this = Self::empty();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/examples");
        this.write("site.yaml", &read(&examples.join(name)));
        let from = examples.join(scripts);
        for entry in std::fs::read_dir(&from).expect("the example's scripts") {
            let path = entry.expect("an entry").path();
            let to = this.path(scripts).join(path.file_name().expect("a name"));
            std::fs::create_dir_all(this.path(scripts)).expect("ours");
            std::fs::copy(&path, to).expect("ours");
        }
        this
    }

    /// A path below the site.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("site").join(name)
    }

    /// Writes a file of the site; one that is there keeps its mode.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder above")).expect("ours");
        std::fs::write(path, text).expect("ours");
    }

    /// Replaces a text that must be there.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = read(&self.path(name));
        assert!(text.contains(from), "{name} has no `{from}`");
        self.write(name, &text.replace(from, to));
    }

    /// Adds to the end of a file.
    pub(crate) fn add(&self, name: &str, more: &str) {
        let text = read(&self.path(name));
        self.write(name, &format!("{text}{more}"));
    }

    /// Runs `changeover` beside the site; exit code and stdout.
    pub(crate) fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_changeover"))
            .args(words)
            .current_dir(self.folder.path())
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        (output.status.code(), format!("{said}{complained}"))
    }

    /// What `check` finds: exit code, names of rules, the whole answer.
    pub(crate) fn check(&self, more: &[&str]) -> (Option<i32>, BTreeSet<String>, Value) {
        let mut words = vec!["check", "site/site.yaml", "--format", "json"];
        words.extend(more);
        let (code, said) = self.run(&words);
        let answer: Value =
            serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
        let findings = answer["findings"].as_array().cloned().unwrap_or_default();
        let rules = findings
            .iter()
            .map(|one| one["rule"].as_str().expect("a name").to_owned());
        (code, rules.collect(), answer)
    }

    /// Every file of the site with its text.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.path("")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("ours") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = std::fs::read(&path).expect("ours");
                    found.push((path, text));
                }
            }
        }
        found.sort();
        found
    }
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
