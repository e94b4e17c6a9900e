//! INVITE server transactions: responses to a peer's INVITE, their repetition, their ACK.

use crate::call::{Call, GIVE_UP, InviteServer, Leg, LegId, Phase, ServerPhase, T1, T4};
use crate::commit::Behind;
use crate::core::SipCore;
use crate::message::{Header, Message, address};
use crate::net::{Peer, Transport};
use crate::transactions::{ALLOW, head_of, response_to, transaction_key};
use changeover_model::Timestamp;
use std::net::SocketAddr;
use std::time::Duration;

/// A response to be given to an INVITE.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) extra: Vec<Header>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn of(code: u16, reason: &str) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
            ..Self::default()
        }
    }
}

/// The transaction of an INVITE that has just come.
pub(crate) fn server_of(request: &Message, reply_to: Peer) -> InviteServer {
    InviteServer {
        key: transaction_key(request),
        cseq: request.cseq().map_or(0, |cseq| cseq.number),
        phase: ServerPhase::Proceeding,
        head: Some(Box::new(head_of(request))),
        reply_to,
        last: Vec::new(),
        offerless: !request.has_sdp(),
        described: false,
        resend_at: None,
        interval: T1,
        ends_at: None,
    }
}

impl SipCore {
    /// Answers the INVITE of a leg that waits; nothing if none does.
    pub(crate) fn answer_invite(&mut self, call: &mut Call, leg: LegId, answer: &Answer) {
        let (key, now, address) = (call.key, self.now, self.config.address);
        let Some(leg) = call.leg_mut(leg) else {
            return;
        };
        let contact = contact_of(address, leg.hop.transport);
        let Leg {
            servers,
            origin,
            local_tag,
            phase,
            ..
        } = leg;
        let Some(server) = servers
            .iter_mut()
            .find(|server| server.phase == ServerPhase::Proceeding)
        else {
            return;
        };
        let Some(head) = server.head.as_deref() else {
            return;
        };
        let code = answer.code;
        let mut response = response_to(head, code, &answer.reason, local_tag);
        if (101..300).contains(&code) {
            response.copy(head, "Record-Route");
            response.push("Contact", contact);
        }
        if code > 100 {
            response.push("Allow", ALLOW);
            response.push("Server", self.config.name.clone());
        }
        response.headers.extend(answer.extra.iter().cloned());
        let kind = answer.content_type.as_deref();
        let body = if is_sdp(kind) && !answer.body.is_empty() {
            let first = !std::mem::replace(&mut server.described, true);
            origin.shown_as(&answer.body, address.ip(), first)
        } else {
            answer.body.clone()
        };
        server.last = response.with_body(kind, body).to_bytes();
        server.answered(code, now);
        if (200..300).contains(&code) && *phase == Phase::Early {
            *phase = Phase::Confirmed;
        }
        let (to, bytes) = (server.reply_to, server.last.clone());
        call.dirty = true;
        self.send(Behind::Call(key), to, bytes);
    }

    /// The INVITE came again: the same bytes (RFC 3261, 17.2.1). An acknowledged one is absorbed.
    pub(crate) fn repeat_invite_answer(&mut self, key: &str) {
        let Some((call, leg)) = self.invite_servers.get(key).copied() else {
            return;
        };
        let again = self.calls.get(&call).and_then(|entry| {
            let mut servers = entry.call.leg(leg)?.servers.iter();
            let server = servers.find(|server| server.key == key)?;
            (!server.last.is_empty()).then(|| (server.reply_to, server.last.clone()))
        });
        if let Some((to, bytes)) = again {
            self.send(Behind::Call(call), to, bytes);
        }
    }

    /// An ACK: of a failure by its transaction, of a 2xx by its dialog.
    pub(crate) fn acknowledged(&mut self, key: &str, ack: &Message) {
        let by_dialog = || self.dialogs.get(ack.to_tag()?);
        let Some((call, leg)) = self.invite_servers.get(key).or_else(by_dialog).copied() else {
            return;
        };
        let number = ack.cseq().map_or(0, |cseq| cseq.number);
        self.with_call(call, |core, call| core.take_ack(call, leg, number, ack));
    }

    fn take_ack(&mut self, call: &mut Call, leg_id: LegId, number: u32, ack: &Message) {
        let now = self.now;
        let Some(leg) = call.leg_mut(leg_id) else {
            return;
        };
        if leg.call_id != ack.call_id() || leg.remote_tag.as_deref() != ack.from_tag() {
            return;
        }
        let Some(server) = leg.servers.iter_mut().find(|server| server.cseq == number) else {
            return;
        };
        let accepted = match server.phase {
            ServerPhase::Accepted => true,
            ServerPhase::Completed => false,
            ServerPhase::Proceeding | ServerPhase::Confirmed => return,
        };
        let offerless = server.offerless;
        server.confirmed(now);
        if ack.has_sdp() {
            leg.remote_sdp.clone_from(&ack.body);
        }
        call.dirty = true;
        if accepted && offerless {
            self.forward_answer(call, leg_id, ack);
        }
    }
}

impl InviteServer {
    fn answered(&mut self, code: u16, now: Timestamp) {
        if code < 200 {
            return;
        }
        // A 2xx is repeated end to end, whatever carries it (RFC 3261, 13.3.1.4).
        let repeats = code < 300 || self.reply_to.transport == Transport::Udp;
        self.phase = if code < 300 {
            ServerPhase::Accepted
        } else {
            ServerPhase::Completed
        };
        self.interval = T1;
        self.resend_at = repeats.then(|| now + T1);
        self.ends_at = Some(now + GIVE_UP);
        self.head = None;
    }

    fn confirmed(&mut self, now: Timestamp) {
        let linger = match (self.phase, self.reply_to.transport) {
            // RFC 6026: INVITEs that come late are absorbed until the time of the 2xx is over.
            (ServerPhase::Accepted, _) => GIVE_UP,
            (_, Transport::Udp) => T4,
            (_, Transport::Tcp) => Duration::ZERO,
        };
        self.phase = ServerPhase::Confirmed;
        self.resend_at = None;
        self.ends_at = Some(now + linger);
        self.last = Vec::new();
    }
}

/// True for the media type of a session description.
pub(crate) fn is_sdp(content_type: Option<&str>) -> bool {
    content_type
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/sdp"))
}

/// Our Contact: the VIP, the same on both servers.
pub(crate) fn contact_of(at: SocketAddr, transport: Transport) -> String {
    let host = address::host_text(at.ip());
    match transport {
        Transport::Udp => format!("<sip:{host}:{}>", at.port()),
        Transport::Tcp => format!("<sip:{host}:{};transport=tcp>", at.port()),
    }
}
