use crate::played::*;
use changeover_model::{LogEventId, LogLevel, RunMode};
use changeover_model::message::LogAcknowledged;
use std::time::{Duration, Instant};

async fn measure(label: &str) {
    let mut server = Log::run().await;
    let mut lca = Lca::run(server.address).await;
    let (mut link, mut connection) = lca.registered().await;
    let log = link.log().clone();
    let mut logged = server.accept().await;
    let (tx, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    let batches = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let b = batches.clone();
    tokio::spawn(async move {
        while let Some(batch) = logged.heard().await {
            b.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let up_to = batch.events.last().unwrap().sequence;
            logged.say(LogAcknowledged { source: batch.source, up_to }).await;
            tx.send(Instant::now()).unwrap();
        }
    });
    let app = tokio::spawn(async move {
        loop {
            match link.next_order().await {
                changeover_application_link::Order::SetRunMode(order) => order.activated(),
                _ => return,
            }
        }
    });
    connection.heard().await;
    arrived.recv().await;
    let mut acks = vec![];
    let mut logs = vec![];
    for n in 0..2000u64 {
        let mode = if n % 2 == 0 { RunMode::Primary } else { RunMode::Backup };
        let at = Instant::now();
        connection.say(set_run_mode(100 + n, 10 + n, mode)).await;
        connection.heard().await.unwrap();
        acks.push(at.elapsed());
        logs.push(arrived.recv().await.unwrap() - at);
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    acks.sort();
    logs.sort();
    eprintln!("{label}: ack p50 {:?} p99 {:?}; log p50 {:?} p99 {:?}", acks[1000], acks[1980], logs[1000], logs[1980]);
    batches.store(0, std::sync::atomic::Ordering::Relaxed);
    let at = Instant::now();
    for n in 0..8000 {
        log.log(LogEventId(1), LogLevel::Trace, format!("event {n}"));
    }
    let pushed = at.elapsed();
    assert!(log.delivered(Duration::from_secs(20)).await);
    eprintln!("{label}: 8000 events pushed in {pushed:?}, delivered in {:?}, {} batches, lost {}", at.elapsed(), batches.load(std::sync::atomic::Ordering::Relaxed), log.waiting_and_lost().1);
    app.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speed_multi() { measure("multi").await; }
#[tokio::test]
async fn speed_single() { measure("single").await; }
