//! Owns the wiring of a site, derived from its environment: which NICs each host has, on which Ethernet segment and
//! with which own addresses, and where a client stands. Both networks are built from it.

use changeover_model::environment::{Environment, Pair};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The segment of the Virtual IPs.
pub(crate) const LAN: &str = "lan";
/// The segment of the other NICs on hosts with two.
pub(crate) const MANAGEMENT: &str = "management";
/// The station from which the probe is sent.
pub(crate) const CLIENT: &str = "client";
/// The NIC of hosts for which the file names none.
const ONLY_NIC: &str = "eth0";
/// The NIC that carries the Host object's address where the Virtual IP's does not.
const MANAGEMENT_NIC: &str = "mgmt0";

/// A host's NICs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostLayout {
    pub(crate) name: String,
    pub(crate) nics: Vec<NicLayout>,
}

/// A NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NicLayout {
    pub(crate) name: String,
    pub(crate) segment: &'static str,
    pub(crate) addresses: Vec<IpNet>,
}

impl HostLayout {
    /// The NICs in the order in which their cables are pulled and put back: the one to the Management Layer first, so
    /// that it hears nothing of the moment in between.
    pub(crate) fn by_cable(&self) -> Vec<&NicLayout> {
        let mut nics: Vec<&NicLayout> = self.nics.iter().collect();
        nics.sort_by_key(|nic| nic.addresses.is_empty());
        nics
    }
}

/// The hosts of a site, in the file's order.
pub(crate) fn hosts(environment: &Environment) -> Vec<HostLayout> {
    let networks = virtual_networks(environment);
    let management = management_prefix(environment, &networks);
    environment
        .hosts
        .values()
        .map(|host| {
            let mut nics: Vec<NicLayout> = Vec::new();
            let vips = environment
                .pairs
                .values()
                .flat_map(|pair| pair.virtual_ips_on(&host.name));
            for vip in vips.filter(|vip| !vip.interface.is_empty()) {
                if !nics.iter().any(|nic| nic.name == vip.interface) {
                    nics.push(NicLayout {
                        name: vip.interface.clone(),
                        segment: LAN,
                        addresses: Vec::new(),
                    });
                }
                let network = network(vip.address, vip.prefix);
                let mut placed = nics.iter().flat_map(|nic| &nic.addresses);
                let new = network.contains(&host.address)
                    && !placed.any(|own| own.addr() == host.address);
                if let (true, Some(nic)) =
                    (new, nics.iter_mut().find(|nic| nic.name == vip.interface))
                {
                    nic.addresses.push(network_of(host.address, vip.prefix));
                }
            }
            if nics.iter().all(|nic| nic.addresses.is_empty()) {
                nics.push(nic_for_the_host_address(
                    host.address,
                    nics.is_empty(),
                    &networks,
                    management,
                ));
            }
            HostLayout {
                name: host.name.to_string(),
                nics,
            }
        })
        .collect()
}

/// Whether SIP and management have NICs of their own on both hosts of a pair.
pub(crate) struct SipNics;

impl SipNics {
    /// True if the NIC of the first Virtual IP carries no host address.
    pub(crate) fn are_apart(environment: &Environment, pair: &Pair) -> bool {
        let layouts = hosts(environment);
        [&pair.primary_host, &pair.backup_host].iter().all(|host| {
            let vips = pair.virtual_ips_on(host);
            let layout = layouts.iter().find(|layout| layout.name == host.as_str());
            let (Some(vip), Some(layout)) = (vips.first(), layout) else {
                return false;
            };
            layout.nics.len() > 1
                && layout
                    .nics
                    .iter()
                    .any(|nic| nic.name == vip.interface && nic.addresses.is_empty())
        })
    }
}

fn nic_for_the_host_address(
    address: IpAddr,
    only: bool,
    networks: &[IpNet],
    management: u8,
) -> NicLayout {
    let name = if only { ONLY_NIC } else { MANAGEMENT_NIC }.to_owned();
    match networks.iter().find(|network| network.contains(&address)) {
        Some(network) => NicLayout {
            name,
            segment: LAN,
            addresses: vec![network_of(address, network.prefix_len())],
        },
        None => NicLayout {
            name,
            segment: MANAGEMENT,
            addresses: vec![network_of(address, management)],
        },
    }
}

/// Addresses for a client beside the hosts: one in the network of each of the pair's Virtual IPs.
pub(crate) fn client_addresses(environment: &Environment, pair: &Pair) -> Vec<IpNet> {
    let mut taken: Vec<IpAddr> = environment
        .hosts
        .values()
        .map(|host| host.address)
        .collect();
    taken.extend(
        environment
            .pairs
            .values()
            .flat_map(|pair| &pair.virtual_ips)
            .map(|vip| vip.address),
    );
    let mut addresses: Vec<IpNet> = Vec::new();
    for vip in &pair.virtual_ips {
        let network = network(vip.address, vip.prefix);
        if addresses.iter().any(|own| network.contains(&own.addr())) {
            continue;
        }
        if let Some(free) = highest(network).find(|address| !taken.contains(address)) {
            addresses.push(network_of(free, vip.prefix));
        }
    }
    addresses
}

/// The addresses of a network from the highest one down that a host may have.
fn highest(network: IpNet) -> Box<dyn Iterator<Item = IpAddr>> {
    match network {
        IpNet::V4(network) => {
            let (first, last) = (u32::from(network.network()), u32::from(network.broadcast()));
            Box::new(
                (first + 1..last)
                    .rev()
                    .map(|bits| IpAddr::V4(Ipv4Addr::from(bits))),
            )
        }
        IpNet::V6(network) => {
            let first = u128::from(network.network());
            let last = u128::from(network.broadcast()).min(first + 0xfffe);
            Box::new(
                (first + 1..=last)
                    .rev()
                    .map(|bits| IpAddr::V6(Ipv6Addr::from(bits))),
            )
        }
    }
}

fn virtual_networks(environment: &Environment) -> Vec<IpNet> {
    environment
        .pairs
        .values()
        .flat_map(|pair| &pair.virtual_ips)
        .map(|vip| network(vip.address, vip.prefix))
        .chain(
            environment
                .pairs
                .values()
                .filter_map(|pair| pair.network_device.as_ref())
                .flat_map(|device| &device.virtual_ips)
                .map(|(address, prefix)| network(*address, *prefix)),
        )
        .collect()
}

/// The longest prefix that holds every host address outside the Virtual IPs' networks, at most a usual one.
fn management_prefix(environment: &Environment, networks: &[IpNet]) -> u8 {
    let outside: Vec<IpAddr> = environment
        .hosts
        .values()
        .map(|host| host.address)
        .filter(|address| !networks.iter().any(|network| network.contains(address)))
        .collect();
    let usual = if outside.first().is_some_and(IpAddr::is_ipv6) {
        64
    } else {
        24
    };
    (1..=usual)
        .rev()
        .find(|prefix| {
            outside.first().is_none_or(|first| {
                let network = network(*first, *prefix);
                outside.iter().all(|address| network.contains(address))
            })
        })
        .unwrap_or(usual)
}

fn network(address: IpAddr, prefix: u8) -> IpNet {
    network_of(address, prefix).trunc()
}

/// The address with its prefix; a validated environment has no impossible one.
fn network_of(address: IpAddr, prefix: u8) -> IpNet {
    IpNet::new(address, prefix).unwrap_or_else(|_| IpNet::from(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use changeover_model::Redundancy;
    use std::path::Path;

    fn environment(change: impl Fn(String) -> String) -> Environment {
        let text = crate::built_in::environment(Redundancy::Hot, None, Path::new("/tmp/x"));
        let loaded = changeover_configuration::load("linux.yaml", &change(text));
        loaded
            .unwrap_or_else(|problems| panic!("{problems}"))
            .environment
    }

    fn nics(layout: &HostLayout) -> Vec<(&str, &str, Vec<String>)> {
        let addresses = |nic: &NicLayout| nic.addresses.iter().map(ToString::to_string).collect();
        layout
            .nics
            .iter()
            .map(|nic| (nic.name.as_str(), nic.segment, addresses(nic)))
            .collect()
    }

    #[test]
    fn one_nic_carries_the_host_address_and_the_virtual_ip() {
        let environment = environment(|text| text);
        let hosts = hosts(&environment);
        assert_eq!(
            nics(&hosts[1]),
            [("eth0", LAN, vec!["10.10.11.101/24".to_owned()])]
        );
        assert_eq!(
            nics(&hosts[0]),
            [("eth0", LAN, vec!["10.10.11.110/24".to_owned()])]
        );
        let pair = environment.pairs.values().next().expect("a pair");
        let client: Vec<_> = client_addresses(&environment, pair)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(client, ["10.10.11.254/24"]);
    }

    #[test]
    fn a_host_address_outside_the_virtual_ips_network_gets_a_second_nic_on_a_segment_of_its_own() {
        let environment = environment(|text| text.replace("10.10.11.103/24", "192.0.2.3/24"));
        let hosts = hosts(&environment);
        assert_eq!(
            nics(&hosts[1]),
            [
                ("eth0", LAN, vec![]),
                ("mgmt0", MANAGEMENT, vec!["10.10.11.101/24".to_owned()])
            ]
        );
        assert_eq!(
            nics(&hosts[0]),
            [("eth0", MANAGEMENT, vec!["10.10.11.110/24".to_owned()])]
        );
    }
}
