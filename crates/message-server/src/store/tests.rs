//! The log database on a real disk: what is committed comes back, what is damaged is kept, what is newer is
//! refused, what is old goes.

use super::*;
use changeover_kill_trials as kill_trials;
use changeover_message_server_core::{Recovered, StoreRequest};
use changeover_model::environment::MessageServerSlice;
use changeover_model::message::{
    AlarmDetected, AlarmMatch, LogEvent, LogOrigin, LogQuery, LogRecord, MatchRole, SourceId,
};
use changeover_model::{CauseId, Epoch, LogEventId, LogLevel, Revision, Ticket, Timestamp};
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;

fn record(position: u64, application: &str, id: u32, level: LogLevel) -> LogRecord {
    LogRecord {
        position,
        received_at: Timestamp(position * 1_000),
        event: LogEvent {
            source: SourceId(format!("{application}/1").into()),
            sequence: position,
            application: application.into(),
            host: Some("host1".into()),
            id: LogEventId(id),
            level,
            text: format!("text {position}"),
            at: Timestamp(position * 1_000 - 7),
            epoch: Some(Epoch(3)),
            cause: Some(CauseId(u64::MAX)),
            origin: LogOrigin::Scs,
        },
    }
}

fn request(records: Vec<LogRecord>) -> StoreRequest {
    StoreRequest {
        records,
        ..StoreRequest::default()
    }
}

fn slice() -> MessageServerSlice {
    MessageServerSlice {
        revision: Revision(4),
        conditions: Vec::new(),
        application_types: [].into_iter().collect(),
        log_keep: Duration::from_secs(60),
        log_size: 1,
    }
}

fn detected(record: &LogRecord) -> AlarmDetected {
    AlarmDetected {
        event: record.event.clone(),
        matches: vec![AlarmMatch {
            condition: "C".into(),
            role: MatchRole::Detect,
        }],
        matched_at: record.received_at,
    }
}

struct Running {
    catalogue: changeover_metrics::Catalogue,
    writer: Writer,
    thread: writing::WriterThread,
    answers: mpsc::Receiver<Answer>,
}

fn started(folder: &Path) -> (Running, Recovered) {
    let mut opened = open(folder).expect("the folder is writable");
    let recovered = std::mem::take(&mut opened.recovered);
    let (sender, answers) = mpsc::channel(64);
    let mut catalogue = changeover_metrics::Catalogue::new("message-server", "test");
    let metrics = crate::metrics::Writing::new(&mut catalogue);
    let (writer, thread) = Writer::start(opened, sender, metrics).expect("a thread can be made");
    let running = Running {
        catalogue,
        writer,
        thread,
        answers,
    };
    (running, recovered)
}

impl Running {
    fn does(&mut self, work: Work) -> String {
        self.writer.give(work).expect("the queue has room");
        let answer = self.answers.blocking_recv();
        format!("{:?}", answer.expect("the writer runs"))
    }

    fn stores(&mut self, request: StoreRequest) {
        assert_eq!(
            self.does(Work::Store(Ticket(1), request)),
            "Stored(Ticket(1))"
        );
    }

    fn query(&self, query: &LogQuery) -> Vec<LogRecord> {
        let mut reader = Reader::open(self.writer.path(), query).expect("it can be read");
        let mut records = Vec::new();
        loop {
            let page = reader.next_page().expect("it can be read");
            if page.is_empty() {
                return records;
            }
            records.extend(page);
        }
    }

    fn positions(&self, query: &LogQuery) -> Vec<u64> {
        let records = self.query(query);
        records.iter().map(|record| record.position).collect()
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

#[test]
fn what_was_committed_comes_back_after_a_restart() {
    let folder = folder();
    let (mut running, recovered) = started(folder.path());
    assert_eq!(recovered, Recovered::default());
    let [one, two, three] =
        [1, 2, 3].map(|position| record(position, "A", 4561, LogLevel::Standard));
    running.stores(StoreRequest {
        records: vec![one.clone(), two.clone(), three.clone()],
        detections: vec![detected(&one), detected(&two)],
        unmatched: vec![2, 3],
        matched: vec![2],
    });
    let kept = Work::PersistSlice(Ticket(2), slice());
    assert_eq!(running.does(kept), "SlicePersisted(Ticket(2))");
    let forget = Work::ForgetDetection(SourceId("A/1".into()), 1);
    running.writer.give(forget).expect("the queue has room");
    assert_eq!(
        running.query(&LogQuery::default()),
        [one, two.clone(), three.clone()]
    );
    running.thread.close();
    let (_, recovered) = started(folder.path());
    let expected = Recovered {
        high_water: vec![(SourceId("A/1".into()), 3)],
        unacknowledged: vec![detected(&two)],
        slice: Some(slice()),
        unmatched: vec![three],
        highest_position: 3,
        notes: Vec::new(),
    };
    assert_eq!(recovered, expected);
}

#[test]
fn a_request_that_is_repeated_changes_nothing() {
    let folder = folder();
    let (mut running, _) = started(folder.path());
    let one = record(1, "A", 4561, LogLevel::Standard);
    for _ in 0..2 {
        running.stores(StoreRequest {
            records: vec![one.clone()],
            detections: vec![detected(&one)],
            ..StoreRequest::default()
        });
    }
    running.thread.close();
    let (running, recovered) = started(folder.path());
    assert_eq!(recovered.unacknowledged, [detected(&one)]);
    assert_eq!(running.query(&LogQuery::default()), [one]);
}

#[test]
fn a_query_returns_the_newest_that_fit_its_filters_oldest_first() {
    let folder = folder();
    let (mut running, _) = started(folder.path());
    let levels = [LogLevel::Debug, LogLevel::Standard, LogLevel::Alarm];
    let records = (1..=12_u64).map(|position| {
        let application = if position % 2 == 0 { "A" } else { "B" };
        let turn = usize::try_from(position % 3).expect("small");
        record(
            position,
            application,
            4560 + u32::from(position > 6),
            levels[turn],
        )
    });
    running.stores(request(records.collect()));
    let all = LogQuery::default();
    assert_eq!(running.positions(&all), (1..=12).collect::<Vec<_>>());
    let newest = LogQuery {
        limit: 2,
        ..all.clone()
    };
    assert_eq!(running.positions(&newest), [11, 12]);
    let of_a = LogQuery {
        application: Some("A".into()),
        limit: 3,
        ..all.clone()
    };
    assert_eq!(running.positions(&of_a), [8, 10, 12]);
    let with_id = LogQuery {
        id: Some(LogEventId(4560)),
        ..of_a.clone()
    };
    assert_eq!(running.positions(&with_id), [2, 4, 6]);
    let standard = LogQuery {
        level: Some(LogLevel::Standard),
        ..all.clone()
    };
    assert_eq!(running.positions(&standard), [1, 2, 4, 5, 7, 8, 10, 11]);
    let late = LogQuery {
        since: Some(Timestamp(11_000)),
        ..all.clone()
    };
    assert_eq!(running.positions(&late), [11, 12]);
    for record in running.query(&all) {
        for query in [&all, &of_a, &with_id, &standard, &late] {
            let unlimited = LogQuery {
                limit: 0,
                ..query.clone()
            };
            let stored = running.positions(&unlimited).contains(&record.position);
            assert_eq!(wanted(query, &record), stored, "live and stored part agree");
        }
    }
}

#[test]
fn a_large_answer_comes_in_pages_and_ends_where_the_log_ended() {
    let folder = folder();
    let (mut running, _) = started(folder.path());
    let many = |from: u64, to: u64| (from..=to).map(|at| record(at, "A", 1, LogLevel::Standard));
    running.stores(request(many(1, 1_200).collect()));
    let mut reader = Reader::open(
        running.writer.path(),
        &LogQuery {
            limit: 1_100,
            ..LogQuery::default()
        },
    )
    .expect("it can be read");
    running.stores(request(many(1_201, 1_210).collect()));
    let mut sizes = Vec::new();
    let mut first = None;
    loop {
        let page = reader.next_page().expect("it can be read");
        if page.is_empty() {
            break;
        }
        first = first.or(Some(page[0].position));
        sizes.push(page.len());
    }
    assert_eq!(
        (reader.up_to(), first, sizes),
        (1_200, Some(101), vec![500, 500, 100])
    );
}

#[test]
fn old_events_go_and_so_do_the_oldest_of_too_many() {
    let folder = folder();
    let (mut running, _) = started(folder.path());
    let records = (1..=5_000).map(|at| record(at, "A", 1, LogLevel::Standard));
    running.stores(StoreRequest {
        records: records.collect(),
        unmatched: vec![1],
        ..StoreRequest::default()
    });
    let by_age = |ticket| Work::Retain(Ticket(ticket), Timestamp(3_000_000), u64::MAX);
    assert_eq!(running.does(by_age(1)), "Retained(Ticket(1), true)");
    assert_eq!(running.does(by_age(2)), "Retained(Ticket(2), false)");
    let all = LogQuery {
        limit: 10_000,
        ..LogQuery::default()
    };
    let left = running.positions(&all);
    assert_eq!((left[0], left[1], left.len()), (1, 3_000, 2_002));
    let by_size = |ticket| Work::Retain(Ticket(ticket), Timestamp(0), 1_000);
    assert_eq!(running.does(by_size(3)), "Retained(Ticket(3), true)");
    assert_eq!(running.does(by_size(4)), "Retained(Ticket(4), false)");
    assert_eq!(
        running.positions(&all),
        [1],
        "it still waits for conditions"
    );
    let text = running.catalogue.text();
    assert_eq!(
        changeover_metrics::exposition::faults(&text),
        Vec::<String>::new()
    );
    let samples = changeover_metrics::exposition::samples(&text);
    for (series, value) in [
        ("changeover_message_server_events_stored_total", 5_000.0),
        ("changeover_message_server_events_deleted_total", 4_999.0),
        ("changeover_message_server_detections_total", 0.0),
        (
            "changeover_store_commit_duration_seconds_count{store=\"log.db\"}",
            5.0,
        ),
        ("changeover_store_failures_total{store=\"log.db\"}", 0.0),
        ("changeover_store_queue_length{store=\"log.db\"}", 0.0),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series} in {text}");
    }
    running.thread.close();
    let (_, recovered) = started(folder.path());
    assert_eq!(
        recovered.highest_position, 5_000,
        "no position is given twice"
    );
}

#[test]
fn followers_get_every_commit() {
    let folder = folder();
    let (mut running, _) = started(folder.path());
    let mut feed = running.writer.feed().subscribe();
    let one = record(1, "A", 1, LogLevel::Standard);
    running.stores(request(vec![one.clone()]));
    let commit = feed.try_recv().expect("told before the answer");
    assert_eq!(*commit, [one]);
}

#[test]
fn a_second_message_server_on_the_same_folder_is_refused_by_name() {
    let folder = folder();
    let (_running, _) = started(folder.path());
    let error = open(folder.path()).expect_err("the first one has it");
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
}

#[test]
fn a_newer_database_is_refused_by_name_and_left_alone() {
    let folder = folder();
    let path = folder.path().join(FILE);
    let connection = Connection::open(&path).expect("writable");
    let newer = schema::version() + 1;
    connection
        .pragma_update(None, "user_version", newer)
        .expect("writable");
    drop(connection);
    let error = open(folder.path()).expect_err("it is newer");
    let expected = format!(
        "{} has schema version {newer}, this release knows versions up to {}; install the newer release again, or move the file away to begin an empty log",
        path.display(),
        schema::version()
    );
    assert_eq!(error.to_string(), expected);
    assert!(path.exists());
}

#[test]
fn a_damaged_database_is_kept_under_another_name_and_told_of() {
    let folder = folder();
    let path = folder.path().join(FILE);
    std::fs::write(&path, "this is no database at all, whatever its name says").expect("writable");
    let (running, recovered) = started(folder.path());
    let [note] = &recovered.notes[..] else {
        panic!("one note: {:?}", recovered.notes);
    };
    assert!(note.starts_with("the log database was damaged ("), "{note}");
    assert_eq!(running.positions(&LogQuery::default()), Vec::<u64>::new());
    let kept = std::fs::read_dir(folder.path())
        .expect("readable")
        .flatten();
    let kept: Vec<_> = kept
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with("log.db.damaged-")
        })
        .collect();
    assert_eq!(kept.len(), 1);
    let content = std::fs::read(kept[0].path()).expect("readable");
    assert!(content.starts_with(b"this is no database"));
}

#[test]
fn damage_inside_a_file_is_found_after_an_unclean_end() {
    let folder = folder();
    let path = folder.path().join(FILE);
    let (mut running, _) = started(folder.path());
    let records = (1..=2_000).map(|at| record(at, "A", 1, LogLevel::Standard));
    running.stores(request(records.collect()));
    running.thread.close();
    let connection = Connection::open(&path).expect("readable");
    connection
        .execute("UPDATE numbers SET value = 0 WHERE name = 'clean'", [])
        .expect("as a kill leaves it");
    drop(connection);
    let mut content = std::fs::read(&path).expect("readable");
    let middle = content.len() / 2;
    content[middle..middle + 8_192].fill(0xAA);
    std::fs::write(&path, content).expect("writable");
    let (_, recovered) = started(folder.path());
    assert_eq!((recovered.notes.len(), recovered.highest_position), (1, 0));
}

/// The writer of the trials: events without end, each with its detection.
fn write_events(folder: &Path) {
    let (mut running, recovered) = started(folder);
    let mut next = recovered.highest_position;
    loop {
        next += 1;
        kill_trials::begin(next);
        let event = record(next, "A", 4561, LogLevel::Standard);
        running.stores(StoreRequest {
            detections: vec![detected(&event)],
            records: vec![event],
            ..StoreRequest::default()
        });
        kill_trials::acknowledge(next);
    }
}

/// The trials begin anew after so many, so that looking the whole file over stays quick.
const TRIALS_OF_A_FOLDER: u64 = 100;

#[test]
fn a_killed_message_server_has_every_event_and_detection_that_it_had_stored() {
    if let Some(folder) = kill_trials::writer() {
        return write_events(&folder);
    }
    let mut tally = kill_trials::Tally::of("message-server");
    let mut state = folder();
    for seed in 0..kill_trials::trials() {
        if seed % TRIALS_OF_A_FOLDER == 0 {
            state = folder();
        }
        let test = "store::tests::a_killed_message_server_has_every_event_and_detection_that_it_had_stored";
        let killed = kill_trials::kill_while_writing(test, state.path(), seed);
        tally.count(killed);
        let opened = open(state.path()).expect("the store that a kill left opens");
        let count: i64 = opened
            .connection
            .query_row("SELECT count(*) FROM log", [], |row| row.get(0))
            .expect("it can be read");
        let newest = opened.recovered.highest_position;
        assert!(
            newest >= killed.last,
            "seed {seed}: {newest} after {killed:?}"
        );
        let detections = opened.recovered.unacknowledged.len();
        assert_eq!(
            (
                count.unsigned_abs(),
                u64::try_from(detections).expect("few")
            ),
            (newest, newest),
            "seed {seed}: none in between is missing"
        );
    }
    tally.close();
}

#[test]
fn of_a_torn_log_of_writes_whole_commits_count_each_event_with_its_detection() {
    let folder = folder();
    let (mut running, _) = started(folder.path());
    for position in 1..=40 {
        let event = record(position, "A", 4561, LogLevel::Standard);
        running.stores(StoreRequest {
            detections: vec![detected(&event)],
            records: vec![event],
            ..StoreRequest::default()
        });
    }
    // As a kill leaves it: a clean end would move everything into the database.
    let copies = ["", "-wal"].map(|suffix| {
        let name = format!("{FILE}{suffix}");
        let content = std::fs::read(folder.path().join(&name)).expect("readable");
        (name, content)
    });
    running.thread.close();
    for percent in [5, 30, 55, 80, 97] {
        let torn = self::folder();
        for (name, content) in &copies {
            let length = if name.ends_with("-wal") {
                content.len() * percent / 100
            } else {
                content.len()
            };
            std::fs::write(torn.path().join(name), &content[..length]).expect("writable");
        }
        let recovered = open(torn.path()).expect("it opens").recovered;
        assert!(
            recovered.highest_position < 40,
            "{percent} %: something is gone"
        );
        let detections = u64::try_from(recovered.unacknowledged.len()).expect("few");
        assert_eq!(detections, recovered.highest_position, "{percent} %");
    }
}

#[test]
fn on_a_full_disk_storing_fails_by_name_and_what_was_stored_stays() {
    let folder = folder();
    let mut opened = open(folder.path()).expect("the folder is writable");
    let pages: i64 = opened
        .connection
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .expect("readable");
    let text = format!("PRAGMA max_page_count = {pages}");
    let limited = opened
        .connection
        .query_row(&text, [], |row| row.get::<_, i64>(0));
    assert_eq!(limited.expect("a limit"), pages);
    opened.recovered = Recovered::default();
    let (sender, mut answers) = mpsc::channel(64);
    let mut catalogue = changeover_metrics::Catalogue::new("message-server", "test");
    let metrics = crate::metrics::Writing::new(&mut catalogue);
    let (writer, thread) = Writer::start(opened, sender, metrics).expect("a thread can be made");
    let mut stored = 0;
    let refused = loop {
        let event = record(stored + 1, "A", 4561, LogLevel::Standard);
        writer
            .give(Work::Store(Ticket(stored + 1), request(vec![event])))
            .expect("the queue has room");
        let answer = format!("{:?}", answers.blocking_recv().expect("the writer runs"));
        if answer != format!("Stored(Ticket({}))", stored + 1) {
            break answer;
        }
        stored += 1;
    };
    assert!(
        refused.starts_with("StoreFailed") && refused.contains("full"),
        "{refused}"
    );
    thread.close();
    let recovered = open(folder.path()).expect("it opens").recovered;
    assert_eq!(
        (recovered.highest_position, recovered.notes),
        (stored, Vec::new())
    );
}
