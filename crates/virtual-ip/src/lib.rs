//! Virtual IP addresses on a host: watch, add, remove, announce, probe.
//!
//! This crate is the last hop of a switchover: whatever was decided above ends as "this address stands on that
//! NIC, and the neighbours know". It decides nothing itself. [`Addresses`] is what others program against;
//! [`Kernel`] is its implementation on Linux, the emulated network brings another one; [`vipctl`] is the control
//! script that makes both usable from a command line.
//!
//! **Why netlink and not `ip` or `ifconfig`.** A spawned command costs one to three milliseconds, a netlink
//! request about a tenth of one, and the kernel has carried it out when the answer is read. The commands also
//! disagree about labels, prefixes and exit codes; here an address is added with its label, removed whatever label
//! or prefix it stands there with, and asking for what is already so is no error. Watching is a subscription to the
//! kernel's own notices, so that a change by anybody (a site's script, an operator, the kernel itself when a
//! lifetime runs out) is seen when it happens, without polling.
//!
//! **Why held sockets.** Announcements are Ethernet frames and need a packet socket. Opening one is quick, but
//! closing it makes the kernel wait until no processor can still be using it, 7 to 13 ms on a small machine. A
//! process that lives on (the LCA) therefore opens each socket once and keeps it: an announcement is then one system
//! call. `vipctl` pays that price only when it ends, after the frames are on the wire.

#![warn(missing_docs)]

mod addresses;
mod frames;
mod kernel;
pub mod vipctl;

pub use addresses::{
    AddressError, AddressEvent, Addresses, Change, Guarded, HeldAddress, MacAddress, Nic, Pending,
    ProbeAnswer, Snapshot, VirtualAddress,
};
pub use kernel::Kernel;
