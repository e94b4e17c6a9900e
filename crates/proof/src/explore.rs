//! One run, followed from point to point: at each it may fork into runs with one more fault, is judged, and ends when
//! the site has settled, when something is broken, or when it comes to a situation from which everything was followed
//! already. Owns what counts as seen; the order of runs and the threads stand in `workers`.

use crate::faults::{Deviation, Trouble};
use crate::judge::{Broken, Judge};
use crate::roots::{LOOK, STEADY};
use changeover_simulation::{Branch, Rivals, Stop};
use std::collections::{BTreeSet, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Parts of the memory of situations, so that threads seldom wait for each other.
const SHARDS: usize = 64;

/// A deviation and where it was put: after so many happenings of the run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taken {
    pub(crate) events: u64,
    pub(crate) deviation: Deviation,
}

/// A run that broke something.
#[derive(Clone, Debug)]
pub(crate) struct Counterexample {
    pub(crate) root: usize,
    pub(crate) path: Vec<Taken>,
    /// Points from the beginning of the procedure to what broke.
    pub(crate) points: u64,
    pub(crate) broken: Broken,
}

impl Counterexample {
    /// The shortest is the one with the fewest faults, then the fewest points; then the one that comes first, so that
    /// the answer does not depend on which thread was faster.
    fn rank(&self) -> (usize, u64, usize, Vec<u64>, String) {
        let events = self.path.iter().map(|taken| taken.events).collect();
        let what = format!("{:?}", self.path);
        (self.path.len(), self.points, self.root, events, what)
    }
}

/// Situations from which every run with so many faults left was followed to its end.
pub(crate) struct Seen {
    shards: Vec<Mutex<HashSet<(u64, usize)>>>,
}

impl Seen {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(HashSet::new())).collect(),
        }
    }

    fn shard(&self, situation: u64) -> std::sync::MutexGuard<'_, HashSet<(u64, usize)>> {
        let index = usize::try_from(situation % SHARDS as u64).unwrap_or(0);
        self.shards[index]
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn has(&self, situation: u64, left: usize) -> bool {
        let shard = self.shard(situation);
        (left..=2).any(|faults| shard.contains(&(situation, faults)))
    }

    fn add(&self, all: BTreeSet<u64>, left: usize) {
        for situation in all {
            self.shard(situation).insert((situation, left));
        }
    }

    pub(crate) fn len(&self) -> u64 {
        let all = self.shards.iter().map(|shard| {
            let shard = shard
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            shard.len() as u64
        });
        all.sum()
    }
}

/// What all threads of a pair's exploration share.
pub(crate) struct Shared {
    pub(crate) troubles: Vec<Trouble>,
    pub(crate) judge: Judge,
    pub(crate) seen: Seen,
    pub(crate) deadline: Instant,
    pub(crate) stop: AtomicBool,
    pub(crate) out_of_time: AtomicBool,
    pub(crate) depths_left: AtomicUsize,
    pub(crate) runs: AtomicU64,
    pub(crate) points: AtomicU64,
    pub(crate) worst: Mutex<Worst>,
    pub(crate) found: Mutex<Option<Counterexample>>,
}

impl Shared {
    /// Nothing is explored yet.
    pub(crate) fn new(troubles: Vec<Trouble>, judge: Judge, deadline: Instant) -> Self {
        Self {
            troubles,
            judge,
            deadline,
            seen: Seen::new(),
            stop: AtomicBool::new(false),
            out_of_time: AtomicBool::new(false),
            depths_left: AtomicUsize::new(0),
            runs: AtomicU64::new(0),
            points: AtomicU64::new(0),
            worst: Mutex::new(Worst::default()),
            found: Mutex::new(None),
        }
    }
}

/// The longest times of all runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Worst {
    pub(crate) settled: Duration,
    pub(crate) two_holders: Duration,
    /// The path that had them.
    pub(crate) two_holders_path: Option<(usize, Vec<Taken>)>,
}

/// A run at a point, with what was done to it.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) root: usize,
    pub(crate) branch: Branch,
    pub(crate) path: Vec<Taken>,
    pub(crate) points: u64,
    /// Deviations that may still be put in.
    pub(crate) left: usize,
}

impl Run {
    /// The same run with one deviation more, from here.
    fn forked(&self, deviation: Deviation) -> Run {
        let mut run = self.clone();
        run.path.push(Taken {
            events: self.branch.events(),
            deviation: deviation.clone(),
        });
        deviation.apply(&mut run.branch);
        run.left -= 1;
        run
    }
}

impl Shared {
    pub(crate) fn is_over(&self) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return true;
        }
        if Instant::now() >= self.deadline {
            self.out_of_time.store(true, Ordering::Relaxed);
            self.stop.store(true, Ordering::Relaxed);
            return true;
        }
        false
    }

    /// Follows a run to its end. What it forks into is handed to `child`, at once and in order.
    pub(crate) fn follow(&self, mut run: Run, child: &mut dyn FnMut(&Self, Run)) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let mut own = BTreeSet::new();
        let mut offered = BTreeSet::new();
        let mut steady_since = None;
        let mut at_point = true;
        let mut look = run.branch.now().max(run.branch.over_at()) + LOOK;
        loop {
            if at_point {
                if self.is_over() {
                    return;
                }
                if let Some(broken) = self.judge.at_point(&run) {
                    self.report(&run, broken);
                    return;
                }
                let situation = run.branch.fingerprint();
                if !own.contains(&situation) && self.seen.has(situation, run.left) {
                    break;
                }
                own.insert(situation);
                self.fork(&run, &mut offered, child);
            }
            match run.branch.advance(look) {
                Stop::Point => {
                    at_point = true;
                    run.points += 1;
                    self.points.fetch_add(1, Ordering::Relaxed);
                }
                Stop::Time => {
                    at_point = false;
                    look += LOOK;
                    match self.look(&mut run, &mut steady_since) {
                        None => {}
                        Some(Ok(())) => break,
                        Some(Err(broken)) => {
                            self.report(&run, broken);
                            return;
                        }
                    }
                }
            }
        }
        self.note_worst(&run, steady_since);
        self.seen.add(own, run.left);
    }

    /// Has it settled, or should it have?
    fn look(
        &self,
        run: &mut Run,
        steady_since: &mut Option<Duration>,
    ) -> Option<Result<(), Broken>> {
        if let Some(broken) = self.judge.at_point(run) {
            return Some(Err(broken));
        }
        let now = run.branch.now();
        let wrong = run.branch.unsettled();
        if wrong.is_empty() {
            let since = *steady_since.get_or_insert(now);
            return (now >= since + STEADY).then_some(Ok(()));
        }
        *steady_since = None;
        let broken = self.judge.at_look(run, wrong)?;
        Some(Err(broken))
    }

    fn fork(&self, run: &Run, offered: &mut BTreeSet<Rivals>, child: &mut dyn FnMut(&Self, Run)) {
        if run.left == 0 {
            return;
        }
        for trouble in &self.troubles {
            if run.branch.concerns(&trouble.fault) {
                child(self, run.forked(Deviation::Trouble(trouble.clone())));
            }
        }
        for rivals in run.branch.rivals() {
            if offered.insert(rivals) {
                child(self, run.forked(Deviation::Overtake(rivals)));
            }
        }
    }

    fn note_worst(&self, run: &Run, steady_since: Option<Duration>) {
        let two = run.branch.two_holders();
        let settled = steady_since.map_or(Duration::ZERO, |since| {
            since.saturating_sub(run.branch.over_at())
        });
        let mut worst = self
            .worst
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        worst.settled = worst.settled.max(settled);
        if two > worst.two_holders {
            worst.two_holders = two;
            worst.two_holders_path = Some((run.root, run.path.clone()));
        }
    }

    fn report(&self, run: &Run, broken: Broken) {
        let new = Counterexample {
            root: run.root,
            path: run.path.clone(),
            points: run.points,
            broken,
        };
        let mut found = self
            .found
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if found.as_ref().is_none_or(|old| new.rank() < old.rank()) {
            *found = Some(new);
        }
    }
}
