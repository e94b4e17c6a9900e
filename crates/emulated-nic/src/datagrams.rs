//! Owns datagram sockets on a site's address, the Virtual IP above all: what arrives carries its source and
//! its destination, and what is sent leaves from the socket's own address. On the kernel's network this is a
//! UDP socket that may be bound before the host holds the address; on the emulated one the emulator owns the
//! real socket and hands datagrams over to the host that neighbours reach under the address.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::Mutex;

use crate::emulated::{lost, next_frame, unexpected};
use crate::framing::{FrameReader, FrameWriter, decode_json};
use crate::protocol::{Answer, Request};
use crate::{EmulatedNic, Frame, NetworkError};

/// The longest payload of a UDP datagram over IPv4, in bytes.
const LONGEST_PAYLOAD: usize = 65_507;

/// One datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it: a site address, or the real loopback address of a client outside the site.
    pub from: SocketAddr,
    /// The address it was sent to.
    pub to: SocketAddr,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// A datagram socket on a site's address.
#[derive(Debug)]
pub struct Datagrams {
    at: SocketAddr,
    receiving: Receiving,
    sending: Sending,
}

#[derive(Debug)]
enum Receiving {
    Kernel {
        socket: Arc<UdpSocket>,
        buffer: Vec<u8>,
    },
    Emulated(FrameReader),
}

#[derive(Debug, Clone)]
enum Sending {
    Kernel(Arc<UdpSocket>),
    Emulated(Arc<Mutex<FrameWriter>>),
}

/// The sending side of [`Datagrams`], for tasks beside the one that receives.
#[derive(Debug, Clone)]
pub struct DatagramSender {
    at: SocketAddr,
    sending: Sending,
}

impl Datagrams {
    pub(crate) fn kernel(at: SocketAddr, socket: UdpSocket) -> Self {
        let socket = Arc::new(socket);
        Self {
            at,
            receiving: Receiving::Kernel {
                socket: Arc::clone(&socket),
                buffer: vec![0; LONGEST_PAYLOAD + 1],
            },
            sending: Sending::Kernel(socket),
        }
    }

    pub(crate) async fn emulated(nic: &EmulatedNic, at: SocketAddr) -> Result<Self, NetworkError> {
        let operation = format!("opening a datagram socket on {at}");
        let mut conversation = nic.converse(&operation, Request::Datagrams { at }).await?;
        match conversation.answer().await? {
            Answer::Opened { at } => Ok(Self {
                at,
                receiving: Receiving::Emulated(conversation.reader),
                sending: Sending::Emulated(Arc::new(Mutex::new(conversation.writer))),
            }),
            other => Err(unexpected(&operation, &other)),
        }
    }

    /// The site's address the socket is on, its port filled in.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.at
    }

    /// Waits for the next datagram. Cancelling loses none.
    ///
    /// # Errors
    /// When the socket, or the connection to the emulator, is lost; open a new one then.
    pub async fn receive(&mut self) -> Result<Datagram, NetworkError> {
        match &mut self.receiving {
            Receiving::Kernel { socket, buffer } => {
                let (length, from) = socket
                    .recv_from(buffer)
                    .await
                    .map_err(|source| transfer(self.at, source))?;
                Ok(Datagram {
                    from,
                    to: self.at,
                    payload: buffer.get(..length).unwrap_or_default().to_vec(),
                })
            }
            Receiving::Emulated(reader) => match next_frame(reader, "receiving datagrams").await? {
                Frame::Datagram(datagram) => Ok(datagram),
                Frame::Json(text) => Err(match decode_json::<Answer>(&text) {
                    Ok(Answer::Refused(reason)) => NetworkError::Refused {
                        operation: "receiving datagrams".into(),
                        reason,
                    },
                    Ok(other) => unexpected("receiving datagrams", &other),
                    Err(error) => lost("receiving datagrams", &error),
                }),
            },
        }
    }

    /// Sends from the socket's own address. As with any UDP socket, nobody says whether it arrives.
    ///
    /// # Errors
    /// When the system refuses: on the kernel's network also while the host does not hold the address.
    pub async fn send(&self, to: SocketAddr, payload: &[u8]) -> Result<(), NetworkError> {
        self.sending.send(self.at, to, payload).await
    }

    /// A handle that sends from the same socket.
    #[must_use]
    pub fn sender(&self) -> DatagramSender {
        DatagramSender {
            at: self.at,
            sending: self.sending.clone(),
        }
    }
}

impl DatagramSender {
    /// As [`Datagrams::send`].
    ///
    /// # Errors
    /// As there.
    pub async fn send(&self, to: SocketAddr, payload: &[u8]) -> Result<(), NetworkError> {
        self.sending.send(self.at, to, payload).await
    }
}

impl Sending {
    async fn send(
        &self,
        at: SocketAddr,
        to: SocketAddr,
        payload: &[u8],
    ) -> Result<(), NetworkError> {
        if payload.len() > LONGEST_PAYLOAD {
            let reason = format!("{} bytes do not fit into a datagram", payload.len());
            let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, reason);
            return Err(transfer(at, source));
        }
        match self {
            Self::Kernel(socket) => socket
                .send_to(payload, to)
                .await
                .map(drop)
                .map_err(|source| transfer(at, source)),
            Self::Emulated(writer) => {
                let mut writer = writer.lock().await;
                let sent = async {
                    writer.queue_datagram(at, to, payload)?;
                    writer.flush().await
                };
                sent.await
                    .map_err(|error| lost("sending a datagram", &error))
            }
        }
    }
}

fn transfer(at: SocketAddr, source: std::io::Error) -> NetworkError {
    NetworkError::Transfer { at, source }
}
