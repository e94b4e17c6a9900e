//! The real kernel: `vipctl` and the library in network namespaces of the tests' own. Two hosts, joined by one cable;
//! the interface is called `vip0` in both, a name the machine itself does not have. Every namespace is removed by its
//! owner, and those that a killed run left behind are swept by the next.

use std::process::Stdio;
use std::time::{Duration, Instant};

use changeover_virtual_ip::{Addresses, Kernel, VirtualAddress};

use site::{INSIDE, Site};

#[path = "kernel/site.rs"]
mod site;

#[test]
#[ignore = "needs root"]
fn up_puts_the_address_there_with_its_label_and_twice_is_already_so() {
    let site = Site::build();
    let line = "up 10.10.11.103/24 --interface vip0 --label vip0:1";

    let (code, text) = site.vipctl(1, line);
    assert_eq!(
        (code, text.as_str()),
        (0, "10.10.11.103/24 on vip0 (vip0:1): added, announced\n")
    );
    let shown = site.ip(1, "-o addr show dev vip0");
    assert!(
        shown.contains("inet 10.10.11.103/24 scope global secondary vip0:1"),
        "{shown}"
    );

    let (code, text) = site.vipctl(1, line);
    assert_eq!(
        (code, text.as_str()),
        (
            0,
            "10.10.11.103/24 on vip0 (vip0:1): already so, announced\n"
        )
    );
}

#[test]
#[ignore = "needs root"]
fn an_ipv6_address_is_usable_at_once() {
    let site = Site::build();
    let (code, text) = site.vipctl(1, "up fd00::103/64 --interface vip0");
    assert_eq!(
        (code, text.as_str()),
        (0, "fd00::103/64 on vip0: added, announced\n")
    );
    let shown = site.ip(1, "-o -6 addr show dev vip0");
    let line = shown.lines().find(|line| line.contains("fd00::103/64"));
    let line = line.expect("it was read back");
    assert!(
        line.contains("nodad") && !line.contains("tentative"),
        "{line}"
    );
}

#[test]
#[ignore = "needs root"]
fn down_removes_what_was_added_with_another_prefix_and_without_label() {
    let site = Site::build();
    site.ip(1, "addr add 10.10.11.103/8 dev vip0");
    site.ip(1, "addr add 10.10.11.103/32 dev lo");
    site.ip(1, "addr add fd00::103/128 dev vip0 nodad");

    let (code, text) = site.vipctl(1, "down 10.10.11.103/24 fd00::103/64 --label vip0:1");
    assert_eq!(
        (code, text.as_str()),
        (0, "10.10.11.103: removed\nfd00::103: removed\n")
    );
    let shown = site.ip(1, "-o addr");
    assert!(!shown.contains("103"), "{shown}");

    let (code, text) = site.vipctl(1, "down 10.10.11.103 fd00::103");
    assert_eq!(
        (code, text.as_str()),
        (0, "10.10.11.103: already so\nfd00::103: already so\n")
    );
}

#[test]
#[ignore = "needs root"]
fn up_corrects_a_classful_mask_and_a_wrong_interface() {
    let site = Site::build();
    site.ip(1, "addr add 10.10.11.103/8 dev vip0 label vip0:1");
    site.ip(1, "addr add 10.10.11.103/32 dev lo");
    let (code, text) = site.vipctl(1, "up 10.10.11.103/24 --interface vip0");
    assert_eq!(code, 0, "{text}");
    let shown = site.ip(1, "-o -4 addr");
    let found: Vec<&str> = shown
        .lines()
        .filter(|line| line.contains("10.10.11.103"))
        .collect();
    assert_eq!(found.len(), 1, "{shown}");
    assert!(
        found[0].contains("vip0") && found[0].contains("10.10.11.103/24"),
        "{shown}"
    );
}

#[test]
#[ignore = "needs root"]
fn removing_a_vip_that_became_primary_leaves_the_hosts_own_address_and_its_routes() {
    let site = Site::build();
    let switch = "/proc/sys/net/ipv4/conf/vip0/promote_secondaries";
    let all = "/proc/sys/net/ipv4/conf/all/promote_secondaries";
    for switch in [switch, all] {
        site.on(1, "sh", &["-c", &format!("echo 0 >{switch}")]);
    }
    site.ip(1, "addr flush dev vip0 scope global");
    site.ip(1, "addr add 10.10.11.103/24 dev vip0");
    site.ip(1, "addr add 10.10.11.101/24 dev vip0 label vip0:own");
    site.ip(1, "route add default via 10.10.11.102");

    let (code, text) = site.vipctl(1, "down 10.10.11.103");
    assert_eq!((code, text.as_str()), (0, "10.10.11.103: removed\n"));
    let shown = site.ip(1, "-o -4 addr show dev vip0");
    assert!(
        shown.contains("inet 10.10.11.101/24 scope global vip0:own"),
        "{shown}"
    );
    let routes = site.ip(1, "route");
    assert!(routes.contains("default via 10.10.11.102"), "{routes}");
    let left = site.on(1, "cat", &[switch]).stdout;
    assert_eq!(left, b"0\n");
}

#[test]
#[ignore = "needs root"]
fn an_announcement_changes_the_neighbours_entry_in_both_families() {
    let site = Site::build();
    for vip in ["10.10.11.103", "fd00::103"] {
        // Whoever had it before: a MAC that nobody has any more.
        let stale = format!("neigh replace {vip} lladdr 02:00:00:00:00:99 dev vip0 nud stale");
        site.ip(2, &stale);
    }
    let (code, text) = site.vipctl(1, "up 10.10.11.103/24 fd00::103/64 --interface vip0");
    assert_eq!(code, 0, "{text}");
    let mac = site.mac(1);
    for vip in ["10.10.11.103", "fd00::103"] {
        let entry = site.ip(2, &format!("neigh show {vip} dev vip0"));
        assert!(entry.contains(&mac), "{entry} should have {mac}");
    }
}

#[test]
#[ignore = "needs root"]
fn without_announcement_the_neighbours_entry_stays() {
    let site = Site::build();
    site.ip(
        2,
        "neigh replace 10.10.11.103 lladdr 02:00:00:00:00:99 dev vip0 nud stale",
    );
    let (code, text) = site.vipctl(1, "up 10.10.11.103/24 --interface vip0 --no-announce");
    assert_eq!(code, 0, "{text}");
    let entry = site.ip(2, "neigh show 10.10.11.103 dev vip0");
    assert!(entry.contains("02:00:00:00:00:99"), "{entry}");
}

#[test]
#[ignore = "needs root"]
fn probe_tells_held_from_free_in_both_families() {
    let site = Site::build();
    let mac = site.mac(2);
    for (held, free) in [("10.10.11.102", "10.10.11.103"), ("fd00::102", "fd00::103")] {
        let (code, text) = site.vipctl(1, &format!("probe {held}"));
        assert_eq!(
            (code, text),
            (1, format!("{held} on vip0: held by {mac}\n"))
        );
        let (code, text) = site.vipctl(1, &format!("probe {free} --probe-wait 100ms"));
        assert_eq!((code, text), (0, format!("{free} on vip0: free\n")));
    }
    // One's own hold is no answer.
    let (code, text) = site.vipctl(2, "probe 10.10.11.102 --interface vip0 --probe-wait 100ms");
    assert_eq!((code, text.as_str()), (0, "10.10.11.102 on vip0: free\n"));
}

#[test]
#[ignore = "needs root"]
fn probe_wait_adds_nothing_while_the_other_host_holds_and_adds_once_it_lets_go() {
    let site = Site::build();
    site.ip(2, "addr add 10.10.11.103/24 dev vip0");
    let mac = site.mac(2);

    let line = "up 10.10.11.103/24 --interface vip0 --probe-wait 200ms";
    let (code, text) = site.vipctl(1, line);
    assert_eq!(code, 1);
    assert!(
        text.contains(&format!("not added: {mac} still had it after 200ms")),
        "{text}"
    );
    assert!(!site.ip(1, "-o addr").contains("10.10.11.103"));

    let words = "up 10.10.11.103/24 --interface vip0 --probe-wait 10s";
    let words: Vec<&str> = words.split_whitespace().collect();
    let neighbour = site.watch(2, "10.10.11.103 --interface vip0");
    let mut waiting = site
        .command(1, env!("CARGO_BIN_EXE_vipctl"), &words)
        .stdout(Stdio::null())
        .spawn()
        .expect("vipctl was built");
    site.ip(2, "addr del 10.10.11.103/24 dev vip0");
    let (released, _) = neighbour.until("\"changed\"");
    let (taken, _) = neighbour.until("\"rival\"");
    assert!(waiting.wait().expect("our own child").success());
    assert!(taken > released);
    assert!(site.ip(1, "-o addr").contains("10.10.11.103/24"));
}

#[test]
#[ignore = "needs root"]
fn watch_reports_a_foreign_change_at_once() {
    let site = Site::build();
    let watch = site.watch(1, "");

    site.ip(1, "addr add 10.10.11.103/24 dev vip0 label vip0:1");
    let done = Instant::now();
    let (at, line) = watch.until("\"label\":\"vip0:1\"");
    let late = at.saturating_duration_since(done);
    assert!(late < Duration::from_millis(200), "{late:?}");
    assert!(line.contains("10.10.11.103"), "{line}");

    site.ip(1, "addr del 10.10.11.103/24 dev vip0");
    let (_, line) = watch.until("\"changed\"");
    assert!(!line.contains("10.10.11.103"), "{line}");
}

#[test]
#[ignore = "needs root"]
fn addresses_that_nobody_renews_are_taken_away_by_the_kernel_and_the_hosts_own_stay() {
    let site = Site::build();
    let watch = site.watch(1, "");
    let began = Instant::now();
    let ran = site
        .command(1, env!("CARGO_BIN_EXE_vipctl"), &["up"])
        .env("CHANGEOVER_VIP", "10.10.11.103 fd00::103")
        .env("CHANGEOVER_PREFIX", "24 64")
        .env("CHANGEOVER_INTERFACE", "vip0 vip0")
        .env("CHANGEOVER_ADDRESS_LIFETIME", "2")
        .output()
        .expect("ip(8) is installed");
    assert!(ran.status.success(), "{ran:?}");
    watch.until("fd00::103");

    let line = loop {
        let (_, line) = watch.until("\"changed\"");
        if !line.contains("10.10.11.103") && !line.contains("fd00::103") {
            break line;
        }
    };
    // Not before their time: the kernel counts in whole seconds.
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert!(
        line.contains("10.10.11.101") && line.contains("fd00::101"),
        "{line}"
    );
}

#[test]
#[ignore = "needs root"]
fn watch_reports_a_pulled_cable() {
    let site = Site::build();
    let watch = site.watch(1, "");
    site.ip(2, "link set vip0 down");
    watch.until("\"carrier\":false");
    site.ip(2, "link set vip0 up");
    let (_, line) = watch.until("\"changed\"");
    assert!(line.contains("vip0"), "{line}");
}

#[test]
#[ignore = "needs root"]
fn a_watcher_that_was_stopped_during_a_storm_still_learns_the_last_state() {
    let site = Site::build();
    let watch = site.watch(1, "");
    watch.signal("STOP");
    let storm: String = (0..4_000)
        .map(|round| match round % 2 {
            0 => "addr add 10.10.11.77/24 dev vip0\n",
            _ => "addr del 10.10.11.77/24 dev vip0\n",
        })
        .collect();
    let end = "addr add 10.10.11.103/24 dev vip0\n";
    let file = tempfile::NamedTempFile::new().expect("room for a file");
    std::fs::write(file.path(), storm + end).expect("room for a file");
    site.ip(1, &format!("-batch {}", file.path().display()));
    watch.signal("CONT");

    let (_, line) = watch.until("10.10.11.103");
    assert!(!line.contains("10.10.11.77"), "{line}");
}

#[test]
#[ignore = "needs root"]
fn a_rival_is_sighted_and_oneself_is_none() {
    let site = Site::build();
    let watch = site.watch(1, "10.10.11.103 fd00::103 --interface vip0");
    let both = "up 10.10.11.103/24 fd00::103/64 --interface vip0";
    assert_eq!(site.vipctl(1, both).0, 0);
    assert_eq!(site.vipctl(2, both).0, 0);

    let (own, other) = (site.mac(1), site.mac(2));
    // An IPv4 announcement is two frames, and may be told twice.
    let mut told = vec![watch.until("\"rival\"").1];
    while !told.iter().any(|line| line.contains("fd00::103")) {
        told.push(watch.until("\"rival\"").1);
    }
    assert!(told[0].contains("10.10.11.103"), "{told:?}");
    for line in &told {
        assert!(line.contains(&other) && !line.contains(&own), "{line}");
    }
}

#[test]
#[ignore = "needs root"]
fn a_watch_follows_an_interface_that_is_replaced() {
    let site = Site::build();
    let watch = site.watch(1, "10.10.11.103 --interface vip0");
    site.ip(1, "link del vip0");
    let [_, two] = &site.hosts;
    site.ip(
        1,
        &format!("link add vip0 type veth peer name vip0 netns {two}"),
    );
    for host in [1, 2] {
        site.ip(host, "link set vip0 up");
    }
    site.ip(1, "addr add 10.10.11.77/24 dev vip0");
    watch.until("10.10.11.77");
    assert_eq!(site.vipctl(2, "up 10.10.11.103/24 --interface vip0").0, 0);
    let (_, line) = watch.until("\"rival\"");
    assert!(line.contains(&site.mac(2)), "{line}");
}

#[test]
#[ignore = "needs root"]
fn what_the_kernel_refuses_is_explained() {
    let site = Site::build();
    let (code, text) = site.vipctl(1, "up 10.10.11.103/24 --interface nowhere");
    assert_eq!(code, 2);
    assert!(
        text.contains("no interface is called \"nowhere\""),
        "{text}"
    );

    site.on(
        1,
        "sh",
        &["-c", "echo 1 >/proc/sys/net/ipv6/conf/vip0/disable_ipv6"],
    );
    let (code, text) = site.vipctl(1, "up fd00::103/64 --interface vip0");
    assert_eq!(code, 1);
    assert!(text.contains("is IPv6 switched off"), "{text}");

    let vipctl = env!("CARGO_BIN_EXE_vipctl");
    let without = [
        "--ambient-caps=-all",
        "--inh-caps=-all",
        "--bounding-set=-net_admin",
        vipctl,
    ];
    let words = ["up", "10.10.11.103/24", "--interface", "vip0"];
    let ran = site.on(1, "setpriv", &[&without[..], &words[..]].concat());
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(3), "{complaint}");
    assert!(
        complaint.contains("needs root or CAP_NET_ADMIN"),
        "{complaint}"
    );
}

/// Medians over many rounds; the bounds leave room for a busy machine and an unoptimised build.
#[test]
#[ignore = "needs root"]
fn a_held_socket_announces_and_netlink_changes_within_a_millisecond() {
    if std::env::var_os(INSIDE).is_none() {
        let name = "a_held_socket_announces_and_netlink_changes_within_a_millisecond";
        print!("{}", Site::build().run_inside(name));
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let kernel = Kernel::open().expect("netlink");
        kernel.hold_sockets().expect("root");
        let vip = VirtualAddress {
            address: "10.10.11.103".parse().expect("literal"),
            prefix: 24,
            interface: "vip0".to_owned(),
            label: Some("vip0:1".to_owned()),
        };
        let mut times: [Vec<Duration>; 3] = Default::default();
        for _ in 0..200 {
            let start = Instant::now();
            kernel.add(&vip).await.expect("add");
            let added = Instant::now();
            kernel
                .announce(vip.address, "vip0")
                .await
                .expect("announce");
            let announced = Instant::now();
            kernel.remove(vip.address).await.expect("remove");
            let removed = Instant::now();
            let points = [start, added, announced, removed];
            for (list, pair) in times.iter_mut().zip(points.windows(2)) {
                list.push(pair[1] - pair[0]);
            }
        }
        let medians = times.map(|mut list| {
            list.sort();
            list[list.len() / 2]
        });
        println!(
            "median add {:?}, announce {:?}, remove {:?}",
            medians[0], medians[1], medians[2]
        );
        for median in medians {
            assert!(median < Duration::from_millis(1), "{medians:?}");
        }
    });
}
