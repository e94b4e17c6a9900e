//! The order of the exploration and its threads: first every procedure without a fault, then with one, then with two,
//! so that the first counterexample found has the fewest faults. Runs with one fault are spread over the threads; each
//! follows what its run forks into itself.

use crate::explore::{Run, Shared};
use crate::roots::Root;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

/// Runs that wait for a thread: each holds a whole world.
const WAITING: usize = 64;

/// Where the exploration stands.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Faults in the runs that are followed now.
    pub faults: usize,
    /// Runs so far.
    pub runs: u64,
    /// Points so far.
    pub points: u64,
}

/// Follows everything, up to so many faults; ends early where something is broken.
pub(crate) fn explore(
    shared: &Shared,
    roots: &[Root],
    faults: usize,
    threads: usize,
    progress: &(dyn Fn(Progress) + Sync),
) {
    for left in 0..=faults {
        one_depth(shared, roots, left, threads, progress);
        let found = shared.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.is_some() || shared.stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

fn one_depth(
    shared: &Shared,
    roots: &[Root],
    left: usize,
    threads: usize,
    progress: &(dyn Fn(Progress) + Sync),
) {
    let (send, receive) = sync_channel::<Run>(WAITING);
    let receive = Mutex::new(receive);
    thread::scope(|scope| {
        for _ in 0..if threads < 2 { 0 } else { threads } {
            scope.spawn(|| work(shared, &receive));
        }
        let ticker = scope.spawn(|| {
            while !done(shared, left) {
                progress(Progress {
                    faults: left,
                    runs: shared.runs.load(Ordering::Relaxed),
                    points: shared.points.load(Ordering::Relaxed),
                });
                thread::park_timeout(Duration::from_millis(250));
            }
        });
        let _over = Over {
            shared,
            left,
            ticker: ticker.thread(),
        };
        for (index, root) in roots.iter().enumerate() {
            let run = Run {
                root: index,
                branch: root.branch.clone(),
                path: Vec::new(),
                points: 0,
                left: left.min(root.most),
            };
            if threads < 2 {
                // On the caller's own thread: the same runs in the same order every time.
                deeper(shared, run);
                continue;
            }
            shared.follow(run, &mut |_, run| {
                // A thread that panicked takes what is sent until the end, so that this cannot wait for ever.
                send.send(run)
                    .expect("the receiving end outlives the threads");
            });
        }
        drop(send);
    });
}

/// Ends the telling of progress with a depth, also where a core panicked: the scope waits for all its threads.
struct Over<'a> {
    shared: &'a Shared,
    left: usize,
    ticker: &'a Thread,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let depths_left = &self.shared.depths_left;
        depths_left.store(self.left + 1, Ordering::Relaxed);
        self.ticker.unpark();
    }
}

fn done(shared: &Shared, left: usize) -> bool {
    shared.depths_left.load(Ordering::Relaxed) > left || shared.stop.load(Ordering::Relaxed)
}

fn work(shared: &Shared, receive: &Mutex<Receiver<Run>>) {
    let next = || {
        let receive = receive.lock().unwrap_or_else(PoisonError::into_inner);
        receive.recv()
    };
    let followed = catch_unwind(AssertUnwindSafe(|| {
        while let Ok(run) = next() {
            deeper(shared, run);
        }
    }));
    if let Err(panic) = followed {
        // Everything ends, and the one that sends must not wait for somebody to take it.
        shared.stop.store(true, Ordering::Relaxed);
        while next().is_ok() {}
        resume_unwind(panic);
    }
}

fn deeper(shared: &Shared, run: Run) {
    shared.follow(run, &mut |shared, run| deeper(shared, run));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Trouble;
    use crate::judge::Judge;
    use crate::roots;
    use crate::site::PairSite;
    use changeover_model::PairName;
    use changeover_simulation::{Fault, Site};
    use std::sync::mpsc::channel;
    use std::time::Instant;

    /// An exploration that panics at its first point: no pair has a member 9.
    fn panics(threads: usize) {
        let text = Site::default().text();
        let environment = changeover_configuration::load("simulated.yaml", &text)
            .expect("the simulated site is valid")
            .environment;
        let site =
            PairSite::of(&environment, &PairName::from("SIP_EAST")).expect("it can be explored");
        let roots = roots::all(&site, false).unwrap_or_else(|_| panic!("it settles"));
        let trouble = Trouble {
            fault: Fault::KillServer(9),
            lasts: Duration::ZERO,
        };
        let judge = Judge::of(&site, Duration::from_secs(30));
        let deadline = Instant::now() + Duration::from_secs(600);
        let shared = Shared::new(vec![trouble], judge, deadline);
        explore(&shared, &roots, 1, threads, &|_| {});
    }

    #[test]
    fn a_panic_of_a_core_ends_the_exploration_with_a_panic_and_nobody_waits_for_ever() {
        for threads in [1, 2] {
            let (send, receive) = channel();
            let explored = thread::spawn(move || {
                let ended = std::panic::catch_unwind(|| panics(threads));
                send.send(ended.is_err()).expect("the test waits");
            });
            let panicked = receive.recv_timeout(Duration::from_secs(60));
            assert_eq!(panicked, Ok(true), "{threads} threads");
            explored.join().expect("the panic was caught");
        }
    }
}
