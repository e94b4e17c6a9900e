//! Health checks and hooks, played: how a run of a check ends, early, late or never by itself, and how a hook does.

use super::event::Event;
use super::host::Work;
use super::{HostIndex, Life, World};
use crate::scenario::{HealthMood, HookMood};
use changeover_lca_core::{LcaInput, RunId, StartCheck, StartProcess};
use changeover_model::Epoch;
use changeover_model::message::ExitStatus;

/// A run of a health check.
#[derive(Clone)]
pub(crate) struct CheckRun {
    life: Life,
    /// Whose it is, and its name.
    of: String,
}

impl World {
    pub(crate) fn start_check(&mut self, host: HostIndex, life: Life, start: &StartCheck) {
        let of = format!("{} \"{}\"", start.application, start.name);
        let here = &self.hosts[host];
        let doubled = here
            .checks
            .values()
            .any(|run| run.life == life && run.of == of);
        if doubled {
            self.invariants.two_runs(self.now, &of);
        }
        let timeout = u64::try_from(start.timeout.as_micros()).unwrap_or(u64::MAX);
        let mut mood = here.health;
        if mood == HealthMood::Any {
            mood = self.random.pick(&[
                HealthMood::Good,
                HealthMood::Good,
                HealthMood::Fails,
                HealthMood::Hangs,
                HealthMood::Late,
            ]);
        }
        let run = start.run.0;
        self.hosts[host].checks.insert(run, CheckRun { life, of });
        let quick = self.random.between(500, 30_000);
        match mood {
            HealthMood::Good | HealthMood::Any => self.plan(quick, Event::Check(host, run, true)),
            HealthMood::Fails => self.plan(quick, Event::Check(host, run, false)),
            HealthMood::Late => {
                let late = timeout + self.random.between(0, 2_000);
                self.plan(late, Event::Check(host, run, true));
            }
            HealthMood::Hangs => {}
        }
    }

    /// It is to end; if its answer is on its way, that one comes.
    pub(crate) fn end_check(&mut self, host: HostIndex, run: RunId) {
        let after = self.random.between(500, 40_000);
        self.plan(after, Event::Check(host, run.0, false));
    }

    pub(crate) fn check_ends(&mut self, host: HostIndex, run: u64, passed: bool) {
        let Some(of) = self.hosts[host].checks.remove(&run) else {
            return;
        };
        let result = if passed {
            Ok("exit 0".to_owned())
        } else {
            Err("exit 1: played".to_owned())
        };
        let input = LcaInput::CheckEnded {
            run: RunId(run),
            result,
        };
        self.lca_input(host, of.life, input);
    }

    /// The carrier of the watched interfaces, if any are watched.
    pub(crate) fn tell_links(&mut self, host: HostIndex, life: Life) {
        let here = &self.hosts[host];
        if here.links.is_empty() {
            return;
        }
        let carriers = here
            .links
            .iter()
            .map(|name| {
                (
                    name.clone(),
                    self.is_played(host, name).then_some(here.cable),
                )
            })
            .collect();
        self.lca_input(host, life, LcaInput::LinksObserved(carriers));
    }

    /// One cable stands for all interfaces that carry a VIP.
    fn is_played(&self, host: HostIndex, interface: &str) -> bool {
        let name = &self.hosts[host].name;
        let pairs = self.environment.pairs.values();
        pairs
            .flat_map(|pair| pair.virtual_ips_on(name))
            .any(|vip| vip.interface == interface)
    }

    /// What a command of the LCA is: a hook, or one of a reaction.
    pub(crate) fn command_of(start: &StartProcess) -> Work {
        let of = |name: &str| {
            start
                .environment
                .iter()
                .find(|(key, _)| key == name)
                .map_or("", |(_, value)| value.as_str())
        };
        match of("CHANGEOVER_EPOCH").parse().map(Epoch) {
            Ok(epoch) if of("CHANGEOVER_ACTION").starts_with("on_") => Work::Hook {
                pair: of("CHANGEOVER_PAIR").into(),
                epoch,
            },
            _ => Work::Plain,
        }
    }

    pub(crate) fn hook_begins(&mut self, host: HostIndex, run: u64) {
        let here = &self.hosts[host];
        let Some(Work::Hook { pair, epoch }) = here.processes.get(&run).map(|it| &it.work) else {
            return;
        };
        let (pair, epoch) = (pair.clone(), *epoch);
        let older = here.processes.iter().any(|(other, process)| {
            *other != run
                && process.forked
                && matches!(&process.work, Work::Hook { pair: of, epoch: before }
                    if *of == pair && *before < epoch)
        });
        let name = here.name.clone();
        self.invariants
            .hook_began(self.now, &name, &pair, epoch, older);
        let quick = self.random.between(500, 20_000);
        let end = match self.hosts[host].hooks {
            HookMood::Good => Some((quick, 0)),
            HookMood::Slow => Some((self.random.between(100_000, 900_000), 0)),
            HookMood::Fails => Some((quick, 1)),
            HookMood::Hangs => None,
        };
        if let Some((after, code)) = end {
            self.plan(after, Event::Exit(host, run, ExitStatus::Code(code)));
        }
    }
}
