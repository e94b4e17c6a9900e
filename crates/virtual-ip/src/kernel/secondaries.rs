//! Owns one trap of IPv4 on Linux: of the addresses of one subnet on a NIC the first is primary, and removing it removes
//! the others too, unless the NIC promotes a secondary in its place. A VIP becomes primary when the host's own address
//! was set anew after it; removing such a VIP must not take the host's own address, and its routes, along.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use rtnetlink::packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage,
};

use super::table::{address_of, flags_of};

/// The addresses that would go together with `leaving`.
pub(super) fn companions<'a>(
    leaving: &AddressMessage,
    all: &'a [AddressMessage],
) -> Vec<&'a AddressMessage> {
    if flags_of(leaving).contains(AddressFlags::Secondary) {
        return Vec::new();
    }
    let Some(subnet) = subnet_of(leaving) else {
        return Vec::new();
    };
    all.iter()
        .filter(|other| flags_of(other).contains(AddressFlags::Secondary))
        .filter(|other| other.header.index == leaving.header.index)
        .filter(|other| subnet_of(other) == Some(subnet))
        .collect()
}

/// The order that puts a lost companion back as it was.
pub(super) fn restoration(lost: &AddressMessage) -> AddressMessage {
    let mut message = lost.clone();
    message.header.flags.remove(AddressHeaderFlags::Secondary);
    for attribute in &mut message.attributes {
        if let AddressAttribute::Flags(flags) = attribute {
            flags.remove(AddressFlags::Secondary);
        }
    }
    message
}

/// While this lives, the NIC promotes secondaries. Where that cannot be set (a read-only /proc), lost companions are
/// put back afterwards.
pub(super) struct Promotion {
    switch: Option<PathBuf>,
}

impl Promotion {
    pub(super) fn on(interface: &str) -> Self {
        let switch = PathBuf::from("/proc/sys/net/ipv4/conf")
            .join(interface)
            .join("promote_secondaries");
        let was_off = std::fs::read_to_string(&switch).is_ok_and(|text| text.trim() == "0");
        let switched = was_off && std::fs::write(&switch, "1").is_ok();
        Self {
            switch: switched.then_some(switch),
        }
    }
}

impl Drop for Promotion {
    fn drop(&mut self) {
        if let Some(switch) = &self.switch
            && let Err(error) = std::fs::write(switch, "0")
        {
            tracing::warn!(%error, switch = %switch.display(), "could not be set back to 0");
        }
    }
}

/// Prefix length and network of an IPv4 address on a NIC.
fn subnet_of(message: &AddressMessage) -> Option<(u8, u32)> {
    let Some(IpAddr::V4(address)) = address_of(message) else {
        return None;
    };
    let prefix = message.header.prefix_len;
    Some((prefix, network(address, prefix)))
}

fn network(address: Ipv4Addr, prefix: u8) -> u32 {
    let host_bits = 32_u32.saturating_sub(prefix.into());
    let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
    u32::from(address) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(index: u32, text: &str, prefix: u8, flags: AddressFlags) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.index = index;
        message.header.prefix_len = prefix;
        message.attributes = vec![
            AddressAttribute::Local(text.parse().expect("literal")),
            AddressAttribute::Flags(flags),
        ];
        message
    }

    #[test]
    fn only_secondaries_of_the_same_subnet_on_the_same_nic_go_with_a_primary() {
        let primary = AddressFlags::Permanent;
        let secondary = AddressFlags::Permanent | AddressFlags::Secondary;
        let vip = held(2, "10.10.11.103", 24, primary);
        let own = held(2, "10.10.11.101", 24, secondary);
        let all = [
            vip.clone(),
            own.clone(),
            held(2, "10.10.12.101", 24, secondary),
            held(2, "10.10.11.9", 25, secondary),
            held(3, "10.10.11.7", 24, secondary),
            held(2, "10.9.9.9", 8, primary),
        ];
        assert_eq!(companions(&vip, &all), [&own]);
        assert_eq!(companions(&own, &all), Vec::<&AddressMessage>::new());
    }

    #[test]
    fn networks_are_right_at_the_ends() {
        assert_eq!(network(Ipv4Addr::BROADCAST, 0), 0);
        assert_eq!(network(Ipv4Addr::BROADCAST, 32), u32::MAX);
        assert_eq!(network(Ipv4Addr::new(10, 10, 11, 103), 24), 0x0a0a_0b00);
    }
}
