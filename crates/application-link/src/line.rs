//! Owns the application's end of the stream to its LCA. It has no task of its own: what arrives goes through
//! `conversation.rs` to the application's main loop within the link's task, and what the application says goes
//! into the stream within the caller's. The handle of the application is `link.rs`; dialling, and dialling again,
//! is `rpc::link`'s.

use crate::conversation::{Conversation, Register, Said, Told};
use crate::outage::Outage;
use crate::settings::Settings;
use crate::silence::{self, Silence};
use changeover_emulated_nic::Network;
use changeover_model::message::{FromApplication, ToApplication};
use changeover_rpc::destination::Destination;
use changeover_rpc::identity::Role;
use changeover_rpc::link::{self, Dialler, LinkEvent, LinkHandle, LinkOptions, SendError};
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire;
use changeover_rpc::wire::application_link_client::ApplicationLinkClient;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// An LCA that comes back finds its applications within a quarter of a second.
const OPTIONS: LinkOptions = LinkOptions {
    longest_backoff: Duration::from_millis(250),
    queue: QUEUE,
    ..LinkOptions::ELSEWHERE
};
/// An LCA that takes longer than this to answer a registration is tried again.
const REGISTRATION: Duration = Duration::from_secs(2);
/// Most things that wait in either direction.
const QUEUE: usize = 256;

/// A heartbeat of the LCA; its answer belongs to the connection that it came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    connection: u64,
    pub(crate) sequence: u64,
}

/// What the application's main loop waits for.
#[derive(Debug)]
pub(crate) struct Arrivals {
    pub(crate) orders: mpsc::Receiver<Told>,
    pub(crate) heartbeats: watch::Receiver<Beat>,
}

/// The stream as the application sees it; the link ends with the last reference.
#[derive(Debug)]
pub(crate) struct Line(Mutex<State>);

#[derive(Debug)]
struct State {
    conversation: Conversation,
    /// `None` only until the link has been started.
    link: Option<LinkHandle<wire::FromApplication>>,
    /// The connection that stands.
    connection: Option<u64>,
    orders: mpsc::Sender<Told>,
    heartbeats: watch::Sender<Beat>,
    outage: Outage,
    pub(crate) silence: Silence,
}

impl Line {
    /// Starts dialling; registers whenever a connection stands.
    pub(crate) fn open(settings: &Settings) -> (Arc<Self>, Arrivals) {
        let (order_sender, orders) = mpsc::channel(QUEUE);
        let (heartbeat_sender, heartbeats) = watch::channel(Beat {
            connection: 0,
            sequence: 0,
        });
        let line = Arc::new(Self(Mutex::new(State {
            conversation: Conversation::new(Register {
                application: settings.application.clone(),
                token: settings.token.clone(),
                version: settings.version.clone(),
            }),
            link: None,
            connection: None,
            orders: order_sender,
            heartbeats: heartbeat_sender,
            outage: Outage::of("LCA", "it is dialled again"),
            silence: Silence::default(),
        })));
        let dialler = Dialler {
            // A Unix socket leads nowhere but to this machine, and needs no certificate.
            network: Network::Kernel,
            security: LinkSecurity::Plain,
            expected: Expected::role(Role::Lca),
        };
        let hearing = Arc::downgrade(&line);
        // Locked until the handle is in its place: the first event may come before that.
        let mut state = line.state();
        state.link = Some(link::start_heard(
            dialler,
            Destination::Unix(settings.lca.clone()),
            OPTIONS,
            |channel, queue| async move { ApplicationLinkClient::new(channel).attach(queue).await },
            move |event| {
                if let Some(line) = hearing.upgrade() {
                    line.heard(event);
                }
            },
        ));
        drop(state);
        (line, Arrivals { orders, heartbeats })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in it can be half done when a thread panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the application says; nobody waits. What the LCA cannot hear now is in the next registration, or is
    /// said when the order is repeated.
    pub(crate) fn say(&self, said: Said) {
        self.state().say(said);
    }

    /// The application's main loop turns.
    pub(crate) fn answer(&self, beat: Beat) {
        let mut state = self.state();
        if state.connection == Some(beat.connection) {
            state.say(Said::Alive(beat.sequence));
        }
    }

    /// Why there is no registration at present, for an error.
    pub(crate) fn why_not(&self) -> String {
        let state = self.state();
        state.outage.latest().unwrap_or("no answer").to_owned()
    }

    fn heard(self: &Arc<Self>, event: LinkEvent<ToApplication>) {
        let mut state = self.state();
        match event {
            LinkEvent::Connected { connection } => {
                state.connection = Some(connection);
                let register = state.conversation.connected();
                state.send(register);
                tokio::spawn(expect_registration(Arc::downgrade(self), connection));
            }
            LinkEvent::Message {
                connection,
                message,
            } => {
                if state.connection == Some(connection) {
                    let demote_after = match &message {
                        ToApplication::Registered(registered) => Some(registered.demote_after),
                        _ => None,
                    };
                    state.heard(connection, message);
                    if state.silence.heard(demote_after) {
                        tokio::spawn(silence::watch(Arc::downgrade(self)));
                    }
                }
            }
            LinkEvent::Disconnected { connection, reason } => {
                // One that was given up is no news.
                if state.connection == Some(connection) {
                    state.lost(&reason);
                }
            }
            LinkEvent::NotConnected { reason } => state.outage.because(&reason),
        }
    }
}

impl Line {
    /// When the LCA has been silent for too long; then, if that is now, a primary is told to demote itself.
    pub(crate) fn look_at_silence(&self) -> Option<tokio::time::Instant> {
        let mut state = self.state();
        let next = state.silence.next()?;
        if next > tokio::time::Instant::now() {
            return Some(next);
        }
        let number = state.silence.noticed();
        if let Some(told) = state.conversation.cut_off(number) {
            tracing::warn!(
                "nothing was heard of the LCA for so long that the VIP has run out: becoming backup"
            );
            state.tell(0, told);
        }
        state.silence.next()
    }
}

impl State {
    fn heard(&mut self, connection: u64, message: ToApplication) {
        let mut answers = Vec::new();
        for told in self.conversation.heard(message, &mut answers) {
            match &told {
                Told::Registered(_) => self.outage.over(),
                Told::Refused(refusal) => self.outage.because(refusal),
                Told::Heartbeat(_) | Told::Order(_) | Told::OptionChanged { .. } => {}
            }
            self.tell(connection, told);
        }
        for answer in answers {
            self.send(answer);
        }
    }

    fn lost(&mut self, reason: &impl Display) {
        self.connection = None;
        self.conversation.disconnected();
        self.outage.because(reason);
    }

    /// Hands something to the application. A main loop that has 256 orders waiting hangs, and its missing
    /// heartbeats say so.
    fn tell(&self, connection: u64, told: Told) {
        if let Told::Heartbeat(sequence) = told {
            self.heartbeats.send_replace(Beat {
                connection,
                sequence,
            });
        } else if let Err(mpsc::error::TrySendError::Full(told)) = self.orders.try_send(told) {
            tracing::warn!(?told, "the application does not take its orders");
        }
    }

    fn say(&mut self, said: Said) {
        if let Some(message) = self.conversation.said(said) {
            self.send(message);
        }
    }

    fn send(&self, message: FromApplication) {
        let (Some(link), Some(connection)) = (&self.link, self.connection) else {
            return;
        };
        match link.send(connection, message) {
            Ok(()) => {}
            Err(error @ SendError::NotConnected) => {
                tracing::debug!(%error, "not said to the LCA; it hears it after the next registration");
            }
            Err(SendError::Full) => {
                tracing::warn!("the LCA does not read; dialling again");
                link.redial_now();
            }
        }
    }
}

/// Gives a connection up on which the LCA does not answer the registration.
async fn expect_registration(line: Weak<Line>, connection: u64) {
    tokio::time::sleep(REGISTRATION).await;
    let Some(line) = line.upgrade() else { return };
    let mut state = line.state();
    if state.connection == Some(connection) && !state.conversation.is_registered() {
        state.lost(&"the LCA does not answer the registration");
        if let Some(link) = &state.link {
            link.redial_now();
        }
    }
}
