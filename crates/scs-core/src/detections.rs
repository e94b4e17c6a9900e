//! What the Message Server found: each detection once into the alarm book and the timeline, acknowledged when it is
//! on disk. Which reactions an alarm asks for is the book's to say, what they do the engine's.

use crate::ScsCore;
use crate::keeping::AfterWrite;
use crate::timeline::{Moment, NewEntry};
use changeover_model::environment::Selection;
use changeover_model::message::{
    AlarmDetected, FromMessageServer, LogEvent, MatchRole, Party, RecordKind, RecordOutcome, Step,
    ToMessageServer,
};
use changeover_model::{ApplicationName, CauseId, LogEventId, planted};
use std::time::Duration;

impl ScsCore {
    pub(crate) fn message_server_connected(&mut self) {
        self.message_server_connected = true;
        self.message_server_revision = None;
        self.picture_changed = true;
        self.out.push(crate::ScsOutput::ToMessageServer(Box::new(
            ToMessageServer::Hello {
                version: self.identity.version.clone(),
                session: self.identity.session,
            },
        )));
        self.own_events_connected(true);
        self.clear_alarm("message-server", "it is connected");
    }

    pub(crate) fn message_server_disconnected(&mut self) {
        self.message_server_connected = false;
        self.message_server_revision = None;
        self.picture_changed = true;
        self.own_events_connected(false);
        self.raise_alarm(
            "message-server",
            "MESSAGE_SERVER_LOST",
            changeover_model::environment::AlarmCategory::Major,
            "SCS",
            "the Message Server is not connected: events do not reach their conditions; the SCS realigns VIPs by itself meanwhile",
            None,
        );
    }

    pub(crate) fn message_server_message(&mut self, message: FromMessageServer) {
        match message {
            FromMessageServer::Hello { revision, .. } => {
                self.message_server_revision = Some(revision);
                self.revision_seen(revision);
                self.configure_message_server();
            }
            FromMessageServer::AlarmDetected(detected) => self.alarm_detected(&detected),
        }
    }

    fn alarm_detected(&mut self, detected: &AlarmDetected) {
        let event = &detected.event;
        if planted("detection-acknowledged-before-stored") {
            self.out.push(crate::ScsOutput::ToMessageServer(Box::new(
                ToMessageServer::AlarmAcknowledged {
                    source: event.source.clone(),
                    sequence: event.sequence,
                },
            )));
        } else {
            self.after_write(AfterWrite::Acknowledge(
                event.source.clone(),
                event.sequence,
            ));
        }
        if self.alarms.is_repetition(detected) {
            return;
        }
        let (record, own) = self.record_of(event);
        self.event_entries(record, detected);
        self.expected_event_arrived(event);
        let mut effects = Vec::new();
        self.alarms
            .detected(self.now, detected, record, &mut effects);
        let asks = effects.iter().any(|effect| match effect {
            crate::alarms::AlarmEffect::Activated { run, .. }
            | crate::alarms::AlarmEffect::Cleared { run, .. } => run.is_some(),
        });
        self.alarm_effects(effects, Some(record));
        if own && !asks {
            self.close_record(record, RecordOutcome::Done, "no reaction is configured");
        }
        self.touched.extend(self.pair_of(&event.application));
    }

    /// The record an event belongs to: its cause, the procedure of its epoch, or one of its own (`true`).
    fn record_of(&mut self, event: &LogEvent) -> (CauseId, bool) {
        if let Some(cause) = event
            .cause
            .filter(|cause| self.timeline.get(*cause).is_some())
        {
            return (cause, false);
        }
        let pair = self.pair_of(&event.application);
        let care = pair.as_ref().and_then(|pair| self.pairs.get(pair));
        if let Some(record) = care
            .filter(|care| event.epoch == Some(care.kept.epoch))
            .and_then(|care| care.open_record)
        {
            return (record, false);
        }
        let title = format!("{} of {}", event.id.wire_form(), event.application);
        let record = self.open_record(RecordKind::Alarm, pair.as_ref(), title, &event.text);
        if let Some(care) = pair.and_then(|pair| self.pairs.get_mut(&pair)) {
            care.last_record = Some(record);
        }
        (record, true)
    }

    fn event_entries(&mut self, record: CauseId, detected: &AlarmDetected) {
        let event = &detected.event;
        let moment = match &event.host {
            Some(host) if self.hosts.get(host).is_some_and(|care| care.reported) => {
                self.moment_of(host, event.at)
            }
            // Its own clock, for want of a better one; causality bounds it.
            _ => Moment::There {
                at: event.at,
                offset_us: 0,
                uncertainty: Duration::from_millis(1),
            },
        };
        self.entry(
            record,
            NewEntry {
                moment,
                who: Party::Application(event.application.clone()),
                step: Step::EventLogged(event.application.clone(), event.id),
                what: event.id.wire_form(),
                evidence: event.text.clone(),
            },
        );
        let found: Vec<_> = detected
            .matches
            .iter()
            .map(|one| one.condition.clone())
            .collect();
        let count = found.len();
        let names: Vec<&str> = detected
            .matches
            .iter()
            .map(|one| one.condition.as_str())
            .collect();
        let plural = if count == 1 { "" } else { "s" };
        let cancels = detected
            .matches
            .iter()
            .filter(|one| one.role == MatchRole::Cancel)
            .count();
        let suffix = if cancels > 0 { " (cancel event)" } else { "" };
        self.entry(
            record,
            NewEntry {
                moment: Moment::There {
                    at: detected.matched_at,
                    offset_us: 0,
                    uncertainty: Duration::from_millis(1),
                },
                who: Party::MessageServer,
                step: Step::ConditionsFound(found),
                what: format!("{count} Alarm Condition{plural} found{suffix}"),
                evidence: names.join(", "),
            },
        );
    }

    fn expected_event_arrived(&mut self, event: &LogEvent) {
        let Some(pair) = self.pair_of(&event.application) else {
            return;
        };
        let Some(care) = self.pairs.get_mut(&pair) else {
            return;
        };
        let epoch = care.kept.epoch;
        if event.epoch.is_some_and(|of| of == epoch)
            && let Some(procedure) = care.procedure.as_mut()
        {
            procedure.event_arrived(&event.application, event.id);
        }
    }

    /// True if an enabled condition has this event of this application as its detect event.
    pub(crate) fn is_matched(&self, application: &ApplicationName, id: LogEventId) -> bool {
        let Some(environment) = &self.environment else {
            return false;
        };
        let application_type = environment
            .applications
            .get(application)
            .map(|found| found.application_type);
        environment.alarm_conditions.values().any(|condition| {
            condition.enabled
                && condition.detect == id
                && match &condition.selection {
                    Selection::Any => true,
                    Selection::ApplicationType(wanted) => Some(*wanted) == application_type,
                    Selection::Application(name) => name == application,
                }
        })
    }
}
