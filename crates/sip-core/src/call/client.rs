//! INVITE client transactions: sending an INVITE on a leg, its ACK and its CANCEL.

use crate::call::server::{contact_of, is_sdp};
use crate::call::{
    Call, Cancel, ClientPhase, GIVE_UP, InviteClient, InvitePurpose, Leg, LegId, T1,
};
use crate::commit::Behind;
use crate::core::SipCore;
use crate::message::parse::{Parsed, parse};
use crate::message::{Header, Message, via};
use crate::net::Transport;
use crate::transactions::{ALLOW, Purpose};

/// What an INVITE or ACK carries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Payload {
    pub(crate) extra: Vec<Header>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Payload {
    pub(crate) fn sdp(body: Vec<u8>) -> Self {
        Self {
            extra: Vec::new(),
            content_type: Some("application/sdp".to_owned()).filter(|_| !body.is_empty()),
            body,
        }
    }

    pub(crate) fn of(message: &Message, pass: &[&str]) -> Self {
        Self {
            extra: passed(message, pass),
            content_type: message.get("Content-Type").map(str::to_owned),
            body: message.body.clone(),
        }
    }
}

/// The fields of a message that are carried over to the other leg: the named ones, and private ones (X-…).
pub(crate) fn passed(message: &Message, names: &[&str]) -> Vec<Header> {
    let private = |name: &str| name.get(..2).is_some_and(|x| x.eq_ignore_ascii_case("x-"));
    let named = |name: &str| names.iter().any(|it| name.eq_ignore_ascii_case(it));
    let headers = message.headers.iter();
    headers
        .filter(|header| named(&header.name) || private(&header.name))
        .cloned()
        .collect()
}

impl Leg {
    /// A request within this leg's dialog, without Via.
    pub(crate) fn request(&self, method: &str, cseq: u32) -> Message {
        let mut request = Message::request(method, &self.target).with("Max-Forwards", "70");
        for route in &self.routes {
            request.push("Route", route.clone());
        }
        let to = match &self.remote_tag {
            Some(tag) => format!("{};tag={tag}", self.remote),
            None => self.remote.clone(),
        };
        request
            .with("From", format!("{};tag={}", self.local, self.local_tag))
            .with("To", to)
            .with("Call-ID", self.call_id.clone())
            .with("CSeq", format!("{cseq} {method}"))
    }
}

impl SipCore {
    fn with_via(&self, mut request: Message, transport: Transport, branch: &str) -> Message {
        let value = via::own(transport, self.config.address, branch);
        let name = "Via".to_owned();
        request.headers.insert(0, Header { name, value });
        request
    }

    /// Sends an INVITE on a leg: its first, or a re-INVITE.
    pub(crate) fn send_invite(
        &mut self,
        call: &mut Call,
        leg: LegId,
        purpose: InvitePurpose,
        payload: Payload,
        hops: &str,
    ) {
        let (key, now, address) = (call.key, self.now, self.config.address);
        let branch = self.ids.branch();
        let Some(leg) = call.leg_mut(leg) else {
            return;
        };
        leg.local_cseq += 1;
        let request = leg.request("INVITE", leg.local_cseq);
        let mut request = self.with_via(request, leg.hop.transport, &branch);
        request.set("Max-Forwards", hops);
        request.push("Contact", contact_of(address, leg.hop.transport));
        request.push("Allow", ALLOW);
        request.push("User-Agent", self.config.name.clone());
        request.headers.extend(payload.extra);
        let kind = payload.content_type.as_deref();
        let body = if is_sdp(kind) && !payload.body.is_empty() {
            leg.origin.shown_as(&payload.body, address.ip(), true)
        } else {
            payload.body
        };
        let bytes = request.with_body(kind, body).to_bytes();
        leg.clients.push(InviteClient {
            branch,
            cseq: leg.local_cseq,
            phase: ClientPhase::Calling,
            purpose,
            request: bytes.clone(),
            to: leg.hop,
            cancel: Cancel::No,
            ack: Vec::new(),
            resend_at: (leg.hop.transport == Transport::Udp).then(|| now + T1),
            interval: T1,
            ends_at: Some(now + GIVE_UP),
        });
        let to = leg.hop;
        call.dirty = true;
        self.send(Behind::Call(key), to, bytes);
    }

    /// Acknowledges the 2xx of an INVITE of ours: a request of its own in the dialog (RFC 3261, 13.2.2.4).
    pub(crate) fn acknowledge(
        &mut self,
        call: &mut Call,
        leg: LegId,
        branch: &str,
        payload: Payload,
    ) {
        let (key, address) = (call.key, self.config.address);
        let ack_branch = self.ids.branch();
        let Some(leg) = call.leg_mut(leg) else {
            return;
        };
        let Some(at) = leg
            .clients
            .iter()
            .position(|client| client.branch == branch)
        else {
            return;
        };
        let cseq = leg.clients.get(at).map_or(0, |client| client.cseq);
        let ack = leg.request("ACK", cseq);
        let ack = self.with_via(ack, leg.hop.transport, &ack_branch);
        let kind = payload.content_type.as_deref();
        let body = if is_sdp(kind) && !payload.body.is_empty() {
            leg.origin.shown_as(&payload.body, address.ip(), true)
        } else {
            payload.body
        };
        let bytes = ack.with_body(kind, body).to_bytes();
        let to = leg.hop;
        if let Some(client) = leg.clients.get_mut(at) {
            client.ack.clone_from(&bytes);
            client.request = Vec::new();
        }
        call.dirty = true;
        self.send(Behind::Call(key), to, bytes);
    }

    /// Acknowledges a failure: same branch, same Request-URI and Route (17.1.1.3).
    pub(crate) fn acknowledge_failure(
        &mut self,
        call: &mut Call,
        leg: LegId,
        branch: &str,
        response: &Message,
    ) {
        let (key, now) = (call.key, self.now);
        let Some(client) = client_mut(call, leg, branch) else {
            return;
        };
        if let Some(mut ack) = derived(&client.request, "ACK", client.cseq) {
            ack.set("To", response.get("To").unwrap_or_default());
            client.ack = ack.to_bytes();
        }
        client.request = Vec::new();
        client.phase = ClientPhase::Completed;
        client.resend_at = None;
        client.ends_at = Some(match client.to.transport {
            Transport::Udp => now + GIVE_UP,
            Transport::Tcp => now,
        });
        let (to, bytes) = (client.to, client.ack.clone());
        call.dirty = true;
        self.send(Behind::Call(key), to, bytes);
    }

    /// Cancels the open INVITE of a leg: at once if its peer has answered provisionally, else as soon as it does
    /// (9.1).
    pub(crate) fn cancel_leg(&mut self, call: &mut Call, leg: LegId) {
        let (key, now) = (call.key, self.now);
        let Some(leg) = call.leg_mut(leg) else {
            return;
        };
        let Some(client) = leg.clients.iter_mut().find(|client| {
            matches!(client.phase, ClientPhase::Calling | ClientPhase::Proceeding)
                && client.cancel != Cancel::Sent
        }) else {
            return;
        };
        if client.phase == ClientPhase::Calling {
            if client.cancel == Cancel::No {
                client.cancel = Cancel::Wanted;
                call.dirty = true;
            }
            return;
        }
        client.cancel = Cancel::Sent;
        // Whoever ignores a CANCEL does not keep the leg for ever.
        client.ends_at = Some(now + GIVE_UP);
        let (to, branch) = (client.to, client.branch.clone());
        let cancel = derived(&client.request, "CANCEL", client.cseq);
        call.dirty = true;
        if let Some(cancel) = cancel {
            self.open_client_as(Behind::Call(key), branch, &cancel, to, Purpose::Cancel);
        }
    }
}

/// The client transaction of a leg with this branch.
pub(crate) fn client_mut<'a>(
    call: &'a mut Call,
    leg: LegId,
    branch: &str,
) -> Option<&'a mut InviteClient> {
    let mut clients = call.leg_mut(leg)?.clients.iter_mut();
    clients.find(|client| client.branch == branch)
}

/// A CANCEL or ACK made of the INVITE as it was sent.
pub(crate) fn derived(invite: &[u8], method: &str, cseq: u32) -> Option<Message> {
    let Parsed::Good(invite) = parse(invite) else {
        return None;
    };
    let mut request = Message::request(method, invite.uri()?);
    for name in ["Via", "Max-Forwards", "Route", "From", "To", "Call-ID"] {
        request.copy(&invite, name);
    }
    Some(request.with("CSeq", format!("{cseq} {method}")))
}
