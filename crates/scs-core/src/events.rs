//! The SCS's own log events on behalf of applications and hosts (BEHAVIOUR, the table). Owns their texts and
//! their way to the Message Server; unacknowledged ones are kept, so that a restart loses none.

use crate::{ScsCore, ScsIdentity, ScsOutput, StoreChange};
use changeover_message_server_core::{NewLogEvent, Outbox};
use changeover_model::message::{LogAcknowledged, LogEvent, LogOrigin, SourceId};
use changeover_model::{ApplicationName, CauseId, Epoch, HostName, LogEventId, LogLevel};

/// Outboxes of this life and of former ones whose events were never acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct OwnEvents {
    present: Outbox,
    former: Vec<Outbox>,
}

impl OwnEvents {
    pub(crate) fn new(identity: &ScsIdentity, pending: Vec<LogEvent>) -> Self {
        let present = SourceId(format!("SCS/{:016x}", identity.session).into());
        let mut sources: Vec<SourceId> = pending.iter().map(|event| event.source.clone()).collect();
        sources.sort();
        sources.dedup();
        let mut outboxes: Vec<Outbox> = sources
            .into_iter()
            .map(|source| Outbox::restored(source, 0, pending.clone()))
            .collect();
        // The same session again (a simulation restarting it): its numbers go on.
        let present = match outboxes
            .iter()
            .position(|outbox| *outbox.source() == present)
        {
            Some(index) => outboxes.remove(index),
            None => Outbox::new(present),
        };
        Self {
            present,
            former: outboxes,
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Outbox> {
        self.former
            .iter_mut()
            .chain(std::iter::once(&mut self.present))
    }
}

/// A log event of the SCS before it has a number.
#[derive(Clone)]
pub(crate) struct OwnEvent {
    pub(crate) id: LogEventId,
    pub(crate) application: ApplicationName,
    pub(crate) host: Option<HostName>,
    pub(crate) text: String,
    pub(crate) epoch: Option<Epoch>,
    pub(crate) cause: Option<CauseId>,
    pub(crate) origin: LogOrigin,
}

impl ScsCore {
    /// An event on an application's (or, with the name `SCS`, the SCS's own) behalf.
    pub(crate) fn own_event(
        &mut self,
        id: LogEventId,
        application: &ApplicationName,
        host: Option<HostName>,
        text: String,
        cause: Option<CauseId>,
    ) {
        self.push_own_event(OwnEvent {
            id,
            application: application.clone(),
            host,
            text,
            epoch: None,
            cause,
            origin: LogOrigin::Scs,
        });
    }

    pub(crate) fn push_own_event(&mut self, event: OwnEvent) {
        let level = match event.id.0 {
            4200 | 4210 | 10_327 | 20_621 | 20_622 => LogLevel::Alarm,
            _ => LogLevel::Standard,
        };
        let host = event.host.or_else(|| {
            self.applications
                .get(&event.application)
                .map(|care| care.host.clone())
        });
        let outbox = &mut self.own_events.present;
        outbox.push(NewLogEvent {
            application: event.application,
            host,
            id: event.id,
            level,
            text: event.text,
            at: self.now,
            epoch: event.epoch,
            cause: event.cause,
            origin: event.origin,
        });
        if let Some(event) = outbox.pending().last().cloned() {
            self.keep(StoreChange::PendingEvent(event));
        }
    }

    /// Hands out what may be sent now.
    pub(crate) fn send_own_events(&mut self) {
        for outbox in self.own_events.all() {
            self.out
                .extend(outbox.next_batches().into_iter().map(ScsOutput::SendLog));
        }
    }

    pub(crate) fn own_events_connected(&mut self, connected: bool) {
        for outbox in self.own_events.all() {
            if connected {
                outbox.connected();
            } else {
                outbox.disconnected();
            }
        }
    }

    pub(crate) fn log_acknowledged(&mut self, acknowledged: &LogAcknowledged) {
        let mut stored = Vec::new();
        for outbox in self.own_events.all() {
            if *outbox.source() == acknowledged.source {
                stored.extend(
                    outbox
                        .pending()
                        .map(|event| event.sequence)
                        .take_while(|sequence| *sequence <= acknowledged.up_to),
                );
                outbox.acknowledged(acknowledged.up_to);
            }
        }
        self.own_events.former.retain(|outbox| !outbox.is_empty());
        for sequence in stored {
            self.keep(StoreChange::PendingEventDropped(
                acknowledged.source.clone(),
                sequence,
            ));
        }
    }
}
