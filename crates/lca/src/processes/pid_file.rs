//! A pid file: the process that it names, if that is the program that wrote it. A file outlives its program, and a
//! process id is used again, so what it says is never taken on trust.

use super::{environment_of, is_marked, proc_table};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Clock ticks a second, as the kernel counts start times towards user space on every platform of Linux.
const TICKS_PER_SECOND: u64 = 100;
/// Most bytes that are read; a process id is shorter.
const LONGEST: u64 = 64;
/// The clocks of files and of processes are compared no finer than this.
const SLACK: Duration = Duration::from_secs(1);

/// A living process that a pid file names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) pid: u32,
    /// Clock ticks since boot.
    pub(crate) started: u64,
}

/// What a pid file says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PidFile {
    /// There is none.
    Absent,
    /// It names a living process, and nothing speaks against its being the program's.
    Names(Named),
    /// It is not to be trusted; why.
    Stale(String),
}

impl PidFile {
    /// Looks whether the program of this application runs already.
    pub(crate) fn look(path: &Path, application: &str) -> Self {
        let named = match Self::living(path) {
            Ok(Some(named)) => named,
            Ok(None) => return Self::Absent,
            Err(why) => return Self::Stale(why),
        };
        let pid = named.pid;
        match environment_of(pid).get("CHANGEOVER_APPLICATION") {
            Some(of) if of == application => return Self::Names(named),
            Some(of) => return Self::Stale(format!("process {pid} belongs to {of}")),
            None => {}
        }
        // Whoever writes a pid file is there already. A process that began later has the number by chance.
        match (age_of_file(path), age_of_process(named.started)) {
            (Some(file), Some(process)) if process + SLACK < file => Self::Stale(format!(
                "process {pid} began {} s after the file was written, so it is another program",
                (file - process).as_secs()
            )),
            (Some(_), Some(_)) => Self::Names(named),
            (None, _) | (_, None) => Self::Stale(format!(
                "the age of the file or of process {pid} cannot be read"
            )),
        }
    }

    /// Looks for the process that a starter left: one that carries its marker, or began after it.
    pub(crate) fn look_after_start(path: &Path, marker: &str, starter_began: u64) -> Self {
        match Self::living(path) {
            Ok(Some(named)) if is_marked(named.pid, marker) || named.started >= starter_began => {
                Self::Names(named)
            }
            Ok(Some(named)) => Self::Stale(format!(
                "process {} is older than its starter, so it is another program",
                named.pid
            )),
            Ok(None) => Self::Absent,
            Err(why) => Self::Stale(why),
        }
    }

    /// The living process that the file names; `None` without a file.
    fn living(path: &Path) -> Result<Option<Named>, String> {
        use std::io::Read as _;
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("it cannot be read: {error}")),
        };
        let mut text = String::new();
        file.take(LONGEST)
            .read_to_string(&mut text)
            .map_err(|error| format!("it cannot be read: {error}"))?;
        let first = text.lines().next().unwrap_or_default().trim();
        let pid: u32 = first
            .parse()
            .map_err(|_| "it holds no process id".to_owned())?;
        if pid <= 1 || pid == std::process::id() {
            return Err(format!(
                "it names process {pid}, which cannot be the program"
            ));
        }
        match proc_table::entry(pid) {
            Some(entry) if !entry.zombie => Ok(Some(Named {
                pid,
                started: entry.started,
            })),
            Some(_) | None => Err(format!("process {pid} is dead")),
        }
    }
}

fn age_of_file(path: &Path) -> Option<Duration> {
    let written = std::fs::metadata(path).ok()?.modified().ok()?;
    // A file from the future is as new as can be.
    Some(
        SystemTime::now()
            .duration_since(written)
            .unwrap_or_default(),
    )
}

fn age_of_process(started: u64) -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = text.split_ascii_whitespace().next()?.parse().ok()?;
    let began = Duration::from_millis(started.saturating_mul(1_000) / TICKS_PER_SECOND);
    Some(
        Duration::try_from_secs_f64(uptime)
            .ok()?
            .saturating_sub(began),
    )
}

/// A pid file as it is written, where it really is.
pub(crate) fn place(file: &str, working_directory: &str) -> PathBuf {
    let path = Path::new(file);
    if path.is_relative() && !working_directory.is_empty() {
        return Path::new(working_directory).join(path);
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    struct Sleeper(Child);

    impl Sleeper {
        fn new(environment: &[(&str, &str)]) -> Self {
            let mut command = Command::new("sleep");
            command
                .arg("600")
                .envs(environment.iter().copied())
                .stdin(Stdio::null());
            let child = command.spawn().expect("sleep(1) is part of every Linux");
            // The kernel shows the environment a moment after the new program has begun.
            while environment_of(child.id()).is_empty() {
                std::thread::yield_now();
            }
            Self(child)
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            self.0.kill().expect("our child");
            self.0.wait().expect("our child");
        }
    }

    fn file(text: &str, age: Duration) -> tempfile::NamedTempFile {
        use std::io::Write as _;
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("it is ours");
        file.as_file()
            .set_modified(SystemTime::now() - age)
            .expect("it is ours");
        file
    }

    #[test]
    fn a_process_older_than_the_file_that_names_it_is_the_program() {
        let sleeper = Sleeper::new(&[]);
        let file = file(&format!("{}\n", sleeper.0.id()), Duration::ZERO);
        let PidFile::Names(named) = PidFile::look(file.path(), "PROXY") else {
            panic!("{:?}", PidFile::look(file.path(), "PROXY"));
        };
        assert_eq!(named.pid, sleeper.0.id());
    }

    #[test]
    fn a_number_that_another_program_has_by_now_is_named_and_not_trusted() {
        let sleeper = Sleeper::new(&[]);
        let pid = sleeper.0.id();
        let old = file(&pid.to_string(), Duration::from_secs(100));
        let said = PidFile::look(old.path(), "PROXY");
        assert!(
            matches!(&said, PidFile::Stale(why) if why.contains("another program")),
            "{said:?}"
        );
        let other = Sleeper::new(&[("CHANGEOVER_APPLICATION", "RECORDER")]);
        let file = file(&other.0.id().to_string(), Duration::ZERO);
        assert_eq!(
            PidFile::look(file.path(), "PROXY"),
            PidFile::Stale(format!("process {} belongs to RECORDER", other.0.id()))
        );
    }

    #[test]
    fn a_dead_process_no_number_and_no_file_are_told_apart() {
        let dead = {
            let sleeper = Sleeper::new(&[]);
            sleeper.0.id()
        };
        let file_of = |text: &str| file(text, Duration::ZERO);
        let said = |text: &str| PidFile::look(file_of(text).path(), "PROXY");
        assert_eq!(
            said(&dead.to_string()),
            PidFile::Stale(format!("process {dead} is dead"))
        );
        assert_eq!(
            said("none"),
            PidFile::Stale("it holds no process id".to_owned())
        );
        assert_eq!(
            said("1"),
            PidFile::Stale("it names process 1, which cannot be the program".to_owned())
        );
        assert_eq!(
            PidFile::look(Path::new("/nowhere/x.pid"), "PROXY"),
            PidFile::Absent
        );
    }

    #[test]
    fn after_a_start_only_what_came_of_it_counts() {
        let sleeper = Sleeper::new(&[("CHANGEOVER_RUN", "test/host1/7")]);
        let file = file(&sleeper.0.id().to_string(), Duration::ZERO);
        let later = proc_table::start_time(sleeper.0.id()).expect("it lives") + 1_000;
        assert!(matches!(
            PidFile::look_after_start(file.path(), "test/host1/7", later),
            PidFile::Names(_)
        ));
        assert!(matches!(
            PidFile::look_after_start(file.path(), "test/host1/8", later),
            PidFile::Stale(_)
        ));
    }
}
