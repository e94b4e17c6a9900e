//! What an LCA wants done. The shell carries these out in order, never waits for one, and answers each slow
//! one with the input that its text names.

use crate::{ConnectionId, Durability, RunId, StateChange};
use changeover_model::environment::VirtualIpOnHost;
use changeover_model::message::{FromLca, ToApplication};
use changeover_model::{ApplicationName, PairName, Ticket};

/// An output of [`crate::LcaCore`].
#[derive(Clone, Debug, PartialEq)]
pub enum LcaOutput {
    /// To the SCS, over its newest connection.
    ToScs(FromLca),
    /// To an application.
    ToApplication {
        /// Over this connection.
        connection: ConnectionId,
        /// What.
        message: ToApplication,
    },
    /// Close an application's connection, once what was sent over it is flushed.
    CloseApplication {
        /// The connection.
        connection: ConnectionId,
    },

    /// Start a process; answered by `ProcessStarted` or `ProcessStartFailed`, then `ProcessExited` and
    /// `ProcessesGone`. A control script of `vipctl` may be carried out by the shell itself where it holds the
    /// addresses: then `ScriptCarriedOutHere` stands for `ProcessStarted`.
    StartProcess(Box<StartProcess>),
    /// Send a signal. A run that is not forked yet is not to be started any more (`ProcessStartFailed`); one
    /// that is unknown or gone is nothing to do. Descendants that appear while they are being killed are
    /// killed as well.
    SignalProcess {
        /// The run.
        run: RunId,
        /// Which signal.
        signal: ProcessSignal,
        /// True: every process of the run, those that called setsid included; false: the main process.
        all_descendants: bool,
    },

    /// The VIPs to watch and report from now on; replaces the earlier list.
    WatchAddresses(Vec<WatchedAddress>),
    /// Read the watched addresses now, not from a cache; answered by `AddressesRead`.
    ReadAddresses {
        /// Names the request.
        ticket: Ticket,
    },
    /// Remove these VIPs from this host whatever prefix or label they have; answered by `AddressesRemoved`.
    RemoveAddresses {
        /// Names the request.
        ticket: Ticket,
        /// Whose VIPs.
        pair: PairName,
        /// Which.
        addresses: Vec<VirtualIpOnHost>,
    },
    /// Announce these VIPs (gratuitous ARP, unsolicited NA) from sockets that are held open; no answer.
    Announce {
        /// Which; `interface` is where the address stands now.
        addresses: Vec<VirtualIpOnHost>,
    },

    /// Keep a change of the stored state.
    Persist {
        /// The change.
        change: StateChange,
        /// How far.
        durability: Durability,
    },

    /// After `HostStopping`: every application has ended (or its bound has passed); the LCA may exit.
    HostStopped,
}

/// A signal to the processes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessSignal {
    /// SIGTERM.
    Term,
    /// SIGKILL.
    Kill,
}

/// A VIP to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedAddress {
    /// Whose it is.
    pub pair: PairName,
    /// The VIP as it shall stand here; observed by address alone, on whatever interface it is.
    pub address: VirtualIpOnHost,
}

/// A process to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartProcess {
    /// Its number; the shell reports with it.
    pub run: RunId,
    /// Its application; for commands the reporting one.
    pub application: ApplicationName,
    /// What it is.
    pub kind: ProcessKind,
    /// The program. Relative names with a `/` are looked up in the working directory, others in PATH;
    /// `vipctl` stands for the LCA's own VIP tool.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its working directory; the LCA's own when empty.
    pub working_directory: String,
    /// To be added to the LCA's own environment. Contains the marker, `CHANGEOVER_RUN`. The shell adds
    /// `CHANGEOVER_TOKEN` (made by it, unguessable), `CHANGEOVER_LCA` (its local socket) and, where there
    /// is one, `CHANGEOVER_TLS`.
    pub environment: Vec<(String, String)>,
}

/// What kind of process it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProcessKind {
    /// It registers over the application link.
    Managed,
    /// A Third Party Server.
    Plain,
    /// A VIP control script: on the critical path.
    ControlScript,
    /// A command of a reaction.
    Command,
}

/// The environment variable that marks every process of a run: `ENVIRONMENT/HOST/RUN`.
pub const RUN_MARKER: &str = "CHANGEOVER_RUN";
