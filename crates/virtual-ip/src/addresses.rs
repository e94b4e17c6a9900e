//! Owns the words and the trait through which everything above sees the addresses of one host: what stands
//! on which NIC, put one there, take one away, tell the neighbours, ask the neighbours. Knows no kernel and
//! no emulator: [`crate::Kernel`] implements it for Linux, the emulated network implements it elsewhere, and
//! the LCA's watcher and `vipctl` use it without knowing which one they were given.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A boxed future, so that [`Addresses`] can stand behind `Arc<dyn Addresses>`.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, AddressError>> + Send + 'a>>;

/// The hardware address of a NIC on an Ethernet-like network.
pub type MacAddress = [u8; 6];

/// An address as it shall stand on a NIC.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VirtualAddress {
    /// The address without its prefix.
    pub address: IpAddr,
    /// Length of the network prefix in bits: 0 to 32, or 0 to 128.
    pub prefix: u8,
    /// Name of the NIC, such as `eth0`.
    pub interface: String,
    /// The sub-interface label, such as `eth0:1`; IPv4 only, ignored for IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl fmt::Display for VirtualAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}/{} on {}",
            self.address, self.prefix, self.interface
        )?;
        match &self.label {
            Some(label) => write!(out, " ({label})"),
            None => Ok(()),
        }
    }
}

/// An address as seen on a NIC.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HeldAddress {
    /// The address without its prefix.
    pub address: IpAddr,
    /// Length of the network prefix in bits.
    pub prefix: u8,
    /// Name of the NIC it stands on.
    pub interface: String,
    /// Its label, where that says more than the NIC's name (IPv4 only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// One network interface of the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Nic {
    /// Its name, such as `eth0`.
    pub name: String,
    /// The kernel's number for it; unique on the host, never reused while it exists.
    pub index: u32,
    /// Whether an administrator has it switched on.
    pub up: bool,
    /// Whether there is a link: a cable, and somebody at its other end.
    pub carrier: bool,
    /// Its hardware address; `None` where it has none of six bytes (tunnels).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddress>,
}

/// All NICs and addresses of the host at one moment, NICs by index, addresses in the kernel's order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Every NIC, loopback included.
    pub nics: Vec<Nic>,
    /// Every address of every NIC.
    pub addresses: Vec<HeldAddress>,
}

impl Snapshot {
    /// The first place where `address` stands, whatever prefix, label or NIC it has there.
    #[must_use]
    pub fn holder_of(&self, address: IpAddr) -> Option<&HeldAddress> {
        self.addresses.iter().find(|held| held.address == address)
    }

    /// Every place where `address` stands; more than one is possible with different prefixes or NICs.
    pub fn holders_of(&self, address: IpAddr) -> impl Iterator<Item = &HeldAddress> {
        self.addresses
            .iter()
            .filter(move |held| held.address == address)
    }

    /// The NIC called `interface`.
    #[must_use]
    pub fn nic(&self, interface: &str) -> Option<&Nic> {
        self.nics.iter().find(|nic| nic.name == interface)
    }

    /// Whether the NIC called `interface` has a link; `None` when there is no such NIC. A NIC that is
    /// switched off has none.
    #[must_use]
    pub fn carrier(&self, interface: &str) -> Option<bool> {
        self.nic(interface).map(|nic| nic.up && nic.carrier)
    }
}

/// An address whose rivals (other hosts that use or claim it) shall be reported.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Guarded {
    /// The address.
    pub address: IpAddr,
    /// The NIC on whose network rivals are looked for.
    pub interface: String,
}

/// What a watch reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressEvent {
    /// The state after one or more changes; also the first event of every watch.
    Changed(Snapshot),
    /// Another host used or claimed a guarded address.
    RivalSighted {
        /// The guarded address.
        address: IpAddr,
        /// The NIC through which the claim was seen.
        interface: String,
        /// Who claims it.
        mac: MacAddress,
    },
}

/// What became of an order to add or remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Something was changed, and now it is as wanted.
    Done,
    /// Nothing had to be changed.
    AlreadySo,
}

/// What the subnet said when asked who has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeAnswer {
    /// Nobody answered within the wait.
    Free,
    /// Another host has it; its hardware address.
    HeldBy(MacAddress),
}

/// Why an operation on addresses failed. Carries text instead of the system's error, so that it can cross a
/// connection to an emulated network unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum AddressError {
    /// The system refused for lack of privilege.
    #[error(
        "{operation}: not permitted; this needs root or CAP_NET_ADMIN (packet sockets: CAP_NET_RAW)"
    )]
    NotPermitted {
        /// What was tried.
        operation: String,
    },
    /// What answers for the addresses (the kernel's netlink, the emulated network) could not be reached, or
    /// was lost.
    #[error("{operation}: the host's network could not be reached: {reason}")]
    Unreachable {
        /// What was tried.
        operation: String,
        /// What came back.
        reason: String,
    },
    /// There is no NIC of that name.
    #[error(
        "no interface is called {interface:?} on this host; `vipctl show` lists those that exist"
    )]
    NoSuchInterface {
        /// The name that was asked for.
        interface: String,
    },
    /// The order was understood and refused.
    #[error("{operation}: refused: {reason}")]
    Refused {
        /// What was tried.
        operation: String,
        /// Why it was refused.
        reason: String,
    },
}

impl AddressError {
    /// Whether the same operation may succeed later without anybody changing the set-up.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::NotPermitted { .. } | Self::NoSuchInterface { .. } | Self::Refused { .. } => {
                false
            }
        }
    }
}

/// The addresses of one host. Every operation is idempotent and bounded; dropping a future ends it, and a
/// change that was already sent may still take effect.
pub trait Addresses: Send + Sync + 'static {
    /// All NICs and addresses now.
    fn snapshot(&self) -> Pending<'_, Snapshot>;

    /// Follows the state. The first event is [`AddressEvent::Changed`] with the state now; after that one
    /// after every change. Changes that come faster than they are read are merged, and the newest state is
    /// never lost. The channel closes when the source is lost: watch again then. Dropping the receiver ends
    /// the watch.
    fn watch(
        &self,
        guarded: Vec<Guarded>,
    ) -> Pending<'_, tokio::sync::mpsc::Receiver<AddressEvent>>;

    /// Puts the address on its NIC. Present there with the same prefix (whatever the label): already so.
    /// Present with another prefix or on another NIC: removed there first.
    fn add<'a>(&'a self, wanted: &'a VirtualAddress) -> Pending<'a, Change>;

    /// Gives the address, where it stands, this lifetime from now on: the host takes it away by itself unless it is
    /// renewed within that time. Whole seconds, rounded down, at least one. `None`: it stays until it is removed.
    /// An address that does not stand here is no error: [`Change::AlreadySo`].
    fn renew(&self, address: IpAddr, lifetime: Option<Duration>) -> Pending<'_, Change>;

    /// Removes the address wherever it stands, whatever prefix, label or NIC it has there.
    fn remove(&self, address: IpAddr) -> Pending<'_, Change>;

    /// Tells the subnet who has the address now: gratuitous ARP in request and reply form, or an unsolicited
    /// neighbour advertisement. Sends at once and waits for nothing; repeating it is the caller's business.
    fn announce<'a>(&'a self, address: IpAddr, interface: &'a str) -> Pending<'a, ()>;

    /// Asks the subnet who else has the address (ARP probe, neighbour solicitation) and waits for an answer
    /// at most `wait`. The host's own hold on the address is no answer.
    fn probe<'a>(
        &'a self,
        address: IpAddr,
        interface: &'a str,
        wait: Duration,
    ) -> Pending<'a, ProbeAnswer>;
}
