//! Owns how the core's outputs are carried out: messages into the streams' queues, work into the writer's, notes
//! into the program's log. Nothing here waits; answers of the writer come back as inputs.

use crate::connections::Connections;
use crate::metrics::Observer;
use crate::store::{Answer, Work, Writer};
use changeover_component::{Effects, Handle};
use changeover_message_server_core::{ConnectionId, Input, MessageServerCore, Note, Output};
use changeover_model::message::{FromMessageServer, LogAcknowledged};
use changeover_model::{Refusal, Timestamp};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

/// The streams of a Message Server.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    pub(crate) senders: Connections<LogAcknowledged>,
    pub(crate) scs: Connections<FromMessageServer>,
}

/// Carries outputs out.
pub(crate) struct Doer {
    pub(crate) handle: Handle<MessageServerCore>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) observer: Observer,
}

impl Effects<MessageServerCore> for Doer {
    fn took(&mut self, _now: Timestamp, input: &Input) {
        self.observer.took(input);
    }

    fn settled(&mut self, _now: Timestamp, core: &MessageServerCore) {
        self.observer.settled(core, &self.streams);
    }

    fn act(&mut self, _now: Timestamp, output: Output) {
        self.observer.acts(&output);
        match output {
            Output::ToScs {
                connection,
                message,
            } => self.streams.scs.send(connection, message),
            Output::Acknowledge {
                connection,
                acknowledged,
            } => self.streams.senders.send(connection, acknowledged),
            Output::Store { ticket, request } => self.write(Work::Store(ticket, request)),
            Output::ForgetDetection { source, sequence } => {
                self.write(Work::ForgetDetection(source, sequence));
            }
            Output::ForgetSource { source } => self.write(Work::ForgetSource(source)),
            Output::PersistSlice { ticket, slice } => {
                self.write(Work::PersistSlice(ticket, slice));
            }
            Output::Retain {
                ticket,
                received_before,
                max_bytes,
            } => self.write(Work::Retain(ticket, received_before, max_bytes)),
            Output::CloseSender {
                connection,
                refusal,
            } => self.close(connection, &refusal),
            Output::Noted(note) => tell(&note),
        }
    }
}

impl Doer {
    fn close(&self, connection: ConnectionId, refusal: &Refusal) {
        tracing::warn!(%connection, %refusal, "a sender is turned away");
        let why = Status::unavailable(refusal.to_string());
        self.streams.senders.end(connection, Some(why));
    }

    /// Hands work to the writer. If it has no room, what has an answer gets a bad one; the rest is repeated by
    /// itself after a restart.
    fn write(&self, work: Work) {
        let Err(work) = self.writer.give(work) else {
            return;
        };
        let reason = || "too much waits for the disk".to_owned();
        let input = match *work {
            Work::Store(ticket, _) => Input::StoreFailed {
                ticket,
                reason: reason(),
            },
            Work::PersistSlice(ticket, _) => Input::SlicePersistFailed {
                ticket,
                reason: reason(),
            },
            Work::Retain(ticket, ..) => Input::RetainFailed {
                ticket,
                reason: reason(),
            },
            Work::ForgetDetection(..) | Work::ForgetSource(_) | Work::Close => return,
        };
        let handle = self.handle.clone();
        tokio::spawn(async move { handle.input(input).await });
    }
}

/// Feeds the writer's answers to the core until one of them ends; damage goes to `damaged`.
pub(crate) async fn forward(
    mut answers: mpsc::Receiver<Answer>,
    handle: Handle<MessageServerCore>,
    damaged: oneshot::Sender<String>,
) {
    while let Some(answer) = answers.recv().await {
        let input = match answer {
            Answer::Stored(ticket) => Input::Stored { ticket },
            Answer::StoreFailed(ticket, reason) => Input::StoreFailed { ticket, reason },
            Answer::SlicePersisted(ticket) => Input::SlicePersisted { ticket },
            Answer::SlicePersistFailed(ticket, reason) => {
                Input::SlicePersistFailed { ticket, reason }
            }
            Answer::Retained(ticket, more) => Input::Retained { ticket, more },
            Answer::RetainFailed(ticket, reason) => Input::RetainFailed { ticket, reason },
            Answer::Damaged(reason) => {
                // The process ends over this; nobody listening means that it ends already.
                drop(damaged.send(reason));
                return;
            }
        };
        if handle.input(input).await.is_err() {
            return;
        }
    }
}

fn tell(note: &Note) {
    match note {
        Note::EventsLost { source, count } => {
            tracing::warn!(%source, count, "log events were dropped by their sender before they could be delivered");
        }
        Note::StoreFailing { reason } => {
            tracing::error!(%reason, "the log database cannot be written; trying again, senders keep their events");
        }
        Note::StoreSlow => tracing::warn!("a write to the log database takes more than 5 s"),
        Note::StoreRecovered { attempts } => {
            tracing::info!(attempts, "the log database is written again");
        }
        Note::SliceNotPersisted { reason } => {
            tracing::error!(%reason, "the Alarm Conditions could not be kept for the next start; trying again");
        }
        Note::RetentionFailing { reason } => {
            tracing::warn!(%reason, "old log events could not be deleted");
        }
        Note::DetectionDropped { source, sequence } => {
            tracing::error!(%source, sequence, "the SCS has been away too long: the oldest alarm was dropped");
        }
        Note::UnmatchedDropped => {
            tracing::error!(
                "no Alarm Conditions for too long: the oldest events will not be matched; connect the SCS"
            );
        }
        Note::ReservedEvent { source, id } => {
            tracing::warn!(%source, id = %id.wire_form(), "an application sent an event that only the Management Layer may send");
        }
        Note::AtStart { text } => tracing::error!("{text}"),
    }
}
