//! Owns the words that a client of the emulated network and the emulator exchange over the emulator's Unix
//! socket. One connection is one conversation: the client sends a [`Hello`] and one [`Request`] in one go,
//! the emulator sends one [`Answer`]; watches, observers and datagram sockets then stay open and carry
//! further frames. Framing and its limits are in [`crate::Frame`]; what an answer is decided from is the
//! emulator's business.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use changeover_virtual_ip::{
    AddressError, AddressEvent, Change, Guarded, HeldAddress, MacAddress, ProbeAnswer, Snapshot,
    VirtualAddress,
};
use serde::{Deserialize, Serialize};

use crate::{NlbAnswer, NlbCall, Observation};

/// The protocol's version; both ends come from one release, so there is exactly one that works.
pub const VERSION: u32 = 1;

/// The first frame of every connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The client's [`VERSION`].
    pub version: u32,
    /// The emulated host the client runs on; absent for whoever controls the network from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// What a client wants. Requests up to [`Request::Ping`] need a host in the hello.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Is the emulator there, and does it know the host?
    Hello,
    /// `Addresses::snapshot`.
    Snapshot,
    /// `Addresses::watch`; answered by [`Answer::Event`]s until the client leaves.
    Watch {
        /// Whose rivals shall be reported.
        guarded: Vec<Guarded>,
    },
    /// `Addresses::add`.
    Add {
        /// The address as it shall stand.
        wanted: VirtualAddress,
    },
    /// `Addresses::remove`.
    Remove {
        /// The address to remove.
        address: IpAddr,
    },
    /// `Addresses::renew`.
    Renew {
        /// The address.
        address: IpAddr,
        /// It goes after this by itself, in milliseconds; absent = it stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lifetime_ms: Option<u64>,
    },
    /// `Addresses::announce`.
    Announce {
        /// The address to announce.
        address: IpAddr,
        /// The NIC to announce it on.
        interface: String,
    },
    /// `Addresses::probe`.
    Probe {
        /// The address to ask for.
        address: IpAddr,
        /// The NIC to ask on.
        interface: String,
        /// How long to wait for an answer, in milliseconds.
        wait_ms: u64,
    },
    /// Where must a listener for this site address be bound?
    Place {
        /// The site's address.
        address: IpAddr,
    },
    /// Connect me with that address; not answered while the peer is silent.
    Dial {
        /// The peer, in the site's own addresses.
        to: SocketAddr,
    },
    /// Does the host at that address answer at all? Not answered while it is silent.
    Echo {
        /// The address to ask.
        to: IpAddr,
    },
    /// A datagram socket on a site address; answered by [`Answer::Opened`], then datagram frames both ways.
    Datagrams {
        /// The site's address and port; port 0 takes a free one.
        at: SocketAddr,
    },
    /// A platform command begins: waits out a delay that was ordered for this host, and may be told to fail.
    BeginCommand {
        /// The command as typed, for the record.
        command: String,
    },
    /// What a platform command asks its kernel.
    Kernel(KernelCall),
    /// What `wlbs.exe` asks of an NLB cluster.
    Nlb(NlbCall),
    /// From here on: control from outside. Plugs a NIC in.
    Plug {
        /// The host.
        host: String,
        /// Its NIC.
        interface: String,
    },
    /// Pulls a NIC's cable.
    Unplug {
        /// The host.
        host: String,
        /// Its NIC.
        interface: String,
    },
    /// Every later command on the host starts that much late; 0 ends it.
    DelayCommands {
        /// The host.
        host: String,
        /// Milliseconds.
        delay_ms: u64,
    },
    /// That many of the next commands on the host fail without an effect.
    FailCommands {
        /// The host.
        host: String,
        /// How many.
        count: u32,
    },
    /// That many of the host's next announcements are lost on the way.
    DropAnnouncements {
        /// The host.
        host: String,
        /// How many.
        count: u32,
    },
    /// Whom does a station's ARP table name for an address?
    ArpEntry {
        /// The station: a host, or a neighbour of the site description.
        station: String,
        /// The address.
        address: IpAddr,
    },
    /// Everything the emulator knows, as JSON for people and reports.
    State,
    /// Follow who holds the watched addresses; answered by [`Answer::Observed`]s.
    Observe {
        /// Begin after this observation; 0 for all that are remembered.
        after: u64,
    },
    /// Where a site address is on this machine, for a client outside the emulated network.
    RealAddress {
        /// The site's address.
        address: IpAddr,
    },
}

/// What the emulator answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Done, nothing to add.
    Done,
    /// The request makes no sense here: unknown host, wrong version, unusable address.
    Refused(String),
    /// For the requests of the `Addresses` trait.
    AddressError(AddressError),
    /// For [`Request::Snapshot`].
    Snapshot(Snapshot),
    /// For [`Request::Watch`], repeatedly.
    Event(AddressEvent),
    /// For [`Request::Add`] and [`Request::Remove`].
    Changed(Change),
    /// For [`Request::Probe`].
    Probed(ProbeAnswer),
    /// For [`Request::Place`] and [`Request::RealAddress`].
    Real(IpAddr),
    /// For [`Request::Dial`].
    Dialled(Dialled),
    /// For [`Request::Datagrams`].
    Opened {
        /// The site's address and port, the port filled in.
        at: SocketAddr,
    },
    /// For [`Request::BeginCommand`].
    Command(CommandStart),
    /// For [`Request::Kernel`] calls that fail.
    Errno(Errno),
    /// For [`KernelCall::Links`].
    Links(Vec<Link>),
    /// For [`KernelCall::Kept`]; empty when there is nothing.
    Kept(String),
    /// For [`Request::Nlb`].
    Nlb(NlbAnswer),
    /// For [`Request::ArpEntry`]: the host, if there is an entry.
    ArpEntry(Option<String>),
    /// For [`Request::State`].
    State(serde_json::Value),
    /// For [`Request::Observe`], repeatedly.
    Observed(Observation),
}

/// What became of a dial that got an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialled {
    /// Connect there: the other end of a relay that waits for exactly one connection.
    Relay(SocketAddr),
    /// Connect there: the peer is on the caller's own host.
    Direct(SocketAddr),
    /// The peer answered that nothing listens there.
    Refused,
    /// No way there, or nobody has the address.
    NoRoute,
}

/// How a platform command may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandStart {
    /// Go on.
    Proceed,
    /// Fail now, without an effect.
    Fail,
}

/// The system calls of the platform commands, with the kernel's meaning rather than a wish's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KernelCall {
    /// All NICs with all addresses (RTM_GETLINK, RTM_GETADDR).
    Links,
    /// SIOCSIFFLAGS with or without IFF_UP, on a NIC or a label.
    SetUp {
        /// `eth0` or `eth0:1`.
        name: String,
        /// The flag.
        up: bool,
    },
    /// SIOCSIFADDR.
    SetAddress {
        /// `eth0` or `eth0:1`.
        name: String,
        /// The address; 0.0.0.0 removes.
        address: Ipv4Addr,
    },
    /// SIOCSIFNETMASK.
    SetNetmask {
        /// `eth0` or `eth0:1`.
        name: String,
        /// The mask.
        mask: Ipv4Addr,
    },
    /// SIOCSIFBRDADDR.
    SetBroadcast {
        /// `eth0` or `eth0:1`.
        name: String,
        /// The broadcast address.
        broadcast: Ipv4Addr,
    },
    /// RTM_NEWADDR, or SIOCSIFADDR of IPv6.
    AddAddress {
        /// Name of the NIC.
        interface: String,
        /// The address.
        address: IpAddr,
        /// Its prefix in bits.
        prefix: u8,
        /// Its label, if not the NIC's name.
        label: Option<String>,
        /// Its broadcast address.
        broadcast: Option<Ipv4Addr>,
        /// No error when it is there already (`ip addr replace`).
        replace: bool,
    },
    /// RTM_DELADDR, or SIOCDIFADDR of IPv6.
    DeleteAddress {
        /// Name of the NIC.
        interface: String,
        /// The address.
        address: IpAddr,
        /// Only with this prefix; any if absent.
        prefix: Option<u8>,
        /// Only with this label; any if absent.
        label: Option<String>,
    },
    /// Entries of the host's own ARP table go: one, or all.
    FlushNeighbours {
        /// Whose; all if absent.
        address: Option<IpAddr>,
    },
    /// The platform keeps something of its own until the network ends, such as a logical interface that is plumbed
    /// but not up. Answered by [`Answer::Done`].
    Keep {
        /// Under this name, per host.
        name: String,
        /// Empty removes it.
        value: String,
    },
    /// What was kept under a name; answered by [`Answer::Kept`].
    Kept {
        /// The name.
        name: String,
    },
}

/// The kernel's refusals that platform commands can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Errno {
    /// ENODEV.
    #[error("No such device")]
    NoSuchDevice,
    /// EADDRNOTAVAIL.
    #[error("Cannot assign requested address")]
    AddressNotAvailable,
    /// EEXIST.
    #[error("File exists")]
    Exists,
    /// EINVAL.
    #[error("Invalid argument")]
    InvalidArgument,
}

/// A NIC as a platform command sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its number on the host, from 1.
    pub index: u32,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether its cable is plugged.
    pub carrier: bool,
    /// Its hardware address; `None` for the loopback.
    pub mac: Option<MacAddress>,
    /// Its addresses in the kernel's order.
    pub addresses: Vec<LinkAddress>,
}

/// An address as a platform command sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkAddress {
    /// Address, prefix, NIC and label.
    pub held: HeldAddress,
    /// IPv4 broadcast address, if one is set.
    pub broadcast: Option<Ipv4Addr>,
    /// Whether another address of the same network stands before it on the NIC.
    pub secondary: bool,
}
