//! Non-INVITE transactions, both ends (RFC 3261, 17.1.2 and 17.2.2). They are not replicated: everything they carry
//! can be asked again. Also owns how a request is told from its repetition, and responses made from requests.

use crate::call::{GIVE_UP, LegId, T1, T2};
use crate::commit::Behind;
use crate::core::{SipCore, Timer};
use crate::ids::CallKey;
use crate::message::via::{COOKIE, Via};
use crate::message::{Header, Message, address};
use crate::net::{Peer, Transport};
use changeover_model::Timestamp;
use std::time::Duration;

/// A request that was received, and its response once there is one.
#[derive(Clone, Debug)]
pub(crate) struct ServerRecord {
    reply_to: Peer,
    last: Option<(Behind, Vec<u8>)>,
    /// Of a request outside of a dialog.
    origin: Option<String>,
}

/// A request that was sent.
#[derive(Clone, Debug)]
pub(crate) struct ClientRecord {
    request: Vec<u8>,
    to: Peer,
    purpose: Purpose,
    interval: Duration,
    resend_at: Option<Timestamp>,
    ends_at: Timestamp,
}

/// What a request of ours is for, so that its response finds who waits for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Purpose {
    /// Ends a leg.
    Bye(CallKey, LegId),
    /// Cancels an INVITE; only the INVITE's own response counts.
    Cancel,
    /// Ends a dialog that nobody keeps.
    Stray,
    /// Tells a transferor how its transfer goes.
    Notify(CallKey, LegId),
    /// Asks a peer whether it is still in a call.
    Audit(CallKey, LegId),
    /// Asks a DN whether it is there.
    Check(String),
    /// Carries a request of another peer, whose transaction has this key.
    Relay(Box<Relay>),
}

/// A request that is carried through.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Relay {
    /// Server transaction that waits.
    pub(crate) key: String,
    /// The fields of its request that responses repeat.
    pub(crate) head: Message,
    /// Tag of our side.
    pub(crate) tag: String,
}

/// How a request is recognised when it comes again: by branch and sender, or for elements of before RFC 3261 by what
/// identifies it there (17.2.3). An ACK and a CANCEL are named as the INVITE they belong to.
pub(crate) fn transaction_key(request: &Message) -> String {
    let method = match request.method() {
        Some("ACK" | "CANCEL") | None => "INVITE",
        Some(method) => method,
    };
    let top = request.get("Via").unwrap_or_default();
    let via = Via::read(top);
    match via.and_then(|via| via.branch().map(|branch| (branch, via.sent_by))) {
        Some((branch, sent_by)) if branch.starts_with(COOKIE) => {
            format!("{branch}|{sent_by}|{method}")
        }
        _ => format!(
            "{}|{}|{}|{}|{method}",
            request.call_id(),
            request.from_tag().unwrap_or_default(),
            request.cseq().map_or(0, |cseq| cseq.number),
            via.map_or("", |via| via.sent_by),
        ),
    }
}

/// What a request outside of a dialog is recognised by when a proxy in front has forked it and it comes again on
/// another way, in a transaction of its own (8.2.2.2).
pub(crate) fn origin(call_id: &str, from_tag: Option<&str>, cseq: u32, method: &str) -> String {
    format!("{call_id}|{}|{cseq}|{method}", from_tag.unwrap_or_default())
}

fn origin_of(request: &Message) -> String {
    let cseq = request.cseq().map_or(0, |cseq| cseq.number);
    let method = request.method().unwrap_or_default();
    origin(request.call_id(), request.from_tag(), cseq, method)
}

/// The fields of a request that its responses need.
pub(crate) fn head_of(request: &Message) -> Message {
    let kept = ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"];
    Message {
        start: request.start.clone(),
        headers: request
            .headers
            .iter()
            .filter(|header| kept.contains(&header.name.as_str()))
            .cloned()
            .collect(),
        body: Vec::new(),
    }
}

/// A response that repeats what RFC 3261, 8.2.6, wants repeated. `tag` becomes ours where To has none yet.
pub(crate) fn response_to(head: &Message, code: u16, reason: &str, tag: &str) -> Message {
    let mut response = Message::response(code, reason);
    response.copy(head, "Via");
    response.copy(head, "From");
    let to = head.get("To").unwrap_or_default();
    let needs_tag = code > 100 && address::tag(to).is_none();
    response.push(
        "To",
        if needs_tag {
            format!("{to};tag={tag}")
        } else {
            to.to_owned()
        },
    );
    response.copy(head, "Call-ID");
    response.copy(head, "CSeq");
    response
}

impl SipCore {
    /// Refuses a request without keeping anything: a repetition gets the same bytes, since they are made of the
    /// request alone. Beyond the budget it is dropped.
    pub(crate) fn refuse(
        &mut self,
        request: &Message,
        to: Peer,
        code: u16,
        reason: &str,
        extra: &[(&str, &str)],
    ) {
        if request.method() == Some("ACK") {
            return;
        }
        if !self.refusals.take(self.now) {
            self.counters.dropped += 1;
            return;
        }
        self.counters.refused += 1;
        let mut response = response_to(request, code, reason, &self.stateless_tag(request));
        for (name, value) in extra {
            response.push(name, *value);
        }
        if code == 405 {
            response.push("Allow", ALLOW);
        }
        response.push("Server", self.config.name.clone());
        let bytes = response.to_bytes();
        self.send(Behind::Nothing, to, bytes);
    }

    /// A tag made of what identifies a request.
    pub(crate) fn stateless_tag(&self, request: &Message) -> String {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let from = request.from_tag().unwrap_or_default();
        for byte in self.config.realm.bytes().chain(request.call_id().bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        for byte in from.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("{hash:016x}")
    }

    /// Opens a server transaction; false if it is a repetition, which is then answered, or if there are too many.
    pub(crate) fn open_server(&mut self, request: &Message, reply_to: Peer) -> Option<String> {
        let key = transaction_key(request);
        if let Some(record) = self.servers.get(&key) {
            if let Some((behind, bytes)) = record.last.clone() {
                let to = record.reply_to;
                self.send(behind, to, bytes);
            }
            return None;
        }
        if self.servers.len() >= self.config.limits.transactions {
            self.refuse(
                request,
                reply_to,
                503,
                "Service Unavailable",
                &[("Retry-After", "5")],
            );
            return None;
        }
        let origin = request.to_tag().is_none().then(|| origin_of(request));
        self.origins.extend(origin.clone());
        let record = ServerRecord {
            reply_to,
            last: None,
            origin,
        };
        self.servers.insert(key.clone(), record);
        self.timers
            .set(Timer::Server(key.clone()), self.now + GIVE_UP + T1);
        Some(key)
    }

    /// Refuses a request outside of a dialog that is being served already, having come on another way.
    pub(crate) fn refuses_merged(&mut self, request: &Message, reply_to: Peer) -> bool {
        let merged = self.origins.contains(&origin_of(request))
            && !self.servers.contains_key(&transaction_key(request));
        if merged {
            self.refuse(request, reply_to, 482, "Loop Detected", &[]);
        }
        merged
    }

    /// A non-INVITE server transaction is forgotten.
    pub(crate) fn forget_server(&mut self, key: &str) {
        if let Some(origin) = self.servers.remove(key).and_then(|record| record.origin) {
            self.origins.remove(&origin);
        }
    }

    /// Answers a server transaction and keeps the answer for repetitions.
    pub(crate) fn answer(&mut self, key: &str, behind: Behind, response: &Message) {
        let Some(record) = self.servers.get_mut(key) else {
            return;
        };
        let bytes = response.to_bytes();
        record.last = Some((behind.clone(), bytes.clone()));
        let to = record.reply_to;
        let keep = match to.transport {
            Transport::Udp => GIVE_UP,
            Transport::Tcp => Duration::ZERO,
        };
        self.timers
            .set(Timer::Server(key.to_owned()), self.now + keep);
        self.send(behind, to, bytes);
    }

    /// Sends a request in a transaction of its own. The request has no Via yet.
    pub(crate) fn open_client(
        &mut self,
        behind: Behind,
        mut request: Message,
        to: Peer,
        purpose: Purpose,
    ) {
        let branch = self.ids.branch();
        let via = crate::message::via::own(to.transport, self.config.address, &branch);
        request.headers.insert(
            0,
            Header {
                name: "Via".to_owned(),
                value: via,
            },
        );
        self.open_client_as(behind, branch, &request, to, purpose);
    }

    /// As [`Self::open_client`], for a request whose Via is there: a CANCEL, which has that of its INVITE.
    pub(crate) fn open_client_as(
        &mut self,
        behind: Behind,
        branch: String,
        request: &Message,
        to: Peer,
        purpose: Purpose,
    ) {
        let bytes = request.to_bytes();
        let key = client_key(&branch, request.method().unwrap_or_default());
        let record = ClientRecord {
            request: bytes.clone(),
            to,
            purpose,
            interval: T1,
            resend_at: (to.transport == Transport::Udp).then(|| self.now + T1),
            ends_at: self.now + GIVE_UP,
        };
        let due = record.resend_at.unwrap_or(record.ends_at);
        self.clients.insert(key.clone(), record);
        self.timers.set(Timer::Client(key), due);
        self.send(behind, to, bytes);
    }

    pub(crate) fn client_due(&mut self, key: String) {
        let Some(record) = self.clients.get_mut(&key) else {
            return;
        };
        if record.ends_at <= self.now {
            self.client_ended(&key, None);
            return;
        }
        record.interval = (record.interval * 2).min(T2);
        let next = (self.now + record.interval).min(record.ends_at);
        record.resend_at = Some(next);
        let (to, bytes) = (record.to, record.request.clone());
        self.timers.set(Timer::Client(key), next);
        self.send(Behind::Nothing, to, bytes);
    }

    /// A response to a non-INVITE request.
    pub(crate) fn client_response(&mut self, key: &str, response: &Message) {
        let Some(record) = self.clients.get_mut(key) else {
            return;
        };
        if response.code().is_some_and(|code| code < 200) {
            record.interval = T2;
            return;
        }
        self.client_ended(key, Some(response));
    }

    /// The peer of some transactions cannot be reached: they end now, not after 32 s.
    pub(crate) fn send_failed(&mut self, to: Peer) {
        let failed: Vec<String> = self
            .clients
            .iter()
            .filter(|(_, record)| record.to == to && to.transport == Transport::Tcp)
            .map(|(key, _)| key.clone())
            .collect();
        for key in failed {
            self.client_ended(&key, None);
        }
        self.invites_failed(to);
    }

    /// `None`: nobody answered.
    fn client_ended(&mut self, key: &str, response: Option<&Message>) {
        let Some(record) = self.clients.remove(key) else {
            return;
        };
        self.timers.cancel(&Timer::Client(key.to_owned()));
        let code = response.and_then(Message::code).unwrap_or(408);
        match record.purpose {
            Purpose::Cancel | Purpose::Stray => {}
            Purpose::Bye(call, leg) => self.bye_answered(call, leg),
            Purpose::Notify(call, leg) => self.notify_answered(call, leg, code),
            Purpose::Audit(call, leg) => self.audited(call, leg, code),
            Purpose::Check(dn) => self.check_answered(&dn, response.is_some()),
            Purpose::Relay(relay) => self.relay_answered(&relay, response),
        }
    }

    fn relay_answered(&mut self, relay: &Relay, response: Option<&Message>) {
        let (code, reason) = match response {
            Some(response) => (response.code().unwrap_or(500), response.reason()),
            None => (408, "Request Timeout"),
        };
        let mut answer = response_to(&relay.head, code, reason, &relay.tag);
        if let Some(response) = response {
            for name in ["Accept", "Warning", "Reason", "Retry-After", "Expires"] {
                answer.copy(response, name);
            }
            answer = answer.with_body(response.get("Content-Type"), response.body.clone());
        }
        self.answer(&relay.key, Behind::Nothing, &answer);
    }
}

/// How the answer to a request of ours is found.
pub(crate) fn client_key(branch: &str, method: &str) -> String {
    format!("{branch}|{method}")
}

/// What this server understands.
pub(crate) const ALLOW: &str =
    "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, REFER, NOTIFY, INFO, MESSAGE";
