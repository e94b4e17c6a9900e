//! An LCA that answers beats, for links to talk to; and the way to one.

use changeover_emulated_nic::Network;
use changeover_model::Timestamp;
use changeover_model::message::{FromLca, LcaOrder, LcaReport, ToLca};
use changeover_rpc::destination::Destination;
use changeover_rpc::identity::{Gate, Identity, Need, Role};
use changeover_rpc::link::{Dialler, LinkEvent, LinkHandle, LinkOptions, start};
use changeover_rpc::server::{Listener, ServeError, Server, Services};
use changeover_rpc::streams::{Answers, Incoming, answers};
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire;
use changeover_rpc::wire::lca_client::LcaClient;
use changeover_rpc::wire::lca_server::{Lca, LcaServer};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tonic::{Request, Response, Status, Streaming};

/// Longest anything in these tests may take.
pub(crate) const SOON: Duration = Duration::from_secs(5);

pub(crate) struct EchoLca {
    gate: Gate,
    /// False: it takes the stream and never reads it.
    reads: bool,
    /// Hears when a stream has ended at this side.
    ended: mpsc::Sender<()>,
}

#[tonic::async_trait]
impl Lca for EchoLca {
    type ControlStream = Answers<wire::FromLca>;

    async fn control(
        &self,
        request: Request<Streaming<wire::ToLca>>,
    ) -> Result<Response<Self::ControlStream>, Status> {
        self.gate.admit(&request, Need::Scs)?;
        let mut incoming = Incoming::new(request.into_inner(), "test");
        let (out, queue) = mpsc::channel(64);
        let (reads, ended) = (self.reads, self.ended.clone());
        tokio::spawn(async move {
            if !reads {
                out.closed().await;
            }
            while let Ok(Some(message)) = incoming.next::<ToLca>().await {
                let LcaOrder::Beat { sequence, .. } = message.body else {
                    continue;
                };
                let answer = FromLca {
                    sent_at: message.sent_at,
                    cause: None,
                    body: LcaReport::BeatAnswered { sequence },
                };
                out.send(Ok(answer)).await.expect("the link reads");
            }
            ended.send(()).await.expect("the test listens");
        });
        Ok(Response::new(answers(queue)))
    }
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    shutdown: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
    pub(crate) ended: mpsc::Receiver<()>,
}

impl Running {
    pub(crate) async fn stop(self) -> Result<(), ServeError> {
        self.shutdown.send(()).expect("it serves until told to end");
        tokio::time::timeout(SOON, self.serving)
            .await
            .expect("its end is bounded")
            .expect("it does not panic")
    }
}

/// Starts one as `lca host1`; port 0 takes any.
pub(crate) async fn run(port: u16, reads: bool, security: &LinkSecurity) -> Running {
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    let listener = Listener::tcp(&Network::Kernel, at)
        .await
        .expect("a port of our own");
    run_on(listener, reads, security)
}

pub(crate) fn run_on(listener: Listener, reads: bool, security: &LinkSecurity) -> Running {
    let address = listener
        .site_address()
        .unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
    let (ended_told, ended) = mpsc::channel(16);
    let lca = EchoLca {
        gate: Gate::new(Identity::new(Role::Lca, "host1")),
        reads,
        ended: ended_told,
    };
    let server = Server::new(listener, &Network::Kernel, security).expect("loopback may be plain");
    let (shutdown, told) = oneshot::channel();
    let serving = tokio::spawn(server.serve(
        Services::new().with(LcaServer::new(lca)),
        async move {
            told.await.expect("tests end their servers");
        },
    ));
    Running {
        address,
        shutdown,
        serving,
        ended,
    }
}

pub(crate) fn dialler(security: &LinkSecurity) -> Dialler {
    Dialler {
        network: Network::Kernel,
        security: security.clone(),
        expected: Expected::named(Role::Lca, "host1"),
    }
}

pub(crate) fn options() -> LinkOptions {
    LinkOptions {
        answer_timeout: Duration::from_millis(500),
        queue: 4,
        ..LinkOptions::SCS_TO_LCA
    }
}

pub(crate) type Events = mpsc::Receiver<LinkEvent<FromLca>>;

pub(crate) fn link(
    to: impl Into<Destination>,
    security: &LinkSecurity,
) -> (LinkHandle<wire::ToLca>, Events) {
    let (events, told) = mpsc::channel(64);
    let handle = start(
        dialler(security),
        to.into(),
        options(),
        |channel, queue| async move { LcaClient::new(channel).control(queue).await },
        events,
        |event| event,
    );
    (handle, told)
}

pub(crate) fn beat(sequence: u64) -> ToLca {
    ToLca {
        sent_at: Timestamp(sequence),
        cause: None,
        body: LcaOrder::Beat {
            sequence,
            answered: 0,
            grants: Vec::new(),
        },
    }
}

pub(crate) fn beat_answered(connection: u64, sequence: u64) -> LinkEvent<FromLca> {
    LinkEvent::Message {
        connection,
        message: FromLca {
            sent_at: Timestamp(sequence),
            cause: None,
            body: LcaReport::BeatAnswered { sequence },
        },
    }
}

pub(crate) async fn next(events: &mut Events) -> LinkEvent<FromLca> {
    tokio::time::timeout(SOON, events.recv())
        .await
        .expect("something happens soon")
        .expect("the link lives")
}
