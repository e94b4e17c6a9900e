//! What orders and Linux system calls make of addresses, labels and masks.

use changeover_emulated_nic::protocol::{Errno, KernelCall};
use changeover_network_emulator::{Route, Silence, Station, Subnet};
use changeover_virtual_ip::{AddressError, Change, VirtualAddress};

use crate::site::*;

#[test]
fn adding_and_removing_are_idempotent_and_remove_whatever_label_or_prefix() {
    let mut subnet = subnet();
    assert_eq!(subnet.add(at(1), HOST1, &vip()), Ok(Change::Done));
    assert_eq!(subnet.add(at(2), HOST1, &vip()), Ok(Change::AlreadySo));
    let classful = VirtualAddress {
        prefix: 8,
        label: None,
        ..vip()
    };
    assert_eq!(subnet.add(at(3), HOST1, &classful), Ok(Change::Done));
    let held: Vec<u8> = subnet
        .snapshot(HOST1)
        .holders_of(ip(VIP))
        .map(|one| one.prefix)
        .collect();
    assert_eq!(held, [8]);
    assert_eq!(subnet.remove(at(4), HOST1, ip(VIP)), Change::Done);
    assert_eq!(subnet.remove(at(5), HOST1, ip(VIP)), Change::AlreadySo);
    let elsewhere = VirtualAddress {
        interface: "eth9".to_owned(),
        ..vip()
    };
    let missing = subnet.add(at(6), HOST1, &elsewhere);
    assert!(
        matches!(missing, Err(AddressError::NoSuchInterface { .. })),
        "{missing:?}"
    );
}

pub(crate) fn set_address(name: &str, address: &str) -> KernelCall {
    KernelCall::SetAddress {
        name: name.to_owned(),
        address: v4(address),
    }
}

pub(crate) fn set_up(name: &str, up: bool) -> KernelCall {
    KernelCall::SetUp {
        name: name.to_owned(),
        up,
    }
}

fn netmask(name: &str, mask: &str) -> KernelCall {
    KernelCall::SetNetmask {
        name: name.to_owned(),
        mask: v4(mask),
    }
}

/// Addresses, prefixes and labels on host1's eth0, its own address left out.
pub(crate) fn on_eth0(subnet: &Subnet) -> Vec<(String, Option<String>)> {
    subnet
        .snapshot(HOST1)
        .addresses
        .into_iter()
        .filter(|one| one.interface == "eth0" && one.address != ip("10.10.11.101"))
        .map(|one| (format!("{}/{}", one.address, one.prefix), one.label))
        .collect()
}

pub(crate) fn shown(entries: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    entries
        .iter()
        .map(|(address, label)| ((*address).to_owned(), label.map(ToOwned::to_owned)))
        .collect()
}

#[test]
fn an_address_set_on_a_label_gets_its_classes_mask_until_one_is_given() {
    let mut subnet = subnet();
    assert_eq!(
        subnet.call(at(1), HOST1, &set_address("eth0:1", VIP)),
        Ok(())
    );
    assert_eq!(
        on_eth0(&subnet),
        shown(&[("10.10.11.103/8", Some("eth0:1"))])
    );
    assert_eq!(
        subnet.call(at(2), HOST1, &netmask("eth0:1", "255.255.255.0")),
        Ok(())
    );
    assert_eq!(
        on_eth0(&subnet),
        shown(&[("10.10.11.103/24", Some("eth0:1"))])
    );
    let links = subnet.links(HOST1);
    let eth0 = links
        .iter()
        .find(|link| link.name == "eth0")
        .expect("a NIC");
    assert_eq!(eth0.addresses[1].broadcast, Some(v4("10.10.11.255")));
    assert!(eth0.addresses[1].secondary);
}

#[test]
fn a_label_goes_down_once_and_only_if_the_address_was_added_under_it() {
    let mut subnet = subnet();
    assert_eq!(
        subnet.call(at(1), HOST1, &set_address("eth0:1", VIP)),
        Ok(())
    );
    assert_eq!(subnet.call(at(2), HOST1, &set_up("eth0:1", false)), Ok(()));
    assert_eq!(
        subnet.call(at(3), HOST1, &set_up("eth0:1", false)),
        Err(Errno::AddressNotAvailable)
    );
    assert_eq!(on_eth0(&subnet), shown(&[]));

    let unlabelled = VirtualAddress {
        label: None,
        ..vip()
    };
    assert_eq!(subnet.add(at(4), HOST1, &unlabelled), Ok(Change::Done));
    assert_eq!(
        subnet.call(at(5), HOST1, &set_up("eth0:1", false)),
        Err(Errno::AddressNotAvailable)
    );
    assert_eq!(on_eth0(&subnet), shown(&[("10.10.11.103/24", None)]));
}

#[test]
fn the_same_address_under_two_labels_is_lost_when_their_masks_become_equal() {
    let mut subnet = subnet();
    for call in [
        set_address("eth0:1", VIP),
        netmask("eth0:1", "255.255.255.0"),
        set_address("eth0:2", VIP),
    ] {
        assert_eq!(subnet.call(at(1), HOST1, &call), Ok(()));
    }
    assert_eq!(
        on_eth0(&subnet),
        shown(&[
            ("10.10.11.103/8", Some("eth0:2")),
            ("10.10.11.103/24", Some("eth0:1"))
        ])
    );
    assert_eq!(
        subnet.call(at(2), HOST1, &netmask("eth0:2", "255.255.255.0")),
        Ok(())
    );
    assert_eq!(
        on_eth0(&subnet),
        shown(&[("10.10.11.103/24", Some("eth0:1"))])
    );
    assert_eq!(
        subnet.call(at(3), HOST1, &set_address("eth0:2", VIP)),
        Ok(())
    );
    assert_eq!(
        subnet.call(at(4), HOST1, &set_address("eth0:3", VIP)),
        Err(Errno::Exists)
    );
}

#[test]
fn what_ioctl_refuses_is_refused_with_its_own_error() {
    let mut subnet = subnet();
    let refusals = [
        (set_address("eth9", VIP), Errno::NoSuchDevice),
        (set_up("eth9:1", false), Errno::NoSuchDevice),
        (set_up("eth0:1", true), Errno::AddressNotAvailable),
        (
            netmask("eth0:1", "255.255.255.0"),
            Errno::AddressNotAvailable,
        ),
        (set_address("eth0:1", "224.0.0.1"), Errno::InvalidArgument),
        (netmask("eth0", "255.0.255.0"), Errno::InvalidArgument),
    ];
    for (call, errno) in refusals {
        assert_eq!(subnet.call(at(1), HOST1, &call), Err(errno), "{call:?}");
    }
}

#[test]
fn a_nic_that_is_switched_off_keeps_ipv4_loses_ipv6_and_holds_nothing_for_neighbours() {
    let mut subnet = vip_on_host1();
    let v6 = VirtualAddress {
        address: ip("2001:db8:11::103"),
        prefix: 64,
        ..vip()
    };
    assert_eq!(subnet.add(at(2), HOST1, &v6), Ok(Change::Done));
    assert_eq!(subnet.call(at(3), HOST1, &set_up("eth0", false)), Ok(()));
    assert_eq!(
        on_eth0(&subnet),
        shown(&[("10.10.11.103/24", Some("eth0:1"))])
    );
    assert_eq!(subnet.snapshot(HOST1).carrier("eth0"), Some(false));
    assert_eq!(
        reached(&mut subnet, 4, NEIGHBOUR),
        Err(Silence::HolderUnplugged)
    );
    assert_eq!(
        subnet.route(at(4), Station::Host(HOST1), ip("10.10.11.102")),
        Route::NoRoute
    );
}
