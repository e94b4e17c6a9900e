//! A process held by its pidfd: its end is seen at once, and a recycled pid is never mistaken for it.

use super::proc_table;
use changeover_model::message::ExitStatus;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, waitid};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A process that cannot be confused with another.
#[derive(Debug)]
pub(crate) struct Watched {
    pid: u32,
    child: bool,
    pidfd: AsyncFd<OwnedFd>,
}

impl Watched {
    /// Watches a child that was just started. It has not been reaped, so its pid is still its own.
    pub(crate) fn child(pid: u32) -> io::Result<Self> {
        Ok(Self {
            pid,
            child: true,
            pidfd: register(open(pid)?)?,
        })
    }

    /// Watches a process started by an earlier life of this agent, if the pid still belongs to it. The pidfd is
    /// opened first and the start time compared then: the other way round the pid could change hands between.
    pub(crate) fn adopt(pid: u32, started: u64) -> io::Result<Option<Self>> {
        let pidfd = match open(pid) {
            Ok(pidfd) => pidfd,
            Err(error)
                if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if proc_table::start_time(pid) != Some(started) {
            return Ok(None);
        }
        Ok(Some(Self {
            pid,
            child: false,
            pidfd: register(pidfd)?,
        }))
    }

    /// Waits for its end. How an adopted process ended nobody can know, unless it became a child of ours when its
    /// parent ended: a program that went into the background did, since this agent is its subreaper.
    pub(crate) async fn ended(&self) -> ExitStatus {
        if self.pidfd.readable().await.is_err() {
            return ExitStatus::Unknown;
        }
        if !self.child {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            return match waitid(WaitId::PidFd(self.pidfd.get_ref().as_fd()), options) {
                Ok(Some(status)) => exit_status(&status),
                Ok(None) | Err(_) => ExitStatus::Unknown,
            };
        }
        // An interrupted wait is tried again; anything else means somebody else reaped it.
        loop {
            match waitid(
                WaitId::PidFd(self.pidfd.get_ref().as_fd()),
                WaitIdOptions::EXITED,
            ) {
                Ok(Some(status)) => return exit_status(&status),
                Err(rustix::io::Errno::INTR) => {}
                Ok(None) | Err(_) => {
                    tracing::warn!(pid = self.pid, "a child's exit status is lost");
                    return ExitStatus::Unknown;
                }
            }
        }
    }
}

fn open(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(pid, PidfdFlags::NONBLOCK)?)
}

#[expect(
    unsafe_code,
    reason = "tokio asks for a promise about the descriptor that only its owner can give"
)]
fn register(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is valid, stays open and names the same pidfd until it is dropped, and the `AsyncFd`
    // owns it for that long.
    unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }.map_err(io::Error::from)
}

fn exit_status(status: &WaitIdStatus) -> ExitStatus {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ExitStatus::Code(code),
        (None, Some(signal)) => ExitStatus::Signal(signal),
        (None, None) => ExitStatus::Unknown,
    }
}
