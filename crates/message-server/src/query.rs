//! Owns the answer to a query of the log: the stored part page by page, then, if the reader follows, every new
//! commit. A reader that cannot keep up is told so and ended; it never holds anybody up.

use crate::store::{Reader, Writer, wanted};
use changeover_model::message::{LogQuery, LogRecord};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, watch};
use tonic::Status;

/// A reader that takes nothing for this long is given up.
const READER: Duration = Duration::from_secs(30);

/// The way back to whoever asked.
pub(crate) struct Reply {
    pub(crate) sender: mpsc::Sender<Result<LogRecord, Status>>,
    /// Turns true when the process ends.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// The reader is gone or has been told why there is no more.
struct Over;

impl Reply {
    async fn record(&self, record: LogRecord) -> Result<(), Over> {
        let sent = self.sender.send_timeout(Ok(record), READER).await;
        sent.map_err(|_| Over)
    }

    async fn end(&self, why: Status) -> Over {
        if self.sender.send_timeout(Err(why), READER).await.is_err() {
            tracing::debug!("a reader is gone before it was told why there is no more");
        }
        Over
    }
}

/// Answers a query. The live part is listened to before the end of the stored part is fixed, and what both
/// have is sent once: nothing is lost in between.
pub(crate) async fn answer(
    writer: Arc<Writer>,
    query: LogQuery,
    mut reply: Reply,
    _permit: OwnedSemaphorePermit,
) {
    let live = writer.feed().subscribe();
    let Ok(up_to) = stored(&writer, &query, &reply).await else {
        return;
    };
    if query.follow {
        let Over = follow(live, &query, up_to, &mut reply).await;
        tracing::debug!("a reader of the log has left");
    }
}

/// Sends the stored part; the position at which it ends.
async fn stored(writer: &Writer, query: &LogQuery, reply: &Reply) -> Result<u64, Over> {
    let (path, asked) = (writer.path().clone(), query.clone());
    let opened = tokio::task::spawn_blocking(move || Reader::open(&path, &asked)).await;
    let mut reader = match opened {
        Ok(Ok(reader)) => reader,
        Ok(Err(error)) => return Err(reply.end(Status::internal(error.to_string())).await),
        Err(error) => return Err(reply.end(Status::internal(error.to_string())).await),
    };
    let up_to = reader.up_to();
    loop {
        let page = tokio::task::spawn_blocking(move || {
            let page = reader.next_page();
            (reader, page)
        });
        let page = match page.await {
            Ok((same, Ok(page))) => {
                reader = same;
                page
            }
            Ok((_, Err(error))) => {
                return Err(reply.end(Status::internal(error.to_string())).await);
            }
            Err(error) => return Err(reply.end(Status::internal(error.to_string())).await),
        };
        if page.is_empty() {
            return Ok(up_to);
        }
        for record in page {
            reply.record(record).await?;
        }
    }
}

/// Sends new events as they are committed, until the reader leaves, falls behind, or the process ends.
async fn follow(
    mut live: broadcast::Receiver<Arc<Vec<LogRecord>>>,
    query: &LogQuery,
    up_to: u64,
    reply: &mut Reply,
) -> Over {
    loop {
        let commit = tokio::select! {
            () = reply.sender.closed() => return Over,
            // A dropped sender means the same.
            _ = reply.stopping.wait_for(|stopping| *stopping) => Err(RecvError::Closed),
            commit = live.recv() => commit,
        };
        let why = match commit {
            Ok(commit) => {
                let new = commit.iter().filter(|record| record.position > up_to);
                for record in new.filter(|record| wanted(query, record)) {
                    if reply.record(record.clone()).await.is_err() {
                        return Over;
                    }
                }
                continue;
            }
            Err(RecvError::Lagged(commits)) => Status::resource_exhausted(format!(
                "this reader is too slow: {commits} commits went past it; ask again with --since"
            )),
            Err(RecvError::Closed) => Status::unavailable("this Message Server is stopping"),
        };
        return reply.end(why).await;
    }
}
