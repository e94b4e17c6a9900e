//! Owns the clients that telephone: SIPp, from the hosts' root, in the clients' namespace. One end registers through the VIP and
//! waits to be called, the other calls it through the VIP; a call counts only when it was set up, answered and ended.

use crate::command::{Ran, run};
use crate::lab::Lab;
use crate::network::CLIENT;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the clients have their telephones.
const CLIENT_ADDRESS: &str = "10.10.11.50";
/// Calls that are made each time, ten a second.
const CALLS: &str = "5";
/// Registering, or all the calls, takes no longer.
const BOUND: Duration = Duration::from_secs(15);

/// Registers, as a telephone does after it was cut off: what the servers know of it is not replicated between them.
fn register(lab: &Lab, proxy: SocketAddr) -> Ran {
    let words = [
        "-sf",
        "/srv/register.xml",
        "-p",
        "5080",
        "-m",
        "1",
        "-timeout",
        "5s",
        "-timeout_error",
    ];
    sipp(lab, proxy, &words)
}

/// Calls that are up, or are being set up.
pub(crate) struct Calls<'a> {
    lab: &'a Lab,
    called: Child,
    calling: Child,
}

/// Short calls through a proxy; every one of them must succeed at both ends.
#[track_caller]
pub(crate) fn succeed(lab: &Lab, proxy: SocketAddr, when: &str) {
    begin(lab, proxy, when, Duration::from_millis(100)).end_well(when);
}

/// Registers the called end and begins calls that last so long once they are answered.
#[track_caller]
pub(crate) fn begin<'a>(
    lab: &'a Lab,
    proxy: SocketAddr,
    when: &str,
    lasting: Duration,
) -> Calls<'a> {
    let registered = register(lab, proxy);
    assert_eq!(
        registered.code,
        Some(0),
        "{when}: the telephone cannot register: {registered:#?}"
    );
    let called = start(
        lab,
        proxy,
        &["-sf", "/srv/called.xml", "-p", "5080", "-m", CALLS],
    );
    until_bound(&lab.wire.namespace(CLIENT));
    let lasting = lasting.as_millis().to_string();
    let words = [
        "-sf",
        "/srv/caller.xml",
        "-p",
        "5061",
        "-m",
        CALLS,
        "-r",
        "10",
        "-d",
        &lasting,
        "-timeout",
        "60s",
        "-timeout_error",
    ];
    let calling = start(lab, proxy, &words);
    Calls {
        lab,
        called,
        calling,
    }
}

impl Calls<'_> {
    /// Waits for the end of every call; each was answered, talked, and hung up on in order.
    #[track_caller]
    pub(crate) fn end_well(self, when: &str) {
        let calling = self.calling.wait_with_output().expect("our child");
        let called = self.called.wait_with_output().expect("our child");
        let said = String::from_utf8_lossy(&calling.stderr);
        let codes = (calling.status.code(), called.status.code());
        assert_eq!(
            codes,
            (Some(0), Some(0)),
            "{when}: calls failed: {said}{}",
            self.lab.last_words()
        );
    }
}

/// The called end is there once its port is.
fn until_bound(space: &str) {
    let give_up = Instant::now() + BOUND;
    let words = ["netns", "exec", space, "ss", "-Hlun", "sport = :5080"];
    while run("ip", &words, BOUND).out.is_empty() {
        assert!(Instant::now() < give_up, "the called end does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn sipp(lab: &Lab, proxy: SocketAddr, words: &[&str]) -> Ran {
    let words = command(lab, proxy, words);
    run(
        "ip",
        &words.iter().map(String::as_str).collect::<Vec<_>>(),
        BOUND,
    )
}

fn start(lab: &Lab, proxy: SocketAddr, words: &[&str]) -> Child {
    Command::new("timeout")
        .args(["-s", "KILL", "75", "ip"])
        .args(command(lab, proxy, words))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("timeout is part of every Linux")
}

/// SIPp of the hosts' root, where the clients are.
fn command(lab: &Lab, proxy: SocketAddr, words: &[&str]) -> Vec<String> {
    let space = lab.wire.namespace(CLIENT);
    let root = lab.root.to_str().expect("text");
    let target = proxy.to_string();
    let front = [
        "netns",
        "exec",
        &space,
        "chroot",
        root,
        "sipp",
        "-i",
        CLIENT_ADDRESS,
        "-nostdin",
    ];
    [&front, words, &[target.as_str()]]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
}
