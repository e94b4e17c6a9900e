//! The endpoint that Prometheus scrapes: `GET /metrics` and nothing else, on a thread and a runtime of its own, so that
//! neither a slow reader nor a long text ever waits in front of a core. Whatever goes wrong here, the component goes on.

use crate::Catalogue;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore, oneshot};

/// The one path.
const PATH: &str = "/metrics";
/// What OpenMetrics calls itself.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The component gets this long to say how things stand.
const REFRESH: Duration = Duration::from_secs(2);
/// An address that is taken is tried again after this time.
const BIND_AGAIN: Duration = Duration::from_secs(5);
/// After a failed accept (no more file descriptors).
const ACCEPT_AGAIN: Duration = Duration::from_millis(250);
/// Most header lines of a request, and most bytes read ahead.
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 16 << 10;

#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Most connections at a time; further ones are closed at once.
    connections: usize,
    /// Longest time to send a request.
    header: Duration,
    /// Longest life of a connection; it serves one request.
    life: Duration,
}

const BOUNDS: Bounds = Bounds {
    connections: 16,
    header: Duration::from_secs(5),
    life: Duration::from_secs(15),
};

/// The component did not answer, so nothing that is true now can be said: the scrape fails, and `up` says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the component does not answer")]
pub struct NoAnswer;

/// Who knows how things stand.
pub trait Source: Send + Sync + 'static {
    /// Brings every gauge up to date; called before each scrape, one at a time, on the endpoint's own thread. Bounded by
    /// the endpoint.
    fn refresh(&self) -> impl Future<Output = Result<(), NoAnswer>> + Send;
}

/// A running endpoint. It ends when this is dropped.
#[derive(Debug)]
pub struct Endpoint {
    _end: oneshot::Sender<()>,
}

impl Endpoint {
    /// Serves a catalogue at an address. An address that cannot be had is complained about and tried again: a
    /// component that would not start because of its metrics were worse than one without.
    pub fn start<S: Source>(at: SocketAddr, catalogue: Catalogue, source: S) -> Self {
        Self::start_within(BOUNDS, at, catalogue, source)
    }

    fn start_within<S: Source>(
        bounds: Bounds,
        at: SocketAddr,
        catalogue: Catalogue,
        source: S,
    ) -> Self {
        let (end, ended) = oneshot::channel();
        let scraped = Arc::new(Scraped {
            catalogue: Mutex::new(catalogue),
            source,
        });
        let started = std::thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(move || live(bounds, at, scraped, ended));
        if let Err(error) = started {
            tracing::error!(%error, "there is no thread for metrics; going on without them");
        }
        Self { _end: end }
    }
}

struct Scraped<S> {
    /// Locked during a scrape: refreshing and writing belong together.
    catalogue: Mutex<Catalogue>,
    source: S,
}

fn live<S: Source>(
    bounds: Bounds,
    at: SocketAddr,
    scraped: Arc<Scraped<S>>,
    ended: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(async {
            tokio::select! {
                // A dropped sender means the same.
                _ = ended => {}
                () = serve(bounds, at, scraped) => {}
            }
        }),
        Err(error) => {
            tracing::error!(%error, "there is no runtime for metrics; going on without them");
        }
    }
}

async fn serve<S: Source>(bounds: Bounds, at: SocketAddr, scraped: Arc<Scraped<S>>) {
    let listener = listen(at).await;
    let room = Arc::new(Semaphore::new(bounds.connections));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a scraper's connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let Ok(permit) = room.clone().try_acquire_owned() else {
            drop(stream);
            continue;
        };
        let scraped = scraped.clone();
        tokio::spawn(async move {
            let served = tokio::time::timeout(bounds.life, connection(bounds, stream, scraped));
            if served.await.is_err() {
                tracing::debug!("a scraper took too long");
            }
            drop(permit);
        });
    }
}

async fn listen(at: SocketAddr) -> TcpListener {
    let mut complained = false;
    let listener = loop {
        match TcpListener::bind(at).await {
            Ok(listener) => break listener,
            Err(error) if complained => tracing::debug!(%at, %error, "still no metrics"),
            Err(error) => {
                complained = true;
                tracing::error!(%at, %error, "metrics cannot be served there; trying again every 5 s, everything else goes on");
            }
        }
        tokio::time::sleep(BIND_AGAIN).await;
    };
    let at = listener.local_addr().unwrap_or(at);
    if !at.ip().is_loopback() {
        tracing::warn!(
            "METRICS ARE OPEN: whoever reaches {at} can read the names and states of this site, without a certificate; \
             give --metrics a loopback address, or let a firewall admit Prometheus only"
        );
    }
    tracing::info!("metrics are served at http://{at}{PATH}");
    listener
}

async fn connection<S: Source>(bounds: Bounds, stream: TcpStream, scraped: Arc<Scraped<S>>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let scraped = scraped.clone();
        async move {
            Ok::<_, Infallible>(answer(&scraped, request.method(), request.uri().path()).await)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header)
        .keep_alive(false)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a scraper's connection ended early");
    }
}

async fn answer<S: Source>(
    scraped: &Scraped<S>,
    method: &Method,
    path: &str,
) -> Response<Full<Bytes>> {
    if path != PATH {
        return plain(
            StatusCode::NOT_FOUND,
            "there is /metrics and nothing else\n",
        );
    }
    if method != Method::GET {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    let catalogue = scraped.catalogue.lock().await;
    match tokio::time::timeout(REFRESH, scraped.source.refresh()).await {
        Ok(Ok(())) => {
            let mut response = Response::new(Full::from(catalogue.text()));
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(OPENMETRICS));
            response
        }
        Ok(Err(NoAnswer)) | Err(_) => plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "the component does not answer\n",
        ),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
