//! Owns the Message Server's gRPC service: who may call what, and streams as connections of the core. Queries
//! are answered in `query.rs`; conversion and the transport are `rpc`'s.

use crate::connections::Opened;
use crate::effects::Streams;
use crate::query::{Reply, answer};
use crate::store::Writer;
use changeover_component::Handle;
use changeover_message_server_core::{ConnectionId, DETECTION_WINDOW, Input, MessageServerCore};
use changeover_model::message::{LogBatch, LogOrigin, LogQuery, ToMessageServer};
use changeover_rpc::identity::{Gate, Need, Peer, PeerIdentity, Role};
use changeover_rpc::streams::{Answers, Incoming, answers};
use changeover_rpc::wire;
use changeover_rpc::wire::message_server_server::MessageServer;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tonic::{Request, Response, Status, Streaming};

/// Most acknowledgements that wait for a sender; they are cumulative, so one that reconnects loses nothing.
const ACKNOWLEDGEMENTS: usize = 256;
/// Most senders at a time.
const SENDERS: usize = 4_096;
/// Most queries at a time.
const QUERIES: usize = 64;
/// Most records that wait for a reader.
const RECORDS: usize = 256;

/// The service.
#[derive(Clone)]
pub(crate) struct Service {
    handle: Handle<MessageServerCore>,
    streams: Arc<Streams>,
    writer: Arc<Writer>,
    gate: Gate,
    queries: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Service {
    pub(crate) fn new(
        handle: Handle<MessageServerCore>,
        streams: Arc<Streams>,
        writer: Arc<Writer>,
        gate: Gate,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            handle,
            streams,
            writer,
            gate,
            queries: Arc::new(Semaphore::new(QUERIES)),
            stopping,
        }
    }

    /// Hands a sender's batches to the core until the stream ends; returns what the sender did wrong, if it did.
    async fn receive(
        &self,
        connection: ConnectionId,
        mut incoming: Incoming<wire::LogBatch>,
        mut ended: oneshot::Receiver<()>,
        peer: Peer,
    ) -> Option<Status> {
        loop {
            let mut batch: LogBatch = tokio::select! {
                _ = &mut ended => return None,
                batch = incoming.next() => heard(batch)?,
            };
            if let Err(refused) = self.admit(&peer, &mut batch) {
                tracing::warn!(reason = refused.message(), "a sender is turned away");
                return Some(refused);
            }
            let input = Input::BatchReceived { connection, batch };
            if self.handle.input(input).await.is_err() {
                return Some(Status::unavailable("this Message Server is stopping"));
            }
        }
    }

    /// A sender that is known by its certificate speaks for the application of that name only, and as itself.
    fn admit(&self, peer: &Peer, batch: &mut LogBatch) -> Result<(), Status> {
        let PeerIdentity::Certified(identity) = &peer.identity else {
            return Ok(());
        };
        for event in &mut batch.events {
            self.gate.check(peer, Need::SpeakFor(&event.application))?;
            if identity.role != Role::Scs {
                event.origin = LogOrigin::Application;
            }
        }
        Ok(())
    }

    async fn tell(&self, input: Input) {
        if self.handle.input(input).await.is_err() {
            tracing::debug!("the core has ended before its connections");
        }
    }
}

/// A message that was read; `None` at the end of the stream.
fn heard<M>(read: Result<Option<M>, Status>) -> Option<M> {
    match read {
        Ok(message) => message,
        Err(status) => {
            tracing::debug!(code = %status.code(), reason = status.message(), "a connection ended");
            None
        }
    }
}

#[tonic::async_trait]
impl MessageServer for Service {
    type LogStream = Answers<wire::LogAcknowledged>;
    type AlarmsStream = Answers<wire::FromMessageServer>;
    type QueryStream = Answers<wire::LogRecord>;

    async fn log(
        &self,
        request: Request<Streaming<wire::LogBatch>>,
    ) -> Result<Response<Self::LogStream>, Status> {
        let nowhere = || Status::permission_denied("this call came over no connection");
        let peer = Peer::of(&request).ok_or_else(nowhere)?;
        if self.streams.senders.count() >= SENDERS {
            return Err(Status::resource_exhausted(format!(
                "{SENDERS} senders are connected already"
            )));
        }
        let Opened {
            id,
            outgoing,
            ended,
        } = self.streams.senders.open(ACKNOWLEDGEMENTS);
        let incoming = Incoming::new(request.into_inner(), "log");
        let service = self.clone();
        tokio::spawn(async move {
            let why = service.receive(id, incoming, ended, peer).await;
            service.streams.senders.end(id, why);
            service
                .tell(Input::SenderDisconnected { connection: id })
                .await;
        });
        Ok(Response::new(answers(outgoing)))
    }

    async fn alarms(
        &self,
        request: Request<Streaming<wire::ToMessageServer>>,
    ) -> Result<Response<Self::AlarmsStream>, Status> {
        self.gate.admit(&request, Need::Scs)?;
        // Room for the Hello and for everything that the core sends without an acknowledgement.
        let opened = self.streams.scs.open(DETECTION_WINDOW + 8);
        let (connection, mut ended) = (opened.id, opened.ended);
        let replaced = Status::aborted("a newer connection of the SCS has replaced this one");
        self.streams.scs.end_others(connection, &replaced);
        self.tell(Input::ScsConnected { connection }).await;
        let mut incoming = Incoming::new(request.into_inner(), "alarms");
        let service = self.clone();
        tokio::spawn(async move {
            loop {
                let message: Option<ToMessageServer> = tokio::select! {
                    _ = &mut ended => None,
                    message = incoming.next() => heard(message),
                };
                let Some(message) = message else { break };
                let input = Input::ScsMessage {
                    connection,
                    message,
                };
                service.tell(input).await;
            }
            service.streams.scs.end(connection, None);
            service.tell(Input::ScsDisconnected { connection }).await;
        });
        Ok(Response::new(answers(opened.outgoing)))
    }

    async fn query(
        &self,
        request: Request<wire::LogQuery>,
    ) -> Result<Response<Self::QueryStream>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let query = LogQuery::try_from(request.into_inner())?;
        let permit = self.queries.clone().try_acquire_owned().map_err(|_| {
            Status::resource_exhausted(format!("{QUERIES} queries are being answered already"))
        })?;
        let (sender, records) = mpsc::channel(RECORDS);
        let reply = Reply {
            sender,
            stopping: self.stopping.clone(),
        };
        tokio::spawn(answer(self.writer.clone(), query, reply, permit));
        Ok(Response::new(answers(records)))
    }
}
