//! Units against a systemd that is played over a connection of its own: jobs, main processes, failures.

use super::*;
use std::sync::Mutex as StdMutex;
use tokio::net::UnixStream;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedObjectPath;

/// What the played unit is, and what was asked of it.
#[derive(Clone, Debug)]
struct Played {
    load: &'static str,
    active: &'static str,
    main_pid: u32,
    /// How the next job ends.
    job_result: &'static str,
    /// The main process after a start.
    next_pid: u32,
    asked: Vec<String>,
}

type Shared = Arc<StdMutex<Played>>;

struct PlayedManager(Shared);
struct PlayedUnit(Shared);
struct PlayedService(Shared);

const UNIT: &str = "/org/freedesktop/systemd1/unit/proxy_2eservice";
const JOB: &str = "/org/freedesktop/systemd1/job/7";

fn path(text: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(text).expect("a path")
}

impl PlayedManager {
    async fn job(&self, emitter: SignalEmitter<'_>, what: &str, active: &'static str, pid: u32) {
        let result = {
            let mut played = self.0.lock().expect("nobody panicked");
            played.asked.push(what.to_owned());
            if played.job_result == "done" {
                (played.active, played.main_pid) = (active, pid);
            } else {
                (played.active, played.main_pid) = ("failed", 0);
            }
            played.job_result
        };
        // Before the answer that names it: the receiver must have been there already.
        PlayedManager::job_removed(&emitter, 7, path(JOB), "proxy.service", result)
            .await
            .expect("the other end listens");
    }
}

#[zbus::interface(name = "org.freedesktop.systemd1.Manager")]
impl PlayedManager {
    fn subscribe(&self) {}

    fn load_unit(&self, _name: &str) -> OwnedObjectPath {
        path(UNIT)
    }

    async fn start_unit(
        &self,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        name: &str,
        mode: &str,
    ) -> OwnedObjectPath {
        let pid = self.0.lock().expect("nobody panicked").next_pid;
        self.job(emitter, &format!("start {name} {mode}"), "active", pid)
            .await;
        path(JOB)
    }

    async fn stop_unit(
        &self,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        name: &str,
        mode: &str,
    ) -> OwnedObjectPath {
        self.job(emitter, &format!("stop {name} {mode}"), "inactive", 0)
            .await;
        path(JOB)
    }

    fn kill_unit(&self, name: &str, whom: &str, signal: i32) {
        let mut played = self.0.lock().expect("nobody panicked");
        played.asked.push(format!("kill {name} {whom} {signal}"));
    }

    fn reset_failed_unit(&self, name: &str) {
        let mut played = self.0.lock().expect("nobody panicked");
        played.asked.push(format!("reset {name}"));
    }

    #[zbus(signal)]
    async fn job_removed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        job: OwnedObjectPath,
        unit: &str,
        result: &str,
    ) -> zbus::Result<()>;
}

#[zbus::interface(name = "org.freedesktop.systemd1.Unit")]
impl PlayedUnit {
    #[zbus(property)]
    fn load_state(&self) -> String {
        self.0.lock().expect("nobody panicked").load.to_owned()
    }

    #[zbus(property)]
    fn active_state(&self) -> String {
        self.0.lock().expect("nobody panicked").active.to_owned()
    }

    #[zbus(property)]
    fn sub_state(&self) -> String {
        "running".to_owned()
    }
}

#[zbus::interface(name = "org.freedesktop.systemd1.Service")]
impl PlayedService {
    #[zbus(property, name = "MainPID")]
    fn main_pid(&self) -> u32 {
        self.0.lock().expect("nobody panicked").main_pid
    }

    #[zbus(property)]
    fn result(&self) -> String {
        "oom-kill".to_owned()
    }

    #[zbus(property)]
    fn exec_main_code(&self) -> i32 {
        2
    }

    #[zbus(property)]
    fn exec_main_status(&self) -> i32 {
        9
    }

    #[zbus(property, name = "NRestarts")]
    fn n_restarts(&self) -> u32 {
        0
    }
}

/// A unit as it is played, and systemd as the LCA sees it; the connection lives as long as the last part.
async fn systemd(played: Played) -> (Units, Shared, Connection) {
    let shared: Shared = Arc::new(StdMutex::new(played));
    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    let manager = "/org/freedesktop/systemd1";
    let server = zbus::connection::Builder::unix_stream(theirs)
        .server(zbus::Guid::generate())
        .expect("a fresh id")
        .p2p()
        .serve_at(manager, PlayedManager(shared.clone()))
        .expect("a path")
        .serve_at(UNIT, PlayedUnit(shared.clone()))
        .expect("a path")
        .serve_at(UNIT, PlayedService(shared.clone()))
        .expect("a path")
        .build();
    let client = zbus::connection::Builder::unix_stream(ours).p2p().build();
    let (server, client) = tokio::try_join!(server, client).expect("both ends are here");
    let units = Units {
        connection: Arc::new(Mutex::new(Some(client))),
    };
    (units, shared, server)
}

fn unit(active: &'static str, main_pid: u32) -> Played {
    Played {
        load: "loaded",
        active,
        main_pid,
        job_result: "done",
        next_pid: 4242,
        asked: Vec::new(),
    }
}

fn asked(shared: &Shared) -> Vec<String> {
    shared.lock().expect("nobody panicked").asked.clone()
}

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_unit_that_is_active_already_is_taken_over_without_a_job() {
    let (units, shared, _server) = systemd(unit("active", 77)).await;
    let main = units.start("proxy.service", SOON).await;
    assert_eq!(
        main,
        Ok(MainProcess {
            pid: 77,
            how: "taken over: proxy.service is active already".to_owned()
        })
    );
    assert_eq!(asked(&shared), Vec::<String>::new());
}

#[tokio::test]
async fn a_failed_unit_is_started_anew_and_its_main_process_found_when_the_job_is_done() {
    let (units, shared, _server) = systemd(unit("failed", 0)).await;
    let main = units.start("proxy.service", SOON).await;
    assert_eq!(main.map(|main| main.pid), Ok(4242));
    assert_eq!(
        asked(&shared),
        ["reset proxy.service", "start proxy.service replace"]
    );
}

#[tokio::test]
async fn what_cannot_be_started_is_named_with_what_to_do() {
    let cases = [
        (
            Played {
                load: "not-found",
                ..unit("inactive", 0)
            },
            "systemd knows no unit proxy.service: check the name with systemctl cat",
        ),
        (
            Played {
                load: "masked",
                ..unit("inactive", 0)
            },
            "systemctl unmask proxy.service",
        ),
        (
            Played {
                job_result: "failed",
                ..unit("inactive", 0)
            },
            "systemd says 'failed' to the start of proxy.service",
        ),
        (
            Played {
                next_pid: 0,
                ..unit("inactive", 0)
            },
            "without a main process",
        ),
    ];
    for (played, wanted) in cases {
        let (units, _shared, _server) = systemd(played).await;
        let said = units
            .start("proxy.service", SOON)
            .await
            .expect_err("it cannot be started");
        assert!(said.contains(wanted), "{said}");
    }
}

#[tokio::test]
async fn a_kill_reaches_all_of_the_unit_and_stops_it_so_that_systemd_does_not_restart_it() {
    let (units, shared, _server) = systemd(unit("active", 77)).await;
    units.kill("proxy.service").await.expect("systemd answers");
    assert_eq!(
        asked(&shared),
        ["kill proxy.service all 9", "stop proxy.service replace"]
    );
}

#[tokio::test]
async fn an_end_is_explained_by_what_systemd_knows() {
    let (units, _shared, _server) = systemd(unit("failed", 0)).await;
    let said = units.ending("proxy.service").await;
    assert_eq!(
        said,
        Ok((
            ExitStatus::Signal(9),
            "systemd: proxy.service failed (running), result oom-kill".to_owned()
        ))
    );
}

#[tokio::test]
async fn a_bus_that_went_away_is_a_named_failure_and_tried_again_by_the_next_question() {
    let (units, _shared, server) = systemd(unit("active", 77)).await;
    server.close().await.expect("it is ours");
    let said = units
        .start("proxy.service", SOON)
        .await
        .expect_err("nobody is there");
    assert!(!said.is_empty());
    assert!(units.connection.lock().await.is_none(), "{said}");
}

#[tokio::test]
async fn a_unit_that_is_active_when_its_watch_begins_is_seen() {
    let (units, _shared, _server) = systemd(unit("active", 77)).await;
    let (seen, mut sightings) = mpsc::channel(1);
    let watching = units.watch("proxy.service", seen);
    let first = async { timeout(SOON, sightings.recv()).await };
    tokio::select! {
        () = watching => panic!("a watch never ends"),
        seen = first => assert_eq!(seen, Ok(Some(()))),
    }
}
