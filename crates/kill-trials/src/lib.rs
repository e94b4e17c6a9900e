//! For tests of stores only: a process that writes is killed (SIGKILL) at a random moment, again and again, and what it
//! had acknowledged must be there afterwards. Owns the process and the moment; the store's own test says what is
//! written and what must be found.
//!
//! The writing process is the test binary itself, started with the name of the same test: that sees by [`writer`] that
//! it is the writer this time, writes without end, and says [`begin`] before each write and [`acknowledge`] after each
//! that its store calls done. A trial that killed it between the two hit a write: [`Tally`] counts those, and a series
//! of trials that never hit one proves nothing and fails.

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
/// What the announcement of a write begins with.
const BEGUN: &str = "writing ";

/// The folder to write into, in the process that is to be killed; `None` in the test itself.
pub fn writer() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// The writer is about to make write `number`.
pub fn begin(number: u64) {
    tell(BEGUN, number);
}

/// The writer's store says that write `number` is done.
pub fn acknowledge(number: u64) {
    tell(ACKNOWLEDGED, number);
}

fn tell(what: &str, number: u64) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{what}{number}")
        .and_then(|()| out.flush())
        .is_err()
    {
        // Nobody listens: the test was ended.
        std::process::exit(1);
    }
}

/// What a trial found out about its writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed {
    /// The last write that was acknowledged.
    pub last: u64,
    /// Another one had begun and was not acknowledged: the kill hit it.
    pub inside: bool,
}

/// Trials of one store, and how many of them hit a write.
#[derive(Debug)]
pub struct Tally {
    store: &'static str,
    trials: u64,
    inside: u64,
}

impl Tally {
    /// None yet.
    pub fn of(store: &'static str) -> Self {
        Self {
            store,
            trials: 0,
            inside: 0,
        }
    }

    /// One more.
    pub fn count(&mut self, killed: Killed) {
        self.trials += 1;
        self.inside += u64::from(killed.inside);
    }

    /// Says how it went (seen with `--nocapture`).
    ///
    /// # Panics
    /// When fewer than one in twenty of a whole series hit a write: then the moments are badly chosen.
    pub fn close(self) {
        let Self {
            store,
            trials,
            inside,
        } = self;
        eprintln!("{store}: {trials} trials, {inside} killed inside a write");
        assert!(
            trials < ORDINARY || inside * 20 >= trials,
            "{store}: only {inside} of {trials} kills hit a write"
        );
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
/// number of its last acknowledged write and whether another one was under way.
///
/// # Panics
/// When the writer cannot be started, or ends by itself: a store that fails fails the test.
pub fn kill_while_writing(test: &str, folder: &Path, seed: u64) -> Killed {
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
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let mut random = Random(seed);
    let mut wanted = 1 + random.below(LONGEST);
    let mut said = Said::default();
    while wanted > 0 {
        let line = lines.next();
        let line = line.unwrap_or_else(|| panic!("{test} ended by itself (seed {seed})"));
        wanted -= u64::from(said.take(&line));
    }
    std::thread::sleep(Duration::from_micros(random.below(LATEST)));
    child.kill().expect("it is our child");
    // What it said in the meantime counts as well.
    for line in lines {
        said.take(&line);
    }
    child.wait().expect("it is our child");
    let last = said.acknowledged.expect("at least one was read");
    Killed {
        last,
        inside: said.begun.is_some_and(|begun| begun > last),
    }
}

/// What a writer has said so far.
#[derive(Default)]
struct Said {
    begun: Option<u64>,
    acknowledged: Option<u64>,
}

impl Said {
    /// Takes a line; true if it is an acknowledgement. A line that the kill tore is none.
    fn take(&mut self, line: &str) -> bool {
        let number = |word| line.split_once(word)?.1.trim().parse().ok();
        if let Some(begun) = number(BEGUN) {
            self.begun = Some(begun);
        }
        let acknowledged = number(ACKNOWLEDGED);
        self.acknowledged = acknowledged.or(self.acknowledged);
        acknowledged.is_some()
    }
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
