//! An LCA on a Unix socket and a Message Server on loopback, played by the tests: they hand every connection to
//! the test, which says what comes next. No decision of their own.

use changeover_application_link::{ApplicationLink, Order, RunModeOrder, Settings};
use changeover_emulated_nic::Network;
use changeover_model::message::{
    FromApplication, LogAcknowledged, LogBatch, Registered, ToApplication,
};
use changeover_model::{Epoch, Incarnation, OrderNumber, Redundancy, RunMode};
use changeover_rpc::server::{Listener, Server, Services};
use changeover_rpc::streams::{Answers, Incoming, answers};
use changeover_rpc::tls::LinkSecurity;
use changeover_rpc::wire;
use changeover_rpc::wire::application_link_server::{
    ApplicationLink as Link, ApplicationLinkServer,
};
use changeover_rpc::wire::message_server_server::{MessageServer, MessageServerServer};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming};

/// Longer than anything here takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(10);
const QUEUE: usize = 64;

/// One connection as its server sees it; dropping it ends the stream.
pub(crate) struct Connection<Out, In> {
    to: mpsc::Sender<Result<Out, Status>>,
    from: mpsc::Receiver<In>,
}

pub(crate) type OfLca = Connection<ToApplication, FromApplication>;
pub(crate) type OfMessageServer = Connection<LogAcknowledged, LogBatch>;

impl<Out, In> Connection<Out, In> {
    pub(crate) async fn say(&self, message: Out) {
        let said = self.to.send(Ok(message)).await;
        assert!(said.is_ok(), "the connection stands");
    }

    /// What comes next; `None` when the other side has ended.
    pub(crate) async fn heard(&mut self) -> Option<In> {
        timeout(LONG, self.from.recv()).await.expect("in time")
    }
}

/// Both ends of a connection: ours, and what the handler answers with.
fn opened<Out, In, WireOut, WireIn>(
    mut incoming: Incoming<WireIn>,
) -> (Connection<Out, In>, Answers<WireOut>)
where
    Out: Send + 'static,
    WireOut: From<Out> + Send + 'static,
    In: TryFrom<WireIn, Error = changeover_rpc::convert::ConvertError> + Send + 'static,
    WireIn: Send + 'static,
{
    let (to, queue) = mpsc::channel(QUEUE);
    let (heard, from) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        while let Ok(Some(message)) = incoming.next().await {
            if heard.send(message).await.is_err() {
                return;
            }
        }
    });
    (Connection { to, from }, answers(queue))
}

fn away<T>(_: T) -> Status {
    Status::unavailable("the test has ended")
}

#[derive(Clone)]
struct Attaching(mpsc::Sender<OfLca>);

#[tonic::async_trait]
impl Link for Attaching {
    type AttachStream = Answers<wire::ToApplication>;

    async fn attach(
        &self,
        request: Request<Streaming<wire::FromApplication>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let incoming = Incoming::new(request.into_inner(), "application link");
        let (connection, answers) = opened(incoming);
        self.0.send(connection).await.map_err(away)?;
        Ok(Response::new(answers))
    }
}

#[derive(Clone)]
struct Logging(mpsc::Sender<OfMessageServer>);

#[tonic::async_trait]
impl MessageServer for Logging {
    type LogStream = Answers<wire::LogAcknowledged>;
    type AlarmsStream = Answers<wire::FromMessageServer>;
    type QueryStream = Answers<wire::LogRecord>;

    async fn log(
        &self,
        request: Request<Streaming<wire::LogBatch>>,
    ) -> Result<Response<Self::LogStream>, Status> {
        let incoming = Incoming::new(request.into_inner(), "log");
        let (connection, answers) = opened(incoming);
        self.0.send(connection).await.map_err(away)?;
        Ok(Response::new(answers))
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

/// The LCA of the host.
pub(crate) struct Lca {
    connections: mpsc::Receiver<OfLca>,
    socket: PathBuf,
    /// Where it says that the Message Server is.
    pub(crate) message_server: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Lca {
    pub(crate) async fn run(message_server: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let socket = folder.path().join("lca.sock");
        let (sender, connections) = mpsc::channel(1);
        let listener = Listener::unix(&socket).await.expect("writable");
        let service = ApplicationLinkServer::new(Attaching(sender));
        serve(listener, Services::new().with(service));
        Self {
            connections,
            socket,
            message_server,
            _folder: folder,
        }
    }

    /// The next connection and what is said on it first.
    pub(crate) async fn attached(&mut self) -> (OfLca, FromApplication) {
        let connection = timeout(LONG, self.connections.recv()).await;
        let mut connection = connection.expect("in time").expect("the link dials");
        let first = connection.heard().await.expect("it registers");
        (connection, first)
    }

    /// The next connection, registered as what the application says it is, or as backup.
    pub(crate) async fn accept(&mut self) -> OfLca {
        let (connection, register) = self.attached().await;
        let FromApplication::Register {
            run_mode, epoch, ..
        } = register
        else {
            panic!("a registration comes first: {register:?}");
        };
        let (run_mode, epoch) = match run_mode {
            RunMode::Unknown => (RunMode::Backup, Epoch(3)),
            known => (known, epoch),
        };
        let registered = Registered {
            host: "host1".into(),
            pair: Some("P".into()),
            redundancy: Some(Redundancy::Hot),
            options: [].into_iter().collect(),
            default_port: Some(5070),
            ha_sync_port: None,
            host_address: [127, 0, 0, 1].into(),
            peer_address: None,
            message_server: self.message_server,
            incarnation: Incarnation(1),
            epoch,
            run_mode,
            number: OrderNumber(7),
            cause: None,
            demote_after: None,
        };
        connection.say(ToApplication::Registered(registered)).await;
        connection
    }

    /// What an application that this LCA started finds in its environment.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            lca: self.socket.clone(),
            application: "A".into(),
            token: "secret".to_owned(),
            version: "1".to_owned(),
            tls: None,
            insecure: false,
        }
    }

    /// An application that has registered, and its connection.
    pub(crate) async fn registered(&mut self) -> (ApplicationLink, OfLca) {
        let registering = ApplicationLink::register(self.settings());
        let (link, connection) = tokio::join!(registering, self.accept());
        (link.expect("the LCA accepts"), connection)
    }
}

/// The Message Server.
pub(crate) struct Log {
    connections: mpsc::Receiver<OfMessageServer>,
    pub(crate) address: SocketAddr,
}

impl Log {
    pub(crate) async fn run() -> Self {
        let address = nobody();
        let listener = Listener::tcp(&Network::Kernel, address).await;
        let (sender, connections) = mpsc::channel(1);
        let service = MessageServerServer::new(Logging(sender));
        serve(
            listener.expect("the port is free"),
            Services::new().with(service),
        );
        Self {
            connections,
            address,
        }
    }

    pub(crate) async fn accept(&mut self) -> OfMessageServer {
        let connection = timeout(LONG, self.connections.recv()).await;
        connection.expect("in time").expect("the sender dials")
    }
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    free.local_addr().expect("it has an address")
}

/// The next order, which must be a run mode.
pub(crate) async fn run_mode_order(link: &mut ApplicationLink) -> RunModeOrder {
    match timeout(LONG, link.next_order()).await.expect("in time") {
        Order::SetRunMode(order) => order,
        other => panic!("a run mode: {other:?}"),
    }
}

/// The LCA's order to enter a run mode.
pub(crate) fn set_run_mode(number: u64, epoch: u64, run_mode: RunMode) -> ToApplication {
    ToApplication::SetRunMode {
        number: OrderNumber(number),
        epoch: Epoch(epoch),
        run_mode,
        cause: None,
    }
}

/// The application's answer when it has.
pub(crate) fn acknowledged(number: u64, epoch: u64, run_mode: RunMode) -> FromApplication {
    FromApplication::RunModeAcknowledged {
        number: OrderNumber(number),
        run_mode,
        epoch: Epoch(epoch),
    }
}
