//! Control scripts and forced releases: one queue per pair, one thing at a time. A newer order ends what
//! runs with all its descendants, waits for their end, reads the addresses again and only then acts, so that
//! a script that wakes up late cannot undo a newer one (BEHAVIOUR, Effects, not only launches).
//!
//! The process that is started here moves the VIP: next hop `virtual-ip`, or the site's own script. What is
//! seen at its end stands in `scripts/judgement.rs`, the release in `scripts/release.rs`.

mod environment;
mod essence;
mod judgement;
mod release;

use crate::core::{LcaCore, RunOwner};
use crate::orders::Order;
use crate::timers::Timer;
use crate::{
    LcaOutput, ProcessIdentity, ProcessKind, RunId, RunPurpose, RunRecord, StartProcess,
    StateChange,
};
use changeover_model::environment::StartInfo;
use changeover_model::message::{ControlScript, ExitStatus, OrderKey, OrderOutcome, ScriptResult};
use changeover_model::{
    ApplicationName, Incarnation, PairName, RefusalCode, RunMode, ScriptAction, Ticket, Timestamp,
    planted,
};
use std::time::Duration;

/// Killed processes are gone within this, or the queue goes on without them.
const GONE_BOUND: Duration = Duration::from_secs(2);
/// A reading of the addresses takes no longer than this.
const READ_BOUND: Duration = Duration::from_secs(1);
const TOO_LATE: &str =
    "the SCS has not heard of this host for too long: the order may be overtaken";

/// What a pair's control scripts are doing on this host.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScriptQueue {
    current: Option<Job>,
    next: Option<Job>,
}

/// A control script or a forced release.
#[derive(Clone, Debug)]
struct Job {
    order: Order,
    work: Work,
    stage: Stage,
    run: Option<RunId>,
    started_at: Timestamp,
    /// Every address was as wanted before it began; `None` = nobody could tell.
    as_wanted_before: Option<bool>,
    /// Something of the pair was still running when it was ordered.
    read_first: bool,
    exit: Option<ExitStatus>,
    output: String,
    gone: bool,
}

/// What a job is.
#[derive(Clone, Debug)]
enum Work {
    Script(Box<ControlScript>),
    Release,
}

/// Where a job stands. Each stage but the first has a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    /// The addresses are read before it starts.
    ReadingBefore(Ticket),
    Running,
    /// It was killed; its end is awaited.
    Killing(Why),
    /// The addresses are read to judge it.
    ReadingAfter(Ticket, Why),
    /// It is judged; what it left is being killed.
    Remains,
    /// The addresses are being removed.
    Removing(Ticket),
    /// They are read to see whether they are gone.
    Verifying(Ticket),
}

/// Why a script came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Exited,
    TimedOut,
    Displaced,
}

/// What a ticket of a reading or removal belongs to, resolved by looking at each queue: there are as many
/// queues as pairs on a host, a handful.
fn awaits(stage: Stage, ticket: Ticket) -> bool {
    match stage {
        Stage::ReadingBefore(awaited)
        | Stage::ReadingAfter(awaited, _)
        | Stage::Removing(awaited)
        | Stage::Verifying(awaited) => awaited == ticket,
        Stage::Waiting | Stage::Running | Stage::Killing(_) | Stage::Remains => false,
    }
}

impl Job {
    fn new(order: Order, work: Work, now: Timestamp) -> Self {
        Self {
            order,
            work,
            stage: Stage::Waiting,
            run: None,
            started_at: now,
            as_wanted_before: None,
            read_first: false,
            exit: None,
            output: String::new(),
            gone: false,
        }
    }

    fn application(&self) -> &ApplicationName {
        &self.order.key.application
    }
}

impl ScriptQueue {
    /// Orders of scripts that have not been judged yet.
    pub(crate) fn open_keys(&self) -> impl Iterator<Item = OrderKey> {
        let current = self
            .current
            .as_ref()
            .filter(|job| job.stage != Stage::Remains);
        current
            .into_iter()
            .chain(self.next.as_ref())
            .filter(|job| matches!(job.work, Work::Script(_)))
            .map(|job| job.order.key.clone())
    }
}

impl LcaCore {
    /// The control that an application is for by the slice, for orders that do not say it.
    pub(crate) fn implied_control(&self, application: &ApplicationName) -> Option<ControlScript> {
        let action = self.script_action(application)?;
        let run_mode = match action {
            ScriptAction::Enable => RunMode::Primary,
            ScriptAction::Disable => RunMode::Backup,
        };
        Some(ControlScript {
            action,
            run_mode,
            event: None,
            alarm: None,
            reason: "started by itself".to_owned(),
        })
    }

    /// What a control script of this host does; `None` for every other application.
    pub(crate) fn script_action(&self, application: &ApplicationName) -> Option<ScriptAction> {
        let pairs = &self.slice.as_ref()?.pairs;
        pairs.iter().find_map(|pair| {
            let control = pair.control.as_ref()?;
            if &control.enable == application {
                Some(ScriptAction::Enable)
            } else if &control.disable == application {
                Some(ScriptAction::Disable)
            } else {
                None
            }
        })
    }

    fn pair_of_order(&self, key: &OrderKey) -> Option<PairName> {
        let named = key.pair.as_ref();
        let pairs = &self.slice.as_ref()?.pairs;
        pairs
            .iter()
            .find(|pair| match named {
                Some(name) => &pair.name == name,
                None => pair.control.as_ref().is_some_and(|control| {
                    control.enable == key.application || control.disable == key.application
                }),
            })
            .map(|pair| pair.name.clone())
    }

    pub(crate) fn script_ordered(&mut self, order: Order, control: ControlScript) {
        let reason = if self.start_info(&order.key.application).is_none() {
            format!(
                "{} is no application of {}: check the host of its Application object",
                order.key.application, self.identity.host
            )
        } else {
            format!("no pair of {} is named", self.identity.host)
        };
        let pair = self.pair_of_order(&order.key);
        let enables = control.action == ScriptAction::Enable;
        let job = Job::new(order, Work::Script(Box::new(control)), self.now);
        match pair {
            Some(pair) if enables && !self.enabling_is_timely(&pair) => {
                self.report_unstarted(&job, ScriptResult::NotStarted, TOO_LATE);
            }
            Some(pair) if self.start_info(job.application()).is_some() => self.enqueue(pair, job),
            Some(_) | None => self.report_unstarted(&job, ScriptResult::NotStarted, &reason),
        }
    }

    pub(crate) fn release_ordered(&mut self, order: Order) {
        let Some(pair) = self.pair_of_order(&order.key) else {
            let text = format!("{} has no such pair", self.identity.host);
            self.refuse(&order, RefusalCode::UnknownName, text);
            return;
        };
        let job = Job::new(order, Work::Release, self.now);
        self.enqueue(pair, job);
    }

    fn enqueue(&mut self, pair: PairName, mut job: Job) {
        let queue = self.scripts.entry(pair.clone()).or_default();
        job.read_first = queue.current.is_some();
        let displaced = queue.next.replace(job);
        let stage = queue.current.as_ref().map(|current| current.stage);
        if let Some(job) = displaced {
            self.report_displaced(&job);
        }
        match stage {
            None => self.advance(&pair),
            Some(Stage::Running) => self.kill_current(&pair, Why::Displaced),
            Some(Stage::ReadingBefore(_)) => {
                let job = self.take_current(&pair);
                if let Some(job) = job {
                    self.report_displaced(&job);
                }
                self.advance(&pair);
            }
            Some(
                Stage::Waiting
                | Stage::Killing(_)
                | Stage::ReadingAfter(..)
                | Stage::Remains
                | Stage::Removing(_)
                | Stage::Verifying(_),
            ) => {}
        }
    }

    /// A job that never began gives way to a newer one.
    fn report_displaced(&mut self, job: &Job) {
        let text = "a newer order for the pair came before it began";
        match job.work {
            Work::Script(_) => self.report_unstarted(job, ScriptResult::Superseded, text),
            Work::Release => self.refuse(&job.order, RefusalCode::Superseded, text),
        }
    }

    /// Ends the control script of a stop order; false if the order is not for one.
    pub(crate) fn stop_script(&mut self, order: &Order) -> bool {
        let name = &order.key.application;
        if self.script_action(name).is_none() {
            return false;
        }
        let running = self.scripts.iter().find_map(|(pair, queue)| {
            let job = queue.current.as_ref()?;
            (job.application() == name && job.stage == Stage::Running).then(|| pair.clone())
        });
        if let Some(pair) = running {
            self.kill_current(&pair, Why::Displaced);
        }
        let incarnation = Incarnation(0);
        self.answer_order(order, OrderOutcome::Done { incarnation });
        true
    }

    fn current(&mut self, pair: &PairName) -> Option<&mut Job> {
        self.scripts.get_mut(pair)?.current.as_mut()
    }

    fn take_current(&mut self, pair: &PairName) -> Option<Job> {
        self.timers.cancel(&Timer::Script(pair.clone()));
        self.scripts.get_mut(pair)?.current.take()
    }

    fn enter(&mut self, pair: &PairName, stage: Stage, within: Duration) {
        if let Some(job) = self.current(pair) {
            job.stage = stage;
            self.arm(Timer::Script(pair.clone()), within);
        }
    }

    /// Begins the next job, if the one before is out of the way.
    fn advance(&mut self, pair: &PairName) {
        let Some(queue) = self.scripts.get_mut(pair) else {
            return;
        };
        if queue.current.is_some() {
            return;
        }
        let Some(job) = queue.next.take() else {
            self.scripts.remove(pair);
            return;
        };
        let is_release = matches!(job.work, Work::Release);
        let read_first = job.read_first;
        queue.current = Some(job);
        if is_release {
            self.begin_release(pair);
        } else if read_first {
            let ticket = self.read_addresses();
            self.enter(pair, Stage::ReadingBefore(ticket), READ_BOUND);
        } else {
            self.launch(pair);
        }
    }

    pub(crate) fn read_addresses(&mut self) -> Ticket {
        let ticket = self.new_ticket();
        self.emit(LcaOutput::ReadAddresses { ticket });
        ticket
    }

    fn launch(&mut self, pair: &PairName) {
        let now = self.now;
        let Some(job) = self.current(pair) else {
            return;
        };
        let Work::Script(control) = &job.work else {
            return;
        };
        let (order, control) = (job.order.clone(), control.as_ref().clone());
        let Some(info) = self.start_info(&order.key.application) else {
            if let Some(job) = self.take_current(pair) {
                let text = "its Application object is gone";
                self.report_unstarted(&job, ScriptResult::NotStarted, text);
            }
            self.advance(pair);
            return;
        };
        let before = self.is_as_wanted(pair, control.action);
        let run = self.new_run(RunOwner::Script(pair.clone()));
        if let Some(job) = self.current(pair) {
            job.run = Some(run);
            job.started_at = now;
            job.as_wanted_before = before;
        }
        self.keep_script_run(run, &order, control.action, None);
        let environment = self.script_environment(pair, &order, &control, run);
        self.enter(pair, Stage::Running, info.startup_timeout);
        self.emit(LcaOutput::StartProcess(Box::new(StartProcess {
            run,
            application: order.key.application,
            kind: ProcessKind::ControlScript,
            program: info.command_line,
            arguments: info.arguments,
            working_directory: info.working_directory,
            environment,
        })));
    }

    fn start_info(&self, application: &ApplicationName) -> Option<StartInfo> {
        let applications = &self.slice.as_ref()?.applications;
        applications
            .iter()
            .find(|candidate| &candidate.name == application)
            .map(|found| found.start_info.clone())
    }

    /// Records a script's run; without fsync, since it lies on the critical path and means nothing after a
    /// crash of the host.
    fn keep_script_run(
        &mut self,
        run: RunId,
        order: &Order,
        action: ScriptAction,
        process: Option<ProcessIdentity>,
    ) {
        self.persist_fast(StateChange::Run(Box::new(RunRecord {
            run,
            application: order.key.application.clone(),
            purpose: RunPurpose::ControlScript(order.key.clone(), action),
            cause: order.cause,
            process,
        })));
    }

    pub(crate) fn script_process_started(
        &mut self,
        pair: &PairName,
        run: RunId,
        process: ProcessIdentity,
    ) {
        let Some(job) = self.current(pair).filter(|job| job.run == Some(run)) else {
            self.kill_run(run);
            return;
        };
        let order = job.order.clone();
        if let Work::Script(control) = &job.work {
            let action = control.action;
            self.keep_script_run(run, &order, action, Some(process));
        }
        self.script_is_under_way(pair, run);
    }

    /// The shell carries it out itself. There is no process to find again, so its intent on record is enough: a
    /// next life finds nothing of it running and judges by the addresses.
    pub(crate) fn script_carried_out_here(&mut self, run: RunId) {
        match self.runs.get(&run).cloned() {
            Some(RunOwner::Script(pair)) => self.script_is_under_way(&pair, run),
            Some(RunOwner::Application(_) | RunOwner::Command | RunOwner::Stray) | None => {
                self.kill_run(run);
            }
        }
    }

    fn script_is_under_way(&mut self, pair: &PairName, run: RunId) {
        match self.current(pair) {
            Some(job) if job.run == Some(run) && job.stage == Stage::Running => {
                let order = job.order.clone();
                self.report_launched(&order);
            }
            Some(_) | None => self.kill_run(run),
        }
    }

    pub(crate) fn script_start_failed(&mut self, pair: &PairName, run: RunId, reason: &str) {
        let Some(job) = self.current(pair) else {
            return;
        };
        if job.run.is_some_and(|own| own != run) {
            return;
        }
        let result = if job.stage == Stage::Killing(Why::Displaced) {
            ScriptResult::Superseded
        } else {
            ScriptResult::NotStarted
        };
        if let Some(job) = self.take_current(pair)
            && job.stage != Stage::Remains
        {
            self.report_unstarted(&job, result, reason);
        }
        self.advance(pair);
    }

    fn kill_current(&mut self, pair: &PairName, why: Why) {
        let Some(run) = self.current(pair).and_then(|job| job.run) else {
            return;
        };
        if !planted("late-script-lives-on") {
            self.kill_run(run);
        }
        self.enter(pair, Stage::Killing(why), GONE_BOUND);
    }

    pub(crate) fn script_exited(
        &mut self,
        pair: &PairName,
        run: RunId,
        exit: ExitStatus,
        output: String,
    ) {
        let Some(job) = self.current(pair).filter(|job| job.run == Some(run)) else {
            self.kill_run(run);
            return;
        };
        job.exit = Some(exit);
        job.output = output;
        if job.stage == Stage::Running {
            // What lingers must not act after the judgement.
            self.kill_run(run);
            self.judge_after_reading(pair, Why::Exited);
        }
    }

    fn judge_after_reading(&mut self, pair: &PairName, why: Why) {
        let ticket = self.read_addresses();
        self.enter(pair, Stage::ReadingAfter(ticket, why), READ_BOUND);
    }

    pub(crate) fn script_processes_gone(&mut self, pair: &PairName, run: RunId) {
        let Some(job) = self.current(pair).filter(|job| job.run == Some(run)) else {
            return;
        };
        job.gone = true;
        match job.stage {
            Stage::Running => {
                job.exit = Some(ExitStatus::Unknown);
                self.judge_after_reading(pair, Why::Exited);
            }
            Stage::Killing(why) => self.killed(pair, why),
            Stage::Remains => {
                self.take_current(pair);
                self.advance(pair);
            }
            Stage::Waiting
            | Stage::ReadingBefore(_)
            | Stage::ReadingAfter(..)
            | Stage::Removing(_)
            | Stage::Verifying(_) => {}
        }
    }

    /// A killed script is gone, or will not go.
    fn killed(&mut self, pair: &PairName, why: Why) {
        match why {
            Why::Displaced => {
                if let Some(job) = self.take_current(pair) {
                    self.report_superseded(&job);
                }
                self.advance(pair);
            }
            Why::TimedOut | Why::Exited => self.judge_after_reading(pair, why),
        }
    }

    /// The present stage of a pair's job has taken too long.
    pub(crate) fn script_step_overran(&mut self, pair: &PairName) {
        let Some(stage) = self.current(pair).map(|job| job.stage) else {
            return;
        };
        match stage {
            Stage::Waiting => self.advance(pair),
            Stage::ReadingBefore(_) => self.launch(pair),
            Stage::Running => self.kill_current(pair, Why::TimedOut),
            Stage::Killing(why) => self.killed(pair, why),
            Stage::ReadingAfter(_, why) => self.judge(pair, why),
            Stage::Remains => {
                self.take_current(pair);
                self.advance(pair);
            }
            Stage::Removing(_) => {
                self.release_failed(pair, "the removal was not reported in time");
            }
            Stage::Verifying(_) => {
                self.release_failed(pair, "whether they are gone could not be read in time");
            }
        }
    }

    /// A reading that a job waits for is there; the level is up to date already.
    pub(crate) fn script_reading_done(&mut self, ticket: Ticket) {
        let waiting = self.scripts.iter().find_map(|(pair, queue)| {
            let job = queue.current.as_ref()?;
            awaits(job.stage, ticket).then(|| (pair.clone(), job.stage))
        });
        match waiting {
            Some((pair, Stage::ReadingBefore(_))) => self.launch(&pair),
            Some((pair, Stage::ReadingAfter(_, why))) => self.judge(&pair, why),
            Some((pair, Stage::Verifying(_))) => self.release_verified(&pair),
            Some((
                _,
                Stage::Waiting
                | Stage::Running
                | Stage::Killing(_)
                | Stage::Remains
                | Stage::Removing(_),
            ))
            | None => {}
        }
    }

    /// A control script that an earlier life of this LCA left behind: it is ended, then judged by what is
    /// seen. `alive` = some process of it was found.
    pub(crate) fn recover_script(
        &mut self,
        pair: PairName,
        run: RunId,
        order: Order,
        action: ScriptAction,
        alive: bool,
    ) {
        let control = ControlScript {
            action,
            run_mode: RunMode::Unknown,
            event: None,
            alarm: None,
            reason: "left behind by a restart of the LCA".to_owned(),
        };
        let mut job = Job::new(order, Work::Script(Box::new(control)), self.now);
        job.run = Some(run);
        job.exit = Some(ExitStatus::Unknown);
        job.gone = !alive;
        let queue = self.scripts.entry(pair.clone()).or_default();
        if queue.current.is_some() {
            // Two at once cannot have been; the second is killed without a judgement.
            if alive {
                self.runs.insert(run, RunOwner::Stray);
                self.kill_run(run);
            }
            return;
        }
        queue.current = Some(job);
        if alive {
            self.kill_run(run);
            self.enter(&pair, Stage::Killing(Why::Exited), GONE_BOUND);
        } else {
            self.judge_after_reading(&pair, Why::Exited);
        }
    }
}
