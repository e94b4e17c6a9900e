//! Owns the delivery of an application's log events: an outbox that anybody in the process can put events
//! into without waiting, and the stream that carries it to the Message Server. Events of the levels Standard and
//! Alarm go into the stream within the caller's task; the many below are gathered into batches by one of its own.
//! The outbox itself is `message-server-core`'s; dialling, and dialling again, is `rpc::link`'s.

use crate::clock;
use crate::outage::Outage;
use crate::settings::Settings;
use changeover_emulated_nic::Network;
use changeover_message_server_core::{NewLogEvent, Outbox};
use changeover_model::message::{LogAcknowledged, LogOrigin, SourceId};
use changeover_model::{ApplicationName, CauseId, Epoch, HostName, LogEventId, LogLevel};
use changeover_rpc::identity::Role;
use changeover_rpc::link::{self, Dialler, LinkEvent, LinkHandle, LinkOptions, SendError};
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire;
use changeover_rpc::wire::message_server_client::MessageServerClient;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// An outbox has at most 4,000 events on their way, so the queue holds them even if each is a batch of its own.
const OPTIONS: LinkOptions = LinkOptions {
    queue: 4_096,
    ..LinkOptions::ELSEWHERE
};

/// How the Message Server is dialled: chooses the network and reads the certificates.
pub(crate) async fn dialler(settings: &Settings) -> Result<Dialler, String> {
    let network = Network::from_environment()
        .await
        .map_err(|error| error.to_string())?;
    let security = LinkSecurity::from_arguments(settings.tls.as_deref(), settings.insecure)
        .map_err(|error| error.to_string())?;
    security.this_is(Expected::named(
        Role::Application,
        settings.application.as_str(),
    ));
    Ok(Dialler {
        network,
        security,
        expected: Expected::role(Role::MessageServer),
    })
}

/// Sends log events to the Message Server. Cheap to clone; never waits and never fails: events stay in memory
/// (at most 10,000, the least important go first) until the Message Server has stored them.
#[derive(Clone, Debug)]
pub struct LogSender {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    application: ApplicationName,
    host: Option<HostName>,
    dialler: Dialler,
    delivery: Mutex<Delivery>,
    /// Something was put in that may wait for its like.
    gathered: Notify,
    /// Something was acknowledged.
    emptied: Notify,
}

#[derive(Debug)]
struct Delivery {
    outbox: Outbox,
    target: SocketAddr,
    link: Option<LinkHandle<wire::LogBatch>>,
    /// Number of the link: one to an earlier address is not listened to any more.
    links: u64,
    /// The connection that stands.
    connection: Option<u64>,
    outage: Outage,
}

impl LogSender {
    /// Starts delivering to this Message Server, until the runtime ends.
    pub(crate) fn new(
        application: ApplicationName,
        host: Option<HostName>,
        dialler: Dialler,
        message_server: SocketAddr,
    ) -> Self {
        let source = SourceId(format!("{application}/{}", uuid::Uuid::new_v4()).into());
        let shared = Arc::new(Shared {
            application,
            host,
            dialler,
            delivery: Mutex::new(Delivery {
                outbox: Outbox::new(source),
                target: message_server,
                link: None,
                links: 0,
                connection: None,
                outage: Outage::of("Message Server", "log events are kept"),
            }),
            gathered: Notify::new(),
            emptied: Notify::new(),
        });
        tokio::spawn(gather(Arc::clone(&shared)));
        shared.dial(&mut shared.delivery());
        Self { shared }
    }

    /// Reads the certificates again: new connections use them.
    pub async fn reload_certificates(&self) {
        self.shared.dialler.security.reload().await;
    }

    /// The Message Server is at this address now.
    pub(crate) fn set_target(&self, target: SocketAddr) {
        let mut delivery = self.shared.delivery();
        if delivery.target != target {
            delivery.target = target;
            self.shared.dial(&mut delivery);
        }
    }

    /// Logs an event of this application, outside of any order.
    pub fn log(&self, id: LogEventId, level: LogLevel, text: impl Into<String>) {
        self.log_caused(id, level, text, None, None);
    }

    /// Logs an event of this application that an order caused: it carries the order's epoch and cause.
    pub fn log_caused(
        &self,
        id: LogEventId,
        level: LogLevel,
        text: impl Into<String>,
        epoch: Option<Epoch>,
        cause: Option<CauseId>,
    ) {
        self.push(NewLogEvent {
            application: self.shared.application.clone(),
            host: self.shared.host.clone(),
            id,
            level,
            text: text.into(),
            at: clock::now(),
            epoch,
            cause,
            origin: LogOrigin::Application,
        });
    }

    /// Logs an event as it is.
    pub fn push(&self, event: NewLogEvent) {
        let at_once = event.level >= LogLevel::Standard;
        let mut delivery = self.shared.delivery();
        delivery.outbox.push(event);
        if at_once {
            delivery.send();
        } else {
            self.shared.gathered.notify_one();
        }
    }

    /// Waits until every event so far is stored, for an application that is about to end. False if that took
    /// longer than `within`.
    pub async fn delivered(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        loop {
            let emptied = self.shared.emptied.notified();
            if self.shared.delivery().outbox.is_empty() {
                return true;
            }
            if tokio::time::timeout_at(until, emptied).await.is_err() {
                return self.shared.delivery().outbox.is_empty();
            }
        }
    }

    /// How many events wait for the Message Server, and how many were dropped because too many did.
    #[must_use]
    pub fn waiting_and_lost(&self) -> (usize, u64) {
        let outbox = &self.shared.delivery().outbox;
        (outbox.pending().len(), outbox.lost())
    }
}

impl Shared {
    fn delivery(&self) -> MutexGuard<'_, Delivery> {
        // Nothing in it can be half done when a thread panics.
        self.delivery.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Dials the target, instead of the one before.
    fn dial(self: &Arc<Self>, delivery: &mut Delivery) {
        if let Some(earlier) = delivery.link.take() {
            earlier.close();
        }
        delivery.lost();
        delivery.links += 1;
        let number = delivery.links;
        // The link keeps us and we keep the link: what was logged is delivered although nobody logs any more.
        let shared = Arc::clone(self);
        delivery.link = Some(link::start_heard(
            self.dialler.clone(),
            delivery.target.into(),
            OPTIONS,
            |channel, queue| async move { MessageServerClient::new(channel).log(queue).await },
            move |event| shared.heard(number, event),
        ));
    }

    fn heard(&self, link: u64, event: LinkEvent<LogAcknowledged>) {
        let mut delivery = self.delivery();
        if delivery.links != link {
            return;
        }
        match event {
            LinkEvent::Connected { connection } => delivery.stands(connection),
            LinkEvent::Message { message, .. } => {
                if message.source == *delivery.outbox.source() {
                    delivery.outbox.acknowledged(message.up_to);
                    delivery.send();
                    drop(delivery);
                    self.emptied.notify_waiters();
                }
            }
            LinkEvent::Disconnected { reason, .. } => {
                delivery.lost();
                delivery.outage.because(&reason);
            }
            LinkEvent::NotConnected { reason } => delivery.outage.because(&reason),
        }
    }
}

impl Delivery {
    fn stands(&mut self, connection: u64) {
        self.outage.over();
        let lost = self.outbox.lost();
        if lost > 0 {
            tracing::warn!(lost, "so many log events had to be dropped since the start");
        }
        self.connection = Some(connection);
        self.outbox.connected();
        self.send();
    }

    fn lost(&mut self) {
        self.connection = None;
        self.outbox.disconnected();
    }

    /// Puts what is to be sent now into the stream.
    fn send(&mut self) {
        let (Some(link), Some(connection)) = (&self.link, self.connection) else {
            return;
        };
        for batch in self.outbox.next_batches() {
            match link.send(connection, batch) {
                Ok(()) => {}
                // Its end is told next; everything unacknowledged goes out on the connection after it.
                Err(SendError::NotConnected) => return,
                Err(SendError::Full) => {
                    tracing::warn!("the Message Server does not take log events; dialling again");
                    link.redial_now();
                    return;
                }
            }
        }
    }
}

/// Sends what has come together since it ran last.
async fn gather(shared: Arc<Shared>) {
    loop {
        shared.gathered.notified().await;
        shared.delivery().send();
    }
}
