//! Owns one NIC and the addresses on it, with the meaning that Linux gives to labels, classful masks and
//! repeated orders (`devinet.c`, SIOCSIF…, RTM_NEWADDR and RTM_DELADDR). Which NIC is meant, and who hears
//! of a change, is [`super::Subnet`]'s.

use std::net::{IpAddr, Ipv4Addr};

use changeover_emulated_nic::protocol::{Errno, Link, LinkAddress};
use changeover_virtual_ip::{HeldAddress, MacAddress};
use ipnet::IpNet;

/// A NIC.
#[derive(Debug, Clone)]
pub(super) struct Nic {
    pub(super) name: String,
    pub(super) index: u32,
    pub(super) mac: Option<MacAddress>,
    /// `None`: the loopback.
    pub(super) segment: Option<String>,
    pub(super) up: bool,
    pub(super) carrier: bool,
    pub(super) addresses: Vec<Standing>,
}

/// An address on a NIC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) net: IpNet,
    /// The NIC's name where no label was given.
    pub(super) label: String,
    pub(super) broadcast: Option<Ipv4Addr>,
    /// The host's own from the site description, no Virtual IP.
    pub(super) own: bool,
    /// It goes by itself then, by the monotonic clock in nanoseconds.
    pub(super) until_ns: Option<u64>,
}

/// The prefix that SIOCSIFADDR gives an address: its class decides. `None` for multicast.
pub(super) fn classful_prefix(address: Ipv4Addr) -> Option<u8> {
    match address.octets()[0] {
        0 => Some(0),
        1..=127 => Some(8),
        128..=191 => Some(16),
        192..=223 => Some(24),
        224..=239 => None,
        240..=255 => Some(32),
    }
}

fn broadcast_of(address: Ipv4Addr, prefix: u8) -> Option<Ipv4Addr> {
    let host_bits = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    (prefix < 31).then(|| Ipv4Addr::from(u32::from(address) | host_bits))
}

/// The prefix of a mask, if its ones stand together.
fn prefix_of(mask: Ipv4Addr) -> Option<u8> {
    ipnet::ip_mask_to_prefix(IpAddr::V4(mask)).ok()
}

impl Nic {
    /// Whether frames get through: switched on and plugged.
    pub(super) fn reachable(&self) -> bool {
        self.up && self.carrier && self.segment.is_some()
    }

    pub(super) fn holds(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|one| one.net.addr() == address)
    }

    fn labelled(&self, label: &str) -> Option<usize> {
        self.addresses
            .iter()
            .position(|one| one.label == label && one.net.addr().is_ipv4())
    }

    fn is_secondary(&self, position: usize) -> bool {
        let one = &self.addresses[position];
        one.net.addr().is_ipv4()
            && self.addresses[..position].iter().any(|before| {
                before.net.prefix_len() == one.net.prefix_len()
                    && before.net.network() == one.net.network()
            })
    }

    /// RTM_NEWADDR: the same address may stand twice with different prefixes, but not with the same. An
    /// address of a network that is not there yet goes before all secondary ones, IPv6 after all IPv4.
    pub(super) fn insert(&mut self, new: Standing) -> Result<(), Errno> {
        if self.addresses.iter().any(|one| one.net == new.net) {
            return Err(Errno::Exists);
        }
        let end_of_ipv4 = self
            .addresses
            .iter()
            .position(|one| one.net.addr().is_ipv6())
            .unwrap_or(self.addresses.len());
        let second_of_its_network = self.addresses.iter().any(|one| {
            one.net.prefix_len() == new.net.prefix_len() && one.net.network() == new.net.network()
        });
        let place = if new.net.addr().is_ipv6() {
            self.addresses.len()
        } else if second_of_its_network {
            end_of_ipv4
        } else {
            (0..end_of_ipv4)
                .find(|position| self.is_secondary(*position))
                .unwrap_or(end_of_ipv4)
        };
        self.addresses.insert(place, new);
        Ok(())
    }

    /// RTM_DELADDR: the first that matches everything that was given.
    pub(super) fn delete(
        &mut self,
        address: IpAddr,
        prefix: Option<u8>,
        label: Option<&str>,
    ) -> Result<(), Errno> {
        let position = self.addresses.iter().position(|one| {
            one.net.addr() == address
                && prefix.is_none_or(|prefix| prefix == one.net.prefix_len())
                && label.is_none_or(|label| label == one.label)
        });
        match position {
            Some(position) => {
                self.addresses.remove(position);
                Ok(())
            }
            None => Err(Errno::AddressNotAvailable),
        }
    }

    /// Takes the address away wherever it stands here; whether it stood.
    pub(super) fn delete_all(&mut self, address: IpAddr) -> bool {
        let before = self.addresses.len();
        self.addresses.retain(|one| one.net.addr() != address);
        self.addresses.len() != before
    }

    /// SIOCSIFADDR on a label (or the NIC's own name): replaces what stands under it, with a classful mask.
    pub(super) fn set_address(&mut self, label: &str, address: Ipv4Addr) -> Result<(), Errno> {
        let prefix = classful_prefix(address).ok_or(Errno::InvalidArgument)?;
        if let Some(position) = self.labelled(label) {
            if self.addresses[position].net.addr() == IpAddr::V4(address) {
                return Ok(());
            }
            self.addresses.remove(position);
        }
        if address.is_unspecified() {
            return Ok(());
        }
        let net = IpNet::new(address.into(), prefix).map_err(|_| Errno::InvalidArgument)?;
        self.insert(Standing {
            net,
            label: label.to_owned(),
            broadcast: broadcast_of(address, prefix),
            own: false,
            until_ns: None,
        })
    }

    /// SIOCSIFNETMASK: takes the address out and puts it back with the new mask. Where it then stands twice,
    /// Linux loses it without a word, and so does this.
    pub(super) fn set_netmask(&mut self, label: &str, mask: Ipv4Addr) -> Result<(), Errno> {
        let position = self.labelled(label).ok_or(Errno::AddressNotAvailable)?;
        let prefix = prefix_of(mask).ok_or(Errno::InvalidArgument)?;
        let one = &self.addresses[position];
        if one.net.prefix_len() == prefix {
            return Ok(());
        }
        let IpAddr::V4(address) = one.net.addr() else {
            return Err(Errno::AddressNotAvailable);
        };
        let mut changed = self.addresses.remove(position);
        if changed.broadcast == broadcast_of(address, changed.net.prefix_len()) {
            changed.broadcast = broadcast_of(address, prefix);
        }
        changed.net = IpNet::new(address.into(), prefix).map_err(|_| Errno::InvalidArgument)?;
        match self.insert(changed) {
            // The kernel does not look at this result either.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// SIOCSIFBRDADDR.
    pub(super) fn set_broadcast(&mut self, label: &str, broadcast: Ipv4Addr) -> Result<(), Errno> {
        let position = self.labelled(label).ok_or(Errno::AddressNotAvailable)?;
        self.addresses[position].broadcast = Some(broadcast);
        Ok(())
    }

    /// SIOCSIFFLAGS on a label: down removes its address, up only asks whether it is there.
    pub(super) fn set_label_up(&mut self, label: &str, up: bool) -> Result<(), Errno> {
        let position = self.labelled(label).ok_or(Errno::AddressNotAvailable)?;
        if !up {
            self.addresses.remove(position);
        }
        Ok(())
    }

    /// SIOCSIFFLAGS on the NIC: switched off, it loses its IPv6 addresses and keeps the others.
    pub(super) fn set_up(&mut self, up: bool) {
        self.up = up;
        if !up {
            self.addresses.retain(|one| one.net.addr().is_ipv4());
        }
    }

    /// As a watcher sees its addresses.
    pub(super) fn held(&self) -> impl Iterator<Item = HeldAddress> {
        self.addresses.iter().map(|one| HeldAddress {
            address: one.net.addr(),
            prefix: one.net.prefix_len(),
            interface: self.name.clone(),
            label: (one.label != self.name).then(|| one.label.clone()),
        })
    }

    /// As a platform command sees it.
    pub(super) fn link(&self) -> Link {
        let addresses = self
            .held()
            .enumerate()
            .map(|(position, held)| LinkAddress {
                held,
                broadcast: self.addresses[position].broadcast,
                secondary: self.is_secondary(position),
            })
            .collect();
        Link {
            name: self.name.clone(),
            index: self.index,
            up: self.up,
            carrier: self.carrier,
            mac: self.mac,
            addresses,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_of_an_address_decides_the_mask_that_nobody_gave() {
        let table = [
            ("0.0.0.0", Some(0)),
            ("1.0.0.1", Some(8)),
            ("10.10.11.103", Some(8)),
            ("126.255.255.255", Some(8)),
            ("128.0.0.1", Some(16)),
            ("172.16.0.1", Some(16)),
            ("191.255.0.1", Some(16)),
            ("192.168.1.10", Some(24)),
            ("203.0.113.10", Some(24)),
            ("223.255.255.1", Some(24)),
            ("224.0.0.1", None),
            ("239.255.255.255", None),
            ("240.0.0.1", Some(32)),
            ("255.255.255.255", Some(32)),
        ];
        for (address, prefix) in table {
            let parsed: Ipv4Addr = address.parse().expect("an address");
            assert_eq!(classful_prefix(parsed), prefix, "{address}");
        }
    }

    #[test]
    fn broadcast_addresses_follow_the_prefix_and_point_to_point_prefixes_have_none() {
        let address = Ipv4Addr::new(10, 10, 11, 103);
        let of = |prefix| broadcast_of(address, prefix).map(|found| found.to_string());
        assert_eq!(of(8).as_deref(), Some("10.255.255.255"));
        assert_eq!(of(24).as_deref(), Some("10.10.11.255"));
        assert_eq!(of(30).as_deref(), Some("10.10.11.103"));
        assert_eq!((of(31), of(32)), (None, None));
        assert_eq!(of(0).as_deref(), Some("255.255.255.255"));
    }
}
