//! Owns what an observer of the emulated subnet is told: who holds which address, and since when. The
//! emulator writes observations, a rehearsal reads them through [`crate::Control`] and computes from them
//! how long a Virtual IP had no holder, or two.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// One place where a watched address stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The address.
    pub address: IpAddr,
    /// The host that has it.
    pub host: String,
    /// The NIC on which it has it.
    pub interface: String,
    /// Whether neighbours can reach it there: the NIC is switched on and its cable is plugged.
    pub reachable: bool,
}

/// The holders of all watched addresses from one moment on, until the next observation.
///
/// Watched are the Virtual IPs of the site and every address that a command or a component added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Counts from 1; a gap means that the observer was too slow and the emulator had forgotten some.
    pub sequence: u64,
    /// CLOCK_MONOTONIC in nanoseconds: comparable with every process of the same machine.
    pub monotonic_ns: u64,
    /// Wall clock in microseconds since 1970, for people and for the timeline.
    pub wall_us: u64,
    /// What led to it, such as `host1: SIOCSIFADDR eth0:1 10.10.11.103` or `host1/eth0 unplugged`.
    pub cause: String,
    /// Every holder of every watched address, in the order of the site's hosts and NICs.
    pub holders: Vec<Holder>,
}

impl Observation {
    /// The hosts that hold `address` and can be reached by neighbours.
    pub fn reachable_holders(&self, address: IpAddr) -> impl Iterator<Item = &Holder> {
        self.holders
            .iter()
            .filter(move |holder| holder.address == address && holder.reachable)
    }
}
