//! Owns the bytes of the few Ethernet frames this crate sends and understands: ARP (RFC 826, RFC 5227) for IPv4,
//! neighbour solicitation and advertisement (RFC 4861) for IPv6. Pure functions; `kernel/packets.rs` sends and
//! receives what they build and read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::MacAddress;

/// EtherType of ARP.
pub(crate) const ETHERTYPE_ARP: u16 = 0x0806;
/// EtherType of IPv6.
pub(crate) const ETHERTYPE_IPV6: u16 = 0x86dd;
/// Offset of the IPv6 "next header" byte in a frame.
pub(crate) const IPV6_NEXT_HEADER_AT: u32 = 14 + 6;
/// Offset of the ICMPv6 type in a frame whose IPv6 packet has no extension headers, as neighbour discovery has none.
pub(crate) const ICMPV6_TYPE_AT: u32 = 14 + 40;
/// IPv6 next header of ICMPv6.
pub(crate) const ICMPV6: u8 = 58;
/// ICMPv6 type of a neighbour solicitation.
pub(crate) const NEIGHBOUR_SOLICITATION: u8 = 135;
/// ICMPv6 type of a neighbour advertisement.
pub(crate) const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

const BROADCAST: MacAddress = [0xff; 6];
const NOBODY: MacAddress = [0; 6];
const ARP_REQUEST: u16 = 1;
const ARP_REPLY: u16 = 2;
const SOURCE_LINK_LAYER_OPTION: u8 = 1;
const TARGET_LINK_LAYER_OPTION: u8 = 2;
/// Neighbour discovery is only believed with this hop limit: it proves that no router forwarded it.
const ON_LINK: u8 = 255;

/// Somebody on the network says, or shows by using it, that an address is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) address: IpAddr,
    pub(crate) mac: MacAddress,
}

/// The frames that tell a network who has `address` now. IPv4: the announcement as request and as reply, because
/// some equipment learns from one form only.
pub(crate) fn announcement(mac: MacAddress, address: IpAddr) -> Vec<Vec<u8>> {
    match address {
        IpAddr::V4(v4) => vec![
            arp(ARP_REQUEST, mac, v4, NOBODY, v4),
            arp(ARP_REPLY, mac, v4, mac, v4),
        ],
        IpAddr::V6(v6) => vec![unsolicited_advertisement(mac, v6)],
    }
}

/// The frame that asks a network who has `address` without claiming anything: sender address unspecified, so that no
/// neighbour learns from it (RFC 5227 section 2.1.1; RFC 4861 section 4.3).
pub(crate) fn question(mac: MacAddress, address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => arp(ARP_REQUEST, mac, Ipv4Addr::UNSPECIFIED, NOBODY, v4),
        IpAddr::V6(v6) => solicitation(mac, v6),
    }
}

/// Reads the claim out of a received frame. `None` for everything else: other protocols, probes (which claim
/// nothing), malformed or cut-off frames.
pub(crate) fn claim(frame: &[u8]) -> Option<Claim> {
    match u16::from_be_bytes(bytes(frame, 12)?) {
        ETHERTYPE_ARP => arp_claim(frame),
        ETHERTYPE_IPV6 => neighbour_claim(frame),
        _ => None,
    }
}

/// An ARP frame. The target's hardware address is also where a reply would go; all of ours are broadcast.
fn arp(
    operation: u16,
    sender_mac: MacAddress,
    sender: Ipv4Addr,
    target_mac: MacAddress,
    target: Ipv4Addr,
) -> Vec<u8> {
    let mut frame = ethernet(BROADCAST, sender_mac, ETHERTYPE_ARP, 28);
    frame.extend([0, 1, 8, 0, 6, 4]); // Ethernet, IPv4, lengths of their addresses
    frame.extend(operation.to_be_bytes());
    frame.extend(sender_mac);
    frame.extend(sender.octets());
    frame.extend(target_mac);
    frame.extend(target.octets());
    frame
}

/// Unsolicited, with the override flag, so that neighbours replace what they knew (RFC 4861 section 7.2.6). The
/// router flag stays clear: a host with a VIP is taken for no router.
fn unsolicited_advertisement(mac: MacAddress, address: Ipv6Addr) -> Vec<u8> {
    const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let mut message = vec![NEIGHBOUR_ADVERTISEMENT, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(address.octets());
    message.extend([TARGET_LINK_LAYER_OPTION, 1]);
    message.extend(mac);
    icmpv6(mac, address, ALL_NODES, message)
}

fn solicitation(mac: MacAddress, target: Ipv6Addr) -> Vec<u8> {
    let [.., a, b, c] = target.octets();
    let solicited_node = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c]);
    let mut message = vec![NEIGHBOUR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.octets());
    icmpv6(mac, Ipv6Addr::UNSPECIFIED, solicited_node, message)
}

/// Wraps an ICMPv6 message, whose checksum is still zero, into IPv6 and Ethernet. `destination` is a multicast
/// address, which names the Ethernet destination too (RFC 2464 section 7).
fn icmpv6(
    mac: MacAddress,
    source: Ipv6Addr,
    destination: Ipv6Addr,
    mut message: Vec<u8>,
) -> Vec<u8> {
    let sum = checksum(source, destination, &message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    let length = u16::try_from(message.len()).expect("neighbour messages have 24 or 32 bytes");
    let [.., a, b, c, d] = destination.octets();
    let mut frame = ethernet(
        [0x33, 0x33, a, b, c, d],
        mac,
        ETHERTYPE_IPV6,
        40 + message.len(),
    );
    frame.extend([0x60, 0, 0, 0]); // version 6, no traffic class, no flow label
    frame.extend(length.to_be_bytes());
    frame.extend([ICMPV6, ON_LINK]);
    frame.extend(source.octets());
    frame.extend(destination.octets());
    frame.extend(message);
    frame
}

fn ethernet(
    destination: MacAddress,
    source: MacAddress,
    ethertype: u16,
    payload_length: usize,
) -> Vec<u8> {
    let mut frame = Vec::with_capacity(14 + payload_length);
    frame.extend(destination);
    frame.extend(source);
    frame.extend(ethertype.to_be_bytes());
    frame
}

/// The internet checksum over the IPv6 pseudo header and the message (RFC 8200 section 8.1).
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let mut covered = Vec::with_capacity(40 + message.len());
    covered.extend(source.octets());
    covered.extend(destination.octets());
    let length = u32::try_from(message.len()).expect("neighbour messages have 24 or 32 bytes");
    covered.extend(length.to_be_bytes());
    covered.extend([0, 0, 0, ICMPV6]);
    covered.extend(message);
    let mut sum: u32 = covered
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded to 16 bits above")
}

/// Requests and replies alike: the sender of either uses the address it names as its own.
fn arp_claim(frame: &[u8]) -> Option<Claim> {
    if bytes(frame, 14)? != [0, 1, 8, 0, 6, 4] {
        return None;
    }
    let sender = Ipv4Addr::from(bytes::<4>(frame, 28)?);
    // A probe: its sender asks, and has nothing yet.
    (!sender.is_unspecified()).then_some(Claim {
        address: sender.into(),
        mac: bytes(frame, 22)?,
    })
}

/// The checksum is not verified: on virtual links it is often left to hardware that does not exist.
fn neighbour_claim(frame: &[u8]) -> Option<Claim> {
    let [next_header, hop_limit] = bytes(frame, 20)?;
    if next_header != ICMPV6 || hop_limit != ON_LINK {
        return None;
    }
    let (address, option) = match bytes(frame, 54)? {
        [NEIGHBOUR_ADVERTISEMENT, 0] => (bytes::<16>(frame, 62)?, TARGET_LINK_LAYER_OPTION),
        [NEIGHBOUR_SOLICITATION, 0] => (bytes::<16>(frame, 22)?, SOURCE_LINK_LAYER_OPTION),
        _ => return None,
    };
    let address = Ipv6Addr::from(address);
    // A solicitation without a sender is a question before use, no claim.
    (!address.is_unspecified()).then_some(())?;
    let mac = match bytes(frame, 78) {
        Some([kind, 1]) if kind == option => bytes(frame, 80)?,
        _ => bytes(frame, 6)?,
    };
    Some(Claim {
        address: address.into(),
        mac,
    })
}

/// `N` bytes of the frame from `at`, when it is that long.
fn bytes<const N: usize>(frame: &[u8], at: usize) -> Option<[u8; N]> {
    frame.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddress = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55];

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("a literal address")
    }

    #[test]
    fn an_ipv4_announcement_is_a_broadcast_request_and_a_broadcast_reply_about_oneself() {
        let frames = announcement(MAC, ip("10.10.11.103"));
        let request = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x08,
            0x06, //
            0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, //
            0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 10, 10, 11, 103, //
            0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 10, 10, 11, 103,
        ];
        let reply = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x08,
            0x06, //
            0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02, //
            0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 10, 10, 11, 103, //
            0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 10, 10, 11, 103,
        ];
        assert_eq!(frames, [request.to_vec(), reply.to_vec()]);
    }

    #[test]
    fn an_ipv4_question_names_no_sender() {
        let expected = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x08,
            0x06, //
            0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, //
            0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0, 0, 0, 0, //
            0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 10, 10, 11, 103,
        ];
        assert_eq!(question(MAC, ip("10.10.11.103")), expected);
    }

    #[test]
    fn an_ipv6_announcement_is_an_overriding_advertisement_to_all_nodes() {
        let frames = announcement(MAC, ip("fd00::103"));
        let expected = [
            0x33, 0x33, 0x00, 0x00, 0x00, 0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x86,
            0xdd, //
            0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 0x3a, 0xff, //
            0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x03, //
            0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, //
            0x88, 0x00, 0xf1, 0xfe, 0x20, 0x00, 0x00, 0x00, //
            0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x03, //
            0x02, 0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
        ];
        assert_eq!(frames, [expected.to_vec()]);
    }

    #[test]
    fn an_ipv6_question_goes_from_nobody_to_the_solicited_node_group() {
        let expected = [
            0x33, 0x33, 0xff, 0x00, 0x01, 0x03, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x86,
            0xdd, //
            0x60, 0x00, 0x00, 0x00, 0x00, 0x18, 0x3a, 0xff, //
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
            0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff, 0x00, 0x01, 0x03, //
            0x87, 0x00, 0x7b, 0xa1, 0x00, 0x00, 0x00, 0x00, //
            0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x03,
        ];
        assert_eq!(question(MAC, ip("fd00::103")), expected);
    }

    #[test]
    fn the_checksum_of_a_message_with_its_checksum_in_place_is_zero() {
        for frame in [
            announcement(MAC, ip("fd00::103")).remove(0),
            question(MAC, ip("2001:db8::ffff:1")),
        ] {
            let source = Ipv6Addr::from(bytes::<16>(&frame, 22).expect("an IPv6 header"));
            let destination = Ipv6Addr::from(bytes::<16>(&frame, 38).expect("an IPv6 header"));
            assert_eq!(checksum(source, destination, &frame[54..]), 0);
        }
    }

    #[test]
    fn announcements_are_read_back_as_claims_and_questions_claim_nothing() {
        for address in [ip("10.10.11.103"), ip("fd00::103")] {
            for frame in announcement(MAC, address) {
                assert_eq!(claim(&frame), Some(Claim { address, mac: MAC }));
            }
            assert_eq!(claim(&question(MAC, address)), None);
        }
    }

    #[test]
    fn a_solicitation_sent_from_an_address_shows_that_its_sender_uses_it() {
        let mut message = vec![NEIGHBOUR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
        message.extend("fd00::1".parse::<Ipv6Addr>().expect("literal").octets());
        let user: Ipv6Addr = "fd00::103".parse().expect("literal");
        let group: Ipv6Addr = "ff02::1:ff00:1".parse().expect("literal");
        let frame = icmpv6(MAC, user, group, message);
        assert_eq!(
            claim(&frame),
            Some(Claim {
                address: user.into(),
                mac: MAC
            })
        );
    }

    #[test]
    fn frames_cut_off_anywhere_claim_nothing_and_break_nothing() {
        for address in [ip("10.10.11.103"), ip("fd00::103")] {
            let frame = announcement(MAC, address).remove(0);
            // Without its option an advertisement still counts, by the frame's sender.
            let complete = if address.is_ipv4() { 32 } else { 78 };
            for length in 0..complete {
                assert_eq!(claim(&frame[..length]), None, "{address} cut to {length}");
            }
        }
    }

    #[test]
    fn an_advertisement_that_a_router_forwarded_is_not_believed() {
        let mut frame = announcement(MAC, ip("fd00::103")).remove(0);
        frame[21] = 254;
        assert_eq!(claim(&frame), None);
    }
}
