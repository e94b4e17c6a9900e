//! The site East in small, and how the tests ask it.

use std::net::{IpAddr, Ipv4Addr};

use changeover_network_emulator::{
    HostDescription, InterfaceDescription, Moment, Route, Silence, SiteDescription, Station,
    Subnet, VirtualIpDescription,
};
use changeover_virtual_ip::{Change, VirtualAddress};

pub(crate) const VIP: &str = "10.10.11.103";

pub(crate) const HOST1: usize = 0;

pub(crate) const HOST2: usize = 1;

pub(crate) const NEIGHBOUR: Station = Station::Neighbour(0);

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(crate) fn v4(text: &str) -> Ipv4Addr {
    text.parse().expect("an IPv4 address")
}

pub(crate) fn at(milliseconds: u64) -> Moment {
    Moment {
        monotonic_ns: milliseconds * 1_000_000,
        wall_us: milliseconds * 1000,
    }
}

pub(crate) fn host(name: &str, interfaces: &[(&str, &str, &str)]) -> HostDescription {
    HostDescription {
        name: name.to_owned(),
        interfaces: interfaces
            .iter()
            .map(|(name, segment, address)| InterfaceDescription {
                name: (*name).to_owned(),
                segment: (*segment).to_owned(),
                addresses: vec![address.parse().expect("an address with prefix")],
            })
            .collect(),
    }
}

pub(crate) fn east() -> SiteDescription {
    SiteDescription {
        devices: Vec::new(),
        hosts: vec![
            host("host1", &[("eth0", "lan", "10.10.11.101/24")]),
            host("host2", &[("eth0", "lan", "10.10.11.102/24")]),
            host("mgmt1", &[("eth0", "lan", "10.10.11.110/24")]),
        ],
        virtual_ips: vec![VirtualIpDescription {
            address: ip(VIP),
            udp_ports: vec![5060],
        }],
        neighbours: Vec::new(),
        arp_lifetime_ms: 30_000,
        clusters: Vec::new(),
    }
}

pub(crate) fn subnet() -> Subnet {
    Subnet::new(at(0), &east()).expect("a sound site")
}

pub(crate) fn vip() -> VirtualAddress {
    VirtualAddress {
        address: ip(VIP),
        prefix: 24,
        interface: "eth0".to_owned(),
        label: Some("eth0:1".to_owned()),
    }
}

/// The subnet with the VIP on host1, known there to the neighbour.
pub(crate) fn vip_on_host1() -> Subnet {
    let mut subnet = subnet();
    assert_eq!(subnet.add(at(1), HOST1, &vip()), Ok(Change::Done));
    assert_eq!(reached(&mut subnet, 1, NEIGHBOUR), Ok(HOST1));
    subnet
}

/// Who gets a packet for the VIP, or why nobody does.
pub(crate) fn reached(
    subnet: &mut Subnet,
    milliseconds: u64,
    from: Station,
) -> Result<usize, Silence> {
    match subnet.route(at(milliseconds), from, ip(VIP)) {
        Route::Via(path) => Ok(path.target()),
        Route::Silent(why) => Err(why),
        other => panic!("the VIP is neither local nor without route: {other:?}"),
    }
}

pub(crate) fn move_to_host2(subnet: &mut Subnet, milliseconds: u64) {
    assert_eq!(
        subnet.remove(at(milliseconds), HOST1, ip(VIP)),
        Change::Done
    );
    assert_eq!(
        subnet.add(at(milliseconds), HOST2, &vip()),
        Ok(Change::Done)
    );
}
