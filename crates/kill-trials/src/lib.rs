//! For tests of stores only: a process that writes is killed (SIGKILL) at a random moment, again and again, and what it
//! had acknowledged must be there afterwards. Owns the process and the moment; the store's own test says what is
//! written and what must be found.
//!
//! The writing process is the test binary itself, started with the name of the same test: that sees by [`writer`] that
//! it is the writer this time, writes without end, and says [`acknowledge`] after each write that its store calls done.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Tells the writer where to write.
const FOLDER: &str = "CHANGEOVER_KILL_TRIAL";
/// How many trials to make; for long runs by hand.
const TRIALS: &str = "CHANGEOVER_KILL_TRIALS";
/// Trials of an ordinary test run.
const ORDINARY: u64 = 60;
/// A writer acknowledges at most so many writes before it is killed.
const LONGEST: u64 = 24;
/// It is killed at most so long after the last of them, microseconds.
const LATEST: u64 = 1_500;
/// What an acknowledgement begins with on the writer's output.
const ACKNOWLEDGED: &str = "acknowledged ";

/// The folder to write into, in the process that is to be killed; `None` in the test itself.
pub fn writer() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// The writer's store says that write `number` is done.
pub fn acknowledge(number: u64) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{ACKNOWLEDGED}{number}")
        .and_then(|()| out.flush())
        .is_err()
    {
        // Nobody listens: the test was ended.
        std::process::exit(1);
    }
}

/// How many trials this run makes: 60, or what `CHANGEOVER_KILL_TRIALS` says.
pub fn trials() -> u64 {
    std::env::var(TRIALS)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(ORDINARY)
}

/// Starts the writer by the name of its `test` on `folder`, kills it at a moment that `seed` decides, and returns the
/// number of its last acknowledged write.
///
/// # Panics
/// When the writer cannot be started, or ends by itself: a store that fails fails the test.
pub fn kill_while_writing(test: &str, folder: &Path, seed: u64) -> u64 {
    let program = std::env::current_exe().expect("a test knows its program");
    let mut child = Command::new(program)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the test program starts again");
    let output = child.stdout.take().expect("its output is a pipe");
    let mut acknowledged = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.split_once(ACKNOWLEDGED)?.1.trim().parse().ok());
    let mut random = Random(seed);
    let mut last = None;
    for _ in 0..=random.below(LONGEST) {
        last = acknowledged.next();
        assert!(last.is_some(), "{test} ended by itself (seed {seed})");
    }
    std::thread::sleep(Duration::from_micros(random.below(LATEST)));
    child.kill().expect("it is our child");
    // What it said in the meantime counts as well.
    let last = acknowledged.last().or(last);
    child.wait().expect("it is our child");
    last.expect("at least one was read")
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}
