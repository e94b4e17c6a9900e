//! From an environment to its proof: one pair after the other, what was found put into words. Owns the options and
//! their defaults.

use crate::cure;
use crate::explore::{Counterexample, Shared, Taken};
use crate::faults::{self, Deviation};
use crate::judge::{Broken, Judge, Kind};
use crate::outcome::{PairProof, Proof, Told, Verdict};
use crate::roots::{self, LOOK, Root};
use crate::site::{PairSite, policy_of};
use crate::story;
use crate::workers::{self, Progress};
use changeover_model::environment::{Environment, Pair, ReactionOrder};
use changeover_model::show_duration;
use changeover_simulation::Stop;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Beyond the longest timeout of the site, so that what it starts can be seen to end while the fault lasts.
const BEYOND: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Most faults of a run, 1 or 2.
    pub faults: usize,
    /// Each fault is over after this; `None`: the longest timeout of the pair that a fault can start, and 2 s.
    pub heals_within: Option<Duration>,
    /// After the last fault has healed, the site must have settled within this.
    pub settles_within: Duration,
    /// Wall time after which it gives up.
    pub within: Duration,
    /// Threads that follow runs; with 0 or 1 the caller's own does, and the numbers are the same every time.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            faults: 2,
            heals_within: None,
            settles_within: Duration::from_secs(30),
            within: Duration::from_secs(600),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Explores every pair of the site; `progress` is told a few times a second, from another thread.
pub fn prove(
    environment: &Environment,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Proof {
    let began = Instant::now();
    let mut pairs = Vec::new();
    for (name, pair) in &environment.pairs {
        let mut proof = blank(pair);
        match PairSite::of(environment, name) {
            Ok(site) => of_pair(&site, options, began, progress, &mut proof),
            Err(why) => {
                proof.verdict = Verdict::NotExplored;
                proof.not_finished = Some(why);
            }
        }
        pairs.push(proof);
    }
    Proof {
        proved: !pairs.is_empty() && pairs.iter().all(|pair| pair.verdict == Verdict::Proved),
        faults: options.faults,
        pairs,
        wall_s: began.elapsed().as_secs_f64(),
    }
}

fn blank(pair: &Pair) -> PairProof {
    PairProof {
        pair: pair.name.to_string(),
        policy: policy_of(pair),
        reaction_order: match pair.policy.reaction_order {
            ReactionOrder::ReleaseFirst => "release-first".to_owned(),
            ReactionOrder::AsListed => "as-listed".to_owned(),
        },
        verdict: Verdict::Proved,
        not_finished: None,
        procedures: Vec::new(),
        fault_kinds: Vec::new(),
        heals_within_ms: 0.0,
        runs: 0,
        states: 0,
        settled_within_ms: 0.0,
        two_holders_ms: 0.0,
        two_holders_with: Vec::new(),
        tests: Vec::new(),
        left_out: Vec::new(),
        counterexample: None,
    }
}

fn of_pair(
    site: &PairSite,
    options: &Options,
    began: Instant,
    progress: &(dyn Fn(Progress) + Sync),
    proof: &mut PairProof,
) {
    let lasts = options
        .heals_within
        .unwrap_or_else(|| site.longest_timeout() + BEYOND);
    proof.heals_within_ms = milliseconds(lasts);
    proof.fault_kinds = faults::kinds(site, lasts);
    proof.left_out = site.left_out.clone();
    let judge = Judge::of(site, options.settles_within);
    let roots = match roots::all(site, false) {
        Ok(roots) => roots,
        Err(unsettled) => {
            proof.verdict = Verdict::Counterexample;
            proof.counterexample = Some(Told {
                procedure: unsettled.procedure,
                faults: 0,
                broken: format!("the site does not settle: {}", unsettled.wrong.join("; ")),
                steps: Vec::new(),
                cure: cure::of(site.object(), &[], &not_settled()),
            });
            return;
        }
    };
    proof.procedures = roots.iter().map(|root| root.name.clone()).collect();
    proof.tests = roots
        .iter()
        .filter_map(|root| after_test(site, root))
        .collect();
    let shared = Shared::new(faults::all(site, lasts), judge, began + options.within);
    workers::explore(&shared, &roots, options.faults, options.threads, progress);
    conclude(site, options, &shared, &roots, proof);
}

fn not_settled() -> Broken {
    Broken {
        kind: Kind::NotSettled,
        text: String::new(),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn conclude(
    site: &PairSite,
    options: &Options,
    shared: &Shared,
    roots: &[Root],
    proof: &mut PairProof,
) {
    proof.runs = shared.runs.load(Ordering::Relaxed);
    proof.states = shared.seen.len();
    let worst = shared.worst.lock().unwrap_or_else(PoisonError::into_inner);
    proof.settled_within_ms = milliseconds(worst.settled);
    proof.two_holders_ms = milliseconds(worst.two_holders);
    if let Some((root, path)) = &worst.two_holders_path {
        proof.two_holders_with = faults_of(site, &roots[*root], path);
    }
    let found = shared.found.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = found.as_ref() {
        proof.verdict = Verdict::Counterexample;
        proof.counterexample = Some(told(site, shared, roots, found));
    } else if shared.out_of_time.load(Ordering::Relaxed) {
        proof.verdict = Verdict::NotFinished;
        proof.not_finished = Some(format!(
            "{} were not enough to follow every run; give it more with --within, or fewer faults with --faults 1",
            show_duration(options.within)
        ));
    }
}

fn faults_of(site: &PairSite, root: &Root, path: &[Taken]) -> Vec<String> {
    let pair = site.object();
    let members = [pair.primary.to_string(), pair.backup.to_string()];
    path.iter()
        .map(|taken| match &taken.deviation {
            Deviation::Trouble(trouble) => {
                let (who, what) = faults::describe(trouble, &root.branch, &members);
                format!("{who} {what}")
            }
            Deviation::Overtake(_) => "two messages overtake each other".to_owned(),
        })
        .collect()
}

fn told(site: &PairSite, shared: &Shared, roots: &[Root], found: &Counterexample) -> Told {
    Told {
        procedure: roots[found.root].name.clone(),
        faults: found.path.len(),
        broken: found.broken.text.clone(),
        steps: story::tell(site, &shared.judge, found.root, &found.path),
        cure: cure::of(site.object(), &found.path, &found.broken),
    }
}

/// What a Test without any fault leaves: nobody who holds the VIP, until its hold is over.
fn after_test(site: &PairSite, root: &Root) -> Option<String> {
    let condition = root.test.as_ref()?;
    let mut branch = root.branch.clone();
    let settled = branch.now() + site.object().policy.test_hold;
    while branch.now() < settled {
        let until = branch.now() + LOOK;
        while branch.advance(until) == Stop::Point {}
        if !branch.has_holder() {
            return Some(format!(
                "Test of {condition} leaves nobody who holds the VIP, until its hold ({}) is over or sci realign",
                show_duration(site.test_hold)
            ));
        }
    }
    None
}
