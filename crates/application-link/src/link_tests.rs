//! The link with an LCA played by the test: over restarts of it, with a main loop that turns or hangs.

use super::*;
use changeover_model::message::LogAcknowledged;
use changeover_model::message::LogBatch;
use changeover_model::{Epoch, OrderNumber};

/// Accepts connections of a link.
struct Played {
    dials: mpsc::Receiver<Ends<ToApplication, FromApplication>>,
}

struct Dialling(mpsc::Sender<Ends<ToApplication, FromApplication>>);

impl Dial<FromApplication, ToApplication> for Dialling {
    async fn dial(&mut self) -> Result<Ends<FromApplication, ToApplication>, String> {
        let (to, theirs) = mpsc::channel(8);
        let (to_us, from) = mpsc::channel(8);
        let other = Ends {
            to: to_us,
            from: theirs,
        };
        self.0.send(other).await.map_err(|_| "no LCA".to_owned())?;
        Ok(Ends { to, from })
    }
}

impl Played {
    fn new() -> (Self, Dialling) {
        let (sender, dials) = mpsc::channel(1);
        (Self { dials }, Dialling(sender))
    }

    /// The next connection, registered as what the application says it is, or as backup.
    async fn accept(&mut self) -> Ends<ToApplication, FromApplication> {
        let mut ends = self.dials.recv().await.expect("the link dials");
        let register = ends.from.recv().await.expect("it registers");
        let FromApplication::Register {
            run_mode, epoch, ..
        } = register
        else {
            panic!("a registration comes first: {register:?}");
        };
        let known = run_mode != RunMode::Unknown;
        let registered = Registered {
            host: "host1".into(),
            pair: Some("P".into()),
            redundancy: Some(changeover_model::Redundancy::Hot),
            options: [].into_iter().collect(),
            default_port: None,
            ha_sync_port: None,
            host_address: [127, 0, 0, 1].into(),
            peer_address: None,
            message_server: ([127, 0, 0, 1], 7120).into(),
            incarnation: changeover_model::Incarnation(1),
            epoch: if known { epoch } else { Epoch(3) },
            run_mode: if known { run_mode } else { RunMode::Backup },
            number: OrderNumber(7),
            cause: None,
        };
        let accepted = ToApplication::Registered(registered);
        ends.to.send(accepted).await.expect("the link listens");
        ends
    }
}

fn settings() -> Settings {
    Settings {
        lca: "/nowhere".into(),
        application: "A".into(),
        token: "secret".to_owned(),
        version: "1".to_owned(),
        tls: None,
        insecure: false,
    }
}

async fn begun() -> (
    ApplicationLink,
    LogSender,
    Played,
    Ends<ToApplication, FromApplication>,
) {
    let (mut lca, dial) = Played::new();
    let settings = settings();
    let (begun, ends) = tokio::join!(ApplicationLink::begin(&settings, dial), lca.accept());
    let (link, log) = begun.expect("the LCA accepts");
    (link, log, lca, ends)
}

async fn mode_of(link: &mut ApplicationLink) -> RunModeOrder {
    match link.next_order().await {
        Order::SetRunMode(order) => order,
        other => panic!("a run mode: {other:?}"),
    }
}

/// A Message Server that never acknowledges.
struct LogDial(Option<Ends<LogBatch, LogAcknowledged>>);

impl Dial<LogBatch, LogAcknowledged> for LogDial {
    async fn dial(&mut self) -> Result<Ends<LogBatch, LogAcknowledged>, String> {
        self.0.take().ok_or_else(|| "only once".to_owned())
    }
}

#[tokio::test]
async fn an_activated_mode_logs_its_event_and_acknowledges_and_neither_waits_for_the_other() {
    let (mut link, log, _lca, mut ends) = begun().await;
    let (to, mut batches) = mpsc::channel(8);
    let (_acknowledgements, from) = mpsc::channel(8);
    log.deliver(LogDial(Some(Ends { to, from })));
    let order = mode_of(&mut link).await;
    assert_eq!(
        (order.run_mode(), order.epoch()),
        (RunMode::Backup, Epoch(3))
    );
    order.activated();
    let expected = FromApplication::RunModeAcknowledged {
        number: OrderNumber(7),
        run_mode: RunMode::Backup,
        epoch: Epoch(3),
    };
    assert_eq!(ends.from.recv().await, Some(expected));
    let batch = batches.recv().await.expect("the event is sent");
    let event = &batch.events[0];
    let seen = (event.id.0, event.text.as_str(), event.epoch, event.sequence);
    assert_eq!(
        seen,
        (
            4561,
            "Hot Standby (backup) mode activated",
            Some(Epoch(3)),
            1
        )
    );
    assert_eq!(
        link.log().waiting_and_lost(),
        (1, 0),
        "kept until acknowledged"
    );
}

#[tokio::test]
async fn an_order_that_the_application_drops_is_refused() {
    let (mut link, _log, _lca, mut ends) = begun().await;
    drop(mode_of(&mut link).await);
    let expected = FromApplication::RunModeRefused {
        number: OrderNumber(7),
        reason: "the application dropped the order without an answer".to_owned(),
    };
    assert_eq!(ends.from.recv().await, Some(expected));
}

#[tokio::test]
async fn a_heartbeat_is_answered_only_while_the_main_loop_turns() {
    let (mut link, _log, _lca, mut ends) = begun().await;
    mode_of(&mut link).await.activated();
    ends.from.recv().await.expect("the acknowledgement");
    let heartbeat = ToApplication::Heartbeat { sequence: 1 };
    ends.to.send(heartbeat).await.expect("the link listens");
    let hangs = timeout(Duration::from_millis(50), ends.from.recv()).await;
    assert!(hangs.is_err(), "nobody waits for orders: {hangs:?}");
    let turns = timeout(Duration::from_millis(50), link.next_order()).await;
    assert!(turns.is_err(), "there is no order: {turns:?}");
    let answered = FromApplication::HeartbeatAnswered { sequence: 1 };
    assert_eq!(ends.from.recv().await, Some(answered));
    let heartbeat = ToApplication::Heartbeat { sequence: 2 };
    ends.to.send(heartbeat).await.expect("the link listens");
    let answer = async {
        loop {
            link.alive();
            if let Ok(answer) = timeout(Duration::from_millis(1), ends.from.recv()).await {
                let sequence_2 = Some(FromApplication::HeartbeatAnswered { sequence: 2 });
                if answer == sequence_2 {
                    return;
                }
            }
        }
    };
    let answered = timeout(Duration::from_secs(5), answer).await;
    assert_eq!(answered, Ok(()), "alive() answers as well");
}

#[tokio::test]
async fn the_link_comes_back_within_a_quarter_of_a_second_and_orders_go_on() {
    let (mut link, _log, mut lca, mut ends) = begun().await;
    mode_of(&mut link).await.activated();
    ends.from.recv().await.expect("the acknowledgement");
    drop(ends);
    let again = timeout(Duration::from_millis(500), lca.accept()).await;
    let ends = again.expect("it dials again");
    let promote = ToApplication::SetRunMode {
        number: OrderNumber(8),
        epoch: Epoch(4),
        run_mode: RunMode::Primary,
        cause: None,
    };
    ends.to.send(promote).await.expect("the link listens");
    let order = mode_of(&mut link).await;
    assert_eq!(
        (order.run_mode(), order.epoch()),
        (RunMode::Primary, Epoch(4))
    );
}

#[tokio::test]
async fn a_refused_first_registration_is_an_error_that_says_why() {
    let (mut lca, dial) = Played::new();
    let refuse = async {
        let ends = lca.dials.recv().await.expect("the link dials");
        let code = changeover_model::RefusalCode::RegistrationRefused;
        let refusal = Refusal::new(code, "this token was never given");
        let refused = ToApplication::RegistrationRefused(refusal);
        ends.to.send(refused).await.expect("the link listens");
        ends
    };
    let settings = settings();
    let (begun, _ends) = tokio::join!(ApplicationLink::begin(&settings, dial), refuse);
    let error = begun.err().map(|error| error.to_string());
    let expected = "the LCA does not accept the registration of A: registration-refused: this token was never given";
    assert_eq!(error.as_deref(), Some(expected));
}
