//! [`Network::Kernel`] on the machine's own loopback: the same operations that the emulated network offers,
//! without it. No root.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use changeover_emulated_nic::{Control, DialError, Network, NetworkError};

const PATIENCE: Duration = Duration::from_secs(10);

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address with port")
}

#[tokio::test]
async fn a_listener_is_reached_and_a_closed_port_is_refused_as_a_sign_of_life() {
    let network = Network::Kernel;
    let listener = network.listen(at("127.0.0.1:0")).await.expect("a listener");
    let to = listener.local_addr().expect("its address");
    let near = network.dial(to, PATIENCE).await.expect("a connection");
    assert!(near.nodelay().expect("an option"));
    network.echo(to, PATIENCE).await.expect("an answer");
    drop(listener);
    let refused = network.dial(to, PATIENCE).await.expect_err("closed");
    assert!(matches!(refused, DialError::Refused(_)), "{refused}");
    assert!(
        network
            .echo(to, PATIENCE)
            .await
            .expect_err("closed")
            .heard()
    );
}

#[tokio::test]
async fn a_datagram_socket_may_be_opened_before_the_host_holds_its_address() {
    let network = Network::Kernel;
    // Addresses for documentation: no machine holds them.
    for vip in ["192.0.2.103:0", "[2001:db8::103]:0"] {
        let datagrams = network.datagrams(at(vip)).await.expect("a socket");
        assert_eq!(datagrams.address().ip(), at(vip).ip());
        assert_ne!(datagrams.address().port(), 0);
    }
}

#[tokio::test]
async fn datagrams_carry_their_source_and_answers_leave_from_the_sockets_address() {
    let network = Network::Kernel;
    let mut server = network
        .datagrams(at("127.0.0.1:0"))
        .await
        .expect("a socket");
    let mut client = network
        .datagrams(at("127.0.0.1:0"))
        .await
        .expect("a socket");
    client
        .sender()
        .send(server.address(), b"OPTIONS")
        .await
        .expect("sent");
    let asked = server.receive().await.expect("received");
    assert_eq!((asked.from, asked.to), (client.address(), server.address()));
    server.send(asked.from, b"200 OK").await.expect("sent");
    let answer = client.receive().await.expect("received");
    assert_eq!(
        (answer.from, answer.payload),
        (server.address(), b"200 OK".to_vec())
    );
}

#[tokio::test]
async fn an_emulator_that_is_not_there_is_named_and_may_come_later() {
    let socket = Path::new("/nowhere/network.sock");
    let error = Network::connect(socket, "host1")
        .await
        .expect_err("no emulator");
    assert!(
        matches!(error, NetworkError::Connect { .. }) && error.is_transient(),
        "{error}"
    );
    assert!(
        error.to_string().contains("/nowhere/network.sock"),
        "{error}"
    );
    let error = Control::connect(socket).await.expect_err("no emulator");
    assert!(matches!(error, NetworkError::Connect { .. }), "{error}");
}
