//! Owns dialling, listening and datagram sockets on the kernel's own network, as [`crate::Network`] offers
//! them. Nothing here knows of an emulator; addresses are `virtual-ip`'s.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::{Datagrams, DialError, NetworkError};

/// Room for datagrams that wait to be received, in bytes; the system gives at most `net.core.rmem_max`.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

pub(crate) async fn listen(at: SocketAddr) -> Result<TcpListener, NetworkError> {
    TcpListener::bind(at)
        .await
        .map_err(|source| NetworkError::Listen { at, source })
}

pub(crate) async fn dial(to: SocketAddr, timeout: Duration) -> Result<TcpStream, DialError> {
    let stream = match tokio::time::timeout(timeout, TcpStream::connect(to)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(dial_error(to, &error)),
        Err(_) => return Err(DialError::TimedOut(to)),
    };
    stream
        .set_nodelay(true)
        .map_err(|error| dial_error(to, &error))?;
    Ok(stream)
}

pub(crate) fn dial_error(to: SocketAddr, error: &io::Error) -> DialError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => DialError::Refused(to),
        io::ErrorKind::TimedOut => DialError::TimedOut(to),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            DialError::NoRoute(to)
        }
        _ => DialError::Other {
            to,
            reason: error.to_string(),
        },
    }
}

/// A UDP socket that may be bound to an address the host does not hold yet (IP_FREEBIND): a backup has it
/// open before the Virtual IP arrives, and nothing is opened during a switchover.
pub(crate) fn datagrams(at: SocketAddr) -> Result<Datagrams, NetworkError> {
    let (address, socket) = open(at).map_err(|source| NetworkError::Datagrams { at, source })?;
    Ok(Datagrams::kernel(address, socket))
}

fn open(at: SocketAddr) -> io::Result<(SocketAddr, UdpSocket)> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    match at {
        SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
        SocketAddr::V6(_) => {
            socket.set_only_v6(true)?;
            socket.set_freebind_v6(true)?;
        }
    }
    // What the system allows of it: the usual 208 KiB are 30 ms of a busy SIP Server's datagrams.
    if let Err(error) = socket.set_recv_buffer_size(RECEIVE_BUFFER) {
        tracing::debug!(%at, %error, "the receive buffer stays as it is");
    }
    socket.set_nonblocking(true)?;
    socket.bind(&at.into())?;
    let socket = UdpSocket::from_std(socket.into())?;
    Ok((socket.local_addr()?, socket))
}
