//! The link between an LCA and a managed application on its host, over the LCA's local socket. The
//! application dials and registers with the token from its environment; the LCA orders run modes.

use crate::environment::OptionSections;
use crate::{
    ApplicationName, ApplicationStatus, CauseId, Epoch, HostName, Incarnation, OrderNumber,
    PairName, Redundancy, Refusal, RunMode,
};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// From an application to its LCA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromApplication {
    /// First message of a connection; sent again after an LCA restart, with what it knows of itself.
    Register {
        /// Its name, `CHANGEOVER_APPLICATION`.
        application: ApplicationName,
        /// One-time token of this start, `CHANGEOVER_TOKEN`; stays valid for re-registration of the same process.
        token: String,
        /// Version of its program.
        version: String,
        /// Run mode it is in now; Unknown on first registration.
        run_mode: RunMode,
        /// Epoch of the order that gave it that run mode; 0 on first registration.
        epoch: Epoch,
        /// Status it is in now.
        status: ApplicationStatus,
    },
    /// Its status changed. Only Initializing, Running, ServiceUnavailable, Suspending, Suspended.
    StatusReported {
        /// New status.
        status: ApplicationStatus,
        /// Why.
        reason: String,
        /// Hot standby: it has everything its peer has.
        in_step: bool,
    },
    /// It has entered the run mode of this order (and logged the event).
    RunModeAcknowledged {
        /// The order's number.
        number: OrderNumber,
        /// The run mode it is in now.
        run_mode: RunMode,
        /// The order's epoch.
        epoch: Epoch,
    },
    /// It cannot enter the run mode.
    RunModeRefused {
        /// The order's number.
        number: OrderNumber,
        /// Why.
        reason: String,
    },
    /// Answer to a heartbeat, from the application's own main loop.
    HeartbeatAnswered {
        /// The heartbeat's sequence.
        sequence: u64,
    },
}

/// From an LCA to an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToApplication {
    /// The registration is accepted.
    Registered(Registered),
    /// It is not; the LCA closes the connection.
    RegistrationRefused(Refusal),
    /// Enter this run mode. `Exiting` = end yourself; SIGTERM follows.
    SetRunMode {
        /// The order's number.
        number: OrderNumber,
        /// Epoch to stamp on the events this causes.
        epoch: Epoch,
        /// Run mode.
        run_mode: RunMode,
        /// Timeline record to stamp on the events this causes.
        cause: Option<CauseId>,
    },
    /// An option has a new value.
    OptionChanged {
        /// Section.
        section: String,
        /// Option.
        option: String,
        /// New value.
        value: String,
    },
    /// Are you there?
    Heartbeat {
        /// Grows by one per connection.
        sequence: u64,
    },
}

/// What an application learns when it registers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    /// Its host.
    pub host: HostName,
    /// Its pair, if it is a member of one.
    pub pair: Option<PairName>,
    /// Redundancy type of the pair.
    pub redundancy: Option<Redundancy>,
    /// Its options.
    pub options: OptionSections,
    /// Its ports: default, then the one with the `HA sync` flag.
    pub default_port: Option<u16>,
    /// Port with the `HA sync` flag.
    pub ha_sync_port: Option<u16>,
    /// Management address of its host.
    pub host_address: std::net::IpAddr,
    /// Management address of its peer's host.
    pub peer_address: Option<std::net::IpAddr>,
    /// Where its log events go.
    pub message_server: SocketAddr,
    /// Which start this is.
    pub incarnation: Incarnation,
    /// Epoch of its run mode.
    pub epoch: Epoch,
    /// Run mode to enter. On a re-registration: the one the LCA has on record.
    pub run_mode: RunMode,
    /// The order that asks for this run mode; acknowledge it.
    pub number: OrderNumber,
    /// Timeline record of its start.
    pub cause: Option<CauseId>,
    /// Under `quorum`: cut off from its LCA for this long, a primary demotes itself, since its VIP has run out.
    pub demote_after: Option<std::time::Duration>,
}
