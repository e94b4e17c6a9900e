//! What an LCA's two copies are after a kill at any moment, on a full disk, and when a file is torn or damaged: epochs,
//! votes, `sole` marks. What follows from an epoch or a vote is lca-core's and tested there.

use super::*;
use crate::recovery::stored_state;
use changeover_component::StateFileError;
use changeover_kill_trials as kill_trials;
use changeover_lca_core::PairRecord;
use changeover_model::message::SoleMark;
use changeover_model::{Epoch, PairName};

/// Where the two copies of a host are: what it acknowledged fast, and what it acknowledged for good.
fn copies(folder: &Path) -> (PathBuf, PathBuf) {
    (folder.join("disk.json"), folder.join("runtime.json"))
}

fn pair() -> PairName {
    PairName::from("SIP_EAST")
}

/// The pair in the epoch of this number, voted for, with the mark.
fn record(number: u64) -> StateChange {
    StateChange::Pair(PairRecord {
        pair: pair(),
        epoch: Epoch(number),
        primary: Some("SIP_SERVER_BACKUP".into()),
        maintenance: false,
        voted: Epoch(number),
        sole: Some(SoleMark {
            pair: pair(),
            epoch: Epoch(number),
            host: "host2".into(),
        }),
    })
}

/// Epoch, vote and mark; 0 where there is none.
fn kept(state: &StoredState) -> (u64, u64, u64) {
    state.pairs.get(&pair()).map_or((0, 0, 0), |pair| {
        let sole = pair.sole.as_ref().map_or(0, |mark| mark.epoch.0);
        (pair.epoch.0, pair.voted.0, sole)
    })
}

/// The writer of the trials: every change fast, every third one for good.
fn write_changes(folder: &Path) {
    let (disk, runtime) = copies(folder);
    let mut state = stored_state(&disk, &runtime).expect("what a kill left can be read");
    // As every life begins: what was found may be the fast copy alone.
    write_state(&disk, &state).expect("it is written");
    loop {
        let next = state.serial + 1;
        kill_trials::begin(next);
        state.apply(record(next));
        write_state_fast(&runtime, &state).expect("it is written");
        if next.is_multiple_of(3) {
            write_state(&disk, &state).expect("it is written");
        }
        kill_trials::acknowledge(next);
    }
}

#[test]
fn a_killed_lca_has_every_epoch_vote_and_mark_that_it_had_kept() {
    if let Some(folder) = kill_trials::writer() {
        return write_changes(&folder);
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (disk, runtime) = copies(folder.path());
    let mut tally = kill_trials::Tally::of("lca");
    for seed in 0..kill_trials::trials() {
        let test =
            "store::crash_tests::a_killed_lca_has_every_epoch_vote_and_mark_that_it_had_kept";
        let killed = kill_trials::kill_while_writing(test, folder.path(), seed);
        tally.count(killed);
        let both = stored_state(&disk, &runtime).expect("what a kill left can be read");
        let (epoch, voted, sole) = kept(&both);
        assert!(
            epoch >= killed.last,
            "seed {seed}: {epoch} after {killed:?}"
        );
        assert_eq!(
            (voted, sole),
            (epoch, epoch),
            "seed {seed}: one file, whole"
        );
        // The machine lost its memory: the disk alone.
        let alone = stored_state(&disk, &folder.path().join("gone.json"))
            .expect("what a kill left can be read");
        let durable = killed.last - killed.last % 3;
        let (epoch, voted, sole) = kept(&alone);
        assert!(epoch >= durable, "seed {seed}: {epoch} after {durable}");
        assert_eq!(
            (voted, sole),
            (epoch, epoch),
            "seed {seed}: one file, whole"
        );
        assert!(!disk.with_extension("damaged").exists(), "seed {seed}");
    }
    tally.close();
}

/// A host whose runtime copy is one change ahead of its disk: epochs 7 and 6.
fn two_copies() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (disk, runtime) = copies(folder.path());
    let mut state = StoredState::default();
    state.apply(record(6));
    write_state(&disk, &state).expect("it is written");
    state.apply(record(7));
    write_state_fast(&runtime, &state).expect("it is written");
    (folder, disk, runtime)
}

#[test]
fn a_torn_or_damaged_copy_is_kept_by_name_and_the_other_one_counts() {
    type Damage = fn(&[u8]) -> Vec<u8>;
    let bad: [(&str, Damage); 4] = [
        ("empty", |_| Vec::new()),
        ("torn", |whole| whole[..whole.len() / 2].to_vec()),
        ("without its last byte", |whole| {
            whole[..whole.len() - 1].to_vec()
        }),
        ("zeroed by the file system", |whole| vec![0; whole.len()]),
    ];
    for (how, damage) in bad {
        for which in ["disk", "runtime"] {
            let (_folder, disk, runtime) = two_copies();
            let (path, other) = if which == "disk" {
                (&disk, 7)
            } else {
                (&runtime, 6)
            };
            let whole = std::fs::read(path).expect("readable");
            std::fs::write(path, damage(&whole)).expect("writable");
            let found = stored_state(&disk, &runtime).expect("the other one counts");
            assert_eq!(kept(&found), (other, other, other), "{which} copy {how}");
            let aside = std::fs::read(path.with_extension("damaged")).expect("it is kept");
            assert_eq!(aside, damage(&whole), "{which} copy {how}");
        }
    }
}

#[test]
fn a_copy_of_a_newer_release_is_refused_by_name() {
    let (_folder, disk, runtime) = two_copies();
    std::fs::write(&runtime, b"{\"version\":9,\"state\":{}}").expect("writable");
    let error = stored_state(&disk, &runtime).expect_err("it is newer");
    assert!(
        matches!(error, StateFileError::Newer { found: 9, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("runtime.json"), "{error}");
}

#[test]
fn on_a_full_disk_a_write_fails_by_name_and_the_vote_that_was_kept_stays() {
    let (_folder, disk, runtime) = two_copies();
    let mut state = stored_state(&disk, &runtime).expect("both are whole");
    state.apply(record(8));
    type Write = fn(&Path, &StoredState) -> Result<(), StateFileError>;
    for (path, write) in [
        (&disk, write_state as Write),
        (&runtime, write_state_fast as Write),
    ] {
        // The fresh copy is written beside the old one: there is no room for it.
        let fresh = path.with_extension("new");
        std::os::unix::fs::symlink("/dev/full", &fresh).expect("a link of ours");
        let error = write(path, &state).expect_err("no space is left");
        assert!(
            matches!(&error, StateFileError::Write { source, .. }
                if source.kind() == std::io::ErrorKind::StorageFull),
            "{error}"
        );
        std::fs::remove_file(&fresh).expect("a link of ours");
    }
    let found = stored_state(&disk, &runtime).expect("both are whole");
    assert_eq!(kept(&found), (7, 7, 7));
    write_state(&disk, &state).expect("there is room again");
    let found = stored_state(&disk, &runtime).expect("both are whole");
    assert_eq!(kept(&found), (8, 8, 8));
}
