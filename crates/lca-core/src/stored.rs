//! What an LCA keeps beyond its own life, and how changes of it are applied. Written by the shell on
//! [`crate::LcaOutput::Persist`], handed back in [`crate::LcaInput::Recovered`]. Owns no file format and no
//! decision: what recovery makes of it stands in `recovery.rs`.

use changeover_model::environment::LcaSlice;
use changeover_model::message::{OrderKey, SoleMark};
use changeover_model::{
    ApplicationName, ApplicationStatus, CauseId, Epoch, Incarnation, OrderNumber, PairName, RunMode,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Number of one process that an LCA started, with all its descendants. Grows, also over restarts of the
/// LCA: it starts at the LCA's clock in microseconds.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct RunId(pub u64);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

/// Everything an LCA remembers. The shell keeps one, applies every change to it, and writes it as a whole
/// or as a journal. Where two copies are found (runtime directory and disk), the higher `serial` is newer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredState {
    /// Number of changes applied so far.
    pub serial: u64,
    /// The slice in force.
    pub slice: Option<LcaSlice>,
    /// What is known of each pair.
    pub pairs: BTreeMap<PairName, PairRecord>,
    /// What is intended with each application.
    pub applications: BTreeMap<ApplicationName, ApplicationRecord>,
    /// Processes that were started, or are about to be, and are not known to be gone.
    pub runs: BTreeMap<RunId, RunRecord>,
}

impl StoredState {
    /// Applies one change. [`StateChange::Rewrite`] only counts.
    pub fn apply(&mut self, change: StateChange) {
        self.serial = self.serial.saturating_add(1);
        match change {
            StateChange::Slice(slice) => self.slice = Some(*slice),
            StateChange::Pair(record) => {
                self.pairs.insert(record.pair.clone(), record);
            }
            StateChange::Application(record) => {
                self.applications.insert(record.application.clone(), record);
            }
            StateChange::ApplicationForgotten(application) => {
                self.applications.remove(&application);
            }
            StateChange::Run(record) => {
                self.runs.insert(record.run, *record);
            }
            StateChange::RunGone(run) => {
                self.runs.remove(&run);
            }
            StateChange::Rewrite => {}
        }
    }
}

/// One change of the [`StoredState`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StateChange {
    /// A new slice is in force.
    Slice(Box<LcaSlice>),
    /// Epoch, intended primary or maintenance of a pair changed.
    Pair(PairRecord),
    /// What is intended with an application changed.
    Application(ApplicationRecord),
    /// An application left the slice and has ended.
    ApplicationForgotten(ApplicationName),
    /// A process is about to be started (no pid yet) or was started (pid known).
    Run(Box<RunRecord>),
    /// A process and all its descendants are gone.
    RunGone(RunId),
    /// Nothing changed: an earlier write to disk failed, so write everything again.
    Rewrite,
}

/// How far a change must be safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// In the runtime directory, without fsync, **before the outputs that follow it are carried out**:
    /// survives a crash of the LCA, not one of the host. Not reported.
    Fast,
    /// As `Fast`, and on disk afterwards, reported by [`crate::LcaInput::Persisted`] or
    /// [`crate::LcaInput::PersistFailed`] with this ticket.
    Durable(changeover_model::Ticket),
}

/// What an LCA knows of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairRecord {
    /// The pair.
    pub pair: PairName,
    /// Highest epoch seen (BEHAVIOUR, Epochs and orders).
    pub epoch: Epoch,
    /// The application that shall be primary in that epoch, if the SCS said so.
    pub primary: Option<ApplicationName>,
    /// Restarts and hang detection pause while true.
    pub maintenance: bool,
    /// The newest epoch for whose promotion on this host this LCA has voted: no older one is supported any more.
    #[serde(default)]
    pub voted: Epoch,
    /// The primary's host keeps the VIP without a majority in that epoch.
    #[serde(default)]
    pub sole: Option<SoleMark>,
}

/// What is intended with an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationRecord {
    /// Which.
    pub application: ApplicationName,
    /// How often it was started here.
    pub incarnation: Incarnation,
    /// It was stopped by an order and is not to be started by the LCA's own decision.
    pub stopped_as_asked: bool,
    /// Run mode it was last given.
    pub run_mode: RunMode,
    /// Epoch of that run mode.
    pub epoch: Epoch,
    /// Order that gave it; 0 = the LCA's own decision.
    pub number: OrderNumber,
    /// Status it had last.
    pub status: ApplicationStatus,
}

/// A process that an LCA started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Which.
    pub run: RunId,
    /// Its application; for commands the reporting one.
    pub application: ApplicationName,
    /// What it was started for.
    pub purpose: RunPurpose,
    /// The timeline record that led to it.
    pub cause: Option<CauseId>,
    /// The process; absent while only the intent is recorded.
    pub process: Option<ProcessIdentity>,
}

/// What a process was started for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunPurpose {
    /// An application, managed or plain.
    Application(Incarnation),
    /// A control script, by this order, of the action given.
    ControlScript(OrderKey, changeover_model::ScriptAction),
    /// A command of a reaction, by this order.
    Command(OrderKey),
}

/// What identifies a process over its own life and that of the LCA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// Process id of the main process.
    pub pid: u32,
    /// Its start time as the kernel counts it (field 22 of `/proc/PID/stat`): a reused pid has another one.
    pub start_time: u64,
    /// Boot id of the host when it was started.
    pub boot: String,
    /// The token it was given as `CHANGEOVER_TOKEN`, unguessable, made by the shell.
    pub token: String,
}
