//! Message tracing on demand: a bounded ring of SIP messages as they come and go, which costs nothing while nobody
//! reads it. A reader that is too slow misses the oldest and is told how many. Credentials are left out.

use changeover_component::Handle;
use changeover_model::Timestamp;
use changeover_model::message::TracedMessage;
use changeover_sip_core::{CallKey, Peer, SipCore};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc};
use tonic::Status;

/// Messages that the ring holds.
const RING: usize = 4_096;
/// Messages that wait for one reader beside the ring.
const QUEUE: usize = 64;
/// Most readers at a time.
const MOST: usize = 8;
/// Call-IDs that are known to belong to another call; forgotten all at once beyond that.
const FOREIGN: usize = 10_000;
/// Longest message as it is shown, bytes.
const LONGEST: usize = 16 * 1024;

struct Seen {
    at: Timestamp,
    sent: bool,
    peer: Peer,
    bytes: Vec<u8>,
}

/// Where messages are told. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tracer {
    ring: broadcast::Sender<Arc<Seen>>,
}

impl Default for Tracer {
    fn default() -> Self {
        Self {
            ring: broadcast::Sender::new(RING),
        }
    }
}

/// Which messages a reader wants.
pub(crate) enum Which {
    All,
    CallId(String),
    Call(CallKey),
}

impl Which {
    pub(crate) fn of(text: String) -> Self {
        match CallKey::parse(&text) {
            Some(key) => Self::Call(key),
            None if text.is_empty() => Self::All,
            None => Self::CallId(text),
        }
    }
}

impl Tracer {
    pub(crate) fn came(&self, at: Timestamp, from: Peer, bytes: &[u8]) {
        self.tell(at, false, from, bytes);
    }

    pub(crate) fn went(&self, at: Timestamp, to: Peer, bytes: &[u8]) {
        self.tell(at, true, to, bytes);
    }

    fn tell(&self, at: Timestamp, sent: bool, peer: Peer, bytes: &[u8]) {
        if self.ring.receiver_count() == 0 {
            return;
        }
        let bytes = bytes.to_vec();
        let seen = Seen {
            at,
            sent,
            peer,
            bytes,
        };
        if self.ring.send(Arc::new(seen)).is_err() {
            tracing::debug!("the last reader of the trace has just gone");
        }
    }

    /// Messages from now on, until the reader goes; `None` if there are too many readers.
    pub(crate) fn follow(
        &self,
        which: Which,
        handle: Handle<SipCore>,
    ) -> Option<mpsc::Receiver<Result<TracedMessage, Status>>> {
        if self.ring.receiver_count() >= MOST {
            return None;
        }
        let ring = self.ring.subscribe();
        let (queue, messages) = mpsc::channel(QUEUE);
        tokio::spawn(pass_on(ring, Chosen::new(which), handle, queue));
        Some(messages)
    }
}

async fn pass_on(
    mut ring: broadcast::Receiver<Arc<Seen>>,
    mut chosen: Chosen,
    handle: Handle<SipCore>,
    queue: mpsc::Sender<Result<TracedMessage, Status>>,
) {
    let mut missed = 0;
    loop {
        let seen = tokio::select! {
            seen = ring.recv() => seen,
            () = queue.closed() => return,
        };
        match seen {
            Ok(seen) => {
                if chosen.takes(&seen.bytes, &handle).await {
                    let traced = shown(&seen, std::mem::take(&mut missed));
                    if queue.send(Ok(traced)).await.is_err() {
                        return;
                    }
                }
            }
            Err(broadcast::error::RecvError::Lagged(count)) => missed += count,
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// The choice of one reader, with what it has learned: a call has several dialogs, and gets more.
struct Chosen {
    which: Which,
    own: BTreeSet<String>,
    foreign: BTreeSet<String>,
}

impl Chosen {
    fn new(which: Which) -> Self {
        Self {
            which,
            own: BTreeSet::new(),
            foreign: BTreeSet::new(),
        }
    }

    async fn takes(&mut self, message: &[u8], handle: &Handle<SipCore>) -> bool {
        let key = match &self.which {
            Which::All => return true,
            Which::CallId(wanted) => return call_id(message).is_some_and(|id| id == *wanted),
            Which::Call(key) => *key,
        };
        let Some(id) = call_id(message) else {
            return false;
        };
        if self.own.contains(&id) || self.foreign.contains(&id) {
            return self.own.contains(&id);
        }
        let ids = handle.ask(move |_, core| core.call_ids(key)).await;
        self.own.extend(ids.unwrap_or_default());
        let is_own = self.own.contains(&id);
        if !is_own {
            if self.foreign.len() >= FOREIGN {
                self.foreign.clear();
            }
            self.foreign.insert(id);
        }
        is_own
    }
}

/// The value of Call-ID, in either form of its name.
fn call_id(message: &[u8]) -> Option<String> {
    let mut lines = message.split(|byte| *byte == b'\n').skip(1);
    lines.find_map(|line| {
        let at = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(at);
        let name = name.trim_ascii();
        let named = name.eq_ignore_ascii_case(b"call-id") || name.eq_ignore_ascii_case(b"i");
        let value = value.get(1..)?.trim_ascii();
        named.then(|| String::from_utf8_lossy(value).into_owned())
    })
}

fn shown(seen: &Seen, missed: u64) -> TracedMessage {
    let bytes = seen.bytes.get(..LONGEST).unwrap_or(&seen.bytes);
    TracedMessage {
        at: seen.at,
        sent: seen.sent,
        transport: seen.peer.transport.name().to_ascii_lowercase(),
        peer: seen.peer.address.to_string(),
        text: without_credentials(&String::from_utf8_lossy(bytes)),
        missed,
    }
}

/// What proves who somebody is does not belong into a trace.
fn without_credentials(text: &str) -> String {
    let secret = |line: &str| {
        let name = line.split(':').next().unwrap_or_default().trim();
        ["Authorization", "Proxy-Authorization"]
            .iter()
            .find(|it| name.eq_ignore_ascii_case(it))
            .copied()
    };
    text.split_inclusive('\n')
        .map(|line| match secret(line) {
            Some(name) => format!("{name}: (left out)\r\n"),
            None => line.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_is_found_in_both_forms_and_credentials_are_left_out() {
        let message =
            "REGISTER sip:x SIP/2.0\r\nI : a@b\r\nauthorization: Digest response=\"1\"\r\n\r\n";
        assert_eq!(call_id(message.as_bytes()), Some("a@b".to_owned()));
        assert_eq!(
            without_credentials(message),
            "REGISTER sip:x SIP/2.0\r\nI : a@b\r\nAuthorization: (left out)\r\n\r\n"
        );
        assert_eq!(call_id(b"\0\xff"), None);
    }

    #[tokio::test]
    async fn a_reader_that_is_too_slow_is_told_how_much_it_has_missed() {
        let tracer = Tracer::default();
        let peer = Peer {
            transport: changeover_sip_core::Transport::Udp,
            address: ([10, 0, 0, 1], 5060).into(),
        };
        let mut ring = tracer.ring.subscribe();
        for number in 0..RING + 10 {
            tracer.came(Timestamp(1), peer, number.to_string().as_bytes());
        }
        let lagged = ring.recv().await.err();
        assert_eq!(lagged, Some(broadcast::error::RecvError::Lagged(10)));
        let next = ring.recv().await.expect("the ring holds the rest");
        assert_eq!(next.bytes, b"10");
    }
}
