//! OS commands on the SCS's host: run by `/bin/sh -c` in a process group of their own, killed with the group
//! when their time is over. Output is drained as it comes, and only its tail is kept.

use changeover_reaction_engine::LocalCommand;
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout_at};

/// Most bytes of output that are kept.
const TAIL: usize = 4096;
/// After the command's end: until whatever still has its output open is no longer listened to. A command that
/// leaves a daemon behind must not keep its reaction waiting.
const LINGER: Duration = Duration::from_millis(200);

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// Its output could not be set up.
    #[error("no pipe for the command's output: {0}")]
    Pipe(std::io::Error),
    /// The shell was not started.
    #[error("/bin/sh was not started: {0}")]
    Start(std::io::Error),
    /// Its end could not be waited for.
    #[error("the command's end cannot be waited for: {0}")]
    Wait(std::io::Error),
    /// It ended badly.
    #[error("{status}{}", quoted(.tail))]
    Failed {
        /// `exit 3`, `signal 9`.
        status: String,
        /// End of its output.
        tail: String,
    },
    /// It did not end in time.
    #[error("killed with all its processes after {limit} s{}", quoted(.tail))]
    TimedOut {
        /// Seconds it was given.
        limit: u64,
        /// End of its output.
        tail: String,
    },
}

/// Runs a command to its end; exit code 0 is success.
pub(super) async fn run(command: LocalCommand) -> Result<String, CommandError> {
    let deadline = Instant::now() + command.timeout;
    let (mut child, mut output) = started(&command)?;
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let mut tail = Tail::default();
    let ended = timeout_at(deadline, tail.fill_until(&mut output, child.wait())).await;
    let Ok(status) = ended else {
        kill(group);
        // The group is dead: the shell's end comes at once.
        let reaped = child.wait().await;
        if let Err(error) = reaped {
            return Err(CommandError::Wait(error));
        }
        return Err(CommandError::TimedOut {
            limit: command.timeout.as_secs(),
            tail: tail.text(),
        });
    };
    let status = status.map_err(CommandError::Wait)?;
    if timeout_at(Instant::now() + LINGER, tail.fill(&mut output))
        .await
        .is_err()
    {
        tracing::debug!("a process that the command left behind keeps its output open");
    }
    let tail = tail.text();
    if status.success() {
        Ok(format!("exit 0{}", quoted(&tail)))
    } else {
        Err(CommandError::Failed {
            status: shown(status),
            tail,
        })
    }
}

fn started(command: &LocalCommand) -> Result<(Child, Receiver), CommandError> {
    let (reader, writer) = std::io::pipe().map_err(CommandError::Pipe)?;
    let errors = writer.try_clone().map_err(CommandError::Pipe)?;
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(&command.command_line)
        .envs(command.environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(errors)
        .process_group(0)
        .kill_on_drop(true);
    let child = shell.spawn().map_err(CommandError::Start)?;
    // Our own ends of the writing side must go, or the output never ends.
    drop(shell);
    let output = Receiver::from_owned_fd(OwnedFd::from(reader)).map_err(CommandError::Pipe)?;
    Ok((child, output))
}

fn kill(group: Option<Pid>) {
    if let Some(group) = group
        && let Err(error) = kill_process_group(group, Signal::KILL)
    {
        tracing::warn!(%error, "a command that ran too long could not be killed");
    }
}

fn shown(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "exit unknown".to_owned(),
    }
}

/// ` (last line)`, or nothing.
fn quoted(tail: &str) -> String {
    match tail.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => {
            let line: String = line.trim().chars().take(120).collect();
            format!(" ({})", line.escape_debug())
        }
        None => String::new(),
    }
}

/// The last bytes of an output.
#[derive(Default)]
struct Tail(VecDeque<u8>);

impl Tail {
    /// Takes output until `end` has come; its result.
    async fn fill_until<T>(&mut self, output: &mut Receiver, end: impl Future<Output = T>) -> T {
        tokio::pin!(end);
        tokio::select! {
            // The end first: output that never stops must not hide it.
            biased;
            result = &mut end => return result,
            () = self.fill(output) => {}
        }
        end.await
    }

    /// Takes output until there is no more.
    async fn fill(&mut self, output: &mut Receiver) {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = output.read(&mut buffer).await {
            self.0.extend(&buffer[..length]);
            let surplus = self.0.len().saturating_sub(TAIL);
            self.0.drain(..surplus);
        }
    }

    fn text(&self) -> String {
        let bytes: Vec<u8> = self.0.iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ran(command_line: &str, timeout: Duration) -> Result<String, String> {
        run(LocalCommand {
            command_line: command_line.to_owned(),
            environment: vec![("CHANGEOVER_PAIR".to_owned(), "SIP_EAST".to_owned())],
            timeout,
        })
        .await
        .map_err(|error| error.to_string())
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_command_gets_its_variables_and_its_last_line_is_the_evidence() {
        assert_eq!(
            ran("echo first; echo for $CHANGEOVER_PAIR >&2", LONG).await,
            Ok("exit 0 (for SIP_EAST)".to_owned())
        );
        assert_eq!(ran("true", LONG).await, Ok("exit 0".to_owned()));
    }

    #[tokio::test]
    async fn a_bad_end_is_named() {
        assert_eq!(
            ran("echo no such disk; exit 3", LONG).await,
            Err("exit 3 (no such disk)".to_owned())
        );
        assert_eq!(ran("kill -9 $$", LONG).await, Err("signal 9".to_owned()));
        let missing = ran("/does/not/exist 2>/dev/null", LONG).await;
        assert_eq!(missing, Err("exit 127".to_owned()));
    }

    #[tokio::test]
    async fn megabytes_of_output_leave_their_tail() {
        let command = "head -c 5000000 /dev/zero | tr '\\0' x; echo; echo the end";
        assert_eq!(ran(command, LONG).await, Ok("exit 0 (the end)".to_owned()));
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_killed_with_its_children() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("child");
        let command = format!(
            "sleep 300 & echo $! > {}; echo waiting; wait",
            file.display()
        );
        let ended = ran(&command, Duration::from_secs(1)).await;
        assert_eq!(
            ended,
            Err("killed with all its processes after 1 s (waiting)".to_owned())
        );
        let child = std::fs::read_to_string(file).expect("the child's pid");
        // SIGKILL takes effect when the kernel next runs the process; until its new parent has reaped it, it then
        // shows as a zombie.
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        let give_up = Instant::now() + LONG;
        while stat().is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(Instant::now() < give_up, "it lives on: {:?}", stat());
            std::thread::yield_now();
        }
    }

    #[tokio::test]
    async fn a_daemon_left_behind_keeps_nobody_waiting() {
        let before = Instant::now();
        let ended = ran("sleep 3 & echo started", LONG).await;
        assert_eq!(ended, Ok("exit 0 (started)".to_owned()));
        assert!(before.elapsed() < Duration::from_secs(2));
    }
}
