//! OS commands of reactions: a bounded number at once, each with a timeout, its last output kept.

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
#[derive(Debug)]
pub(crate) struct Command {
    order: Order,
    timeout: Duration,
    reported: bool,
}

impl LcaCore {
    pub(crate) fn command_ordered(
        &mut self,
        order: Order,
        command_line: String,
        environment: Vec<(String, String)>,
        timeout: Duration,
    ) {
        if self.commands.len() >= MOST_COMMANDS {
            let text = format!("not started: {MOST_COMMANDS} commands are running already");
            self.report_command(&order, not_run(text));
            return;
        }
        let timeout = timeout.min(LONGEST_TIMEOUT);
        let run = self.new_run(RunOwner::Command);
        self.persist_fast(StateChange::Run(Box::new(RunRecord {
            run,
            application: order.key.application.clone(),
            purpose: RunPurpose::Command(order.key.clone()),
            cause: order.cause,
            process: None,
        })));
        // What the order says wins, since it knows pair, event and reason; the marker is ours alone.
        let mut variables = self.site_environment(&order.key.application, run);
        for (name, value) in environment {
            if name != RUN_MARKER {
                variables.retain(|(own, _)| own != &name);
                variables.push((name, value));
            }
        }
        self.emit(LcaOutput::StartProcess(Box::new(StartProcess {
            run,
            application: order.key.application.clone(),
            kind: ProcessKind::Command,
            program: "/bin/sh".to_owned(),
            arguments: vec!["-c".to_owned(), command_line],
            working_directory: String::new(),
            environment: variables,
        })));
        self.arm(Timer::Command(run), timeout);
        let command = Command {
            order,
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
    fn finish_command(&mut self, run: RunId, outcome: CommandOutcome) {
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
    }

    /// A command of an earlier life of this LCA: ended, and reported as what it is.
    pub(crate) fn recover_command(&mut self, run: RunId, order: &Order, alive: bool) {
        if alive {
            self.kill_run(run);
        }
        let text = "the LCA was restarted while it ran; how it ended is not known";
        self.report_command(order, not_run(text.to_owned()));
    }
}

fn not_run(output: String) -> CommandOutcome {
    CommandOutcome {
        exit: None,
        succeeded: false,
        output,
    }
}
