//! Owns the client that a switchover must not disturb: a SIP OPTIONS through the Virtual IP every millisecond, by
//! threads with absolute deadlines, and the longest time without an answer. Whose answer it is says the `Server`
//! header. Knows nothing of the components.

use crate::moment::Moment;
use crate::trouble::Trouble;
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::ClockId;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// From one question to the next.
const EVERY: Duration = Duration::from_millis(1);
/// How long the receiving thread waits before it looks whether it shall end.
const LOOK: Duration = Duration::from_millis(50);
/// Answers that are kept: ten minutes of them. The oldest go first.
const MOST_ANSWERS: usize = 600_000;

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProbeAnswer {
    pub(crate) sequence: u64,
    pub(crate) at: Moment,
    /// Value of its `Server` header, if it has one.
    pub(crate) server: Option<Arc<str>>,
}

/// A running probe; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Probe {
    from: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    answers: Mutex<Vec<ProbeAnswer>>,
}

impl Probe {
    /// Begins to ask `target` from `socket`, which was opened where the client is. `named` = the answers carry their
    /// server's application name.
    ///
    /// # Errors
    /// When the socket cannot be used, or a thread not be started.
    pub(crate) fn start(
        socket: UdpSocket,
        target: SocketAddr,
        run: &str,
        named: bool,
    ) -> Result<Self, Trouble> {
        let failed = |source| Trouble::Start {
            what: format!("the probe of {target}"),
            source,
        };
        socket.set_read_timeout(Some(LOOK)).map_err(failed)?;
        let receiving = socket.try_clone().map_err(failed)?;
        let from = socket.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared::default());
        let ask = {
            let (shared, question) = (
                Arc::clone(&shared),
                Question::new(&socket, target, run).map_err(failed)?,
            );
            move || ask(&shared, &socket, target, &question)
        };
        let listen = {
            let shared = Arc::clone(&shared);
            move || listen(&shared, &receiving, named)
        };
        let mut probe = Self {
            from,
            shared,
            threads: Vec::new(),
        };
        for thread in [
            std::thread::Builder::new()
                .name("probe-ask".into())
                .spawn(ask),
            std::thread::Builder::new()
                .name("probe-listen".into())
                .spawn(listen),
        ] {
            probe.threads.push(thread.map_err(failed)?);
        }
        Ok(probe)
    }

    /// Where its questions come from.
    pub(crate) fn from(&self) -> SocketAddr {
        self.from
    }

    /// The answers from a moment on.
    pub(crate) fn answers_since(&self, from: Moment) -> Vec<ProbeAnswer> {
        let answers = lock(&self.shared.answers);
        let first = answers.partition_point(|answer| answer.at < from);
        answers.get(first..).unwrap_or_default().to_vec()
    }

    /// The newest answer.
    pub(crate) fn last_answer(&self) -> Option<ProbeAnswer> {
        lock(&self.shared.answers).last().cloned()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::debug!("a thread of the probe panicked");
            }
        }
    }
}

/// What every question has in common.
struct Question {
    before: String,
    after: String,
}

impl Question {
    fn new(socket: &UdpSocket, target: SocketAddr, run: &str) -> std::io::Result<Self> {
        let from = socket.local_addr()?;
        Ok(Self {
            before: format!(
                "OPTIONS sip:{target} SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <sip:rehearsal@{from}>;tag={run}\r\n\
                 To: <sip:{target}>\r\nCall-ID: {run}@rehearsal\r\nContent-Length: 0\r\n\
                 Via: SIP/2.0/UDP {from};rport;branch=z9hG4bK{run}-"
            ),
            after: " OPTIONS\r\n\r\n".to_owned(),
        })
    }

    fn number(&self, sequence: u64) -> String {
        format!(
            "{}{sequence}\r\nCSeq: {sequence}{}",
            self.before, self.after
        )
    }
}

fn ask(shared: &Shared, socket: &UdpSocket, target: SocketAddr, question: &Question) {
    // As root the probe goes before what it measures; without, it takes its turn.
    if let Err(error) = rustix::process::setpriority_process(None, -10) {
        tracing::debug!(%error, "the probe has no priority");
    }
    let mut sequence = 0;
    let mut next = Moment::now();
    while !shared.stop.load(Ordering::Relaxed) {
        sequence += 1;
        // Nobody there is what is being measured, not an error.
        if let Err(error) = socket.send_to(question.number(sequence).as_bytes(), target) {
            tracing::trace!(%error, sequence, "a question was not sent");
        }
        // A machine that paused is not made up for by a burst.
        next = next.plus(EVERY).max(Moment::now());
        if let Err(error) = clock_nanosleep_absolute(ClockId::Monotonic, &next.timespec()) {
            tracing::trace!(%error, "woken early");
        }
    }
}

fn listen(shared: &Shared, socket: &UdpSocket, named: bool) {
    let mut buffer = vec![0; 65_536];
    let mut servers: Vec<Arc<str>> = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        let Ok(length) = socket.recv(&mut buffer) else {
            continue;
        };
        let at = Moment::now();
        let Some((sequence, server)) = understand(buffer.get(..length).unwrap_or_default()) else {
            continue;
        };
        let server = server.filter(|_| named).map(|name| {
            match servers.iter().find(|known| ***known == *name) {
                Some(known) => Arc::clone(known),
                None => {
                    let name: Arc<str> = Arc::from(name);
                    servers.push(Arc::clone(&name));
                    name
                }
            }
        });
        let mut answers = lock(&shared.answers);
        if answers.len() >= MOST_ANSWERS {
            answers.drain(..MOST_ANSWERS / 2);
        }
        answers.push(ProbeAnswer {
            sequence,
            at,
            server,
        });
    }
}

/// Sequence number and server of a 200 answer; `None` for anything else.
fn understand(datagram: &[u8]) -> Option<(u64, Option<&str>)> {
    let text = std::str::from_utf8(datagram).ok()?;
    let mut lines = text.split("\r\n");
    if !lines.next()?.starts_with("SIP/2.0 2") {
        return None;
    }
    let (mut sequence, mut server) = (None, None);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        if name.eq_ignore_ascii_case("CSeq") {
            sequence = value.split_whitespace().next()?.parse().ok();
        } else if name.eq_ignore_ascii_case("Server") {
            server = Some(value);
        }
    }
    Some((sequence?, server))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The longest interval without an answer within a window, as its two ends. What lies before the first answer and
/// after the last one counts, up to the window's ends.
pub(crate) fn longest_gap(answers: &[ProbeAnswer], from: Moment, to: Moment) -> (Moment, Moment) {
    let mut longest = (from, from);
    let mut last = from;
    let within = answers
        .iter()
        .map(|answer| answer.at)
        .filter(|at| *at >= from && *at <= to);
    for at in within.chain(std::iter::once(to)) {
        if at.since(last) > longest.1.since(longest.0) {
            longest = (last, at);
        }
        last = at;
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(at_ms: &[u64]) -> Vec<ProbeAnswer> {
        at_ms
            .iter()
            .zip(1..)
            .map(|(at, sequence)| ProbeAnswer {
                sequence,
                at: Moment(at * 1_000_000),
                server: None,
            })
            .collect()
    }

    fn gap_ms(at_ms: &[u64], from: u64, to: u64) -> (f64, f64) {
        let (since, until) = longest_gap(
            &answers(at_ms),
            Moment(from * 1_000_000),
            Moment(to * 1_000_000),
        );
        (since.ms_since(Moment(0)), until.ms_since(Moment(0)))
    }

    #[test]
    fn the_gap_is_the_longest_silence_and_counts_both_ends_of_the_window() {
        assert_eq!(gap_ms(&[100, 101, 107, 108, 109], 100, 110), (101.0, 107.0));
        assert_eq!(
            gap_ms(&[104, 105], 100, 106),
            (100.0, 104.0),
            "silence before the first answer"
        );
        assert_eq!(
            gap_ms(&[100, 101], 100, 150),
            (101.0, 150.0),
            "silence after the last one"
        );
        assert_eq!(
            gap_ms(&[], 100, 130),
            (100.0, 130.0),
            "nobody ever answered"
        );
        assert_eq!(
            gap_ms(&[10, 99, 101, 500], 100, 102),
            (100.0, 101.0),
            "answers outside do not count"
        );
    }

    #[test]
    fn only_a_good_answer_counts_and_it_names_its_server() {
        let good = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1\r\ncseq: 42 OPTIONS\r\nServer: SIP_SERVER_BACKUP\r\n\r\n";
        assert_eq!(understand(good), Some((42, Some("SIP_SERVER_BACKUP"))));
        assert_eq!(
            understand(b"SIP/2.0 503 Service Unavailable\r\nCSeq: 42 OPTIONS\r\n\r\n"),
            None
        );
        assert_eq!(
            understand(b"SIP/2.0 200 OK\r\n\r\n"),
            None,
            "an answer to what?"
        );
        assert_eq!(understand(&[0xff, 0xfe]), None);
    }

    #[test]
    fn a_probe_asks_every_millisecond_and_sees_who_answers() {
        let server = UdpSocket::bind("127.0.0.1:0").expect("a loopback port");
        let target = server.local_addr().expect("bound");
        let client = UdpSocket::bind("127.0.0.1:0").expect("a loopback port");
        let started = Moment::now();
        let probe = Probe::start(client, target, "test", true).expect("two threads");
        let mut buffer = [0; 2048];
        for _ in 0..20 {
            let (length, from) = server
                .recv_from(&mut buffer)
                .expect("questions come by themselves");
            let question = std::str::from_utf8(&buffer[..length]).expect("text");
            let number = question
                .split("CSeq: ")
                .nth(1)
                .and_then(|rest| rest.split(' ').next())
                .expect("a number");
            let answer = format!("SIP/2.0 200 OK\r\nCSeq: {number} OPTIONS\r\nServer: A\r\n\r\n");
            server.send_to(answer.as_bytes(), from).expect("loopback");
        }
        let end = Moment::now().plus(Duration::from_secs(5));
        while probe.answers_since(started).len() < 20 {
            assert!(Moment::now() < end, "20 answers were sent");
            std::thread::yield_now();
        }
        let answers = probe.answers_since(started);
        assert_eq!(answers.first().map(|answer| answer.sequence), Some(1));
        assert!(
            answers
                .iter()
                .all(|answer| answer.server.as_deref() == Some("A"))
        );
        assert_eq!(probe.last_answer(), answers.last().cloned());
    }
}
