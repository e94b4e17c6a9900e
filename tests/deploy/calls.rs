//! Owns the clients that telephone: SIPp, from the hosts' root, in the clients' namespace. One end registers through the VIP and
//! waits to be called, the other calls it through the VIP; a call counts only when it was set up, answered and ended.

use crate::command::{Ran, run};
use crate::lab::Lab;
use crate::network::CLIENT;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Where the clients have their telephones.
const CLIENT_ADDRESS: &str = "10.10.11.50";
/// Calls that are made each time, ten a second.
const CALLS: &str = "5";
/// Registering, or all the calls, takes no longer.
const BOUND: Duration = Duration::from_secs(15);

/// Registers, as a telephone does after it was cut off: what the servers know of it is not replicated between them.
pub(crate) fn register(lab: &Lab, proxy: SocketAddr) -> Ran {
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

/// Makes calls through a proxy; every one of them must succeed at both ends.
#[track_caller]
pub(crate) fn succeed(lab: &Lab, proxy: SocketAddr, when: &str) {
    let registered = register(lab, proxy);
    assert_eq!(
        registered.code,
        Some(0),
        "{when}: the telephone cannot register: {registered:#?}"
    );
    let space = lab.wire.namespace(CLIENT);
    let target = proxy.to_string();
    let called = Command::new("timeout")
        .args(["-s", "KILL", "20", "ip", "netns", "exec", &space, "chroot"])
        .arg(&lab.root)
        .args([
            "sipp",
            "-sf",
            "/srv/called.xml",
            "-i",
            CLIENT_ADDRESS,
            "-p",
            "5080",
            "-nostdin",
        ])
        .args(["-m", CALLS, &target])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("timeout is part of every Linux");
    until_bound(&space);
    let words = [
        "-sf",
        "/srv/caller.xml",
        "-p",
        "5061",
        "-m",
        CALLS,
        "-r",
        "10",
        "-timeout",
        "10s",
        "-timeout_error",
    ];
    let calls = sipp(lab, proxy, &words);
    let answered = called.wait_with_output().expect("our child");
    assert_eq!(calls.code, Some(0), "{when}: calls failed: {calls:#?}");
    assert_eq!(
        answered.status.code(),
        Some(0),
        "{when}: the called end missed something"
    );
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
    run("ip", &[&front, words, &[target.as_str()]].concat(), BOUND)
}
