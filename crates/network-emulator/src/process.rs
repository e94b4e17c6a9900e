//! Owns the emulator as a child process: started with a pipe as its stdin, known to serve once its ready
//! line has come, ended by closing the pipe. A parent that dies closes it as well.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::{EmulatorArguments, EmulatorError, Ready};

/// A running emulator. Dropping it kills it; [`EmulatorProcess::stop`] ends it in order.
#[derive(Debug)]
pub struct EmulatorProcess {
    child: Child,
    stdin: Option<ChildStdin>,
    ready: Ready,
}

impl EmulatorProcess {
    /// Starts `command` (the program and its words before the emulator's own arguments) and waits at most
    /// `wait` for its ready line.
    ///
    /// # Errors
    /// When it cannot be started or ends, or says something else, before it is ready; its own complaint goes
    /// to this process's stderr.
    pub async fn start(
        mut command: Command,
        arguments: &EmulatorArguments,
        wait: Duration,
    ) -> Result<Self, EmulatorError> {
        let mut child = command
            .arg("--site")
            .arg(&arguments.site)
            .arg("--socket")
            .arg(&arguments.socket)
            .arg("--block")
            .arg(&arguments.block)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(EmulatorError::Spawn)?;
        let stdin = child.stdin.take();
        let Some(stdout) = child.stdout.take() else {
            return Err(EmulatorError::NotReady("it has no stdout".into()));
        };
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(wait, lines.next_line())
            .await
            .map_err(|_| EmulatorError::NotReady(format!("nothing was said within {wait:?}")))?
            .map_err(|error| EmulatorError::NotReady(error.to_string()))?
            .ok_or_else(|| EmulatorError::NotReady("it ended first".into()))?;
        let ready = serde_json::from_str(&line)
            .map_err(|error| EmulatorError::NotReady(format!("it said {line:?}: {error}")))?;
        Ok(Self {
            child,
            stdin,
            ready,
        })
    }

    /// What it said when it was ready.
    #[must_use]
    pub const fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The socket it serves: the value of `CHANGEOVER_NETWORK`.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.ready.socket
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Closes its stdin and waits for its end; kills it when `wait` is over.
    ///
    /// # Errors
    /// When it had to be killed or ended with a failure.
    pub async fn stop(mut self, wait: Duration) -> Result<(), EmulatorError> {
        drop(self.stdin.take());
        let ending = |error: std::io::Error| EmulatorError::Ending(error.to_string());
        match tokio::time::timeout(wait, self.child.wait()).await {
            Ok(status) => {
                let status = status.map_err(ending)?;
                if status.success() {
                    Ok(())
                } else {
                    Err(EmulatorError::Ending(status.to_string()))
                }
            }
            Err(_) => {
                self.child.kill().await.map_err(ending)?;
                Err(EmulatorError::Ending(format!(
                    "it did not end within {wait:?} and was killed"
                )))
            }
        }
    }
}
