//! A program whose exit code decides, in a process group of its own with the run's marker. It speaks into a pipe, unlike
//! servers: it need not outlive this agent, and what it prints must not fill a disk. Its last line is what it said.

use super::Outcome;
use crate::processes::{self, MARKER, Watched};
use changeover_lca_core::StartCheck;
use changeover_model::message::ExitStatus;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::oneshot;

/// A run that prints more has failed: whoever reads so much is kept busy by it.
const MOST_OUTPUT: usize = 1 << 20;
/// What of the output is kept for its last line.
const KEPT: usize = 1_024;
/// How long the pipe of a program that has ended is still read: a child of it may hold it open.
const LAST_WORDS: Duration = Duration::from_millis(50);
/// How long killed processes may take before it is said that they do not end.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// Runs it to its end, or until `ended`; returns when nothing of it is left.
pub(super) async fn run(
    order: &StartCheck,
    command: &str,
    arguments: &[String],
    mut ended: oneshot::Receiver<()>,
) -> Outcome {
    let mut launch = prepare(order, command, arguments);
    let launched = tokio::task::spawn_blocking(move || start(&mut launch)).await;
    let (pid, watched, mut pipe) = match launched {
        Ok(Ok(started)) => started,
        Ok(Err(error)) => return Err(format!("cannot start {command}: {error}")),
        Err(error) => return Err(format!("cannot start {command}: {error}")),
    };
    let marker = marker_of(order);
    let mut output = Output::default();
    let exit = tokio::select! {
        exit = watched.ended() => exit,
        () = output.read(&mut pipe) => {
            end(marker, Some(pid), &order.name).await;
            watched.ended().await;
            return Err(format!("printed more than {} KiB", MOST_OUTPUT >> 10));
        }
        _ = &mut ended => {
            drop(pipe);
            end(marker, Some(pid), &order.name).await;
            watched.ended().await;
            return Err("ended before it answered".to_owned());
        }
    };
    // An error means that a child of it still holds the pipe.
    drop(tokio::time::timeout(LAST_WORDS, output.read_rest(&mut pipe)).await);
    drop(pipe);
    if processes::group_is_there(pid) {
        // Its own number may be another's by now: what it left is found by the marker alone.
        end(marker, None, &order.name).await;
    }
    output.judge(exit)
}

fn marker_of(order: &StartCheck) -> String {
    order
        .environment
        .iter()
        .find(|(name, _)| name == MARKER)
        .map_or_else(|| order.run.to_string(), |(_, value)| value.clone())
}

fn prepare(order: &StartCheck, program: &str, arguments: &[String]) -> Command {
    let folder = Path::new(&order.working_directory);
    let path = Path::new(program);
    let program = if program.contains('/') && path.is_relative() {
        // A relative path means the working directory of the application, not that of this agent.
        let joined = folder.join(path);
        std::path::absolute(&joined).unwrap_or(joined)
    } else {
        PathBuf::from(program)
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(order.environment.iter().map(|(name, value)| (name, value)))
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .env_remove("WATCHDOG_PID")
        .stdin(Stdio::null())
        .process_group(0);
    if !order.working_directory.is_empty() {
        command.current_dir(folder);
    }
    command
}

/// Blocks while the program is loaded.
fn start(command: &mut Command) -> io::Result<(u32, Watched, Receiver)> {
    let (reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let spawned = command.spawn();
    // Our own copies of the writing end go, so that its end can be seen.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let pid = spawned?.id();
    let watched = Watched::child(pid)?;
    let pipe = Receiver::from_owned_fd(OwnedFd::from(reader))?;
    Ok((pid, watched, pipe))
}

async fn end(marker: String, main: Option<u32>, name: &str) {
    let ended =
        tokio::task::spawn_blocking(move || processes::end_all(&marker, main, KILL_LIMIT)).await;
    if !ended.unwrap_or(false) {
        tracing::error!(check = name, "processes of this health check do not end");
    }
}

/// What it prints: counted, and the end of it kept.
#[derive(Debug, Default)]
struct Output {
    count: usize,
    tail: Vec<u8>,
}

impl Output {
    /// Reads until there is too much; never returns before.
    async fn read(&mut self, pipe: &mut Receiver) {
        self.read_rest(pipe).await;
        if self.count <= MOST_OUTPUT {
            // It has closed its output and goes on.
            std::future::pending::<()>().await;
        }
    }

    /// Reads until the end, or until there is too much.
    async fn read_rest(&mut self, pipe: &mut Receiver) {
        let mut buffer = [0; 16 * 1024];
        while self.count <= MOST_OUTPUT {
            let Ok(length @ 1..) = pipe.read(&mut buffer).await else {
                return;
            };
            self.count += length;
            self.tail
                .extend_from_slice(buffer.get(..length).unwrap_or_default());
            let too_much = self.tail.len().saturating_sub(KEPT);
            self.tail.drain(..too_much);
        }
    }

    fn judge(&self, exit: ExitStatus) -> Outcome {
        let text = String::from_utf8_lossy(&self.tail);
        let line = text
            .lines()
            .rev()
            .map(str::trim)
            .find(|line| !line.is_empty());
        let said = line.map_or_else(|| exit.to_string(), |line| format!("{exit}: {line}"));
        if exit == ExitStatus::Code(0) {
            Ok(said)
        } else {
            Err(said)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use changeover_lca_core::RunId;
    use changeover_model::environment::Probe;
    use std::time::Instant;

    async fn shell(name: &str, script: &str, end_after: Option<Duration>) -> (Outcome, Duration) {
        let marker = format!("test/{name}/{}", std::process::id());
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        let order = StartCheck {
            run: RunId(1),
            application: "SERVER".into(),
            name: name.to_owned(),
            probe: Probe::Command {
                command: "sh".to_owned(),
                arguments: arguments.clone(),
            },
            timeout: Duration::from_secs(1),
            working_directory: String::new(),
            environment: vec![(MARKER.to_owned(), marker.clone())],
        };
        let (end, ended) = oneshot::channel();
        let keep = match end_after {
            Some(after) => {
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    end.send(()).expect("it runs until it is told to end");
                });
                None
            }
            None => Some(end),
        };
        let began = Instant::now();
        let outcome = run(&order, "sh", &arguments, ended).await;
        drop(keep);
        assert!(
            !processes::marked_with(&marker),
            "something of {name} is left"
        );
        (outcome, began.elapsed())
    }

    #[tokio::test]
    async fn the_exit_code_decides_and_the_last_line_is_what_it_said() {
        let (good, _) = shell("good", "echo starting; echo 12 calls", None).await;
        assert_eq!(good, Ok("exit 0: 12 calls".to_owned()));
        let (bad, _) = shell("bad", "echo no port left >&2; echo; exit 3", None).await;
        assert_eq!(bad, Err("exit 3: no port left".to_owned()));
        let (silent, _) = shell("silent", "exit 1", None).await;
        assert_eq!(silent, Err("exit 1".to_owned()));
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended_with_what_left_its_group() {
        let script = "trap '' TERM; setsid sleep 600 & sleep 601";
        let (outcome, took) = shell("hangs", script, Some(Duration::from_millis(200))).await;
        assert_eq!(outcome, Err("ended before it answered".to_owned()));
        assert!(took < Duration::from_secs(5), "{took:?}");
    }

    #[tokio::test]
    async fn megabytes_are_cut_short_and_named() {
        let (outcome, took) = shell("megabytes", "exec cat /dev/zero", None).await;
        assert_eq!(outcome, Err("printed more than 1024 KiB".to_owned()));
        assert!(took < Duration::from_secs(5), "{took:?}");
    }

    #[tokio::test]
    async fn a_child_in_the_background_holds_nothing_up() {
        let (outcome, took) = shell("background", "sleep 600 & echo fine", None).await;
        assert_eq!(outcome, Ok("exit 0: fine".to_owned()));
        assert!(took < Duration::from_secs(5), "{took:?}");
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let arguments = Vec::new();
        let order = StartCheck {
            run: RunId(1),
            application: "SERVER".into(),
            name: "missing".to_owned(),
            probe: Probe::Command {
                command: "./no-such-check".to_owned(),
                arguments: arguments.clone(),
            },
            timeout: Duration::from_secs(1),
            working_directory: "/".to_owned(),
            environment: Vec::new(),
        };
        let (_end, ended) = oneshot::channel();
        let outcome = run(&order, "./no-such-check", &arguments, ended).await;
        assert!(
            outcome
                .as_ref()
                .is_err_and(|text| text.starts_with("cannot start ./no-such-check: ")),
            "{outcome:?}"
        );
    }
}
