//! A slow disk is a file system like any other, only slow while it shall be. On a real mount, so most of it needs root.

use super::{Throttle, mount};
use changeover_rehearsal::Moment;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// A folder, and the same as seen through a slow disk; unmounted when dropped.
struct Mounted {
    folder: tempfile::TempDir,
    throttle: Arc<Throttle>,
}

impl Mounted {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (above, below) = (folder.path().join("above"), folder.path().join("below"));
        std::fs::create_dir(&above).expect("the folder is ours");
        std::fs::create_dir(&below).expect("the folder is ours");
        let inside = File::open(&below).expect("it was just made");
        let throttle = mount(&above, inside, 7).expect("root, and /dev/fuse");
        Self { folder, throttle }
    }

    fn above(&self, name: &str) -> PathBuf {
        self.folder.path().join("above").join(name)
    }

    fn below(&self, name: &str) -> PathBuf {
        self.folder.path().join("below").join(name)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let place = self.folder.path().join("above");
        let ran = Command::new("umount").arg("-f").arg(place).status();
        assert!(ran.is_ok_and(|status| status.success()), "it is unmounted");
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("it is there")
}

fn error_of<T>(done: std::io::Result<T>) -> Option<i32> {
    done.err().and_then(|error| error.raw_os_error())
}

#[test]
#[ignore = "needs root"]
fn files_and_folders_are_those_below_and_so_are_their_errors() {
    let disk = Mounted::new();
    let at = |name: &str| disk.above(name);

    std::fs::create_dir(at("votes")).expect("a folder");
    std::fs::write(at("votes/new"), "epoch 7").expect("a file");
    std::fs::rename(at("votes/new"), at("votes/kept")).expect("a new name");
    File::open(at("votes"))
        .and_then(|folder| folder.sync_all())
        .expect("a folder on disk");
    assert_eq!(read(&disk.below("votes/kept")), "epoch 7");

    // Replaced while somebody reads: the reader keeps what was opened.
    let mut opened = File::open(at("votes/kept")).expect("it is there");
    std::fs::write(at("votes/new"), "epoch 8").expect("a file");
    std::fs::rename(at("votes/new"), at("votes/kept")).expect("in its place");
    let mut old = String::new();
    opened.read_to_string(&mut old).expect("still open");
    assert_eq!(
        (old.as_str(), read(&at("votes/kept")).as_str()),
        ("epoch 7", "epoch 8")
    );

    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(at("places"))
        .expect("a new file");
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 10_000).expect("room");
    file.write_all_at(b"end", 9_997).expect("in the room");
    let mut end = [0; 3];
    file.read_exact_at(&mut end, 9_997).expect("it was written");
    assert_eq!(
        (&end, file.metadata().expect("open").len()),
        (b"end", 10_000)
    );
    file.set_len(5).expect("shorter");
    assert_eq!(disk.below("places").metadata().expect("there").len(), 5);
    let mut appended = OpenOptions::new()
        .append(true)
        .open(at("places"))
        .expect("there");
    appended.write_all(b"ap").expect("at its end");
    appended.write_all(b"pended").expect("at its end");
    assert_eq!(read(&disk.below("places")), "\0\0\0\0\0appended");

    std::fs::set_permissions(at("places"), std::fs::Permissions::from_mode(0o640)).expect("ours");
    assert_eq!(
        disk.below("places").metadata().expect("there").mode() & 0o777,
        0o640
    );
    std::os::unix::fs::symlink("places", at("name")).expect("a link");
    std::fs::hard_link(at("places"), at("second")).expect("a second name");
    assert_eq!(read(&at("name")), read(&at("second")));
    std::fs::remove_file(at("second")).expect("a name less");

    let mut names: Vec<_> = std::fs::read_dir(at(""))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["name", "places", "votes"]);

    assert_eq!(error_of(File::open(at("nothing"))), Some(libc::ENOENT));
    assert_eq!(
        error_of(std::fs::remove_dir(at("votes"))),
        Some(libc::ENOTEMPTY)
    );
    assert_eq!(
        error_of(std::fs::create_dir(at("votes"))),
        Some(libc::EEXIST)
    );
    let again = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(at("places"));
    assert_eq!(error_of(again), Some(libc::EEXIST));
}

#[test]
#[ignore = "needs root"]
fn a_store_with_two_connections_works_on_it_and_its_locks_hold() {
    let disk = Mounted::new();
    let open = || {
        let store = rusqlite::Connection::open(disk.above("store.db")).expect("a store");
        store
            .execute_batch(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=0;",
            )
            .expect("as the components do it");
        store
    };
    let (one, other) = (open(), open());
    one.execute_batch("CREATE TABLE kept (number INTEGER)")
        .expect("a table");
    for number in 0..200 {
        let by = if number % 2 == 0 { &one } else { &other };
        by.execute("INSERT INTO kept VALUES (?1)", [number])
            .expect("kept");
    }
    one.execute_batch("BEGIN IMMEDIATE")
        .expect("nobody else writes");
    let meanwhile = other.execute("INSERT INTO kept VALUES (0)", []);
    assert!(meanwhile.is_err(), "the other one has to wait");
    one.execute_batch("COMMIT").expect("nothing");
    let sum = |of: &rusqlite::Connection| -> (i64, i64) {
        of.query_row("SELECT count(*), sum(number) FROM kept", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("a row")
    };
    assert_eq!((sum(&one), sum(&other)), ((200, 19_900), (200, 19_900)));
    drop((one, other));
    let below = rusqlite::Connection::open(disk.below("store.db")).expect("the same store");
    assert_eq!(sum(&below), (200, 19_900));
}

#[test]
#[ignore = "needs root"]
fn writes_wait_while_it_is_slow_and_not_a_moment_longer() {
    let disk = Mounted::new();
    let mut file = File::create(disk.above("log")).expect("a new file");
    file.write_all(b"before").expect("in time");
    file.sync_all().expect("in time");
    assert_eq!(
        disk.throttle.end(),
        super::Slowed::default(),
        "nothing was slow"
    );

    disk.throttle.begin();
    let began = Moment::now();
    for _ in 0..3 {
        file.write_all(b"during").expect("late");
        file.sync_data().expect("late");
    }
    let took = Moment::now().ms_since(began);
    let slowed = disk.throttle.end();
    assert_eq!((slowed.writes, slowed.syncs), (3, 3));
    assert!(
        slowed.longest_ms >= 50.0 && took >= slowed.longest_ms,
        "{slowed:?} in {took} ms"
    );
    assert!(took >= 3.0 * 50.0, "each waits: {took} ms");

    // Healed while one waits: it is over at once, and it counts.
    disk.throttle.begin();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..1_000 {
                file.sync_data().expect("some late");
            }
        });
        while disk.throttle.end().syncs == 0 {
            disk.throttle.begin();
            std::thread::yield_now();
        }
        let healed = Moment::now();
        file.sync_all().expect("in time");
        assert!(Moment::now().ms_since(healed) < 1_000.0);
    });
    assert_eq!(read(&disk.below("log")), "beforeduringduringduring");
}
