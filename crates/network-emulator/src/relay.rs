//! Owns connections between two hosts: the dial, which succeeds, is refused or stays silent as the subnet
//! says, and the relay behind it, which goes silent while either NIC is unplugged: nothing is delivered,
//! neither bytes nor an end; what was sent waits, bounded by the sockets' own buffers. Routes are decided in
//! [`crate::Subnet`].

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use changeover_emulated_nic::protocol::Dialled;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::emulator::Shared;
use crate::{Path, Route, Silence, Station};

/// Linux gives up on an ARP request after three tries, one second apart.
const ARP_GIVES_UP: Duration = Duration::from_secs(3);
/// How often a dial looks again where nothing changed: an ARP entry may have run out.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a relay waits for its one connection.
const PICK_UP: Duration = Duration::from_secs(10);
/// Bytes that a relay carries at once in each direction.
const CHUNK: usize = 64 << 10;

/// Why a dial could not be carried out at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RelayError {
    #[error(transparent)]
    Block(#[from] crate::BlockError),
    #[error("a relay to {to} could not be set up: {source}")]
    SetUp { to: SocketAddr, source: io::Error },
}

/// Connects a host with a site address, whenever the subnet lets it; a caller that gives up drops this.
pub(crate) async fn dial(
    shared: &Arc<Shared>,
    host: usize,
    to: SocketAddr,
) -> Result<Dialled, RelayError> {
    match reach_port(shared, host, to).await {
        None => Ok(Dialled::NoRoute),
        Some(Reached::Local) => {
            let real = shared.place(host, to.ip())?;
            Ok(Dialled::Direct(SocketAddr::new(real, to.port())))
        }
        Some(Reached::Via(path)) => connect(shared, host, path, to).await,
    }
}

/// How an address was reached.
pub(crate) enum Reached {
    Local,
    Via(Path),
}

/// Waits until a packet of the host reaches the address; `None` when there is no way, or nobody has it.
pub(crate) async fn reach(shared: &Shared, host: usize, to: IpAddr) -> Option<Reached> {
    reach_port(shared, host, SocketAddr::new(to, 0)).await
}

async fn reach_port(shared: &Shared, host: usize, to: SocketAddr) -> Option<Reached> {
    let own = shared.change(|subnet, _| subnet.own_address(host));
    let from = SocketAddr::new(own.unwrap_or(IpAddr::from([0, 0, 0, 0])), 0);
    let mut changes = shared.changes.subscribe();
    let mut unanswered_since = None;
    loop {
        changes.borrow_and_update();
        let route = shared
            .change(|subnet, now| subnet.route_flow(now, Station::Host(host), from, to, true));
        match route {
            Route::Local => return Some(Reached::Local),
            Route::Via(path) => return Some(Reached::Via(path)),
            Route::NoRoute => return None,
            Route::Silent(Silence::NobodyAnswers) => {
                let since = *unanswered_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= ARP_GIVES_UP {
                    return None;
                }
            }
            Route::Silent(
                Silence::SenderUnplugged
                | Silence::HolderUnplugged
                | Silence::NotHeld
                | Silence::SharedMac,
            ) => unanswered_since = None,
        }
        // Whichever comes first, a change or the time to look again.
        drop(tokio::time::timeout(LOOK_AGAIN, changes.changed()).await);
    }
}

async fn connect(
    shared: &Arc<Shared>,
    host: usize,
    path: Path,
    to: SocketAddr,
) -> Result<Dialled, RelayError> {
    let set_up = |source| RelayError::SetUp { to, source };
    let real = SocketAddr::new(shared.place(path.target(), to.ip())?, to.port());
    let source = shared
        .change(|subnet, _| subnet.own_address(host))
        .map(|own| shared.real(own))
        .transpose()?;
    let socket = TcpSocket::new_v4().map_err(set_up)?;
    if let Some(source) = source {
        // The peer sees who calls, as on a real network.
        socket.bind(SocketAddr::new(source, 0)).map_err(set_up)?;
    }
    let far = match socket.connect(real).await {
        Ok(far) => far,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            return Ok(Dialled::Refused);
        }
        Err(error) => return Err(set_up(error)),
    };
    let listener = TcpListener::bind(SocketAddr::new(shared.relay, 0))
        .await
        .map_err(set_up)?;
    let at = listener.local_addr().map_err(set_up)?;
    let gate = Gate {
        shared: Arc::clone(shared),
        changes: shared.changes.subscribe(),
        path,
    };
    shared.start_relay(async move {
        match tokio::time::timeout(PICK_UP, listener.accept()).await {
            Ok(Ok((near, _))) => {
                drop(listener);
                relay(near, far, gate).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, %to, "a relay was not picked up"),
            Err(_) => tracing::debug!(%to, "a relay was not picked up in time"),
        }
    });
    Ok(Dialled::Relay(at))
}

/// Whether bytes pass now, and the wait for the next change of that.
struct Gate {
    shared: Arc<Shared>,
    changes: watch::Receiver<u64>,
    path: Path,
}

impl Clone for Gate {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            changes: self.changes.clone(),
            path: self.path,
        }
    }
}

impl Gate {
    /// Waits until both NICs are plugged. An emulator that ends leaves it waiting, and the relay with it.
    async fn open(&mut self) {
        loop {
            self.changes.borrow_and_update();
            if self.shared.change(|subnet, _| subnet.is_open(&self.path)) {
                return;
            }
            self.change().await;
        }
    }

    async fn change(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// How one direction ended.
#[derive(PartialEq, Eq)]
enum End {
    /// In order: the other direction may go on.
    Finished,
    /// By a reset: the other side gets one too.
    Broken,
}

/// Carries bytes both ways until both have ended.
async fn relay(mut near: TcpStream, mut far: TcpStream, gate: Gate) {
    for stream in [&near, &far] {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a relay's connection is gone already");
        }
    }
    let broken = {
        let (near_read, near_write) = near.split();
        let (far_read, far_write) = far.split();
        let forth = pump(near_read, far_write, gate.clone());
        let back = pump(far_read, near_write, gate);
        tokio::pin!(forth, back);
        tokio::select! {
            end = &mut forth => end == End::Broken || back.await == End::Broken,
            end = &mut back => end == End::Broken || forth.await == End::Broken,
        }
    };
    if broken {
        for stream in [&near, &far] {
            // Closing with no time to linger is what sends a reset.
            if let Err(error) = stream.set_zero_linger() {
                tracing::debug!(%error, "a broken connection cannot be reset");
            }
        }
    }
}

async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut gate: Gate) -> End {
    let mut buffer = vec![0; CHUNK];
    loop {
        gate.open().await;
        let read = from.read(&mut buffer).await;
        // The cable may have been pulled while nothing came: hold what came after that.
        gate.open().await;
        let mut rest = match read {
            Ok(0) => {
                return match to.shutdown().await {
                    Ok(()) => End::Finished,
                    Err(_) => End::Broken,
                };
            }
            Ok(length) => buffer.get(..length).unwrap_or_default(),
            Err(_) => return End::Broken,
        };
        while !rest.is_empty() {
            gate.open().await;
            tokio::select! {
                written = to.write(rest) => match written {
                    Ok(length) if length > 0 => rest = rest.get(length..).unwrap_or_default(),
                    Ok(_) | Err(_) => return End::Broken,
                },
                () = gate.change() => {}
            }
        }
    }
}
