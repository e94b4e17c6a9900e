//! Owns the end of every run, whatever became of the rehearsal: a process that holds the other end of a pipe and
//! takes the run down when the pipe closes, which a kill -9 of the rehearsal does as surely as its normal end.
//! What belongs to a run is known by its id: processes by a marker in their environment (`processes.rs`),
//! namespaces by name (`namespaces.rs`), and by name its folder, with the one in memory. At the next start [`sweep`] removes what a run left whose
//! janitor was ended as well.

mod mounts;
mod namespaces;
mod processes;

use crate::arguments::JANITOR_COMMAND;
use crate::trouble::Trouble;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

pub(crate) use namespaces::namespace_name;
pub(crate) use processes::{Ended, end_process, in_namespace, signal_process};

/// Marks every process of a run; children inherit it, also those that a Local Control Agent starts.
pub(crate) const RUN_MARKER: &str = "CHANGEOVER_RUN_ID";
/// Marks the janitor of a run, by which others see that the run is looked after.
const JANITOR_MARKER: &str = "CHANGEOVER_JANITOR_OF";
/// Start of the name of a run's folder.
const FOLDER_PREFIX: &str = "changeover-run-";
/// A folder in memory on every Linux, where sockets and fast state lie as systemd's runtime folders do.
const MEMORY: &str = "/dev/shm";
/// Who started the run: process id and start time.
const OWNER_FILE: &str = "owner";
/// In the runtime folder: a link to the run's folder, wherever that is.
const FOLDER_LINK: &str = "folder";
/// A janitor that was started says so within this time.
const READY_WAIT: Duration = Duration::from_secs(10);
/// Taking everything down takes no longer.
const FINISH_WAIT: Duration = Duration::from_secs(30);

/// A run: its id and its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) folder: PathBuf,
}

impl Run {
    /// A new id; nothing is made yet.
    pub(crate) fn new() -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let id = id.get(..8).unwrap_or("00000000").to_owned();
        let folder = std::env::temp_dir().join(format!("{FOLDER_PREFIX}{id}"));
        Self { id, folder }
    }

    /// Where its components have their runtime folders.
    pub(crate) fn runtime(&self) -> PathBuf {
        let in_memory = Path::new(MEMORY);
        if rustix::fs::access(in_memory, rustix::fs::Access::WRITE_OK).is_ok() {
            in_memory.join(format!("{FOLDER_PREFIX}{}", self.id))
        } else {
            self.folder.join("run")
        }
    }
}

/// The janitor of a run, seen from the rehearsal. Dropping it closes the pipe.
#[derive(Debug)]
pub(crate) struct Janitor {
    child: Child,
    answers: BufReader<ChildStdout>,
    run: Run,
}

impl Janitor {
    /// Starts the janitor, then makes the run's folder: nothing of a run exists that nobody looks after.
    ///
    /// # Errors
    /// When the process cannot be started or does not come up, or the folder cannot be made.
    pub(crate) async fn start(program: &Path, run: Run) -> Result<Self, Trouble> {
        let start = |source| Trouble::Start {
            what: "the run's janitor".to_owned(),
            source,
        };
        let mut child = Command::new(program)
            .args([JANITOR_COMMAND, "--run", &run.id, "--folder"])
            .arg(&run.folder)
            .env(JANITOR_MARKER, &run.id)
            .env_remove(RUN_MARKER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(start)?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| start(std::io::Error::other("no standard output")))?;
        let mut answers = BufReader::new(stdout);
        let mut line = String::new();
        tokio::time::timeout(READY_WAIT, answers.read_line(&mut line))
            .await
            .map_err(|_| Trouble::TooLong {
                what: "the start of the run's janitor".to_owned(),
                bound: READY_WAIT,
            })?
            .map_err(start)?;
        if line.trim() != "ready" {
            return Err(start(std::io::Error::other(format!(
                "it said {line:?} instead of ready"
            ))));
        }
        make_folder(&run)?;
        Ok(Self {
            child,
            answers,
            run,
        })
    }

    /// The run it looks after.
    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// Closes the pipe and waits until everything is taken down.
    ///
    /// # Errors
    /// When something was left, or the janitor took too long.
    pub(crate) async fn finish(mut self) -> Result<(), Trouble> {
        drop(self.child.stdin.take());
        let mut said = String::new();
        let done = async {
            self.answers.read_to_string(&mut said).await?;
            self.child.wait().await
        };
        match tokio::time::timeout(FINISH_WAIT, done).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(Trouble::TakeDown(format!("{} ({status})", said.trim()))),
            Ok(Err(error)) => Err(Trouble::TakeDown(error.to_string())),
            Err(_) => Err(Trouble::TakeDown(format!(
                "the janitor is not done after {}",
                changeover_model::show_duration(FINISH_WAIT)
            ))),
        }
    }
}

/// The janitor process itself: says that it is there, waits for the end of its standard input, takes the run down.
/// Returns what is left, one line each.
pub(crate) fn keep(run: &Run) -> Vec<String> {
    // Out of the terminal's session: its Ctrl-C and its end concern the rehearsal, whose end concerns us.
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "no session of its own");
    }
    say("ready");
    wait_for_the_end(&mut std::io::stdin().lock());
    take_down(run)
}

/// Answers the rehearsal, if it still listens.
pub(crate) fn say(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("nobody listens to the janitor");
    }
}

/// Reads until nobody is left at the other end.
fn wait_for_the_end(input: &mut impl std::io::Read) {
    let mut scrap = [0_u8; 64];
    loop {
        match input.read(&mut scrap) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Ends every process of the run, removes its namespaces and its folders. Says what could not be removed.
pub(crate) fn take_down(run: &Run) -> Vec<String> {
    let mut left = processes::end_all_marked(RUN_MARKER, &run.id);
    left.extend(namespaces::remove_all(&run.id));
    left.extend(mounts::remove_below(&run.folder));
    for folder in [run.runtime(), run.folder.clone()] {
        if let Err(error) = std::fs::remove_dir_all(&folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            left.push(format!("the folder {}: {error}", folder.display()));
        }
    }
    left
}

/// Removes what runs have left whose janitor and owner are gone. Says what it found.
pub(crate) fn sweep() -> Vec<String> {
    let mut found: Vec<Run> = folders_of_runs(&std::env::temp_dir());
    for Run { id, folder } in folders_of_runs(Path::new(MEMORY)) {
        if let Ok(folder) = std::fs::read_link(folder.join(FOLDER_LINK))
            && !found.iter().any(|run| run.id == id)
        {
            found.push(Run { id, folder });
        }
    }
    let marked = processes::values_of(RUN_MARKER)
        .into_iter()
        .chain(namespaces::runs());
    for id in marked {
        if !found.iter().any(|run| run.id == id) {
            let folder = std::env::temp_dir().join(format!("{FOLDER_PREFIX}{id}"));
            found.push(Run { id, folder });
        }
    }
    // Read last: a run begins with its janitor, so whatever was found above has one by now, or had one.
    let looked_after = processes::values_of(JANITOR_MARKER);
    found.retain(|run| !looked_after.contains(&run.id) && !owner_lives(run));
    found
        .iter()
        .flat_map(|run| {
            let left = take_down(run);
            std::iter::once(format!("removed what the run {} had left behind", run.id)).chain(left)
        })
        .collect()
}

fn folders_of_runs(place: &Path) -> Vec<Run> {
    let Ok(entries) = std::fs::read_dir(place) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| {
            let id = entry
                .file_name()
                .to_str()?
                .strip_prefix(FOLDER_PREFIX)?
                .to_owned();
            let own = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            own.then(|| Run {
                id,
                folder: entry.path(),
            })
        })
        .collect()
}

/// Makes the run's folder, which names its owner.
pub(crate) fn make_folder(run: &Run) -> Result<(), Trouble> {
    use std::os::unix::fs::DirBuilderExt as _;
    for folder in [run.folder.clone(), run.runtime()] {
        std::fs::DirBuilder::new()
            .mode(0o755)
            .create(&folder)
            .map_err(Trouble::file("make the run's folder", &folder))?;
    }
    let link = run.runtime().join(FOLDER_LINK);
    std::os::unix::fs::symlink(&run.folder, &link).map_err(Trouble::file("make", &link))?;
    let owner = run.folder.join(OWNER_FILE);
    let me = std::process::id();
    let text = format!("{me} {}\n", processes::start_time(me).unwrap_or_default());
    std::fs::write(&owner, text).map_err(Trouble::file("write", &owner))
}

fn owner_lives(run: &Run) -> bool {
    let mut text = String::new();
    let read = std::fs::File::open(run.folder.join(OWNER_FILE))
        .and_then(|mut file| file.read_to_string(&mut text));
    if read.is_err() {
        return false;
    }
    let mut words = text.split_whitespace().map(str::parse::<u64>);
    match (words.next(), words.next()) {
        (Some(Ok(pid)), Some(Ok(started))) => {
            u32::try_from(pid).is_ok_and(|pid| processes::start_time(pid) == Some(started))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    /// A process that ignores SIGTERM, in a session of its own, with a child: what an application may do.
    fn stubborn(run: &Run) -> Child {
        Command::new("setsid")
            .args(["sh", "-c", "trap '' TERM INT HUP; sleep 600 & sleep 600"])
            .env(RUN_MARKER, &run.id)
            .spawn()
            .expect("setsid(1) and sh are part of every Linux")
    }

    #[test]
    fn when_the_pipe_closes_every_process_of_the_run_ends_and_its_folder_goes() {
        let run = Run::new();
        make_folder(&run).expect("a folder in the temporary folder");
        std::fs::write(run.folder.join("state"), "x").expect("the folder is ours");
        let other = Run::new();
        make_folder(&other).expect("a folder in the temporary folder");
        let (mut ours, mut theirs) = (stubborn(&run), stubborn(&other));
        let (reader, writer) = std::io::pipe().expect("a pipe");

        let keeper = {
            let run = run.clone();
            std::thread::spawn(move || {
                let mut reader = reader;
                wait_for_the_end(&mut reader);
                take_down(&run)
            })
        };
        assert!(
            ours.try_wait().expect("our child").is_none(),
            "nothing happens while the pipe is open"
        );
        drop(writer);

        assert_eq!(
            keeper.join().expect("no panic"),
            Vec::<String>::new(),
            "nothing is left"
        );
        assert!(!ours.wait().expect("our child").success(), "killed");
        assert!(!run.folder.exists() && !run.runtime().exists());
        assert_eq!(
            processes::values_of(RUN_MARKER)
                .into_iter()
                .filter(|id| *id == run.id)
                .count(),
            0
        );
        assert!(
            theirs.try_wait().expect("our child").is_none(),
            "another run goes on"
        );
        assert_eq!(take_down(&other), Vec::<String>::new());
        theirs.wait().expect("our child");
    }

    #[test]
    fn a_run_whose_owner_lives_is_not_stale_and_one_without_is() {
        let run = Run::new();
        make_folder(&run).expect("a folder in the temporary folder");
        assert!(owner_lives(&run));
        std::fs::write(
            run.folder.join(OWNER_FILE),
            format!("{} 1\n", std::process::id()),
        )
        .expect("the folder is ours");
        assert!(!owner_lives(&run), "the number is another process's by now");
        assert_eq!(take_down(&run), Vec::<String>::new());
    }
}
