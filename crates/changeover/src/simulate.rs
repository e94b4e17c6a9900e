//! `changeover simulate`: one seed with its trace, or a range of seeds on every core of this machine, and what the
//! sweep covered and cost. Owns the threads and the sum; a run is `changeover_simulation`'s.

use crate::arguments::{Format, Simulate};
use crate::offline::{print, print_json};
use changeover_component::ExitCode;
use changeover_simulation::Run;
use std::io::{IsTerminal as _, Write as _};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Seeds that a thread takes at a time: little enough that all end together.
const PORTION: u64 = 64;

pub(crate) fn simulate(arguments: &Simulate) -> ExitCode {
    if let Some(seed) = arguments.seed {
        return one(seed, arguments.format);
    }
    let Some(seeds) = seeds(&arguments.seeds) else {
        eprintln!(
            "changeover: '{}' is no range of seeds: write 0..2000",
            arguments.seeds
        );
        return ExitCode::Unusable;
    };
    let threads = arguments
        .jobs
        .or_else(|| std::thread::available_parallelism().ok())
        .map_or(1, std::num::NonZero::get);
    sweep(&seeds, threads, arguments.format)
}

fn seeds(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (from < to).then_some(from..to)
}

fn one(seed: u64, format: Format) -> ExitCode {
    let run = changeover_simulation::run(seed);
    let mut sum = Sum::default();
    sum.add(&run);
    if format == Format::Text {
        print(&run.trace.join("\n"));
        print("\n");
        print(&violations(&run));
    }
    show(&sum, format, None)
}

fn violations(run: &Run) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for violation in &run.violations {
        writeln!(text, "seed {}: {violation}", run.seed).expect("a string takes what is written");
    }
    if !run.violations.is_empty() {
        writeln!(text, "replay: {}", run.replay_command()).expect("so does this one");
    }
    text
}

/// What the runs so far add up to.
#[derive(Debug, Default)]
struct Sum {
    seeds: u64,
    failed: u64,
    events: u64,
    faults: u64,
    lasted: Duration,
}

impl Sum {
    fn add(&mut self, run: &Run) {
        self.seeds += 1;
        self.failed += u64::from(!run.violations.is_empty());
        self.events += run.events;
        self.faults += run.faults;
        self.lasted += run.lasted;
    }
}

fn sweep(seeds: &Range<u64>, threads: usize, format: Format) -> ExitCode {
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new(Sum::default());
    let progress = std::io::stderr().is_terminal();
    let (began, before) = (Instant::now(), processor_time());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(PORTION, Ordering::Relaxed);
                    if from >= seeds.end {
                        return;
                    }
                    let runs: Vec<Run> = (from..seeds.end.min(from + PORTION))
                        .map(changeover_simulation::sweep)
                        .collect();
                    take(&sum, &runs, seeds, format, progress);
                }
            });
        }
    });
    if progress {
        say("\r\x1b[2K");
    }
    let cost = Cost {
        wall: began.elapsed(),
        processor: processor_time().saturating_sub(before),
        threads,
    };
    let sum = sum.into_inner().expect("no thread of the sweep panicked");
    show(&sum, format, Some(&cost))
}

fn take(sum: &Mutex<Sum>, runs: &[Run], seeds: &Range<u64>, format: Format, progress: bool) {
    let mut sum = sum.lock().expect("no thread of the sweep panicked");
    for run in runs {
        sum.add(run);
        if format == Format::Text {
            print(&violations(run));
        }
    }
    if progress {
        let total = seeds.end - seeds.start;
        say(&format!(
            "\r\x1b[2K{} of {total} seeds, {} with violations",
            sum.seeds, sum.failed
        ));
    }
}

fn say(text: &str) {
    let mut out = std::io::stderr().lock();
    // A closed standard error loses the progress line and nothing else.
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        tracing::debug!("standard error is closed");
    }
}

/// What a sweep took.
#[derive(Debug)]
struct Cost {
    wall: Duration,
    processor: Duration,
    threads: usize,
}

fn show(sum: &Sum, format: Format, cost: Option<&Cost>) -> ExitCode {
    let hours = sum.lasted.as_secs_f64() / 3600.0;
    match format {
        Format::Text => {
            print(&format!(
                "{} seeds, {} with violations\n",
                sum.seeds, sum.failed
            ));
            if let Some(cost) = cost {
                let processor = cost.processor.as_secs_f64();
                print(&format!(
                    "{} events, {} faults, {hours:.1} simulated hours; {processor:.1} CPU seconds, {:.1} s on {} threads: \
                     {:.2} simulated hours per CPU second\n",
                    sum.events,
                    sum.faults,
                    cost.wall.as_secs_f64(),
                    cost.threads,
                    hours / processor.max(0.001),
                ));
            }
        }
        Format::Json => print_json(&serde_json::json!({
            "seeds": sum.seeds,
            "failed": sum.failed,
            "passed": sum.failed == 0,
            "events": sum.events,
            "faults": sum.faults,
            "simulated_hours": hours,
            "cpu_seconds": cost.map(|cost| cost.processor.as_secs_f64()),
        })),
    }
    if sum.failed == 0 {
        ExitCode::Good
    } else {
        ExitCode::Bad
    }
}

/// What this process has used of the processors so far.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
