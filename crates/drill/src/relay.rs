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
