//! Owns the one thread that writes the log database. It commits whatever is queued whenever it is free, so
//! the slower the disk, the more goes into one commit. Its answers go back to the core; committed events go
//! to whoever follows the log.

use super::opening::Opened;
use super::{StoreError, is_damage, retention, rows};
use crate::metrics::{STORE, Writing};
use changeover_message_server_core::StoreRequest;
use changeover_model::environment::MessageServerSlice;
use changeover_model::message::{LogRecord, SourceId};
use changeover_model::{Ticket, Timestamp};
use rusqlite::{Connection, Transaction, params};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, mpsc};

/// Most things that wait for the writer. The core opens one `Store` at a time, so what can pile up behind a
/// stalled disk are acknowledged detections.
const QUEUE: usize = 65_536;
/// Most things in one transaction besides events.
const TOGETHER: usize = 4_096;
/// Most commits that a follower may be behind.
const FOLLOWERS: usize = 512;

/// What the writer is asked for.
#[derive(Debug)]
pub(crate) enum Work {
    /// Commit events, detections and marks.
    Store(Ticket, StoreRequest),
    /// The SCS has this detection.
    ForgetDetection(SourceId, u64),
    /// This source was silent longest.
    ForgetSource(SourceId),
    /// Keep the conditions.
    PersistSlice(Ticket, MessageServerSlice),
    /// Delete some of the oldest events.
    Retain(Ticket, Timestamp, u64),
    /// Finish: everything before this is carried out.
    Close,
}

/// What the writer answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Stored(Ticket),
    StoreFailed(Ticket, String),
    SlicePersisted(Ticket),
    SlicePersistFailed(Ticket, String),
    Retained(Ticket, bool),
    RetainFailed(Ticket, String),
    /// The file is damaged: the process must end, and its next start moves the file aside.
    Damaged(String),
}

/// Commits, for followers.
pub(crate) type Feed = broadcast::Sender<Arc<Vec<LogRecord>>>;

/// The way to the writer's thread.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: SyncSender<Work>,
    feed: Feed,
    path: PathBuf,
    metrics: Writing,
}

/// The thread itself, to be closed at the end.
#[derive(Debug)]
pub(crate) struct WriterThread {
    queue: SyncSender<Work>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread; answers arrive on `answers`.
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub(crate) fn start(
        opened: Opened,
        answers: mpsc::Sender<Answer>,
        metrics: Writing,
    ) -> Result<(Self, WriterThread), StoreError> {
        let (queue, work) = sync_channel(QUEUE);
        let (feed, _) = broadcast::channel(FOLLOWERS);
        let path = opened.path.clone();
        let mut thread = Thread {
            connection: opened.connection,
            _lock: opened.lock,
            answers,
            feed: feed.clone(),
            metrics: metrics.clone(),
            damaged: false,
        };
        let thread = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || thread.run(&work))
            .map_err(StoreError::Writer)?;
        let closing = WriterThread {
            queue: queue.clone(),
            thread,
        };
        let writer = Self {
            queue,
            feed,
            path,
            metrics,
        };
        Ok((writer, closing))
    }

    /// Hands something to the writer; never waits. Gives it back if the queue is full or the thread is gone.
    pub(crate) fn give(&self, work: Work) -> Result<(), Box<Work>> {
        self.metrics.store.queued(STORE);
        self.queue.try_send(work).map_err(|error| {
            self.metrics.store.wrote(STORE, 1, Duration::ZERO, false);
            match error {
                std::sync::mpsc::TrySendError::Full(work)
                | std::sync::mpsc::TrySendError::Disconnected(work) => Box::new(work),
            }
        })
    }

    /// Where commits can be followed.
    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The database, for readers.
    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }
}

impl WriterThread {
    /// Lets the writer finish what it has and close the database. Blocks as long as that takes.
    pub(crate) fn close(self) {
        let told = self.queue.send(Work::Close).is_ok();
        if self.thread.join().is_err() || !told {
            tracing::error!("the log database's writer had ended before it was closed");
        }
    }
}

struct Thread {
    connection: Connection,
    _lock: File,
    answers: mpsc::Sender<Answer>,
    feed: Feed,
    metrics: Writing,
    /// The file is damaged; it must not be marked as closed in good order.
    damaged: bool,
}

impl Thread {
    fn run(&mut self, queue: &Receiver<Work>) {
        while let Ok(first) = queue.recv() {
            let mut together = vec![first];
            while together.len() < TOGETHER
                && let Ok(next) = queue.try_recv()
            {
                together.push(next);
            }
            let close = together.iter().any(|work| matches!(work, Work::Close));
            if !self.carry_out(together) {
                return;
            }
            if close {
                break;
            }
        }
        if self.damaged {
            return;
        }
        let closed = self
            .connection
            .execute("UPDATE numbers SET value = 1 WHERE name = 'clean'", []);
        if let Err(error) = closed {
            tracing::warn!(%error, "the log database could not be marked as closed in good order");
        }
    }

    /// Commits these together; false if nobody listens to answers any more.
    fn carry_out(&mut self, mut together: Vec<Work>) -> bool {
        let began = Instant::now();
        let result = self.commit(&together);
        let (writes, took) = (together.len(), began.elapsed());
        self.metrics
            .store
            .wrote(STORE, writes, took, result.is_ok());
        if let Err(error) = &result
            && is_damage(error)
        {
            self.damaged = true;
            return self.answer(Answer::Damaged(error.to_string()));
        }
        let failure = result.err().map(|error| error.to_string());
        let with = |ticket, good: fn(Ticket) -> Answer, bad: fn(Ticket, String) -> Answer| {
            match &failure {
                None => good(ticket),
                Some(reason) => bad(ticket, reason.clone()),
            }
        };
        for work in &mut together {
            let answer = match work {
                Work::Store(ticket, request) => {
                    if failure.is_none() {
                        let count = |number| u64::try_from(number).unwrap_or(u64::MAX);
                        self.metrics.stored.add(&[], count(request.records.len()));
                        let detections = count(request.detections.len());
                        self.metrics.detections.add(&[], detections);
                    }
                    if failure.is_none() && !request.records.is_empty() {
                        // No follower is no error.
                        drop(
                            self.feed
                                .send(Arc::new(std::mem::take(&mut request.records))),
                        );
                    }
                    with(*ticket, Answer::Stored, Answer::StoreFailed)
                }
                Work::PersistSlice(ticket, _) => {
                    with(*ticket, Answer::SlicePersisted, Answer::SlicePersistFailed)
                }
                Work::Retain(ticket, before, max_bytes) => {
                    match retention::delete_some(&mut self.connection, *before, *max_bytes) {
                        Ok((deleted, more)) => {
                            self.metrics.deleted.add(&[], deleted);
                            Answer::Retained(*ticket, more)
                        }
                        Err(error) => Answer::RetainFailed(*ticket, error.to_string()),
                    }
                }
                Work::ForgetDetection(..) | Work::ForgetSource(_) | Work::Close => continue,
            };
            if !self.answer(answer) {
                return false;
            }
        }
        true
    }

    fn answer(&self, answer: Answer) -> bool {
        self.answers.blocking_send(answer).is_ok()
    }

    fn commit(&mut self, together: &[Work]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for work in together {
            match work {
                Work::Store(_, request) => store(&transaction, request)?,
                Work::ForgetDetection(source, sequence) => {
                    transaction
                        .prepare_cached(
                            "DELETE FROM detections WHERE source = ?1 AND sequence = ?2",
                        )?
                        .execute(params![&*source.0, sequence.cast_signed()])?;
                }
                Work::ForgetSource(source) => {
                    transaction
                        .prepare_cached("DELETE FROM sources WHERE source = ?1")?
                        .execute([&*source.0])?;
                }
                Work::PersistSlice(_, slice) => {
                    transaction.execute(
                        "INSERT OR REPLACE INTO slice VALUES (1, ?1)",
                        [json(slice)?],
                    )?;
                }
                Work::Retain(..) | Work::Close => {}
            }
        }
        transaction.commit()
    }
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn store(transaction: &Transaction<'_>, request: &StoreRequest) -> rusqlite::Result<()> {
    let unmatched: BTreeSet<u64> = request.unmatched.iter().copied().collect();
    let mut log = transaction.prepare_cached(&format!(
        "INSERT OR REPLACE INTO log ({}, unmatched) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        rows::COLUMNS
    ))?;
    let mut source = transaction.prepare_cached(
        "INSERT INTO sources VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET high_water = excluded.high_water, heard_at = excluded.heard_at",
    )?;
    for record in &request.records {
        rows::insert(&mut log, record, unmatched.contains(&record.position))?;
        source.execute(params![
            &*record.event.source.0,
            record.event.sequence.cast_signed(),
            rows::micros(record.received_at),
        ])?;
    }
    let mut detections = transaction.prepare_cached(
        "INSERT OR REPLACE INTO detections (source, sequence, detected) VALUES (?1, ?2, ?3)",
    )?;
    for detected in &request.detections {
        detections.execute(params![
            &*detected.event.source.0,
            detected.event.sequence.cast_signed(),
            json(detected)?,
        ])?;
    }
    let mut matched =
        transaction.prepare_cached("UPDATE log SET unmatched = 0 WHERE position = ?1")?;
    for position in &request.matched {
        matched.execute([position.cast_signed()])?;
    }
    if let Some(last) = request.records.last() {
        transaction
            .prepare_cached("UPDATE numbers SET value = ?1 WHERE name = 'highest_position'")?
            .execute([last.position.cast_signed()])?;
    }
    Ok(())
}
