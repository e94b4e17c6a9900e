//! A phone: a user agent of its own that shares nothing with the server but the reading of messages. It repeats as
//! RFC 3261 says, and notes everything that no phone should ever be sent. Plain state without a clock or a socket: who
//! owns one sets `now`, hands in what arrives, and sends what stands in `out` (the rehearsal's endpoints, and the
//! deterministic world of the server's own tests).

mod incoming;
mod repetition;

use changeover_model::Timestamp;
use changeover_sip_core::{Message, address};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

const T1: Duration = Duration::from_millis(500);
const GIVE_UP: Duration = Duration::from_secs(32);

/// What it does with a call that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Rings, and waits to be told.
    Rings,
    /// Rings for this time, then answers.
    Answers(Duration),
    /// Rejects with this code at once.
    Rejects(u16),
    /// Does not say a word.
    Mute,
}

struct Sending {
    branch: String,
    method: String,
    bytes: Vec<u8>,
    interval: Duration,
    resend_at: Option<Timestamp>,
    gives_up_at: Timestamp,
    call_id: String,
    cseq: u32,
    what: String,
}

struct Accepted {
    code: u16,
    key: String,
    cseq: u32,
    bytes: Vec<u8>,
    interval: Duration,
    resend_at: Timestamp,
    gives_up_at: Timestamp,
}

/// A call as one phone sees it.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    /// Its own tag.
    pub local_tag: String,
    /// The server's tag.
    pub remote_tag: Option<String>,
    local: String,
    remote: String,
    target: String,
    /// Number of its last request.
    pub cseq: u32,
    remote_cseq: u32,
    /// Whether the call stands.
    pub up: bool,
    waiting: Option<Message>,
    sdp_version: u64,
    seen_version: u64,
    /// Direction that the other end described last.
    pub heard_direction: String,
    answers_at: Option<Timestamp>,
    ack: Vec<u8>,
    acked_cseq: u32,
}

/// A phone.
pub struct Phone {
    /// Its user name.
    pub user: String,
    at: SocketAddr,
    /// The address that it knows of its server.
    vip: SocketAddr,
    /// Part of every tag, branch and Call-ID, for phones that come and go under one address.
    pub salt: String,
    /// The time; set it before anything else is called.
    pub now: Timestamp,
    /// What it does with calls.
    pub manner: Manner,
    /// Datagrams that it wants sent to its server.
    pub out: Vec<Vec<u8>>,
    /// What it has seen, in words: `established`, `hold ok`, `held`, `bye 481` …
    pub log: Vec<String>,
    /// What no phone should ever be sent.
    pub faults: Vec<String>,
    /// Its calls.
    pub dialogs: Vec<Dialog>,
    sending: Vec<Sending>,
    accepted: Vec<Accepted>,
    answers: BTreeMap<String, Vec<u8>>,
    number: u64,
    /// Contacts that the last answer to a REGISTER listed.
    pub contacts: Vec<String>,
    /// Repetitions that it has sent.
    pub requests_resent: u64,
    /// Call-IDs of every dialog it ever had.
    past: std::collections::BTreeSet<String>,
    /// Describes its media in the INVITE; otherwise in the ACK.
    pub with_sdp: bool,
    /// Fields that its answers to INVITEs carry besides its own.
    pub extra: Vec<(&'static str, &'static str)>,
}

impl Phone {
    /// A phone at an address of its own behind the server's.
    pub fn new(user: &str, at: SocketAddr, vip: SocketAddr) -> Self {
        Self {
            user: user.to_owned(),
            at,
            vip,
            salt: String::new(),
            now: Timestamp(0),
            manner: Manner::Answers(Duration::from_millis(100)),
            out: Vec::new(),
            log: Vec::new(),
            faults: Vec::new(),
            dialogs: Vec::new(),
            sending: Vec::new(),
            accepted: Vec::new(),
            answers: BTreeMap::new(),
            number: 0,
            contacts: Vec::new(),
            requests_resent: 0,
            past: std::collections::BTreeSet::new(),
            with_sdp: true,
            extra: Vec::new(),
        }
    }

    /// Whether it has seen this.
    pub fn has(&self, what: &str) -> bool {
        self.log.iter().any(|it| it == what)
    }

    fn say(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    fn unique(&mut self) -> String {
        self.number += 1;
        let at = self.at.to_string().replace([':', '.', '[', ']'], "x");
        format!("{}{at}-{}", self.salt, self.number)
    }

    fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.user, self.at)
    }

    fn sdp(&self, version: u64, direction: &str) -> Vec<u8> {
        format!(
            "v=0\r\no={} 77 {version} IN IP4 {}\r\ns=-\r\nc=IN IP4 {}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na={direction}\r\n",
            self.user, self.at.ip(), self.at.ip()
        )
        .into_bytes()
    }

    fn transmit(&mut self, mut request: Message, what: &str) -> String {
        let branch = format!("z9hG4bK-{}", self.unique());
        let via = format!("SIP/2.0/UDP {};branch={branch};rport", self.at);
        request.headers.insert(
            0,
            changeover_sip_core::Header {
                name: "Via".to_owned(),
                value: via,
            },
        );
        self.transmit_as(request, branch.clone(), what);
        branch
    }

    fn transmit_as(&mut self, request: Message, branch: String, what: &str) {
        let bytes = request.to_bytes();
        let method = request.method().expect("a request").to_owned();
        if method != "ACK" {
            self.sending.push(Sending {
                branch,
                method,
                bytes: bytes.clone(),
                interval: T1,
                resend_at: Some(self.now + T1),
                gives_up_at: self.now + GIVE_UP,
                call_id: request.call_id().to_owned(),
                cseq: request.cseq().expect("a CSeq").number,
                what: what.to_owned(),
            });
        }
        self.out.push(bytes);
    }

    /// Calls somebody; the Call-ID.
    pub fn call(&mut self, to: &str) -> String {
        let (call_id, tag) = (self.unique(), self.unique());
        let vip = self.vip;
        let dialog = Dialog {
            call_id: call_id.clone(),
            local_tag: tag.clone(),
            remote_tag: None,
            local: format!("<sip:{}@{vip}>", self.user),
            remote: format!("<sip:{to}@{vip}>"),
            target: format!("sip:{to}@{vip}"),
            cseq: 1,
            remote_cseq: 0,
            up: false,
            waiting: None,
            sdp_version: 1,
            seen_version: 0,
            heard_direction: String::new(),
            answers_at: None,
            ack: Vec::new(),
            acked_cseq: 0,
        };
        let mut invite = self
            .request(&dialog, "INVITE", 1)
            .with("Contact", self.contact());
        if self.with_sdp {
            invite = invite.with_body(Some("application/sdp"), self.sdp(1, "sendrecv"));
        }
        self.past.insert(call_id.clone());
        self.dialogs.push(dialog);
        self.transmit(invite, "call");
        call_id
    }

    fn request(&self, dialog: &Dialog, method: &str, cseq: u32) -> Message {
        let to = match &dialog.remote_tag {
            Some(tag) => format!("{};tag={tag}", dialog.remote),
            None => dialog.remote.clone(),
        };
        Message::request(method, &dialog.target)
            .with("Max-Forwards", "70")
            .with("From", format!("{};tag={}", dialog.local, dialog.local_tag))
            .with("To", to)
            .with("Call-ID", dialog.call_id.clone())
            .with("CSeq", format!("{cseq} {method}"))
    }

    fn current(&mut self) -> Option<usize> {
        self.dialogs.iter().rposition(|it| it.up)
    }

    /// Sends a request in the call that stands.
    pub fn within(
        &mut self,
        method: &str,
        what: &str,
        direction: Option<&str>,
        extra: &[(&str, &str)],
    ) -> bool {
        let Some(at) = self.current() else {
            return false;
        };
        self.dialogs[at].cseq += 1;
        let cseq = self.dialogs[at].cseq;
        let mut request = self.request(&self.dialogs[at], method, cseq);
        for (name, value) in extra {
            request.push(name, *value);
        }
        if let Some(direction) = direction {
            self.dialogs[at].sdp_version += 1;
            let body = self.sdp(self.dialogs[at].sdp_version, direction);
            request = request
                .with("Contact", self.contact())
                .with_body(Some("application/sdp"), body);
        }
        self.transmit(request, what);
        true
    }

    /// Puts the call on hold; false without a call.
    pub fn hold(&mut self) -> bool {
        self.within("INVITE", "hold", Some("sendonly"), &[])
    }

    /// Takes it back.
    pub fn retrieve(&mut self) -> bool {
        self.within("INVITE", "retrieve", Some("sendrecv"), &[])
    }

    /// Transfers it to somebody.
    pub fn refer(&mut self, to: &str) -> bool {
        let target = format!("<sip:{to}@{}>", self.vip);
        let contact = self.contact();
        self.within(
            "REFER",
            "refer",
            None,
            &[("Refer-To", &target), ("Contact", &contact)],
        )
    }

    /// Releases it.
    pub fn hang_up(&mut self) -> bool {
        let Some(at) = self.current() else {
            return false;
        };
        let done = self.within("BYE", "bye", None, &[]);
        self.dialogs[at].up = false;
        done
    }

    /// Cancels the call that it is making.
    pub fn cancel(&mut self) {
        let Some(it) = self.sending.iter_mut().find(|it| it.method == "INVITE") else {
            return;
        };
        it.what = "cancelled".to_owned();
        let invite = Message::read(&it.bytes).expect("our own INVITE");
        let (branch, cseq) = (it.branch.clone(), it.cseq);
        let mut cancel = Message::request("CANCEL", invite.uri().expect("a request"));
        for name in ["Via", "Max-Forwards", "From", "To", "Call-ID"] {
            cancel.copy(&invite, name);
        }
        let cancel = cancel.with("CSeq", format!("{cseq} CANCEL"));
        self.transmit_as(cancel, branch, "cancel");
    }

    /// Registers (`Some(0)`: unregisters), or asks for its bindings.
    pub fn register(&mut self, expires: Option<u32>) {
        let vip = self.vip;
        let tag = self.unique();
        let mut request = Message::request("REGISTER", &format!("sip:{vip}"))
            .with("Max-Forwards", "70")
            .with("From", format!("<sip:{}@{vip}>;tag={tag}", self.user))
            .with("To", format!("<sip:{}@{vip}>", self.user))
            .with("Call-ID", self.unique());
        self.number += 1;
        request.push("CSeq", format!("{} REGISTER", self.number));
        if let Some(expires) = expires {
            request.push("Contact", self.contact());
            request.push("Expires", expires.to_string());
        }
        self.transmit(request, "register");
    }

    /// Answers, or rejects, the call that rings.
    pub fn answer(&mut self, code: u16) {
        let Some(at) = self.dialogs.iter().position(|it| it.waiting.is_some()) else {
            return;
        };
        let invite = self.dialogs[at].waiting.take().expect("it waits");
        self.dialogs[at].answers_at = None;
        self.final_answer(at, &invite, code);
    }

    fn final_answer(&mut self, at: usize, invite: &Message, code: u16) {
        let dialog = &self.dialogs[at];
        let mut response = respond(invite, code, "x", &dialog.local_tag);
        if code < 300 {
            let theirs = direction_of(&invite.body);
            let mine = match theirs.as_str() {
                "sendonly" => "recvonly",
                "inactive" => "inactive",
                _ => "sendrecv",
            };
            let version = dialog.sdp_version + 1;
            response = response
                .with("Contact", self.contact())
                .with_body(Some("application/sdp"), self.sdp(version, mine));
            self.dialogs[at].sdp_version = version;
        }
        let response = self.with_extra(response);
        let bytes = response.to_bytes();
        self.answers.insert(key_of(invite), bytes.clone());
        self.accepted.push(Accepted {
            code,
            key: key_of(invite),
            cseq: invite.cseq().expect("a CSeq").number,
            bytes: bytes.clone(),
            interval: T1,
            resend_at: self.now + T1,
            gives_up_at: self.now + GIVE_UP,
        });
        if code >= 300 {
            self.dialogs[at].up = false;
        }
        self.out.push(bytes);
    }

    /// Takes one datagram from its server.
    pub fn received(&mut self, bytes: &[u8]) {
        let Some(message) = Message::read(bytes) else {
            self.faults
                .push(format!("unreadable: {}", String::from_utf8_lossy(bytes)));
            return;
        };
        if let Some(contact) = message.contact() {
            let contact = address::sip_uri(contact).and_then(|uri| uri.address());
            let redirect = message
                .code()
                .is_some_and(|code| (300..400).contains(&code));
            let list = message.cseq().is_some_and(|cseq| cseq.method == "REGISTER");
            if contact != Some(self.vip) && !redirect && !list {
                self.faults.push("a Contact that is not the VIP".to_owned());
            }
        }
        match message.code() {
            Some(code) => self.response(&message, code),
            None => self.incoming(&message),
        }
    }

    fn response(&mut self, message: &Message, code: u16) {
        let cseq = message.cseq().expect("checked");
        let via = message.get("Via").unwrap_or_default();
        let branch = via.split("branch=").nth(1).unwrap_or_default();
        let branch = branch.split(';').next().unwrap_or_default().to_owned();
        let found = self
            .sending
            .iter()
            .position(|it| it.branch == branch && it.method == cseq.method);
        let dialog = self
            .dialogs
            .iter()
            .position(|it| it.call_id == message.call_id());
        if cseq.method == "INVITE" && (200..300).contains(&code) && found.is_none() {
            // It came again: the same ACK.
            if let Some(dialog) = dialog
                .map(|at| &self.dialogs[at])
                .filter(|it| it.acked_cseq == cseq.number)
            {
                self.out.push(dialog.ack.clone());
            }
            return;
        }
        let Some(found) = found else {
            return;
        };
        if let (Some(at), Some(tag)) = (dialog, message.to_tag()) {
            let known = self.dialogs[at].remote_tag.clone();
            if known.as_deref().is_some_and(|known| known != tag) && cseq.method != "CANCEL" {
                self.faults
                    .push(format!("{} {code} has another tag", cseq.method));
            }
        }
        if code < 200 {
            if cseq.method == "INVITE" {
                self.sending[found].resend_at = None;
                self.sending[found].gives_up_at = self.now + Duration::from_secs(400);
                if code > 100 {
                    if let (Some(at), Some(tag)) = (dialog, message.to_tag()) {
                        self.dialogs[at].remote_tag = Some(tag.to_owned());
                    }
                    if code == 180 && !self.has("ringing") {
                        self.say("ringing");
                    }
                    self.look_at_sdp(dialog, message, false);
                }
            }
            return;
        }
        let it = self.sending.remove(found);
        self.finished(&it, message, code, dialog);
    }

    fn finished(&mut self, it: &Sending, message: &Message, code: u16, dialog: Option<usize>) {
        if it.method == "INVITE" {
            self.acknowledge(it, message, code, dialog);
        }
        if it.method == "REGISTER" {
            self.contacts = message.all("Contact").map(str::to_owned).collect();
        }
        if let (Some(at), true) = (dialog, code == 481 && it.method != "CANCEL") {
            self.dialogs[at].up = false;
        }
        match (it.what.as_str(), code) {
            ("call", 200..=299) => self.say("established"),
            ("call", code) => self.say(format!("failed {code}")),
            (what, 200..=299) => self.say(format!("{what} ok")),
            (what, code) => self.say(format!("{what} {code}")),
        }
    }

    fn acknowledge(&mut self, it: &Sending, message: &Message, code: u16, dialog: Option<usize>) {
        let Some(at) = dialog else {
            return;
        };
        if code >= 300 {
            let invite = Message::read(&it.bytes).expect("our own");
            let mut ack = Message::request("ACK", invite.uri().expect("a request"));
            for name in ["Via", "Max-Forwards", "From", "Call-ID"] {
                ack.copy(&invite, name);
            }
            ack.copy(message, "To");
            let ack = ack.with("CSeq", format!("{} ACK", it.cseq));
            self.out.push(ack.to_bytes());
            return;
        }
        self.look_at_sdp(dialog, message, true);
        let dialog = &mut self.dialogs[at];
        dialog.remote_tag = message.to_tag().map(str::to_owned);
        if let Some(contact) = message.contact() {
            dialog.target = contact.to_owned();
        }
        dialog.up = true;
        let mut ack = self.request(&self.dialogs[at], "ACK", it.cseq);
        let branch = self.unique();
        ack.headers.insert(
            0,
            changeover_sip_core::Header {
                name: "Via".to_owned(),
                value: format!("SIP/2.0/UDP {};branch=z9hG4bK-{branch};rport", self.at),
            },
        );
        if !self.with_sdp && it.what == "call" {
            ack = ack.with_body(Some("application/sdp"), self.sdp(1, "sendrecv"));
        }
        self.dialogs[at].ack = ack.to_bytes();
        self.dialogs[at].acked_cseq = it.cseq;
        self.out.push(self.dialogs[at].ack.clone());
    }

    fn look_at_sdp(&mut self, dialog: Option<usize>, message: &Message, must_rise: bool) {
        let Some(at) = dialog.filter(|_| message.has_sdp()) else {
            return;
        };
        let version = version_of(&message.body);
        let seen = self.dialogs[at].seen_version;
        // The 2xx of an INVITE that was described early repeats what the 1xx said.
        let first = self.dialogs[at].acked_cseq == 0 && !self.dialogs[at].up;
        if version < seen || (must_rise && version == seen && !first) {
            self.faults
                .push(format!("o= version {version} after {seen}"));
        }
        self.dialogs[at].seen_version = version;
        self.dialogs[at].heard_direction = direction_of(&message.body);
    }
}

impl Accepted {
    fn bytes_call_id(&self) -> String {
        Message::read(&self.bytes)
            .map(|it| it.call_id().to_owned())
            .unwrap_or_default()
    }
}

fn key_of(request: &Message) -> String {
    let via = request.get("Via").unwrap_or_default();
    let branch = via.split("branch=").nth(1).unwrap_or_default();
    format!(
        "{} {}",
        branch.split(';').next().unwrap_or_default(),
        request.method().unwrap_or_default()
    )
}

fn respond(request: &Message, code: u16, reason: &str, tag: &str) -> Message {
    let mut response = Message::response(code, reason);
    for name in ["Via", "Record-Route", "From"] {
        response.copy(request, name);
    }
    let to = request.get("To").unwrap_or_default();
    let tagged = request.to_tag().is_some() || tag.is_empty() || code == 100;
    response.push(
        "To",
        if tagged {
            to.to_owned()
        } else {
            format!("{to};tag={tag}")
        },
    );
    response.copy(request, "Call-ID");
    response.copy(request, "CSeq");
    response
}

fn direction_of(sdp: &[u8]) -> String {
    let text = String::from_utf8_lossy(sdp);
    let found = ["sendonly", "recvonly", "inactive"]
        .iter()
        .find(|it| text.contains(*it));
    (*found.unwrap_or(&"sendrecv")).to_owned()
}

fn version_of(sdp: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(sdp);
    let line = text
        .lines()
        .find(|line| line.starts_with("o="))
        .unwrap_or_default();
    line.split(' ')
        .nth(2)
        .and_then(|it| it.parse().ok())
        .unwrap_or(0)
}
