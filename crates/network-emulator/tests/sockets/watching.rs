//! Watches, probes, observers, and the emulator as a process.

use changeover_emulated_nic::{Control, Network, NetworkError};
use changeover_network_emulator::{Emulator, EmulatorArguments, EmulatorProcess, choose_block};
use changeover_virtual_ip::{AddressEvent, Guarded, ProbeAnswer};
use tokio::time::{Instant, timeout};

use crate::site::*;

#[tokio::test]
async fn a_watch_begins_with_the_state_follows_changes_and_reports_rivals() {
    let site = Site::up().await;
    let addresses = site.host1.addresses().await.expect("addresses");
    let guarded = Guarded {
        address: ip(VIP),
        interface: "eth0".to_owned(),
    };
    let mut events = addresses.watch(vec![guarded]).await.expect("a watch");
    let mut next = async || {
        timeout(PATIENCE, events.recv())
            .await
            .expect("in time")
            .expect("an event")
    };
    let AddressEvent::Changed(first) = next().await else {
        panic!("the first event is the state");
    };
    assert_eq!(first.holder_of(ip(VIP)), None);
    assert_eq!(first.carrier("eth0"), Some(true));

    site.give_vip(&site.host1).await;
    let AddressEvent::Changed(with_vip) = next().await else {
        panic!("a change");
    };
    let held = with_vip.holder_of(ip(VIP)).expect("the VIP");
    assert_eq!((held.prefix, held.label.as_deref()), (24, Some("eth0:1")));

    site.announce(&site.host2).await;
    let AddressEvent::RivalSighted {
        address,
        interface,
        mac,
    } = next().await
    else {
        panic!("a rival");
    };
    let rival = site
        .host2
        .addresses()
        .await
        .expect("addresses")
        .snapshot()
        .await
        .expect("a state");
    assert_eq!((address, interface.as_str()), (ip(VIP), "eth0"));
    assert_eq!(Some(mac), rival.nic("eth0").and_then(|nic| nic.mac));

    site.control
        .unplug("host1", "eth0")
        .await
        .expect("unplugged");
    let AddressEvent::Changed(unplugged) = next().await else {
        panic!("a change");
    };
    assert_eq!(unplugged.carrier("eth0"), Some(false));
}

#[tokio::test]
async fn a_probe_answers_at_once_who_has_it_and_waits_before_it_says_free() {
    let site = Site::up().await;
    let asking = site.host2.addresses().await.expect("addresses");
    let begun = Instant::now();
    assert_eq!(
        asking.probe(ip(VIP), "eth0", SILENCE).await,
        Ok(ProbeAnswer::Free)
    );
    assert!(begun.elapsed() >= SILENCE);
    site.give_vip(&site.host1).await;
    let begun = Instant::now();
    let held = asking
        .probe(ip(VIP), "eth0", PATIENCE)
        .await
        .expect("an answer");
    assert!(matches!(held, ProbeAnswer::HeldBy(_)), "{held:?}");
    assert!(begun.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn an_observer_sees_every_holder_from_the_start_on_with_times_that_only_grow() {
    let site = Site::up().await;
    let mut observations = site.control.observe(0).await.expect("an observer");
    site.give_vip(&site.host1).await;
    site.give_vip(&site.host2).await;
    site.take_vip(&site.host1).await;
    let mut seen = Vec::new();
    let mut last = 0;
    for _ in 0..4 {
        let one = timeout(PATIENCE, observations.next())
            .await
            .expect("in time")
            .expect("an observation");
        assert!(one.monotonic_ns >= last);
        last = one.monotonic_ns;
        let hosts: Vec<String> = one
            .reachable_holders(ip(VIP))
            .map(|held| held.host.clone())
            .collect();
        seen.push(hosts.join("+"));
    }
    assert_eq!(seen, ["", "host1", "host1+host2", "host2"]);
}

#[tokio::test]
async fn a_host_that_does_not_exist_and_a_wildcard_address_are_refused() {
    let site = Site::up().await;
    let socket = site.folder.path().join("network.sock");
    let unknown = Network::connect(&socket, "host9")
        .await
        .expect_err("no such host");
    assert!(matches!(unknown, NetworkError::Refused { .. }), "{unknown}");
    let wildcard = site
        .host1
        .listen(at("0.0.0.0:4999"))
        .await
        .expect_err("not here");
    assert!(
        matches!(wildcard, NetworkError::Refused { .. }),
        "{wildcard}"
    );
    let second = Emulator::start(&east(), &socket, site.block.block()).await;
    assert!(second.is_err(), "two emulators on one socket");
}

#[tokio::test]
async fn as_a_process_it_says_when_it_is_ready_and_ends_with_its_parent() {
    let folder = tempfile::tempdir().expect("a folder");
    let block = choose_block().expect("a free block");
    let site = folder.path().join("site.json");
    std::fs::write(&site, serde_json::to_vec(&east()).expect("JSON")).expect("written");
    let arguments = EmulatorArguments {
        site,
        socket: folder.path().join("network.sock"),
        block: block.block().to_string(),
    };
    let program = tokio::process::Command::new(env!("CARGO_BIN_EXE_network-emulator"));
    let emulator = EmulatorProcess::start(program, &arguments, PATIENCE)
        .await
        .expect("a ready emulator");
    let real = emulator
        .ready()
        .addresses
        .get(&ip(VIP))
        .copied()
        .expect("the VIP's place");
    assert!(block.block().contains(real));
    let network = Network::connect(emulator.socket(), "host1")
        .await
        .expect("host1");
    assert_eq!(network.emulated_host(), Some("host1"));
    emulator.stop(PATIENCE).await.expect("an orderly end");
    assert!(!arguments.socket.exists(), "the socket is removed");
}

#[tokio::test]
async fn sigterm_ends_it_in_order_and_a_broken_description_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let block = choose_block().expect("a free block");
    let arguments = EmulatorArguments {
        site: folder.path().join("site.json"),
        socket: folder.path().join("network.sock"),
        block: block.block().to_string(),
    };
    let program = || tokio::process::Command::new(env!("CARGO_BIN_EXE_network-emulator"));
    std::fs::write(&arguments.site, r#"{"hosts": [], "vips": []}"#).expect("written");
    let output = program()
        .arg("--site")
        .arg(&arguments.site)
        .arg("--socket")
        .arg(&arguments.socket)
        .args(["--block", &arguments.block])
        .output()
        .await
        .expect("a process");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint.contains("unknown field `vips`"), "{complaint}");

    let site = serde_json::to_vec(&east()).expect("JSON");
    std::fs::write(&arguments.site, site).expect("written");
    let emulator = EmulatorProcess::start(program(), &arguments, PATIENCE)
        .await
        .expect("a ready emulator");
    let id = emulator.id().expect("a running process").to_string();
    let killed = tokio::process::Command::new("kill")
        .args(["-TERM", &id])
        .status()
        .await
        .expect("a process");
    assert!(killed.success());
    let mut control = Control::connect(&arguments.socket).await;
    let until = Instant::now() + PATIENCE;
    while control.is_ok() {
        assert!(Instant::now() < until, "it still answers");
        control = Control::connect(&arguments.socket).await;
    }
    emulator.stop(PATIENCE).await.expect("an orderly end");
    assert!(!arguments.socket.exists(), "the socket is removed");
}
