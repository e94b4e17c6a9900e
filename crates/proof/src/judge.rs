//! What must be true of every run, and what is broken otherwise. Owns the bounds by policy; the invariants that need no
//! policy are the simulation's own and are asked here.

use crate::explore::{Run, Taken};
use crate::faults::Deviation;
use crate::site::PairSite;
use changeover_model::environment::ControllerLoss;
use changeover_simulation::{Component, Fault};
use std::time::Duration;

/// After the last fault has healed, two holders are found and parted within this: a dial that waits for its back-off,
/// the former primary's report, its release.
pub(crate) const PARTED: Duration = Duration::from_secs(3);

/// What a run broke.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Broken {
    pub(crate) kind: Kind,
    /// The sentence of the verdict.
    pub(crate) text: String,
}

/// Which promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Two reachable hosts held a VIP, for longer than the policy allows.
    TwoHolders,
    /// It never came to one primary and one holder on its host.
    NotSettled,
    /// Another invariant of the simulation.
    Invariant,
}

/// The bounds.
pub(crate) struct Judge {
    pub(crate) settle: Duration,
    pub(crate) policy: ControllerLoss,
    pub(crate) shortest_bound: Duration,
    /// A control script that hangs is ended after this, whatever made it hang is over or not.
    pub(crate) script_timeout: Duration,
}

impl Judge {
    pub(crate) fn of(site: &PairSite, settle: Duration) -> Self {
        let pair = site.object();
        let hosts = [&pair.primary_host, &pair.backup_host].into_iter();
        let bounds = hosts
            .filter_map(|host| site.environment.hosts.get(host))
            .map(|host| host.detection_bound());
        Self {
            settle,
            policy: pair.policy.on_controller_loss,
            shortest_bound: bounds.min().unwrap_or_default(),
            script_timeout: script_timeout(site),
        }
    }

    /// What is broken already.
    pub(crate) fn at_point(&self, run: &Run) -> Option<Broken> {
        if let Some(text) = run.branch.violations().first() {
            return Some(of_invariant(text));
        }
        let two = run.branch.two_holders();
        let allowed = self.allowed(&run.path);
        if allowed.is_some_and(|allowed| two > allowed) {
            let allowed = allowed.unwrap_or_default();
            return Some(Broken {
                kind: Kind::TwoHolders,
                text: format!(
                    "two reachable hosts hold the VIP for more than {} ms",
                    allowed.as_millis()
                ),
            });
        }
        let over = run.branch.over_at();
        let parted = self.parted(&run.path);
        if run.branch.has_two_holders() && run.branch.now() > over + parted && two > parted {
            return Some(Broken {
                kind: Kind::TwoHolders,
                text: format!(
                    "two reachable hosts still hold the VIP {} s after the last fault healed",
                    parted.as_secs()
                ),
            });
        }
        None
    }

    /// After the last fault healed there are two for no longer than this; a script that hangs is part of its fault.
    pub(crate) fn parted(&self, path: &[Taken]) -> Duration {
        let script = path.iter().any(|taken| {
            matches!(
                &taken.deviation,
                Deviation::Trouble(trouble) if matches!(trouble.fault, Fault::Scripts(..))
            )
        });
        if script {
            PARTED + self.script_timeout
        } else {
            PARTED
        }
    }

    /// Not settled at a look: too late?
    pub(crate) fn at_look(&self, run: &Run, wrong: Vec<String>) -> Option<Broken> {
        let over = run.branch.over_at();
        (run.branch.now() > over + self.settle).then(|| Broken {
            kind: Kind::NotSettled,
            text: format!(
                "{} s after the last fault healed the site has not settled: {}",
                self.settle.as_secs(),
                wrong.join("; ").replace("settled: ", "")
            ),
        })
    }

    /// How long there may be two under `release-after`, as long as no agent was lost. `hold` is judged by what comes after
    /// the fault, `quorum` by the simulation's own invariant.
    fn allowed(&self, path: &[Taken]) -> Option<Duration> {
        let ControllerLoss::ReleaseAfter(time) = self.policy else {
            return None;
        };
        let unbounded = path.iter().any(|taken| {
            matches!(
                &taken.deviation,
                Deviation::Trouble(trouble)
                    if matches!(trouble.fault, Fault::Crash(Component::Lca(_), _))
            )
        });
        // On a quiet site the other host is promoted one detection bound after the same silence began; a procedure that
        // rolls back promotes earlier, so that two faults may have two for the whole of it.
        let head_start = if path.len() < 2 {
            self.shortest_bound
        } else {
            Duration::ZERO
        };
        (!unbounded).then(|| {
            time.saturating_sub(head_start)
                .max(PARTED)
                .saturating_add(Duration::from_millis(100))
        })
    }
}

/// The longest start-up timeout of the pair's control scripts.
fn script_timeout(site: &PairSite) -> Duration {
    let controls = site.object().control.values();
    controls
        .flat_map(|control| [&control.enable, &control.disable])
        .filter_map(|name| site.environment.applications.get(name))
        .map(|application| application.start_info.startup_timeout)
        .max()
        .unwrap_or_default()
}

fn of_invariant(text: &str) -> Broken {
    // `12.345678 two holders: …`: the time stands in the steps.
    let text = text.split_once(' ').map_or(text, |(_, rest)| rest);
    let kind = if text.starts_with("two holders") {
        Kind::TwoHolders
    } else {
        Kind::Invariant
    };
    Broken {
        kind,
        text: text.to_owned(),
    }
}
