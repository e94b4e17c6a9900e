//! The health checks of this host's applications: begun when an application is up, stopped with it, and added up to
//! what is told of it. Owns the verdict; how one check counts stands in `health/check.rs`, the verdict reaches the
//! SCS as part of [`changeover_model::message::ApplicationState`] (`applications.rs`).
//!
//! Each check has its own timer and at most one run; none waits for another. The number of checks is bounded, and so
//! is the number of runs.

mod check;

use crate::applications::{Phase, Supervised};
use crate::core::LcaCore;
use crate::timers::Timer;
use crate::{LcaOutput, RunId, StartCheck};
use changeover_model::environment::{HealthCheck, Probe};
use changeover_model::message::{CheckStanding, CheckState};
use changeover_model::{ApplicationName, ApplicationStatus, RunMode, Timestamp};
use check::{Check, Wish};
use std::collections::BTreeMap;

/// Most checks of an application that are carried out; the configuration allows no more.
const MOST_CHECKS: usize = HealthCheck::MOST;

/// What this LCA knows of health.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    servers: BTreeMap<ApplicationName, Server>,
    /// Carrier by interface, of those that are watched; `None` = no such interface.
    carriers: BTreeMap<String, Option<bool>>,
    watched: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Server {
    checks: Vec<Check>,
    /// It is up and looked at.
    active: bool,
    /// Failures of a check that never passed do not count before.
    grace_until: Timestamp,
    /// What was told last.
    shown: Shown,
}

/// What the checks of an application add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shown {
    pub(crate) verdict: Verdict,
    pub(crate) checks: Vec<CheckState>,
}

/// Whether it can serve, as far as its checks can tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Verdict {
    /// Nothing stands against it.
    #[default]
    Serves,
    /// A check has not passed since it was started: for people, and since when.
    Waits(String, Timestamp),
    /// A check is down: for people, and since when.
    Down(String, Timestamp),
}

impl Server {
    fn judge(&mut self) {
        let worst = |down: bool| {
            let these: Vec<&Check> = self
                .checks
                .iter()
                .filter(|check| {
                    if down {
                        check.standing().is_down()
                    } else {
                        check.standing() == CheckStanding::Waiting
                    }
                })
                .collect();
            let since = these.iter().map(|check| check.state().since).min()?;
            let reasons: Vec<String> = these.iter().map(|check| check.reason()).collect();
            Some((reasons.join("; "), since))
        };
        let verdict = match (self.active, worst(true)) {
            (false, _) => Verdict::Serves,
            (true, Some((reason, since))) => Verdict::Down(reason, since),
            (true, None) => worst(false).map_or(Verdict::Serves, |(reason, since)| {
                Verdict::Waits(reason, since)
            }),
        };
        let checks = if self.active {
            self.checks.iter().map(Check::state).collect()
        } else {
            Vec::new()
        };
        self.shown = Shown { verdict, checks };
    }
}

impl Supervised {
    /// Checks make sense from when it may serve until its end begins.
    fn is_to_be_checked(&self) -> bool {
        let up = matches!(self.phase, Phase::Up(_));
        up && match self.status() {
            ApplicationStatus::Running
            | ApplicationStatus::ServiceUnavailable
            | ApplicationStatus::Suspending
            | ApplicationStatus::Suspended => true,
            ApplicationStatus::Unknown
            | ApplicationStatus::StartPending
            | ApplicationStatus::StartTransition
            | ApplicationStatus::Initializing
            | ApplicationStatus::StopPending
            | ApplicationStatus::StopTransition
            | ApplicationStatus::Stopped => false,
        }
    }
}

impl LcaCore {
    /// What the checks say of an application.
    pub(crate) fn health_of(&self, name: &ApplicationName) -> Option<&Shown> {
        self.health.servers.get(name).map(|server| &server.shown)
    }

    /// Brings the checks of an application in line with its definition and its life. `presumed`: it served before
    /// this LCA, or this check, began to look.
    pub(crate) fn align_health(&mut self, name: &ApplicationName, presumed: bool) {
        let Some(app) = self.applications.get(name) else {
            if let Some(mut server) = self.health.servers.remove(name) {
                let wishes = server.checks.iter_mut().filter_map(Check::stop).collect();
                self.grant(name, wishes);
            }
            return;
        };
        let wanted = app.is_to_be_checked();
        let known = self.health.servers.contains_key(name);
        if app.definition.health.is_empty() && !known {
            return;
        }
        let grace = app.definition.start_info.startup_timeout;
        let configured: Vec<HealthCheck> = app
            .definition
            .health
            .iter()
            .take(MOST_CHECKS)
            .cloned()
            .collect();
        let now = self.now;
        let server = self.health.servers.entry(name.clone()).or_default();
        let mut wishes = Vec::new();
        let changed = !server
            .checks
            .iter()
            .map(|check| &check.config)
            .eq(configured.iter());
        if changed {
            // What served while a check was added is presumed to pass it.
            let served = presumed || server.active || known && wanted;
            wishes = exchange(server, configured, served, now);
        }
        match (server.active, wanted) {
            (false, true) => {
                server.active = true;
                server.grace_until = now + grace;
                for check in &mut server.checks {
                    check.begin(presumed, now);
                }
            }
            (true, false) => {
                server.active = false;
                wishes.extend(server.checks.iter_mut().filter_map(Check::stop));
            }
            (true, true) | (false, false) if !changed => return,
            (true, true) | (false, false) => {}
        }
        self.grant(name, wishes);
        self.watch_links();
        self.look_at_links_of(name);
        self.arm_checks(name);
    }

    fn arm_checks(&mut self, name: &ApplicationName) {
        let Some(server) = self.health.servers.get(name) else {
            return;
        };
        let now = self.now;
        let grace_until = server.grace_until;
        let wakes: Vec<Option<Timestamp>> = (0..MOST_CHECKS)
            .map(|index| {
                let check = server.checks.get(index).filter(|_| server.active)?;
                let unknown_link = check.is_link() && check.standing() == CheckStanding::Waiting;
                check
                    .wakes_at()
                    .or(unknown_link.then_some(grace_until).filter(|at| *at > now))
            })
            .collect();
        for (index, wake) in wakes.into_iter().enumerate() {
            let timer = Timer::Check(name.clone(), index);
            match wake {
                Some(at) => self.arm(timer, at.since(now)),
                None => self.timers.cancel(&timer),
            }
        }
    }

    /// A check's time has come.
    pub(crate) fn check_due(&mut self, name: &ApplicationName, index: usize) {
        let now = self.now;
        let mut run = None;
        let next_run = self.next_check_run();
        let Some(server) = self.health.servers.get_mut(name) else {
            return;
        };
        let counts = server.grace_until <= now;
        let Some(check) = server.checks.get_mut(index).filter(|_| server.active) else {
            return;
        };
        if check.is_link() {
            check.look_at_links(&self.health.carriers, counts, now);
        } else {
            run = check.tick(now, counts, || next_run);
        }
        self.grant(name, run.into_iter().collect());
        self.arm_check(name, index);
        self.settle(name);
    }

    fn arm_check(&mut self, name: &ApplicationName, index: usize) {
        let server = self.health.servers.get(name);
        let wake = server
            .and_then(|server| server.checks.get(index).filter(|_| server.active))
            .and_then(Check::wakes_at);
        if let Some(at) = wake {
            self.arm(Timer::Check(name.clone(), index), at.since(self.now));
        }
    }

    /// Nothing of a run is left.
    pub(crate) fn check_ended(&mut self, run: RunId, result: Result<String, String>) {
        let now = self.now;
        let found = self.health.servers.iter_mut().find_map(|(name, server)| {
            let index = server.checks.iter().position(|check| check.owns(run))?;
            let counts = server.grace_until <= now;
            let check = server.checks.get_mut(index)?;
            check.ended(run, result.clone(), counts, now);
            Some((name.clone(), index))
        });
        // None: a run of a check that is not configured any more.
        if let Some((name, index)) = found {
            self.arm_check(&name, index);
            self.settle(&name);
        }
    }

    /// The carrier of the watched interfaces, complete.
    pub(crate) fn links_observed(&mut self, carriers: Vec<(String, Option<bool>)>) {
        self.health.carriers = carriers.into_iter().collect();
        let names: Vec<ApplicationName> = self.health.servers.keys().cloned().collect();
        for name in names {
            self.look_at_links_of(&name);
            self.settle(&name);
        }
    }

    fn look_at_links_of(&mut self, name: &ApplicationName) {
        let now = self.now;
        if let Some(server) = self.health.servers.get_mut(name)
            && server.active
        {
            let counts = server.grace_until <= now;
            for check in &mut server.checks {
                check.look_at_links(&self.health.carriers, counts, now);
            }
        }
    }

    /// Tells the shell which interfaces' carrier is wanted, if that changed.
    fn watch_links(&mut self) {
        let checks = self
            .health
            .servers
            .values()
            .flat_map(|server| &server.checks);
        let mut wanted: Vec<String> = checks
            .filter_map(|check| match &check.config.probe {
                Probe::Link { interfaces } => Some(interfaces.clone()),
                Probe::Command { .. }
                | Probe::SipOptions { .. }
                | Probe::Tcp { .. }
                | Probe::Http { .. } => None,
            })
            .flatten()
            .collect();
        wanted.sort();
        wanted.dedup();
        if wanted != self.health.watched {
            self.health.watched.clone_from(&wanted);
            self.health
                .carriers
                .retain(|interface, _| wanted.contains(interface));
            self.emit(LcaOutput::WatchLinks(wanted));
        }
    }

    fn grant(&mut self, name: &ApplicationName, wishes: Vec<Wish>) {
        for wish in wishes {
            match wish {
                Wish::End(run) => self.emit(LcaOutput::EndCheck { run }),
                Wish::Start(run) => self.start_check(name, run),
            }
        }
    }

    fn start_check(&mut self, name: &ApplicationName, run: RunId) {
        let server = self.health.servers.get(name);
        let Some(config) = server
            .and_then(|server| server.checks.iter().find(|check| check.owns(run)))
            .map(|check| check.config.clone())
        else {
            return;
        };
        let Some(app) = self.applications.get(name) else {
            return;
        };
        let (pair, run_mode) = (app.pair.clone(), app.run_mode());
        let mut environment = self.site_environment(name, run);
        let mut add = |variable: &str, value: String| {
            environment.push((format!("CHANGEOVER_{variable}"), value));
        };
        add("ACTION", "check".to_owned());
        if let Some(pair) = pair {
            add("PAIR", pair.to_string());
        }
        if run_mode != RunMode::Unknown {
            add("RUN_MODE", run_mode.to_string());
        }
        self.emit(LcaOutput::StartCheck(Box::new(StartCheck {
            run,
            application: name.clone(),
            name: config.name,
            probe: config.probe,
            timeout: config.timeout,
            working_directory: self.working_directory_of(name),
            environment,
        })));
    }

    /// Adds up the checks of an application before it is told of.
    pub(crate) fn judge_health(&mut self, name: &ApplicationName) {
        self.align_health(name, false);
        if let Some(server) = self.health.servers.get_mut(name) {
            server.judge();
        }
    }
}

/// Puts new definitions in the place of old ones; a check that is still defined goes on.
fn exchange(
    server: &mut Server,
    configured: Vec<HealthCheck>,
    served: bool,
    now: Timestamp,
) -> Vec<Wish> {
    let mut old = std::mem::take(&mut server.checks);
    for config in configured {
        let kept = old.iter().position(|check| check.config == config);
        server.checks.push(match kept {
            Some(index) => old.swap_remove(index),
            None => Check::new(config, served, now),
        });
    }
    old.iter_mut().filter_map(Check::stop).collect()
}
