//! An emulated IP subnet as one process, so that a whole site (hosts, NICs, Virtual IPs, neighbours) runs on
//! one machine without root, with the site's own environment file and the production components.
//!
//! [`Subnet`] is the pure heart: who holds which address on which NIC, what neighbours' ARP tables say,
//! where a packet ends up. The rest carries real bytes by its verdicts: `datagrams.rs` owns the real UDP
//! sockets, `relay.rs` every TCP connection between two hosts, `conversation.rs` answers the clients, whose
//! side of the protocol is `emulated-nic`. [`EmulatorProcess`] starts and ends it for a rehearsal.

mod arguments;
mod block;
mod cluster;
mod conversation;
mod datagrams;
mod device;
mod emulator;
mod process;
mod relay;
mod site;
mod subnet;

pub use arguments::{EmulatorArguments, EmulatorError, Ready, run};
pub use block::{AddressMap, Block, BlockError, ReservedBlock, choose_block};
pub use cluster::{Affinity, ClusterDescription, ClusterMember, Filtering, PortRule};
pub use emulator::Emulator;
pub use process::EmulatorProcess;
pub use site::{
    DeviceDescription, HostDescription, InterfaceDescription, NeighbourDescription,
    PoolDescription, SiteDescription, SiteError, VirtualIpDescription,
};
pub use subnet::{Moment, NicPlace, Path, Route, Sighting, Silence, Station, Subnet, SubnetError};
