//! Owns the picture of the host's NICs and addresses, built from netlink messages: a listing first, then notices of
//! changes. Pure; `watching.rs` feeds it and `kernel.rs` takes snapshots from it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::{HeldAddress, MacAddress, Nic, Snapshot};

/// NICs and addresses, by the kernel's interface numbers: names can change.
#[derive(Debug, Default, Clone)]
pub(super) struct Table {
    nics: BTreeMap<u32, Nic>,
    addresses: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    index: u32,
    address: IpAddr,
    prefix: u8,
    label: Option<String>,
}

impl Table {
    /// The table that the two listings describe.
    pub(super) fn of(links: Vec<LinkMessage>, addresses: Vec<AddressMessage>) -> Self {
        let mut table = Self::default();
        for link in links {
            table.apply(&RouteNetlinkMessage::NewLink(link));
        }
        for address in addresses {
            table.apply(&RouteNetlinkMessage::NewAddress(address));
        }
        table
    }

    /// Takes in one listed item or notice. Applying the same one twice changes nothing.
    pub(super) fn apply(&mut self, message: &RouteNetlinkMessage) {
        match message {
            RouteNetlinkMessage::NewLink(link) => self.put_link(link),
            RouteNetlinkMessage::DelLink(link) if speaks_of_the_nic(link) => {
                self.nics.remove(&link.header.index);
                self.addresses
                    .retain(|entry| entry.index != link.header.index);
            }
            RouteNetlinkMessage::NewAddress(message) => self.put_address(message),
            RouteNetlinkMessage::DelAddress(message) => {
                if let Some(address) = address_of(message) {
                    self.forget(message.header.index, address, message.header.prefix_len);
                }
            }
            _ => {}
        }
    }

    /// The state in the crate's own words.
    pub(super) fn snapshot(&self) -> Snapshot {
        let addresses = self.addresses.iter().filter_map(|entry| {
            // An address can be told before its NIC; it counts once it has a name to stand on.
            let interface = self.nics.get(&entry.index)?.name.clone();
            Some(HeldAddress {
                address: entry.address,
                prefix: entry.prefix,
                label: entry.label.clone().filter(|label| *label != interface),
                interface,
            })
        });
        Snapshot {
            addresses: addresses.collect(),
            nics: self.nics.values().cloned().collect(),
        }
    }

    /// The number of the NIC called `interface`.
    pub(super) fn index_of(&self, interface: &str) -> Option<u32> {
        self.nics
            .values()
            .find(|nic| nic.name == interface)
            .map(|nic| nic.index)
    }

    /// The numbers of all NICs.
    pub(super) fn indexes(&self) -> BTreeSet<u32> {
        self.nics.keys().copied().collect()
    }

    /// Whether one of the host's own NICs has this hardware address.
    pub(super) fn is_own(&self, mac: MacAddress) -> bool {
        self.nics.values().any(|nic| nic.mac == Some(mac))
    }

    fn put_link(&mut self, link: &LinkMessage) {
        if !speaks_of_the_nic(link) {
            return;
        }
        let mut nic = nic_of(link);
        // Some notices are partial.
        if let Some(known) = self.nics.get(&nic.index) {
            if nic.name.is_empty() {
                nic.name.clone_from(&known.name);
            }
            nic.mac = nic.mac.or(known.mac);
        }
        self.nics.insert(nic.index, nic);
    }

    fn put_address(&mut self, message: &AddressMessage) {
        let Some(address) = address_of(message) else {
            return;
        };
        let (index, prefix) = (message.header.index, message.header.prefix_len);
        if is_unusable(message) {
            self.forget(index, address, prefix);
            return;
        }
        let label = label_of(message);
        let known = self
            .addresses
            .iter_mut()
            .find(|entry| (entry.index, entry.address, entry.prefix) == (index, address, prefix));
        match known {
            Some(entry) => entry.label = label,
            None => {
                // Where a listing would show it: by NIC, IPv4 before IPv6, the youngest last.
                let rank = (index, address.is_ipv6());
                let at = self
                    .addresses
                    .partition_point(|entry| (entry.index, entry.address.is_ipv6()) <= rank);
                let entry = Entry {
                    index,
                    address,
                    prefix,
                    label,
                };
                self.addresses.insert(at, entry);
            }
        }
    }

    fn forget(&mut self, index: u32, address: IpAddr, prefix: u8) {
        self.addresses
            .retain(|entry| (entry.index, entry.address, entry.prefix) != (index, address, prefix));
    }
}

/// The host's own address in the message. On point-to-point links the other one belongs to the far end.
pub(super) fn address_of(message: &AddressMessage) -> Option<IpAddr> {
    let mut found = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => return Some(*address),
            AddressAttribute::Address(address) => found = Some(*address),
            _ => {}
        }
    }
    found
}

/// The flags, from the attribute that has room for all of them where there is one.
pub(super) fn flags_of(message: &AddressMessage) -> AddressFlags {
    message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            AddressAttribute::Flags(flags) => Some(*flags),
            _ => None,
        })
        .unwrap_or_else(|| AddressFlags::from_bits_retain(message.header.flags.bits().into()))
}

/// The kernel lists an IPv6 address that failed duplicate detection, but never uses it.
pub(super) fn is_unusable(message: &AddressMessage) -> bool {
    flags_of(message).contains(AddressFlags::Dadfailed)
}

fn label_of(message: &AddressMessage) -> Option<String> {
    message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            AddressAttribute::Label(label) => Some(label.clone()),
            _ => None,
        })
}

/// The NIC that a link message describes.
pub(super) fn nic_of(link: &LinkMessage) -> Nic {
    let mut name = String::new();
    let mut mac = None;
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name.clone_from(text),
            LinkAttribute::Address(bytes) => mac = MacAddress::try_from(bytes.as_slice()).ok(),
            _ => {}
        }
    }
    Nic {
        name,
        index: link.header.index,
        up: link.header.flags.contains(LinkFlags::Up),
        carrier: link.header.flags.contains(LinkFlags::LowerUp),
        mac,
    }
}

/// Bridges send link messages of their own family about their ports: "gone" then means gone from the bridge.
fn speaks_of_the_nic(link: &LinkMessage) -> bool {
    link.header.interface_family == AddressFamily::Unspec
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str, flags: LinkFlags) -> LinkMessage {
        let mut link = LinkMessage::default();
        link.header.index = index;
        link.header.flags = flags;
        link.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::Address(vec![2, 0, 0, 0, 0, u8::try_from(index).expect("small")]),
        ];
        link
    }

    fn address(index: u32, text: &str, prefix: u8, label: Option<&str>) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.index = index;
        message.header.prefix_len = prefix;
        message.attributes = vec![AddressAttribute::Address(text.parse().expect("literal"))];
        message
            .attributes
            .extend(label.map(|label| AddressAttribute::Label(label.to_owned())));
        message
    }

    fn two_nics() -> Table {
        Table::of(
            vec![
                link(1, "lo", LinkFlags::Up | LinkFlags::LowerUp),
                link(2, "eth0", LinkFlags::Up | LinkFlags::LowerUp),
            ],
            vec![
                address(1, "127.0.0.1", 8, Some("lo")),
                address(2, "10.10.11.101", 24, Some("eth0")),
            ],
        )
    }

    fn addresses(table: &Table) -> Vec<String> {
        let show = |held: &HeldAddress| {
            let label = held.label.as_deref().unwrap_or("-");
            format!(
                "{}/{} {} {label}",
                held.address, held.prefix, held.interface
            )
        };
        table.snapshot().addresses.iter().map(show).collect()
    }

    #[test]
    fn notices_bring_the_picture_up_to_date_and_twice_the_same_changes_nothing() {
        let mut table = two_nics();
        let vip = address(2, "10.10.11.103", 24, Some("eth0:1"));
        for _ in 0..2 {
            table.apply(&RouteNetlinkMessage::NewAddress(vip.clone()));
            table.apply(&RouteNetlinkMessage::NewAddress(address(
                2,
                "fd00::103",
                64,
                None,
            )));
        }
        let before = [
            "127.0.0.1/8 lo -",
            "10.10.11.101/24 eth0 -",
            "10.10.11.103/24 eth0 eth0:1",
            "fd00::103/64 eth0 -",
        ];
        assert_eq!(addresses(&table), before);

        table.apply(&RouteNetlinkMessage::DelAddress(vip.clone()));
        table.apply(&RouteNetlinkMessage::DelAddress(vip));
        assert_eq!(addresses(&table), [before[0], before[1], before[3]]);
    }

    #[test]
    fn a_nic_that_goes_takes_its_addresses_along() {
        let mut table = two_nics();
        table.apply(&RouteNetlinkMessage::DelLink(link(
            2,
            "eth0",
            LinkFlags::empty(),
        )));
        assert_eq!(addresses(&table), ["127.0.0.1/8 lo -"]);
        assert_eq!(table.index_of("eth0"), None);
    }

    #[test]
    fn a_nic_that_leaves_a_bridge_is_still_there() {
        let mut table = two_nics();
        let mut left = link(2, "eth0", LinkFlags::empty());
        left.header.interface_family = AddressFamily::Bridge;
        table.apply(&RouteNetlinkMessage::DelLink(left.clone()));
        table.apply(&RouteNetlinkMessage::NewLink(left));
        assert_eq!(table.snapshot().carrier("eth0"), Some(true));
    }

    #[test]
    fn a_pulled_cable_and_a_new_name_are_seen() {
        let mut table = two_nics();
        table.apply(&RouteNetlinkMessage::NewLink(link(
            2,
            "sip0",
            LinkFlags::Up,
        )));
        let snapshot = table.snapshot();
        assert_eq!(snapshot.carrier("sip0"), Some(false));
        assert_eq!(snapshot.carrier("eth0"), None);
        let held = snapshot
            .holder_of("10.10.11.101".parse().expect("literal"))
            .expect("still held");
        assert_eq!(held.interface, "sip0");
    }

    #[test]
    fn an_address_that_failed_duplicate_detection_is_held_by_nobody() {
        let mut table = two_nics();
        let good = address(2, "fd00::103", 64, None);
        let mut bad = good.clone();
        bad.attributes
            .push(AddressAttribute::Flags(AddressFlags::Dadfailed));
        table.apply(&RouteNetlinkMessage::NewAddress(good));
        table.apply(&RouteNetlinkMessage::NewAddress(bad));
        let vip = "fd00::103".parse().expect("literal");
        assert_eq!(table.snapshot().holder_of(vip), None);
    }
}
