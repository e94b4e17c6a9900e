//! What can happen to an LCA. The shell (or the simulation) feeds these; what the core does about them
//! starts in `core.rs` and ends in `outputs.rs`.

use crate::{RunId, StoredState};
use changeover_model::message::{
    AddressObservation, ExitStatus, FromApplication, FromPeerLca, ToLca, ToPeerLca,
};
use changeover_model::{ApplicationName, HostName, Ticket};
use std::net::IpAddr;

/// Who this LCA is; fixed for the life of its process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LcaIdentity {
    /// Its host.
    pub host: HostName,
    /// Version of its program.
    pub version: String,
    /// Boot id of the host.
    pub boot: String,
    /// Changes with every start of the LCA.
    pub session: u64,
}

/// One connection of the SCS or of an application; never used again within the life of the LCA. The SCS's
/// and the applications' connections are numbered apart or together, as the shell likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl std::fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

/// An input of [`crate::LcaCore`].
#[derive(Clone, Debug, PartialEq)]
pub enum LcaInput {
    /// First input of every life: what was stored and what the shell found of it. Without stored state:
    /// `Recovery::default()`.
    Recovered(Recovery),

    /// The SCS opened a connection. The newest one counts; the shell may close older ones.
    ScsConnected {
        /// The connection.
        connection: ConnectionId,
    },
    /// The SCS said something. Ignored unless the connection is the newest.
    ScsMessage {
        /// The connection.
        connection: ConnectionId,
        /// What it said.
        message: ToLca,
    },
    /// A connection of the SCS is closed.
    ScsDisconnected {
        /// The connection.
        connection: ConnectionId,
    },

    /// A process opened the local socket.
    ApplicationConnected {
        /// The connection.
        connection: ConnectionId,
        /// The peer's process id (`SO_PEERCRED`).
        pid: u32,
        /// The started run that this process is, or descends from; `None` = a stranger.
        of_run: Option<RunId>,
    },
    /// A process said something on the local socket.
    ApplicationMessage {
        /// The connection.
        connection: ConnectionId,
        /// What it said.
        message: FromApplication,
    },
    /// A connection of the local socket is closed (by either side).
    ApplicationDisconnected {
        /// The connection.
        connection: ConnectionId,
    },

    /// The process of a [`crate::StartProcess`] runs.
    ProcessStarted {
        /// The run.
        run: RunId,
        /// Its main process.
        pid: u32,
        /// Its start time as the kernel counts it.
        start_time: u64,
        /// The token that the shell made and put into `CHANGEOVER_TOKEN`.
        token: String,
    },
    /// The shell carries a control script of `vipctl` out itself, in its own process: what `ProcessStarted` says
    /// otherwise. `ProcessExited` and `ProcessesGone` follow as ever, `ProcessStartFailed` does not. It ends with
    /// this LCA, and is never found again by the next one.
    ScriptCarriedOutHere {
        /// The run.
        run: RunId,
    },
    /// The main process of a [`crate::LcaOutput::StartElsewhere`] is there and watched.
    MainProcessFound {
        /// The run.
        run: RunId,
        /// The main process.
        pid: u32,
        /// Its start time as the kernel counts it.
        start_time: u64,
        /// For people: started or taken over, and what was found on the way (a stale pid file).
        how: String,
    },
    /// More about the end of a main process that was reported, before its run is gone: what systemd says.
    EndExplained {
        /// The run.
        run: RunId,
        /// How it ended.
        exit: ExitStatus,
        /// For people.
        text: String,
    },
    /// An application that has no run was seen running, without an order: taken over if nothing speaks against it.
    SeenRunning {
        /// Which.
        application: ApplicationName,
    },
    /// It could not be started (program missing, not executable, no such directory, no memory); nothing of
    /// it runs, and neither `ProcessExited` nor `ProcessesGone` will follow.
    ProcessStartFailed {
        /// The run.
        run: RunId,
        /// What, where, what to do.
        reason: String,
    },
    /// The main process ended (pidfd, at once).
    ProcessExited {
        /// The run.
        run: RunId,
        /// How.
        exit: ExitStatus,
        /// Tail of its output, at most 4 KiB.
        output: String,
    },
    /// No process of the run is left: neither the main one nor any descendant, those that called setsid
    /// included. Exactly once per started run, after `ProcessExited`.
    ProcessesGone {
        /// The run.
        run: RunId,
    },

    /// Who holds what on this host, complete for the VIPs last given by
    /// [`crate::LcaOutput::WatchAddresses`]; from the watcher, on every change and once after that output.
    AddressesObserved(Vec<AddressObservation>),
    /// Answer to [`crate::LcaOutput::ReadAddresses`]: a fresh, complete reading, or why there is none.
    AddressesRead {
        /// Of which request.
        ticket: Ticket,
        /// The reading.
        result: Result<Vec<AddressObservation>, String>,
    },
    /// Answer to [`crate::LcaOutput::RemoveAddresses`]. An address that was not there counts as removed.
    AddressesRemoved {
        /// Of which request.
        ticket: Ticket,
        /// What came of it.
        result: Result<(), String>,
    },
    /// Another machine claims a VIP.
    RivalSighted {
        /// The VIP.
        address: IpAddr,
        /// Where it was seen.
        interface: String,
        /// The rival's MAC address, `aa:bb:cc:dd:ee:ff`.
        mac: String,
    },

    /// Nothing is left of a run of [`crate::LcaOutput::StartCheck`]: exactly once per run. `Ok`: it passed; both say
    /// what was seen, for people. After [`crate::LcaOutput::EndCheck`] the result means nothing.
    CheckEnded {
        /// The run.
        run: RunId,
        /// What came of it.
        result: Result<String, String>,
    },
    /// The carrier of the interfaces last given by [`crate::LcaOutput::WatchLinks`], complete, on every change and
    /// once after that output; `None` = there is no such interface.
    LinksObserved(Vec<(String, Option<bool>)>),
    /// The connection that was dialled to a peer's LCA stands ([`crate::LcaOutput::DialPeers`]).
    PeerConnected {
        /// The peer's host.
        peer: HostName,
        /// The connection.
        connection: ConnectionId,
    },
    /// The peer's LCA said something on it.
    PeerMessage {
        /// The peer's host.
        peer: HostName,
        /// The connection.
        connection: ConnectionId,
        /// What it said.
        message: FromPeerLca,
    },
    /// It is closed. The shell dials anew by itself.
    PeerDisconnected {
        /// The peer's host.
        peer: HostName,
        /// The connection.
        connection: ConnectionId,
    },
    /// A peer's LCA that has dialled this one said something. Who it is, the shell has made sure of.
    WitnessMessage {
        /// The peer's host.
        peer: HostName,
        /// The connection.
        connection: ConnectionId,
        /// What it said.
        message: ToPeerLca,
    },
    /// Its connection is closed.
    WitnessDisconnected {
        /// The peer's host.
        peer: HostName,
        /// The connection.
        connection: ConnectionId,
    },

    /// A durable change is on disk.
    Persisted {
        /// Of which output.
        ticket: Ticket,
    },
    /// It is not.
    PersistFailed {
        /// Of which output.
        ticket: Ticket,
        /// Why.
        reason: String,
    },

    /// The whole host is being shut down cleanly (not: the LCA alone is). Hand over, then stop everything;
    /// ends with [`crate::LcaOutput::HostStopped`]. On a stop or upgrade of the LCA alone the shell gives
    /// no input at all and exits: the applications go on.
    HostStopping,
}

/// What an LCA finds when it starts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovery {
    /// The newer of the stored copies.
    pub state: StoredState,
    /// What runs. A recorded run that is not listed is dead.
    pub found: Vec<FoundRun>,
}

/// A run that was found alive: its recorded process is there with the recorded start time and boot id (the
/// pidfd opened first, then compared), or, where only the intent or nothing is recorded, a process carries
/// its marker (`CHANGEOVER_RUN`) in its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRun {
    /// The run, from the record or from the marker.
    pub run: RunId,
    /// From the record or from the process's environment.
    pub application: ApplicationName,
    /// The main process; `None` = it is dead but descendants of it live.
    pub pid: Option<u32>,
    /// Start time of the main process.
    pub start_time: u64,
    /// From the record or from the process's environment.
    pub token: String,
}
