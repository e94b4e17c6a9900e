//! Observations, ordered faults, and what the site does not have.

use std::time::Duration;

use changeover_emulated_nic::protocol::CommandStart;
use changeover_network_emulator::{NeighbourDescription, SiteError, SubnetError};

use crate::addresses::{set_address, set_up};
use crate::site::*;

#[test]
fn every_change_of_a_holder_or_a_cable_is_one_observation_with_its_cause() {
    let mut subnet = subnet();
    assert_eq!(
        subnet.call(at(10), HOST1, &set_address("eth0:1", VIP)),
        Ok(())
    );
    subnet
        .set_carrier(at(20), "host1", "eth0", false)
        .expect("a NIC");
    subnet
        .set_carrier(at(21), "host1", "eth0", false)
        .expect("a NIC");
    assert_eq!(subnet.call(at(30), HOST1, &set_up("eth0:1", false)), Ok(()));
    let seen: Vec<(u64, u64, String, usize)> = subnet
        .observations(0, 100)
        .into_iter()
        .map(|one| {
            let reachable = one.reachable_holders(ip(VIP)).count();
            (
                one.sequence,
                one.monotonic_ns / 1_000_000,
                one.cause,
                reachable,
            )
        })
        .collect();
    let expected = [
        (1, 0, "start", 0),
        (2, 10, "host1: eth0:1 set to 10.10.11.103", 1),
        (3, 20, "host1/eth0 unplugged", 0),
        (4, 30, "host1: eth0:1 down", 0),
    ];
    let expected: Vec<(u64, u64, String, usize)> = expected
        .into_iter()
        .map(|(sequence, time, cause, reachable)| (sequence, time, cause.to_owned(), reachable))
        .collect();
    assert_eq!(seen, expected);
    assert_eq!(subnet.observations(3, 100).len(), 1);
    assert_eq!(subnet.observations(4, 100).len(), 0);
}

#[test]
fn commands_are_delayed_until_told_otherwise_and_fail_as_often_as_ordered() {
    let mut subnet = subnet();
    let late = Duration::from_millis(250);
    subnet.delay_commands("host1", late).expect("a host");
    subnet.fail_commands("host1", 1).expect("a host");
    assert_eq!(subnet.begin_command(HOST1), (late, CommandStart::Fail));
    assert_eq!(subnet.begin_command(HOST1), (late, CommandStart::Proceed));
    assert_eq!(
        subnet.begin_command(HOST2),
        (Duration::ZERO, CommandStart::Proceed)
    );
    subnet
        .delay_commands("host1", Duration::ZERO)
        .expect("a host");
    assert_eq!(
        subnet.begin_command(HOST1),
        (Duration::ZERO, CommandStart::Proceed)
    );
    assert_eq!(
        subnet.delay_commands("host1", Duration::from_secs(4000)),
        Err(SubnetError::DelayTooLong(Duration::from_secs(4000)))
    );
}

#[test]
fn orders_for_what_the_site_does_not_have_are_refused_by_name() {
    let mut subnet = subnet();
    let unknown = subnet
        .set_carrier(at(1), "host7", "eth0", false)
        .expect_err("no such host");
    assert_eq!(
        unknown.to_string(),
        "the emulated network has no host \"host7\"; it has host1, host2, mgmt1"
    );
    let loopback = subnet.set_carrier(at(1), "host1", "lo", false);
    assert!(
        matches!(loopback, Err(SubnetError::NoSuchInterface { .. })),
        "{loopback:?}"
    );
    let station = subnet.station("router").expect_err("no such station");
    assert!(
        station
            .to_string()
            .ends_with("it has host1, host2, mgmt1, neighbour"),
        "{station}"
    );
}

#[test]
fn a_description_that_contradicts_itself_is_refused() {
    let mut twice = east();
    twice.hosts.push(host("host1", &[]));
    assert_eq!(
        twice.check(),
        Err(SiteError::DuplicateName("host1".to_owned()))
    );
    let mut address = east();
    address.neighbours.push(NeighbourDescription {
        name: "router".to_owned(),
        address: Some(ip("10.10.11.101")),
        segment: None,
    });
    assert_eq!(
        address.check(),
        Err(SiteError::DuplicateAddress(ip("10.10.11.101")))
    );
    let mut label = east();
    label
        .hosts
        .push(host("host3", &[("eth0:1", "lan", "10.10.11.105/24")]));
    assert_eq!(
        label.check(),
        Err(SiteError::UnusableInterface("eth0:1".to_owned()))
    );
    let mut loopback = east();
    loopback
        .hosts
        .push(host("host3", &[("eth0", "lan", "127.0.0.1/8")]));
    assert_eq!(
        loopback.check(),
        Err(SiteError::UnusableAddress(ip("127.0.0.1")))
    );
}
