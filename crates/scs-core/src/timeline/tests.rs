//! Situations of the timeline and what it then shows.

use super::*;
use changeover_model::{ApplicationName, HostName, RunMode};

fn switchover() -> Opening {
    Opening {
        kind: RecordKind::Switchover,
        pair: Some(PairName::from("SIP_EAST")),
        title: "switchover of SIP_EAST".into(),
        trigger: "root@laptop".into(),
        epoch: Epoch(1),
    }
}

fn entry(moment: Moment, who: Party, step: Step, what: &str) -> NewEntry {
    NewEntry {
        moment,
        who,
        step,
        what: what.into(),
        evidence: String::new(),
    }
}

fn note(what: &str) -> NewEntry {
    entry(Moment::Here, Party::Scs, Step::Note, what)
}

fn there(at: u64, offset_us: i64, uncertainty_us: u64) -> Moment {
    Moment::There {
        at: Timestamp(at),
        offset_us,
        uncertainty: Duration::from_micros(uncertainty_us),
    }
}

fn shown(timeline: &Timeline, cause: CauseId) -> Vec<(u64, u64, &str)> {
    let entries = &timeline.get(cause).expect("the record is there").entries;
    entries
        .iter()
        .map(|entry| {
            let uncertainty = u64::try_from(entry.uncertainty.as_micros()).expect("small");
            (entry.at.0, uncertainty, entry.what.as_str())
        })
        .collect()
}

#[test]
fn a_foreign_time_is_converted_by_the_offset_of_its_link() {
    let mut timeline = Timeline::new();
    let cause = timeline.open(Timestamp(1_000), switchover());
    timeline.append(Timestamp(1_000), cause, note("first"));
    timeline.append(Timestamp(3_000), cause, note("third"));
    let host1 = Party::Lca(HostName::from("host1"));
    // The clock of host1 is 500 us ahead; what it dates 2,600 happened at 2,100.
    timeline.append(
        Timestamp(3_500),
        cause,
        entry(there(2_600, 500, 40), host1, Step::Note, "second"),
    );
    assert_eq!(
        shown(&timeline, cause),
        [
            (1_000, 0, "first"),
            (2_100, 40, "second"),
            (3_000, 0, "third")
        ]
    );
}

#[test]
fn an_acknowledgement_never_precedes_its_order_however_wrong_the_clocks() {
    let mut timeline = Timeline::new();
    let cause = timeline.open(Timestamp(1_000), switchover());
    let server = ApplicationName::from("SIP_SERVER_PRIMARY");
    let host1 = HostName::from("host1");
    timeline.append(
        Timestamp(1_700),
        cause,
        entry(
            Moment::Here,
            Party::ScsToLca(host1.clone()),
            Step::RunModeOrdered(server.clone(), RunMode::Backup),
            "to Backup",
        ),
    );
    // By the converted clock it came 300 us before its order: it is moved onto it, and says how far.
    let placed = timeline.append(
        Timestamp(2_100),
        cause,
        entry(
            there(1_400, 0, 50),
            Party::Lca(host1.clone()),
            Step::RunModeAcknowledged(server.clone(), RunMode::Backup),
            "acknowledged",
        ),
    );
    assert_eq!(
        placed.map(|entry| (entry.at, entry.uncertainty)),
        Some((Timestamp(1_700), Duration::from_micros(300)))
    );
    assert_eq!(
        shown(&timeline, cause),
        [(1_700, 0, "to Backup"), (1_700, 300, "acknowledged")]
    );
    // Neither does anything happen after the message that tells of it has arrived.
    timeline.append(
        Timestamp(2_200),
        cause,
        entry(
            there(9_999, 0, 50),
            Party::Lca(host1),
            Step::Note,
            "from the future",
        ),
    );
    assert_eq!(
        shown(&timeline, cause)[2],
        (2_200, 7_799, "from the future")
    );
}

#[test]
fn a_record_keeps_its_first_outcome_and_takes_late_steps() {
    let mut timeline = Timeline::new();
    let cause = timeline.open(Timestamp(10), switchover());
    timeline.set_epoch(cause, Epoch(2));
    timeline.close(Timestamp(20), cause, RecordOutcome::Done, "as asked");
    timeline.close(Timestamp(30), cause, RecordOutcome::Failed, "too late");
    timeline.append(Timestamp(40), cause, note("afterwards"));
    let record = timeline.get(cause).expect("kept");
    assert_eq!(
        (record.outcome, record.closed_at, record.why.as_str()),
        (Some(RecordOutcome::Done), Some(Timestamp(20)), "as asked")
    );
    assert_eq!(
        (record.epoch_before, record.epoch_after),
        (Epoch(1), Epoch(2))
    );
    assert_eq!(shown(&timeline, cause), [(40, 0, "afterwards")]);
}

#[test]
fn a_long_record_ends_with_a_note_about_what_was_left_out() {
    let mut timeline = Timeline::new();
    let cause = timeline.open(Timestamp(0), switchover());
    for number in 0..ENTRIES as u64 + 5 {
        timeline.append(Timestamp(number), cause, note("step"));
    }
    let shown = shown(&timeline, cause);
    assert_eq!(shown.len(), ENTRIES);
    assert_eq!(shown[ENTRIES - 2], (398, 0, "step"));
    assert_eq!(shown[ENTRIES - 1], (404, 0, "6 further steps left out"));
}

#[test]
fn the_oldest_closed_records_go_first_and_open_ones_stay() {
    let mut timeline = Timeline::new();
    let open = timeline.open(Timestamp(0), switchover());
    let first_closed = timeline.open(Timestamp(1), switchover());
    timeline.close(Timestamp(1), first_closed, RecordOutcome::Done, "");
    timeline.take_changes();
    for number in 0..CLOSED_RECORDS as u64 {
        let cause = timeline.open(Timestamp(number), switchover());
        timeline.close(Timestamp(number), cause, RecordOutcome::Done, "");
    }
    assert!(timeline.is_open(open));
    assert_eq!(timeline.get(first_closed), None);
    assert_eq!(timeline.list(usize::MAX).len(), CLOSED_RECORDS + 1);
    assert_eq!(timeline.take_changes().deleted, [first_closed]);
}

#[test]
fn what_changed_is_handed_out_once_and_numbers_go_on_after_a_restart() {
    let mut timeline = Timeline::new();
    let first = timeline.open(Timestamp(1), switchover());
    let second = timeline.open(Timestamp(2), switchover());
    let changes = timeline.take_changes();
    assert_eq!(
        changes
            .stored
            .iter()
            .map(|record| record.id)
            .collect::<Vec<_>>(),
        [first, second]
    );
    assert!(!timeline.has_changes());
    timeline.append(Timestamp(3), second, note("more"));
    let changed = timeline.take_changes().stored;
    assert_eq!(
        changed.iter().map(|record| record.id).collect::<Vec<_>>(),
        [second]
    );

    let mut restored = Timeline::restore(timeline.list(9).into_iter().cloned().collect());
    assert_eq!(
        restored
            .open_records()
            .map(|record| record.id)
            .collect::<Vec<_>>(),
        [first, second]
    );
    assert_eq!(restored.open(Timestamp(5), switchover()), CauseId(3));
    assert_eq!(
        restored
            .last(Some(&PairName::from("SIP_EAST")))
            .map(|record| record.id),
        Some(CauseId(3))
    );
    assert_eq!(restored.last(Some(&PairName::from("EDGE"))), None);
}
