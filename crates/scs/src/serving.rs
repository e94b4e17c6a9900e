//! The life of the process: read, open, serve, end. Everything stands before anybody is told that it is ready.

use crate::acting::ScsEffects;
use crate::links::Links;
use crate::metrics::{Metrics, Observer};
use crate::requests::Requests;
use crate::rpc::Service;
use crate::store::{self, Opened, StoreError};
use anyhow::Context as _;
use changeover_component::{
    Clock, ComponentArguments, ExitCode, Handle, Readiness, Signal, Signals,
};
use changeover_emulated_nic::Network;
use changeover_model::environment::Environment;
use changeover_rpc::identity::{Gate, Identity, Role};
use changeover_rpc::server::{Listener, Server, Services};
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire::reaction_engine_server::ReactionEngineServer;
use changeover_rpc::wire::solution_control_server_server::SolutionControlServerServer;
use changeover_scs_core::{ScsCore, ScsIdentity, ScsInput};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, oneshot, watch};

/// Changes of reactions kept for followers.
const REACTIONS: usize = 256;
/// How long the server gets to end.
const CLOSING: Duration = Duration::from_secs(2);

pub(crate) async fn run(common: ComponentArguments) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::take().context("signals cannot be taken over")?;
    let environment = match read(&common.config) {
        Ok(environment) => environment,
        Err(complaint) => {
            tracing::error!("{complaint}");
            return Ok(ExitCode::Unusable);
        }
    };
    let at = SocketAddr::new(
        own_address(&environment)?,
        environment.management_layer.scs_port,
    );
    let network = Network::from_environment().await?;
    let tls = common.links.tls.as_deref();
    let security = match LinkSecurity::for_server(tls, common.links.insecure, &network, at.ip()) {
        Ok(security) => security,
        Err(error) => {
            tracing::error!("{error}");
            return Ok(ExitCode::Unusable);
        }
    };
    security.this_is(Expected::role(Role::Scs));
    common.make_folders()?;
    let opened = match store::open(&common.state_dir) {
        Ok(opened) => opened,
        Err(error @ StoreError::Newer { .. }) => {
            tracing::error!("{error}");
            return Ok(ExitCode::Unusable);
        }
        Err(error) => return Err(error.into()),
    };
    for note in &opened.notes {
        tracing::warn!("{note}");
    }
    // The address first: a second SCS started by mistake must end before it has spoken to anybody.
    let server = Server::new(Listener::tcp(&network, at).await?, &network, &security)?;
    let (links, events) = Links::new(network, security);
    let metrics = Metrics::new(tls);
    let service = start(&common, opened, &links, &metrics)?;
    let handle = service.handle.clone();
    let _scraped = common
        .metrics
        .metrics
        .map(|at| metrics.serve(at, handle.clone(), common.state_dir.join(store::FILE)));
    tokio::spawn(links.clone().run(events, handle.clone()));
    load(&handle, &links, environment).await?;
    let services = Services::new()
        .with(SolutionControlServerServer::new(service.clone()))
        .with(ReactionEngineServer::new(service));
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(services, async move {
        // A dropped sender means the same.
        drop(ended.await);
    }));
    tracing::info!(%at, "the SCS is ready");
    Readiness.ready();
    Readiness.watch(handle.clone());
    wait(&mut signals, &handle, &links, &common.config).await;
    Readiness.stopping();
    drop(end);
    if tokio::time::timeout(CLOSING, serving).await.is_err() {
        tracing::debug!("calls were still open at the end");
    }
    Ok(ExitCode::Good)
}

/// Starts the core with everything that acts for it, and makes what will answer calls.
fn start(
    common: &ComponentArguments,
    mut opened: Opened,
    links: &Links,
    metrics: &Metrics,
) -> anyhow::Result<Service> {
    let requests = Requests::default();
    let (pictures, _) = watch::channel(None);
    let (reactions, _) = broadcast::channel(REACTIONS);
    let clock = Clock::start();
    let identity = ScsIdentity {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        session: clock.now().0,
    };
    let observer = Observer::new(metrics.flows.clone(), &opened.state);
    let core = ScsCore::new(clock.now(), identity, std::mem::take(&mut opened.state));
    let journal = common.runtime_dir().join("scs.journal");
    let writer = store::Writer::new(metrics.store.clone());
    let store = writer.store();
    let handle = changeover_component::start(clock, journal, core, |handle| ScsEffects {
        links: links.clone(),
        store,
        requests: requests.clone(),
        pictures: pictures.clone(),
        reactions: reactions.clone(),
        observer,
        stale: true,
        handle,
    });
    writer.start(opened, handle.clone())?;
    Ok(Service {
        handle,
        requests,
        links: links.clone(),
        pictures,
        reactions,
        gate: Gate::new(Identity::new(Role::Scs, "SCS")),
    })
}

async fn wait(signals: &mut Signals, handle: &Handle<ScsCore>, links: &Links, config: &Path) {
    loop {
        match signals.next().await {
            Signal::Terminate | Signal::Interrupt => return,
            Signal::Journal => handle.write_journal(),
            Signal::Reload => {
                Readiness.reloading();
                links.reload_certificates().await;
                match read(config) {
                    Ok(environment) => match load(handle, links, environment).await {
                        Ok(()) => tracing::info!("the environment was read again"),
                        Err(error) => tracing::error!("{error:#}"),
                    },
                    // A bad file never ends a running SCS.
                    Err(complaint) => {
                        tracing::error!("the file is not usable, nothing changes: {complaint}")
                    }
                }
                Readiness.ready();
            }
        }
    }
}

/// Hands an environment to the core and dials what it names.
async fn load(
    handle: &Handle<ScsCore>,
    links: &Links,
    environment: Arc<Environment>,
) -> anyhow::Result<()> {
    handle
        .input(ScsInput::EnvironmentLoaded(environment))
        .await?;
    let (lcas, message_server) = handle
        .ask(|_, core| (core.dial_targets(), core.message_server()))
        .await?;
    links.dial(lcas, message_server);
    Ok(())
}

/// Reads and checks the file. What `check` calls an error is said and does not stop a running site.
fn read(config: &Path) -> Result<Arc<Environment>, String> {
    let text = std::fs::read_to_string(config).map_err(|error| {
        format!(
            "cannot read the environment file {}: {error}",
            config.display()
        )
    })?;
    let loaded = changeover_configuration::load(&config.display().to_string(), &text)
        .map_err(|problems| problems.render(false))?;
    let findings = changeover_configuration::check(
        &loaded,
        &changeover_configuration::CheckOptions::default(),
    );
    for finding in findings
        .iter()
        .filter(|finding| finding.severity == changeover_configuration::Severity::Error)
    {
        tracing::warn!(
            rule = finding.rule,
            "{}; changeover check tells more",
            finding.message
        );
    }
    Ok(Arc::new(loaded.environment))
}

fn own_address(environment: &Environment) -> anyhow::Result<std::net::IpAddr> {
    let host = &environment.management_layer.scs_host;
    let host = environment
        .hosts
        .get(host)
        .with_context(|| format!("the SCS's host {host} is not among the hosts"))?;
    Ok(host.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint_of(text: &str) -> Option<String> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(file.path(), text).expect("writable");
        read(file.path()).err()
    }

    #[test]
    fn what_check_calls_an_error_is_said_and_does_not_keep_a_site_down() {
        let site = include_str!("../../../deploy/examples/linux-hot.yaml");
        assert_eq!(complaint_of(site), None);
        let address = "10.10.11.103/24";
        assert!(site.contains(address), "the example has changed");
        assert_eq!(complaint_of(&site.replace(address, "10.99.1.3/24")), None);
        let complaint = complaint_of(&site.replace(address, "10.10.11.903/24"))
            .expect("a file that means no site is refused");
        assert!(complaint.contains("10.10.11.903"), "{complaint}");
    }
}
