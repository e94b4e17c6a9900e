//! Owns the words for where a message comes from and goes to.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Transport {
    /// Datagrams; who sends repeats.
    Udp,
    /// A connection; what was sent arrives or the connection ends.
    Tcp,
}

impl Transport {
    /// As it stands in a Via.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        }
    }
}

/// The other end of a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Peer {
    /// How.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}
