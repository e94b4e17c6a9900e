//! Dials, relays and their silence.

use std::net::SocketAddr;

use changeover_emulated_nic::DialError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::site::*;

async fn connected(site: &Site) -> (TcpStream, TcpStream) {
    let to = at("10.10.11.102:4999");
    let listener = site.host2.listen(to).await.expect("a listener");
    let near = site.host1.dial(to, PATIENCE).await.expect("a connection");
    let (far, peer) = accept(&listener).await;
    assert_eq!(
        peer.ip(),
        site.control
            .real_address(ip("10.10.11.101"))
            .await
            .expect("a place"),
        "the listener sees which host calls"
    );
    (near, far)
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    timeout(PATIENCE, listener.accept())
        .await
        .expect("in time")
        .expect("accepted")
}

async fn says(stream: &mut TcpStream, words: &[u8]) {
    stream.write_all(words).await.expect("written");
}

async fn hears(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut heard = vec![0; length];
    timeout(PATIENCE, stream.read_exact(&mut heard))
        .await
        .expect("in time")
        .expect("read");
    heard
}

async fn hears_nothing(stream: &mut TcpStream) {
    let mut one = [0; 1];
    let heard = timeout(SILENCE, stream.read(&mut one)).await;
    assert!(
        heard.is_err(),
        "neither bytes nor an end may come: {heard:?}"
    );
}

#[tokio::test]
async fn a_connection_goes_silent_both_ways_when_a_cable_is_pulled_and_goes_on_when_it_is_back() {
    let site = Site::up().await;
    let (mut near, mut far) = connected(&site).await;
    says(&mut near, b"beat 1").await;
    assert_eq!(hears(&mut far, 6).await, b"beat 1");
    for host in ["host1", "host2"] {
        site.control.unplug(host, "eth0").await.expect("unplugged");
        says(&mut near, b"beat 2").await;
        says(&mut far, b"answer").await;
        hears_nothing(&mut far).await;
        hears_nothing(&mut near).await;
        site.control.plug(host, "eth0").await.expect("plugged");
        assert_eq!(hears(&mut far, 6).await, b"beat 2");
        assert_eq!(hears(&mut near, 6).await, b"answer");
    }
}

#[tokio::test]
async fn a_process_that_dies_behind_a_pulled_cable_is_noticed_only_when_it_is_back() {
    let site = Site::up().await;
    let (mut near, far) = connected(&site).await;
    site.control
        .unplug("host2", "eth0")
        .await
        .expect("unplugged");
    drop(far);
    hears_nothing(&mut near).await;
    site.control.plug("host2", "eth0").await.expect("plugged");
    let mut one = [0; 1];
    let end = timeout(PATIENCE, near.read(&mut one))
        .await
        .expect("in time");
    assert_eq!(end.expect("an orderly end"), 0);
}

#[tokio::test]
async fn a_peer_that_dies_with_unread_data_resets_the_connection() {
    let site = Site::up().await;
    let (mut near, far) = connected(&site).await;
    says(&mut near, b"never read").await;
    let mut peeked = [0; 1];
    timeout(PATIENCE, far.peek(&mut peeked))
        .await
        .expect("in time")
        .expect("readable");
    drop(far);
    let mut one = [0; 1];
    let end = timeout(PATIENCE, near.read(&mut one))
        .await
        .expect("in time");
    assert_eq!(
        end.expect_err("a reset").kind(),
        std::io::ErrorKind::ConnectionReset
    );
}

#[tokio::test]
async fn one_side_may_finish_and_still_hear_the_other() {
    let site = Site::up().await;
    let (mut near, mut far) = connected(&site).await;
    says(&mut near, b"question").await;
    near.shutdown().await.expect("half closed");
    let mut question = Vec::new();
    timeout(PATIENCE, far.read_to_end(&mut question))
        .await
        .expect("in time")
        .expect("read");
    assert_eq!(question, b"question");
    says(&mut far, b"answer").await;
    assert_eq!(hears(&mut near, 6).await, b"answer");
}

#[tokio::test]
async fn a_large_transfer_survives_a_pulled_cable_whole() {
    let site = Site::up().await;
    let (mut near, mut far) = connected(&site).await;
    // More than the kernel's buffers along the way can grow to.
    let pattern: Vec<u8> = (0..1 << 20)
        .map(|n: u32| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
        .collect();
    let sent = pattern.repeat(64);
    let expected = sent.clone();
    let writing = tokio::spawn(async move {
        near.write_all(&sent).await.expect("written");
        near.shutdown().await.expect("finished");
        near
    });
    let mut received = hears(&mut far, 100_000).await;
    site.control
        .unplug("host1", "eth0")
        .await
        .expect("unplugged");
    tokio::time::sleep(SILENCE).await;
    assert!(
        !writing.is_finished(),
        "64 MB must not fit into the buffers on the way"
    );
    site.control.plug("host1", "eth0").await.expect("plugged");
    timeout(PATIENCE, far.read_to_end(&mut received))
        .await
        .expect("in time")
        .expect("read");
    assert!(
        received == expected,
        "{} of {} bytes",
        received.len(),
        expected.len()
    );
    drop(writing.await.expect("the writer ends"));
}

#[tokio::test]
async fn a_dial_is_refused_by_a_living_host_and_times_out_on_a_silent_one() {
    let site = Site::up().await;
    let to = at("10.10.11.102:4999");
    let refused = site
        .host1
        .dial(to, PATIENCE)
        .await
        .expect_err("nobody listens");
    assert!(
        matches!(refused, DialError::Refused(_)) && refused.heard(),
        "{refused}"
    );
    site.host1
        .echo(to, PATIENCE)
        .await
        .expect("the host answers");

    for host in ["host1", "host2"] {
        site.control.unplug(host, "eth0").await.expect("unplugged");
        let silent = site.host1.dial(to, SILENCE).await.expect_err("silence");
        assert!(matches!(silent, DialError::TimedOut(_)), "{silent}");
        let silent = site.host1.echo(to, SILENCE).await.expect_err("silence");
        assert!(matches!(silent, DialError::TimedOut(_)), "{silent}");
        site.control.plug(host, "eth0").await.expect("plugged");
    }
}

#[tokio::test]
async fn a_dial_under_way_succeeds_when_the_cable_comes_back() {
    let site = Site::up().await;
    let to = at("10.10.11.102:4999");
    let listener = site.host2.listen(to).await.expect("a listener");
    site.control
        .unplug("host2", "eth0")
        .await
        .expect("unplugged");
    let network = site.host1.clone();
    let dialling = tokio::spawn(async move { network.dial(to, PATIENCE).await });
    assert!(timeout(SILENCE, listener.accept()).await.is_err());
    site.control.plug("host2", "eth0").await.expect("plugged");
    accept(&listener).await;
    dialling
        .await
        .expect("the task ends")
        .expect("a connection");
}

#[tokio::test]
async fn an_address_that_nobody_has_ends_in_no_route_after_arp_gave_up() {
    let site = Site::up().await;
    let to = at("10.10.11.199:4999");
    let short = site
        .host1
        .dial(to, SILENCE)
        .await
        .expect_err("nobody there");
    assert!(matches!(short, DialError::TimedOut(_)), "{short}");
    let long = site
        .host1
        .dial(to, PATIENCE)
        .await
        .expect_err("nobody there");
    assert!(matches!(long, DialError::NoRoute(_)), "{long}");
}

#[tokio::test]
async fn a_connection_to_the_own_host_needs_no_cable() {
    let site = Site::up().await;
    let to = at("10.10.11.101:7120");
    let listener = site.host1.listen(to).await.expect("a listener");
    site.control
        .unplug("host1", "eth0")
        .await
        .expect("unplugged");
    let mut near = site.host1.dial(to, PATIENCE).await.expect("a connection");
    let (mut far, _) = accept(&listener).await;
    says(&mut near, b"here").await;
    assert_eq!(hears(&mut far, 4).await, b"here");
}

#[tokio::test]
async fn both_hosts_may_listen_on_the_vip_and_the_holder_is_reached() {
    let site = Site::up().await;
    let to = at("10.10.11.103:5060");
    let _idle = site.host1.listen(to).await.expect("a listener on host1");
    let holder = site.host2.listen(to).await.expect("a listener on host2");
    site.give_vip(&site.host2).await;
    let mut near = site.host1.dial(to, PATIENCE).await.expect("a connection");
    let (mut far, _) = accept(&holder).await;
    says(&mut near, b"INVITE").await;
    assert_eq!(hears(&mut far, 6).await, b"INVITE");
}
