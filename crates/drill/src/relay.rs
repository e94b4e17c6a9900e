//! Owns a slow wire: two TAP devices, and between them two threads that pass every frame on after a while. For machines
//! whose kernel cannot delay by itself (netem); with it this works as well. Where the devices are plugged in is `hands.rs`'s.

use changeover_rehearsal::{Moment, Trouble};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Where TAP devices are made.
const DEVICE: &str = "/dev/net/tun";
/// Frames that may be under way; more are lost, as in any queue.
const MOST: usize = 10_000;
/// Largest frame.
const LARGEST: usize = 65_536;
/// A thread looks whether it shall end at least this often.
const LOOK: Duration = Duration::from_millis(50);

/// Two devices and what lies between them; gone when dropped.
pub(crate) struct Relay {
    ended: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Relay {
    /// Whether this machine has TAP devices.
    pub(crate) fn is_possible() -> Result<(), String> {
        File::options()
            .read(true)
            .write(true)
            .open(DEVICE)
            .map(drop)
            .map_err(|error| format!("{DEVICE}: {error}"))
    }

    /// Makes both devices in the network namespace of this thread, and begins to relay.
    pub(crate) fn start(near: &str, far: &str, delay: Duration) -> Result<Self, Trouble> {
        let failed = |source| Trouble::Start {
            what: format!("the relay between {near} and {far}"),
            source,
        };
        let near_end = tap(near).map_err(failed)?;
        let far_end = tap(far).map_err(failed)?;
        let ended = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for (from, to) in [(&near_end, &far_end), (&far_end, &near_end)] {
            let from = from.try_clone().map_err(failed)?;
            let to = to.try_clone().map_err(failed)?;
            let ended = Arc::clone(&ended);
            let thread = std::thread::Builder::new()
                .name("relay".into())
                .spawn(move || pass_on(&from, &to, delay, &ended));
            threads.push(thread.map_err(failed)?);
        }
        Ok(Self { ended, threads })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::debug!("a thread of a relay panicked");
            }
        }
    }
}

/// Passes frames on, each after the delay, in order.
fn pass_on(mut from: &File, mut to: &File, delay: Duration, ended: &AtomicBool) {
    let mut under_way: VecDeque<(Moment, Vec<u8>)> = VecDeque::new();
    let mut frame = vec![0; LARGEST];
    while !ended.load(Ordering::Relaxed) {
        let now = Moment::now();
        while under_way.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, frame)) = under_way.pop_front()
                && let Err(error) = to.write_all(&frame)
            {
                tracing::trace!(%error, "a frame was lost");
            }
        }
        let wait = under_way
            .front()
            .map_or(LOOK, |(due, _)| due.since(now).min(LOOK));
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        let mut polled = [PollFd::new(&from, PollFlags::IN)];
        if !matches!(poll(&mut polled, Some(&timeout)), Ok(ready) if ready > 0) {
            continue;
        }
        // A device that is not up yet gives an error: the wait above goes on.
        if let Ok(length) = from.read(&mut frame)
            && under_way.len() < MOST
            && let Some(bytes) = frame.get(..length)
        {
            under_way.push_back((Moment::now().plus(delay), bytes.to_vec()));
        }
    }
}

/// A TAP device of this name, which lives as long as the file.
fn tap(name: &str) -> std::io::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(DEVICE)?;
    // struct ifreq: a name of 16 bytes with a zero at its end, then 24 bytes of which the first two are the flags.
    let mut request = [0_u8; 40];
    let length = name.len().min(15);
    for (place, byte) in request.iter_mut().zip(name.bytes().take(length)) {
        *place = byte;
    }
    let flags = u16::try_from(libc::IFF_TAP | libc::IFF_NO_PI).unwrap_or_default();
    for (place, byte) in request.iter_mut().skip(16).zip(flags.to_ne_bytes()) {
        *place = byte;
    }
    #[expect(
        unsafe_code,
        reason = "TUNSETIFF has no safe wrapper; it reads and writes one struct ifreq, which `request` has the size of"
    )]
    // SAFETY: the descriptor is open, and the kernel copies sizeof(struct ifreq) = 40 bytes from and to `request`,
    // which lives across the call.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, request.as_mut_ptr()) };
    if done < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd as _;
    use std::process::Command;

    /// Three namespaces, gone when dropped: a wire, and a host at each end of it.
    struct Wired {
        names: [String; 3],
    }

    impl Drop for Wired {
        fn drop(&mut self) {
            for name in &self.names {
                run(&["netns", "del", name]);
            }
        }
    }

    fn run(words: &[&str]) {
        let ran = Command::new("ip").args(words).output().expect("iproute2");
        assert!(
            ran.status.success(),
            "ip {}: {}",
            words.join(" "),
            String::from_utf8_lossy(&ran.stderr)
        );
    }

    fn enter(namespace: &str) {
        let file = File::open(format!("/run/netns/{namespace}")).expect("it was made");
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).expect("root");
    }

    /// Two hosts, each on a bridge of its own, and nothing between the bridges.
    fn wired() -> Wired {
        let own = std::process::id();
        let names = ["wire", "left", "right"].map(|name| format!("drill-{own}-{name}"));
        for name in &names {
            run(&["netns", "add", name]);
        }
        let wired = Wired { names };
        let [wire, hosts @ ..] = &wired.names;
        for (number, host) in hosts.iter().enumerate() {
            let (bridge, port) = (format!("br{number}"), format!("p{number}"));
            let address = format!("10.9.8.{}/24", number + 1);
            run(&[
                "-n",
                wire,
                "link",
                "add",
                &bridge,
                "type",
                "bridge",
                "stp_state",
                "0",
                "forward_delay",
                "0",
            ]);
            run(&["-n", wire, "link", "set", &bridge, "up"]);
            run(&[
                "-n", wire, "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns",
                host,
            ]);
            run(&["-n", wire, "link", "set", &port, "master", &bridge, "up"]);
            run(&["-n", host, "link", "set", "eth0", "up"]);
            run(&["-n", host, "address", "add", &address, "dev", "eth0"]);
        }
        wired
    }

    #[test]
    #[ignore = "needs root"]
    fn a_relay_carries_large_segments_whole_each_way_and_each_takes_its_time() {
        const DELAY: Duration = Duration::from_millis(30);
        const LENGTH: usize = 300_000;
        let wired = wired();
        let [wire, left, right] = wired.names.clone();
        let inside = wire.clone();
        let relay = std::thread::spawn(move || {
            enter(&inside);
            Relay::start("near", "far", DELAY).expect("/dev/net/tun")
        });
        let relay = relay.join().expect("no panic");
        run(&["-n", &wire, "link", "set", "near", "master", "br0", "up"]);
        run(&["-n", &wire, "link", "set", "far", "master", "br1", "up"]);
        let (ready, is_ready) = std::sync::mpsc::channel();
        let echo = std::thread::spawn(move || {
            enter(&right);
            let listener = TcpListener::bind("10.9.8.2:7000").expect("its own address");
            ready.send(()).expect("the test waits");
            let (mut stream, _) = listener.accept().expect("somebody comes");
            let mut content = vec![0; LENGTH];
            stream.read_exact(&mut content).expect("all of it");
            stream.write_all(&content).expect("and back");
        });
        is_ready.recv().expect("it listens");
        let asked = std::thread::spawn(move || {
            enter(&left);
            let began = Moment::now();
            let mut stream = TcpStream::connect("10.9.8.2:7000").expect("through the relay");
            let connected = Moment::now().since(began);
            let content: Vec<u8> = (0..LENGTH)
                .map(|at| u8::try_from(at % 251).expect("small"))
                .collect();
            stream.write_all(&content).expect("through the relay");
            let mut back = vec![0; LENGTH];
            stream.read_exact(&mut back).expect("through the relay");
            (connected, back == content)
        });
        let (connected, whole) = asked.join().expect("no panic");
        echo.join().expect("no panic");
        assert!(whole);
        assert!(connected >= DELAY * 2, "there and back: {connected:?}");
        drop(relay);
    }
}
