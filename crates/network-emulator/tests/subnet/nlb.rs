//! NLB clusters: who gets which packet by port rules, host states, affinity and convergence; what `wlbs.exe` can do from where.

use std::net::SocketAddr;

use changeover_emulated_nic::{NlbAnswer, NlbCall, NlbOutcome, NlbTarget, NlbVerb};
use changeover_network_emulator::{
    Affinity, ClusterDescription, ClusterMember, Filtering, Moment, PortRule, Route, Silence,
    Station, Subnet,
};
use changeover_virtual_ip::{Change, VirtualAddress};

use crate::site::{HOST1, HOST2, NEIGHBOUR, VIP, at, east, host, ip};

const SIP: u16 = 5060;

fn rule(first: u16, last: u16, affinity: Affinity) -> PortRule {
    PortRule {
        first,
        last,
        udp: true,
        tcp: true,
        filtering: Filtering::Multiple,
        affinity,
        load_weight: Vec::new(),
    }
}

/// Two hosts with two adapters each; the cluster is on the first ones.
fn cluster_of(change: impl FnOnce(&mut ClusterDescription)) -> Subnet {
    let mut site = east();
    site.hosts = vec![
        host(
            "host1",
            &[
                ("NLB", "lan", "10.10.11.101/24"),
                ("Office", "management", "10.10.12.101/24"),
            ],
        ),
        host(
            "host2",
            &[
                ("NLB", "lan", "10.10.11.102/24"),
                ("Office", "management", "10.10.12.102/24"),
            ],
        ),
    ];
    let member = |name: &str, id| ClusterMember {
        host: name.to_owned(),
        interface: "NLB".to_owned(),
        id,
    };
    let mut cluster = ClusterDescription {
        name: "sipcluster".to_owned(),
        address: "10.10.11.103/24".parse().expect("an address"),
        unicast: true,
        watched_port: SIP,
        port_rules: vec![rule(SIP, SIP, Affinity::Single)],
        members: vec![member("host1", 1), member("host2", 2)],
        started: true,
        convergence_ms: 0,
    };
    change(&mut cluster);
    site.clusters = vec![cluster];
    Subnet::new(at(0), &site).expect("a sound site")
}

fn cluster() -> Subnet {
    cluster_of(|_| {})
}

/// One command for one host; what that host did.
fn wlbs(
    subnet: &mut Subnet,
    now: Moment,
    host: usize,
    target: NlbTarget,
    verb: NlbVerb,
) -> NlbOutcome {
    let call = NlbCall {
        cluster: Some("SIPCLUSTER".to_owned()),
        target,
        verb,
    };
    match subnet.nlb(now, host, &call) {
        NlbAnswer::Hosts(mut answers) => answers.remove(0).outcome,
        other => panic!("{other:?}"),
    }
}

fn local(subnet: &mut Subnet, now: Moment, host: usize, verb: NlbVerb) -> NlbOutcome {
    wlbs(subnet, now, host, NlbTarget::Local, verb)
}

/// Who gets a datagram to the cluster from this client.
fn taken(subnet: &mut Subnet, now: Moment, from: &str, port: u16) -> Result<usize, Silence> {
    let from: SocketAddr = from.parse().expect("a client");
    let to = SocketAddr::new(ip(VIP), port);
    match subnet.route_flow(now, NEIGHBOUR, from, to, false) {
        Route::Via(path) => Ok(path.target()),
        Route::Silent(why) => Err(why),
        other => panic!("{other:?}"),
    }
}

fn holders(subnet: &Subnet) -> Vec<(String, bool)> {
    let holders = subnet.holders();
    holders
        .into_iter()
        .map(|one| (one.host, one.reachable))
        .collect()
}

const OFF: NlbVerb = NlbVerb::Disable(Some(SIP));
const ON: NlbVerb = NlbVerb::Enable(Some(SIP));

#[test]
fn with_both_ports_enabled_clients_are_shared_out_and_each_keeps_its_host() {
    let mut subnet = cluster();
    let of = |subnet: &mut Subnet, last: u8, port: u16| {
        taken(subnet, at(1), &format!("10.10.11.{last}:{port}"), SIP).expect("somebody takes it")
    };
    let hosts: Vec<usize> = (20..24).map(|last| of(&mut subnet, last, 40_000)).collect();
    assert!(
        hosts.contains(&HOST1) && hosts.contains(&HOST2),
        "{hosts:?}"
    );
    for last in 20..24 {
        let first = of(&mut subnet, last, 1);
        assert!((2..50).all(|port| of(&mut subnet, last, port) == first));
    }
}

#[test]
fn without_affinity_the_port_of_the_client_decides_too_and_by_network_its_last_octet_does_not() {
    let mut none = cluster_of(|cluster| cluster.port_rules[0].affinity = Affinity::None);
    let hosts: Vec<_> = (1..5)
        .map(|port| taken(&mut none, at(1), &format!("10.10.11.20:{port}"), SIP))
        .collect();
    assert!(hosts.contains(&Ok(HOST1)) && hosts.contains(&Ok(HOST2)));
    let mut network = cluster_of(|cluster| cluster.port_rules[0].affinity = Affinity::ClassC);
    let hosts: Vec<_> = (20..30)
        .map(|last| taken(&mut network, at(1), &format!("10.10.11.{last}:1"), SIP))
        .collect();
    assert!(hosts.windows(2).all(|two| two[0] == two[1]), "{hosts:?}");
}

#[test]
fn a_disabled_port_gets_nothing_and_with_none_enabled_nobody_does() {
    let mut subnet = cluster();
    assert_eq!(local(&mut subnet, at(1), HOST1, OFF), NlbOutcome::Done);
    for last in 20..24 {
        let client = format!("10.10.11.{last}:1");
        assert_eq!(taken(&mut subnet, at(2), &client, SIP), Ok(HOST2));
    }
    assert_eq!(holders(&subnet), [("host2".to_owned(), true)]);
    assert_eq!(local(&mut subnet, at(3), HOST2, OFF), NlbOutcome::Done);
    assert_eq!(
        taken(&mut subnet, at(4), "10.10.11.20:1", SIP),
        Err(Silence::NotHeld)
    );
    assert_eq!(holders(&subnet), []);
    assert_eq!(local(&mut subnet, at(5), HOST2, OFF), NlbOutcome::AlreadySo);
}

#[test]
fn ports_without_a_rule_are_the_default_hosts_and_a_protocol_outside_the_rule_too() {
    let mut subnet = cluster_of(|cluster| cluster.port_rules[0].udp = false);
    for port in [80, SIP] {
        for last in 20..24 {
            let client = format!("10.10.11.{last}:1");
            assert_eq!(taken(&mut subnet, at(1), &client, port), Ok(HOST1));
        }
    }
    assert_eq!(
        local(&mut subnet, at(2), HOST1, NlbVerb::Stop),
        NlbOutcome::Done
    );
    assert_eq!(taken(&mut subnet, at(3), "10.10.11.20:1", 80), Ok(HOST2));
}

#[test]
fn single_host_filtering_gives_all_to_the_lowest_id_and_weights_share_out_unevenly() {
    let mut single = cluster_of(|cluster| cluster.port_rules[0].filtering = Filtering::Single);
    let mut disabled = cluster_of(|cluster| cluster.port_rules[0].filtering = Filtering::Disabled);
    let mut weighted = cluster_of(|cluster| {
        cluster.port_rules[0].load_weight = vec![("host1".to_owned(), 0), ("host2".to_owned(), 70)];
    });
    for last in 20..24 {
        let client = format!("10.10.11.{last}:1");
        assert_eq!(taken(&mut single, at(1), &client, SIP), Ok(HOST1));
        assert_eq!(
            taken(&mut disabled, at(1), &client, SIP),
            Err(Silence::NotHeld)
        );
        assert_eq!(taken(&mut weighted, at(1), &client, SIP), Ok(HOST2));
    }
}

#[test]
fn until_the_hosts_have_converged_a_lost_hosts_clients_are_lost_and_a_new_hosts_stay_where_they_were()
 {
    let mut subnet = cluster_of(|cluster| {
        cluster.started = false;
        cluster.convergence_ms = 1000;
    });
    assert_eq!(
        taken(&mut subnet, at(1), "10.10.11.20:1", SIP),
        Err(Silence::NotHeld)
    );
    for host in [HOST1, HOST2] {
        assert_eq!(
            local(&mut subnet, at(10), host, NlbVerb::Start),
            NlbOutcome::Done
        );
    }
    assert_eq!(local(&mut subnet, at(10), HOST2, OFF), NlbOutcome::Done);
    assert_eq!(
        taken(&mut subnet, at(900), "10.10.11.20:1", SIP),
        Err(Silence::NotHeld)
    );
    assert_eq!(
        taken(&mut subnet, at(1010), "10.10.11.20:1", SIP),
        Ok(HOST1)
    );
    // The port moves: off on host 1 counts at once, on on host 2 when they have agreed.
    assert_eq!(local(&mut subnet, at(2000), HOST1, OFF), NlbOutcome::Done);
    assert_eq!(local(&mut subnet, at(2100), HOST2, ON), NlbOutcome::Done);
    assert_eq!(
        taken(&mut subnet, at(3000), "10.10.11.20:1", SIP),
        Err(Silence::NotHeld)
    );
    assert_eq!(
        taken(&mut subnet, at(3100), "10.10.11.20:1", SIP),
        Ok(HOST2)
    );
}

#[test]
fn a_cut_off_host_ignores_commands_keeps_its_port_and_shares_the_clients_once_it_is_back() {
    let mut subnet = cluster();
    assert_eq!(local(&mut subnet, at(1), HOST2, OFF), NlbOutcome::Done);
    subnet
        .set_carrier(at(2), "host1", "NLB", false)
        .expect("it is there");
    assert_eq!(local(&mut subnet, at(3), HOST1, OFF), NlbOutcome::Ignored);
    assert_eq!(
        subnet.remove(at(3), HOST1, ip(VIP)),
        Change::AlreadySo,
        "its LCA cannot either"
    );
    assert_eq!(
        wlbs(
            &mut subnet,
            at(3),
            HOST2,
            NlbTarget::Host("1".to_owned()),
            OFF
        ),
        NlbOutcome::Silent
    );
    assert_eq!(local(&mut subnet, at(4), HOST2, ON), NlbOutcome::Done);
    let both = |reachable| vec![("host1".to_owned(), reachable), ("host2".to_owned(), true)];
    assert_eq!(holders(&subnet), both(false));
    let clients = ["10.10.11.20:1", "10.10.11.21:1"];
    for client in clients {
        assert_eq!(taken(&mut subnet, at(5), client, SIP), Ok(HOST2));
    }
    subnet
        .set_carrier(at(6), "host1", "NLB", true)
        .expect("it is there");
    assert_eq!(holders(&subnet), both(true));
    let hosts = clients.map(|client| taken(&mut subnet, at(7), client, SIP));
    assert!(
        hosts.contains(&Ok(HOST1)) && hosts.contains(&Ok(HOST2)),
        "{hosts:?}"
    );
    assert_eq!(local(&mut subnet, at(8), HOST1, OFF), NlbOutcome::Done);
    assert_eq!(holders(&subnet), [("host2".to_owned(), true)]);
}

#[test]
fn a_host_gives_orders_to_the_other_one_over_the_second_adapter_only_in_unicast_mode() {
    let remote = |subnet: &mut Subnet, now| {
        wlbs(subnet, now, HOST2, NlbTarget::Host("host1".to_owned()), OFF)
    };
    let mut unicast = cluster();
    unicast
        .set_carrier(at(1), "host1", "Office", false)
        .expect("it is there");
    assert_eq!(remote(&mut unicast, at(2)), NlbOutcome::Silent);
    unicast
        .set_carrier(at(3), "host1", "Office", true)
        .expect("it is there");
    assert_eq!(remote(&mut unicast, at(4)), NlbOutcome::Done);
    let mut multicast = cluster_of(|cluster| cluster.unicast = false);
    multicast
        .set_carrier(at(1), "host1", "Office", false)
        .expect("it is there");
    assert_eq!(remote(&mut multicast, at(2)), NlbOutcome::Done);
}

#[test]
fn in_unicast_mode_the_hosts_do_not_hear_each_other_over_the_cluster_adapters() {
    let to_host_1 =
        |subnet: &mut Subnet| subnet.route(at(1), Station::Host(HOST2), ip("10.10.11.101"));
    assert_eq!(to_host_1(&mut cluster()), Route::Silent(Silence::SharedMac));
    let heard = to_host_1(&mut cluster_of(|cluster| cluster.unicast = false));
    assert!(matches!(heard, Route::Via(_)), "{heard:?}");
}

#[test]
fn to_its_lca_a_host_has_the_cluster_ip_while_its_port_is_enabled() {
    let mut subnet = cluster_of(|cluster| cluster.started = false);
    let has = |subnet: &Subnet, host| {
        let state = subnet.snapshot(host);
        state.addresses.iter().any(|one| one.address == ip(VIP))
    };
    assert!(!has(&subnet, HOST1), "stopped");
    let wanted = VirtualAddress {
        address: ip(VIP),
        prefix: 24,
        interface: "NLB".to_owned(),
        label: None,
    };
    assert_eq!(subnet.add(at(1), HOST1, &wanted), Ok(Change::Done));
    assert_eq!(subnet.add(at(2), HOST1, &wanted), Ok(Change::AlreadySo));
    assert!(has(&subnet, HOST1) && !has(&subnet, HOST2));
    assert_eq!(subnet.remove(at(3), HOST1, ip(VIP)), Change::Done);
    assert!(!has(&subnet, HOST1));
    for host in [HOST1, HOST2] {
        let listed = subnet.links(host);
        let mut addresses = listed.iter().flat_map(|link| &link.addresses);
        assert!(
            addresses.any(|one| one.held.address == ip(VIP)),
            "ipconfig shows it on both"
        );
    }
}

#[test]
fn a_rule_counts_its_own_packets_and_a_port_without_rule_none() {
    let mut subnet = cluster_of(|cluster| {
        let media = rule(6000, 6100, Affinity::Single);
        cluster.port_rules.push(media);
    });
    assert_eq!(local(&mut subnet, at(1), HOST2, OFF), NlbOutcome::Done);
    for port in [SIP, 6000, 6050, 80] {
        // An even sum of octets is the first host's.
        let host = taken(&mut subnet, at(2), "10.10.11.21:40000", port);
        assert_eq!(host, Ok(HOST1), "port {port}");
    }
    let mut counts = |port, host| match local(&mut subnet, at(3), host, NlbVerb::QueryPort(port)) {
        NlbOutcome::Rule {
            accepted, dropped, ..
        } => (accepted, dropped),
        other => panic!("{other:?}"),
    };
    assert_eq!((counts(SIP, HOST1), counts(SIP, HOST2)), ((1, 0), (0, 1)));
    assert_eq!((counts(6000, HOST1), counts(6000, HOST2)), ((2, 0), (0, 2)));
}

#[test]
fn questions_are_answered_by_state_members_and_counts() {
    let mut subnet = cluster_of(|cluster| cluster.convergence_ms = 500);
    let state = |started, converged, members: &[u8]| NlbOutcome::State {
        started,
        converged,
        members: members.to_vec(),
    };
    assert_eq!(
        local(&mut subnet, at(1), HOST1, NlbVerb::Query),
        state(true, true, &[1, 2])
    );
    subnet
        .set_carrier(at(2), "host2", "NLB", false)
        .expect("it is there");
    assert_eq!(
        local(&mut subnet, at(3), HOST1, NlbVerb::Query),
        state(true, false, &[1])
    );
    assert_eq!(
        local(&mut subnet, at(600), HOST1, NlbVerb::Query),
        state(true, true, &[1])
    );
    assert_eq!(
        local(&mut subnet, at(600), HOST2, NlbVerb::Query),
        state(true, true, &[2])
    );
    for client in ["10.10.11.20:1", "10.10.11.21:1"] {
        assert_eq!(taken(&mut subnet, at(700), client, SIP), Ok(HOST1));
    }
    let counted = |accepted, dropped| NlbOutcome::Rule {
        first: SIP,
        last: SIP,
        enabled: true,
        accepted,
        dropped,
    };
    assert_eq!(
        local(&mut subnet, at(701), HOST1, NlbVerb::QueryPort(SIP)),
        counted(2, 0)
    );
    assert_eq!(
        local(&mut subnet, at(701), HOST2, NlbVerb::QueryPort(SIP)),
        counted(0, 2)
    );
    assert_eq!(
        local(&mut subnet, at(702), HOST1, NlbVerb::QueryPort(80)),
        NlbOutcome::NoRule
    );
    let nowhere = NlbCall {
        cluster: Some("othercluster".to_owned()),
        target: NlbTarget::Local,
        verb: NlbVerb::Query,
    };
    assert_eq!(
        subnet.nlb(at(703), HOST1, &nowhere),
        NlbAnswer::NoSuchCluster
    );
}
