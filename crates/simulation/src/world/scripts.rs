//! Control scripts, played: how long they take, what they leave, and how little their exit code says. One that
//! was killed does nothing any more.

use super::host::Work;
use super::{Event, HostIndex, World};
use crate::scenario::ScriptMood;
use changeover_model::ScriptAction;
use changeover_model::message::ExitStatus;

/// How one run of a script goes: its effect after this time, its end after that, with this exit.
#[derive(Clone)]
struct Course {
    effect: Option<u64>,
    end: Option<(u64, ExitStatus)>,
}

impl World {
    pub(crate) fn script_begins(&mut self, host: HostIndex, run: u64) {
        if let Some(Work::Script { pair, action, .. }) =
            self.hosts[host].processes.get(&run).map(|it| &it.work)
        {
            let (pair, action) = (pair.clone(), *action);
            self.hosts[host].last_script.insert(pair, action);
        }
        let mut mood = self.hosts[host].scripts;
        if mood == ScriptMood::Any {
            mood = self.any_mood();
        }
        let course = self.course(mood);
        if let Some(after) = course.effect {
            self.plan(after, Event::ScriptEffect(host, run));
        }
        if let Some((after, exit)) = course.end {
            self.plan(after, Event::Exit(host, run, exit));
        }
    }

    fn any_mood(&mut self) -> ScriptMood {
        self.random.pick(&[
            ScriptMood::Fast,
            ScriptMood::Fast,
            ScriptMood::Fast,
            ScriptMood::Slow,
            ScriptMood::HangsBefore,
            ScriptMood::HangsAfter,
            ScriptMood::Fails,
            ScriptMood::Misleads,
            ScriptMood::Lies,
        ])
    }

    fn course(&mut self, mood: ScriptMood) -> Course {
        let quick = self.random.between(300, 6_000);
        let end = |after, code| Some((after, ExitStatus::Code(code)));
        let (effect, end) = match mood {
            ScriptMood::Fast | ScriptMood::Any => (Some(quick), end(quick + 200, 0)),
            ScriptMood::Slow => {
                let slow = self.random.between(100_000, 3_000_000);
                (Some(slow), end(slow + 200, 0))
            }
            ScriptMood::HangsBefore => (None, None),
            ScriptMood::HangsAfter => (Some(quick), None),
            ScriptMood::Fails | ScriptMood::Missing => (None, end(quick, 1)),
            ScriptMood::Misleads => (Some(quick), end(quick + 200, 255)),
            ScriptMood::Lies => (None, end(quick, 0)),
        };
        Course { effect, end }
    }

    /// The script does what it is for, if it still runs.
    pub(crate) fn script_effect(&mut self, host: HostIndex, run: u64) {
        let Some(process) = self.hosts[host].processes.get(&run) else {
            return;
        };
        let Work::Script {
            pair,
            action,
            epoch,
        } = &process.work
        else {
            return;
        };
        if process.main_gone || process.killed {
            return;
        }
        let (pair, action, epoch) = (pair.clone(), *action, *epoch);
        let name = self.hosts[host].name.clone();
        self.invariants
            .script_took_effect(self.now, &name, &pair, epoch, action);
        self.set_addresses(host, &pair, action == ScriptAction::Enable);
    }
}
