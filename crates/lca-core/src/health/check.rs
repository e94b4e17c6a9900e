//! One health check: when its next run starts, since when one is under way, what its results add up to. Knows no
//! other check and no application; `health.rs` gives it runs and carries out what it asks for.

use crate::RunId;
use changeover_model::environment::{HealthCheck, Probe};
use changeover_model::message::{CheckStanding, CheckState};
use changeover_model::{Timestamp, show_duration};
use std::collections::BTreeMap;
use std::time::Duration;

/// While a check waits for its first success it is asked more often: a start is not to take longer than it must.
const WAITING_RHYTHM: Duration = Duration::from_millis(250);
/// Latest runs that are counted.
const LATELY: u32 = 20;
/// Most bytes of what a run said that are kept.
const LONGEST_WORD: usize = 256;

/// A run that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// It may answer until then.
    Asked(RunId, Timestamp),
    /// It was ended; its end is awaited, its answer counts no more.
    Ending(RunId),
}

/// What a check wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Start this run.
    Start(RunId),
    /// End this run with everything that belongs to it.
    End(RunId),
}

/// A health check of one application.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) config: HealthCheck,
    run: Option<Run>,
    /// When the latest run started.
    started: Timestamp,
    /// When the next run is to start.
    due: Timestamp,
    falls: u32,
    rises: u32,
    standing: CheckStanding,
    /// One bit per run, the latest lowest; set = failed.
    lately: u32,
    runs: u32,
    shown: CheckState,
}

impl Check {
    /// A check that has not run. `presumed` to pass: its application served before this check began to look.
    pub(super) fn new(config: HealthCheck, presumed: bool, now: Timestamp) -> Self {
        let shown = CheckState {
            name: config.name.clone(),
            standing: CheckStanding::Waiting,
            said: String::new(),
            in_a_row: 0,
            failed_lately: 0,
            runs_lately: 0,
            since: now,
        };
        let mut check = Self {
            config,
            run: None,
            started: now,
            due: now,
            falls: 0,
            rises: 0,
            standing: CheckStanding::Waiting,
            lately: 0,
            runs: 0,
            shown,
        };
        check.begin(presumed, now);
        check
    }

    /// Begins to look at a new start of the application. A run of before that has not ended holds the first one up.
    pub(super) fn begin(&mut self, presumed: bool, now: Timestamp) {
        self.due = now;
        (self.falls, self.rises, self.lately, self.runs) = (0, 0, 0, 0);
        self.standing = if presumed {
            CheckStanding::Passing
        } else {
            CheckStanding::Waiting
        };
        self.show(String::new(), 0, now);
    }

    /// Stops looking; what is under way is ended.
    pub(super) fn stop(&mut self) -> Option<Wish> {
        let Some(Run::Asked(run, _)) = self.run else {
            return None;
        };
        self.run = Some(Run::Ending(run));
        Some(Wish::End(run))
    }

    pub(super) fn is_link(&self) -> bool {
        matches!(self.config.probe, Probe::Link { .. })
    }

    pub(super) fn standing(&self) -> CheckStanding {
        self.standing
    }

    /// How it stands, as last told.
    pub(super) fn state(&self) -> CheckState {
        self.shown.clone()
    }

    /// Why it is down or waited for, for people: its name, what it said, how often.
    pub(super) fn reason(&self) -> String {
        let CheckState {
            name,
            said,
            in_a_row,
            ..
        } = &self.shown;
        if said.is_empty() {
            format!("health check \"{name}\" has not passed yet")
        } else if self.standing == CheckStanding::Waiting {
            format!("health check \"{name}\" has not passed yet: {said}")
        } else if self.is_link() {
            format!("health check \"{name}\": {said}")
        } else {
            format!("health check \"{name}\": {said} ({in_a_row} in a row)")
        }
    }

    /// True if this is the run under way, answered or not.
    pub(super) fn owns(&self, run: RunId) -> bool {
        matches!(self.run, Some(Run::Asked(own, _) | Run::Ending(own)) if own == run)
    }

    /// When it wants to be looked at again.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        if self.is_link() {
            return None;
        }
        match self.run {
            Some(Run::Asked(_, until)) => Some(until),
            Some(Run::Ending(_)) | None => Some(self.due),
        }
    }

    /// Its time has come: a run has overrun, or the next one is due. `counts`: a failure counts although it never
    /// passed.
    pub(super) fn tick(
        &mut self,
        now: Timestamp,
        counts: bool,
        next: impl FnOnce() -> RunId,
    ) -> Option<Wish> {
        match self.run {
            Some(Run::Asked(run, until)) if until <= now => {
                self.run = Some(Run::Ending(run));
                let text = format!("no answer within {}", show_duration(self.config.timeout));
                self.take(Err(text), counts, now);
                Some(Wish::End(run))
            }
            Some(Run::Asked(..)) => None,
            Some(Run::Ending(_)) => {
                if self.due <= now {
                    // It cannot be ended; a second one beside it would only make two.
                    self.set_due(now);
                    let text = "the last run cannot be ended".to_owned();
                    self.take(Err(text), counts, now);
                }
                None
            }
            None if self.due <= now => Some(self.start(now, next())),
            None => None,
        }
    }

    fn start(&mut self, now: Timestamp, run: RunId) -> Wish {
        self.set_due(now);
        self.started = now;
        self.run = Some(Run::Asked(run, now + self.config.timeout));
        Wish::Start(run)
    }

    /// The rhythm is kept; what was missed (a standstill, a run that did not end) is not made up for.
    fn set_due(&mut self, now: Timestamp) {
        let every = if self.standing == CheckStanding::Waiting {
            self.config.every.min(WAITING_RHYTHM)
        } else {
            self.config.every
        };
        let kept = self.due + every;
        self.due = if kept > now { kept } else { now + every };
    }

    /// Nothing of a run is left. The answer of one that had overrun is dropped.
    pub(super) fn ended(
        &mut self,
        run: RunId,
        result: Result<String, String>,
        counts: bool,
        now: Timestamp,
    ) {
        match self.run {
            Some(Run::Asked(own, _)) if own == run => {
                self.run = None;
                self.take(result, counts, now);
            }
            Some(Run::Ending(own)) if own == run => self.run = None,
            Some(Run::Asked(..) | Run::Ending(_)) | None => {}
        }
    }

    /// The carrier of this host's interfaces is known: a level, so that nothing is counted.
    pub(super) fn look_at_links(
        &mut self,
        carriers: &BTreeMap<String, Option<bool>>,
        counts: bool,
        now: Timestamp,
    ) {
        let Probe::Link { interfaces } = &self.config.probe else {
            return;
        };
        let fault = interfaces.iter().find_map(|name| match carriers.get(name) {
            Some(Some(true)) => None,
            Some(Some(false)) => Some(format!("no carrier on {name}")),
            Some(None) => Some(format!("there is no interface {name}")),
            None => Some(format!("the carrier of {name} is not known")),
        });
        let known = interfaces.iter().all(|name| carriers.contains_key(name));
        let (standing, said) = match fault {
            None => (CheckStanding::Passing, "carrier".to_owned()),
            // Presumed to pass, or still in its grace, until somebody has looked.
            Some(_) if !(known || counts && self.standing == CheckStanding::Waiting) => return,
            Some(said) => (CheckStanding::Down, said),
        };
        if standing != self.standing || said != self.shown.said {
            self.standing = standing;
            self.show(said, 1, now);
        }
    }

    fn take(&mut self, result: Result<String, String>, counts: bool, now: Timestamp) {
        let passed = result.is_ok();
        let said = bounded(match result {
            Ok(said) | Err(said) => said,
        });
        self.lately = (self.lately << 1) | u32::from(!passed);
        self.runs = (self.runs + 1).min(LATELY);
        let before = self.standing;
        if passed {
            self.passed();
        } else {
            self.failed(counts);
        }
        if before == CheckStanding::Waiting && self.standing != before {
            // From now on its own rhythm.
            self.due = (self.started + self.config.every).max(now);
        }
        let row = if passed { self.rises } else { self.falls };
        let waiting = self.standing == CheckStanding::Waiting && said != self.shown.said;
        if before != self.standing || waiting {
            self.show(said, row, now);
        }
    }

    fn passed(&mut self) {
        self.falls = 0;
        self.rises = self.rises.saturating_add(1);
        self.standing = match self.standing {
            CheckStanding::Down | CheckStanding::Recovering if self.rises < self.config.rise => {
                CheckStanding::Recovering
            }
            CheckStanding::Waiting
            | CheckStanding::Passing
            | CheckStanding::Failing
            | CheckStanding::Down
            | CheckStanding::Recovering => CheckStanding::Passing,
        };
    }

    fn failed(&mut self, counts: bool) {
        self.rises = 0;
        if self.standing == CheckStanding::Waiting && !counts {
            return;
        }
        self.falls = self.falls.saturating_add(1);
        let fallen = self.falls >= self.config.fall;
        self.standing = match self.standing {
            CheckStanding::Waiting if !fallen => CheckStanding::Waiting,
            CheckStanding::Passing | CheckStanding::Failing if !fallen => CheckStanding::Failing,
            CheckStanding::Waiting
            | CheckStanding::Passing
            | CheckStanding::Failing
            | CheckStanding::Down
            | CheckStanding::Recovering => CheckStanding::Down,
        };
    }

    fn show(&mut self, said: String, in_a_row: u32, now: Timestamp) {
        let lately = self.lately & ((1 << LATELY) - 1);
        self.shown = CheckState {
            name: self.config.name.clone(),
            standing: self.standing,
            said,
            in_a_row,
            failed_lately: lately.count_ones(),
            runs_lately: self.runs,
            since: if self.shown.standing == self.standing {
                self.shown.since
            } else {
                now
            },
        };
    }
}

/// One line of what a run said.
fn bounded(said: String) -> String {
    let mut line: String = said
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if line.len() > LONGEST_WORD {
        let mut to = LONGEST_WORD;
        while !line.is_char_boundary(to) {
            to -= 1;
        }
        line.truncate(to);
    }
    line.trim().to_owned()
}
