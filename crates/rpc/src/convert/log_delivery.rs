//! Log events on their way to the Message Server, and queries of its log.

use super::ConvertError;
use super::fields::{
    bounded, event_text, list, name, optional_micros, optional_name, optional_word, required,
    to_list, to_text, word,
};
use super::words::{Word as _, to_optional};
use crate::wire;
use changeover_model::message::{
    LogAcknowledged, LogBatch, LogEvent, LogQuery, LogRecord, SourceId,
};
use changeover_model::{CauseId, Epoch, LogEventId, Timestamp};
use std::sync::Arc;

/// Most events of one batch.
const LONGEST_BATCH: usize = 1000;

pub(super) fn source(field: &'static str, text: String) -> Result<SourceId, ConvertError> {
    let text: String = name(field, text)?;
    Ok(SourceId(Arc::from(text)))
}

impl From<LogEvent> for wire::LogEvent {
    fn from(event: LogEvent) -> Self {
        Self {
            source: event.source.to_string(),
            sequence: event.sequence,
            application: event.application.to_string(),
            host: to_text(&event.host),
            id: event.id.0,
            level: event.level.to_wire(),
            text: event.text,
            at_us: event.at.0,
            epoch: event.epoch.map(|epoch| epoch.0),
            cause: event.cause.map(|cause| cause.0),
            origin: event.origin.to_wire(),
        }
    }
}

impl TryFrom<wire::LogEvent> for LogEvent {
    type Error = ConvertError;
    fn try_from(event: wire::LogEvent) -> Result<Self, ConvertError> {
        Ok(Self {
            source: source("LogEvent.source", event.source)?,
            sequence: event.sequence,
            application: name("LogEvent.application", event.application)?,
            host: optional_name("LogEvent.host", event.host)?,
            id: LogEventId(event.id),
            level: word("LogEvent.level", event.level)?,
            text: event_text(event.text),
            at: Timestamp(event.at_us),
            epoch: event.epoch.map(Epoch),
            cause: event.cause.map(CauseId),
            origin: word("LogEvent.origin", event.origin)?,
        })
    }
}

impl From<LogBatch> for wire::LogBatch {
    fn from(batch: LogBatch) -> Self {
        Self {
            source: batch.source.to_string(),
            events: to_list(batch.events),
        }
    }
}

impl TryFrom<wire::LogBatch> for LogBatch {
    type Error = ConvertError;
    fn try_from(batch: wire::LogBatch) -> Result<Self, ConvertError> {
        bounded("LogBatch.events", batch.events.len(), LONGEST_BATCH)?;
        Ok(Self {
            source: source("LogBatch.source", batch.source)?,
            events: list("LogBatch.events", batch.events)?,
        })
    }
}

impl From<LogAcknowledged> for wire::LogAcknowledged {
    fn from(acknowledged: LogAcknowledged) -> Self {
        Self {
            source: acknowledged.source.to_string(),
            up_to: acknowledged.up_to,
        }
    }
}

impl TryFrom<wire::LogAcknowledged> for LogAcknowledged {
    type Error = ConvertError;
    fn try_from(acknowledged: wire::LogAcknowledged) -> Result<Self, ConvertError> {
        Ok(Self {
            source: source("LogAcknowledged.source", acknowledged.source)?,
            up_to: acknowledged.up_to,
        })
    }
}

impl From<LogRecord> for wire::LogRecord {
    fn from(record: LogRecord) -> Self {
        Self {
            position: record.position,
            received_at_us: record.received_at.0,
            event: Some(record.event.into()),
        }
    }
}

impl TryFrom<wire::LogRecord> for LogRecord {
    type Error = ConvertError;
    fn try_from(record: wire::LogRecord) -> Result<Self, ConvertError> {
        Ok(Self {
            position: record.position,
            received_at: Timestamp(record.received_at_us),
            event: required("LogRecord.event", record.event)?,
        })
    }
}

impl From<LogQuery> for wire::LogQuery {
    fn from(query: LogQuery) -> Self {
        Self {
            application: to_text(&query.application),
            id: query.id.map(|id| id.0),
            level: to_optional(query.level),
            since_us: optional_micros(query.since),
            limit: query.limit,
            follow: query.follow,
        }
    }
}

impl TryFrom<wire::LogQuery> for LogQuery {
    type Error = ConvertError;
    fn try_from(query: wire::LogQuery) -> Result<Self, ConvertError> {
        Ok(Self {
            application: optional_name("LogQuery.application", query.application)?,
            id: query.id.map(LogEventId),
            level: optional_word("LogQuery.level", query.level)?,
            since: query.since_us.map(Timestamp),
            limit: query.limit,
            follow: query.follow,
        })
    }
}
