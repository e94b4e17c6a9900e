//! Several VIPs of one pair: a control script moves them together, and what it left behind is named.

use crate::harness::*;
use changeover_lca_core::LcaInput;
use changeover_model::environment::VirtualIpOnHost;
use changeover_model::message::{AddressObservation, HeldOn, LcaOrder};
use std::net::IpAddr;

/// The pair of the other tests with an IPv6 VIP on the same interface and an IPv4 one on another.
fn vips() -> [VirtualIpOnHost; 3] {
    let vip = |address: &str, prefix, interface: &str| VirtualIpOnHost {
        address: address.parse().expect("an address"),
        prefix,
        interface: interface.to_owned(),
        label: None,
    };
    [
        vip("203.0.113.10", 24, "eth0"),
        vip("2001:db8::10", 64, "eth0"),
        vip("10.0.0.10", 24, "eth1"),
    ]
}

fn serving() -> Lca {
    let mut lca = Lca::serving();
    let mut slice = site::slice(2);
    slice.pairs[0].virtual_ips = vips().to_vec();
    lca.order(LcaOrder::Configure(slice));
    lca
}

fn reading(held: &[&str]) -> Vec<AddressObservation> {
    vips()
        .into_iter()
        .map(|vip| AddressObservation {
            pair: "SIP_EAST".into(),
            address: vip.address,
            held: held
                .iter()
                .any(|one| one.parse::<IpAddr>() == Ok(vip.address))
                .then(|| HeldOn {
                    interface: vip.interface.clone(),
                    label: None,
                    prefix: vip.prefix,
                }),
            carrier: Some(true),
        })
        .collect()
}

fn read(lca: &mut Lca, held: &[&str]) -> Vec<String> {
    let ticket = *lca.tickets.last().expect("a reading was asked for");
    let result = Ok(reading(held));
    let mut lines = lca.feed(LcaInput::AddressesRead { ticket, result });
    lines.retain(|line| line.contains("script"));
    lines
}

/// What a control script is said to have done when these are held after its end.
fn judged(script: &str, before: &[&str], after: &[&str]) -> Vec<String> {
    let mut lca = serving();
    lca.feed(LcaInput::AddressesObserved(reading(before)));
    lca.script(script, 2);
    lca.started(1);
    lca.exited(1, 1);
    read(&mut lca, after)
}

const ALL: [&str; 3] = ["203.0.113.10", "2001:db8::10", "10.0.0.10"];

#[test]
fn every_address_as_wanted_is_what_counts_as_success() {
    expect(judged(UP, &[], &ALL), "
        scs: script 1 SIP_SERVER_PRIMARY_VIP_UP Succeeded (exit 1): 203.0.113.10/24 seen on eth0, 2001:db8::10/64 seen on eth0, 10.0.0.10/24 seen on eth1
    ");
}

#[test]
fn one_of_three_that_did_not_come_up_is_a_failure_that_names_it() {
    expect(judged(UP, &[], &["203.0.113.10", "10.0.0.10"]), "
        scs: script 1 SIP_SERVER_PRIMARY_VIP_UP Failed (exit 1): 1 of 3 VIPs did not come up: 2001:db8::10; 203.0.113.10/24 seen on eth0, 2001:db8::10 seen gone, 10.0.0.10/24 seen on eth1
    ");
}

#[test]
fn one_of_three_that_did_not_go_is_a_failure_that_names_it() {
    expect(judged(DOWN, &ALL, &["10.0.0.10"]), "
        scs: script 1 SIP_SERVER_PRIMARY_VIP_DOWN Failed (exit 1): 1 of 3 VIPs did not go: 10.0.0.10; 203.0.113.10 seen gone, 2001:db8::10 seen gone, 10.0.0.10/24 seen on eth1
    ");
}

#[test]
fn a_forced_release_removes_all_of_them() {
    let mut lca = serving();
    lca.feed(LcaInput::AddressesObserved(reading(&ALL)));
    let key = lca.key(DOWN, 2);
    expect(
        lca.order(LcaOrder::ReleaseAddresses { key }),
        "remove 203.0.113.10 2001:db8::10 10.0.0.10",
    );
}
