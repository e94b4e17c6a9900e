//! The life of the process: recover, open everything, serve, end. Applications outlive it.

use crate::addresses::AddressRoom;
use crate::cables::Acquaintances;
use crate::connections::Connections;
use crate::effects::LcaEffects;
use crate::elsewhere::UnitWatches;
use crate::health::{CheckRoom, LinkWatch};
use crate::metrics::{Metrics, Observer};
use crate::peers::Peers;
use crate::recovery::{self, Adopted};
use crate::rpc::Service;
use crate::runs::{Runs, Surroundings};
use crate::store::{self, Store};
use crate::{Arguments, processes, site};
use anyhow::Context as _;
use changeover_component::{
    Clock, ComponentArguments, ExitCode, Handle, Readiness, Signal, Signals,
};
use changeover_emulated_nic::Network;
use changeover_lca_core::{LcaCore, LcaIdentity, LcaInput, StoredState};
use changeover_model::environment::LcaSlice;
use changeover_rpc::identity::{Gate, Identity, Role};
use changeover_rpc::server::{Listener, Server, Services};
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire::application_link_server::ApplicationLinkServer;
use changeover_rpc::wire::lca_peer_server::LcaPeerServer;
use changeover_rpc::wire::lca_server::LcaServer;
use changeover_virtual_ip::Addresses;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Name of the local socket in the runtime folder.
const SOCKET: &str = "lca.sock";
/// How long the end of the whole host may take here; the core's own bounds are shorter.
const HOST_STOP: Duration = Duration::from_secs(240);
/// How long servers get to end.
const CLOSING: Duration = Duration::from_secs(2);

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::take().context("signals cannot be taken over")?;
    let slice = match site::slice(&arguments.component.config, arguments.host.as_deref()) {
        Ok(slice) => slice,
        Err(complaint) => {
            tracing::error!("{complaint}");
            return Ok(ExitCode::Unusable);
        }
    };
    let common = &arguments.component;
    let at = SocketAddr::new(slice.host.address, slice.host.lca_port);
    let network = Network::from_environment().await?;
    let tls = common.links.tls.as_deref();
    let security = match LinkSecurity::for_server(tls, common.links.insecure, &network, at.ip()) {
        Ok(security) => security,
        Err(error) => {
            tracing::error!("{error}");
            return Ok(ExitCode::Unusable);
        }
    };
    security.this_is(Expected::named(Role::Lca, slice.host.name.as_str()));
    common.make_folders()?;
    std::fs::create_dir_all(common.state_dir.join("output"))
        .context("the folder of outputs cannot be made")?;
    become_subreaper();
    let state = recovered(common, &slice)?;
    let metrics = Metrics::new(tls);
    let (handle, stopped, service) =
        start(common, &slice, (&network, &security), state, &metrics).await?;
    let _scraped = common
        .metrics
        .metrics
        .map(|at| metrics.serve(at, handle.clone()));

    let (end, ended) = watch::channel(false);
    let control = Server::new(Listener::tcp(&network, at).await?, &network, &security)?;
    let local = Server::new(
        Listener::unix(&common.runtime_dir().join(SOCKET)).await?,
        &network,
        &security,
    )?;
    let both = Services::new()
        .with(LcaServer::new(service.clone()))
        .with(LcaPeerServer::new(service.clone()));
    let applications = Services::new().with(ApplicationLinkServer::new(service));
    let serving = [
        tokio::spawn(control.serve(both, until(ended.clone()))),
        tokio::spawn(local.serve(applications, until(ended))),
    ];
    tracing::info!(host = %slice.host.name, %at, "the LCA is ready");
    Readiness.ready();
    Readiness.watch(handle.clone());
    wait(&mut signals, &handle, &security, stopped).await;
    Readiness.stopping();
    end.send_replace(true);
    for server in serving {
        if tokio::time::timeout(CLOSING, server).await.is_err() {
            tracing::debug!("a server was still busy at the end");
        }
    }
    Ok(ExitCode::Good)
}

async fn until(mut ended: watch::Receiver<bool>) {
    // An error means that the process is ending anyway.
    drop(ended.wait_for(|ended| *ended).await);
}

/// Orphans of our applications become our children, so that their end can be taken note of.
fn become_subreaper() {
    let ourselves = rustix::process::getpid();
    if let Err(error) = rustix::process::set_child_subreaper(Some(ourselves)) {
        tracing::warn!(%error, "this process cannot become the parent of orphans; they are found by their marker");
    }
}

/// The stored state; before the first slice of the SCS the file's own serves.
fn recovered(common: &ComponentArguments, slice: &LcaSlice) -> anyhow::Result<StoredState> {
    let disk = common.state_dir.join(store::FILE);
    let mut state = recovery::stored_state(&disk, &common.runtime_dir().join(store::FILE))?;
    let is_ours = |kept: &LcaSlice| {
        kept.host.name == slice.host.name && kept.environment == slice.environment
    };
    if !state.slice.as_ref().is_some_and(is_ours) {
        state.slice = Some(slice.clone());
    }
    Ok(state)
}

/// What children of this agent find around them.
fn surroundings(
    common: &ComponentArguments,
    network: &Network,
    addresses: &Arc<dyn Addresses>,
) -> anyhow::Result<Surroundings> {
    Ok(Surroundings {
        socket: std::path::absolute(common.runtime_dir().join(SOCKET))?,
        // Applications have working directories of their own.
        tls: common
            .links
            .tls
            .as_deref()
            .map(std::path::absolute)
            .transpose()?,
        insecure: common.links.insecure,
        output: common.state_dir.join("output"),
        home: std::path::absolute(&common.config)?
            .parent()
            .unwrap_or(std::path::Path::new("/"))
            .to_owned(),
        kernel: matches!(network, Network::Kernel).then(|| addresses.clone()),
    })
}

async fn start(
    common: &ComponentArguments,
    slice: &LcaSlice,
    (network, security): (&Network, &LinkSecurity),
    state: StoredState,
    metrics: &Metrics,
) -> anyhow::Result<(Handle<LcaCore>, watch::Receiver<bool>, Service)> {
    let clock = Clock::start();
    let boot = processes::boot_id();
    let identity = LcaIdentity {
        host: slice.host.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        boot: boot.clone(),
        session: clock.now().0,
    };
    let addresses = network.addresses().await?;
    let runs = Runs::new(surroundings(common, network, &addresses)?);
    let acquaintances = Acquaintances::default();
    acquaintances.meet(slice.message_server.ip());
    for pair in &slice.pairs {
        acquaintances.meet(pair.peer_address);
    }
    let connections = Connections::default();
    let (host_stopped, stopped) = watch::channel(false);
    let adopted = recovery::find_runs(&state, &slice.host.name, &boot);
    let recovery = recovery::recovery(state.clone(), &adopted);
    let journal = common.runtime_dir().join("lca.journal");
    let links = LinkWatch::default();
    let effects = |handle: Handle<LcaCore>| LcaEffects {
        runs: runs.clone(),
        unit_watches: UnitWatches::default(),
        addresses: AddressRoom::new(
            addresses,
            acquaintances.clone(),
            links.wishes(),
            handle.clone(),
            metrics.announcements.clone(),
        ),
        checks: CheckRoom::new(handle.clone(), network.clone(), slice.host.address),
        links,
        store: Store::start(
            handle.clone(),
            state,
            &common.state_dir,
            &common.runtime_dir(),
            metrics.store.clone(),
        ),
        connections: connections.clone(),
        observer: Observer::new(metrics.flows.clone()),
        peers: Peers::new(network.clone(), security.clone(), handle.clone()),
        host_stopped,
        handle,
    };
    let handle = changeover_component::start(clock, journal, LcaCore::new(identity), effects);
    handle.input(LcaInput::Recovered(recovery)).await?;
    for Adopted {
        found,
        marker,
        way,
        watched,
    } in adopted
    {
        tracing::info!(application = %found.application, pid = found.pid, "found running");
        runs.adopt(handle.clone(), &found, marker, way, watched);
    }
    let gate = Gate::new(Identity::new(Role::Lca, slice.host.name.as_str()));
    let service = Service {
        handle: handle.clone(),
        connections,
        runs,
        gate,
        acquaintances,
    };
    Ok((handle, stopped, service))
}

/// Waits for the end. SIGTERM ends this agent alone, unless the whole machine is going down: then what is
/// primary here is handed over and everything is stopped first.
async fn wait(
    signals: &mut Signals,
    handle: &Handle<LcaCore>,
    security: &LinkSecurity,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        match signals.next().await {
            Signal::Reload => {
                Readiness.reloading();
                security.reload().await;
                tracing::info!("the environment comes from the SCS: reload that one");
                Readiness.ready();
            }
            Signal::Journal => handle.write_journal(),
            Signal::Interrupt => return,
            Signal::Terminate => {
                if !machine_is_stopping().await {
                    return;
                }
                tracing::info!(
                    "this machine is going down: handing over, then stopping its applications"
                );
                if handle.input(LcaInput::HostStopping).await.is_err() {
                    return;
                }
                if tokio::time::timeout(HOST_STOP, stopped.wait_for(|stopped| *stopped))
                    .await
                    .is_err()
                {
                    tracing::warn!("applications were still stopping at the end");
                }
                return;
            }
        }
    }
}

/// systemd says `stopping` from the first moment of a shutdown or reboot.
async fn machine_is_stopping() -> bool {
    if !std::path::Path::new("/run/systemd/system").is_dir() {
        return false;
    }
    let asked = tokio::process::Command::new("systemctl")
        .arg("is-system-running")
        .output();
    match tokio::time::timeout(Duration::from_secs(2), asked).await {
        Ok(Ok(answer)) => String::from_utf8_lossy(&answer.stdout).trim() == "stopping",
        Ok(Err(_)) | Err(_) => false,
    }
}
