//! Owns the built-in endpoints of the acceptance tests: a phone of `sip-phone` on a socket where the client is, driven
//! by a task, with the moment of everything that it sees. Knows the VIP and nothing else of the site; what is done with
//! the phones is in `workflows/acceptance.rs`.

use crate::moment::Moment;
use crate::trouble::Trouble;
use changeover_model::Timestamp;
use changeover_sip_phone::{Manner, Phone};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// How long a phone rings before it answers.
const RINGS: Duration = Duration::from_millis(20);
/// Largest datagram that is taken, bytes.
const LARGEST: usize = 65_536;
/// Without anything to repeat, a phone looks again after this.
const IDLE: Duration = Duration::from_secs(1);

/// A phone at work; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Endpoint {
    shared: Arc<Shared>,
    work: JoinHandle<()>,
}

struct Shared {
    state: Mutex<State>,
    socket: UdpSocket,
    /// Where the VIP is on this machine.
    target: SocketAddr,
    /// Something was done by hand: what is due may have changed.
    touched: Notify,
    seen: watch::Sender<usize>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

struct State {
    phone: Phone,
    /// When each line of the phone's log was written.
    seen: Vec<Moment>,
}

/// Something that a phone has seen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) at: Moment,
    pub(crate) what: String,
}

impl Endpoint {
    /// A phone on this socket, which was opened where the client is. `vip` is the address that it is told, `target`
    /// where that is on this machine.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub(crate) fn start(
        user: &str,
        run: &str,
        socket: std::net::UdpSocket,
        vip: SocketAddr,
        target: SocketAddr,
    ) -> Result<Self, Trouble> {
        let failed = |source| Trouble::Start {
            what: format!("the endpoint {user}"),
            source,
        };
        socket.set_nonblocking(true).map_err(failed)?;
        let at = socket.local_addr().map_err(failed)?;
        let mut phone = Phone::new(user, at, vip);
        phone.manner = Manner::Answers(RINGS);
        phone.salt = format!("{run}-{}-", Moment::now().0);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                phone,
                seen: Vec::new(),
            }),
            socket: UdpSocket::from_std(socket).map_err(failed)?,
            target,
            touched: Notify::new(),
            seen: watch::Sender::new(0),
        });
        let work = tokio::spawn(work(Arc::clone(&shared)));
        Ok(Self { shared, work })
    }

    /// Lets the phone do something, and sends what it then wants sent.
    pub(crate) fn act<R>(&self, act: impl FnOnce(&mut Phone) -> R) -> R {
        let result = self.shared.with(act);
        self.shared.touched.notify_one();
        result
    }

    /// How many things the phone has seen so far: what [`Endpoint::sees`] may leave out.
    pub(crate) fn count(&self) -> usize {
        self.shared.lock().phone.log.len()
    }

    /// Waits until the phone has seen one of these after the first `since` things; what else it has seen since then
    /// when it has not.
    pub(crate) async fn sees(
        &self,
        since: usize,
        wanted: &str,
        bound: Duration,
    ) -> Result<Seen, Vec<String>> {
        let mut seen = self.shared.seen.subscribe();
        let end = Moment::now().plus(bound);
        loop {
            seen.borrow_and_update();
            let found = {
                let state = self.shared.lock();
                let mut lines = state.phone.log.iter().zip(&state.seen).skip(since);
                lines
                    .find(|(line, _)| *line == wanted)
                    .map(|(line, at)| Seen {
                        at: *at,
                        what: line.clone(),
                    })
            };
            if let Some(found) = found {
                return Ok(found);
            }
            let left = end.since(Moment::now());
            if !matches!(tokio::time::timeout(left, seen.changed()).await, Ok(Ok(()))) {
                let state = self.shared.lock();
                return Err(state.phone.log.iter().skip(since).cloned().collect());
            }
        }
    }

    /// What it was sent and never should have been.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.shared.lock().phone.faults.clone()
    }

    /// Requests that it had to repeat.
    pub(crate) fn repetitions(&self) -> u64 {
        self.shared.lock().phone.requests_resent
    }

    /// Its name.
    pub(crate) fn user(&self) -> String {
        self.shared.lock().phone.user.clone()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the phone at this moment, sends what it wants sent, notes what it has seen.
    fn with<R>(&self, act: impl FnOnce(&mut Phone) -> R) -> R {
        let now = Moment::now();
        let mut state = self.lock();
        state.phone.now = Timestamp(now.0 / 1000);
        let result = act(&mut state.phone);
        for datagram in std::mem::take(&mut state.phone.out) {
            // Lost like on any network; the phone repeats.
            if let Err(error) = self.socket.try_send_to(&datagram, self.target) {
                tracing::debug!(%error, "a phone's datagram was not sent");
            }
        }
        let lines = state.phone.log.len();
        if lines > state.seen.len() {
            state.seen.resize(lines, now);
            self.seen.send_replace(lines);
        }
        result
    }
}

/// Receives and repeats until the endpoint is dropped.
async fn work(shared: Arc<Shared>) {
    let mut buffer = vec![0; LARGEST];
    loop {
        let due = shared.lock().phone.deadline();
        let now = Timestamp(Moment::now().0 / 1000);
        let wait = due.map_or(IDLE, |due| due.since(now).min(IDLE));
        tokio::select! {
            received = shared.socket.recv_from(&mut buffer) => {
                // An error is the answer to an earlier datagram: nobody was there, which the phone finds out itself.
                if let Ok((length, _)) = received {
                    let datagram = buffer.get(..length).unwrap_or_default();
                    shared.with(|phone| phone.received(datagram));
                }
            }
            () = tokio::time::sleep(wait) => shared.with(Phone::due),
            () = shared.touched.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_endpoints_talk_directly_and_each_says_when_it_saw_what() {
        let socket = || std::net::UdpSocket::bind("127.0.0.1:0").expect("a loopback port");
        let (one, other) = (socket(), socket());
        let (one_at, other_at) = (
            one.local_addr().expect("bound"),
            other.local_addr().expect("bound"),
        );
        // Each is the other's server.
        let caller = Endpoint::start("a", "t", one, other_at, other_at).expect("it starts");
        let callee = Endpoint::start("b", "t", other, one_at, one_at).expect("it starts");
        let began = Moment::now();
        caller.act(|phone| drop(phone.call("b")));
        let bound = Duration::from_secs(5);
        let up = caller
            .sees(0, "established", bound)
            .await
            .expect("it is up");
        assert!(up.at >= began);
        callee.sees(0, "acked", bound).await.expect("acknowledged");
        let before = caller.count();
        assert!(caller.act(Phone::hold));
        caller.sees(before, "hold ok", bound).await.expect("held");
        let missing = caller
            .sees(before, "retrieve ok", Duration::from_millis(20))
            .await;
        assert_eq!(missing, Err(vec!["hold ok".to_owned()]));
        assert_eq!(callee.faults(), Vec::<String>::new());
    }
}
