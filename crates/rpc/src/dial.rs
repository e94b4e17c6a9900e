//! Opens one connection to one component: what `link.rs` repeats and what `sci` does once per call. Losses are
//! told apart, because the SCS judges hosts by them and operators read them.

use crate::connection::{Bytes, Connection, Trouble, TroubleKind, prepare};
use crate::destination::Destination;
use crate::tls::{Expected, LinkSecurity, Sides, TlsError};
use changeover_emulated_nic::{DialError, Network};
use hyper_util::rt::TokioIo;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_rustls::rustls::pki_types::ServerName;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// Flow-control windows: one stream may have this many bytes under way, so that a batch never waits.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Why there is no connection, or no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkLoss {
    /// The host answered that nobody listens: it lives, the component does not.
    Refused,
    /// Nothing was heard in time.
    TimedOut,
    /// There is no way to the host.
    NoRoute,
    /// One side does not accept the other's certificate; in words.
    Tls(String),
    /// The component answered with a refusal.
    Rejected {
        /// gRPC code.
        code: tonic::Code,
        /// Its words.
        message: String,
    },
    /// It was open and ended: closed by the peer, broken, or dropped on request; in words.
    Closed(String),
    /// Anything else, in words: no socket left, a link that needs TLS and has none.
    Other(String),
}

impl LinkLoss {
    /// Whether the other host was heard: it lives, whatever its component does.
    #[must_use]
    pub fn heard(&self) -> bool {
        match self {
            Self::Refused | Self::Tls(_) | Self::Rejected { .. } | Self::Closed(_) => true,
            Self::TimedOut | Self::NoRoute | Self::Other(_) => false,
        }
    }

    /// From the status of a call; `trouble` is what the connection itself remembers.
    pub(crate) fn of_status(status: &tonic::Status, trouble: &Trouble) -> Self {
        match trouble.get() {
            Some(TroubleKind::Tls(reason)) => Self::Tls(reason),
            // A status with a source was made here, by the transport; the others came from the peer.
            Some(TroubleKind::Broken(reason)) if status.source().is_some() => Self::Closed(reason),
            None if status.source().is_some() => {
                Self::Closed("the peer closed the connection".to_owned())
            }
            Some(TroubleKind::Broken(_)) | None => Self::Rejected {
                code: status.code(),
                message: status.message().to_owned(),
            },
        }
    }
}

impl fmt::Display for LinkLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the host answers, but nothing listens there"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::NoRoute => f.write_str("no route"),
            Self::Tls(reason) => write!(f, "TLS: {reason}"),
            Self::Rejected { message, .. } => f.write_str(message),
            Self::Closed(reason) | Self::Other(reason) => f.write_str(reason),
        }
    }
}

/// Why a component could not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at {to} cannot be reached: {loss}")]
pub struct Unreachable {
    /// The component, as its role.
    pub what: String,
    /// Where it should be.
    pub to: Destination,
    /// Why.
    pub loss: LinkLoss,
}

/// How to dial: over which network, how secured, and whom to expect. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dialler {
    /// The network this process lives on.
    pub network: Network,
    /// How links are secured.
    pub security: LinkSecurity,
    /// Who should be at the other end; checked on TLS links.
    pub expected: Expected,
}

impl Dialler {
    /// After a lost or refused connection: if a certificate was the reason, the right one may lie there by now.
    pub(crate) fn after(&self, loss: &LinkLoss) {
        let by_certificate = matches!(
            loss,
            LinkLoss::Tls(_)
                | LinkLoss::Rejected {
                    code: tonic::Code::PermissionDenied,
                    ..
                }
        );
        if let (true, LinkSecurity::MutualTls(tls)) = (by_certificate, &self.security) {
            tls.look_for_new_files();
        }
    }
}

/// An open connection; dropping it cuts it.
pub(crate) struct Opened {
    pub(crate) channel: Channel,
    pub(crate) trouble: Trouble,
    pub(crate) cut: watch::Sender<bool>,
}

impl Dialler {
    /// Opens a connection within `timeout`; the host must answer the dial within `answer`.
    pub(crate) async fn open(
        &self,
        to: &Destination,
        answer: Duration,
        timeout: Duration,
    ) -> Result<Opened, LinkLoss> {
        tokio::time::timeout(timeout, self.open_unbounded(to, answer))
            .await
            .unwrap_or(Err(LinkLoss::TimedOut))
    }

    async fn open_unbounded(
        &self,
        to: &Destination,
        timeout: Duration,
    ) -> Result<Opened, LinkLoss> {
        let (bytes, sides) = match to {
            Destination::Tcp(address) => self.tcp(*address, timeout).await?,
            Destination::Unix(path) => (unix(path).await?, None),
        };
        let (cut, cut_seen) = watch::channel(false);
        let connection = Connection::new(bytes, cut_seen).of_client(sides);
        let trouble = connection.trouble();
        let once = Arc::new(Mutex::new(Some(connection)));
        // The channel would call the connector again after a loss; who reconnects is decided elsewhere.
        let connector = tower::service_fn(move |_| {
            let taken = once.lock().unwrap_or_else(PoisonError::into_inner).take();
            std::future::ready(taken.map(TokioIo::new).ok_or_else(|| {
                io::Error::new(io::ErrorKind::NotConnected, "the connection is over")
            }))
        });
        let channel = Endpoint::from_static("http://changeover")
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .connect_with_connector(connector)
            .await
            .map_err(|error| match trouble.get() {
                Some(TroubleKind::Tls(reason)) => LinkLoss::Tls(reason),
                Some(TroubleKind::Broken(reason)) => LinkLoss::Closed(reason),
                None => LinkLoss::Closed(error.to_string()),
            })?;
        Ok(Opened {
            channel,
            trouble,
            cut,
        })
    }

    async fn tcp(
        &self,
        to: SocketAddr,
        timeout: Duration,
    ) -> Result<(Box<dyn Bytes>, Option<Sides>), LinkLoss> {
        let tls = self
            .security
            .for_address(&self.network, to.ip())
            .map_err(|error: TlsError| LinkLoss::Other(error.to_string()))?;
        let stream = self
            .network
            .dial(to, timeout)
            .await
            .map_err(|error| match error {
                DialError::Refused(_) => LinkLoss::Refused,
                DialError::TimedOut(_) => LinkLoss::TimedOut,
                DialError::NoRoute(_) => LinkLoss::NoRoute,
                DialError::Other { reason, .. } => LinkLoss::Other(reason),
            })?;
        prepare(&stream).map_err(|error| LinkLoss::Closed(error.to_string()))?;
        match tls {
            None => Ok((Box::new(stream), None)),
            Some(tls) => {
                let (stream, sides) = self.secured(tls, to, stream).await?;
                Ok((Box::new(stream), Some(sides)))
            }
        }
    }

    async fn secured(
        &self,
        tls: &crate::tls::MutualTls,
        to: SocketAddr,
        stream: TcpStream,
    ) -> Result<(tokio_rustls::client::TlsStream<TcpStream>, Sides), LinkLoss> {
        let (connector, sides) = tls
            .connector(&self.expected)
            .map_err(|error| LinkLoss::Tls(error.to_string()))?;
        connector
            .connect(ServerName::IpAddress(to.ip().into()), stream)
            .await
            .map(|stream| (stream, sides.clone()))
            .map_err(|error| match crate::tls::trouble(&error, Some(&sides)) {
                Some(reason) => LinkLoss::Tls(reason),
                None => LinkLoss::Closed(format!("the peer ended the TLS handshake: {error}")),
            })
    }
}

async fn unix(path: &Path) -> Result<Box<dyn Bytes>, LinkLoss> {
    match UnixStream::connect(path).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
            ) =>
        {
            Err(LinkLoss::Refused)
        }
        Err(error) => Err(LinkLoss::Other(error.to_string())),
    }
}

/// A connection for calls: the channel of one component. It does not reconnect; dial again instead.
#[derive(Debug)]
pub struct Caller {
    /// For the generated clients.
    pub channel: Channel,
    dialler: Dialler,
    to: Destination,
    trouble: Trouble,
    _cut: watch::Sender<bool>,
}

impl Caller {
    /// What a failed call means: the component went away, or it answered with this status.
    pub fn judge(&self, status: tonic::Status) -> CallError {
        match LinkLoss::of_status(&status, &self.trouble) {
            LinkLoss::Rejected { .. } => CallError::Answered(Box::new(status)),
            loss => CallError::Unreachable(self.dialler.unreachable(&self.to, loss)),
        }
    }
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The component could not be reached, or went away.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// It answered, and the answer is no.
    #[error("{}", .0.message())]
    Answered(Box<tonic::Status>),
}

impl CallError {
    /// Exit code of a command that ends with this (INTERFACE).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unreachable(_) => crate::status::UNREACHABLE,
            Self::Answered(status) => crate::status::exit_code_of_status(status),
        }
    }
}

impl Dialler {
    fn unreachable(&self, to: &Destination, loss: LinkLoss) -> Unreachable {
        Unreachable {
            what: self.expected.role.to_string(),
            to: to.clone(),
            loss,
        }
    }
}

/// A channel to one component for calls, opened within `timeout`. A first exchange makes sure that the component has
/// accepted us: a refused certificate shows only when something is read.
///
/// # Errors
/// When there is no connection; the reason tells a dead component from a silent host and from TLS.
pub async fn channel(
    dialler: &Dialler,
    to: &Destination,
    timeout: Duration,
) -> Result<Caller, Unreachable> {
    let opening = async {
        let opened = dialler.open(to, timeout, timeout).await?;
        greet(&opened).await?;
        Ok(opened)
    };
    let opened = tokio::time::timeout(timeout, opening)
        .await
        .unwrap_or(Err(LinkLoss::TimedOut))
        .map_err(|loss| dialler.unreachable(to, loss))?;
    Ok(Caller {
        channel: opened.channel,
        dialler: dialler.clone(),
        to: to.clone(),
        trouble: opened.trouble,
        _cut: opened.cut,
    })
}

/// Asks whether it serves. Whatever it answers, it has answered.
async fn greet(opened: &Opened) -> Result<(), LinkLoss> {
    let mut health = HealthClient::new(opened.channel.clone());
    match health.check(HealthCheckRequest::default()).await {
        Ok(_) => Ok(()),
        Err(status) => match LinkLoss::of_status(&status, &opened.trouble) {
            LinkLoss::Rejected { .. } => Ok(()),
            loss => Err(loss),
        },
    }
}
