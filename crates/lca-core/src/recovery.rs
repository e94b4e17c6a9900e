//! The first input of a life: what was stored and what still runs. Living applications are adopted, dead
//! ones reported and started again, scripts and commands that were under way are ended and judged, and
//! processes that nobody can account for are killed. Nothing of this moves a VIP.

use crate::applications::Phase;
use crate::core::{LcaCore, RunOwner};
use crate::orders::Order;
use crate::persistence::Awaiting;
use crate::{FoundRun, ProcessIdentity, Recovery, RunId, RunPurpose, RunRecord, StateChange};
use changeover_model::{ApplicationName, Incarnation, planted};
use std::collections::BTreeMap;

impl LcaCore {
    pub(crate) fn recover(&mut self, recovery: Recovery) {
        // A second recovery would double everything.
        if self.slice.is_some() || !self.runs.is_empty() {
            return;
        }
        let Recovery { state, found } = recovery;
        self.slice = state
            .slice
            .filter(|slice| slice.host.name == self.identity.host);
        if !planted("pairs-not-restored") {
            self.pairs.records = state.pairs;
        }
        self.watch_addresses();
        self.take_applications(&state.applications);
        let mut found: BTreeMap<RunId, FoundRun> =
            found.into_iter().map(|found| (found.run, found)).collect();
        for record in state.runs.into_values() {
            self.run_seen(record.run);
            let alive = found.remove(&record.run);
            self.recover_run(record, alive);
        }
        for stray in found.into_keys() {
            // Its record never reached the fast file, or its application is gone: nobody may own it.
            self.run_seen(stray);
            self.runs.insert(stray, RunOwner::Stray);
            if !planted("stray-left-alone") {
                self.kill_run(stray);
            }
        }
        if self.slice.is_some() {
            // What was found may be the fast copy alone: only a new write tells that the disk has it too.
            self.writes.slice_unwritten = true;
            self.persist_awaited(StateChange::Rewrite, Awaiting::Slice);
        }
        self.go_on_after_recovery();
        self.fencing_begins();
    }

    fn recover_run(&mut self, record: RunRecord, alive: Option<FoundRun>) {
        let run = record.run;
        let is_alive = alive.is_some();
        let order = |key: &changeover_model::message::OrderKey| Order {
            key: key.clone(),
            cause: record.cause,
        };
        match &record.purpose {
            RunPurpose::Application(incarnation) => {
                let (name, incarnation) = (record.application.clone(), *incarnation);
                match alive {
                    Some(alive) => self.recover_application(&name, incarnation, record, alive),
                    None => self.persist_fast(StateChange::RunGone(run)),
                }
            }
            RunPurpose::ControlScript(key, action) => {
                let pair = key
                    .pair
                    .clone()
                    .filter(|pair| self.pair_slice(pair).is_some());
                let owner = pair.clone().map_or(RunOwner::Stray, RunOwner::Script);
                self.hold_or_forget(run, owner, is_alive);
                if let Some(pair) = pair {
                    self.recover_script(pair, run, order(key), *action, is_alive);
                } else if is_alive {
                    self.kill_run(run);
                }
            }
            RunPurpose::Command(key) => {
                self.hold_or_forget(run, RunOwner::Command, is_alive);
                self.recover_command(run, &order(key), is_alive);
            }
        }
    }

    fn hold_or_forget(&mut self, run: RunId, owner: RunOwner, is_alive: bool) {
        if is_alive {
            self.runs.insert(run, owner);
        } else {
            self.persist_fast(StateChange::RunGone(run));
        }
    }

    /// Adopts a living application, if it is the one on record; kills what is left of any other.
    fn recover_application(
        &mut self,
        name: &ApplicationName,
        incarnation: Incarnation,
        record: RunRecord,
        alive: FoundRun,
    ) {
        let run = record.run;
        let is_it = self.applications.get(name).is_some_and(|app| {
            (app.incarnation() == incarnation || planted("foreign-process-adopted"))
                && app.phase == Phase::Down
        });
        if !is_it {
            self.runs.insert(run, RunOwner::Stray);
            self.kill_run(run);
            return;
        }
        self.runs.insert(run, RunOwner::Application(name.clone()));
        let Some(pid) = alive.pid else {
            // The main process died unseen; what it left must go before it is started again.
            if let Some(app) = self.applications.get_mut(name) {
                app.phase = Phase::Up(run);
            }
            self.application_exited(
                name,
                run,
                changeover_model::message::ExitStatus::Unknown,
                String::new(),
            );
            return;
        };
        let process = ProcessIdentity {
            pid,
            start_time: alive.start_time,
            boot: self.identity.boot.clone(),
            token: alive.token,
        };
        if record.process.is_none() {
            // The LCA died between the fork and this record.
            let change = RunRecord {
                process: Some(process.clone()),
                ..record
            };
            self.persist_durable(StateChange::Run(Box::new(change)));
        }
        self.adopt(name, run, &process);
    }

    /// Starts again what is wanted and dead, and ends what was being stopped.
    fn go_on_after_recovery(&mut self) {
        let names: Vec<ApplicationName> = self.applications.keys().cloned().collect();
        for name in names {
            let Some(app) = self.applications.get(&name) else {
                continue;
            };
            match app.phase {
                Phase::Up(_) if app.stopped_as_asked => self.stop(&name, false),
                Phase::Down => {
                    let started_before = app.incarnation() > Incarnation(0);
                    let wanted = app.is_wanted();
                    if started_before {
                        self.found_dead(&name);
                    }
                    if wanted {
                        self.start_unordered(&name);
                    }
                }
                Phase::Up(_)
                | Phase::Recording(_)
                | Phase::Launching(_)
                | Phase::Ending(..)
                | Phase::Clearing(_) => {}
            }
            self.settle(&name);
        }
    }
}
