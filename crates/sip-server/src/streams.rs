//! SIP over TCP on the kernel's network: connections that peers open, and those that this server opens to a Contact.
//! Bounds: connections, bytes of a message that is not complete, time without a complete message.

use crate::datagrams::Gate;
use changeover_component::Handle;
use changeover_sip_core::{Framer, Peer, SipCore, SipInput, Transport};
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;

/// Most connections at a time.
const MOST: usize = 4_096;
/// Most messages that wait on a connection whose peer does not read.
const QUEUE: usize = 256;
/// A connection that has not completed its first message, or the one it began, is closed after this time.
const UNFINISHED: Duration = Duration::from_secs(32);
/// A connection without a message for this long is closed; its peer opens another when it has something to say.
const IDLE: Duration = Duration::from_secs(3_600);
/// How long a peer may take to accept a connection.
const DIAL: Duration = Duration::from_secs(5);
/// Pause before a listener that was refused is opened again.
const REOPEN: Duration = Duration::from_secs(2);

type Open = BTreeMap<SocketAddr, mpsc::Sender<Vec<u8>>>;

/// All connections. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Streams {
    at: SocketAddr,
    gate: Gate,
    open: Arc<Mutex<Open>>,
}

impl Streams {
    pub(crate) fn new(at: SocketAddr, gate: Gate) -> Self {
        Self {
            at,
            gate,
            open: Arc::default(),
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing in it can be half done when a thread panics.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts connections until the server ends.
    pub(crate) async fn listen(self, handle: Handle<SipCore>) {
        loop {
            match listener(self.at) {
                Ok(listener) => self.accept(listener, &handle).await,
                Err(error) => {
                    tracing::warn!(at = %self.at, %error, "SIP over TCP cannot be listened for; trying again");
                }
            }
            tokio::time::sleep(REOPEN).await;
        }
    }

    async fn accept(&self, listener: TcpListener, handle: &Handle<SipCore>) {
        loop {
            match listener.accept().await {
                Ok((stream, from)) if self.open().len() < MOST => {
                    let outgoing = self.register(from);
                    tokio::spawn(self.clone().carry(stream, from, outgoing, handle.clone()));
                }
                Ok((_, from)) => tracing::debug!(%from, "too many SIP connections; refused"),
                Err(error) => {
                    tracing::warn!(%error, "accepting SIP connections failed");
                    return;
                }
            }
        }
    }

    fn register(&self, peer: SocketAddr) -> mpsc::Receiver<Vec<u8>> {
        let (queue, outgoing) = mpsc::channel(QUEUE);
        self.open().insert(peer, queue);
        outgoing
    }

    /// Sends on the connection of a peer, or on a new one.
    pub(crate) fn send(&self, to: SocketAddr, bytes: Vec<u8>, handle: &Handle<SipCore>) {
        let bytes = match self
            .open()
            .get(&to)
            .map(|queue| queue.try_send(bytes.clone()))
        {
            Some(Ok(())) => return,
            Some(Err(mpsc::error::TrySendError::Full(_))) => {
                tracing::debug!(%to, "a SIP connection whose peer does not read");
                return;
            }
            Some(Err(mpsc::error::TrySendError::Closed(bytes))) => bytes,
            None => bytes,
        };
        if self.open().len() >= MOST {
            return failed(handle, to);
        }
        let outgoing = self.register(to);
        let queued = self.open().get(&to).map(|queue| queue.try_send(bytes));
        if !matches!(queued, Some(Ok(()))) {
            return failed(handle, to);
        }
        tokio::spawn(self.clone().dial(to, outgoing, handle.clone()));
    }

    async fn dial(
        self,
        to: SocketAddr,
        outgoing: mpsc::Receiver<Vec<u8>>,
        handle: Handle<SipCore>,
    ) {
        match tokio::time::timeout(DIAL, dialled(self.at, to)).await {
            Ok(Ok(stream)) => self.carry(stream, to, outgoing, handle).await,
            Ok(Err(error)) => {
                tracing::debug!(%to, %error, "a SIP connection cannot be opened");
                self.open().remove(&to);
                failed(&handle, to);
            }
            Err(_) => {
                self.open().remove(&to);
                failed(&handle, to);
            }
        }
    }

    /// Carries messages of one connection until it ends.
    async fn carry(
        self,
        mut stream: TcpStream,
        peer: SocketAddr,
        mut outgoing: mpsc::Receiver<Vec<u8>>,
        handle: Handle<SipCore>,
    ) {
        let mut framer = Framer::default();
        let mut buffer = vec![0; 16 * 1024];
        let mut heard = false;
        loop {
            let patience = if heard && !framer.is_within_a_message() {
                IDLE
            } else {
                UNFINISHED
            };
            tokio::select! {
                read = tokio::time::timeout(patience, stream.read(&mut buffer)) => {
                    let length = match read {
                        Ok(Ok(length)) if length > 0 => length,
                        Ok(_) | Err(_) => break,
                    };
                    let Ok(messages) = framer.push(buffer.get(..length).unwrap_or_default()) else {
                        break;
                    };
                    heard |= !messages.is_empty();
                    for bytes in messages {
                        let transport = Transport::Tcp;
                        let input = SipInput::Received { transport, from: peer, bytes };
                        if handle.input(input).await.is_err() {
                            return;
                        }
                    }
                }
                next = outgoing.recv() => {
                    let Some(bytes) = next else { break };
                    if self.gate.is_open() && stream.write_all(&bytes).await.is_err() {
                        break;
                    }
                }
            }
        }
        self.open().remove(&peer);
        failed(&handle, peer);
    }
}

/// Nothing more reaches this peer over its connection.
fn failed(handle: &Handle<SipCore>, address: SocketAddr) {
    let to = Peer {
        transport: Transport::Tcp,
        address,
    };
    if !handle.try_input(SipInput::SendFailed { to }) {
        tracing::debug!(%address, "the core is busy; the end of a connection is not told");
    }
}

/// A listener on an address the host may not hold yet.
fn listener(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = freebound(at)?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}

async fn dialled(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = freebound(SocketAddr::new(from.ip(), 0))?;
    let stream = TcpSocket::from_std_stream(socket.into())
        .connect(to)
        .await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn freebound(at: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    match at {
        SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
        SocketAddr::V6(_) => {
            socket.set_only_v6(true)?;
            socket.set_freebind_v6(true)?;
        }
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&at.into())?;
    Ok(socket)
}
