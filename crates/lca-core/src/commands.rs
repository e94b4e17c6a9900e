//! OS commands of reactions, and hooks once `hooks.rs` lets them run: a bounded number at once, each with a timeout, its
//! last output kept.

use crate::core::{LcaCore, RunOwner};
use crate::orders::Order;
use crate::timers::Timer;
use crate::{
    LcaOutput, ProcessKind, RUN_MARKER, RunId, RunPurpose, RunRecord, StartProcess, StateChange,
};
use changeover_model::message::{CommandOutcome, ExitStatus};
use changeover_model::show_duration;
use std::time::Duration;

/// Commands at once; a further one is refused.
const MOST_COMMANDS: usize = 16;
/// No command may take longer, whatever the order says.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);
/// Killed processes are gone within this, or their place is given to others.
const GONE_BOUND: Duration = Duration::from_secs(5);

/// A command that runs, or whose remains are awaited.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) order: Order,
    pub(crate) is_hook: bool,
    timeout: Duration,
    reported: bool,
}

/// A command as it is started.
#[derive(Clone)]
pub(crate) struct CommandStart {
    pub(crate) run: RunId,
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) working_directory: String,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) is_hook: bool,
}

impl LcaCore {
    pub(crate) fn command_ordered(
        &mut self,
        order: Order,
        command_line: String,
        environment: Vec<(String, String)>,
        timeout: Duration,
    ) {
        let commands = self.commands.values().filter(|command| !command.is_hook);
        if commands.count() >= MOST_COMMANDS {
            let text = format!("not started: {MOST_COMMANDS} commands are running already");
            self.report_command(&order, not_run(text));
            return;
        }
        let run = self.new_command_run();
        // What the order says wins, since it knows pair, event and reason; the marker is ours alone.
        let mut variables = self.site_environment(&order.key.application, run);
        for (name, value) in environment {
            if name != RUN_MARKER {
                variables.retain(|(own, _)| own != &name);
                variables.push((name, value));
            }
        }
        let start = CommandStart {
            run,
            program: "/bin/sh".to_owned(),
            arguments: vec!["-c".to_owned(), command_line],
            working_directory: String::new(),
            environment: variables,
            is_hook: false,
        };
        self.start_command(order, start, timeout);
    }

    pub(crate) fn new_command_run(&mut self) -> RunId {
        self.new_run(RunOwner::Command)
    }

    /// Starts a command or hook; its outcome is reported once.
    pub(crate) fn start_command(&mut self, order: Order, start: CommandStart, timeout: Duration) {
        let timeout = timeout.min(LONGEST_TIMEOUT);
        let run = start.run;
        self.persist_fast(StateChange::Run(Box::new(RunRecord {
            run,
            application: order.key.application.clone(),
            purpose: RunPurpose::Command(order.key.clone()),
            cause: order.cause,
            process: None,
        })));
        self.emit(LcaOutput::StartProcess(Box::new(StartProcess {
            run,
            application: order.key.application.clone(),
            kind: ProcessKind::Command,
            program: start.program,
            arguments: start.arguments,
            working_directory: start.working_directory,
            environment: start.environment,
        })));
        self.arm(Timer::Command(run), timeout);
        let command = Command {
            order,
            is_hook: start.is_hook,
            timeout,
            reported: false,
        };
        self.commands.insert(run, command);
    }

    pub(crate) fn command_process_started(&mut self, run: RunId) {
        if self
            .commands
            .get(&run)
            .is_none_or(|command| command.reported)
        {
            // Its time was over before it began.
            self.kill_run(run);
        }
    }

    pub(crate) fn command_start_failed(&mut self, run: RunId, reason: String) {
        self.timers.cancel(&Timer::Command(run));
        if let Some(command) = self.commands.remove(&run)
            && !command.reported
        {
            self.report_command(&command.order, not_run(format!("not started: {reason}")));
        }
        self.launch_waiting_hooks();
    }

    pub(crate) fn command_exited(&mut self, run: RunId, exit: ExitStatus, output: String) {
        let outcome = CommandOutcome {
            exit: Some(exit),
            succeeded: exit == ExitStatus::Code(0),
            output,
        };
        self.finish_command(run, outcome);
        // What it left in the background is none of the reaction's any more.
        self.kill_run(run);
    }

    /// Reports a command's outcome once; its place is free when its processes are gone.
    pub(crate) fn finish_command(&mut self, run: RunId, outcome: CommandOutcome) {
        let Some(command) = self.commands.get_mut(&run) else {
            return;
        };
        if command.reported {
            return;
        }
        command.reported = true;
        let order = command.order.clone();
        self.arm(Timer::Command(run), GONE_BOUND);
        self.report_command(&order, outcome);
    }

    pub(crate) fn command_overran(&mut self, run: RunId) {
        let Some(command) = self.commands.get(&run) else {
            return;
        };
        if command.reported {
            self.commands.remove(&run);
            self.launch_waiting_hooks();
            return;
        }
        let text = format!(
            "killed after its timeout of {}",
            show_duration(command.timeout)
        );
        self.kill_run(run);
        self.finish_command(run, not_run(text));
    }

    pub(crate) fn command_processes_gone(&mut self, run: RunId) {
        let outcome = CommandOutcome {
            exit: Some(ExitStatus::Unknown),
            succeeded: false,
            output: String::new(),
        };
        self.finish_command(run, outcome);
        self.timers.cancel(&Timer::Command(run));
        self.commands.remove(&run);
        self.launch_waiting_hooks();
    }

    /// A command of an earlier life of this LCA: ended, and reported as what it is.
    pub(crate) fn recover_command(&mut self, run: RunId, order: &Order, alive: bool) {
        if alive {
            self.kill_run(run);
            self.arm(Timer::Command(run), GONE_BOUND);
            // Whether it was a hook is not on record: newer hooks of its pair wait for its end.
            let command = Command {
                order: order.clone(),
                is_hook: true,
                timeout: GONE_BOUND,
                reported: true,
            };
            self.commands.insert(run, command);
        }
        let text = "the LCA was restarted while it ran; how it ended is not known";
        self.report_command(order, not_run(text.to_owned()));
    }
}

pub(crate) fn not_run(output: String) -> CommandOutcome {
    CommandOutcome {
        exit: None,
        succeeded: false,
        output,
    }
}
