//! Requests within a call: re-INVITE with its glare, BYE, requests that are carried through, and what a late or
//! repeated one gets.

use crate::call::client::Payload;
use crate::call::incoming::{PASSED, next_hops};
use crate::call::requests::NO_CALL;
use crate::call::server::{Answer, server_of};
use crate::call::{Call, ClientPhase, InvitePurpose, Leg, LegId, Phase, ServerPhase};
use crate::commit::Behind;
use crate::core::SipCore;
use crate::message::Message;
use crate::net::Peer;
use crate::transactions::{Purpose, Relay, head_of, response_to};

impl SipCore {
    /// A request with a To tag.
    pub(crate) fn within_dialog(&mut self, request: Message, source: Peer, reply_to: Peer) {
        let found = request
            .to_tag()
            .and_then(|tag| self.dialogs.get(tag))
            .copied();
        let known = found.filter(|(call, leg)| {
            let entry = self.calls.get(call);
            let leg = entry.and_then(|entry| entry.call.leg(*leg));
            leg.is_some_and(|leg| leg.is_dialog_of(&request))
        });
        let Some((call, leg)) = known else {
            return self.refuse(&request, reply_to, 481, NO_CALL, &[]);
        };
        if self.refuses_options(&request, reply_to) {
            return;
        }
        self.with_call(call, |core, call| {
            core.in_dialog(call, leg, &request, source, reply_to);
        });
    }

    fn in_dialog(
        &mut self,
        call: &mut Call,
        leg_id: LegId,
        request: &Message,
        source: Peer,
        reply_to: Peer,
    ) {
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let method = request.method().unwrap_or_default();
        let Some(leg) = call.leg_mut(leg_id) else {
            return;
        };
        if number < leg.remote_cseq {
            return self.refuse(request, reply_to, 500, "CSeq Out Of Order", &[]);
        }
        if leg.phase == Phase::Ended && method != "BYE" {
            return self.refuse(request, reply_to, 481, NO_CALL, &[]);
        }
        leg.remote_cseq = number;
        // A phone that lost its connection, or moved behind its NAT, is answered where it is now.
        if leg.pinned || source.transport == crate::net::Transport::Tcp {
            leg.hop = source;
        }
        match method {
            "INVITE" => self.re_invited(call, leg_id, request, reply_to),
            "BYE" => self.hung_up(call, leg_id, request, reply_to),
            "REFER" => self.referred(call, leg_id, request, reply_to),
            "INFO" | "MESSAGE" => self.carry(call, leg_id, request, reply_to),
            "OPTIONS" => self.asked_options(request, reply_to),
            "NOTIFY" => {
                self.refuse(request, reply_to, 481, "Subscription Does Not Exist", &[]);
            }
            _ => self.refuse(request, reply_to, 405, "Method Not Allowed", &[]),
        }
    }

    fn re_invited(&mut self, call: &mut Call, leg_id: LegId, request: &Message, reply_to: Peer) {
        let other = call.other(leg_id).filter(|other| {
            call.leg(*other)
                .is_some_and(|it| it.phase == Phase::Confirmed)
        });
        let Some(leg) = call.leg(leg_id) else {
            return;
        };
        if leg.awaits_us() {
            let retry = [("Retry-After", "3")];
            return self.refuse(request, reply_to, 500, "INVITE Still Pending", &retry);
        }
        let busy = other.is_some_and(|it| call.leg(it).is_some_and(Leg::is_negotiating));
        if leg.awaits_peer() || busy {
            return self.refuse(request, reply_to, 491, "Request Pending", &[]);
        }
        let (Some(other), Phase::Confirmed) = (other, leg.phase) else {
            // Nobody on the other side at the moment: a transfer is under way.
            return self.refuse(request, reply_to, 491, "Request Pending", &[]);
        };
        if let Some(leg) = call.leg_mut(leg_id) {
            // It would not begin anew without having seen the 2xx; only its ACK was lost.
            for server in &mut leg.servers {
                if server.phase == ServerPhase::Accepted {
                    server.phase = ServerPhase::Confirmed;
                    server.resend_at = None;
                }
            }
            leg.servers.push(server_of(request, reply_to));
            leg.retarget(request.contact());
            // From now on its own word counts.
            leg.on_hold = false;
            if request.has_sdp() {
                leg.remote_sdp.clone_from(&request.body);
            }
        }
        self.answer_invite(call, leg_id, &Answer::of(100, "Trying"));
        let payload = Payload::of(request, PASSED);
        let hops = next_hops(request);
        self.send_invite(call, other, InvitePurpose::Forward, payload, &hops);
    }

    /// BYE: 200 at once, also to one that comes again after the call, from either server.
    fn hung_up(&mut self, call: &mut Call, leg_id: LegId, request: &Message, reply_to: Peer) {
        let Some(leg) = call.leg(leg_id) else {
            return;
        };
        let was_over = leg.phase == Phase::Ended;
        // Made of request and leg alone: a repetition gets the same bytes without a transaction.
        let response = response_to(request, 200, "OK", &leg.local_tag)
            .with("Server", self.config.name.clone());
        let behind = Behind::Call(call.key);
        self.send(behind, reply_to, response.to_bytes());
        if was_over {
            return;
        }
        self.answer_invite(call, leg_id, &Answer::of(487, "Request Terminated"));
        self.leg_over(call, leg_id);
        self.note(
            false,
            format!("call {}: leg {} hung up", call.key, leg_id.0),
        );
        self.peer_left(call, leg_id);
    }

    /// INFO and MESSAGE go to the other side, and its answer comes back.
    fn carry(&mut self, call: &mut Call, leg_id: LegId, request: &Message, reply_to: Peer) {
        let key = call.key;
        let Some(tag) = call.leg(leg_id).map(|leg| leg.local_tag.clone()) else {
            return;
        };
        let other = call.other(leg_id).and_then(|other| call.leg_mut(other));
        let Some(other) = other.filter(|leg| leg.phase == Phase::Confirmed) else {
            return self.refuse(request, reply_to, 480, "Nobody Connected", &[]);
        };
        let Some(server) = self.open_server(request, reply_to) else {
            return;
        };
        other.local_cseq += 1;
        let method = request.method().unwrap_or_default();
        let mut forward = other.request(method, other.local_cseq);
        forward.headers.extend(crate::call::client::passed(
            request,
            &[
                "Info-Package",
                "Content-Disposition",
                "Content-Language",
                "Subject",
            ],
        ));
        let forward = forward.with_body(request.get("Content-Type"), request.body.clone());
        let to = other.hop;
        call.dirty = true;
        let head = head_of(request);
        let purpose = Purpose::Relay(Box::new(Relay {
            key: server,
            head,
            tag,
        }));
        self.open_client(Behind::Call(key), forward, to, purpose);
    }

    /// The ACK of a 2xx carried the answer of an INVITE without offer: it goes to the other leg's 2xx.
    pub(crate) fn forward_answer(&mut self, call: &mut Call, leg: LegId, ack: &Message) {
        let Some(other) = call.other(leg) else {
            return;
        };
        let waiting = call.leg(other).and_then(|leg| {
            let mut clients = leg.clients.iter();
            clients.find(|it| it.phase == ClientPhase::Accepted && it.ack.is_empty())
        });
        if let Some(branch) = waiting.map(|client| client.branch.clone()) {
            self.acknowledge(call, other, &branch, Payload::of(ack, &[]));
        }
    }
}

impl Leg {
    fn is_dialog_of(&self, request: &Message) -> bool {
        let tag = self.remote_tag.as_deref();
        self.call_id == request.call_id() && (tag.is_none() || tag == request.from_tag())
    }
}
