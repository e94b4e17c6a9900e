//! Orders and heartbeats on a link that stands.

use crate::played::{Lca, Log, acknowledged, nobody, run_mode_order, set_run_mode};
use changeover_application_link::{ApplicationLink, Order};
use changeover_model::message::{FromApplication, ToApplication};
use changeover_model::{Epoch, OrderNumber, RunMode};
use std::time::Duration;
use tokio::time::timeout;

/// Longer than an answer takes that comes.
const A_WHILE: Duration = Duration::from_millis(100);

async fn turn(link: &mut ApplicationLink) {
    let order = timeout(A_WHILE, link.next_order()).await;
    assert!(order.is_err(), "there is no order: {order:?}");
}

fn beat(sequence: u64) -> ToApplication {
    ToApplication::Heartbeat { sequence }
}

fn answered(sequence: u64) -> Option<FromApplication> {
    Some(FromApplication::HeartbeatAnswered { sequence })
}

#[tokio::test]
async fn an_activated_mode_is_logged_and_acknowledged_and_neither_waits_for_the_other() {
    let mut server = Log::run().await;
    let mut lca = Lca::run(server.address).await;
    let (mut link, mut connection) = lca.registered().await;
    // It never acknowledges.
    let mut logged = server.accept().await;
    run_mode_order(&mut link).await.activated();
    let expected = acknowledged(7, 3, RunMode::Backup);
    assert_eq!(connection.heard().await, Some(expected));
    connection.say(set_run_mode(8, 4, RunMode::Primary)).await;
    run_mode_order(&mut link).await.activated();
    let expected = acknowledged(8, 4, RunMode::Primary);
    assert_eq!(connection.heard().await, Some(expected));
    let mut events = Vec::new();
    while events.len() < 2 {
        let batch = logged.heard().await.expect("the events are sent");
        events.extend(batch.events);
    }
    let seen: Vec<_> = events
        .iter()
        .map(|it| (it.sequence, it.id.0, it.text.as_str(), it.epoch))
        .collect();
    let backup = "Hot Standby (backup) mode activated";
    let primary = "Hot Standby (Primary) mode activated";
    let expected = [
        (1, 4561, backup, Some(Epoch(3))),
        (2, 4563, primary, Some(Epoch(4))),
    ];
    assert_eq!(seen, expected);
    let waiting = link.log().waiting_and_lost();
    assert_eq!(waiting, (2, 0), "kept until acknowledged");
}

#[tokio::test]
async fn an_order_is_acknowledged_while_there_is_no_message_server() {
    let mut lca = Lca::run(nobody()).await;
    let (mut link, mut connection) = lca.registered().await;
    run_mode_order(&mut link).await.activated();
    let expected = acknowledged(7, 3, RunMode::Backup);
    assert_eq!(connection.heard().await, Some(expected));
}

#[tokio::test]
async fn an_order_that_the_application_drops_is_refused() {
    let mut lca = Lca::run(nobody()).await;
    let (mut link, mut connection) = lca.registered().await;
    drop(run_mode_order(&mut link).await);
    let expected = FromApplication::RunModeRefused {
        number: OrderNumber(7),
        reason: "the application dropped the order without an answer".to_owned(),
    };
    assert_eq!(connection.heard().await, Some(expected));
}

#[tokio::test]
async fn an_option_that_changed_is_an_order_too() {
    let mut lca = Lca::run(nobody()).await;
    let (mut link, connection) = lca.registered().await;
    run_mode_order(&mut link).await.activated();
    let changed = ToApplication::OptionChanged {
        section: "log".to_owned(),
        option: "verbose".to_owned(),
        value: "all".to_owned(),
    };
    connection.say(changed).await;
    let order = link.next_order().await;
    let Order::OptionChanged {
        section,
        option,
        value,
    } = order
    else {
        panic!("an option: {order:?}");
    };
    assert_eq!([section, option, value], ["log", "verbose", "all"]);
}

#[tokio::test]
async fn a_heartbeat_is_answered_only_while_the_main_loop_turns() {
    let mut lca = Lca::run(nobody()).await;
    let (mut link, mut connection) = lca.registered().await;
    run_mode_order(&mut link).await.activated();
    connection.heard().await.expect("the acknowledgement");
    connection.say(beat(1)).await;
    let hangs = timeout(A_WHILE, connection.heard()).await;
    assert!(hangs.is_err(), "nobody waits for orders: {hangs:?}");
    turn(&mut link).await;
    assert_eq!(connection.heard().await, answered(1));
    connection.say(beat(2)).await;
    let answer = async {
        loop {
            link.alive();
            if let Ok(answer) = timeout(Duration::from_millis(1), connection.heard()).await {
                return answer;
            }
        }
    };
    let answer = timeout(Duration::from_secs(5), answer).await;
    assert_eq!(answer, Ok(answered(2)), "alive() answers as well");
}

#[tokio::test]
async fn a_heartbeat_of_a_connection_that_is_over_is_not_answered_on_the_next() {
    let mut lca = Lca::run(nobody()).await;
    let (mut link, mut connection) = lca.registered().await;
    run_mode_order(&mut link).await.activated();
    connection.heard().await.expect("the acknowledgement");
    connection.say(beat(1)).await;
    let hangs = timeout(A_WHILE, connection.heard()).await;
    assert!(hangs.is_err(), "nobody waits for orders: {hangs:?}");
    drop(connection);
    let mut connection = lca.accept().await;
    let confirmed = acknowledged(7, 3, RunMode::Backup);
    assert_eq!(connection.heard().await, Some(confirmed));
    turn(&mut link).await;
    connection.say(beat(2)).await;
    turn(&mut link).await;
    assert_eq!(connection.heard().await, answered(2), "the first answer");
}
