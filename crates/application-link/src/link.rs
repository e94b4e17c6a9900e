//! Owns the application's end of the link to its LCA: a task that keeps the connection, and the handle that the
//! application's main loop waits on. What is said stands in `conversation.rs`.

use crate::conversation::{Conversation, Ordered, Register, Said, Told};
use crate::dial::{BackOff, Dial, Ends};
use crate::log_sender::LogSender;
use crate::order::{Order, RunModeOrder};
use crate::settings::Settings;
use crate::transport::{LcaSocket, MessageServerAddress};
use changeover_model::message::{FromApplication, Registered, ToApplication};
use changeover_model::{ApplicationStatus, Refusal, RunMode};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

/// Longest delay between two attempts to reach the LCA.
const BACK_OFF: Duration = Duration::from_millis(250);
/// An LCA that takes longer than this to answer a registration is tried again.
const REGISTRATION: Duration = Duration::from_secs(2);
/// How long the first registration is tried.
const FIRST_REGISTRATION: Duration = Duration::from_secs(30);
/// Most things that wait in either direction.
const QUEUE: usize = 256;

/// Why an application cannot live under its LCA.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The LCA does not accept the registration.
    #[error("the LCA does not accept the registration of {application}: {refusal}")]
    Refused {
        /// The name that was given.
        application: changeover_model::ApplicationName,
        /// Why.
        refusal: Refusal,
    },
    /// There was no registration within 30 s.
    #[error("no registration at the LCA on {} within 30 s ({reason}); is the LCA of this host running?", socket.display())]
    Unreachable {
        /// The LCA's socket.
        socket: std::path::PathBuf,
        /// What went wrong last.
        reason: String,
    },
    /// The Message Server cannot be dialled with these settings.
    #[error("the link to the Message Server cannot be set up: {0}")]
    Log(String),
}

/// The link to the LCA. Keep it in the main loop and wait in [`ApplicationLink::next_order`].
#[derive(Debug)]
pub struct ApplicationLink {
    registered: Registered,
    orders: mpsc::Receiver<Told>,
    heartbeats: watch::Receiver<u64>,
    said: mpsc::Sender<Said>,
    log: LogSender,
}

/// What the task keeps towards the application.
struct Towards {
    orders: mpsc::Sender<Told>,
    heartbeats: watch::Sender<u64>,
    said: mpsc::Receiver<Said>,
}

impl ApplicationLink {
    /// Registers with the LCA and starts the link to the Message Server. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// When the LCA refuses, cannot be reached within 30 s, or the Message Server's link cannot be set up.
    pub async fn register(settings: Settings) -> Result<Self, LinkError> {
        let dial = LcaSocket::new(settings.lca.clone());
        let (link, log) = Self::begin(&settings, dial).await?;
        let address = MessageServerAddress::prepare(&settings, link.message_server())
            .await
            .map_err(LinkError::Log)?;
        log.deliver(address);
        Ok(link)
    }

    fn message_server(&self) -> watch::Receiver<std::net::SocketAddr> {
        self.log.target()
    }

    /// Registers over any way to the LCA; log events wait until the returned sender is given a way too.
    pub(crate) async fn begin(
        settings: &Settings,
        dial: impl Dial<FromApplication, ToApplication>,
    ) -> Result<(Self, LogSender), LinkError> {
        let (order_sender, mut orders) = mpsc::channel(QUEUE);
        let (heartbeat_sender, heartbeats) = watch::channel(0);
        let (said, said_receiver) = mpsc::channel(QUEUE);
        let conversation = Conversation::new(Register {
            application: settings.application.clone(),
            token: settings.token.clone(),
            version: settings.version.clone(),
        });
        let towards = Towards {
            orders: order_sender,
            heartbeats: heartbeat_sender,
            said: said_receiver,
        };
        tokio::spawn(keep(dial, conversation, towards));
        let unreachable = |reason: &str| LinkError::Unreachable {
            socket: settings.lca.clone(),
            reason: reason.to_owned(),
        };
        match timeout(FIRST_REGISTRATION, orders.recv()).await {
            Ok(Some(Told::Registered(registered))) => {
                let log = LogSender::new(
                    settings.application.clone(),
                    Some(registered.host.clone()),
                    registered.message_server,
                );
                let link = Self {
                    registered: *registered,
                    orders,
                    heartbeats,
                    said,
                    log: log.clone(),
                };
                Ok((link, log))
            }
            Ok(Some(Told::Refused(refusal))) => Err(LinkError::Refused {
                application: settings.application.clone(),
                refusal,
            }),
            Ok(Some(Told::Order(_) | Told::Heartbeat(_) | Told::OptionChanged { .. })) => {
                Err(unreachable("the LCA spoke before it had registered us"))
            }
            Ok(None) => Err(unreachable("the link has ended")),
            Err(_) => Err(unreachable("no answer")),
        }
    }

    /// What the LCA said at the latest registration: options, ports, addresses, pair.
    #[must_use]
    pub fn registered(&self) -> &Registered {
        &self.registered
    }

    /// The sender of log events; clone it to wherever events are made.
    #[must_use]
    pub fn log(&self) -> &LogSender {
        &self.log
    }

    /// Waits for the next order. Heartbeats are answered meanwhile: waiting here is the sign that the main loop
    /// turns. May be cancelled (in `select!`) without losing an order. The first order is the run mode of the
    /// registration.
    pub async fn next_order(&mut self) -> Order {
        loop {
            tokio::select! {
                biased;
                told = self.orders.recv() => match told {
                    Some(told) => {
                        if let Some(order) = self.order(told) {
                            return order;
                        }
                    }
                    // The task ends only with this handle or with the runtime.
                    None => std::future::pending().await,
                },
                changed = self.heartbeats.changed() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                    self.answer_heartbeat();
                }
            }
        }
    }

    /// Answers a heartbeat, if one waits. For a main loop that does not return to
    /// [`ApplicationLink::next_order`] at least once a second.
    pub fn alive(&mut self) {
        if self.heartbeats.has_changed().unwrap_or(false) {
            self.answer_heartbeat();
        }
    }

    fn answer_heartbeat(&mut self) {
        let sequence = *self.heartbeats.borrow_and_update();
        if self.said.try_send(Said::Alive(sequence)).is_err() {
            tracing::debug!(
                sequence,
                "a heartbeat could not be answered: the link is busy"
            );
        }
    }

    /// Reports a status: Initializing, Running, ServiceUnavailable, Suspending or Suspended. `in_step` = hot
    /// standby: it has everything its peer has. Said again by itself after a reconnect.
    pub async fn report_status(
        &self,
        status: ApplicationStatus,
        reason: impl Into<String>,
        in_step: bool,
    ) {
        let reason = reason.into();
        let said = Said::Status {
            status,
            reason,
            in_step,
        };
        if self.said.send(said).await.is_err() {
            tracing::debug!("the link to the LCA has ended, the status goes nowhere");
        }
    }

    fn order(&mut self, told: Told) -> Option<Order> {
        match told {
            Told::Order(ordered) => {
                let exiting = ordered.run_mode == RunMode::Exiting;
                let order = self.run_mode_order(ordered);
                Some(if exiting {
                    Order::Exiting(order)
                } else {
                    Order::SetRunMode(order)
                })
            }
            Told::OptionChanged {
                section,
                option,
                value,
            } => Some(Order::OptionChanged {
                section,
                option,
                value,
            }),
            Told::Registered(registered) => {
                self.log.set_target(registered.message_server);
                self.registered = *registered;
                None
            }
            Told::Refused(_) | Told::Heartbeat(_) => None,
        }
    }

    fn run_mode_order(&self, ordered: Ordered) -> RunModeOrder {
        RunModeOrder {
            ordered,
            redundancy: self.registered.redundancy,
            log: self.log.clone(),
            answers: self.said.clone(),
            answered: false,
        }
    }
}

/// Keeps the link until the application drops its handle.
async fn keep(
    mut dial: impl Dial<FromApplication, ToApplication>,
    mut conversation: Conversation,
    mut towards: Towards,
) {
    let mut back_off = BackOff::up_to(BACK_OFF);
    loop {
        match timeout(REGISTRATION, dial.dial()).await {
            Ok(Ok(ends)) => {
                if serve(ends, &mut conversation, &mut towards, &mut back_off).await == Over::Gone {
                    return;
                }
                tracing::info!("the link to the LCA is down");
            }
            Ok(Err(reason)) => tracing::debug!(%reason, "the LCA cannot be reached"),
            Err(_) => tracing::debug!("the LCA does not answer"),
        }
        conversation.disconnected();
        let until = Instant::now() + back_off.delay();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => break,
                said = towards.said.recv() => match said {
                    Some(said) => drop(conversation.said(said)),
                    None => return,
                },
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Over {
    /// The connection is gone.
    Lost,
    /// The application is.
    Gone,
}

/// Carries one connection to its end.
async fn serve(
    mut ends: Ends<FromApplication, ToApplication>,
    conversation: &mut Conversation,
    towards: &mut Towards,
    back_off: &mut BackOff,
) -> Over {
    if ends.to.send(conversation.connected()).await.is_err() {
        return Over::Lost;
    }
    let registration = tokio::time::sleep(REGISTRATION);
    tokio::pin!(registration);
    let mut registered = false;
    let mut answers = Vec::new();
    loop {
        tokio::select! {
            biased;
            said = towards.said.recv() => match said {
                Some(said) => answers.extend(conversation.said(said)),
                None => return Over::Gone,
            },
            heard = ends.from.recv() => {
                let Some(heard) = heard else { return Over::Lost };
                for told in conversation.heard(heard, &mut answers) {
                    match &told {
                        Told::Registered(_) => {
                            registered = true;
                            back_off.reset();
                        }
                        Told::Refused(refusal) => tracing::warn!(%refusal, "the LCA does not accept the registration"),
                        Told::Heartbeat(_) | Told::Order(_) | Told::OptionChanged { .. } => {}
                    }
                    if !tell(told, towards) {
                        return Over::Gone;
                    }
                }
            }
            () = &mut registration, if !registered => return Over::Lost,
        }
        for answer in answers.drain(..) {
            if ends.to.send(answer).await.is_err() {
                return Over::Lost;
            }
        }
    }
}

/// Hands something to the application; false if it is gone. A main loop that has 256 orders waiting hangs, and
/// its missing heartbeats say so.
fn tell(told: Told, towards: &Towards) -> bool {
    if let Told::Heartbeat(sequence) = told {
        return towards.heartbeats.send(sequence).is_ok();
    }
    match towards.orders.try_send(told) {
        Ok(()) => true,
        Err(mpsc::error::TrySendError::Full(told)) => {
            tracing::warn!(?told, "the application does not take its orders");
            true
        }
        Err(mpsc::error::TrySendError::Closed(_)) => false,
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
