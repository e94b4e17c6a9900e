//! Hooks: commands that the SCS orders as part of a change of roles. Each belongs to an epoch of its pair: when a newer
//! one begins, what an older one left running is ended with all its descendants, and a newer hook waits for that end, so
//! that no stale effect follows a newer one. How a command runs and is timed stands in `commands.rs`.

use crate::commands::{CommandStart, not_run};
use crate::core::LcaCore;
use crate::orders::Order;
use changeover_model::message::{ControlScript, HookRun};
use changeover_model::{Epoch, PairName, RunMode, ScriptAction};

/// Hooks that may wait at once.
const MOST_WAITING: usize = 32;

/// Hooks that wait for the end of older ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hooks {
    waiting: Vec<(Order, HookRun)>,
}

impl LcaCore {
    pub(crate) fn hook_ordered(&mut self, order: Order, hook: HookRun) {
        let known = order
            .key
            .pair
            .as_ref()
            .is_some_and(|pair| self.pair_slice(pair).is_some());
        if !known {
            let text = format!("not started: {} has no such pair", self.identity.host);
            self.report_command(&order, not_run(text));
        } else if !self.waits_for_older_hook(&order) {
            self.launch_hook(order, hook);
        } else if self.hooks.waiting.len() >= MOST_WAITING {
            let text = format!("not started: {MOST_WAITING} hooks are waiting already");
            self.report_command(&order, not_run(text));
        } else {
            self.hooks.waiting.push((order, hook));
        }
    }

    fn waits_for_older_hook(&self, order: &Order) -> bool {
        self.commands.values().any(|command| {
            command.is_hook
                && command.order.key.pair == order.key.pair
                && command.order.key.epoch < order.key.epoch
        })
    }

    fn launch_hook(&mut self, order: Order, hook: HookRun) {
        let Some(pair) = order.key.pair.clone() else {
            return;
        };
        let action = if hook.run_mode == RunMode::Primary {
            (ScriptAction::Enable, "on_primary")
        } else {
            (ScriptAction::Disable, "on_backup")
        };
        let control = ControlScript {
            action: action.0,
            run_mode: hook.run_mode,
            event: None,
            alarm: None,
            reason: hook.reason,
        };
        let application = order.key.application.clone();
        let run = self.new_command_run();
        let mut environment = self.script_environment(&pair, &order, &control, run);
        for (name, value) in &mut environment {
            match name.as_str() {
                "CHANGEOVER_ACTION" => action.1.clone_into(value),
                // Of a pair on a single host both members are here.
                "CHANGEOVER_APPLICATION" => *value = application.to_string(),
                _ => {}
            }
        }
        let start = CommandStart {
            run,
            program: hook.command,
            arguments: hook.arguments,
            working_directory: self.working_directory_of(&application),
            environment,
            is_hook: true,
        };
        self.start_command(order, start, hook.timeout);
    }

    /// A newer epoch of the pair begins here: hooks of older ones end.
    pub(crate) fn end_hooks_before(&mut self, pair: &PairName, epoch: Epoch) {
        let is_older =
            |order: &Order| order.key.pair.as_ref() == Some(pair) && order.key.epoch < epoch;
        let text = format!("ended: epoch {epoch} of {pair} began");
        let running: Vec<_> = self
            .commands
            .iter()
            .filter(|(_, command)| command.is_hook && is_older(&command.order))
            .map(|(run, _)| *run)
            .collect();
        for run in running {
            self.kill_run(run);
            self.finish_command(run, not_run(text.clone()));
        }
        let (old, waiting) = std::mem::take(&mut self.hooks.waiting)
            .into_iter()
            .partition(|(order, _)| is_older(order));
        self.hooks.waiting = waiting;
        for (order, _) in old {
            self.report_command(&order, not_run(text.clone()));
        }
    }

    /// A command is gone for good: hooks may have waited for it.
    pub(crate) fn launch_waiting_hooks(&mut self) {
        let waiting = std::mem::take(&mut self.hooks.waiting);
        for (order, hook) in waiting {
            if self.waits_for_older_hook(&order) {
                self.hooks.waiting.push((order, hook));
            } else {
                self.launch_hook(order, hook);
            }
        }
    }
}
