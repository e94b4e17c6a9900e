//! Serves a component's gRPC services on one listener, each with health and reflection beside it: accepting, TLS,
//! bounds, and an end that is graceful and bounded. Who may call what is checked in the handlers by
//! `identity::Gate`.

mod accept;
mod listener;

pub use listener::{ListenError, Listener};

use crate::connection::turned;
use crate::identity::Peer;
use crate::tls::{LinkSecurity, TlsError};
use crate::wire;
use changeover_emulated_nic::Network;
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Most connections of one listener at a time.
const MOST_CONNECTIONS: usize = 512;
/// Most streams of one connection at a time.
const MOST_STREAMS: u32 = 128;
/// Longest list of headers, bytes.
const LONGEST_HEADERS: u32 = 16 * 1024;
/// How long calls under way may take once the server is told to end.
const GRACE: Duration = Duration::from_secs(1);
/// Flow-control windows, as on the client's side.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Why a server ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The reflection service could not be made from our own descriptor.
    #[error("the descriptor of our own services is unusable: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The HTTP/2 server failed.
    #[error("serving failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// The services of one listener.
#[derive(Clone, Debug, Default)]
pub struct Services {
    routes: Routes,
    names: Vec<&'static str>,
}

impl Services {
    /// None yet; health and reflection come by themselves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a generated server, as in `LcaServer::new(handlers)`. It accepts messages of at most 4 MiB.
    #[must_use]
    pub fn with<S>(mut self, service: S) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.names.push(S::NAME);
        self.routes = self.routes.add_service(service);
        self
    }
}

/// A server that is ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    tls: Option<crate::tls::MutualTls>,
}

impl Server {
    /// A server on a listener, secured as the component's links are.
    ///
    /// # Errors
    /// When the listener's address is not the machine's own and nothing was said about security.
    pub fn new(
        listener: Listener,
        network: &Network,
        security: &LinkSecurity,
    ) -> Result<Self, TlsError> {
        let tls = match listener.site_address() {
            Some(address) => security.for_address(network, address.ip())?.cloned(),
            None => None,
        };
        Ok(Self { listener, tls })
    }

    /// Serves until `shutdown`, then lets calls under way end for at most a second and cuts the rest. Connections
    /// do not outlive the returned future, however it ends.
    ///
    /// # Errors
    /// When the server itself fails; trouble with single connections is only logged.
    pub async fn serve(
        self,
        services: Services,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        report(&reporter, &services.names, ServingStatus::Serving).await;
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(wire::DESCRIPTOR)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()?;
        let routes = services
            .routes
            .add_service(health)
            .add_service(reflection)
            .prepare();

        let (cut, cut_seen) = watch::channel(false);
        let (accepted, incoming) = mpsc::channel(16);
        let tls = self.tls.clone();
        let reminding = async move {
            match tls {
                Some(tls) => tls.remind().await,
                None => std::future::pending().await,
            }
        };
        let accepting = accept::run(self.listener, self.tls, accepted, cut_seen);
        let (end, ended) = watch::channel(false);
        let serving = tonic::transport::Server::builder()
            .layer(tower::util::MapRequestLayer::new(expose_peer))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_streams(MOST_STREAMS)
            .http2_max_header_list_size(LONGEST_HEADERS)
            .serve_with_incoming_shutdown(routes, ReceiverStream::new(incoming), turned(ended));
        let mut serving = std::pin::pin!(serving);

        tokio::select! {
            result = &mut serving => return Ok(result?),
            never = accepting => match never {},
            never = reminding => match never {},
            () = shutdown => {}
        }
        // The listener is gone with `accepting`; new calls on open connections are told to go away.
        report(&reporter, &services.names, ServingStatus::NotServing).await;
        end.send_replace(true);
        let graceful = tokio::time::timeout(GRACE, serving).await;
        cut.send_replace(true);
        Ok(graceful.unwrap_or(Ok(()))?)
    }
}

/// Handlers find the peer under its own type.
fn expose_peer(mut request: http::Request<Body>) -> http::Request<Body> {
    if let Some(Some(peer)) = request.extensions_mut().remove::<Option<Peer>>() {
        request.extensions_mut().insert(peer);
    }
    request
}

async fn report(reporter: &HealthReporter, names: &[&'static str], status: ServingStatus) {
    for name in names.iter().copied().chain([""]) {
        reporter.set_service_status(name, status).await;
    }
}
