//! The SCS's links: one to each LCA, and two to the Message Server (alarms, and its own log events). Each tells the
//! core what happened; how one is dialled, and dialled again, stands in `rpc::link`.

use changeover_component::Handle;
use changeover_emulated_nic::{DialError, Network};
use changeover_model::HostName;
use changeover_model::message::{
    FromLca, FromMessageServer, LogAcknowledged, LogBatch, ToLca, ToMessageServer,
};
use changeover_rpc::identity::Role;
use changeover_rpc::link::{self, Dialler, LinkEvent, LinkHandle, LinkLoss, LinkOptions};
use changeover_rpc::notices::Notices;
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire;
use changeover_rpc::wire::lca_client::LcaClient;
use changeover_rpc::wire::message_server_client::MessageServerClient;
use changeover_scs_core::{Echo, LinkLoss as CoreLoss, ScsCore, ScsInput};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Most events of all links that wait for the core.
const EVENTS: usize = 4_096;
/// Largest message of a peer.
const LARGEST: usize = 16 << 20;

struct ToHost {
    at: SocketAddr,
    link: LinkHandle<wire::ToLca>,
}

struct ToLogServer {
    at: SocketAddr,
    alarms: LinkHandle<wire::ToMessageServer>,
    log: LinkHandle<wire::LogBatch>,
}

#[derive(Default)]
struct Table {
    hosts: BTreeMap<HostName, ToHost>,
    message_server: Option<ToLogServer>,
    /// Connections of the two links to the Message Server that are open now.
    alarms_open: Option<u64>,
    log_open: Option<u64>,
    /// The core has greeted the Message Server since both links stand. What it says before that was meant for
    /// the connection before, and would overtake what it says again after its Hello.
    greeted: bool,
}

/// All links. Clones share them.
#[derive(Clone)]
pub(crate) struct Links {
    table: Arc<Mutex<Table>>,
    network: Network,
    security: LinkSecurity,
    /// What was said of links that do not come up.
    notices: Notices,
    events: mpsc::Sender<Event>,
}

/// What a link tells, before it is put into the core's words.
enum Event {
    Lca(HostName, LinkEvent<FromLca>),
    Alarms(LinkEvent<FromMessageServer>),
    Log(LinkEvent<LogAcknowledged>),
}

/// The queue between the links and the core; handed to [`Links::run`].
pub(crate) struct Events(mpsc::Receiver<Event>);

impl Links {
    pub(crate) fn new(network: Network, security: LinkSecurity) -> (Self, Events) {
        let (events, receiver) = mpsc::channel(EVENTS);
        (
            Self {
                table: Arc::default(),
                network,
                security,
                notices: Notices::default(),
                events,
            },
            Events(receiver),
        )
    }

    /// Reads the certificates again (SIGHUP).
    pub(crate) async fn reload_certificates(&self) {
        self.security.reload().await;
    }

    fn with<R>(&self, work: impl FnOnce(&mut Table) -> R) -> R {
        work(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Passes on what links tell, until the core is gone.
    pub(crate) async fn run(self, mut events: Events, handle: Handle<ScsCore>) {
        while let Some(event) = events.0.recv().await {
            for input in self.inputs(event) {
                if handle.input(input).await.is_err() {
                    return;
                }
            }
        }
    }

    fn inputs(&self, event: Event) -> Vec<ScsInput> {
        match event {
            Event::Lca(host, event) => vec![lca_input(host, event, &self.notices)],
            Event::Alarms(event) => self.alarm_inputs(event),
            Event::Log(event) => self.log_inputs(event),
        }
    }

    /// The core hears of the Message Server when both links stand, so that what it sends at once arrives.
    fn alarm_inputs(&self, event: LinkEvent<FromMessageServer>) -> Vec<ScsInput> {
        match event {
            LinkEvent::Connected { connection } => self.with(|table| {
                table.alarms_open = Some(connection);
                table.greeted = false;
                connected(table)
            }),
            LinkEvent::Message { message, .. } => {
                vec![ScsInput::MessageServerMessage(Box::new(message))]
            }
            LinkEvent::Disconnected { reason, .. } => {
                tracing::warn!(%reason, "the link to the Message Server is lost; dialling again");
                self.with(|table| {
                    let was = table.alarms_open.take().is_some() && table.log_open.is_some();
                    if was {
                        vec![ScsInput::MessageServerDisconnected]
                    } else {
                        Vec::new()
                    }
                })
            }
            LinkEvent::NotConnected { reason } => {
                match &reason {
                    LinkLoss::Tls(_) | LinkLoss::Rejected { .. } | LinkLoss::Other(_) => {
                        if let Some(withheld) =
                            self.notices.due(&format!("Message Server {reason}"))
                        {
                            tracing::warn!(%reason, withheld, "the Message Server cannot be connected");
                        }
                    }
                    LinkLoss::Refused
                    | LinkLoss::TimedOut
                    | LinkLoss::NoRoute
                    | LinkLoss::Closed(_) => {
                        tracing::debug!(%reason, "the Message Server does not answer");
                    }
                }
                Vec::new()
            }
        }
    }

    fn log_inputs(&self, event: LinkEvent<LogAcknowledged>) -> Vec<ScsInput> {
        match event {
            LinkEvent::Connected { connection } => self.with(|table| {
                table.log_open = Some(connection);
                table.greeted = false;
                connected(table)
            }),
            LinkEvent::Message { message, .. } => vec![ScsInput::LogAcknowledged(message)],
            LinkEvent::Disconnected { .. } => self.with(|table| {
                let was = table.log_open.take().is_some() && table.alarms_open.is_some();
                if was {
                    vec![ScsInput::MessageServerDisconnected]
                } else {
                    Vec::new()
                }
            }),
            LinkEvent::NotConnected { .. } => Vec::new(),
        }
    }

    /// Dials what the environment in force names, and drops links to what it names no more.
    pub(crate) fn dial(
        &self,
        lcas: Vec<(HostName, SocketAddr)>,
        message_server: Option<SocketAddr>,
    ) {
        self.with(|table| {
            table.hosts.retain(|host, to| {
                let stays = lcas.iter().any(|(name, at)| name == host && *at == to.at);
                if !stays {
                    to.link.close();
                }
                stays
            });
            for (host, at) in lcas {
                if let Entry::Vacant(place) = table.hosts.entry(host) {
                    let link = self.dial_lca(place.key().clone(), at);
                    place.insert(ToHost { at, link });
                }
            }
            let stays = table.message_server.as_ref().map(|to| to.at) == message_server;
            if !stays {
                if let Some(earlier) = table.message_server.take() {
                    earlier.alarms.close();
                    earlier.log.close();
                }
                table.message_server = message_server.map(|at| self.dial_message_server(at));
            }
        });
    }

    fn dialler(&self, expected: Expected) -> Dialler {
        Dialler {
            network: self.network.clone(),
            security: self.security.clone(),
            expected,
        }
    }

    fn dial_lca(&self, host: HostName, at: SocketAddr) -> LinkHandle<wire::ToLca> {
        link::start(
            self.dialler(Expected::named(Role::Lca, host.as_str())),
            at.into(),
            LinkOptions::SCS_TO_LCA,
            |channel, queue| async move {
                LcaClient::new(channel)
                    .max_decoding_message_size(LARGEST)
                    .control(queue)
                    .await
            },
            self.events.clone(),
            move |event| Event::Lca(host.clone(), event),
        )
    }

    fn dial_message_server(&self, at: SocketAddr) -> ToLogServer {
        let expected = Expected::role(Role::MessageServer);
        ToLogServer {
            at,
            alarms: link::start(
                self.dialler(expected.clone()),
                at.into(),
                LinkOptions::ELSEWHERE,
                |channel, queue| async move {
                    MessageServerClient::new(channel)
                        .max_decoding_message_size(LARGEST)
                        .alarms(queue)
                        .await
                },
                self.events.clone(),
                Event::Alarms,
            ),
            log: link::start(
                self.dialler(expected),
                at.into(),
                LinkOptions::ELSEWHERE,
                |channel, queue| async move { MessageServerClient::new(channel).log(queue).await },
                self.events.clone(),
                Event::Log,
            ),
        }
    }

    /// A message for an LCA. One that cannot be queued means that it does not read: the link is dialled anew, and
    /// everything is said again.
    pub(crate) fn to_lca(&self, host: &HostName, connection: u64, message: ToLca) {
        self.with(|table| {
            let Some(to) = table.hosts.get(host) else {
                return;
            };
            if let Err(link::SendError::Full) = to.link.send(connection, message) {
                tracing::warn!(%host, "its LCA does not read; dialling again");
                to.link.redial_now();
            }
        });
    }

    /// Gives up a connection over which nothing comes.
    pub(crate) fn close_lca(&self, host: &HostName) {
        self.with(|table| {
            if let Some(to) = table.hosts.get(host) {
                to.link.redial_now();
            }
        });
    }

    /// Finds out whether a host answers at all, by a connection of its own.
    pub(crate) fn probe(&self, host: &HostName, timeout: Duration, handle: Handle<ScsCore>) {
        let Some(at) = self.with(|table| table.hosts.get(host).map(|to| to.at)) else {
            return;
        };
        let (network, host) = (self.network.clone(), host.clone());
        tokio::spawn(async move {
            let echo = match network.echo(at, timeout).await {
                Ok(()) => Echo::Answered,
                Err(DialError::Refused(_)) => Echo::Refused,
                Err(DialError::TimedOut(_)) => Echo::TimedOut,
                Err(DialError::NoRoute(_)) => Echo::NoRoute,
                Err(error @ DialError::Other { .. }) => {
                    tracing::warn!(%host, %error, "a host cannot be asked whether it lives");
                    Echo::TimedOut
                }
            };
            if handle
                .input(ScsInput::HostEchoed { host, echo })
                .await
                .is_err()
            {
                tracing::debug!("the SCS is stopping; an echo is not reported");
            }
        });
    }

    /// To the Message Server, once the core has greeted it on the links that stand now.
    pub(crate) fn to_message_server(&self, message: ToMessageServer) {
        self.with(|table| {
            let (Some(connection), Some(_)) = (table.alarms_open, table.log_open) else {
                return;
            };
            table.greeted |= matches!(message, ToMessageServer::Hello { .. });
            if !table.greeted {
                return;
            }
            if let Some(to) = &table.message_server
                && let Err(error) = to.alarms.send(connection, message)
            {
                tracing::warn!(%error, "the Message Server does not read; dialling again");
                to.alarms.redial_now();
            }
        });
    }

    /// Own log events; those before the greeting are sent again after it.
    pub(crate) fn send_log(&self, batch: LogBatch) {
        self.with(|table| {
            if let (Some(to), Some(connection), true) =
                (&table.message_server, table.log_open, table.greeted)
                && let Err(error) = to.log.send(connection, batch)
            {
                tracing::warn!(%error, "the Message Server does not take log events; dialling again");
                to.log.redial_now();
            }
        });
    }

    /// A connection of one's own to a SIP Server, for what it holds.
    pub(crate) fn sip_server_dialler(&self, application: &str) -> Dialler {
        self.dialler(Expected::named(Role::Application, application))
    }

    /// A connection of one's own to the Message Server, for reading its log.
    pub(crate) fn message_server_dialler(&self) -> Option<(Dialler, SocketAddr)> {
        let at = self.with(|table| table.message_server.as_ref().map(|to| to.at))?;
        Some((self.dialler(Expected::role(Role::MessageServer)), at))
    }
}

fn connected(table: &Table) -> Vec<ScsInput> {
    if table.alarms_open.is_some() && table.log_open.is_some() {
        vec![ScsInput::MessageServerConnected]
    } else {
        Vec::new()
    }
}

fn lca_input(host: HostName, event: LinkEvent<FromLca>, notices: &Notices) -> ScsInput {
    match event {
        LinkEvent::Connected { connection } => {
            notices.over(&format!("{host}: "));
            ScsInput::LcaConnected { host, connection }
        }
        LinkEvent::Message {
            connection,
            message,
        } => ScsInput::LcaMessage {
            host,
            connection,
            message: Box::new(message),
        },
        LinkEvent::Disconnected { connection, reason } => {
            tracing::warn!(%host, %reason, "the link to its LCA is lost; dialling again");
            ScsInput::LcaDisconnected {
                host,
                connection,
                loss: core_loss(&reason),
            }
        }
        LinkEvent::NotConnected { reason } => {
            match &reason {
                LinkLoss::Tls(_) | LinkLoss::Rejected { .. } | LinkLoss::Other(_) => {
                    if let Some(withheld) = notices.due(&format!("{host}: {reason}")) {
                        tracing::warn!(%host, %reason, withheld, "its LCA cannot be connected");
                    }
                }
                LinkLoss::Refused
                | LinkLoss::TimedOut
                | LinkLoss::NoRoute
                | LinkLoss::Closed(_) => {
                    tracing::debug!(%host, %reason, "its LCA does not answer");
                }
            }
            ScsInput::DialFailed {
                host,
                loss: core_loss(&reason),
            }
        }
    }
}

/// In the core's words: what matters there is whether the host was heard.
fn core_loss(reason: &LinkLoss) -> CoreLoss {
    match reason {
        LinkLoss::Refused | LinkLoss::Tls(_) | LinkLoss::Rejected { .. } => CoreLoss::Refused,
        LinkLoss::TimedOut | LinkLoss::Other(_) => CoreLoss::TimedOut,
        LinkLoss::NoRoute => CoreLoss::NoRoute,
        LinkLoss::Closed(_) => CoreLoss::Closed,
    }
}
