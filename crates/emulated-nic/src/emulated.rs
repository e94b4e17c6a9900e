//! Owns the conversations of one emulated host's process with the emulator: one connection each, with a
//! hello, one request and one answer. What the requests are used for is in [`crate::Network`] (dialling,
//! listening), `addresses.rs` (the `Addresses` trait) and `datagrams.rs`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;

use crate::framing::{FrameError, FrameReader, FrameWriter};
use crate::protocol::{Answer, CommandStart, Errno, Hello, KernelCall, Link, Request, VERSION};
use crate::{Frame, NetworkError};

/// How long an answer may take that the emulator gives without waiting for anything.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// How long a command may be held back at its start; the emulator accepts no longer delay.
const COMMAND_WAIT: Duration = Duration::from_secs(3700);

/// The network as one emulated host has it. Cheap to clone.
#[derive(Clone)]
pub struct EmulatedNic {
    place: Arc<Place>,
}

struct Place {
    socket: PathBuf,
    host: String,
}

impl fmt::Debug for EmulatedNic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("EmulatedNic")
            .field("socket", &self.place.socket)
            .field("host", &self.place.host)
            .finish()
    }
}

impl EmulatedNic {
    /// The NICs of `host` on the network behind `socket`, after asking whether both exist.
    ///
    /// # Errors
    /// When the emulator cannot be reached, speaks another version, or has no such host.
    pub async fn connect(socket: &Path, host: &str) -> Result<Self, NetworkError> {
        let nic = Self::unasked(socket, host);
        nic.ask("joining the emulated network", Request::Hello)
            .await?;
        Ok(nic)
    }

    /// As [`EmulatedNic::connect`] without asking: an emulator or host that is not there shows at first use.
    #[must_use]
    pub fn unasked(socket: &Path, host: &str) -> Self {
        Self {
            place: Arc::new(Place {
                socket: socket.to_owned(),
                host: host.to_owned(),
            }),
        }
    }

    /// The emulated host this process runs on.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.place.host
    }

    /// Says that a platform command begins; waits out the delay that was ordered for this host's commands.
    ///
    /// # Errors
    /// When the emulator cannot be reached.
    pub async fn begin_command(&self, command: &str) -> Result<CommandStart, NetworkError> {
        let operation = "starting a command";
        let request = Request::BeginCommand {
            command: command.to_owned(),
        };
        match self.ask_within(operation, request, COMMAND_WAIT).await? {
            Answer::Command(start) => Ok(start),
            other => Err(unexpected(operation, &other)),
        }
    }

    /// Does what a platform command's system call would do.
    ///
    /// # Errors
    /// The outer error when the emulator cannot be reached, the inner one when the emulated kernel refuses.
    pub async fn kernel(&self, call: KernelCall) -> Result<Result<(), Errno>, NetworkError> {
        let operation = "a system call";
        match self.ask(operation, Request::Kernel(call)).await? {
            Answer::Done => Ok(Ok(())),
            Answer::Errno(errno) => Ok(Err(errno)),
            other => Err(unexpected(operation, &other)),
        }
    }

    /// All NICs with all addresses, as a platform command lists them.
    ///
    /// # Errors
    /// When the emulator cannot be reached.
    pub async fn links(&self) -> Result<Vec<Link>, NetworkError> {
        let operation = "listing interfaces";
        match self
            .ask(operation, Request::Kernel(KernelCall::Links))
            .await?
        {
            Answer::Links(links) => Ok(links),
            other => Err(unexpected(operation, &other)),
        }
    }

    /// What this host's platform keeps under a name ([`KernelCall::Keep`]); empty when there is nothing.
    ///
    /// # Errors
    /// When the emulator cannot be reached.
    pub async fn kept(&self, name: &str) -> Result<String, NetworkError> {
        let operation = "reading what the platform keeps";
        let call = KernelCall::Kept {
            name: name.to_owned(),
        };
        match self.ask(operation, Request::Kernel(call)).await? {
            Answer::Kept(value) => Ok(value),
            other => Err(unexpected(operation, &other)),
        }
    }

    /// One request, one answer.
    pub(crate) async fn ask(
        &self,
        operation: &str,
        request: Request,
    ) -> Result<Answer, NetworkError> {
        self.ask_within(operation, request, ANSWER_WAIT).await
    }

    pub(crate) async fn ask_within(
        &self,
        operation: &str,
        request: Request,
        wait: Duration,
    ) -> Result<Answer, NetworkError> {
        let host = Some(self.place.host.as_str());
        ask(&self.place.socket, host, operation, request, wait).await
    }

    /// Opens a conversation that stays open after its first answer.
    pub(crate) async fn converse(
        &self,
        operation: &str,
        request: Request,
    ) -> Result<Conversation, NetworkError> {
        Conversation::open(
            &self.place.socket,
            Some(&self.place.host),
            operation,
            request,
        )
        .await
    }
}

/// One request and its answer on a connection of their own, within `wait`.
pub(crate) async fn ask(
    socket: &Path,
    host: Option<&str>,
    operation: &str,
    request: Request,
    wait: Duration,
) -> Result<Answer, NetworkError> {
    let answer = async {
        let mut conversation = Conversation::open(socket, host, operation, request).await?;
        conversation.answer().await
    };
    tokio::time::timeout(wait, answer)
        .await
        .unwrap_or_else(|_| {
            Err(NetworkError::NoAnswer {
                operation: operation.to_owned(),
                wait,
            })
        })
}

/// A connection to the emulator on which a request was made.
pub(crate) struct Conversation {
    pub(crate) reader: FrameReader,
    pub(crate) writer: FrameWriter,
    operation: String,
}

impl Conversation {
    pub(crate) async fn open(
        socket: &Path,
        host: Option<&str>,
        operation: &str,
        request: Request,
    ) -> Result<Self, NetworkError> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(|source| NetworkError::Connect {
                socket: socket.to_owned(),
                source,
            })?;
        let (read, write) = stream.into_split();
        let mut conversation = Self {
            reader: FrameReader::new(read),
            writer: FrameWriter::new(write),
            operation: operation.to_owned(),
        };
        let hello = Hello {
            version: VERSION,
            host: host.map(ToOwned::to_owned),
        };
        let sent = async {
            conversation.writer.queue_json(&hello)?;
            conversation.writer.queue_json(&request)?;
            conversation.writer.flush().await
        };
        match sent.await {
            Ok(()) => Ok(conversation),
            Err(error) => Err(lost(operation, &error)),
        }
    }

    /// The next answer; a refusal is an error.
    pub(crate) async fn answer(&mut self) -> Result<Answer, NetworkError> {
        match self.reader.next_json().await {
            Ok(Answer::Refused(reason)) => Err(NetworkError::Refused {
                operation: self.operation.clone(),
                reason,
            }),
            Ok(answer) => Ok(answer),
            Err(error) => Err(lost(&self.operation, &error)),
        }
    }
}

/// The next frame of a conversation whose hello and request are done.
pub(crate) async fn next_frame(
    reader: &mut FrameReader,
    operation: &str,
) -> Result<Frame, NetworkError> {
    reader.next().await.map_err(|error| lost(operation, &error))
}

pub(crate) fn lost(operation: &str, error: &FrameError) -> NetworkError {
    NetworkError::Lost {
        operation: operation.to_owned(),
        reason: error.to_string(),
    }
}

/// An answer of another request's kind: a mistake in the emulator, reported rather than trusted.
pub(crate) fn unexpected(operation: &str, answer: &Answer) -> NetworkError {
    NetworkError::Lost {
        operation: operation.to_owned(),
        reason: format!("the emulator answered with something else: {answer:?}"),
    }
}
