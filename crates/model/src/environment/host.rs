//! Host objects.

use crate::{HostName, OperatingSystem};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// A Host object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub name: HostName,
    /// Its operating system.
    pub os: OperatingSystem,
    /// The address that SCS and LCA use: on two-NIC hosts the non-SIP one (FACTS 2).
    pub address: IpAddr,
    /// Port of its LCA; default 4999.
    pub lca_port: u16,
    /// Timing of the SCS-LCA link.
    pub addp: Addp,
    /// How long to wait before failing over a host that went silent, on top of the detection bound; default 0.
    pub disconnect_switchover_timeout: Duration,
    /// How long a host may answer without its LCA before the pair is held or failed over; default 5 s.
    pub lca_restart_timeout: Duration,
}

impl Host {
    /// Silence after which the host counts as lost: two ADDP timeouts (BEHAVIOUR, Words that stand for time).
    pub fn detection_bound(&self) -> Duration {
        self.addp.bound()
    }

    /// Distance of the SCS's beats and probes: three fit into one ADDP timeout, and it is never more than 500 ms. A lease may
    /// count from a word that is this much older than the last one.
    pub fn beat_interval(&self) -> Duration {
        (self.addp.timeout / 3).clamp(Duration::from_millis(1), Duration::from_millis(500))
    }
}

/// Settings of the Advanced Disconnect Detection Protocol: of the SCS-LCA link, and of the HA link of a SIP Server pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addp {
    /// Silence after which this end (the SCS, the server that dials) polls, and time it then waits for the answer; default
    /// 1.5 s between SCS and LCA.
    pub timeout: Duration,
    /// The same as seen by the other end.
    pub remote_timeout: Duration,
}

impl Addp {
    /// The silence after which this end gives the link up (BEHAVIOUR, Words that stand for time).
    pub fn bound(self) -> Duration {
        self.timeout * 2
    }
}

impl Default for Addp {
    fn default() -> Self {
        Self {
            timeout: Duration::from_millis(1500),
            remote_timeout: Duration::from_millis(1500),
        }
    }
}
