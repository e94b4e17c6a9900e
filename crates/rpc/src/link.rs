//! The one reconnecting stream, used by everything that dials: SCS to LCAs and Message Server, applications to
//! their LCA and the Message Server, an LCA to its peer.
//!
//! Owns dialling again and again (back-off with jitter, one attempt at a time), the bounded outgoing queue of the
//! connection that is open, and telling the owner what happened, in the model's messages. Owns no heartbeat: when
//! a peer is lost is a core's decision; its shell then calls [`LinkHandle::redial_now`].

mod backoff;

pub use crate::dial::{Dialler, LinkLoss};

use crate::connection::{Trouble, turned};
use crate::convert::ConvertError;
use crate::destination::Destination;
use backoff::Backoff;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Response, Status, Streaming};

/// What the owner of a link hears, in order. Connections are numbered from 1, so that what belongs to an older
/// one is recognisable.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkEvent<M> {
    /// The stream is open; say hello.
    Connected {
        /// Number of the connection.
        connection: u64,
    },
    /// A message came.
    Message {
        /// On which connection.
        connection: u64,
        /// The message.
        message: M,
    },
    /// The stream has ended; dialling goes on.
    Disconnected {
        /// Which connection it was.
        connection: u64,
        /// Why.
        reason: LinkLoss,
    },
    /// An attempt to dial failed; dialling goes on.
    NotConnected {
        /// Why.
        reason: LinkLoss,
    },
}

/// Bounds of a link.
#[derive(Clone, Copy, Debug)]
pub struct LinkOptions {
    /// Longest pause between two attempts.
    pub longest_backoff: Duration,
    /// Longest wait for the host to answer the dial at all. A lost packet is repeated by the kernel after a
    /// second only; dialling anew is faster when a cable has just come back. Every fourth attempt waits for the
    /// whole `attempt_timeout`, so that a host which is that far away is reached too.
    pub answer_timeout: Duration,
    /// Longest attempt: dialling, TLS, opening the stream.
    pub attempt_timeout: Duration,
    /// Most messages that wait to be sent.
    pub queue: usize,
}

impl LinkOptions {
    /// Between the SCS and an LCA (DESIGN 4).
    pub const SCS_TO_LCA: Self = Self {
        longest_backoff: Duration::from_millis(100),
        answer_timeout: Duration::from_millis(150),
        attempt_timeout: Duration::from_millis(500),
        queue: 1024,
    };
    /// Everywhere else.
    pub const ELSEWHERE: Self = Self {
        longest_backoff: Duration::from_secs(1),
        answer_timeout: Duration::from_secs(2),
        attempt_timeout: Duration::from_secs(2),
        queue: 1024,
    };
}

/// Why a message was not put into the queue. It is not kept: the owner says everything again after a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// That connection is over, or never was.
    #[error("the connection is over")]
    NotConnected,
    /// The peer does not read as fast as we write.
    #[error("the outgoing queue is full")]
    Full,
}

struct Outgoing<W> {
    connection: u64,
    queue: mpsc::Sender<W>,
}

struct Shared<W> {
    outgoing: Mutex<Option<Outgoing<W>>>,
    redial: Notify,
}

impl<W> Shared<W> {
    fn set(&self, outgoing: Option<Outgoing<W>>) {
        *self.outgoing.lock().unwrap_or_else(PoisonError::into_inner) = outgoing;
    }
}

/// The owner's end of a link. The link ends at once when the last clone is dropped.
pub struct LinkHandle<W> {
    shared: Arc<Shared<W>>,
    close: Arc<watch::Sender<bool>>,
}

impl<W> Clone for LinkHandle<W> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            close: Arc::clone(&self.close),
        }
    }
}

impl<W> fmt::Debug for LinkHandle<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkHandle")
    }
}

impl<W> LinkHandle<W> {
    /// Queues a message on this connection; never waits.
    ///
    /// # Errors
    /// When the connection is over or its queue is full.
    pub fn send(&self, connection: u64, message: impl Into<W>) -> Result<(), SendError> {
        let outgoing = self
            .shared
            .outgoing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(open) = outgoing
            .as_ref()
            .filter(|open| open.connection == connection)
        else {
            return Err(SendError::NotConnected);
        };
        open.queue
            .try_send(message.into())
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => SendError::Full,
                mpsc::error::TrySendError::Closed(_) => SendError::NotConnected,
            })
    }

    /// Gives up the open connection, or the pause before the next attempt, and dials at once. An attempt that is
    /// under way goes on.
    pub fn redial_now(&self) {
        self.shared.redial.notify_waiters();
    }

    /// Ends the link at once; nothing more is told.
    pub fn close(&self) {
        self.close.send_replace(true);
    }
}

/// What an opener is given to send: the queue of one connection.
pub type Queue<W> = ReceiverStream<W>;

/// Starts a link. `open` calls the streaming method on a fresh channel, as in
/// `|channel, queue| async move { LcaClient::new(channel).control(queue).await }`; every event goes through `tell`
/// into `events`, so that one queue serves many links. Must be called within a tokio runtime.
pub fn start<WireOut, WireIn, In, Event, Open, Opening>(
    dialler: Dialler,
    to: Destination,
    options: LinkOptions,
    open: Open,
    events: mpsc::Sender<Event>,
    tell: impl Fn(LinkEvent<In>) -> Event + Send + Sync + 'static,
) -> LinkHandle<WireOut>
where
    WireOut: Send + 'static,
    WireIn: Send + 'static,
    In: TryFrom<WireIn, Error = ConvertError> + Send + 'static,
    Event: Send + 'static,
    Open: Fn(Channel, Queue<WireOut>) -> Opening + Send + Sync + 'static,
    Opening: Future<Output = Result<Response<Streaming<WireIn>>, Status>> + Send + 'static,
{
    start_task(dialler, to, options, open, Teller { events, tell })
}

/// Starts a link whose owner hears every event at once, within the link's own task and without a queue: one hop
/// less than [`start`]. `hear` must not block; the link stands still meanwhile. Must be called within a tokio
/// runtime.
pub fn start_heard<WireOut, WireIn, In, Open, Opening>(
    dialler: Dialler,
    to: Destination,
    options: LinkOptions,
    open: Open,
    hear: impl Fn(LinkEvent<In>) + Send + Sync + 'static,
) -> LinkHandle<WireOut>
where
    WireOut: Send + 'static,
    WireIn: Send + 'static,
    In: TryFrom<WireIn, Error = ConvertError> + Send + 'static,
    Open: Fn(Channel, Queue<WireOut>) -> Opening + Send + Sync + 'static,
    Opening: Future<Output = Result<Response<Streaming<WireIn>>, Status>> + Send + 'static,
{
    start_task(dialler, to, options, open, Hearer(hear))
}

fn start_task<WireOut, WireIn, In, Open, Opening>(
    dialler: Dialler,
    to: Destination,
    options: LinkOptions,
    open: Open,
    listener: impl Listener<In>,
) -> LinkHandle<WireOut>
where
    WireOut: Send + 'static,
    WireIn: Send + 'static,
    In: TryFrom<WireIn, Error = ConvertError> + Send + 'static,
    Open: Fn(Channel, Queue<WireOut>) -> Opening + Send + Sync + 'static,
    Opening: Future<Output = Result<Response<Streaming<WireIn>>, Status>> + Send + 'static,
{
    let shared = Arc::new(Shared {
        outgoing: Mutex::new(None),
        redial: Notify::new(),
    });
    let (close, closed) = watch::channel(false);
    let task = Task {
        dialler,
        to,
        options,
        open,
        listener,
        shared: Arc::clone(&shared),
        received: std::marker::PhantomData::<fn(WireIn) -> In>,
    };
    let ended = Arc::clone(&shared);
    tokio::spawn(async move {
        tokio::select! {
            () = turned(closed) => {}
            () = task.run() => {}
        }
        ended.set(None);
    });
    LinkHandle {
        shared,
        close: Arc::new(close),
    }
}

/// The owner has dropped its queue: nobody listens any more.
struct NobodyListens;

/// How the owner hears of events.
trait Listener<In>: Send + Sync + 'static {
    fn tell(&self, event: LinkEvent<In>) -> impl Future<Output = Result<(), NobodyListens>> + Send;
}

/// Through a queue.
struct Teller<Event, Tell> {
    events: mpsc::Sender<Event>,
    tell: Tell,
}

impl<In, Event, Tell> Listener<In> for Teller<Event, Tell>
where
    In: Send,
    Event: Send + 'static,
    Tell: Fn(LinkEvent<In>) -> Event + Send + Sync + 'static,
{
    async fn tell(&self, event: LinkEvent<In>) -> Result<(), NobodyListens> {
        self.events
            .send((self.tell)(event))
            .await
            .map_err(|_| NobodyListens)
    }
}

/// At once.
struct Hearer<Hear>(Hear);

impl<In, Hear> Listener<In> for Hearer<Hear>
where
    In: Send,
    Hear: Fn(LinkEvent<In>) + Send + Sync + 'static,
{
    async fn tell(&self, event: LinkEvent<In>) -> Result<(), NobodyListens> {
        (self.0)(event);
        Ok(())
    }
}

struct Task<WireOut, WireIn, In, Open, Listening> {
    dialler: Dialler,
    to: Destination,
    options: LinkOptions,
    open: Open,
    listener: Listening,
    shared: Arc<Shared<WireOut>>,
    received: std::marker::PhantomData<fn(WireIn) -> In>,
}

/// A stream that is open, and what cuts its connection when dropped.
struct OpenStream<WireOut, WireIn> {
    incoming: Streaming<WireIn>,
    queue: mpsc::Sender<WireOut>,
    trouble: Trouble,
    _cut: watch::Sender<bool>,
}

impl<WireOut, WireIn, In, Open, Opening, Listening> Task<WireOut, WireIn, In, Open, Listening>
where
    In: TryFrom<WireIn, Error = ConvertError>,
    Open: Fn(Channel, Queue<WireOut>) -> Opening,
    Opening: Future<Output = Result<Response<Streaming<WireIn>>, Status>>,
    Listening: Listener<In>,
{
    async fn run(self) {
        let mut backoff = Backoff::new(self.options.longest_backoff);
        let mut connection = 0;
        let mut attempts: u64 = 0;
        loop {
            attempts += 1;
            let answer = if attempts.is_multiple_of(4) {
                self.options.attempt_timeout
            } else {
                self.options.answer_timeout
            };
            let told = match self.attempt(answer).await {
                Ok(stream) => {
                    connection += 1;
                    let opened_at = Instant::now();
                    let told = self.carry(connection, stream).await;
                    if opened_at.elapsed() >= self.options.longest_backoff {
                        backoff.reset();
                    }
                    told
                }
                Err(reason) => {
                    self.dialler.after(&reason);
                    self.listener.tell(LinkEvent::NotConnected { reason }).await
                }
            };
            if told.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.pause()) => {}
                () = self.shared.redial.notified() => {}
            }
        }
    }

    async fn attempt(&self, answer: Duration) -> Result<OpenStream<WireOut, WireIn>, LinkLoss> {
        let attempt = async {
            let opened = self
                .dialler
                .open(&self.to, answer, self.options.attempt_timeout)
                .await?;
            let (queue, waiting) = mpsc::channel(self.options.queue);
            match (self.open)(opened.channel, ReceiverStream::new(waiting)).await {
                Ok(response) => Ok(OpenStream {
                    incoming: response.into_inner(),
                    queue,
                    trouble: opened.trouble,
                    _cut: opened.cut,
                }),
                Err(status) => Err(LinkLoss::of_status(&status, &opened.trouble)),
            }
        };
        tokio::time::timeout(self.options.attempt_timeout, attempt)
            .await
            .unwrap_or(Err(LinkLoss::TimedOut))
    }

    /// Carries messages until the stream ends; tells of both ends.
    async fn carry(
        &self,
        connection: u64,
        stream: OpenStream<WireOut, WireIn>,
    ) -> Result<(), NobodyListens> {
        let OpenStream {
            mut incoming,
            queue,
            trouble,
            _cut,
        } = stream;
        self.shared.set(Some(Outgoing { connection, queue }));
        let mut redial = std::pin::pin!(self.shared.redial.notified());
        // From here on a redial is heard, also while the owner's queue is full.
        redial.as_mut().enable();
        self.listener
            .tell(LinkEvent::Connected { connection })
            .await?;
        let reason = loop {
            let received = tokio::select! {
                received = incoming.message() => received,
                () = &mut redial => break LinkLoss::Closed("given up to dial again".to_owned()),
            };
            let message = match received {
                Ok(Some(message)) => In::try_from(message),
                Ok(None) => break LinkLoss::Closed("the peer ended the stream".to_owned()),
                Err(status) => break LinkLoss::of_status(&status, &trouble),
            };
            match message {
                Ok(message) => {
                    let event = LinkEvent::Message {
                        connection,
                        message,
                    };
                    self.listener.tell(event).await?;
                }
                Err(error) => crate::streams::skipped("link", &error),
            }
        };
        self.shared.set(None);
        self.dialler.after(&reason);
        self.listener
            .tell(LinkEvent::Disconnected { connection, reason })
            .await
    }
}
