//! Owns what the server is told at its start: who it is, the Switch with its DNs, bounds. Where it comes from
//! (options, the environment's Switch object) is the shell's.

use changeover_model::environment::{Addp, Switch};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Everything a SIP Server needs to know beforehand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SipConfig {
    /// Application name, shown in `Server` and `User-Agent`.
    pub name: String,
    /// Differs between the two of a pair; part of every tag, branch and Call-ID.
    pub node: u32,
    /// A random number of this start, so that nobody guesses tags.
    pub seed: u64,
    /// The address and port that every peer knows: the VIP and `sip-port`.
    pub address: SocketAddr,
    /// Hot standby: calls are replicated. Otherwise nothing is.
    pub hot: bool,
    /// `TServer` / `sip-pass-check`.
    pub pass_check: bool,
    /// The Switch object.
    pub switch: Switch,
    /// Protection space of digest authentication.
    pub realm: String,
    /// A network device in front: the backup answers its OPTIONS with 503 instead of with silence.
    pub network_device: bool,
    /// Address of that device, where it is known: the backup answers nobody else.
    pub device: Option<IpAddr>,
    /// How long a message may wait for the backup's acknowledgement before the backup is given up.
    pub commit_wait: Duration,
    /// ADDP of the HA link, as this server wants it when it dials.
    pub addp: Addp,
    /// Bounds.
    pub limits: Limits,
}

/// ADDP of the HA link where nothing is said.
const HA_ADDP: Addp = Addp {
    timeout: Duration::from_secs(3),
    remote_timeout: Duration::from_secs(3),
};

/// Bounds on what peers can make the server hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most calls that somebody is in; a further INVITE gets 503.
    pub calls: usize,
    /// Most calls that are kept, those included that are over and whose late requests are still answered.
    pub kept_calls: usize,
    /// Most non-INVITE transactions.
    pub transactions: usize,
    /// Most addresses of record with a binding.
    pub registrations: usize,
    /// Most bindings of one of them.
    pub contacts: usize,
    /// Refusals a second; what is refused beyond that is dropped.
    pub refusals_per_second: u32,
    /// How long a callee may ring, as long as nothing new is heard of it.
    pub ringing: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls: 50_000,
            kept_calls: 200_000,
            transactions: 200_000,
            registrations: 100_000,
            contacts: 8,
            refusals_per_second: 500,
            ringing: Duration::from_secs(180),
        }
    }
}

impl SipConfig {
    /// A server of this name behind an address, everything else at its default.
    pub fn new(name: &str, address: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            node: node_of(name),
            seed: 0,
            address,
            hot: true,
            pass_check: false,
            switch: Switch::default(),
            realm: "changeover".to_owned(),
            network_device: false,
            device: None,
            commit_wait: Duration::from_millis(150),
            addp: HA_ADDP,
            limits: Limits::default(),
        }
    }
}

/// The node number of an application name (FNV-1a).
pub fn node_of(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
