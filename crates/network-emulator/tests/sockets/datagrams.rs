//! Datagrams to the Virtual IP and between hosts.

use std::net::SocketAddr;

use changeover_emulated_nic::{Network, NetworkError};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

use crate::site::*;

/// Answers every datagram on the VIP with the host's name.
async fn answer_as(network: &Network, name: &'static str) -> tokio::task::JoinHandle<()> {
    let mut datagrams = network
        .datagrams(at("10.10.11.103:5060"))
        .await
        .expect("a socket");
    assert_eq!(datagrams.address(), at("10.10.11.103:5060"));
    tokio::spawn(async move {
        while let Ok(datagram) = datagrams.receive().await {
            assert_eq!(datagram.to, at("10.10.11.103:5060"));
            datagrams
                .send(datagram.from, name.as_bytes())
                .await
                .expect("sent");
        }
    })
}

/// Who answers a datagram to the VIP; checks that the answer comes from the VIP itself.
async fn who_answers(client: &UdpSocket, real: SocketAddr) -> Option<String> {
    client.send_to(b"OPTIONS", real).await.expect("sent");
    let mut buffer = [0; 64];
    let (length, from) = timeout(SILENCE, client.recv_from(&mut buffer))
        .await
        .ok()?
        .expect("received");
    assert_eq!(from, real, "the answer must come from the VIP");
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

#[tokio::test]
async fn a_datagram_to_the_vip_reaches_its_holder_and_the_answer_comes_from_the_vip() {
    let site = Site::up().await;
    let real = site.real("10.10.11.103:5060").await;
    let client = site.client().await;
    let _first = answer_as(&site.host1, "host1").await;
    let _second = answer_as(&site.host2, "host2").await;
    assert_eq!(
        who_answers(&client, real).await,
        None,
        "nobody holds it yet"
    );

    site.give_vip(&site.host1).await;
    assert_eq!(who_answers(&client, real).await.as_deref(), Some("host1"));
    assert_eq!(
        site.control
            .arp_entry("neighbour", ip(VIP))
            .await
            .expect("a table")
            .as_deref(),
        Some("host1")
    );

    site.take_vip(&site.host1).await;
    site.give_vip(&site.host2).await;
    assert_eq!(
        who_answers(&client, real).await,
        None,
        "the neighbour was not told"
    );
    site.announce(&site.host2).await;
    assert_eq!(who_answers(&client, real).await.as_deref(), Some("host2"));

    site.control
        .unplug("host2", "eth0")
        .await
        .expect("unplugged");
    assert_eq!(who_answers(&client, real).await, None);
    site.control.plug("host2", "eth0").await.expect("plugged");
    assert_eq!(who_answers(&client, real).await.as_deref(), Some("host2"));
}

#[tokio::test]
async fn hosts_exchange_datagrams_between_their_own_addresses() {
    let site = Site::up().await;
    let mut first = site
        .host1
        .datagrams(at("10.10.11.101:7000"))
        .await
        .expect("a socket");
    let mut second = site
        .host2
        .datagrams(at("10.10.11.102:0"))
        .await
        .expect("a socket");
    second.send(first.address(), b"ping").await.expect("sent");
    let received = timeout(PATIENCE, first.receive())
        .await
        .expect("in time")
        .expect("received");
    assert_eq!(
        (received.from, received.payload),
        (second.address(), b"ping".to_vec())
    );
    first.send(received.from, b"pong").await.expect("sent");
    let answer = timeout(PATIENCE, second.receive())
        .await
        .expect("in time")
        .expect("received");
    assert_eq!(
        (answer.from, answer.to),
        (first.address(), second.address())
    );

    site.control
        .unplug("host1", "eth0")
        .await
        .expect("unplugged");
    first
        .send(second.address(), b"lost")
        .await
        .expect("sent into the void");
    assert!(timeout(SILENCE, second.receive()).await.is_err());
}

#[tokio::test]
async fn a_second_socket_on_the_same_address_of_a_host_is_refused_and_free_again_afterwards() {
    let site = Site::up().await;
    let first = site
        .host1
        .datagrams(at("10.10.11.103:5060"))
        .await
        .expect("a socket");
    let second = site.host1.datagrams(at("10.10.11.103:5060")).await;
    assert!(
        matches!(second, Err(NetworkError::Refused { .. })),
        "{second:?}"
    );
    drop(first);
    let until = Instant::now() + PATIENCE;
    while site.host1.datagrams(at("10.10.11.103:5060")).await.is_err() {
        assert!(Instant::now() < until, "the socket is not given back");
        tokio::task::yield_now().await;
    }
}
