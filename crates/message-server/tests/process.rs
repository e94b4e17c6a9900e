//! The Message Server as a process: events over the wire, kill -9 in between, queries that follow.

use changeover_emulated_nic::Network;
use changeover_model::environment::{AlarmCategory, AlarmCondition, MessageServerSlice, Selection};
use changeover_model::message::{
    FromMessageServer, LogAcknowledged, LogBatch, LogEvent, LogOrigin, LogQuery, LogRecord,
    SourceId, ToMessageServer,
};
use changeover_model::{LogEventId, LogLevel, Revision, Timestamp};
use changeover_rpc::destination::Destination;
use changeover_rpc::dial::{Caller, Dialler, channel};
use changeover_rpc::identity::Role;
use changeover_rpc::streams::Incoming;
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire;
use changeover_rpc::wire::message_server_client::MessageServerClient;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

const LONG: Duration = Duration::from_secs(20);

/// A site whose Message Server listens on a free port of a loopback address.
struct Site {
    folder: tempfile::TempDir,
    address: SocketAddr,
}

impl Site {
    fn new() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = free.local_addr().expect("it has an address");
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let text = format!(
            "version: 1\nenvironment: test\nmanagement_layer:\n  solution_control_server: {{host: mgmt1}}\n  message_server: {{name: MessageServer, host: mgmt1, port: {}}}\nhosts:\n  mgmt1: {{os: linux, address: 127.0.0.1}}\n",
            address.port()
        );
        let site = Self { folder, address };
        std::fs::write(site.config(), text).expect("writable");
        site
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("site.yaml")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_message-server"));
        command.arg("--config").arg(self.config());
        command
            .arg("--state-dir")
            .arg(self.folder.path().join("state"));
        command
    }

    /// Starts the server and waits until it answers.
    async fn start(&self) -> Server {
        let child = self.command().spawn().expect("the binary was built");
        let server = Server(child);
        self.caller().await;
        server
    }

    async fn caller(&self) -> Caller {
        let dialler = Dialler {
            network: Network::Kernel,
            security: LinkSecurity::Plain,
            expected: Expected::role(Role::MessageServer),
        };
        let answers = async {
            loop {
                let to = Destination::Tcp(self.address);
                match channel(&dialler, &to, Duration::from_secs(1)).await {
                    Ok(caller) => return caller,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        timeout(LONG, answers).await.expect("it answers in time")
    }
}

/// The process; killed when the test ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Server {
    fn kill_minus_9(mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it is our child");
    }

    async fn terminate(mut self) -> ExitStatus {
        let pid = self.0.id().to_string();
        let killed = Command::new("kill").arg(&pid).status();
        assert!(killed.expect("kill exists").success());
        let ended = tokio::task::spawn_blocking(move || self.0.wait());
        let ended = timeout(LONG, ended).await.expect("it ends in time");
        ended.expect("waiting works").expect("it is our child")
    }
}

/// One open stream, in the model's words.
struct Stream<Out, W> {
    to: mpsc::Sender<Out>,
    from: Incoming<W>,
    _caller: Caller,
}

impl<Out, W> Stream<Out, W> {
    async fn say(&self, message: Out) {
        self.to.send(message).await.expect("the stream is open");
    }

    async fn hear<M>(&mut self) -> M
    where
        M: TryFrom<W, Error = changeover_rpc::convert::ConvertError>,
    {
        let heard = timeout(LONG, self.from.next()).await;
        let heard = heard.expect("it answers in time");
        heard.expect("the stream is sound").expect("it is open")
    }
}

async fn scs(site: &Site) -> Stream<ToMessageServer, wire::FromMessageServer> {
    let caller = site.caller().await;
    let (to, queue) = mpsc::channel::<ToMessageServer>(8);
    let queue = ReceiverStream::new(queue).map(wire::ToMessageServer::from);
    let mut client = MessageServerClient::new(caller.channel.clone());
    let answer = client.alarms(queue).await.expect("it is taken");
    let stream = Stream {
        to,
        from: Incoming::new(answer.into_inner(), "alarms"),
        _caller: caller,
    };
    let version = "test".to_owned();
    stream
        .say(ToMessageServer::Hello {
            version,
            session: 1,
        })
        .await;
    stream
}

async fn sender(site: &Site) -> Stream<LogBatch, wire::LogAcknowledged> {
    let caller = site.caller().await;
    let (to, queue) = mpsc::channel::<LogBatch>(8);
    let queue = ReceiverStream::new(queue).map(wire::LogBatch::from);
    let mut client = MessageServerClient::new(caller.channel.clone());
    let answer = client.log(queue).await.expect("it is taken");
    Stream {
        to,
        from: Incoming::new(answer.into_inner(), "log"),
        _caller: caller,
    }
}

fn source() -> SourceId {
    SourceId("SIP_SERVER_PRIMARY/1".into())
}

fn batch(sequences: std::ops::RangeInclusive<u64>, id: u32) -> LogBatch {
    let event = |sequence| LogEvent {
        source: source(),
        sequence,
        application: "SIP_SERVER_PRIMARY".into(),
        host: None,
        id: LogEventId(id),
        level: LogLevel::Standard,
        text: "Hot Standby (backup) mode activated".to_owned(),
        at: Timestamp(sequence),
        epoch: None,
        cause: None,
        origin: LogOrigin::Application,
    };
    LogBatch {
        source: source(),
        events: sequences.map(event).collect(),
    }
}

fn conditions() -> MessageServerSlice {
    MessageServerSlice {
        revision: Revision(1),
        conditions: vec![AlarmCondition {
            name: "ALRM_PRIMARY_4561_HABackup".into(),
            description: String::new(),
            category: AlarmCategory::Critical,
            detect: LogEventId::HOT_BACKUP,
            selection: Selection::Application("SIP_SERVER_PRIMARY".into()),
            cancel: None,
            cancel_timeout: Duration::from_secs(3600),
            reaction_scripts: Vec::new(),
            clearance_scripts: Vec::new(),
            enabled: true,
        }],
        application_types: [].into_iter().collect(),
        log_keep: Duration::from_secs(86_400),
        log_size: 1 << 30,
    }
}

fn hello(revision: u64) -> FromMessageServer {
    FromMessageServer::Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: Revision(revision),
    }
}

fn acknowledged(up_to: u64) -> LogAcknowledged {
    let source = source();
    LogAcknowledged { source, up_to }
}

/// What was detected, as sequence and conditions.
fn detection(message: FromMessageServer) -> (u64, Vec<String>) {
    let FromMessageServer::AlarmDetected(detected) = message else {
        panic!("a detection: {message:?}");
    };
    let names = detected.matches.iter().map(|it| it.condition.to_string());
    (detected.event.sequence, names.collect())
}

fn primary_4561() -> Vec<String> {
    vec!["ALRM_PRIMARY_4561_HABackup".to_owned()]
}

#[tokio::test]
async fn a_detection_survives_a_kill_of_the_server_until_the_scs_acknowledges_it() {
    let site = Site::new();
    let server = site.start().await;
    let mut alarms = scs(&site).await;
    assert_eq!(alarms.hear::<FromMessageServer>().await, hello(0));
    alarms.say(ToMessageServer::Configure(conditions())).await;
    let mut log = sender(&site).await;
    log.say(batch(1..=1, 4561)).await;
    assert_eq!(detection(alarms.hear().await), (1, primary_4561()));
    assert_eq!(log.hear::<LogAcknowledged>().await, acknowledged(1));
    server.kill_minus_9();

    let server = site.start().await;
    let mut alarms = scs(&site).await;
    assert_eq!(alarms.hear::<FromMessageServer>().await, hello(1));
    assert_eq!(detection(alarms.hear().await), (1, primary_4561()));
    let mut log = sender(&site).await;
    log.say(batch(1..=2, 4561)).await;
    assert_eq!(log.hear::<LogAcknowledged>().await, acknowledged(2));
    assert_eq!(detection(alarms.hear().await), (2, primary_4561()));
    for sequence in [1, 2] {
        let source = source();
        let has = ToMessageServer::AlarmAcknowledged { source, sequence };
        alarms.say(has).await;
    }
    log.say(batch(3..=3, 4561)).await;
    assert_eq!(detection(alarms.hear().await), (3, primary_4561()));
    assert_eq!(log.hear::<LogAcknowledged>().await, acknowledged(3));
    assert_eq!(server.terminate().await.code(), Some(0));

    let _server = site.start().await;
    let mut alarms = scs(&site).await;
    assert_eq!(alarms.hear::<FromMessageServer>().await, hello(1));
    assert_eq!(detection(alarms.hear().await), (3, primary_4561()));
}

#[tokio::test]
async fn a_query_that_follows_loses_nothing_between_the_stored_and_the_live_part() {
    let site = Site::new();
    let _server = site.start().await;
    let log = sender(&site).await;
    let writing = async {
        for first in (1..=2_000).step_by(10) {
            log.say(batch(first..=first + 9, 1_000)).await;
        }
    };
    let reading = async {
        let caller = site.caller().await;
        let query = LogQuery {
            follow: true,
            ..LogQuery::default()
        };
        let mut client = MessageServerClient::new(caller.channel.clone());
        let answer = client.query(wire::LogQuery::from(query)).await;
        let mut records = Incoming::new(answer.expect("it is taken").into_inner(), "query");
        let mut sequences = Vec::new();
        while sequences.last() != Some(&2_000) {
            let record = timeout(LONG, records.next::<LogRecord>()).await;
            let record = record.expect("in time").expect("sound").expect("open");
            sequences.push(record.event.sequence);
        }
        sequences
    };
    let ((), sequences) = tokio::join!(writing, reading);
    let first = sequences[0];
    assert!(first <= 1_000, "the newest 1,000 of the past at most");
    assert_eq!(sequences, (first..=2_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_second_server_on_the_same_state_and_an_unusable_file_end_with_2() {
    let site = Site::new();
    let _server = site.start().await;
    let second = site.command().output().expect("the binary was built");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(2), "{said}");
    assert!(
        said.contains("is in use by another message-server"),
        "{said}"
    );
    std::fs::write(site.config(), "version: 1\nnonsense: true\n").expect("writable");
    let third = site.command().output().expect("the binary was built");
    let said = String::from_utf8_lossy(&third.stderr).into_owned();
    assert_eq!(third.status.code(), Some(2), "{said}");
    assert!(said.contains("nonsense"), "{said}");
}
