//! Links over Unix sockets.

use crate::echo_lca::{SOON, beat, beat_answered, link, next, run_on};
use changeover_rpc::destination::Destination;
use changeover_rpc::link::{LinkEvent, LinkLoss};
use changeover_rpc::server::Listener;
use changeover_rpc::tls::LinkSecurity;
use std::os::unix::fs::PermissionsExt as _;

const PLAIN: LinkSecurity = LinkSecurity::Plain;

#[tokio::test]
async fn a_socket_is_its_owners_only_and_carries_a_link() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lca.sock");
    let listener = Listener::unix(&path).await.expect("the folder is ours");
    let mode = std::fs::metadata(&path).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);

    let lca = run_on(listener, true, &PLAIN);
    let (handle, mut events) = link(Destination::Unix(path.clone()), &PLAIN);
    assert_eq!(
        next(&mut events).await,
        LinkEvent::Connected { connection: 1 }
    );
    handle.send(1, beat(1)).expect("there is room");
    assert_eq!(next(&mut events).await, beat_answered(1, 1));

    lca.stop().await.expect("it ends well");
    assert!(!path.exists(), "the socket goes with its server");
    let reason = loop {
        if let LinkEvent::NotConnected { reason } = next(&mut events).await {
            break reason;
        }
    };
    assert_eq!(reason, LinkLoss::Refused);
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lca.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("the folder is ours"));
    assert!(path.exists(), "a killed process leaves its socket behind");

    let live = Listener::unix(&path).await.expect("nobody answers on it");
    let refused = Listener::unix(&path).await.expect_err("somebody does now");
    assert_eq!(
        refused.to_string(),
        format!(
            "{}: another process listens on this socket; end it first, or use another folder",
            path.display()
        )
    );
    let connected = tokio::time::timeout(SOON, tokio::net::UnixStream::connect(&path)).await;
    connected
        .expect("it answers")
        .expect("the live one still listens");
    drop(live);
}

#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lca.sock");
    std::fs::write(&path, "precious").expect("the folder is ours");
    let refused = Listener::unix(&path).await.expect_err("it is a file");
    assert_eq!(
        refused.to_string(),
        format!(
            "{} exists and is no socket; move it away, or use another folder",
            path.display()
        )
    );
    let kept = std::fs::read_to_string(&path).expect("it is still there");
    assert_eq!(kept, "precious");
}
