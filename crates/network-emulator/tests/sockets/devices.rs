//! A network device in front of two pairs: it holds their Virtual IPs and finds the primaries by OPTIONS.

use crate::site::*;
use changeover_emulated_nic::Network;
use changeover_network_emulator::{DeviceDescription, PoolDescription, SiteDescription};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

const INTERVAL: Duration = Duration::from_millis(50);
const OTHER: &str = "10.10.11.105";

/// East behind a device, with a second pool on port 5080 of the same hosts.
fn behind_a_device() -> SiteDescription {
    let pool = |address: &str, port| PoolDescription {
        address: ip(address),
        port,
        members: vec![ip("10.10.11.101"), ip("10.10.11.102")],
    };
    SiteDescription {
        virtual_ips: Vec::new(),
        devices: vec![DeviceDescription {
            name: "device".to_owned(),
            address: ip("10.10.11.104"),
            check_interval_ms: 50,
            pools: vec![pool(VIP, 5060), pool(OTHER, 5080)],
        }],
        ..east()
    }
}

/// A server: OPTIONS of the device gets 200 or 503, anything else its name when it is primary.
#[derive(Clone)]
struct Server {
    primary: Arc<AtomicBool>,
    /// How often the device has asked.
    asked: watch::Sender<u64>,
}

impl Server {
    /// Waits until the device has counted an answer that this server gives from now on: it asks once in a round, so that with
    /// the third question a round that began after this call is over.
    async fn is_judged(&self) {
        let mut asked = self.asked.subscribe();
        let until = *asked.borrow() + 3;
        timeout(PATIENCE, asked.wait_for(|asked| *asked >= until))
            .await
            .expect("the device asks")
            .expect("the server is there");
    }
}

async fn serve(network: &Network, at_own: &str, name: &'static str, primary: bool) -> Server {
    let server = Server {
        primary: Arc::new(AtomicBool::new(primary)),
        asked: watch::Sender::new(0),
    };
    let mut socket = network.datagrams(at(at_own)).await.expect("a socket");
    let this = server.clone();
    tokio::spawn(async move {
        while let Ok(datagram) = socket.receive().await {
            let text = String::from_utf8_lossy(&datagram.payload).into_owned();
            let is_primary = this.primary.load(Ordering::SeqCst);
            let answer = if let Some(cseq) = text.lines().find(|line| line.starts_with("CSeq")) {
                assert_eq!(
                    datagram.from.ip(),
                    ip("10.10.11.104"),
                    "the device itself asks"
                );
                this.asked.send_modify(|asked| *asked += 1);
                let status = if is_primary {
                    "200 OK"
                } else {
                    "503 Service Unavailable"
                };
                format!("SIP/2.0 {status}\r\n{cseq}\r\n\r\n")
            } else if is_primary {
                name.to_owned()
            } else {
                continue;
            };
            let sent = socket.send(datagram.from, answer.as_bytes()).await;
            sent.expect("sent");
        }
    });
    server
}

/// Who answers at a Virtual IP, from which the answer must come.
async fn answers(client: &UdpSocket, real: SocketAddr) -> Option<String> {
    client.send_to(b"who", real).await.expect("sent");
    let mut buffer = [0; 64];
    let received = timeout(Duration::from_millis(20), client.recv_from(&mut buffer)).await;
    let (length, from) = received.ok()?.expect("received");
    assert_eq!(from, real, "the answer must come from the VIP");
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

async fn until_answered_by(site: &Site, front: &str, wanted: Option<&str>) -> Duration {
    let real = site.real(front).await;
    let began = Instant::now();
    loop {
        // A fresh socket, so that no late answer to an earlier question is taken for one to this.
        let client = site.client().await;
        if answers(&client, real).await.as_deref() == wanted {
            return began.elapsed();
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{wanted:?} never answers at {front}"
        );
    }
}

#[tokio::test]
async fn the_traffic_follows_the_server_that_answers_as_primary_and_no_address_moves() {
    let site = Site::of(&behind_a_device()).await;
    let first = serve(&site.host1, "10.10.11.101:5060", "host1", true).await;
    let second = serve(&site.host2, "10.10.11.102:5060", "host2", false).await;
    until_answered_by(&site, "10.10.11.103:5060", Some("host1")).await;

    first.primary.store(false, Ordering::SeqCst);
    second.primary.store(true, Ordering::SeqCst);
    let took = until_answered_by(&site, "10.10.11.103:5060", Some("host2")).await;
    assert!(took < INTERVAL * 20, "it asks every 50 ms: {took:?}");

    let state = site.control.state().await.expect("a state");
    assert_eq!(state["devices"][VIP], "10.10.11.102");
    assert_eq!(state["holders"], serde_json::json!([]), "no host holds it");
}

#[tokio::test]
async fn a_server_whose_cable_is_pulled_loses_the_traffic_and_two_primaries_do_not_share_it() {
    let site = Site::of(&behind_a_device()).await;
    let first = serve(&site.host1, "10.10.11.101:5060", "host1", true).await;
    until_answered_by(&site, "10.10.11.103:5060", Some("host1")).await;
    // Both say that they are primary: who has the traffic keeps it.
    let second = serve(&site.host2, "10.10.11.102:5060", "host2", true).await;
    second.is_judged().await;
    let client = site.client().await;
    let real = site.real("10.10.11.103:5060").await;
    assert_eq!(answers(&client, real).await.as_deref(), Some("host1"));

    site.control.unplug("host1", "eth0").await.expect("obeyed");
    until_answered_by(&site, "10.10.11.103:5060", Some("host2")).await;
    site.control.plug("host1", "eth0").await.expect("obeyed");
    first.is_judged().await;
    assert_eq!(answers(&client, real).await.as_deref(), Some("host2"));
}

#[tokio::test]
async fn one_device_serves_several_pairs_each_by_its_own_primary() {
    let site = Site::of(&behind_a_device()).await;
    let _east = serve(&site.host1, "10.10.11.101:5060", "east on host1", true).await;
    let _east_backup = serve(&site.host2, "10.10.11.102:5060", "east on host2", false).await;
    let west = serve(&site.host2, "10.10.11.102:5080", "west on host2", true).await;
    until_answered_by(&site, "10.10.11.103:5060", Some("east on host1")).await;
    until_answered_by(&site, "10.10.11.105:5080", Some("west on host2")).await;
    west.primary.store(false, Ordering::SeqCst);
    west.is_judged().await;
    let state = site.control.state().await.expect("a state");
    assert_eq!(state["devices"][OTHER], serde_json::Value::Null);
    until_answered_by(&site, "10.10.11.105:5080", None).await;
    until_answered_by(&site, "10.10.11.103:5060", Some("east on host1")).await;
}
