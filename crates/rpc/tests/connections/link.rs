//! The reconnecting stream.

use crate::echo_lca::{SOON, beat, beat_answered, link, next, run};
use changeover_model::message::{LcaOrder, ToLca};
use changeover_rpc::link::{LinkEvent, LinkLoss, SendError};
use changeover_rpc::tls::LinkSecurity;
use std::time::{Duration, Instant};

const PLAIN: LinkSecurity = LinkSecurity::Plain;

#[tokio::test]
async fn messages_go_both_ways_and_a_restarted_peer_is_found_again() {
    let lca = run(0, true, &PLAIN).await;
    let address = lca.address;
    let (handle, mut events) = link(address, &PLAIN);
    assert_eq!(
        next(&mut events).await,
        LinkEvent::Connected { connection: 1 }
    );
    handle.send(1, beat(7)).expect("there is room");
    assert_eq!(next(&mut events).await, beat_answered(1, 7));

    lca.stop().await.expect("it ends well");
    let LinkEvent::Disconnected {
        connection: 1,
        reason: LinkLoss::Closed(_),
    } = next(&mut events).await
    else {
        panic!("the peer closed the connection");
    };
    let refused = LinkEvent::NotConnected {
        reason: LinkLoss::Refused,
    };
    assert_eq!(next(&mut events).await, refused);
    assert_eq!(handle.send(1, beat(8)), Err(SendError::NotConnected));

    let lca = run(address.port(), true, &PLAIN).await;
    let connected = loop {
        let event = next(&mut events).await;
        if event != refused {
            break event;
        }
    };
    assert_eq!(connected, LinkEvent::Connected { connection: 2 });
    assert_eq!(
        handle.send(1, beat(9)),
        Err(SendError::NotConnected),
        "what belongs to the old connection is not sent on the new one"
    );
    handle.send(2, beat(10)).expect("there is room");
    assert_eq!(next(&mut events).await, beat_answered(2, 10));
    lca.stop().await.expect("it ends well");
}

#[tokio::test]
async fn a_full_queue_refuses_and_never_waits() {
    let lca = run(0, true, &PLAIN).await;
    let (handle, mut events) = link(lca.address, &PLAIN);
    assert_eq!(
        next(&mut events).await,
        LinkEvent::Connected { connection: 1 }
    );
    // The link runs on this very thread, so it takes nothing out in between.
    let sent: Vec<_> = (1..=6).map(|number| handle.send(1, beat(number))).collect();
    assert_eq!(
        sent,
        [
            Ok(()),
            Ok(()),
            Ok(()),
            Ok(()),
            Err(SendError::Full),
            Err(SendError::Full)
        ]
    );
    for number in 1..=4 {
        assert_eq!(next(&mut events).await, beat_answered(1, number));
    }
    handle.send(1, beat(7)).expect("there is room again");
    assert_eq!(next(&mut events).await, beat_answered(1, 7));
}

#[tokio::test]
async fn a_peer_that_does_not_read_fills_the_queue_within_the_windows_of_http2() {
    let lca = run(0, false, &PLAIN).await;
    let (handle, mut events) = link(lca.address, &PLAIN);
    assert_eq!(
        next(&mut events).await,
        LinkEvent::Connected { connection: 1 }
    );
    let large = |number| ToLca {
        body: LcaOrder::ChangeOption {
            application: "SIP_SERVER_PRIMARY".into(),
            section: "log".into(),
            option: "verbose".into(),
            value: "x".repeat(60_000),
        },
        ..beat(number)
    };
    let fills_up = async {
        let mut accepted = 0;
        let mut full_since = Instant::now();
        // Full for good once nothing was taken out for a while.
        while full_since.elapsed() < Duration::from_millis(300) {
            match handle.send(1, large(accepted)) {
                Ok(()) => {
                    accepted += 1;
                    full_since = Instant::now();
                }
                Err(error) => assert_eq!(error, SendError::Full, "the connection holds"),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        accepted
    };
    let accepted = tokio::time::timeout(SOON, fills_up)
        .await
        .expect("the windows are bounded");
    assert!(accepted < 100, "{accepted} messages of 60 kB were taken");
}

#[tokio::test]
async fn dropping_the_handle_ends_the_link_at_both_sides_at_once() {
    let mut lca = run(0, true, &PLAIN).await;
    let (handle, mut events) = link(lca.address, &PLAIN);
    assert_eq!(
        next(&mut events).await,
        LinkEvent::Connected { connection: 1 }
    );
    drop(handle);
    let ended = tokio::time::timeout(SOON, async {
        assert_eq!(events.recv().await, None, "nothing more is told");
        lca.ended.recv().await
    });
    assert_eq!(ended.await, Ok(Some(())), "the server sees the end as well");
}

#[tokio::test]
async fn redialling_gives_up_the_connection_that_seems_alive() {
    let mut lca = run(0, true, &PLAIN).await;
    let (handle, mut events) = link(lca.address, &PLAIN);
    assert_eq!(
        next(&mut events).await,
        LinkEvent::Connected { connection: 1 }
    );
    handle.redial_now();
    assert_eq!(
        next(&mut events).await,
        LinkEvent::Disconnected {
            connection: 1,
            reason: LinkLoss::Closed("given up to dial again".to_owned())
        }
    );
    assert_eq!(
        next(&mut events).await,
        LinkEvent::Connected { connection: 2 }
    );
    let ended = tokio::time::timeout(SOON, lca.ended.recv()).await;
    assert_eq!(
        ended,
        Ok(Some(())),
        "the old stream has ended at the server"
    );
}

#[tokio::test]
async fn nobody_there_is_tried_again_with_pauses_and_not_in_a_storm() {
    let lca = run(0, true, &PLAIN).await;
    let address = lca.address;
    lca.stop().await.expect("it ends well");
    let (_handle, mut events) = link(address, &PLAIN);
    let begun = Instant::now();
    let mut attempts = 0;
    while begun.elapsed() < Duration::from_secs(1) {
        assert_eq!(
            next(&mut events).await,
            LinkEvent::NotConnected {
                reason: LinkLoss::Refused
            }
        );
        attempts += 1;
    }
    // Pauses of 5-10, 10-20 … 40-80 ms, then of 50-100 ms.
    assert!(
        (4..=30).contains(&attempts),
        "{attempts} attempts in a second"
    );
}

#[tokio::test]
async fn a_stream_that_never_ends_does_not_hold_up_the_servers_end() {
    let lca = run(0, false, &PLAIN).await;
    let (_handle, mut events) = link(lca.address, &PLAIN);
    assert_eq!(
        next(&mut events).await,
        LinkEvent::Connected { connection: 1 }
    );
    let begun = Instant::now();
    lca.stop().await.expect("it ends well");
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "it took {:?}",
        begun.elapsed()
    );
    let LinkEvent::Disconnected {
        connection: 1,
        reason: LinkLoss::Closed(_),
    } = next(&mut events).await
    else {
        panic!("the connection was cut");
    };
}
