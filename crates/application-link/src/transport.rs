//! Owns the wire of an application's two links: gRPC over the LCA's Unix socket, and over the network to the
//! Message Server. Conversion is `rpc`'s; what is said stands in `link.rs` and `log_sender.rs`.

use crate::dial::{Dial, Ends};
use crate::settings::Settings;
use changeover_emulated_nic::Network;
use changeover_model::message::{FromApplication, LogAcknowledged, LogBatch, ToApplication};
use changeover_rpc::convert::ConvertError;
use changeover_rpc::destination::Destination;
use changeover_rpc::dial::{Caller, Dialler, channel};
use changeover_rpc::identity::Role;
use changeover_rpc::streams::Incoming;
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire;
use changeover_rpc::wire::application_link_client::ApplicationLinkClient;
use changeover_rpc::wire::message_server_client::MessageServerClient;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

/// Most messages that wait on a connection, in either direction.
const QUEUE: usize = 64;
/// A connection that takes longer than this to establish is given up.
const CONNECT: Duration = Duration::from_secs(2);

/// The way to the LCA of this host.
#[derive(Debug)]
pub(crate) struct LcaSocket {
    dialler: Dialler,
    socket: Destination,
}

impl LcaSocket {
    pub(crate) fn new(path: PathBuf) -> Self {
        let dialler = Dialler {
            // A Unix socket leads nowhere but to this machine, and needs no certificate.
            network: Network::Kernel,
            security: LinkSecurity::Plain,
            expected: Expected::role(Role::Lca),
        };
        Self {
            dialler,
            socket: Destination::Unix(path),
        }
    }
}

impl Dial<FromApplication, ToApplication> for LcaSocket {
    async fn dial(&mut self) -> Result<Ends<FromApplication, ToApplication>, String> {
        let caller = channel(&self.dialler, &self.socket, CONNECT)
            .await
            .map_err(|error| error.to_string())?;
        let (to, outgoing) = mpsc::channel::<FromApplication>(QUEUE);
        let outgoing = ReceiverStream::new(outgoing).map(wire::FromApplication::from);
        let mut client = ApplicationLinkClient::new(caller.channel.clone());
        let call = async move { client.attach(outgoing).await };
        let from = converted(caller, call, "application link");
        Ok(Ends { to, from })
    }
}

/// The way to the Message Server.
#[derive(Debug)]
pub(crate) struct MessageServerAddress {
    dialler: Dialler,
    target: watch::Receiver<SocketAddr>,
}

impl MessageServerAddress {
    /// Chooses the network and reads the certificates.
    pub(crate) async fn prepare(
        settings: &Settings,
        target: watch::Receiver<SocketAddr>,
    ) -> Result<Self, String> {
        let network = Network::from_environment()
            .await
            .map_err(|error| error.to_string())?;
        let security = LinkSecurity::from_arguments(settings.tls.as_deref(), settings.insecure)
            .map_err(|error| error.to_string())?;
        let dialler = Dialler {
            network,
            security,
            expected: Expected::role(Role::MessageServer),
        };
        Ok(Self { dialler, target })
    }
}

impl Dial<LogBatch, LogAcknowledged> for MessageServerAddress {
    async fn dial(&mut self) -> Result<Ends<LogBatch, LogAcknowledged>, String> {
        let target = Destination::Tcp(*self.target.borrow());
        let caller = channel(&self.dialler, &target, CONNECT)
            .await
            .map_err(|error| error.to_string())?;
        let (to, outgoing) = mpsc::channel::<LogBatch>(QUEUE);
        let outgoing = ReceiverStream::new(outgoing).map(wire::LogBatch::from);
        let mut client = MessageServerClient::new(caller.channel.clone());
        let call = async move { client.log(outgoing).await };
        let from = converted(caller, call, "log");
        Ok(Ends { to, from })
    }
}

/// Makes a call and feeds what arrives into a channel, converted, until either side ends. Does not wait for
/// the call: a server may answer it only when it has seen our first message. The connection goes with it.
fn converted<Wire, Model>(
    caller: Caller,
    call: impl Future<Output = Result<Response<Streaming<Wire>>, Status>> + Send + 'static,
    conversation: &'static str,
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
            Ok(response) => Incoming::new(response.into_inner(), conversation),
            Err(status) => {
                tracing::info!(conversation, reason = %caller.judge(status), "a connection is refused");
                return;
            }
        };
        loop {
            let message = tokio::select! {
                () = sender.closed() => return,
                message = incoming.next() => message,
            };
            match message {
                Ok(Some(message)) => {
                    if sender.send(message).await.is_err() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(status) => {
                    tracing::debug!(conversation, reason = %caller.judge(status), "a connection ended");
                    return;
                }
            }
        }
    });
    receiver
}
