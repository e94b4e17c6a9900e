//! Both links over real sockets: an LCA on a Unix socket and a Message Server on loopback, played by the test.

use changeover_application_link::{ApplicationLink, Order, Settings};
use changeover_emulated_nic::Network;
use changeover_model::message::{
    FromApplication, LogAcknowledged, LogBatch, Registered, ToApplication,
};
use changeover_model::{ApplicationStatus, Epoch, Incarnation, OrderNumber, Redundancy, RunMode};
use changeover_rpc::server::{Listener, Server, Services};
use changeover_rpc::streams::{Answers, Incoming, answers};
use changeover_rpc::tls::LinkSecurity;
use changeover_rpc::wire;
use changeover_rpc::wire::application_link_server::{
    ApplicationLink as Link, ApplicationLinkServer,
};
use changeover_rpc::wire::message_server_server::{MessageServer, MessageServerServer};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming};

const LONG: Duration = Duration::from_secs(10);

/// Registers whoever comes as backup, promotes it, and tells the test what it says.
#[derive(Clone)]
struct Lca {
    message_server: SocketAddr,
    heard: mpsc::Sender<FromApplication>,
}

#[tonic::async_trait]
impl Link for Lca {
    type AttachStream = Answers<wire::ToApplication>;

    async fn attach(
        &self,
        request: Request<Streaming<wire::FromApplication>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let mut incoming = Incoming::new(request.into_inner(), "application link");
        let register = incoming.next::<FromApplication>().await?;
        let (to, queue) = mpsc::channel(8);
        let promote = ToApplication::SetRunMode {
            number: OrderNumber(2),
            epoch: Epoch(4),
            run_mode: RunMode::Primary,
            cause: None,
        };
        for message in [
            ToApplication::Registered(registered(self.message_server)),
            promote,
        ] {
            to.send(Ok(message)).await.expect("the queue has room");
        }
        let heard = self.heard.clone();
        tokio::spawn(async move {
            let _open = to;
            let mut message = register;
            while let Some(said) = message {
                heard.send(said).await.expect("the test listens");
                message = incoming.next().await.unwrap_or(None);
            }
        });
        Ok(Response::new(answers(queue)))
    }
}

fn registered(message_server: SocketAddr) -> Registered {
    Registered {
        host: "host1".into(),
        pair: Some("P".into()),
        redundancy: Some(Redundancy::Warm),
        options: [].into_iter().collect(),
        default_port: Some(5070),
        ha_sync_port: None,
        host_address: [127, 0, 0, 1].into(),
        peer_address: None,
        message_server,
        incarnation: Incarnation(1),
        epoch: Epoch(3),
        run_mode: RunMode::Backup,
        number: OrderNumber(1),
        cause: None,
    }
}

/// Acknowledges whatever comes and tells the test.
#[derive(Clone)]
struct Log(mpsc::Sender<LogBatch>);

#[tonic::async_trait]
impl MessageServer for Log {
    type LogStream = Answers<wire::LogAcknowledged>;
    type AlarmsStream = Answers<wire::FromMessageServer>;
    type QueryStream = Answers<wire::LogRecord>;

    async fn log(
        &self,
        request: Request<Streaming<wire::LogBatch>>,
    ) -> Result<Response<Self::LogStream>, Status> {
        let mut incoming = Incoming::new(request.into_inner(), "log");
        let (to, queue) = mpsc::channel(8);
        let heard = self.0.clone();
        tokio::spawn(async move {
            while let Ok(Some(batch)) = incoming.next::<LogBatch>().await {
                let up_to = batch.events.last().map_or(0, |event| event.sequence);
                let source = batch.source.clone();
                heard.send(batch).await.expect("the test listens");
                let acknowledged = LogAcknowledged { source, up_to };
                to.send(Ok(acknowledged)).await.expect("the sender listens");
            }
        });
        Ok(Response::new(answers(queue)))
    }

    async fn alarms(
        &self,
        _request: Request<Streaming<wire::ToMessageServer>>,
    ) -> Result<Response<Self::AlarmsStream>, Status> {
        Err(Status::unimplemented("not played here"))
    }

    async fn query(
        &self,
        _request: Request<wire::LogQuery>,
    ) -> Result<Response<Self::QueryStream>, Status> {
        Err(Status::unimplemented("not played here"))
    }
}

fn serve(listener: Listener, services: Services) {
    let server = Server::new(listener, &Network::Kernel, &LinkSecurity::Plain);
    let server = server.expect("loopback needs no certificate");
    tokio::spawn(async move {
        server
            .serve(services, std::future::pending())
            .await
            .expect("it serves until the test ends");
    });
}

async fn mode(link: &mut ApplicationLink) {
    match timeout(LONG, link.next_order()).await.expect("in time") {
        Order::SetRunMode(order) => order.activated(),
        other => panic!("a run mode: {other:?}"),
    }
}

#[tokio::test]
async fn an_application_registers_enters_its_modes_and_its_events_arrive() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let socket = folder.path().join("lca.sock");
    let (batches, mut logged) = mpsc::channel(8);
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let message_server = free.local_addr().expect("it has an address");
    drop(free);
    let listener = Listener::tcp(&Network::Kernel, message_server).await;
    let log = Services::new().with(MessageServerServer::new(Log(batches)));
    serve(listener.expect("the port is free"), log);
    let (heard, mut said) = mpsc::channel(8);
    let lca = Lca {
        message_server,
        heard,
    };
    let listener = Listener::unix(&socket).await.expect("writable");
    serve(
        listener,
        Services::new().with(ApplicationLinkServer::new(lca)),
    );

    let settings = Settings {
        lca: socket,
        application: "A".into(),
        token: "secret".to_owned(),
        version: "1".to_owned(),
        tls: None,
        insecure: false,
    };
    let mut link = ApplicationLink::register(settings).await.expect("accepted");
    assert_eq!(link.registered().default_port, Some(5070));
    mode(&mut link).await;
    mode(&mut link).await;
    link.report_status(ApplicationStatus::Running, "ready", false)
        .await;
    assert!(link.log().delivered(LONG).await);

    let mut events = Vec::new();
    while events.len() < 2 {
        let batch = timeout(LONG, logged.recv()).await.expect("in time");
        events.extend(batch.expect("the log is open").events);
    }
    let events: Vec<_> = events.iter().map(|it| (it.id.0, it.epoch)).collect();
    assert_eq!(events, [(4560, Some(Epoch(3))), (4562, Some(Epoch(4)))]);
    let mut all = Vec::new();
    for _ in 0..4 {
        let message = timeout(LONG, said.recv()).await.expect("in time");
        all.push(message.expect("the link is open"));
    }
    let acknowledged = |number, epoch, run_mode| FromApplication::RunModeAcknowledged {
        number: OrderNumber(number),
        run_mode,
        epoch: Epoch(epoch),
    };
    let expected = [
        FromApplication::Register {
            application: "A".into(),
            token: "secret".to_owned(),
            version: "1".to_owned(),
            run_mode: RunMode::Unknown,
            epoch: Epoch(0),
            status: ApplicationStatus::Initializing,
        },
        acknowledged(1, 3, RunMode::Backup),
        acknowledged(2, 4, RunMode::Primary),
        FromApplication::StatusReported {
            status: ApplicationStatus::Running,
            reason: "ready".to_owned(),
            in_step: false,
        },
    ];
    assert_eq!(all, expected);
}
