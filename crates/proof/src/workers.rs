//! The order of the exploration and its threads: first every procedure without a fault, then with one, then with two,
//! so that the first counterexample found has the fewest faults. Runs with one fault are spread over the threads; each
//! follows what its run forks into itself.

use crate::explore::{Run, Shared};
use crate::roots::Root;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
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
        for _ in 0..threads {
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
        for (index, root) in roots.iter().enumerate() {
            let run = Run {
                root: index,
                branch: root.branch.clone(),
                path: Vec::new(),
                points: 0,
                left,
            };
            shared.follow(run, &mut |shared, run| {
                // Nobody listens only if a thread panicked, which ends everything anyway.
                if send.send(run).is_err() {
                    shared.stop.store(true, Ordering::Relaxed);
                }
            });
        }
        drop(send);
        shared.depths_left.store(left + 1, Ordering::Relaxed);
        ticker.thread().unpark();
    });
}

fn done(shared: &Shared, left: usize) -> bool {
    shared.depths_left.load(Ordering::Relaxed) > left || shared.stop.load(Ordering::Relaxed)
}

fn work(shared: &Shared, receive: &Mutex<Receiver<Run>>) {
    loop {
        let next = receive
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(run) = next else {
            return;
        };
        deeper(shared, run);
    }
}

fn deeper(shared: &Shared, run: Run) {
    shared.follow(run, &mut |shared, run| deeper(shared, run));
}
