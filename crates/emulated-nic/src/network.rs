//! Owns the choice between the kernel's network and an emulated one, made once when a component starts, and
//! the operations that differ: addresses, listening, dialling, asking whether a host answers, datagrams. The
//! kernel's side is in `kernel.rs`, the emulated one talks to the emulator through [`EmulatedNic`].

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use changeover_virtual_ip::Addresses;
use tokio::net::{TcpListener, TcpStream};

use crate::emulated::unexpected;
use crate::protocol::{Answer, Dialled, Request};
use crate::{Datagrams, DialError, EmulatedNic, NetworkError, kernel};

/// Names the emulator's socket; a process without it uses the kernel's network.
pub const NETWORK_VARIABLE: &str = "CHANGEOVER_NETWORK";
/// Names the emulated host that the process runs on.
pub const NETWORK_HOST_VARIABLE: &str = "CHANGEOVER_NETWORK_HOST";

/// The network this process lives on. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Network {
    /// The machine's own.
    Kernel,
    /// One host of an emulated subnet.
    Emulated(EmulatedNic),
}

impl Network {
    /// The kernel's network unless `CHANGEOVER_NETWORK` is set.
    ///
    /// # Errors
    /// When the variables are incomplete or the emulator cannot be reached.
    pub async fn from_environment() -> Result<Self, NetworkError> {
        let Some(socket) = std::env::var_os(NETWORK_VARIABLE) else {
            return Ok(Self::Kernel);
        };
        let host = std::env::var(NETWORK_HOST_VARIABLE).map_err(|_| NetworkError::HostNotNamed)?;
        Self::connect(&PathBuf::from(socket), &host).await
    }

    /// The emulated network behind `socket`, as its host `host` has it.
    ///
    /// # Errors
    /// When the emulator cannot be reached or has no such host.
    pub async fn connect(socket: &Path, host: &str) -> Result<Self, NetworkError> {
        Ok(Self::Emulated(EmulatedNic::connect(socket, host).await?))
    }

    /// The addresses of this host.
    ///
    /// # Errors
    /// When the kernel's netlink cannot be opened.
    pub async fn addresses(&self) -> Result<Arc<dyn Addresses>, NetworkError> {
        match self {
            Self::Kernel => {
                let kernel = changeover_virtual_ip::Kernel::open()?;
                // Opened before the night: the first announcement then costs no more than the others.
                if let Err(error) = kernel.hold_sockets() {
                    tracing::debug!(%error, "announcements will open their socket when they need it");
                }
                Ok(Arc::new(kernel))
            }
            Self::Emulated(nic) => Ok(Arc::new(nic.clone())),
        }
    }

    /// A TCP listener for a site's address. On the emulated network it stands on the real address that the
    /// emulator keeps for it; loopback addresses are the machine's own on both.
    ///
    /// # Errors
    /// When the address is taken, not held (kernel), or unspecified (emulated).
    pub async fn listen(&self, at: SocketAddr) -> Result<TcpListener, NetworkError> {
        match self {
            Self::Emulated(nic) if !at.ip().is_loopback() => {
                let operation = format!("finding the place of {at}");
                let request = Request::Place { address: at.ip() };
                match nic.ask(&operation, request).await? {
                    Answer::Real(real) => kernel::listen(SocketAddr::new(real, at.port())).await,
                    other => Err(unexpected(&operation, &other)),
                }
            }
            Self::Kernel | Self::Emulated(_) => kernel::listen(at).await,
        }
    }

    /// Connects to a site's address within `timeout`; the stream sends small writes at once (TCP_NODELAY).
    ///
    /// # Errors
    /// See [`DialError`]; on the emulated network a pulled cable on either side ends in
    /// [`DialError::TimedOut`].
    pub async fn dial(&self, to: SocketAddr, timeout: Duration) -> Result<TcpStream, DialError> {
        match self {
            Self::Emulated(nic) if !to.ip().is_loopback() => {
                tokio::time::timeout(timeout, dial_emulated(nic, to, timeout))
                    .await
                    .unwrap_or(Err(DialError::TimedOut(to)))
            }
            Self::Kernel | Self::Emulated(_) => kernel::dial(to, timeout).await,
        }
    }

    /// Asks whether the host at an address answers at all. The kernel's network is asked by a connection to
    /// the port, so that [`DialError::Refused`] is a sign of life just as `Ok` is.
    ///
    /// # Errors
    /// See [`DialError`], and [`DialError::heard`].
    pub async fn echo(&self, to: SocketAddr, timeout: Duration) -> Result<(), DialError> {
        match self {
            Self::Emulated(nic) if !to.ip().is_loopback() => echo_emulated(nic, to.ip(), timeout)
                .await
                .map_err(|error| match error {
                    None => DialError::NoRoute(to),
                    Some(error) => dial_lost(to, &error),
                }),
            Self::Kernel | Self::Emulated(_) => kernel::dial(to, timeout).await.map(drop),
        }
    }

    /// A datagram socket on a site's address, which the host need not hold yet.
    ///
    /// # Errors
    /// When the address and port are taken on this host, or unusable.
    pub async fn datagrams(&self, at: SocketAddr) -> Result<Datagrams, NetworkError> {
        match self {
            Self::Emulated(nic) if !at.ip().is_loopback() => Datagrams::emulated(nic, at).await,
            Self::Kernel | Self::Emulated(_) => kernel::datagrams(at),
        }
    }

    /// The emulated host this process runs on; `None` on the kernel's network.
    #[must_use]
    pub fn emulated_host(&self) -> Option<&str> {
        match self {
            Self::Kernel => None,
            Self::Emulated(nic) => Some(nic.host()),
        }
    }
}

async fn dial_emulated(
    nic: &EmulatedNic,
    to: SocketAddr,
    timeout: Duration,
) -> Result<TcpStream, DialError> {
    let answer = nic
        .ask_within("dialling", Request::Dial { to }, timeout)
        .await
        .map_err(|error| dial_lost(to, &error))?;
    let at = match answer {
        Answer::Dialled(Dialled::Relay(at) | Dialled::Direct(at)) => at,
        Answer::Dialled(Dialled::Refused) => return Err(DialError::Refused(to)),
        Answer::Dialled(Dialled::NoRoute) => return Err(DialError::NoRoute(to)),
        other => {
            let reason = unexpected("dialling", &other).to_string();
            return Err(DialError::Other { to, reason });
        }
    };
    let stream = TcpStream::connect(at)
        .await
        .map_err(|error| kernel::dial_error(to, &error))?;
    stream
        .set_nodelay(true)
        .map_err(|error: io::Error| kernel::dial_error(to, &error))?;
    Ok(stream)
}

/// `Err(None)`: nobody on the network can have that address.
async fn echo_emulated(
    nic: &EmulatedNic,
    to: IpAddr,
    timeout: Duration,
) -> Result<(), Option<NetworkError>> {
    let answer = nic
        .ask_within("asking for an echo", Request::Echo { to }, timeout)
        .await;
    match answer.map_err(Some)? {
        Answer::Done => Ok(()),
        Answer::Dialled(Dialled::NoRoute) => Err(None),
        other => Err(Some(unexpected("asking for an echo", &other))),
    }
}

/// The emulator answers a dial or an echo only when the peer does, so a conversation without answer is a
/// time-out; anything else is trouble with the emulator itself.
fn dial_lost(to: SocketAddr, error: &NetworkError) -> DialError {
    match error {
        NetworkError::NoAnswer { .. } => DialError::TimedOut(to),
        other => DialError::Other {
            to,
            reason: other.to_string(),
        },
    }
}
