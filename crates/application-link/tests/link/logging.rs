//! Delivery of log events over restarts and moves of the Message Server.

use crate::played::{Lca, Log, OfMessageServer};
use changeover_application_link::Order;
use changeover_model::message::LogAcknowledged;
use changeover_model::{LogEventId, LogLevel};
use std::time::Duration;

const ID: LogEventId = LogEventId(1);

/// The texts of the next events, at least so many, and the acknowledgement of the last.
async fn texts(server: &mut OfMessageServer, count: usize) -> (Vec<String>, LogAcknowledged) {
    let mut texts = Vec::new();
    loop {
        let batch = server.heard().await.expect("the sender sends");
        let up_to = batch.events.last().map_or(0, |event| event.sequence);
        texts.extend(batch.events.into_iter().map(|event| event.text));
        if texts.len() >= count {
            let source = batch.source;
            return (texts, LogAcknowledged { source, up_to });
        }
    }
}

#[tokio::test]
async fn events_survive_a_message_server_that_dies_before_it_acknowledges() {
    let mut server = Log::run().await;
    let mut lca = Lca::run(server.address).await;
    let (link, _connection) = lca.registered().await;
    let log = link.log();
    log.log(ID, LogLevel::Standard, "one");
    let mut first = server.accept().await;
    assert_eq!(texts(&mut first, 1).await.0, ["one"]);
    drop(first);
    log.log(ID, LogLevel::Standard, "two");
    let mut second = server.accept().await;
    let (again, acknowledged) = texts(&mut second, 2).await;
    assert_eq!(again, ["one", "two"]);
    assert!(!log.delivered(Duration::from_millis(1)).await);
    second.say(acknowledged).await;
    assert!(log.delivered(Duration::from_secs(5)).await);
    assert_eq!(log.waiting_and_lost(), (0, 0));
}

#[tokio::test]
async fn a_new_address_of_the_message_server_is_dialled_at_once() {
    let (mut here, mut there) = (Log::run().await, Log::run().await);
    let mut lca = Lca::run(here.address).await;
    let (mut link, connection) = lca.registered().await;
    link.log().log(ID, LogLevel::Standard, "one");
    let mut before = here.accept().await;
    assert_eq!(texts(&mut before, 1).await.0, ["one"]);
    // The LCA says so in the next registration.
    lca.message_server = there.address;
    drop(connection);
    let turning = async {
        loop {
            if let Order::SetRunMode(order) = link.next_order().await {
                order.refused("not now");
            }
        }
    };
    let moved = async {
        let _connection = lca.accept().await;
        let mut after = there.accept().await;
        assert_eq!(before.heard().await, None, "the old one is left");
        let (again, _) = texts(&mut after, 1).await;
        assert_eq!(again, ["one"]);
    };
    tokio::select! {
        () = turning => {}
        () = moved => {}
    }
}

#[tokio::test]
async fn a_standard_event_takes_those_below_along_in_order() {
    let mut server = Log::run().await;
    let mut lca = Lca::run(server.address).await;
    let (link, _connection) = lca.registered().await;
    let mut logged = server.accept().await;
    let log = link.log();
    // This test's thread is the only one, so nothing is gathered in between.
    for number in 1..=3 {
        log.log(ID, LogLevel::Trace, format!("step {number}"));
    }
    log.log(ID, LogLevel::Standard, "done");
    log.log(ID, LogLevel::Trace, "afterwards");
    let (seen, _) = texts(&mut logged, 5).await;
    let expected = ["step 1", "step 2", "step 3", "done", "afterwards"];
    assert_eq!(seen, expected);
}
