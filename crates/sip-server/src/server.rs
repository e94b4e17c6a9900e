//! The main loop: orders of the LCA, datagrams of the VIP, signals. One loop, so that a server that answers
//! its LCA's heartbeats also answers its callers.

use crate::Arguments;
use crate::metrics::{Metrics, Said};
use crate::options::Responder;
use anyhow::Context as _;
use changeover_application_link::{ApplicationLink, Order, RunModeOrder, Settings};
use changeover_component::ExitCode;
use changeover_emulated_nic::{Datagrams, Network};
use changeover_model::{ApplicationStatus, RunMode};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The port of SIP where `TServer / sip-port` says nothing.
const SIP_PORT: u16 = 5060;
/// How long the last log events may take to be stored when the server ends.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Pause before a lost or refused socket is opened again.
const REOPEN: Duration = Duration::from_millis(250);

struct Server {
    link: ApplicationLink,
    network: Network,
    /// Where callers come in: the VIP, on pairs without one the host's own address.
    at: SocketAddr,
    socket: Option<Datagrams>,
    responder: Responder,
    /// Somebody said so by SIGUSR1.
    unavailable: bool,
    said: Said,
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
    let name = settings.application.to_string();
    let network = Network::from_environment().await?;
    let link = ApplicationLink::register(settings).await?;
    let metrics = Metrics::new();
    let said = metrics.said.clone();
    let _scraped = arguments
        .metrics
        .metrics
        .map(|at| metrics.serve(at, link.log().clone()));
    let mut server = Server {
        at: listen_at(&link)?,
        link,
        network,
        socket: None,
        responder: Responder {
            name,
            run_mode: RunMode::Unknown,
        },
        unavailable: false,
        said,
    };
    server.open().await;
    server.report().await;
    server.turn(&mut signals).await;
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

/// `TServer / sip-address` and `sip-port`.
fn listen_at(link: &ApplicationLink) -> anyhow::Result<SocketAddr> {
    let registered = link.registered();
    let option = |name: &str| {
        registered
            .options
            .iter()
            .filter(|(section, _)| section.eq_ignore_ascii_case("TServer"))
            .flat_map(|(_, options)| options)
            .find(|(option, _)| option.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    };
    let address: IpAddr = match option("sip-address") {
        Some(address) => address
            .parse()
            .with_context(|| format!("option TServer/sip-address: '{address}' is no address"))?,
        None => registered.host_address,
    };
    let port = match option("sip-port") {
        Some(port) => port
            .parse()
            .with_context(|| format!("option TServer/sip-port: '{port}' is no port"))?,
        None => SIP_PORT,
    };
    Ok(SocketAddr::new(address, port))
}

impl Server {
    async fn turn(&mut self, interrupts: &mut Interrupts) {
        loop {
            tokio::select! {
                biased;
                order = self.link.next_order() => match order {
                    Order::SetRunMode(order) => self.enter(order),
                    Order::Exiting(order) => {
                        tracing::info!("told to end");
                        self.enter(order);
                        return;
                    }
                    Order::OptionChanged { section, option, value } => {
                        tracing::info!(section, option, value, "an option has a new value");
                    }
                },
                interrupt = interrupts.next() => match interrupt {
                    Interrupt::End => return,
                    Interrupt::Reload => self.link.log().reload_certificates().await,
                    Interrupt::Available(available) => {
                        self.unavailable = !available;
                        self.report().await;
                    }
                },
                () = receive(&mut self.socket, &self.responder, &self.said) => {
                    tracing::warn!(at = %self.at, "the SIP socket is lost; opening it again");
                    self.socket = None;
                    self.open().await;
                    self.report().await;
                }
            }
        }
    }

    /// A run mode takes effect with the next datagram, so it is active when this returns.
    fn enter(&mut self, order: RunModeOrder) {
        self.responder.run_mode = order.run_mode();
        self.said.entered(order.run_mode(), order.epoch());
        tracing::info!(run_mode = %order.run_mode(), epoch = %order.epoch(), "run mode entered");
        order.activated();
    }

    async fn open(&mut self) {
        match self.network.datagrams(self.at).await {
            Ok(socket) => self.socket = Some(socket),
            Err(error) => {
                tracing::error!(at = %self.at, %error, "the SIP socket cannot be opened; trying again");
            }
        }
    }

    async fn report(&self) {
        let (status, reason) = if self.unavailable {
            (
                ApplicationStatus::ServiceUnavailable,
                "told so by SIGUSR1".to_owned(),
            )
        } else if self.socket.is_none() {
            (
                ApplicationStatus::ServiceUnavailable,
                format!("no SIP socket on {}", self.at),
            )
        } else {
            (ApplicationStatus::Running, String::new())
        };
        self.said.available(status == ApplicationStatus::Running);
        // Nothing is synchronised before calls exist, so nothing can be out of step.
        self.link.report_status(status, reason, true).await;
    }
}

/// Answers datagrams until the socket is lost. Cancelling loses none.
pub(crate) async fn receive(socket: &mut Option<Datagrams>, responder: &Responder, said: &Said) {
    let Some(socket) = socket else {
        return tokio::time::sleep(REOPEN).await;
    };
    loop {
        match socket.receive().await {
            Ok(datagram) => {
                let answer = responder.answer(&datagram.payload, datagram.from);
                said.answered(answer.as_deref());
                let Some(answer) = answer else {
                    continue;
                };
                if let Err(error) = socket.send(datagram.from, &answer).await {
                    tracing::debug!(%error, "an answer could not be sent: the VIP is not here any more");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "receiving failed");
                return;
            }
        }
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
