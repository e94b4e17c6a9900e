//! Owns the open streams of senders and of the SCS: their numbers, the bounded queues towards them, and the way
//! to end one by name. Who is on them and what is said stands in `rpc.rs` and the core.

use changeover_message_server_core::ConnectionId;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

/// The streams of one kind; `M` is what goes out on them.
#[derive(Debug)]
pub(crate) struct Connections<M> {
    open: Mutex<Open<M>>,
}

#[derive(Debug)]
struct Open<M> {
    last: u64,
    by_id: HashMap<ConnectionId, Stream<M>>,
}

#[derive(Debug)]
struct Stream<M> {
    queue: mpsc::Sender<Result<M, Status>>,
    /// Dropped with the stream; its reading end then stops too.
    _end: oneshot::Sender<()>,
}

/// A stream that was just opened.
#[derive(Debug)]
pub(crate) struct Opened<M> {
    pub(crate) id: ConnectionId,
    /// What goes out.
    pub(crate) outgoing: mpsc::Receiver<Result<M, Status>>,
    /// Resolves when the stream was ended from our side.
    pub(crate) ended: oneshot::Receiver<()>,
}

impl<M> Default for Connections<M> {
    fn default() -> Self {
        let open = Open {
            last: 0,
            by_id: HashMap::new(),
        };
        Self {
            open: Mutex::new(open),
        }
    }
}

impl<M> Connections<M> {
    fn lock(&self) -> MutexGuard<'_, Open<M>> {
        // A table of channels cannot be half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream whose queue holds this many messages.
    pub(crate) fn open(&self, queue: usize) -> Opened<M> {
        let (sender, outgoing) = mpsc::channel(queue);
        let (end, ended) = oneshot::channel();
        let mut open = self.lock();
        open.last += 1;
        let id = ConnectionId(open.last);
        let stream = Stream {
            queue: sender,
            _end: end,
        };
        open.by_id.insert(id, stream);
        Opened {
            id,
            outgoing,
            ended,
        }
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Queues a message; a stream whose reader is so slow that the queue is full is ended. It will be sent
    /// again after the reader has reconnected.
    pub(crate) fn send(&self, id: ConnectionId, message: M) {
        let mut open = self.lock();
        let Some(stream) = open.by_id.get(&id) else {
            return;
        };
        if stream.queue.try_send(Ok(message)).is_err() {
            tracing::warn!(connection = %id, "a connection is closed: its reader is too slow or gone");
            open.by_id.remove(&id);
        }
    }

    /// Ends a stream, if it is open, and tells why, if there is something to tell and room for it.
    pub(crate) fn end(&self, id: ConnectionId, why: Option<Status>) {
        let ended = self.lock().by_id.remove(&id);
        if let (Some(stream), Some(why)) = (ended, why) {
            tell(&stream, why);
        }
    }

    /// Ends all streams but one.
    pub(crate) fn end_others(&self, id: ConnectionId, why: &Status) {
        self.end_where(|other| other != id, why);
    }

    /// Ends all streams.
    pub(crate) fn end_all(&self, why: &Status) {
        self.end_where(|_| true, why);
    }

    fn end_where(&self, ends: impl Fn(ConnectionId) -> bool, why: &Status) {
        self.lock().by_id.retain(|id, stream| {
            let ends = ends(*id);
            if ends {
                tell(stream, why.clone());
            }
            !ends
        });
    }
}

fn tell<M>(stream: &Stream<M>, why: Status) {
    if stream.queue.try_send(Err(why)).is_err() {
        tracing::debug!(
            "a connection ends without being told why: its queue is full or it is gone"
        );
    }
}
