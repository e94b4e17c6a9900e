//! Owns the delivery of an application's log events: an outbox that anybody in the process can put events
//! into without waiting, and a task that carries it to the Message Server over any number of reconnects. The
//! outbox itself is `message-server-core`'s.

use crate::clock;
use crate::dial::{BackOff, Dial, Ends};
use changeover_message_server_core::{NewLogEvent, Outbox};
use changeover_model::message::{LogAcknowledged, LogBatch, LogOrigin, SourceId};
use changeover_model::{ApplicationName, CauseId, Epoch, HostName, LogEventId, LogLevel};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

/// Longest delay between two attempts to reach the Message Server.
const BACK_OFF: Duration = Duration::from_secs(1);
/// An attempt that takes longer than this is given up.
const DIAL: Duration = Duration::from_secs(2);

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
    outbox: Mutex<Outbox>,
    /// Something was put in.
    filled: Notify,
    /// Something was acknowledged.
    emptied: Notify,
    target: watch::Sender<SocketAddr>,
}

impl LogSender {
    pub(crate) fn new(
        application: ApplicationName,
        host: Option<HostName>,
        message_server: SocketAddr,
    ) -> Self {
        let source = SourceId(format!("{application}/{}", uuid::Uuid::new_v4()).into());
        Self {
            shared: Arc::new(Shared {
                application,
                host,
                outbox: Mutex::new(Outbox::new(source)),
                filled: Notify::new(),
                emptied: Notify::new(),
                target: watch::Sender::new(message_server),
            }),
        }
    }

    /// Starts delivering over `dial`, until the runtime ends.
    pub(crate) fn deliver(&self, dial: impl Dial<LogBatch, LogAcknowledged>) {
        tokio::spawn(deliver(self.shared.clone(), dial));
    }

    pub(crate) fn target(&self) -> watch::Receiver<SocketAddr> {
        self.shared.target.subscribe()
    }

    pub(crate) fn set_target(&self, target: SocketAddr) {
        self.shared.target.send_if_modified(|current| {
            let changed = *current != target;
            *current = target;
            changed
        });
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
        self.shared.outbox().push(event);
        self.shared.filled.notify_one();
    }

    /// Waits until every event so far is stored, for an application that is about to end. False if that took
    /// longer than `within`.
    pub async fn delivered(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        loop {
            let emptied = self.shared.emptied.notified();
            if self.shared.outbox().is_empty() {
                return true;
            }
            if tokio::time::timeout_at(until, emptied).await.is_err() {
                return self.shared.outbox().is_empty();
            }
        }
    }

    /// How many events wait for the Message Server, and how many were dropped because too many did.
    #[must_use]
    pub fn waiting_and_lost(&self) -> (usize, u64) {
        let outbox = self.shared.outbox();
        (outbox.pending().len(), outbox.lost())
    }
}

impl Shared {
    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        // Nothing in an outbox can be half done when a thread panics.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn deliver(shared: Arc<Shared>, mut dial: impl Dial<LogBatch, LogAcknowledged>) {
    let mut back_off = BackOff::up_to(BACK_OFF);
    let mut target = shared.target.subscribe();
    let mut told = false;
    loop {
        target.mark_unchanged();
        match timeout(DIAL, dial.dial()).await {
            Ok(Ok(ends)) => {
                told = false;
                carry(&shared, ends, &mut target, &mut back_off).await;
                tracing::info!("the link to the Message Server is down, log events are kept");
            }
            failed if !told => {
                told = true;
                let reason = failed.map_or("no answer in time".to_owned(), |failed| {
                    failed.err().unwrap_or_default()
                });
                tracing::info!(%reason, "the Message Server cannot be reached, log events are kept");
            }
            Ok(Err(_)) | Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(back_off.delay()) => {}
            _ = target.changed() => {}
        }
    }
}

/// Carries one connection to its end.
async fn carry(
    shared: &Shared,
    mut ends: Ends<LogBatch, LogAcknowledged>,
    target: &mut watch::Receiver<SocketAddr>,
    back_off: &mut BackOff,
) {
    let mut ready: VecDeque<LogBatch> = {
        let mut outbox = shared.outbox();
        let lost = outbox.lost();
        if lost > 0 {
            tracing::warn!(lost, "so many log events had to be dropped since the start");
        }
        outbox.connected();
        outbox.next_batches().into()
    };
    loop {
        tokio::select! {
            biased;
            permit = ends.to.reserve(), if !ready.is_empty() => {
                let Ok(permit) = permit else { break };
                if let Some(batch) = ready.pop_front() {
                    permit.send(batch);
                }
            }
            acknowledged = ends.from.recv() => {
                let Some(acknowledged) = acknowledged else { break };
                back_off.reset();
                let mut outbox = shared.outbox();
                if acknowledged.source == *outbox.source() {
                    outbox.acknowledged(acknowledged.up_to);
                    ready.extend(outbox.next_batches());
                    drop(outbox);
                    shared.emptied.notify_waiters();
                }
            }
            () = shared.filled.notified() => ready.extend(shared.outbox().next_batches()),
            _ = target.changed() => break,
        }
    }
    shared.outbox().disconnected();
}

#[cfg(test)]
#[path = "log_sender_tests.rs"]
mod tests;
