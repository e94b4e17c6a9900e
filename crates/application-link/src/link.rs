//! Owns the handle that the application's main loop waits on: registration, orders, heartbeats, status. The
//! stream under it is `line.rs`, what is said on it `conversation.rs`.

use crate::conversation::{Ordered, Said, Told};
use crate::line::{Arrivals, Line};
use crate::log_sender::{self, LogSender};
use crate::order::{Order, RunModeOrder};
use crate::settings::Settings;
use changeover_model::message::Registered;
use changeover_model::{ApplicationStatus, Refusal, RunMode};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long the first registration is tried.
const FIRST_REGISTRATION: Duration = Duration::from_secs(30);

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
    arrivals: Arrivals,
    line: Arc<Line>,
    log: LogSender,
}

impl ApplicationLink {
    /// Registers with the LCA and starts the link to the Message Server. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// When the LCA refuses, cannot be reached within 30 s, or the Message Server's link cannot be set up.
    pub async fn register(settings: Settings) -> Result<Self, LinkError> {
        let (line, mut arrivals) = Line::open(&settings);
        let registered = first_registration(&settings, &line, &mut arrivals).await?;
        let dialler = log_sender::dialler(&settings)
            .await
            .map_err(LinkError::Log)?;
        let log = LogSender::new(
            settings.application,
            Some(registered.host.clone()),
            dialler,
            registered.message_server,
        );
        Ok(Self {
            registered,
            arrivals,
            line,
            log,
        })
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
                told = self.arrivals.orders.recv() => match told {
                    Some(told) => {
                        if let Some(order) = self.order(told) {
                            return order;
                        }
                    }
                    // The line keeps the other end, and we keep the line.
                    None => std::future::pending().await,
                },
                changed = self.arrivals.heartbeats.changed() => {
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
        if self.arrivals.heartbeats.has_changed().unwrap_or(false) {
            self.answer_heartbeat();
        }
    }

    fn answer_heartbeat(&mut self) {
        let beat = *self.arrivals.heartbeats.borrow_and_update();
        self.line.answer(beat);
    }

    /// Reports a status: Initializing, Running, ServiceUnavailable, Suspending or Suspended. `in_step` = hot
    /// standby: it has everything its peer has. Said at once, and again by itself after a reconnect.
    pub async fn report_status(
        &self,
        status: ApplicationStatus,
        reason: impl Into<String>,
        in_step: bool,
    ) {
        self.line.say(Said::Status {
            status,
            reason: reason.into(),
            in_step,
        });
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
            line: Arc::clone(&self.line),
            answered: false,
        }
    }
}

/// Waits for the LCA's answer to the first registration.
async fn first_registration(
    settings: &Settings,
    line: &Line,
    arrivals: &mut Arrivals,
) -> Result<Registered, LinkError> {
    let unreachable = |reason: String| LinkError::Unreachable {
        socket: settings.lca.clone(),
        reason,
    };
    match timeout(FIRST_REGISTRATION, arrivals.orders.recv()).await {
        Ok(Some(Told::Registered(registered))) => Ok(*registered),
        Ok(Some(Told::Refused(refusal))) => Err(LinkError::Refused {
            application: settings.application.clone(),
            refusal,
        }),
        Ok(Some(Told::Order(_) | Told::Heartbeat(_) | Told::OptionChanged { .. })) => Err(
            unreachable("the LCA spoke before it had registered us".to_owned()),
        ),
        Ok(None) => Err(unreachable("the link has ended".to_owned())),
        Err(_) => Err(unreachable(line.why_not())),
    }
}
