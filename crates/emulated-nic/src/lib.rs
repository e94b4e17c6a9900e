//! The way to the network, for everything that runs on a host of a site: [`Network`] is chosen once at
//! start-up and is either the kernel's network or, when `CHANGEOVER_NETWORK` names the socket of a network
//! emulator, an emulated NIC on the host that `CHANGEOVER_NETWORK_HOST` names.
//!
//! Owns the client's side and the protocol both sides speak; the emulated subnet itself (who holds what,
//! ARP tables, relays, faults) is in `network-emulator`, which depends on this crate and never the other
//! way round. [`Control`] is the client of whoever runs a rehearsal: it pulls cables and watches who holds
//! the Virtual IP, independently of the components.

mod addresses;
mod control;
mod datagrams;
mod emulated;
mod error;
mod framing;
mod kernel;
mod network;
mod nlb;
mod observation;
pub mod protocol;

pub use control::{Control, Observations};
pub use datagrams::{Datagram, DatagramSender, Datagrams};
pub use emulated::EmulatedNic;
pub use error::{DialError, NetworkError};
pub use framing::{Frame, FrameError, FrameReader, FrameWriter};
pub use network::{NETWORK_HOST_VARIABLE, NETWORK_VARIABLE, Network};
pub use nlb::{NlbAnswer, NlbCall, NlbHostAnswer, NlbOutcome, NlbTarget, NlbVerb};
pub use observation::{Holder, Observation};
