//! The bytes under HTTP/2, the same for servers and clients: TCP, TLS or a Unix socket. A connection can be cut
//! from outside at once, whatever HTTP/2 still wants to say to a peer that may be gone, and remembers what went
//! wrong on it, because the layers above keep only words. Who opens connections: `server.rs` and `dial.rs`.

use crate::identity::Peer;
use crate::tls::Sides;
use socket2::{SockRef, TcpKeepalive};
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// With this byte a TLS server begins to refuse somebody who speaks something else.
const TLS_ALERT: u8 = 0x15;

/// Any byte stream.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// Sockets of vanished peers end after this, if nobody noticed before: unanswered data or keepalives.
const VANISHED_AFTER: Duration = Duration::from_secs(20);

/// Small writes go out at once, and the socket does not outlive its peer for long.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(Duration::from_secs(10))
            .with_interval(Duration::from_secs(5)),
    )?;
    socket.set_tcp_user_timeout(Some(VANISHED_AFTER))
}

/// Waits until the switch is turned, or whoever could turn it is gone.
pub(crate) async fn turned(mut switch: watch::Receiver<bool>) {
    drop(switch.wait_for(|turned| *turned).await);
}

/// The first thing that went wrong on a connection, shared with whoever watches it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble {
    first: Arc<Mutex<Option<TroubleKind>>>,
    sides: Option<Sides>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TroubleKind {
    /// The peer refused our certificate after the handshake, or the like.
    Tls(String),
    /// Reading or writing failed.
    Broken(String),
}

impl Trouble {
    pub(crate) fn get(&self) -> Option<TroubleKind> {
        self.first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, error: &io::Error) {
        self.remember(
            crate::tls::trouble(error, self.sides.as_ref())
                .map_or_else(|| TroubleKind::Broken(error.to_string()), TroubleKind::Tls),
        );
    }

    fn remember(&self, kind: TroubleKind) {
        self.first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(kind);
    }
}

/// One connection.
pub(crate) struct Connection {
    bytes: Box<dyn Bytes>,
    /// `None` once it has been cut.
    cut: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    trouble: Trouble,
    peer: Option<Peer>,
    /// A plain connection of which nothing has been read: the first byte tells whether the server speaks TLS.
    untouched: bool,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// A connection that ends when `cut` turns true or its sender goes.
    pub(crate) fn new(bytes: Box<dyn Bytes>, cut: watch::Receiver<bool>) -> Self {
        Self {
            bytes,
            cut: Some(Box::pin(turned(cut))),
            trouble: Trouble::default(),
            peer: None,
            untouched: false,
            _place: None,
        }
    }

    /// A client's connection: its trouble is told by what both sides showed, or, on a plain one, by what the server
    /// answers.
    pub(crate) fn of_client(mut self, sides: Option<Sides>) -> Self {
        self.untouched = sides.is_none();
        self.trouble.sides = sides;
        self
    }

    /// A server's connection, with its peer and its place among the server's connections.
    pub(crate) fn of_server(mut self, peer: Peer, place: OwnedSemaphorePermit) -> Self {
        self.peer = Some(peer);
        self._place = Some(place);
        self
    }

    pub(crate) fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    fn noted<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &result {
            self.trouble.note(error);
        }
        result
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(cut) = &mut self.cut
            && cut.as_mut().poll(cx).is_ready()
        {
            self.cut = None;
        }
        if self.cut.is_none() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.bytes).poll_read(cx, buffer);
        if self.untouched
            && let Some(first) = buffer.filled().get(before)
        {
            self.untouched = false;
            if *first == TLS_ALERT {
                self.trouble.remember(TroubleKind::Tls(
                    "it speaks TLS, and this side was started without: give --tls DIR (sci: also SCI_TLS=DIR); \
                     `changeover certs issue` makes the files"
                        .to_owned(),
                ));
            }
        }
        self.noted(result)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.bytes).poll_write(cx, buffer);
        self.noted(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.bytes).poll_write_vectored(cx, buffers);
        self.noted(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.bytes.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.bytes).poll_flush(cx);
        self.noted(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(cx)
    }
}

/// Tells tonic who is there; `server.rs` hands it on to the handlers.
impl tonic::transport::server::Connected for Connection {
    type ConnectInfo = Option<Peer>;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.peer.clone()
    }
}
