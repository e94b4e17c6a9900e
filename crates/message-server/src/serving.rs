//! Owns the life of the process: everything is opened before anybody is told that it is ready, and closed in the
//! opposite order. A damaged database ends it, so that the next start can move the file aside.

use crate::Arguments;
use crate::effects::{Doer, Streams, forward};
use crate::metrics::{Metrics, Observer};
use crate::rpc::Service;
use crate::site::Site;
use crate::store::{self, Opened, StoreError, Writer, WriterThread};
use anyhow::Context as _;
use changeover_component::{Clock, ExitCode, Handle, Readiness, Signal, Signals};
use changeover_emulated_nic::Network;
use changeover_message_server_core::{Identity, Input, MessageServerCore};
use changeover_model::message::SourceId;
use changeover_rpc::identity::{Gate, Role};
use changeover_rpc::server::{Listener, Server, Services};
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire::message_server_server::MessageServerServer;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tonic::Status;

/// Most answers of the writer that wait for the core.
const ANSWERS: usize = 1_024;
/// How long connections and the database get to close.
const CLOSING: Duration = Duration::from_secs(5);

/// Runs a Message Server to its end.
#[must_use]
pub fn run(arguments: Arguments) -> ExitCode {
    let log = arguments.component.log.clone();
    changeover_component::run(&log, serve(arguments))
}

async fn serve(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let arguments = arguments.component;
    let mut signals = Signals::take().context("cannot take over the signals")?;
    let site = match Site::read(&arguments.config) {
        Ok(site) => site,
        Err(error) => {
            tracing::error!("{error}");
            return Ok(ExitCode::Unusable);
        }
    };
    let network = Network::from_environment().await?;
    let (tls, insecure) = (arguments.links.tls.as_deref(), arguments.links.insecure);
    let security = match LinkSecurity::for_server(tls, insecure, &network, site.address.ip()) {
        Ok(security) => security,
        Err(error) => {
            tracing::error!("{error}");
            return Ok(ExitCode::Unusable);
        }
    };
    security.this_is(Expected::role(Role::MessageServer));
    arguments.make_folders()?;
    let opened = match store::open(&arguments.state_dir) {
        Ok(opened) => opened,
        Err(error @ (StoreError::Newer { .. } | StoreError::InUse { .. })) => {
            tracing::error!("{error}");
            return Ok(ExitCode::Unusable);
        }
        Err(error) => return Err(error.into()),
    };
    let server = server(&site, &network, &security).await?;
    let metrics = Metrics::new(tls);
    let mut running = start(opened, &site, &arguments.runtime_dir(), server, &metrics).await?;
    let _scraped = arguments.metrics.metrics.map(|at| {
        let database = arguments.state_dir.join(store::FILE);
        let (handle, streams) = (running.handle.clone(), running.streams.clone());
        metrics.serve(at, handle, streams, database)
    });
    tracing::info!(address = %site.address, application = %site.application, "the Message Server is ready");
    Readiness.ready();
    Readiness.watch(running.handle.clone());
    let code = wait(
        &mut signals,
        &mut running,
        &arguments.config,
        &site,
        &security,
    )
    .await;
    Readiness.stopping();
    running.stop().await;
    Ok(code)
}

/// Takes the address. Nothing is answered before everything else stands.
async fn server(site: &Site, network: &Network, security: &LinkSecurity) -> anyhow::Result<Server> {
    let listener = Listener::tcp(network, site.address).await?;
    Ok(Server::new(listener, network, security)?)
}

/// Everything that runs.
struct Running {
    handle: Handle<MessageServerCore>,
    streams: Arc<Streams>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    writer: WriterThread,
    damaged: oneshot::Receiver<String>,
}

async fn start(
    mut opened: Opened,
    site: &Site,
    runtime_dir: &Path,
    server: Server,
    metrics: &Metrics,
) -> anyhow::Result<Running> {
    let recovered = std::mem::take(&mut opened.recovered);
    let (answer_sender, answers) = mpsc::channel(ANSWERS);
    let (writer, writer_thread) = Writer::start(opened, answer_sender, metrics.writing.clone())?;
    let writer = Arc::new(writer);
    let streams = Arc::new(Streams::default());
    let core = MessageServerCore::new(identity(site));
    let journal = runtime_dir.join("message-server.journal");
    let doing = (streams.clone(), writer.clone());
    let handle = changeover_component::start(Clock::start(), journal, core, |handle| Doer {
        handle,
        streams: doing.0,
        writer: doing.1,
        observer: Observer::new(metrics.arrivals.clone()),
    });
    handle.input(Input::Recovered(recovered)).await?;
    let (damaged_sender, damaged) = oneshot::channel();
    tokio::spawn(forward(answers, handle.clone(), damaged_sender));

    let (stop, mut stopped) = watch::channel(false);
    let gate = Gate::new(changeover_rpc::identity::Identity::new(
        Role::MessageServer,
        site.application.as_str(),
    ));
    let service = Service::new(
        handle.clone(),
        streams.clone(),
        writer,
        gate,
        stopped.clone(),
    );
    let services = Services::new().with(MessageServerServer::new(service));
    let server = tokio::spawn(async move {
        let shutdown = async move {
            // A dropped sender means the same.
            drop(stopped.wait_for(|stop| *stop).await);
        };
        if let Err(error) = server.serve(services, shutdown).await {
            tracing::error!(%error, "the Message Server does not answer any more");
        }
    });
    Ok(Running {
        handle,
        streams,
        stop,
        server,
        writer: writer_thread,
        damaged,
    })
}

impl Running {
    /// Ends in the opposite order: streams, listener, database.
    async fn stop(self) {
        let why = Status::unavailable("this Message Server is stopping");
        self.stop.send_replace(true);
        self.streams.senders.end_all(&why);
        self.streams.scs.end_all(&why);
        if tokio::time::timeout(CLOSING, self.server).await.is_err() {
            tracing::debug!("connections were still open at the end");
        }
        let writer = self.writer;
        let closed = tokio::task::spawn_blocking(move || writer.close());
        if tokio::time::timeout(CLOSING, closed).await.is_err() {
            tracing::warn!(
                "the log database is still writing; what it does not finish stays with the senders"
            );
        }
    }
}

fn identity(site: &Site) -> Identity {
    Identity {
        application: site.application.clone(),
        host: Some(site.host.clone()),
        source: SourceId(format!("{}/{}", site.application, uuid::Uuid::new_v4()).into()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Waits for the reason to end.
async fn wait(
    signals: &mut Signals,
    running: &mut Running,
    config: &Path,
    site: &Site,
    security: &LinkSecurity,
) -> ExitCode {
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Terminate | Signal::Interrupt => return ExitCode::Good,
                Signal::Reload => {
                    Readiness.reloading();
                    security.reload().await;
                    reload(config, site);
                    Readiness.ready();
                }
                Signal::Journal => running.handle.write_journal(),
            },
            reason = &mut running.damaged => {
                let reason = reason.unwrap_or_else(|_| "its writer has ended".to_owned());
                tracing::error!(%reason, "the log database cannot be used any more; the next start checks it and moves it aside if it is damaged");
                return ExitCode::Bad;
            }
            _ = &mut running.server => {
                tracing::error!("the listener is gone");
                return ExitCode::Bad;
            }
        }
    }
}

/// The conditions come from the SCS; all that the file says to a Message Server is who and where it is, and
/// that cannot change while it runs.
fn reload(config: &Path, site: &Site) {
    match Site::read(config) {
        Ok(now) if now == *site => tracing::info!("read again: nothing to change here"),
        Ok(now) => {
            tracing::warn!(address = %now.address, application = %now.application, "the Message Server's name or address has changed in the file: restart it");
        }
        Err(error) => tracing::error!("the file is not usable, nothing changes: {error}"),
    }
}
