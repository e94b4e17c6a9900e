//! One situation after the other, each with everything that must come out.

use super::*;
use crate::exchange::StoreRequest;
use changeover_model::environment::{AlarmCategory, AlarmCondition, Selection};
use changeover_model::message::{AlarmMatch, LogAcknowledged, MatchRole, SourceId};
use changeover_model::{LogEventId, LogLevel};

const SENDER: ConnectionId = ConnectionId(1);
const SCS: ConnectionId = ConnectionId(2);
const START: Timestamp = Timestamp(1_000_000);

fn identity() -> Identity {
    Identity {
        application: "MessageServer".into(),
        host: None,
        source: SourceId("MessageServer/1".into()),
        version: "0.1.0".to_owned(),
    }
}

fn source() -> SourceId {
    SourceId("A/1".into())
}

fn event(sequence: u64, id: u32) -> LogEvent {
    LogEvent {
        source: source(),
        sequence,
        application: "A".into(),
        host: None,
        id: LogEventId(id),
        level: LogLevel::Standard,
        text: format!("event {sequence}"),
        at: Timestamp(sequence),
        epoch: None,
        cause: None,
        origin: LogOrigin::Application,
    }
}

fn slice(revision: u64, detect: u32) -> MessageServerSlice {
    MessageServerSlice {
        revision: Revision(revision),
        conditions: vec![AlarmCondition {
            name: "C".into(),
            description: String::new(),
            category: AlarmCategory::Critical,
            detect: LogEventId(detect),
            selection: Selection::Any,
            cancel: None,
            cancel_timeout: Duration::from_secs(3600),
            reaction_scripts: Vec::new(),
            clearance_scripts: Vec::new(),
            enabled: true,
        }],
        application_types: [].into_iter().collect(),
        log_keep: Duration::from_secs(1),
        log_size: 77,
    }
}

fn received(events: &[LogEvent]) -> Input {
    received_on(SENDER, events)
}

fn received_on(connection: ConnectionId, events: &[LogEvent]) -> Input {
    let batch = LogBatch {
        source: source(),
        events: events.to_vec(),
    };
    Input::BatchReceived { connection, batch }
}

fn record(position: u64, event: LogEvent, received_at: Timestamp) -> LogRecord {
    LogRecord {
        position,
        received_at,
        event,
    }
}

fn records(events: &[(u64, LogEvent)]) -> StoreRequest {
    StoreRequest {
        records: events
            .iter()
            .map(|(position, event)| record(*position, event.clone(), START))
            .collect(),
        ..StoreRequest::default()
    }
}

fn store(ticket: u64, request: StoreRequest) -> Output {
    let ticket = Ticket(ticket);
    Output::Store { ticket, request }
}

fn stored(ticket: u64) -> Input {
    Input::Stored {
        ticket: Ticket(ticket),
    }
}

fn failed(ticket: u64) -> Input {
    Input::StoreFailed {
        ticket: Ticket(ticket),
        reason: "disk full".to_owned(),
    }
}

fn acknowledged_on(connection: ConnectionId, up_to: u64) -> Output {
    let source = source();
    Output::Acknowledge {
        connection,
        acknowledged: LogAcknowledged { source, up_to },
    }
}

fn detected(event: LogEvent, at: Timestamp) -> AlarmDetected {
    AlarmDetected {
        event,
        matches: vec![AlarmMatch {
            condition: "C".into(),
            role: MatchRole::Detect,
        }],
        matched_at: at,
    }
}

fn to_scs(detected: AlarmDetected) -> Output {
    Output::ToScs {
        connection: SCS,
        message: FromMessageServer::AlarmDetected(detected),
    }
}

fn hello_of(revision: u64) -> Output {
    Output::ToScs {
        connection: SCS,
        message: FromMessageServer::Hello {
            version: "0.1.0".to_owned(),
            revision: Revision(revision),
        },
    }
}

fn from_scs(message: ToMessageServer) -> Input {
    Input::ScsMessage {
        connection: SCS,
        message,
    }
}

fn scs_hello() -> Input {
    from_scs(ToMessageServer::Hello {
        version: "0.1.0".to_owned(),
        session: 1,
    })
}

fn scs_has(sequence: u64) -> Input {
    let source = source();
    from_scs(ToMessageServer::AlarmAcknowledged { source, sequence })
}

fn forget(sequence: u64) -> Output {
    let source = source();
    Output::ForgetDetection { source, sequence }
}

struct Server {
    core: MessageServerCore,
    now: Timestamp,
}

impl Server {
    /// A server with this in its store, no connection yet, and nothing left to do.
    fn with(recovered: Recovered) -> Self {
        let mut server = Server {
            core: MessageServerCore::new(identity()),
            now: START,
        };
        assert_eq!(server.on(Input::Recovered(recovered)), []);
        server
    }

    /// A server with conditions (event 4561 of anybody) and an SCS that has said Hello.
    fn connected() -> Self {
        let mut server = Server::with(Recovered {
            slice: Some(slice(3, 4561)),
            ..Recovered::default()
        });
        assert_eq!(server.on(Input::ScsConnected { connection: SCS }), []);
        assert_eq!(server.on(scs_hello()), [hello_of(3)]);
        server
    }

    fn on(&mut self, input: Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.core.handle(self.now, input, &mut outputs);
        outputs
    }

    fn tick_after(&mut self, wait: Duration) -> Vec<Output> {
        self.now = self.now + wait;
        let mut outputs = Vec::new();
        self.core.tick(self.now, &mut outputs);
        outputs
    }
}

#[test]
fn an_event_is_acknowledged_after_its_store_and_not_before() {
    let mut server = Server::connected();
    let both = [event(1, 1000), event(2, 1000)];
    let [first, second] = both.clone();
    let expected = store(1, records(&[(1, first), (2, second)]));
    assert_eq!(server.on(received(&both)), [expected]);
    assert_eq!(server.on(stored(1)), [acknowledged_on(SENDER, 2)]);
}

#[test]
fn a_detection_goes_to_the_scs_before_the_commit_and_is_kept_until_the_scs_has_it() {
    let mut server = Server::connected();
    let found = detected(event(1, 4561), START);
    let mut request = records(&[(1, event(1, 4561))]);
    request.detections = vec![found.clone()];
    let out = server.on(received(&[event(1, 4561)]));
    assert_eq!(out, [to_scs(found), store(1, request)]);
    assert_eq!(server.on(stored(1)), [acknowledged_on(SENDER, 1)]);
    assert_eq!(server.on(scs_has(1)), [forget(1)]);
    assert_eq!(server.on(scs_has(1)), []);
}

#[test]
fn detections_without_acknowledgement_are_sent_again_in_order_after_every_hello() {
    let mut server = Server::connected();
    server.on(received(&[event(1, 4561), event(2, 4561), event(3, 4561)]));
    assert_eq!(server.on(scs_has(2)), [forget(2)]);
    server.on(Input::ScsDisconnected { connection: SCS });
    assert_eq!(server.on(Input::ScsConnected { connection: SCS }), []);
    let one = to_scs(detected(event(1, 4561), START));
    let three = to_scs(detected(event(3, 4561), START));
    assert_eq!(server.on(scs_hello()), [hello_of(3), one, three]);
}

#[test]
fn detections_outlive_a_restart() {
    let kept = detected(event(1, 4561), Timestamp(7));
    let mut server = Server::with(Recovered {
        high_water: vec![(source(), 1)],
        unacknowledged: vec![kept.clone()],
        slice: Some(slice(3, 4561)),
        highest_position: 12,
        ..Recovered::default()
    });
    server.on(Input::ScsConnected { connection: SCS });
    assert_eq!(server.on(scs_hello()), [hello_of(3), to_scs(kept)]);
    let again = server.on(received(&[event(1, 4561)]));
    assert_eq!(again, [acknowledged_on(SENDER, 1)]);
    let next = server.on(received(&[event(2, 1000)]));
    assert_eq!(next, [store(1, records(&[(13, event(2, 1000))]))]);
}

#[test]
fn a_duplicate_is_acknowledged_again_and_neither_stored_nor_matched() {
    let mut server = Server::connected();
    server.on(received(&[event(1, 4561)]));
    server.on(stored(1));
    let again = server.on(received_on(ConnectionId(9), &[event(1, 4561)]));
    assert_eq!(again, [acknowledged_on(ConnectionId(9), 1)]);
}

#[test]
fn a_duplicate_of_an_event_whose_store_is_open_is_acknowledged_when_that_is_done() {
    let mut server = Server::connected();
    server.on(received(&[event(1, 1000)]));
    server.on(Input::SenderDisconnected { connection: SENDER });
    let again = server.on(received_on(ConnectionId(9), &[event(1, 1000)]));
    assert_eq!(again, []);
    assert_eq!(server.on(stored(1)), [acknowledged_on(ConnectionId(9), 1)]);
}

#[test]
fn what_arrives_during_a_commit_goes_into_the_next_one_together() {
    let mut server = Server::connected();
    server.on(received(&[event(1, 1000)]));
    assert_eq!(server.on(received(&[event(2, 1000)])), []);
    assert_eq!(server.on(received(&[event(3, 1000)])), []);
    let next = store(2, records(&[(2, event(2, 1000)), (3, event(3, 1000))]));
    assert_eq!(server.on(stored(1)), [acknowledged_on(SENDER, 1), next]);
    assert_eq!(server.on(stored(2)), [acknowledged_on(SENDER, 3)]);
}

#[test]
fn a_failed_store_is_repeated_first_and_an_event_of_our_own_tells_of_it() {
    let mut server = Server::connected();
    server.on(received(&[event(1, 4561)]));
    server.on(received(&[event(2, 1000)]));
    let reason = "disk full".to_owned();
    let noted = Output::Noted(Note::StoreFailing { reason });
    assert_eq!(server.on(failed(1)), [noted]);
    assert_eq!(server.on(scs_has(1)), [forget(1)]);
    assert_eq!(
        server.core.deadline(),
        Some(START + Duration::from_millis(100))
    );
    let retried = server.tick_after(Duration::from_millis(100));
    let [
        Output::Store {
            ticket: Ticket(2),
            request,
        },
    ] = &retried[..]
    else {
        panic!("one store: {retried:?}");
    };
    let ids: Vec<u32> = request.records.iter().map(|it| it.event.id.0).collect();
    assert_eq!(ids, [4561, 1000, own_events::STORE_FAILING.0]);
    assert_eq!(request.detections, [], "the SCS has it already");
    assert_eq!(server.on(failed(2)), [], "told once");
    assert_eq!(server.tick_after(Duration::from_millis(199)), []);
    assert_eq!(server.tick_after(Duration::from_millis(1)).len(), 1);
    let done = server.on(stored(3));
    assert_eq!(done[0], acknowledged_on(SENDER, 2));
    let attempts = 2;
    assert_eq!(done[1], Output::Noted(Note::StoreRecovered { attempts }));
    assert_eq!(done.len(), 3, "and the store of that note");
}

#[test]
fn the_answer_to_an_older_attempt_changes_nothing() {
    let mut server = Server::connected();
    server.on(received(&[event(1, 1000)]));
    server.on(failed(1));
    assert_eq!(server.on(stored(1)), []);
    assert_eq!(server.on(failed(1)), []);
}

#[test]
fn a_commit_that_takes_too_long_is_told_of_and_waited_for() {
    let mut server = Server::connected();
    server.on(received(&[event(1, 1000)]));
    assert_eq!(server.tick_after(SLOW), [Output::Noted(Note::StoreSlow)]);
    assert_eq!(server.on(stored(1))[0], acknowledged_on(SENDER, 1));
}

#[test]
fn without_conditions_events_are_stored_and_matched_once_there_are_some() {
    let mut server = Server::with(Recovered::default());
    let mut request = records(&[(1, event(1, 4561)), (2, event(2, 1000))]);
    request.unmatched = vec![1, 2];
    let out = server.on(received(&[event(1, 4561), event(2, 1000)]));
    assert_eq!(out, [store(1, request)]);
    assert_eq!(server.on(stored(1)), [acknowledged_on(SENDER, 2)]);
    server.on(Input::ScsConnected { connection: SCS });
    assert_eq!(server.on(scs_hello()), [hello_of(0)]);
    let found = detected(event(1, 4561), START);
    let persist = Output::PersistSlice {
        ticket: Ticket(2),
        slice: slice(1, 4561),
    };
    let late = StoreRequest {
        detections: vec![found.clone()],
        matched: vec![1, 2],
        ..StoreRequest::default()
    };
    let out = server.on(from_scs(ToMessageServer::Configure(slice(1, 4561))));
    assert_eq!(out, [to_scs(found), persist, store(3, late)]);
}

#[test]
fn events_that_waited_for_conditions_over_a_restart_are_matched_at_the_start() {
    let mut core = MessageServerCore::new(identity());
    let mut outputs = Vec::new();
    let recovered = Recovered {
        high_water: vec![(source(), 1)],
        slice: Some(slice(1, 4561)),
        unmatched: vec![record(4, event(1, 4561), Timestamp(3))],
        highest_position: 4,
        ..Recovered::default()
    };
    core.handle(START, Input::Recovered(recovered), &mut outputs);
    let late = StoreRequest {
        detections: vec![detected(event(1, 4561), START)],
        matched: vec![4],
        ..StoreRequest::default()
    };
    assert_eq!(outputs, [store(1, late)]);
}

#[test]
fn newer_conditions_hold_for_later_events_only_and_are_kept() {
    let mut server = Server::connected();
    let first = server.on(received(&[event(1, 1000)]));
    assert_eq!(first, [store(1, records(&[(1, event(1, 1000))]))]);
    let persist = |ticket, revision| Output::PersistSlice {
        ticket: Ticket(ticket),
        slice: slice(revision, 1000),
    };
    let configure = |revision| from_scs(ToMessageServer::Configure(slice(revision, 1000)));
    assert_eq!(server.on(configure(4)), [persist(2, 4)]);
    assert_eq!(server.on(configure(4)), [], "in force already");
    assert_eq!(
        server.on(configure(5)),
        [],
        "the first is still being written"
    );
    let ticket = Ticket(2);
    assert_eq!(server.on(Input::SlicePersisted { ticket }), [persist(3, 5)]);
    assert_eq!(server.on(Input::SlicePersisted { ticket: Ticket(3) }), []);
    let found = to_scs(detected(event(2, 1000), START));
    assert_eq!(server.on(received(&[event(2, 1000)])), [found]);
}

#[test]
fn conditions_that_cannot_be_kept_are_in_force_and_tried_again() {
    let mut server = Server::connected();
    server.on(from_scs(ToMessageServer::Configure(slice(4, 1000))));
    let reason = "disk full".to_owned();
    let ticket = Ticket(1);
    let out = server.on(Input::SlicePersistFailed { ticket, reason });
    let reason = "disk full".to_owned();
    assert_eq!(out[0], Output::Noted(Note::SliceNotPersisted { reason }));
    server.on(stored(2));
    let again = Output::PersistSlice {
        ticket: Ticket(3),
        slice: slice(4, 1000),
    };
    assert_eq!(server.tick_after(SLICE_RETRY), [again]);
    assert_eq!(server.core.revision(), Revision(4));
}

#[test]
fn a_gap_in_a_sequence_is_told_of_with_its_size() {
    let mut server = Server::connected();
    server.on(received(&[event(1, 1000)]));
    let out = server.on(received(&[event(5, 1000)]));
    let (source, count) = (source(), 3);
    assert_eq!(out, [Output::Noted(Note::EventsLost { source, count })]);
    let out = server.on(stored(1));
    let Output::Store { request, .. } = &out[1] else {
        panic!("the next store: {out:?}");
    };
    let own = &request.records[0].event;
    assert_eq!(own.id, own_events::EVENTS_LOST);
    assert_eq!(
        own.text,
        "3 log event(s) of A/1 were dropped by their sender before they could be delivered"
    );
}

#[test]
fn an_event_reserved_for_the_management_layer_matches_nothing_when_an_application_sends_it() {
    let mut server = Server::with(Recovered {
        slice: Some(slice(1, 5150)),
        ..Recovered::default()
    });
    let out = server.on(received(&[event(1, 5150)]));
    let (source, id) = (source(), LogEventId(5150));
    assert_eq!(out[0], Output::Noted(Note::ReservedEvent { source, id }));
    let Output::Store { request, .. } = &out[1] else {
        panic!("a store: {out:?}");
    };
    assert_eq!(request.detections, []);
    let mut of_the_scs = event(2, 5150);
    of_the_scs.origin = LogOrigin::Scs;
    server.on(Input::ScsConnected { connection: SCS });
    server.on(scs_hello());
    let found = to_scs(detected(of_the_scs.clone(), START));
    assert_eq!(server.on(received(&[of_the_scs])), [found]);
}

#[test]
fn a_batch_that_comes_before_the_store_is_open_is_turned_away() {
    let mut core = MessageServerCore::new(identity());
    let mut outputs = Vec::new();
    core.handle(START, received(&[event(1, 1000)]), &mut outputs);
    let reason = "the log database is not open yet; send again in a moment";
    let refusal = Refusal::new(RefusalCode::Overloaded, reason);
    let connection = SENDER;
    assert_eq!(
        outputs,
        [Output::CloseSender {
            connection,
            refusal
        }]
    );
}

#[test]
fn a_backlog_of_detections_goes_out_as_fast_as_the_scs_acknowledges() {
    let unacknowledged = (1..=600).map(|n| detected(event(n, 4561), START)).collect();
    let mut server = Server::with(Recovered {
        unacknowledged,
        slice: Some(slice(3, 4561)),
        ..Recovered::default()
    });
    server.on(Input::ScsConnected { connection: SCS });
    assert_eq!(server.on(scs_hello()).len(), 1 + crate::DETECTION_WINDOW);
    let next = to_scs(detected(event(513, 4561), START));
    assert_eq!(server.on(scs_has(1)), [forget(1), next]);
}

#[test]
fn old_events_are_deleted_every_minute_and_at_once_while_there_are_more() {
    let mut server = Server::connected();
    let minute = Duration::from_secs(60);
    let retain = |ticket, now: Timestamp| Output::Retain {
        ticket: Ticket(ticket),
        received_before: now - Duration::from_secs(1),
        max_bytes: 77,
    };
    assert_eq!(server.tick_after(minute), [retain(1, START + minute)]);
    let (ticket, more) = (Ticket(1), true);
    assert_eq!(server.on(Input::Retained { ticket, more }), []);
    let pause = Duration::from_millis(100);
    assert_eq!(
        server.tick_after(pause),
        [retain(2, START + minute + pause)]
    );
    let (ticket, more) = (Ticket(2), false);
    assert_eq!(server.on(Input::Retained { ticket, more }), []);
    assert_eq!(server.tick_after(minute).len(), 1);
}

#[test]
fn events_that_come_again_are_counted_and_nothing_else_is() {
    let mut server = Server::connected();
    let (one, two) = (event(1, 4561), event(2, 4563));
    server.on(received(std::slice::from_ref(&one)));
    assert_eq!(server.core.repeated(), 0);
    server.on(received(&[one.clone(), two.clone()]));
    server.on(received(&[one, two]));
    assert_eq!(server.core.repeated(), 3);
}
