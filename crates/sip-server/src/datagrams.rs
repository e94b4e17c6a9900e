//! The UDP socket on the VIP: a task that receives and opens the socket again when it is lost, and one that sends. A
//! server that is not primary sends nothing, also not what was queued a moment before.

use crate::metrics::Said;
use changeover_component::Handle;
use changeover_emulated_nic::{DatagramSender, Datagrams, Network, NetworkError};
use changeover_sip_core::{SipCore, SipInput, Transport};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Most datagrams that wait to be sent; a network that takes none loses them anyway.
const QUEUE: usize = 16_384;
/// Pause before a lost or refused socket is opened again.
const REOPEN: Duration = Duration::from_millis(250);

/// How long the other server of a single host may take to let go of the SIP address.
const LETS_GO: Duration = Duration::from_secs(2);
/// Pause between two attempts meanwhile.
const TRY_AGAIN: Duration = Duration::from_millis(5);

/// Whether this server may send. Shared by everything that does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<AtomicBool>);

impl Gate {
    pub(crate) fn set(&self, open: bool) {
        self.0.store(open, Ordering::SeqCst);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The way out.
#[derive(Clone, Debug)]
pub(crate) struct Outbound {
    queue: mpsc::Sender<(SocketAddr, Vec<u8>)>,
}

/// The other end of [`Outbound`], until the socket's task takes it.
pub(crate) type Queued = mpsc::Receiver<(SocketAddr, Vec<u8>)>;

impl Outbound {
    pub(crate) fn new() -> (Self, Queued) {
        let (queue, queued) = mpsc::channel(QUEUE);
        (Self { queue }, queued)
    }

    /// Queues a datagram; one more than fit is lost, as on any network.
    pub(crate) fn send(&self, to: SocketAddr, bytes: Vec<u8>) {
        if self.queue.try_send((to, bytes)).is_err() {
            tracing::debug!(%to, "the sending queue is full; a datagram is lost");
        }
    }
}

/// When the socket is to be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Open,
    Closed,
}

/// Whether it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketState {
    /// Not needed at present.
    Closed,
    Open,
    /// It cannot be opened.
    Failed,
}

/// Everything that the socket's task needs.
pub(crate) struct Socket {
    pub(crate) network: Network,
    pub(crate) at: SocketAddr,
    pub(crate) handle: Handle<SipCore>,
    pub(crate) gate: Gate,
    pub(crate) said: Said,
    pub(crate) wanted: watch::Receiver<Wanted>,
    /// Another server on this host lets go of the same address a moment before this one wants it.
    pub(crate) takes_over: bool,
    pub(crate) state: watch::Sender<SocketState>,
}

impl Socket {
    /// Receives and sends until the server ends.
    pub(crate) async fn run(mut self, mut queued: Queued) {
        loop {
            if *self.wanted.borrow_and_update() == Wanted::Closed {
                self.state.send_replace(SocketState::Closed);
                if self.wanted.changed().await.is_err() {
                    return;
                }
                continue;
            }
            match self.opened().await {
                Ok(socket) => {
                    self.state.send_replace(SocketState::Open);
                    if self.serve(socket, &mut queued).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(at = %self.at, %error, "the SIP socket cannot be opened; trying again");
                    self.state.send_replace(SocketState::Failed);
                    tokio::time::sleep(REOPEN).await;
                }
            }
        }
    }

    /// Opens the socket. Where the other server of this host may still have it, it is tried again for a while before
    /// that is a failure.
    async fn opened(&self) -> Result<Datagrams, NetworkError> {
        let end = tokio::time::Instant::now() + LETS_GO;
        loop {
            let opened = self.network.datagrams(self.at).await;
            let late = !self.takes_over || tokio::time::Instant::now() >= end;
            if opened.is_ok() || late || *self.wanted.borrow() == Wanted::Closed {
                return opened;
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Until the socket is lost or no longer wanted; an error when the server has ended.
    async fn serve(&mut self, mut socket: Datagrams, queued: &mut Queued) -> Result<(), Ended> {
        let sender = socket.sender();
        loop {
            tokio::select! {
                received = socket.receive() => match received {
                    Ok(datagram) => {
                        if !self.gate.is_open() {
                            self.said.unanswered();
                        }
                        let input = SipInput::Received {
                            transport: Transport::Udp,
                            from: datagram.from,
                            bytes: datagram.payload,
                        };
                        self.handle.input(input).await.map_err(|_| Ended)?;
                    }
                    Err(error) => {
                        tracing::warn!(%error, at = %self.at, "the SIP socket is lost; opening it again");
                        self.state.send_replace(SocketState::Failed);
                        return Ok(());
                    }
                },
                next = queued.recv() => {
                    let (to, bytes) = next.ok_or(Ended)?;
                    self.transmit(&sender, to, &bytes).await;
                }
                changed = self.wanted.changed() => {
                    changed.map_err(|_| Ended)?;
                    if *self.wanted.borrow() == Wanted::Closed {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn transmit(&self, sender: &DatagramSender, to: SocketAddr, bytes: &[u8]) {
        if !self.gate.is_open() {
            return;
        }
        if let Err(error) = sender.send(to, bytes).await {
            tracing::debug!(%error, %to, "a datagram could not be sent: the VIP is not here any more");
        }
    }
}

struct Ended;
