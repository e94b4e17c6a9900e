//! Owns the wire of an application's two links: gRPC over the LCA's Unix socket, and over the network to the
//! Message Server. Conversion is `rpc`'s; what is said stands in `link.rs` and `log_sender.rs`.

use crate::dial::{Dial, Ends};
use crate::settings::Settings;
use changeover_emulated_nic::Network;
use changeover_model::message::{FromApplication, LogAcknowledged, LogBatch, ToApplication};
use changeover_rpc::convert::ConvertError;
use changeover_rpc::wire;
use changeover_rpc::wire::application_link_client::ApplicationLinkClient;
use changeover_rpc::wire::message_server_client::MessageServerClient;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status, Streaming};

/// Most messages that wait on a connection, in either direction.
const QUEUE: usize = 64;
/// A connection that takes longer than this to establish is given up.
const CONNECT: Duration = Duration::from_secs(2);

/// The way to the LCA of this host.
#[derive(Debug)]
pub(crate) struct LcaSocket {
    path: PathBuf,
}

impl LcaSocket {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Dial<FromApplication, ToApplication> for LcaSocket {
    async fn dial(&mut self) -> Result<Ends<FromApplication, ToApplication>, String> {
        let path = self.path.clone();
        let connector = tower::service_fn(move |_| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        let channel = Endpoint::from_static("http://lca")
            .connect_with_connector(connector)
            .await
            .map_err(|error| with_cause(&error))?;
        let (to, outgoing) = mpsc::channel::<FromApplication>(QUEUE);
        let outgoing = ReceiverStream::new(outgoing).map(wire::FromApplication::from);
        let mut client = ApplicationLinkClient::new(channel);
        let from = converted(async move { client.attach(outgoing).await });
        Ok(Ends { to, from })
    }
}

/// The way to the Message Server.
#[derive(Debug)]
pub(crate) struct MessageServerAddress {
    network: Network,
    target: watch::Receiver<SocketAddr>,
}

impl MessageServerAddress {
    /// Chooses the network and reads the certificates.
    pub(crate) async fn prepare(
        _settings: &Settings,
        target: watch::Receiver<SocketAddr>,
    ) -> Result<Self, String> {
        let network = Network::from_environment()
            .await
            .map_err(|error| with_cause(&error))?;
        Ok(Self { network, target })
    }

    async fn channel(&self) -> Result<Channel, String> {
        let (network, target) = (self.network.clone(), *self.target.borrow());
        let connector = tower::service_fn(move |_| {
            let network = network.clone();
            async move { network.dial(target, CONNECT).await.map(TokioIo::new) }
        });
        Endpoint::from_static("http://message-server")
            .connect_with_connector(connector)
            .await
            .map_err(|error| with_cause(&error))
    }
}

impl Dial<LogBatch, LogAcknowledged> for MessageServerAddress {
    async fn dial(&mut self) -> Result<Ends<LogBatch, LogAcknowledged>, String> {
        let channel = self.channel().await?;
        let (to, outgoing) = mpsc::channel::<LogBatch>(QUEUE);
        let outgoing = ReceiverStream::new(outgoing).map(wire::LogBatch::from);
        let mut client = MessageServerClient::new(channel);
        let from = converted(async move { client.log(outgoing).await });
        Ok(Ends { to, from })
    }
}

/// Makes a call and feeds what arrives into a channel, converted, until either side ends. Does not wait for
/// the call: a server may answer it only when it has seen our first message.
fn converted<Wire, Model>(
    call: impl Future<Output = Result<Response<Streaming<Wire>>, Status>> + Send + 'static,
) -> mpsc::Receiver<Model>
where
    Wire: Send + 'static,
    Model: TryFrom<Wire, Error = ConvertError> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let answered = tokio::select! {
            () = sender.closed() => return,
            answered = call => answered,
        };
        let mut incoming = match answered {
            Ok(response) => response.into_inner(),
            Err(status) => {
                tracing::info!(reason = shown(&status), "a connection is refused");
                return;
            }
        };
        loop {
            let message = tokio::select! {
                () = sender.closed() => return,
                message = incoming.message() => message,
            };
            let message = match message {
                Ok(Some(message)) => message,
                Ok(None) => return,
                Err(status) => {
                    tracing::debug!(reason = shown(&status), "a connection ended");
                    return;
                }
            };
            match Model::try_from(message) {
                Ok(message) => {
                    if sender.send(message).await.is_err() {
                        return;
                    }
                }
                Err(error) if error.is_of_newer_release() => {
                    tracing::debug!(%error, "a message of a newer release is skipped");
                }
                Err(error) => {
                    tracing::warn!(%error, "a message cannot be understood, the connection is closed");
                    return;
                }
            }
        }
    });
    receiver
}

fn shown(status: &Status) -> String {
    format!("{}: {}", status.code(), status.message())
}

/// An error with what caused it, in one line; tonic's own text hides the cause.
fn with_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
