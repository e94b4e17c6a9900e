//! Streams of a server's handlers in the model's words, so that shells never touch the wire.

use crate::convert::ConvertError;
use futures::{Stream, StreamExt as _};
use std::pin::Pin;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

/// What a streaming handler answers with.
pub type Answers<W> = Pin<Box<dyn Stream<Item = Result<W, Status>> + Send>>;

/// What arrives on one stream, as messages of the model.
#[derive(Debug)]
pub struct Incoming<W> {
    streaming: Streaming<W>,
    conversation: &'static str,
}

impl<W> Incoming<W> {
    /// The stream of a request; `conversation` names it in the log.
    #[must_use]
    pub fn new(streaming: Streaming<W>, conversation: &'static str) -> Self {
        Self {
            streaming,
            conversation,
        }
    }

    /// The next usable message; `None` when the peer has ended. Messages that cannot be used are logged and
    /// skipped, those of a newer release quietly.
    ///
    /// # Errors
    /// The status with which the stream broke.
    pub async fn next<M>(&mut self) -> Result<Option<M>, Status>
    where
        M: TryFrom<W, Error = ConvertError>,
    {
        while let Some(message) = self.streaming.message().await? {
            match M::try_from(message) {
                Ok(message) => return Ok(Some(message)),
                Err(error) => skipped(self.conversation, &error),
            }
        }
        Ok(None)
    }
}

pub(crate) fn skipped(conversation: &str, error: &ConvertError) {
    if error.is_of_newer_release() {
        tracing::debug!(conversation, %error, "a message of a newer release was skipped");
    } else {
        tracing::warn!(conversation, %error, "an unusable message was skipped");
    }
}

/// The answers of a handler from a bounded queue of the model's messages; ends when the queue's senders go.
#[must_use]
pub fn answers<M, W>(queue: mpsc::Receiver<Result<M, Status>>) -> Answers<W>
where
    M: Send + 'static,
    W: From<M> + Send + 'static,
{
    Box::pin(ReceiverStream::new(queue).map(|message| message.map(W::from)))
}
