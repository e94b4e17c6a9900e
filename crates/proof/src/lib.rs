//! Explores a site's own configuration with the production cores: every fault of a stated model at every point where
//! it makes a difference, and at most two of them. Answers with a verdict, or with the shortest counterexample.
//!
//! The way through: [`prove`] cuts the site down to one pair at a time (`site`), brings it up and to the beginning of
//! each procedure (`roots`), and follows every run (`workers`, `explore`) against the promises (`judge`); `story` tells
//! a counterexample step by step, `cure` what would help, `text` prints. The world is `changeover-simulation`'s.

mod explore;
mod faults;
mod judge;
mod roots;
mod site;
mod workers;

use changeover_model::environment::Environment;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};
pub use workers::Progress;

pub fn trial(environment: &Environment, faults: usize, threads: usize, within: Duration) {
    for name in environment.pairs.keys() {
        let site = match site::PairSite::of(environment, name) {
            Ok(site) => site,
            Err(why) => {
                println!("{why}");
                continue;
            }
        };
        let began = Instant::now();
        let lasts = site.longest_timeout() + Duration::from_secs(2);
        let roots = match roots::all(&site, false) {
            Ok(r) => r,
            Err(e) => {
                println!("{} {:?}", e.0.name, e.1);
                continue;
            }
        };
        println!(
            "{} roots in {:?}, lasts {lasts:?}",
            roots.len(),
            began.elapsed()
        );
        let t = Instant::now();
        for _ in 0..1000 {
            std::hint::black_box(roots[1].branch.clone());
        }
        println!("clone {:?}", t.elapsed() / 1000);
        let t = Instant::now();
        for _ in 0..1000 {
            std::hint::black_box(roots[1].branch.fingerprint());
        }
        println!("fingerprint {:?}", t.elapsed() / 1000);
        let mut b = roots[1].branch.clone();
        let t = Instant::now();
        for _ in 0..1000 {
            std::hint::black_box(b.unsettled());
        }
        println!("unsettled {:?}", t.elapsed() / 1000);
        let t = Instant::now();
        let until = b.now() + Duration::from_secs(100);
        let e = b.events();
        while b.advance(until) == changeover_simulation::Stop::Point {}
        println!("100 s {:?} events {}", t.elapsed(), b.events() - e);
        let shared = explore::Shared {
            troubles: faults::all(&site, lasts),
            judge: judge::Judge::of(&site, Duration::from_secs(30)),
            seen: explore::Seen::new(),
            deadline: Instant::now() + within,
            stop: AtomicBool::new(false),
            out_of_time: AtomicBool::new(false),
            depths_left: AtomicUsize::new(0),
            runs: AtomicU64::new(0),
            points: AtomicU64::new(0),
            worst: Mutex::new(explore::Worst::default()),
            found: Mutex::new(None),
        };
        for left in 0..=faults {
            let t = Instant::now();
            workers::explore(&shared, &roots, left, threads, &|_| {});
            println!(
                "left {left}: {:?} runs {:?} points {:?} seen {} worst {:?}\nfound {:?}\nlate {:?}",
                t.elapsed(),
                shared.runs,
                shared.points,
                shared.seen.len(),
                shared.worst.lock().unwrap(),
                shared.found.lock().unwrap(),
                shared.out_of_time
            );
            if shared.found.lock().unwrap().is_some() {
                break;
            }
        }
    }
}
