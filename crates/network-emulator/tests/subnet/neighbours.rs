//! What neighbours believe, and where packets end up.

use std::net::IpAddr;

use changeover_network_emulator::{Route, Silence, Station, Subnet};
use changeover_virtual_ip::{AddressError, Change, ProbeAnswer, VirtualAddress};

use crate::addresses::{on_eth0, shown};
use crate::site::*;

#[test]
fn a_vip_that_moves_without_announcement_is_looked_for_on_its_old_host_until_the_entry_runs_out() {
    let mut subnet = vip_on_host1();
    move_to_host2(&mut subnet, 10);
    assert_eq!(reached(&mut subnet, 11, NEIGHBOUR), Err(Silence::NotHeld));
    assert_eq!(
        reached(&mut subnet, 30_000, NEIGHBOUR),
        Err(Silence::NotHeld)
    );
    assert_eq!(
        subnet.arp_entry(at(30_000), NEIGHBOUR, ip(VIP)),
        Some("host1")
    );
    assert_eq!(subnet.arp_entry(at(30_001), NEIGHBOUR, ip(VIP)), None);
    assert_eq!(reached(&mut subnet, 30_001, NEIGHBOUR), Ok(HOST2));
}

#[test]
fn an_announcement_moves_the_neighbours_entry_at_once() {
    let mut subnet = vip_on_host1();
    move_to_host2(&mut subnet, 10);
    subnet
        .announce(at(11), HOST2, ip(VIP), "eth0")
        .expect("announced");
    assert_eq!(reached(&mut subnet, 11, NEIGHBOUR), Ok(HOST2));
    assert_eq!(subnet.arp_entry(at(11), NEIGHBOUR, ip(VIP)), Some("host2"));
}

#[test]
fn an_announcement_makes_no_entry_where_nobody_asked() {
    let mut subnet = subnet();
    assert_eq!(subnet.add(at(1), HOST2, &vip()), Ok(Change::Done));
    subnet
        .announce(at(2), HOST2, ip(VIP), "eth0")
        .expect("announced");
    assert_eq!(subnet.arp_entry(at(2), NEIGHBOUR, ip(VIP)), None);
}

#[test]
fn a_dropped_announcement_leaves_the_entry_stale_and_the_next_one_repairs_it() {
    let mut subnet = vip_on_host1();
    subnet.drop_announcements("host2", 1).expect("a host");
    move_to_host2(&mut subnet, 10);
    subnet
        .announce(at(11), HOST2, ip(VIP), "eth0")
        .expect("announced");
    assert_eq!(reached(&mut subnet, 12, NEIGHBOUR), Err(Silence::NotHeld));
    subnet
        .announce(at(13), HOST2, ip(VIP), "eth0")
        .expect("announced");
    assert_eq!(reached(&mut subnet, 14, NEIGHBOUR), Ok(HOST2));
    assert_eq!(subnet.counted("announcements"), 2);
    assert_eq!(subnet.counted("announcements-dropped"), 1);
}

#[test]
fn a_holder_behind_a_pulled_cable_is_unreachable_and_its_announcements_are_not_heard() {
    let mut subnet = vip_on_host1();
    subnet
        .set_carrier(at(5), "host1", "eth0", false)
        .expect("a NIC");
    assert_eq!(
        reached(&mut subnet, 6, NEIGHBOUR),
        Err(Silence::HolderUnplugged)
    );
    let holders = subnet.holders();
    assert_eq!(holders.len(), 1);
    assert!(!holders[0].reachable);

    assert_eq!(subnet.add(at(7), HOST2, &vip()), Ok(Change::Done));
    subnet
        .announce(at(8), HOST2, ip(VIP), "eth0")
        .expect("announced");
    subnet
        .announce(at(9), HOST1, ip(VIP), "eth0")
        .expect("sent into the void");
    assert_eq!(reached(&mut subnet, 10, NEIGHBOUR), Ok(HOST2));
}

#[test]
fn a_host_whose_own_cable_is_out_reaches_nobody() {
    let mut subnet = vip_on_host1();
    subnet
        .set_carrier(at(5), "host2", "eth0", false)
        .expect("a NIC");
    assert_eq!(
        reached(&mut subnet, 6, Station::Host(HOST2)),
        Err(Silence::SenderUnplugged)
    );
    assert_eq!(
        subnet.may_send(HOST2, ip("10.10.11.102")),
        Err(Silence::SenderUnplugged)
    );
    assert_eq!(subnet.may_send(HOST2, ip(VIP)), Err(Silence::NotHeld));
    assert_eq!(subnet.may_send(HOST1, ip(VIP)), Ok(()));
}

#[test]
fn of_two_holders_the_first_of_the_site_answers_and_it_is_counted() {
    let mut subnet = subnet();
    assert_eq!(subnet.add(at(1), HOST2, &vip()), Ok(Change::Done));
    assert_eq!(subnet.add(at(1), HOST1, &vip()), Ok(Change::Done));
    assert_eq!(reached(&mut subnet, 2, NEIGHBOUR), Ok(HOST1));
    assert_eq!(subnet.counted("arp-requests-answered-twice"), 1);
    let holders: Vec<String> = subnet.holders().into_iter().map(|one| one.host).collect();
    assert_eq!(holders, ["host1", "host2"]);
}

#[test]
fn a_vip_that_nobody_holds_is_answered_by_nobody() {
    let mut subnet = subnet();
    assert_eq!(
        reached(&mut subnet, 1, NEIGHBOUR),
        Err(Silence::NobodyAnswers)
    );
    assert_eq!(subnet.arp_entry(at(1), NEIGHBOUR, ip(VIP)), None);
}

#[test]
fn a_probe_finds_another_hosts_hold_but_not_its_own_nor_one_behind_a_pulled_cable() {
    let mut subnet = vip_on_host1();
    let mac = subnet.snapshot(HOST1).nic("eth0").and_then(|nic| nic.mac);
    let mac = mac.expect("a NIC with a hardware address");
    assert_eq!(
        subnet.probe(HOST2, ip(VIP), "eth0"),
        Ok(ProbeAnswer::HeldBy(mac))
    );
    assert_eq!(subnet.probe(HOST1, ip(VIP), "eth0"), Ok(ProbeAnswer::Free));
    subnet
        .set_carrier(at(5), "host1", "eth0", false)
        .expect("a NIC");
    assert_eq!(subnet.probe(HOST2, ip(VIP), "eth0"), Ok(ProbeAnswer::Free));
    let missing = subnet.probe(HOST2, ip(VIP), "eth7");
    assert!(
        matches!(missing, Err(AddressError::NoSuchInterface { .. })),
        "{missing:?}"
    );
}

#[test]
fn an_announcement_is_a_rival_to_every_other_host_that_hears_it() {
    let mut subnet = vip_on_host1();
    subnet.take_news();
    subnet
        .announce(at(2), HOST2, ip(VIP), "eth0")
        .expect("announced");
    let (changed, sightings) = subnet.take_news();
    assert!(changed);
    let heard: Vec<(&str, IpAddr)> = sightings
        .iter()
        .map(|one| (one.host.as_str(), one.address))
        .collect();
    assert_eq!(heard, [("host1", ip(VIP)), ("mgmt1", ip(VIP))]);
}

#[test]
fn ipv6_addresses_are_found_announced_and_moved_like_the_others() {
    let mut subnet = subnet();
    let v6 = VirtualAddress {
        address: ip("2001:db8:11::103"),
        prefix: 64,
        ..vip()
    };
    assert_eq!(subnet.add(at(1), HOST1, &v6), Ok(Change::Done));
    assert_eq!(on_eth0(&subnet), shown(&[("2001:db8:11::103/64", None)]));
    let found = subnet.route(at(2), NEIGHBOUR, v6.address);
    assert!(
        matches!(found, Route::Via(path) if path.target() == HOST1),
        "{found:?}"
    );
    assert_eq!(subnet.remove(at(3), HOST1, v6.address), Change::Done);
    assert_eq!(subnet.add(at(3), HOST2, &v6), Ok(Change::Done));
    subnet
        .announce(at(4), HOST2, v6.address, "eth0")
        .expect("announced");
    let found = subnet.route(at(5), NEIGHBOUR, v6.address);
    assert!(
        matches!(found, Route::Via(path) if path.target() == HOST2),
        "{found:?}"
    );
}

#[test]
fn a_site_with_two_segments_keeps_sip_and_management_apart() {
    let mut site = east();
    site.hosts = vec![
        host(
            "host1",
            &[
                ("eth0", "sip", "10.10.11.101/24"),
                ("eth1", "lan", "10.20.0.101/24"),
            ],
        ),
        host(
            "host2",
            &[
                ("eth0", "sip", "10.10.11.102/24"),
                ("eth1", "lan", "10.20.0.102/24"),
            ],
        ),
    ];
    let mut subnet = Subnet::new(at(0), &site).expect("a sound site");
    assert_eq!(subnet.add(at(1), HOST1, &vip()), Ok(Change::Done));
    subnet
        .set_carrier(at(2), "host1", "eth0", false)
        .expect("a NIC");
    let management = subnet.route(at(3), Station::Host(HOST2), ip("10.20.0.101"));
    assert!(
        matches!(management, Route::Via(path) if path.target() == HOST1),
        "{management:?}"
    );
    assert_eq!(
        reached(&mut subnet, 3, NEIGHBOUR),
        Err(Silence::NobodyAnswers)
    );
    subnet
        .announce(at(4), HOST2, ip(VIP), "eth1")
        .expect("announced");
    let (_, sightings) = subnet.take_news();
    let heard: Vec<&str> = sightings.iter().map(|one| one.interface.as_str()).collect();
    assert_eq!(heard, ["eth1"]);
}

#[test]
fn a_host_beyond_its_own_prefix_is_reached_through_the_router() {
    let mut site = east();
    site.hosts
        .push(host("edge", &[("eth0", "dmz", "203.0.113.7/24")]));
    let mut subnet = Subnet::new(at(0), &site).expect("a sound site");
    let route = subnet.route(at(1), Station::Host(HOST1), ip("203.0.113.7"));
    assert!(
        matches!(route, Route::Via(path) if path.target() == 3),
        "{route:?}"
    );
}
