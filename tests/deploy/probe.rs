//! Owns the client that a switchover must not disturb: a question to the VIP every few milliseconds from the clients'
//! namespace, and when each answer came and from whom. Knows nothing of what is behind the VIP.

use crate::network::{CLIENT, Wire};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Somebody who serves answers within this time.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long is listened before anything happens.
const NOISE: Duration = Duration::from_secs(1);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// SIP OPTIONS by UDP, every millisecond.
    SipOptions,
    /// `GET /` by HTTP, a connection each, every five milliseconds.
    Http,
}

impl Question {
    fn every(self) -> Duration {
        match self {
            Self::SipOptions => Duration::from_millis(1),
            Self::Http => Duration::from_millis(5),
        }
    }
}

/// An answer: when, and who says to have given it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) at: Instant,
    pub(crate) by: String,
}

/// A probe that runs until it is dropped.
pub(crate) struct Probe {
    stop: Arc<AtomicBool>,
    answers: Arc<Mutex<Vec<Answer>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Probe {
    /// Starts asking `target` in a network namespace.
    fn start(namespace: &Path, target: SocketAddr, question: Question) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(Mutex::new(Vec::new()));
        let file = File::open(namespace).expect("the clients' namespace is there");
        let (stopped, kept) = (Arc::clone(&stop), Arc::clone(&answers));
        let (ready, is_ready) = mpsc::channel();
        // The kernel moves threads, and what a thread starts is where the thread is.
        let thread = std::thread::spawn(move || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("root may");
            hurry();
            ready.send(()).expect("the starter waits");
            match question {
                Question::SipOptions => ask_by_sip(target, &stopped, &kept),
                Question::Http => ask_by_http(target, &stopped, &kept),
            }
        });
        is_ready.recv().expect("the namespace can be entered");
        Self {
            stop,
            answers,
            threads: vec![thread],
        }
    }

    /// Starts one where the clients are, and waits until it has been answered for a second.
    pub(crate) fn answered(wire: &Wire, target: SocketAddr, question: Question) -> Self {
        let probe = Self::start(&wire.namespace_file(CLIENT), target, question);
        let first = probe.answered_within(Instant::now(), PATIENCE);
        assert!(first, "nobody answers at {target}");
        std::thread::sleep(NOISE);
        probe
    }

    /// The longest gap of the second that is just over, in milliseconds: what the machine does by itself.
    pub(crate) fn noise(&self) -> f64 {
        self.longest_gap(Instant::now() - NOISE)
    }

    /// Everything answered since a moment, and the last answer before it.
    fn answers_around(&self, since: Instant) -> Vec<Answer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let first = answers.partition_point(|answer| answer.at < since);
        answers[first.saturating_sub(1)..].to_vec()
    }

    /// The longest time without an answer between a moment and now, in milliseconds. The wait that is still going on
    /// counts.
    pub(crate) fn longest_gap(&self, since: Instant) -> f64 {
        let answers = self.answers_around(since);
        let begin = answers.first().map_or(since, |answer| answer.at.min(since));
        let mut last = begin;
        let mut longest = Duration::ZERO;
        for at in answers
            .iter()
            .map(|answer| answer.at)
            .chain([Instant::now()])
        {
            longest = longest.max(at.saturating_duration_since(last));
            last = last.max(at);
        }
        longest.as_secs_f64() * 1000.0
    }

    /// Who answered since a moment, each once, in the order of the first answer.
    pub(crate) fn answered_by(&self, since: Instant) -> Vec<String> {
        let mut by: Vec<String> = Vec::new();
        for answer in self.answers_around(since) {
            if answer.at >= since && !by.contains(&answer.by) {
                by.push(answer.by);
            }
        }
        by
    }

    /// True once somebody has answered since a moment, waiting for a bounded time.
    pub(crate) fn answered_within(&self, since: Instant, bound: Duration) -> bool {
        let give_up = Instant::now() + bound;
        while self.answered_by(since).is_empty() {
            if Instant::now() >= give_up {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn keep(answers: &Mutex<Vec<Answer>>, by: String) {
    let at = Instant::now();
    let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    answers.push(Answer { at, by });
}

/// The instrument goes before what it measures: for the calling thread and those that it starts.
fn hurry() {
    rustix::process::setpriority_process(None, -15).expect("root may");
}

fn ask_by_sip(target: SocketAddr, stop: &Arc<AtomicBool>, answers: &Arc<Mutex<Vec<Answer>>>) {
    let any: SocketAddr = if target.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    }
    .parse()
    .expect("an address");
    let socket = UdpSocket::bind(any).expect("a port is free");
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .expect("a timeout above zero");
    let own = socket.local_addr().expect("it is bound").port();
    let receiver = {
        let (socket, stop, answers) = (
            socket.try_clone().expect("a socket"),
            Arc::clone(stop),
            Arc::clone(answers),
        );
        std::thread::spawn(move || {
            let mut datagram = [0_u8; 2048];
            while !stop.load(Ordering::Relaxed) {
                if let Ok(size) = socket.recv(&mut datagram) {
                    let text = String::from_utf8_lossy(&datagram[..size]);
                    if text.starts_with("SIP/2.0 ") {
                        keep(&answers, header(&text, "Server:"));
                    }
                }
            }
        })
    };
    let mut number = 0_u64;
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let question = format!(
            "OPTIONS sip:{target} SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.11.50:{own};branch=z9hG4bK-{own}-{number};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:probe@10.10.11.50>;tag=p{own}\r\nTo: <sip:{target}>\r\n\
             Call-ID: {number}-{own}@10.10.11.50\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        // That nobody is there is what is being measured.
        drop(socket.send_to(question.as_bytes(), target));
        // A machine that paused is not made up for by a burst.
        next =
            (next + Question::SipOptions.every()).max(Instant::now() - Duration::from_millis(20));
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    drop(receiver.join());
}

fn ask_by_http(target: SocketAddr, stop: &Arc<AtomicBool>, answers: &Arc<Mutex<Vec<Answer>>>) {
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let answers = Arc::clone(answers);
        // A connection that nobody accepts waits; the next question must not wait for it.
        std::thread::spawn(move || {
            if let Some(by) = get(target) {
                keep(&answers, by);
            }
        });
        next = (next + Question::Http.every()).max(Instant::now());
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

/// One `GET /`: the header X-Host of a good answer.
fn get(target: SocketAddr) -> Option<String> {
    let bound = Duration::from_millis(300);
    let mut stream = TcpStream::connect_timeout(&target, bound).ok()?;
    stream.set_read_timeout(Some(bound)).ok()?;
    stream
        .write_all(b"GET / HTTP/1.0\r\nHost: vip\r\n\r\n")
        .ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.contains(" 200 ").then(|| header(&text, "X-Host:"))
}

fn header(text: &str, name: &str) -> String {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_default()
        .trim()
        .to_owned()
}
