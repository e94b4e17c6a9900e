//! Owns an emulated Windows host as batch files see it: files of this machine under Windows names, the local clock,
//! programs run within this process, the console. What a script is made of is `batch.rs`'s.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use changeover_emulated_nic::EmulatedNic;
use tokio::runtime::Runtime;

use super::paths::WindowsPath;
use super::{Ended, Program, cscript, words_of};
use crate::batch::{Entry, Machine, Ran, Start, WallTime};
use crate::surroundings::Surroundings;
use crate::terminal::Terminal;

/// Variables of the LCA that a control script is given begin so.
const SCRIPT_VARIABLES: &str = "CHANGEOVER_";
/// The largest file that a script may read.
const LARGEST_FILE: u64 = 64 << 20;

pub(crate) struct WindowsMachine {
    pub(super) nic: EmulatedNic,
    pub(super) surroundings: Surroundings,
    pub(super) runtime: Runtime,
}

impl WindowsMachine {
    /// The host behind `nic`.
    ///
    /// # Errors
    /// When this process cannot wait for anything.
    pub(crate) fn new(nic: EmulatedNic, surroundings: Surroundings) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            nic,
            surroundings,
            runtime,
        })
    }

    /// Where a script begins: its working directory, as Windows writes it.
    pub(crate) fn start_folder(&self) -> String {
        let here = std::env::current_dir().unwrap_or_else(|_| "/".into());
        let here = WindowsPath::of(&here, self.surroundings.folder.as_deref()).shown();
        match &self.surroundings.start_folder {
            Some(folder) => WindowsPath::new(&here, folder).shown(),
            None => here,
        }
    }

    /// The variables that every script finds.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let name = self.nic.host().to_uppercase();
        let mut variables: Vec<(String, String)> = [
            ("ComSpec", "C:\\WINDOWS\\system32\\cmd.exe"),
            ("COMPUTERNAME", name.as_str()),
            ("OS", "Windows_NT"),
            ("Path", "C:\\WINDOWS\\system32;C:\\WINDOWS"),
            ("PATHEXT", ".COM;.EXE;.BAT;.CMD;.VBS"),
            ("SystemDrive", "C:"),
            ("SystemRoot", "C:\\WINDOWS"),
            ("windir", "C:\\WINDOWS"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        variables.extend(std::env::vars().filter(|(name, _)| name.starts_with(SCRIPT_VARIABLES)));
        variables
    }

    /// A path, and where it is on this machine: among what scripts have written, else where the site has it.
    fn path(&self, folder: &str, path: &str) -> (WindowsPath, PathBuf) {
        let path = WindowsPath::new(folder, path);
        if let Some(written) = self.written(&path).filter(|written| written.exists()) {
            return (path, written);
        }
        let real = path.real(self.surroundings.folder.as_deref());
        (path, real)
    }

    /// Where it goes when a script writes it, if that is not where it is read.
    fn written(&self, path: &WindowsPath) -> Option<PathBuf> {
        let folder = self.surroundings.written.as_ref()?;
        Some(
            folder.join(
                path.shown()
                    .to_lowercase()
                    .replace(':', "")
                    .replace('\\', "/"),
            ),
        )
    }

    /// Where a file is written; what the site has of it is taken along.
    fn place_to_write(&self, folder: &str, path: &str) -> io::Result<PathBuf> {
        let path = WindowsPath::new(folder, path);
        let real = path.real(self.surroundings.folder.as_deref());
        let Some(written) = self.written(&path) else {
            return Ok(real);
        };
        if written.exists() {
            return Ok(written);
        }
        // A folder that is not there is no place to write to.
        if let Some(parent) = real.parent()
            && !parent.is_dir()
            && !written.parent().is_some_and(Path::is_dir)
        {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if let Some(parent) = written.parent() {
            std::fs::create_dir_all(parent)?;
        }
        if real.is_file() {
            std::fs::copy(&real, &written)?;
        }
        Ok(written)
    }

    /// Runs a program with the words of a command line; `None`: there is none of that name.
    pub(super) fn program(
        &mut self,
        name: &str,
        words: &[String],
        input: &[u8],
        folder: &str,
    ) -> Option<Start> {
        let program = system_program(name)?;
        if program == Program::Cscript {
            return Some(cscript::run(self, folder, words, cscript::Banner::AsAsked));
        }
        let mut terminal = Terminal::kept();
        let ended = self.runtime.block_on(super::run(
            program,
            &mut terminal,
            &self.nic,
            &self.surroundings,
            words,
            input,
        ));
        let (out, err) = terminal.take();
        Some(match ended {
            Ok(Ended::Code(code)) => Start::Ran(Ran {
                code,
                out: windows_lines(&out),
                err: windows_lines(&err),
            }),
            Ok(Ended::NotCovered(why)) => Start::NotCovered(why),
            Err(error) => Start::Ran(Ran {
                code: 1,
                out: Vec::new(),
                err: format!("{name}: {error}\r\n").into_bytes(),
            }),
        })
    }
}

/// A program of the system: named alone, or by a path into Windows' own folders.
fn system_program(name: &str) -> Option<Program> {
    let lower = name.to_lowercase();
    let (folder, base) = match lower.rfind(['\\', '/']) {
        Some(position) => lower.split_at(position + 1),
        None => ("", lower.as_str()),
    };
    let of_the_system =
        folder.is_empty() || folder.contains("system32") || folder.contains("\\win");
    let base = base
        .strip_suffix(".exe")
        .or_else(|| base.strip_suffix(".com"))
        .unwrap_or(base);
    of_the_system.then(|| Program::by_name(base)).flatten()
}

/// Lines as Windows ends them.
fn windows_lines(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len() + 16);
    for byte in bytes {
        if *byte == b'\n' && lines.last() != Some(&b'\r') {
            lines.push(b'\r');
        }
        lines.push(*byte);
    }
    lines
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "The system cannot find the file specified.",
        io::ErrorKind::PermissionDenied => "Access is denied.",
        _ => "The system cannot find the path specified.",
    }
    .to_owned()
}

impl Machine for WindowsMachine {
    fn now(&self) -> WallTime {
        let now = jiff::Zoned::now();
        let small = |number: i8| u8::try_from(number).unwrap_or(0);
        WallTime {
            year: i32::from(now.year()),
            month: small(now.month()),
            day: small(now.day()),
            weekday: small(now.weekday().to_sunday_zero_offset()),
            hour: small(now.hour()),
            minute: small(now.minute()),
            second: small(now.second()),
            hundredth: u8::try_from(now.millisecond() / 10).unwrap_or(0),
        }
    }

    fn random(&self) -> u16 {
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.subsec_nanos());
        u16::try_from(nanos % 32_768).unwrap_or(0)
    }

    fn look(&self, folder: &str, path: &str) -> (String, Option<Entry>) {
        let (path, real) = self.path(folder, path);
        let entry = real.metadata().ok().map(|found| {
            if found.is_dir() {
                Entry::Folder
            } else {
                Entry::File
            }
        });
        (path.shown(), entry)
    }

    fn read(&self, folder: &str, path: &str) -> Result<Vec<u8>, String> {
        let (_, real) = self.path(folder, path);
        let found = real.metadata().map_err(|error| in_words(&error))?;
        if found.is_dir() || found.len() > LARGEST_FILE {
            return Err("Access is denied.".to_owned());
        }
        std::fs::read(real).map_err(|error| in_words(&error))
    }

    fn write(
        &mut self,
        folder: &str,
        path: &str,
        append: bool,
        bytes: &[u8],
    ) -> Result<(), String> {
        let write = |place: PathBuf| {
            let mut options = std::fs::OpenOptions::new();
            options.create(true).write(true).append(append);
            let mut file = options.truncate(!append).open(place)?;
            file.write_all(bytes)
        };
        self.place_to_write(folder, path)
            .and_then(write)
            .map_err(|error| in_words(&error))
    }

    fn remove(&mut self, folder: &str, path: &str) -> Result<(), String> {
        let (path, real) = self.path(folder, path);
        let own = self.written(&path).is_none_or(|written| written == real);
        if !own && real.exists() {
            // The site's own file stays; a rehearsal only writes beside it.
            return Err("Access is denied.".to_owned());
        }
        std::fs::remove_file(real).map_err(|error| in_words(&error))
    }

    fn make_folder(&mut self, folder: &str, path: &str) -> Result<(), String> {
        let (path, real) = self.path(folder, path);
        if real.exists() {
            return Err(format!(
                "A subdirectory or file {} already exists.",
                path.shown()
            ));
        }
        let place = self.written(&path).unwrap_or(real);
        std::fs::create_dir_all(place).map_err(|error| in_words(&error))
    }

    fn run(&mut self, folder: &str, program: &str, tail: &str, input: &[u8]) -> Start {
        let words = words_of(tail);
        if let Some(start) = self.program(program, &words, input, folder) {
            return start;
        }
        for ending in ["", ".bat", ".cmd", ".vbs"] {
            let name = format!("{program}{ending}");
            let (full, Some(Entry::File)) = self.look(folder, &name) else {
                continue;
            };
            let lower = full.to_lowercase();
            if lower.ends_with(".bat") || lower.ends_with(".cmd") {
                return Start::BatchFile(full);
            }
            if lower.ends_with(".vbs") {
                let mut words = words;
                words.insert(0, full);
                return cscript::run(self, folder, &words, cscript::Banner::Never);
            }
            return Start::NotCovered(format!(
                "`{program}` is a program of its own; emulated hosts run batch files, VBScript and the commands of \
                 the system"
            ));
        }
        Start::Unknown
    }

    fn show(&mut self, out: &[u8], err: &[u8]) {
        let plain = |bytes: &[u8]| -> Vec<u8> {
            let kept = bytes.iter().copied().filter(|byte| *byte != b'\r');
            kept.collect()
        };
        // Whoever read it may have gone; that is no reason to end.
        drop(
            io::stdout()
                .write_all(&plain(out))
                .and_then(|()| io::stdout().flush()),
        );
        drop(io::stderr().write_all(&plain(err)));
    }
}
