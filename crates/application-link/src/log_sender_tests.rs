//! Delivery with a Message Server played by the test.

use super::*;
use tokio::sync::mpsc;

type Server = Ends<LogAcknowledged, LogBatch>;

struct Dialling(mpsc::Sender<Server>);

impl Dial<LogBatch, LogAcknowledged> for Dialling {
    async fn dial(&mut self) -> Result<Ends<LogBatch, LogAcknowledged>, String> {
        let (to, theirs) = mpsc::channel(8);
        let (to_us, from) = mpsc::channel(8);
        let server = Ends {
            to: to_us,
            from: theirs,
        };
        self.0.send(server).await.map_err(|_| "away".to_owned())?;
        Ok(Ends { to, from })
    }
}

fn sender() -> (LogSender, mpsc::Receiver<Server>) {
    let (dials, servers) = mpsc::channel(1);
    let log = LogSender::new("A".into(), None, ([127, 0, 0, 1], 7120).into());
    log.deliver(Dialling(dials));
    (log, servers)
}

async fn texts(server: &mut Server, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        let batch = server.from.recv().await.expect("the sender sends");
        texts.extend(batch.events.into_iter().map(|event| event.text));
    }
    texts
}

#[tokio::test]
async fn events_survive_a_message_server_that_dies_before_it_acknowledges() {
    let (log, mut servers) = sender();
    log.log(LogEventId(1), LogLevel::Standard, "one");
    let mut first = servers.recv().await.expect("it dials");
    assert_eq!(texts(&mut first, 1).await, ["one"]);
    drop(first);
    log.log(LogEventId(1), LogLevel::Standard, "two");
    let mut second = servers.recv().await.expect("it dials again");
    assert_eq!(texts(&mut second, 2).await, ["one", "two"]);
    assert!(!log.delivered(Duration::from_millis(1)).await);
    let source = log.shared.outbox().source().clone();
    let acknowledged = LogAcknowledged { source, up_to: 2 };
    second.to.send(acknowledged).await.expect("it listens");
    assert!(log.delivered(Duration::from_secs(5)).await);
    assert_eq!(log.waiting_and_lost(), (0, 0));
}

#[tokio::test]
async fn a_new_address_of_the_message_server_is_dialled_at_once() {
    let (log, mut servers) = sender();
    let _first = servers.recv().await.expect("it dials");
    log.set_target(([127, 0, 0, 2], 7120).into());
    let again = timeout(Duration::from_secs(1), servers.recv()).await;
    assert!(again.is_ok_and(|server| server.is_some()));
}
