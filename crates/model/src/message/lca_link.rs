//! The SCS-LCA link. The SCS dials, says Hello; the LCA answers with its full state, then reports changes.
//! Orders are idempotent by their [`OrderKey`]; an LCA refuses a lower epoch than it has seen.

use super::{Holding, SoleMark};
use crate::environment::LcaSlice;
use crate::{
    ApplicationName, ApplicationStatus, CauseId, ConditionName, Epoch, HostName, Incarnation,
    LogEventId, OrderNumber, PairName, Refusal, Revision, RunMode, ScriptAction, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// What an order is about; two orders with the same key are the same order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey {
    /// The pair concerned, if any.
    pub pair: Option<PairName>,
    /// The pair's epoch when the order was given; 0 without a pair.
    pub epoch: Epoch,
    /// The application concerned.
    pub application: ApplicationName,
    /// The start of the application that is meant; `None` = whichever is there.
    pub incarnation: Option<Incarnation>,
    /// Grows with every order of the SCS, also over its restarts.
    pub number: OrderNumber,
}

/// From the SCS to an LCA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToLca {
    /// Clock of the SCS when it left.
    pub sent_at: Timestamp,
    /// The timeline record it belongs to.
    pub cause: Option<CauseId>,
    /// The order.
    pub body: LcaOrder,
}

/// What the SCS tells an LCA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LcaOrder {
    /// First message of a connection.
    Hello {
        /// Version of the SCS's program.
        version: String,
        /// Changes with every start of the SCS.
        session: u64,
        /// Detection bound the LCA should apply to the SCS: silence after which it is alone.
        bound: Duration,
    },
    /// A poll; answered at once by [`LcaReport::BeatAnswered`].
    Beat {
        /// Grows by one per connection.
        sequence: u64,
        /// The highest beat of this connection whose answer the SCS has; 0 = none. What the beat grants counts
        /// from the moment when that answer left the LCA.
        answered: u64,
        /// What the SCS supports on this host, under `quorum`.
        grants: Vec<Holding>,
    },
    /// The LCA's part of the environment. Kept on disk and used when the SCS is away.
    Configure(LcaSlice),
    /// Intended state of a pair: repeated on every connection and change. Raises the LCA's epoch.
    IntendPair {
        /// The pair.
        pair: PairName,
        /// Its epoch.
        epoch: Epoch,
        /// The application that shall be primary, if any.
        primary: Option<ApplicationName>,
        /// Watchdogs and restarts pause while true.
        maintenance: bool,
    },
    /// Start an application: a managed one, a Third Party Server, or (with `control`) a control script that
    /// runs to completion.
    StartApplication {
        /// Which.
        key: OrderKey,
        /// Run mode it starts in; `Unknown` for Third Party Servers.
        run_mode: RunMode,
        /// Present when the application is a VIP control script.
        control: Option<ControlScript>,
    },
    /// Stop an application: Exiting, then SIGTERM, then SIGKILL of all its processes.
    StopApplication {
        /// Which.
        key: OrderKey,
        /// Skip the polite part: a demotion that was not acknowledged, a hung server.
        at_once: bool,
    },
    /// Change the run mode of a managed application.
    SetRunMode {
        /// Which.
        key: OrderKey,
        /// Primary or Backup.
        run_mode: RunMode,
    },
    /// Forced release: end the pair's control script and remove the pair's VIPs by the LCA itself.
    ReleaseAddresses {
        /// Application: the disabling control script it stands in for.
        key: OrderKey,
    },
    /// Announce the pair's VIPs again (the winner of a reconnect never changed state).
    AnnounceAddresses {
        /// Application: the pair's member here.
        key: OrderKey,
    },
    /// Run an OS command for a reaction.
    ExecuteCommand {
        /// Application: the reporting one.
        key: OrderKey,
        /// Run by `/bin/sh -c`.
        command_line: String,
        /// Added to the environment.
        environment: Vec<(String, String)>,
        /// It is killed after this.
        timeout: Duration,
    },
    /// Run a hook of an application's change of run mode; answered by [`LcaReport::CommandFinished`]. One of an older
    /// epoch of the pair that still runs is ended first.
    RunHook {
        /// Application: the member whose hook it is.
        key: OrderKey,
        /// What and for what.
        hook: HookRun,
    },
    /// Change an option of a managed application now and for its next starts.
    ChangeOption {
        /// Whose.
        application: ApplicationName,
        /// Section.
        section: String,
        /// Option.
        option: String,
        /// New value.
        value: String,
    },
    /// The LCA said it is stopping its host: nothing more will come from the SCS, go on.
    HandedOver,
    /// Under `quorum`: vote for a promotion on this host in this epoch. Answered by [`LcaReport::Voted`] or
    /// [`LcaReport::VoteRefused`]; repeated, it gets the same answer.
    RequestVote {
        /// The pair.
        pair: PairName,
        /// The epoch of the promotion.
        epoch: Epoch,
        /// The former primary's LCA has acknowledged that epoch, so nothing is to be waited for.
        yielded: bool,
    },
    /// Under `quorum`: set (`sole: true`) or end the mark by which a primary keeps its VIP without a majority. Goes
    /// to both LCAs of the pair; answered by [`LcaReport::SoleMarked`].
    MarkSole {
        /// The mark.
        mark: SoleMark,
        /// Set it, or end it.
        sole: bool,
    },
}

/// What a control script is run for: becomes its `CHANGEOVER_` environment (BEHAVIOUR, Reaction types).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlScript {
    /// Enable or disable.
    pub action: ScriptAction,
    /// Run mode that the member on this host has or is to have.
    pub run_mode: RunMode,
    /// The event that led here, if any.
    pub event: Option<LogEventId>,
    /// The alarm that led here, if any.
    pub alarm: Option<ConditionName>,
    /// For people: why it runs.
    pub reason: String,
}

/// A hook to run, and what it is told by its `CHANGEOVER_` environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRun {
    /// The program.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// It is killed after this.
    pub timeout: Duration,
    /// Run mode that the member has or is to have.
    pub run_mode: RunMode,
    /// For people: why the roles change.
    pub reason: String,
}

/// From an LCA to the SCS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FromLca {
    /// Clock of the LCA when it left.
    pub sent_at: Timestamp,
    /// The timeline record it belongs to.
    pub cause: Option<CauseId>,
    /// The report.
    pub body: LcaReport,
}

/// What an LCA tells the SCS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LcaReport {
    /// Answer to Hello: the full state.
    Hello(LcaState),
    /// Answer to a beat.
    BeatAnswered {
        /// The beat's sequence.
        sequence: u64,
    },
    /// A slice took effect and is on disk.
    Configured {
        /// Its revision.
        revision: Revision,
    },
    /// Anything about an application changed.
    ApplicationChanged(ApplicationState),
    /// An order was obeyed or refused. SetRunMode: sent when the application has acknowledged.
    OrderAnswered {
        /// The order.
        key: OrderKey,
        /// Outcome.
        outcome: OrderOutcome,
    },
    /// A control script ended, or was never started.
    ControlScriptFinished {
        /// The order that started it.
        key: OrderKey,
        /// Outcome by observation.
        outcome: ScriptOutcome,
    },
    /// Who holds what on this host, always complete.
    AddressesObserved(Vec<AddressObservation>),
    /// A command ended.
    CommandFinished {
        /// The order.
        key: OrderKey,
        /// Its outcome.
        outcome: CommandOutcome,
    },
    /// Somebody else claims a VIP of this host's pair.
    RivalSighted {
        /// The pair.
        pair: PairName,
        /// The VIP.
        address: IpAddr,
        /// Where it was seen.
        interface: String,
        /// The rival's MAC address, `aa:bb:cc:dd:ee:ff`.
        mac: String,
    },
    /// A vote for a promotion on this host: it is kept, and beats of older epochs are answered no more.
    Voted {
        /// The pair.
        pair: PairName,
        /// The epoch voted for.
        epoch: Epoch,
        /// The former holder itself has confirmed that its VIPs are gone.
        released: bool,
        /// How long ago a beat of an older epoch was answered last; `None` = never in this life of the LCA.
        quiet: Option<Duration>,
    },
    /// The vote is refused.
    VoteRefused {
        /// The pair.
        pair: PairName,
        /// The epoch that the vote was asked for.
        epoch: Epoch,
        /// Why.
        refusal: Refusal,
    },
    /// A `sole` mark is kept, or its end is.
    SoleMarked {
        /// The mark.
        mark: SoleMark,
        /// It stands, or it does not.
        sole: bool,
    },
    /// The LCA released the pair's VIPs by its own decision and demoted its server.
    Fenced {
        /// The pair.
        pair: PairName,
        /// The epoch in which it held them.
        epoch: Epoch,
        /// Why, for people.
        reason: String,
    },
    /// The host is being shut down cleanly: hand over what is primary here. The LCA waits a bounded time
    /// for [`LcaOrder::HandedOver`].
    HostStopping,
}

/// Full state of an LCA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LcaState {
    /// Its host.
    pub host: HostName,
    /// Version of its program.
    pub version: String,
    /// Boot id of the host.
    pub boot: String,
    /// Changes with every start of the LCA.
    pub session: u64,
    /// Revision of the slice in force; 0 = none yet.
    pub revision: Revision,
    /// Every application of the slice that is or was running.
    pub applications: Vec<ApplicationState>,
    /// Highest epoch seen of each pair.
    pub epochs: Vec<(PairName, Epoch)>,
    /// Observed addresses.
    pub addresses: Vec<AddressObservation>,
    /// Control scripts that are running now, by the order that started them.
    pub scripts: Vec<OrderKey>,
    /// Marks by which a primary keeps its VIP without a majority.
    pub soles: Vec<SoleMark>,
}

/// State of one application at its LCA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApplicationState {
    /// Which.
    pub application: ApplicationName,
    /// Status.
    pub status: ApplicationStatus,
    /// Run mode it has acknowledged.
    pub run_mode: RunMode,
    /// Which start this is; 0 = never started here.
    pub incarnation: Incarnation,
    /// Epoch of the order that gave it its run mode.
    pub epoch: Epoch,
    /// Main process.
    pub pid: Option<u32>,
    /// When status or run mode last changed (LCA's clock).
    pub since: Timestamp,
    /// Why it is in this status, for people.
    pub reason: String,
    /// Hot standby: it has everything its peer has. True where nothing is synchronised.
    pub in_step: bool,
    /// True while it does not answer heartbeats.
    pub hung: bool,
    /// True if the last end was ordered.
    pub stopped_as_asked: bool,
    /// How it last ended.
    pub last_exit: Option<ExitStatus>,
    /// Tail of its output, at most 4 KiB, when it ended unasked.
    pub last_output: String,
    /// How its health checks stand, in the order of the file. Told when a standing changes, not with every run.
    pub health: Vec<super::CheckState>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitStatus {
    /// Exit code.
    Code(i32),
    /// Killed by a signal.
    Signal(i32),
    /// An adopted process: nobody can know.
    Unknown,
}

impl std::fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ExitStatus::Code(code) => write!(f, "exit {code}"),
            ExitStatus::Signal(signal) => write!(f, "signal {signal}"),
            ExitStatus::Unknown => f.write_str("exit unknown"),
        }
    }
}

/// Outcome of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderOutcome {
    /// Done; for starts: the process is started, its status follows.
    Done {
        /// The application's incarnation afterwards.
        incarnation: Incarnation,
    },
    /// Not done, nothing changed.
    Refused(Refusal),
    /// Tried and failed.
    Failed {
        /// Why.
        reason: String,
    },
}

/// One VIP on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressObservation {
    /// The pair whose VIP it is.
    pub pair: PairName,
    /// The VIP.
    pub address: IpAddr,
    /// Where it stands on this host; `None` = not here.
    pub held: Option<HeldOn>,
    /// Carrier of the interface it belongs on; `None` = there is no such interface.
    pub carrier: Option<bool>,
}

/// Where an address stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOn {
    /// Interface.
    pub interface: String,
    /// Label (`eth0:1`), if it has one.
    pub label: Option<String>,
    /// Prefix length.
    pub prefix: u8,
}

/// What became of a control script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptOutcome {
    /// The judgement: what was observed decides, the exit code is evidence.
    pub result: ScriptResult,
    /// How its process ended.
    pub exit: Option<ExitStatus>,
    /// From the start of the process to the judgement.
    pub duration: Duration,
    /// What was seen, for people: `VIP seen gone`.
    pub observed: String,
    /// Tail of its output, at most 4 KiB.
    pub output: String,
}

/// Judgement of a control script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptResult {
    /// Every address is as wanted, and was not before.
    Succeeded,
    /// Every address was as wanted already.
    AlreadySo,
    /// It ended and an address is not as wanted.
    Failed,
    /// It did not end in time; it was killed with all its descendants.
    TimedOut,
    /// A newer control script of the pair took its place; it was killed with all its descendants.
    Superseded,
    /// It could not be started.
    NotStarted,
    /// It ended well by its exit code; addresses cannot be seen here.
    NotVerified,
}

impl ScriptResult {
    /// True if the wanted state is there as far as anyone can tell.
    pub fn is_good(self) -> bool {
        match self {
            ScriptResult::Succeeded | ScriptResult::AlreadySo | ScriptResult::NotVerified => true,
            ScriptResult::Failed
            | ScriptResult::TimedOut
            | ScriptResult::Superseded
            | ScriptResult::NotStarted => false,
        }
    }
}

/// What became of an OS command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandOutcome {
    /// How it ended; `None` = never started or killed by its timeout.
    pub exit: Option<ExitStatus>,
    /// True if it ended by itself with exit code 0.
    pub succeeded: bool,
    /// Tail of its output, at most 4 KiB, or why it was not started.
    pub output: String,
}
