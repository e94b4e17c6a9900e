//! Owns the addresses of this Linux host: [`Kernel`] answers and acts through netlink and through held packet sockets.
//! Its parts: `requests.rs` asks and orders, `table.rs` is the picture, `watching.rs` follows changes, `packets.rs`
//! speaks and listens on the wire, `secondaries.rs` keeps a removal from taking other addresses along.
//!
//! Whatever is done here is done in the network namespace of the thread that first needs each socket: enter a
//! namespace before the process starts a runtime.

mod lifetime;
mod packets;
mod requests;
mod secondaries;
mod table;
mod watching;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope,
};
use rtnetlink::packet_route::link::{LinkFlags, LinkMessage};
use tokio::sync::mpsc;

use self::packets::{Packets, Sighting};
use self::requests::{RequestError, Requests};
use self::table::{Table, address_of, is_unusable, nic_of};
use crate::{
    AddressError, AddressEvent, Addresses, Change, Guarded, MacAddress, Pending, ProbeAnswer,
    Snapshot, VirtualAddress, frames,
};

/// Claims that wait for a probe; one is enough.
const CLAIMS: usize = 16;
/// Questions of one probe: a single one may be lost.
const QUESTIONS: u32 = 4;
/// Questions follow each other no faster than this.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(20);

/// The addresses of the host this process runs on. Cheap to clone; clones share the sockets.
///
/// Reading needs no privilege, [`add`](Addresses::add) and [`remove`](Addresses::remove) need CAP_NET_ADMIN,
/// [`announce`](Addresses::announce), [`probe`](Addresses::probe) and guarded watches CAP_NET_RAW.
///
/// A pulled cable is reported when the kernel says so, which for a physical NIC can be up to a second after the driver
/// noticed: it limits such notices to one a second.
#[derive(Clone)]
pub struct Kernel {
    parts: Arc<Parts>,
}

struct Parts {
    requests: Requests,
    packets: Packets,
}

impl Kernel {
    /// Opens the netlink socket for questions and orders; packet sockets follow when they are first needed.
    ///
    /// # Errors
    ///
    /// [`AddressError::Unreachable`] where netlink is not to be had.
    pub fn open() -> Result<Self, AddressError> {
        let requests =
            Requests::open().map_err(|error| lost("opening a netlink socket", &error))?;
        let parts = Parts {
            requests,
            packets: Packets::default(),
        };
        Ok(Self {
            parts: Arc::new(parts),
        })
    }

    /// Opens the socket for announcements now, so that the first one costs no more than the others.
    ///
    /// # Errors
    ///
    /// [`AddressError::NotPermitted`] without CAP_NET_RAW.
    pub fn hold_sockets(&self) -> Result<(), AddressError> {
        self.parts
            .packets
            .hold_voice()
            .map(drop)
            .map_err(|error| named("opening a packet socket", &error))
    }
}

impl Addresses for Kernel {
    fn snapshot(&self) -> Pending<'_, Snapshot> {
        Box::pin(async { self.parts.table().map(|table| table.snapshot()) })
    }

    fn watch(&self, guarded: Vec<Guarded>) -> Pending<'_, mpsc::Receiver<AddressEvent>> {
        Box::pin(async { watching::begin(Arc::clone(&self.parts), guarded) })
    }

    fn add<'a>(&'a self, wanted: &'a VirtualAddress) -> Pending<'a, Change> {
        Box::pin(async { self.parts.add(wanted) })
    }

    fn renew(&self, address: IpAddr, lifetime: Option<Duration>) -> Pending<'_, Change> {
        Box::pin(async move { self.parts.renew(address, lifetime) })
    }

    fn remove(&self, address: IpAddr) -> Pending<'_, Change> {
        Box::pin(async move { self.parts.remove(address) })
    }

    fn announce<'a>(&'a self, address: IpAddr, interface: &'a str) -> Pending<'a, ()> {
        Box::pin(async move { self.parts.announce(address, interface) })
    }

    fn probe<'a>(
        &'a self,
        address: IpAddr,
        interface: &'a str,
        wait: Duration,
    ) -> Pending<'a, ProbeAnswer> {
        Box::pin(self.parts.probe(address, interface, wait))
    }
}

impl Parts {
    fn table(&self) -> Result<Table, AddressError> {
        let operation = "reading the host's addresses";
        let links = self
            .requests
            .links()
            .map_err(|error| failed(operation, error))?;
        let addresses = self
            .requests
            .addresses(AddressFamily::Unspec)
            .map_err(|error| failed(operation, error))?;
        Ok(Table::of(links, addresses))
    }

    fn add(&self, wanted: &VirtualAddress) -> Result<Change, AddressError> {
        let operation = format!("adding {wanted}");
        let longest = if wanted.address.is_ipv4() { 32 } else { 128 };
        if wanted.prefix > longest {
            return Err(AddressError::Refused {
                operation,
                reason: format!("a prefix has at most {longest} bits here"),
            });
        }
        let index = self.link(&wanted.interface)?.header.index;
        let all = self.listed(wanted.address, &operation)?;
        let mut change = Change::AlreadySo;
        let mut stands = false;
        for found in holding(&all, wanted.address) {
            let place = (found.header.index, found.header.prefix_len);
            if place == (index, wanted.prefix) && !is_unusable(found) {
                stands = true;
            } else {
                self.take_away(found, &all, &operation)?;
                change = Change::Done;
            }
        }
        if stands {
            return Ok(change);
        }
        match self.requests.add(addition(wanted, index)) {
            Ok(()) => Ok(Change::Done),
            // Somebody else was quicker with the same.
            Err(RequestError::Refused(error)) if error.raw_os_error() == Some(libc::EEXIST) => {
                Ok(change)
            }
            Err(error) => Err(failed(&operation, error)),
        }
    }

    fn renew(&self, address: IpAddr, lifetime: Option<Duration>) -> Result<Change, AddressError> {
        let operation = format!("renewing {address}");
        let all = self.listed(address, &operation)?;
        let mut change = Change::AlreadySo;
        for found in holding(&all, address) {
            match self.requests.replace(lifetime::renewal(found, lifetime)) {
                Ok(()) => change = Change::Done,
                Err(error) => return Err(failed(&operation, error)),
            }
        }
        Ok(change)
    }

    fn remove(&self, address: IpAddr) -> Result<Change, AddressError> {
        let operation = format!("removing {address}");
        let all = self.listed(address, &operation)?;
        let mut change = Change::AlreadySo;
        for found in holding(&all, address) {
            self.take_away(found, &all, &operation)?;
            change = Change::Done;
        }
        Ok(change)
    }

    /// Removes one occurrence, and sees to it that the other addresses of `all` stay.
    fn take_away(
        &self,
        found: &AddressMessage,
        all: &[AddressMessage],
        operation: &str,
    ) -> Result<(), AddressError> {
        let fail = |error| failed(operation, error);
        let address = address_of(found);
        let mut companions = secondaries::companions(found, all);
        companions.retain(|companion| address_of(companion) != address);
        let promotion = match companions.is_empty() {
            true => None,
            false => self
                .interface_name(found.header.index, operation)?
                .map(|interface| secondaries::Promotion::on(&interface)),
        };
        match self.requests.remove(removal(found)) {
            Ok(()) => {}
            // Gone meanwhile: as wanted.
            Err(RequestError::Refused(error))
                if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) => {}
            Err(error) => return Err(fail(error)),
        }
        drop(promotion);
        if companions.is_empty() {
            return Ok(());
        }
        let left = self.requests.addresses(AddressFamily::Inet).map_err(fail)?;
        for companion in companions {
            let place = |message: &AddressMessage| (message.header.index, address_of(message));
            if !left.iter().any(|other| place(other) == place(companion)) {
                self.requests
                    .add(secondaries::restoration(companion))
                    .map_err(fail)?;
            }
        }
        Ok(())
    }

    fn announce(&self, address: IpAddr, interface: &str) -> Result<(), AddressError> {
        let operation = format!("announcing {address} on {interface}");
        let link = self.link(interface)?;
        let Some(mac) = mac_for_neighbours(&link) else {
            return Ok(());
        };
        for frame in frames::announcement(mac, address) {
            self.packets
                .send(link.header.index, &frame)
                .map_err(|error| named(&operation, &error))?;
        }
        Ok(())
    }

    async fn probe(
        &self,
        address: IpAddr,
        interface: &str,
        wait: Duration,
    ) -> Result<ProbeAnswer, AddressError> {
        let operation = format!("asking for {address} on {interface}");
        let link = self.link(interface)?;
        let index = link.header.index;
        let Some(mac) = mac_for_neighbours(&link) else {
            return Ok(ProbeAnswer::Free);
        };
        let table = self.table()?;
        let (claims_in, mut claims) = mpsc::channel(CLAIMS);
        self.packets
            .listen(index, address, claims_in)
            .map_err(|error| named(&operation, &error))?;
        let question = frames::question(mac, address);
        let heard = async {
            let pause = (wait / QUESTIONS).max(BETWEEN_QUESTIONS);
            loop {
                self.packets
                    .send(index, &question)
                    .map_err(|error| named(&operation, &error))?;
                let answer = first_holder(&mut claims, address, &table);
                if let Ok(holder) = tokio::time::timeout(pause, answer).await {
                    return Ok(ProbeAnswer::HeldBy(holder));
                }
            }
        };
        tokio::time::timeout(wait, heard)
            .await
            .unwrap_or(Ok(ProbeAnswer::Free))
    }

    fn link(&self, interface: &str) -> Result<LinkMessage, AddressError> {
        let operation = format!("looking for interface {interface}");
        self.requests
            .link_named(interface)
            .map_err(|error| failed(&operation, error))?
            .ok_or_else(|| AddressError::NoSuchInterface {
                interface: interface.to_owned(),
            })
    }

    fn interface_name(&self, index: u32, operation: &str) -> Result<Option<String>, AddressError> {
        let links = self
            .requests
            .links()
            .map_err(|error| failed(operation, error))?;
        let found = links.iter().find(|link| link.header.index == index);
        Ok(found.map(|link| nic_of(link).name))
    }

    /// All addresses of the family of `address`.
    fn listed(
        &self,
        address: IpAddr,
        operation: &str,
    ) -> Result<Vec<AddressMessage>, AddressError> {
        self.requests
            .addresses(family_of(address))
            .map_err(|error| failed(operation, error))
    }
}

/// The first host that claims the address and is not this one. Waits for ever: the caller bounds it.
async fn first_holder(
    claims: &mut mpsc::Receiver<Sighting>,
    address: IpAddr,
    table: &Table,
) -> MacAddress {
    loop {
        match claims.recv().await {
            Some(Sighting { claim, .. })
                if claim.address == address && !table.is_own(claim.mac) =>
            {
                return claim.mac;
            }
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}

fn family_of(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn holding(all: &[AddressMessage], address: IpAddr) -> impl Iterator<Item = &AddressMessage> {
    all.iter()
        .filter(move |message| address_of(message) == Some(address))
}

/// IPv6 without duplicate address detection: it would leave the VIP unusable for a second or two, and that no other
/// host holds it was settled before.
fn addition(wanted: &VirtualAddress, index: u32) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family_of(wanted.address);
    message.header.prefix_len = wanted.prefix;
    message.header.index = index;
    message.attributes = vec![
        AddressAttribute::Local(wanted.address),
        AddressAttribute::Address(wanted.address),
    ];
    if wanted.address.is_loopback() {
        message.header.scope = AddressScope::Host;
    }
    if wanted.address.is_ipv6() {
        message.header.flags = AddressHeaderFlags::Nodad;
        let nodad = AddressAttribute::Flags(AddressFlags::Nodad);
        message.attributes.push(nodad);
    } else {
        let label = wanted.label.clone().map(AddressAttribute::Label);
        message.attributes.extend(label);
    }
    message
}

/// Names what makes the occurrence unique and nothing that may differ, the label above all.
fn removal(found: &AddressMessage) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = found.header.family;
    message.header.prefix_len = found.header.prefix_len;
    message.header.index = found.header.index;
    message.attributes = found
        .attributes
        .iter()
        .filter(|attribute| {
            matches!(
                attribute,
                AddressAttribute::Local(_) | AddressAttribute::Address(_)
            )
        })
        .cloned()
        .collect();
    message
}

/// `None` where there are no neighbours to tell or ask: loopback, and links without addresses of their own.
fn mac_for_neighbours(link: &LinkMessage) -> Option<MacAddress> {
    let without = LinkFlags::Loopback | LinkFlags::Noarp;
    match link.header.flags.intersects(without) {
        true => None,
        false => nic_of(link).mac,
    }
}

fn failed(operation: &str, error: RequestError) -> AddressError {
    match error {
        RequestError::Refused(error) => named(operation, &error),
        RequestError::Lost(error) => lost(operation, &error),
    }
}

fn lost(operation: &str, error: &io::Error) -> AddressError {
    AddressError::Unreachable {
        operation: operation.to_owned(),
        reason: error.to_string(),
    }
}

/// What the kernel's refusal means here, with what to do about it where its own text does not say.
fn named(operation: &str, error: &io::Error) -> AddressError {
    let operation = operation.to_owned();
    let reason = match error.raw_os_error() {
        Some(libc::EPERM) => return AddressError::NotPermitted { operation },
        Some(libc::EACCES) => format!("{error}; is IPv6 switched off on this interface?"),
        Some(libc::ENETDOWN) => format!("{error}; switch the interface on first"),
        Some(libc::ERANGE) => format!("{error}; a label has at most 15 characters"),
        _ => error.to_string(),
    };
    AddressError::Refused { operation, reason }
}
