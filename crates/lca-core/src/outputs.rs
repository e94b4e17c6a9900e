//! What an LCA wants done. The shell carries these out in order, never waits for one, and answers each slow
//! one with the input that its text names.

use crate::{ConnectionId, Durability, RunId, StateChange};
use changeover_model::environment::{Probe, VirtualIpOnHost};
use changeover_model::message::{FromLca, FromPeerLca, ToApplication, ToPeerLca};
use changeover_model::{ApplicationName, HostName, PairName, Ticket};
use std::net::SocketAddr;
use std::time::Duration;

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
    /// Have a program run whose main process is not the one to be forked. If it runs already it is taken over as it
    /// is. Answered by `MainProcessFound` or `ProcessStartFailed` within `within` and a little, then `ProcessExited`
    /// and `ProcessesGone`, as for [`LcaOutput::StartProcess`].
    StartElsewhere {
        /// The run, and with a pid file the program that starts it and ends.
        start: Box<StartProcess>,
        /// Where the main process is found.
        elsewhere: Elsewhere,
        /// How long that may take.
        within: Duration,
    },
    /// The systemd units of this host's applications; replaces the earlier list. Whenever one is active, which it may
    /// be at once, `SeenRunning` says so.
    WatchUnits(Vec<(ApplicationName, String)>),
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
    /// Give these VIPs, which stand here, this lifetime in the kernel from now on: without another such output
    /// they end by themselves after it. `None` = they stand until they are removed. One that is not here is
    /// nothing to do; no answer.
    RenewAddresses {
        /// Whose VIPs.
        pair: PairName,
        /// Which; `interface` is where the address stands now.
        addresses: Vec<VirtualIpOnHost>,
        /// How long.
        lifetime: Option<Duration>,
    },
    /// Announce these VIPs (gratuitous ARP, unsolicited NA) from sockets that are held open; no answer.
    Announce {
        /// Which; `interface` is where the address stands now.
        addresses: Vec<VirtualIpOnHost>,
    },

    /// Run a health check once; answered by `CheckEnded` when nothing is left of it.
    StartCheck(Box<StartCheck>),
    /// End a run of a health check with every process of it; answered by `CheckEnded`.
    EndCheck {
        /// The run.
        run: RunId,
    },
    /// The interfaces whose carrier is to be reported from now on by `LinksObserved`; replaces the earlier list.
    WatchLinks(Vec<String>),
    /// Keep a connection to the LCA of each of these hosts, and to no other, until told otherwise.
    DialPeers(Vec<(HostName, SocketAddr)>),
    /// To a peer's LCA, over the connection that was dialled; dropped if it is gone.
    ToPeer {
        /// The peer's host.
        peer: HostName,
        /// The connection.
        connection: ConnectionId,
        /// What.
        message: ToPeerLca,
    },
    /// Close the dialled connection, on which nothing is answered, and dial anew.
    ClosePeer {
        /// The peer's host.
        peer: HostName,
        /// The connection.
        connection: ConnectionId,
    },
    /// To a peer's LCA, over the connection that it has dialled; dropped if it is gone.
    ToWitnessed {
        /// The peer's host.
        peer: HostName,
        /// The connection.
        connection: ConnectionId,
        /// What.
        message: FromPeerLca,
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

/// Where the main process of a program is found that is not forked by the LCA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// Its process id stands in this file; relative paths count from the working directory.
    PidFile(String),
    /// systemd runs it as this unit. SIGTERM to such a run stops the unit, SIGKILL kills all of it and stops it.
    SystemdUnit(String),
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

/// A run of a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartCheck {
    /// Its number; the shell reports with it.
    pub run: RunId,
    /// Whose check it is.
    pub application: ApplicationName,
    /// Its name, for logs.
    pub name: String,
    /// What is looked at; never [`Probe::Link`], which is watched.
    pub probe: Probe,
    /// When the core will end it; the shell may give up by itself then.
    pub timeout: Duration,
    /// For commands: the application's own working directory.
    pub working_directory: String,
    /// For commands: to be added to the LCA's own environment, the marker included.
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
