//! Owns the emulator's start and end as a process: arguments, the ready line, and the rule that it ends with
//! its parent. What it does in between is [`crate::Emulator`].

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use crate::{BlockError, Emulator, SiteDescription, SiteError};

/// Arguments of the emulator.
#[derive(Debug, Clone, clap::Args)]
pub struct EmulatorArguments {
    /// The site on the emulated subnet: a JSON file
    #[arg(long, value_name = "FILE")]
    pub site: PathBuf,
    /// The Unix socket to serve; components find it by CHANGEOVER_NETWORK
    #[arg(long, value_name = "PATH")]
    pub socket: PathBuf,
    /// The loopback addresses that stand for those of the site
    #[arg(long, value_name = "127.X.Y.0/24")]
    pub block: String,
}

/// The one line on stdout once everything is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Always true.
    pub ready: bool,
    /// The socket it serves.
    pub socket: PathBuf,
    /// Its block.
    pub block: String,
    /// The site's addresses and where they are on this machine.
    pub addresses: BTreeMap<IpAddr, IpAddr>,
}

/// Why the emulator could not be started or ended.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The site description could not be read.
    #[error("cannot read the site description {path}: {source}")]
    ReadSite {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no site description.
    #[error("{path} is no site description: {source}")]
    ParseSite {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// It contradicts itself.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// The block cannot be used.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// Another process serves the socket.
    #[error("{0} is served by another emulator; end that one or choose another --socket")]
    SocketInUse(PathBuf),
    /// The socket cannot be opened.
    #[error("cannot serve {path}: {source}")]
    Serve {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A Virtual IP's datagram port cannot be opened.
    #[error("cannot open UDP {real}, which stands for {at}: {source}; is the block another run's?")]
    Port {
        /// The site's address.
        at: std::net::SocketAddr,
        /// The real one.
        real: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The runtime or its signals.
    #[error("cannot set the emulator up: {0}")]
    Runtime(#[source] std::io::Error),
    /// The child process could not be started.
    #[error("cannot start the emulator: {0}")]
    Spawn(#[source] std::io::Error),
    /// The child process did not come up.
    #[error("the emulator did not become ready: {0}")]
    NotReady(String),
    /// The child process did not end well.
    #[error("the emulator did not end well: {0}")]
    Ending(String),
}

/// Runs the emulator until stdin closes or SIGTERM arrives (SIGINT too, if stdin is a terminal: otherwise a
/// Ctrl-C is its parent's to handle, which may still need it). One [`Ready`] line goes to stdout.
///
/// # Errors
/// When the description, the block or the socket is unusable.
pub fn run(arguments: &EmulatorArguments) -> Result<(), EmulatorError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(EmulatorError::Runtime)?;
    let done = runtime.block_on(serve(arguments));
    runtime.shutdown_background();
    done
}

async fn serve(arguments: &EmulatorArguments) -> Result<(), EmulatorError> {
    let path = arguments.site.clone();
    let text = std::fs::read(&path).map_err(|source| EmulatorError::ReadSite {
        path: path.clone(),
        source,
    })?;
    let site: SiteDescription = serde_json::from_slice(&text)
        .map_err(|source| EmulatorError::ParseSite { path, source })?;
    let mut terminate = signal(SignalKind::terminate()).map_err(EmulatorError::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(EmulatorError::Runtime)?;
    let by_hand = std::io::stdin().is_terminal();

    let emulator = Emulator::start(&site, &arguments.socket, arguments.block.parse()?).await?;
    print_ready(&emulator.ready())?;
    let parent = parent_gone();
    tokio::pin!(parent);
    loop {
        tokio::select! {
            () = &mut parent => break,
            _ = terminate.recv() => break,
            _ = interrupt.recv() => if by_hand { break },
        }
    }
    drop(emulator);
    Ok(())
}

fn print_ready(ready: &Ready) -> Result<(), EmulatorError> {
    let line =
        serde_json::to_string(ready).map_err(|error| EmulatorError::NotReady(error.to_string()))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(EmulatorError::Runtime)
}

/// Waits for the end of stdin on a thread of its own: a blocked read there must not hold up the end.
async fn parent_gone() {
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        // However stdin ends, nobody is left at its other end.
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        drop(sender);
    });
    drop(receiver.await);
}
