//! The sending end by itself: order, resending, the bound.

use super::*;

fn event(level: LogLevel, text: &str) -> NewLogEvent {
    NewLogEvent {
        application: "SIP_SERVER_PRIMARY".into(),
        host: None,
        id: LogEventId(1000),
        level,
        text: text.to_owned(),
        at: Timestamp(5),
        epoch: None,
        cause: None,
        origin: LogOrigin::Application,
    }
}

fn source() -> SourceId {
    SourceId("SIP_SERVER_PRIMARY/1".into())
}

fn sequences(batches: &[LogBatch]) -> Vec<Vec<u64>> {
    let of = |batch: &LogBatch| batch.events.iter().map(|event| event.sequence).collect();
    batches.iter().map(of).collect()
}

fn texts(outbox: &Outbox) -> Vec<&str> {
    outbox.pending().map(|event| event.text.as_str()).collect()
}

#[test]
fn events_wait_for_a_connection_and_go_out_once_and_in_order() {
    let mut outbox = Outbox::new(source());
    assert_eq!(outbox.push(event(LogLevel::Standard, "a")), 1);
    assert_eq!(outbox.push(event(LogLevel::Standard, "b")), 2);
    assert!(outbox.next_batches().is_empty());
    outbox.connected();
    assert_eq!(sequences(&outbox.next_batches()), [vec![1, 2]]);
    assert!(outbox.next_batches().is_empty());
    outbox.push(event(LogLevel::Standard, "c"));
    assert_eq!(sequences(&outbox.next_batches()), [vec![3]]);
    outbox.acknowledged(3);
    assert!(outbox.is_empty());
}

#[test]
fn what_is_not_acknowledged_is_sent_again_after_a_reconnect() {
    let mut outbox = Outbox::new(source());
    for text in ["a", "b", "c"] {
        outbox.push(event(LogLevel::Standard, text));
    }
    outbox.connected();
    assert_eq!(sequences(&outbox.next_batches()), [vec![1, 2, 3]]);
    outbox.acknowledged(1);
    outbox.disconnected();
    assert!(outbox.next_batches().is_empty());
    outbox.connected();
    assert_eq!(sequences(&outbox.next_batches()), [vec![2, 3]]);
}

#[test]
fn a_full_outbox_drops_the_oldest_of_the_lowest_level_and_counts_it() {
    let mut outbox = Outbox::with_limit(source(), 3);
    outbox.push(event(LogLevel::Standard, "standard 1"));
    outbox.push(event(LogLevel::Trace, "trace 2"));
    outbox.push(event(LogLevel::Trace, "trace 3"));
    outbox.push(event(LogLevel::Alarm, "alarm 4"));
    assert_eq!(texts(&outbox), ["standard 1", "trace 3", "alarm 4"]);
    outbox.push(event(LogLevel::Debug, "debug 5"));
    assert_eq!(texts(&outbox), ["standard 1", "trace 3", "alarm 4"]);
    outbox.push(event(LogLevel::Standard, "standard 6"));
    outbox.push(event(LogLevel::Standard, "standard 7"));
    assert_eq!(texts(&outbox), ["alarm 4", "standard 6", "standard 7"]);
    assert_eq!(
        (outbox.lost(), outbox.take_lost(), outbox.lost()),
        (4, 4, 0)
    );
    outbox.connected();
    assert_eq!(sequences(&outbox.next_batches()), [vec![4, 6, 7]]);
}

#[test]
fn a_large_backlog_goes_out_in_batches_and_never_far_ahead_of_the_acknowledgements() {
    let mut outbox = Outbox::new(source());
    for _ in 0..4_500 {
        outbox.push(event(LogLevel::Standard, "x"));
    }
    outbox.connected();
    let sizes: Vec<usize> = outbox
        .next_batches()
        .iter()
        .map(|b| b.events.len())
        .collect();
    assert_eq!(sizes, [1_000, 1_000, 1_000, 1_000]);
    assert!(outbox.next_batches().is_empty());
    outbox.acknowledged(1_000);
    let next = outbox.next_batches();
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].events[0].sequence, 4_001);
    assert_eq!(next[0].events.len(), 500);
}

#[test]
fn a_restored_outbox_goes_on_with_the_next_sequence() {
    let mut first = Outbox::new(source());
    for text in ["a", "b", "c"] {
        first.push(event(LogLevel::Standard, text));
    }
    first.acknowledged(1);
    let pending: Vec<LogEvent> = first.pending().rev_sorted();
    let mut second = Outbox::restored(source(), 7, pending);
    assert_eq!(texts(&second), ["b", "c"]);
    assert_eq!(second.push(event(LogLevel::Standard, "d")), 8);
    second.connected();
    assert_eq!(sequences(&second.next_batches()), [vec![2, 3, 8]]);
}

#[test]
fn a_text_that_is_too_long_is_cut_between_two_characters() {
    let mut outbox = Outbox::new(source());
    outbox.push(event(LogLevel::Standard, &"ü".repeat(3_000)));
    outbox.push(event(
        LogLevel::Standard,
        &format!("x{}", "ü".repeat(3_000)),
    ));
    let lengths: Vec<usize> = outbox.pending().map(|event| event.text.len()).collect();
    assert_eq!(lengths, [4_096, 4_095]);
}

trait Reversed {
    fn rev_sorted(self) -> Vec<LogEvent>;
}

impl<'a, I: Iterator<Item = &'a LogEvent>> Reversed for I {
    /// The events in the opposite order, as a careless store might return them.
    fn rev_sorted(self) -> Vec<LogEvent> {
        let mut events: Vec<LogEvent> = self.cloned().collect();
        events.reverse();
        events
    }
}
