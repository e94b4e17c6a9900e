//! What the SCS's memory is after a kill at any moment, on a full disk, and when its file is torn or damaged: epochs,
//! alarms and timeline. What follows for a pair from a memory that was lost is scs-core's and tested there.

use super::*;
use changeover_kill_trials as kill_trials;
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{AlarmPicture, RecordKind, TimelineRecord};
use changeover_model::{AlarmId, CauseId, ConditionName, Epoch, PairName, Timestamp};
use changeover_scs_core::StoredPair;
use changeover_scs_core::alarms::{AlarmKey, StoredAlarm};

/// The trials begin anew after so many, so that looking the whole file over stays quick.
const TRIALS_OF_A_FOLDER: u64 = 100;

fn pair() -> PairName {
    PairName::from("SIP_EAST")
}

/// What a switchover leaves: a higher epoch, an alarm and a record, in one transaction.
fn switchover(number: u64) -> Vec<StoreChange> {
    let picture = AlarmPicture {
        id: AlarmId(number),
        condition: ConditionName::from("ALRM_PRIMARY_4563_HAPrimary"),
        category: AlarmCategory::Critical,
        application: "SIP_SERVER_PRIMARY".into(),
        activated_at: Timestamp(number),
        renewed_at: Timestamp(number),
        clears_at: None,
        cleared_at: None,
        text: "HA role changed to primary".to_owned(),
        activated_by: "log message".to_owned(),
        cleared_by: None,
        cause: Some(CauseId(number)),
    };
    let record = TimelineRecord {
        id: CauseId(number),
        kind: RecordKind::Switchover,
        pair: Some(pair()),
        title: "switchover of SIP_EAST".to_owned(),
        trigger: "operator".to_owned(),
        opened_at: Timestamp(number),
        closed_at: None,
        epoch_before: Epoch(number - 1),
        epoch_after: Epoch(number),
        outcome: None,
        why: String::new(),
        reasons: Vec::new(),
        entries: Vec::new(),
    };
    let kept = StoredPair {
        epoch: Epoch(number),
        ..StoredPair::default()
    };
    vec![
        StoreChange::Pair(pair(), kept),
        StoreChange::Alarm(StoredAlarm {
            key: AlarmKey::Management(format!("{number}")),
            picture,
        }),
        StoreChange::Timeline(Box::new(record)),
    ]
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

fn epoch_of(state: &StoredState) -> u64 {
    state.pairs.get(&pair()).map_or(0, |of| of.epoch.0)
}

/// Epoch, number of alarms and number of records that a state holds: of `switchover`s all three are the same.
fn counts(state: &StoredState) -> (u64, usize, usize) {
    (epoch_of(state), state.alarms.len(), state.timeline.len())
}

/// The store of a folder after so many switchovers, closed as a kill leaves it: nothing is moved from the log
/// that SQLite writes ahead into the database.
fn after(switchovers: u64, folder: &Path) {
    let mut opened = open(folder).expect("a new store");
    for number in 1..=switchovers {
        write(&mut opened.connection, switchover(number).iter()).expect("it is written");
    }
    let copies: Vec<(PathBuf, Vec<u8>)> = ["", "-wal"]
        .map(|suffix| folder.join(format!("{FILE}{suffix}")))
        .into_iter()
        .map(|path| {
            let content = std::fs::read(&path).expect("readable");
            (path, content)
        })
        .collect();
    drop(opened);
    for (path, content) in copies {
        std::fs::write(path, content).expect("writable");
    }
}

/// The writer of the trials.
fn write_switchovers(folder: &Path) {
    let mut opened = open(folder).expect("the store that a kill left opens");
    let mut next = epoch_of(&opened.state);
    loop {
        next += 1;
        kill_trials::begin(next);
        write(&mut opened.connection, switchover(next).iter()).expect("it is written");
        kill_trials::acknowledge(next);
    }
}

#[test]
fn a_killed_scs_has_lost_no_epoch_alarm_or_record() {
    if let Some(folder) = kill_trials::writer() {
        return write_switchovers(&folder);
    }
    let mut tally = kill_trials::Tally::of("scs");
    let mut state = folder();
    for seed in 0..kill_trials::trials() {
        if seed % TRIALS_OF_A_FOLDER == 0 {
            state = folder();
        }
        let test = "store::crash_tests::a_killed_scs_has_lost_no_epoch_alarm_or_record";
        let killed = kill_trials::kill_while_writing(test, state.path(), seed);
        tally.count(killed);
        let opened = open(state.path()).expect("the store that a kill left opens");
        let (epoch, alarms, records) = counts(&opened.state);
        assert!(
            epoch >= killed.last,
            "seed {seed}: {epoch} after {killed:?}"
        );
        let whole = usize::try_from(epoch).expect("few");
        assert_eq!((alarms, records), (whole, whole), "seed {seed}");
        assert_eq!(opened.notes, Vec::<String>::new(), "seed {seed}");
    }
    tally.close();
}

#[test]
fn on_a_full_disk_a_write_fails_by_name_what_was_kept_stays_and_with_room_it_goes_on() {
    let folder = folder();
    let mut opened = open(folder.path()).expect("a new store");
    write(&mut opened.connection, switchover(1).iter()).expect("there is room");
    let pages: i64 = opened
        .connection
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .expect("readable");
    let limit = |opened: &Opened, pages: i64| {
        let text = format!("PRAGMA max_page_count = {pages}");
        let set = opened
            .connection
            .query_row(&text, [], |row| row.get::<_, i64>(0));
        set.expect("a limit")
    };
    limit(&opened, pages);
    let mut written = 1;
    let error = loop {
        match write(&mut opened.connection, switchover(written + 1).iter()) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DiskFull),
        "{error}"
    );
    limit(&opened, 1_000_000);
    write(&mut opened.connection, switchover(written + 1).iter()).expect("there is room again");
    drop(opened);
    let opened = open(folder.path()).expect("the same store");
    let whole = usize::try_from(written + 1).expect("few");
    assert_eq!(counts(&opened.state), (written + 1, whole, whole));
    assert_eq!(opened.notes, Vec::<String>::new());
}

#[test]
fn of_a_torn_log_the_whole_transactions_count_and_none_is_taken_in_half() {
    for percent in [5, 30, 55, 80, 97] {
        let folder = folder();
        after(40, folder.path());
        let wal = folder.path().join(format!("{FILE}-wal"));
        let mut content = std::fs::read(&wal).expect("readable");
        content.truncate(content.len() * percent / 100);
        std::fs::write(&wal, content).expect("writable");
        let opened = open(folder.path()).expect("it opens");
        let (epoch, alarms, records) = counts(&opened.state);
        let whole = usize::try_from(epoch).expect("few");
        assert!(epoch < 40, "{percent} %: something is gone");
        assert_eq!((alarms, records), (whole, whole), "{percent} %");
    }
}

#[test]
fn damage_inside_the_file_is_found_kept_by_name_and_told() {
    let folder = folder();
    let mut opened = open(folder.path()).expect("a new store");
    for number in 1..=400 {
        write(&mut opened.connection, switchover(number).iter()).expect("it is written");
    }
    drop(opened);
    let path = folder.path().join(FILE);
    let mut content = std::fs::read(&path).expect("readable");
    let middle = content.len() / 2;
    content[middle..middle + 8_192].fill(0xAA);
    std::fs::write(&path, content).expect("writable");
    let opened = open(folder.path()).expect("a new store is begun");
    assert_eq!(counts(&opened.state), (0, 0, 0));
    let [note] = &opened.notes[..] else {
        panic!("one note: {:?}", opened.notes);
    };
    assert!(
        note.starts_with("the database was damaged (")
            && note.contains("epochs are taken from the LCAs"),
        "{note}"
    );
}

#[test]
fn an_entry_that_cannot_be_read_is_named_and_the_others_count() {
    let folder = folder();
    let mut opened = open(folder.path()).expect("a new store");
    write(&mut opened.connection, switchover(1).iter()).expect("it is written");
    write(&mut opened.connection, switchover(2).iter()).expect("it is written");
    opened
        .connection
        .execute(
            "UPDATE kept SET value = '{\"Alarm\":{' WHERE key = 'alarm/1'",
            [],
        )
        .expect("writable");
    drop(opened);
    let opened = open(folder.path()).expect("the same store");
    assert_eq!(counts(&opened.state), (2, 1, 2));
    assert_eq!(opened.notes.len(), 1, "{:?}", opened.notes);
    assert!(
        opened.notes[0].starts_with("what is kept as alarm/1 cannot be read and is left out"),
        "{:?}",
        opened.notes
    );
}
