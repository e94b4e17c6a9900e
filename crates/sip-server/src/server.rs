//! The main loop: orders of the LCA, signals, reports. One loop, so that a server that answers its LCA's heartbeats
//! also enters run modes. Calls run beside it, in the driver of `sip-core`.

use crate::Arguments;
use crate::attend::{Attendance, Audience};
use crate::contacts;
use crate::datagrams::{Gate, Outbound, Queued, Socket, SocketState, Wanted};
use crate::effects::SipEffects;
use crate::ha_link::{Links, tell};
use crate::metrics::{Metrics, Said};
use crate::rpc::Service;
use crate::settings::{HaSettings, SipSettings};
use crate::streams::Streams;
use crate::trace::Tracer;
use anyhow::Context as _;
use changeover_application_link::{ApplicationLink, Order, RunModeOrder, Settings};
use changeover_component::{Clock, ExitCode, Handle};
use changeover_emulated_nic::Network;
use changeover_model::{ApplicationStatus, RunMode};
use changeover_rpc::identity::{Gate as Admission, Identity, Role};
use changeover_rpc::link::Dialler;
use changeover_rpc::server::{Listener, Server as RpcServer, Services};
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire::sip_clients_server::SipClientsServer;
use changeover_rpc::wire::sip_server_server::SipServerServer;
use changeover_sip_core::{SipCore, SipInput, Standing};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long the last log events may take to be stored when the server ends.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Pause before a port is tried again.
const REOPEN: Duration = Duration::from_secs(1);

struct Server {
    link: ApplicationLink,
    settings: SipSettings,
    handle: Handle<SipCore>,
    gate: Gate,
    links: Links,
    dialler: Dialler,
    wanted: watch::Sender<Wanted>,
    socket: watch::Receiver<SocketState>,
    standing: watch::Receiver<Option<Standing>>,
    /// Somebody said so by SIGUSR1.
    unavailable: bool,
    reported: Option<(ApplicationStatus, String, bool)>,
    said: Said,
    /// Where contacts are kept.
    kept_at: PathBuf,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut signals = Interrupts::take().context("signals cannot be taken over")?;
    let settings = match Settings::from_environment(env!("CARGO_PKG_VERSION")) {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!("{error}");
            return Ok(ExitCode::Unusable);
        }
    };
    if let Some(name) = arguments
        .application
        .as_ref()
        .filter(|name| name.as_str() != settings.application.as_str())
    {
        tracing::error!(
            "--application {name}, but the LCA started this process as {}",
            settings.application
        );
        return Ok(ExitCode::Unusable);
    }
    let network = Network::from_environment().await?;
    let security = LinkSecurity::from_arguments(settings.tls.as_deref(), settings.insecure)?;
    let name = settings.application.to_string();
    // Beside the LCA's socket: a runtime folder that is its user's own.
    let journal = settings.lca.with_file_name(format!("{name}.journal"));
    let link = ApplicationLink::register(settings).await?;
    let metrics = Metrics::new();
    let surroundings = (network, security, journal);
    let mut server = Server::start(name, surroundings, link, metrics.said.clone())?;
    let _scraped = arguments
        .metrics
        .metrics
        .map(|at| metrics.serve(at, server.link.log().clone()));
    server.turn(&mut signals).await;
    contacts::write(&server.kept_at, &server.handle).await;
    // The event of the last mode may still be on its way to the Message Server.
    if !server.link.log().delivered(LAST_WORDS).await {
        let (waiting, _) = server.link.log().waiting_and_lost();
        tracing::warn!(
            waiting,
            "ended with log events that the Message Server has not confirmed"
        );
    }
    Ok(ExitCode::Good)
}

impl Server {
    fn start(
        name: String,
        (network, security, journal): (Network, LinkSecurity, PathBuf),
        link: ApplicationLink,
        said: Said,
    ) -> anyhow::Result<Self> {
        let settings = SipSettings::read(&name, link.registered())?;
        let at = settings.bind;
        let (gate, links) = (Gate::default(), Links::default());
        let (outbound, queued) = Outbound::new();
        let streams = Streams::new(at, gate.clone());
        let (standing_told, standing) = watch::channel(None);
        let (tracer, audience) = (Tracer::default(), Audience::default());
        let (contact_changes, changes) = watch::channel(0);
        let kept_at = settings.contacts_file.clone();
        let kept_at = kept_at.unwrap_or_else(|| journal.with_extension("contacts"));
        let handle = changeover_component::start(
            Clock::start(),
            journal,
            SipCore::new(settings.config.clone()),
            |handle| SipEffects {
                handle,
                outbound,
                streams: streams.clone(),
                links: links.clone(),
                standing: standing_told,
                frame: None,
                said: said.clone(),
                tracer: tracer.clone(),
                audience: audience.clone(),
                contact_changes,
            },
        );
        contacts::begin(&kept_at, changes, &handle);
        let parts = (network.clone(), handle.clone(), gate.clone(), said.clone());
        let (wanted, socket) = start_socket(&settings, parts, queued);
        if network.emulated_host().is_none() && !settings.shares_host {
            tokio::spawn(streams.listen(handle.clone()));
        }
        let service = Service {
            application: name.clone(),
            peer: settings.ha.as_ref().map(|ha| ha.name.clone()),
            handle: handle.clone(),
            links: links.clone(),
            tracer,
            gate: Admission::new(Identity::new(Role::Application, name)),
        };
        let services = services(service, audience);
        for at in settings.serves_at.clone() {
            let (network, security) = (network.clone(), security.clone());
            tokio::spawn(serve(at, network, security, services.clone()));
        }
        let dialler = Dialler {
            network,
            security,
            expected: expected(settings.ha.as_ref()),
        };
        Ok(Self {
            link,
            settings,
            handle,
            gate,
            links,
            dialler,
            wanted,
            socket,
            standing,
            unavailable: false,
            reported: None,
            said,
            kept_at,
        })
    }

    async fn turn(&mut self, interrupts: &mut Interrupts) {
        loop {
            tokio::select! {
                biased;
                order = self.link.next_order() => match order {
                    Order::SetRunMode(order) => self.enter(order).await,
                    Order::Exiting(order) => {
                        tracing::info!("told to end");
                        self.enter(order).await;
                        return;
                    }
                    Order::OptionChanged { section, option, value } => {
                        tracing::info!(section, option, value, "an option has a new value; it counts from the next start");
                    }
                },
                interrupt = interrupts.next() => match interrupt {
                    Interrupt::End => return,
                    Interrupt::Reload => {
                        self.link.log().reload_certificates().await;
                        self.dialler.security.reload().await;
                    }
                    Interrupt::Available(available) => self.unavailable = !available,
                },
                changed = self.standing.changed() => drop(changed),
                changed = self.socket.changed() => drop(changed),
            }
            self.report().await;
        }
    }

    /// A run mode is active when this returns: nothing that the old one queued leaves any more.
    async fn enter(&mut self, order: RunModeOrder) {
        let (run_mode, epoch) = (order.run_mode(), order.epoch());
        let primary = run_mode == RunMode::Primary;
        if !primary {
            self.gate.set(self.settings.config.network_device);
        }
        if primary {
            self.gate.set(true);
            self.wanted
                .send_if_modified(|wanted| std::mem::replace(wanted, Wanted::Open) != Wanted::Open);
            self.links.hang_up();
        }
        tell(&self.handle, SipInput::SetRunMode { run_mode, epoch }).await;
        if self.handle.ask(|_, _| ()).await.is_err() {
            tracing::error!("the core has ended");
        }
        if !primary && self.settings.shares_host {
            self.wanted.send_replace(Wanted::Closed);
        }
        self.said.entered(run_mode, epoch);
        tracing::info!(%run_mode, %epoch, "run mode entered");
        order.activated();
        match &self.settings.ha {
            Some(ha) if run_mode == RunMode::Backup => {
                self.links.dial(&self.dialler, ha, &self.handle);
            }
            None if run_mode == RunMode::Backup => {
                // There is nobody to be in step with.
                tell(&self.handle, SipInput::SyncUnreachable).await;
            }
            Some(_) | None => {}
        }
    }

    /// Reports how ready this server is, when that has changed.
    async fn report(&mut self) {
        let Some(standing) = self.standing.borrow_and_update().clone() else {
            return;
        };
        let socket = *self.socket.borrow_and_update();
        let unavailable = |reason: &str| (ApplicationStatus::ServiceUnavailable, reason.to_owned());
        let (status, reason) = if self.unavailable {
            unavailable("told so by SIGUSR1")
        } else if socket == SocketState::Failed {
            let at = self.settings.bind;
            unavailable(&format!("no SIP socket on {at}"))
        } else if standing.silent {
            unavailable("no SIP message has been heard for the time of sip-pass-check")
        } else if standing.initialized {
            (ApplicationStatus::Running, String::new())
        } else {
            (
                ApplicationStatus::Initializing,
                "is being brought into step".to_owned(),
            )
        };
        let report = (status, reason, standing.in_step);
        if self.reported.as_ref() != Some(&report) {
            self.reported = Some(report.clone());
            let (status, reason, in_step) = report;
            self.said.available(status == ApplicationStatus::Running);
            self.link.report_status(status, reason, in_step).await;
        }
    }
}

/// Whom this server believes at the other end of the HA link.
fn expected(ha: Option<&HaSettings>) -> Expected {
    match ha {
        Some(ha) => Expected::named(Role::Application, ha.name.as_str()),
        None => Expected::role(Role::Application),
    }
}

/// Starts the task of the UDP socket; how it is told what is wanted, and tells how it stands.
fn start_socket(
    settings: &SipSettings,
    (network, handle, gate, said): (Network, Handle<SipCore>, Gate, Said),
    queued: Queued,
) -> (watch::Sender<Wanted>, watch::Receiver<SocketState>) {
    let first = if settings.shares_host {
        Wanted::Closed
    } else {
        Wanted::Open
    };
    let (wanted, wanted_told) = watch::channel(first);
    let (state, socket) = watch::channel(SocketState::Closed);
    let udp = Socket {
        network,
        at: settings.bind,
        handle,
        gate,
        said,
        wanted: wanted_told,
        takes_over: settings.shares_host,
        state,
    };
    tokio::spawn(udp.run(queued));
    (wanted, socket)
}

/// What is served on each port: the HA link and what this server holds, and its clients.
fn services(service: Service, audience: Audience) -> Services {
    let attendance = Attendance {
        handle: service.handle.clone(),
        audience,
        gate: service.gate.clone(),
    };
    Services::new()
        .with(SipServerServer::new(service))
        .with(SipClientsServer::new(attendance))
}

/// Serves a port until the server ends: the HA link, clients and operators.
async fn serve(at: SocketAddr, network: Network, security: LinkSecurity, services: Services) {
    loop {
        let listener = match Listener::tcp(&network, at).await {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%at, %error, "a port of this server cannot be opened; trying again");
                tokio::time::sleep(REOPEN).await;
                continue;
            }
        };
        let server = match RpcServer::new(listener, &network, &security) {
            Ok(server) => server,
            Err(error) => {
                tracing::error!(%at, %error, "a port cannot be secured: nothing is synchronised or shown there");
                return;
            }
        };
        if let Err(error) = server.serve(services.clone(), std::future::pending()).await {
            tracing::error!(%at, %error, "serving a port failed; trying again");
        }
        tokio::time::sleep(REOPEN).await;
    }
}

pub(crate) enum Interrupt {
    End,
    /// SIGHUP: read the certificates again.
    Reload,
    Available(bool),
}

pub(crate) struct Interrupts {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    unavailable: Signal,
    available: Signal,
}

impl Interrupts {
    pub(crate) fn take() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            unavailable: signal(SignalKind::user_defined1())?,
            available: signal(SignalKind::user_defined2())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.terminate.recv() => Interrupt::End,
            _ = self.interrupt.recv() => Interrupt::End,
            _ = self.hangup.recv() => Interrupt::Reload,
            _ = self.unavailable.recv() => Interrupt::Available(false),
            _ = self.available.recv() => Interrupt::Available(true),
        }
    }
}
