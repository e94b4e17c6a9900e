//! Owns the log events that the Message Server writes about itself, so that Alarm Conditions can name them.
//! The numbers are ours, not the model's. They take the same way as any other event, in `core.rs`.

use crate::exchange::Note;
use changeover_model::message::LogEvent;
use changeover_model::{LogEventId, LogLevel};

/// A sender dropped events before they could be delivered.
pub const EVENTS_LOST: LogEventId = LogEventId(4301);
/// The log database cannot be written, or is slow.
pub const STORE_FAILING: LogEventId = LogEventId(4302);
/// The log database can be written again.
pub const STORE_RECOVERED: LogEventId = LogEventId(4303);
/// Something was wrong with the log database at the start.
pub const STORE_AT_START: LogEventId = LogEventId(4304);
/// The oldest detection, or events still to be matched, had to be dropped.
pub const DETECTION_DROPPED: LogEventId = LogEventId(4305);
/// An application sent an event that only the Management Layer may send.
pub const RESERVED_EVENT: LogEventId = LogEventId(4306);

/// Events that only the Management Layer sends (BEHAVIOUR, The SCS's own events).
const RESERVED: &[u32] = &[
    4200, 4210, 5060, 5063, 5064, 5090, 5091, 5092, 5093, 5094, 5095, 5096, 5097, 5150, 5151, 5160,
    5161, 8000, 8001, 8002, 8003, 10327, 10328, 20621, 20622, 20623,
];
/// Those of them that an application may send in its own name.
const OWN_NAME: &[u32] = &[5060, 5063];

/// True if an application itself may send this event.
pub(crate) fn application_may_send(event: &LogEvent) -> bool {
    if !RESERVED.contains(&event.id.0) {
        return true;
    }
    let own_name = event
        .source
        .0
        .split_once('/')
        .is_some_and(|(name, _)| name == event.application.as_str());
    OWN_NAME.contains(&event.id.0) && own_name
}

/// The event that tells of a note in the log.
pub(crate) fn of(note: &Note) -> (LogEventId, LogLevel, String) {
    let (id, text) = match note {
        Note::EventsLost { source, count } => (
            EVENTS_LOST,
            format!(
                "{count} log event(s) of {source} were dropped by their sender before they could be delivered"
            ),
        ),
        Note::StoreFailing { reason } => (
            STORE_FAILING,
            format!(
                "the log database cannot be written: {reason}; events stay with their senders until it can"
            ),
        ),
        Note::StoreSlow => (
            STORE_FAILING,
            "a write to the log database has taken more than 5 s; events stay with their senders until it is done".to_owned(),
        ),
        Note::StoreRecovered { attempts } => (
            STORE_RECOVERED,
            format!("the log database is written again, after {attempts} failed or overdue attempt(s)"),
        ),
        Note::SliceNotPersisted { reason } => (
            STORE_FAILING,
            format!(
                "the Alarm Conditions could not be kept for the next start: {reason}; they are in force, and tried again"
            ),
        ),
        Note::RetentionFailing { reason } => (
            STORE_FAILING,
            format!("old log events could not be deleted: {reason}; tried again in a minute"),
        ),
        Note::DetectionDropped { source, sequence } => (
            DETECTION_DROPPED,
            format!(
                "the SCS has been away too long: the alarm of event {sequence} of {source} was dropped to keep newer ones"
            ),
        ),
        Note::UnmatchedDropped => (
            DETECTION_DROPPED,
            "there have been no Alarm Conditions for too long: the oldest events will not be matched; connect the SCS".to_owned(),
        ),
        Note::ReservedEvent { source, id } => (
            RESERVED_EVENT,
            format!(
                "{source} sent {}, which only the Management Layer may send; it is stored and matches no Alarm Condition",
                id.wire_form()
            ),
        ),
        Note::AtStart { text } => (STORE_AT_START, text.clone()),
    };
    (id, LogLevel::Standard, text)
}
