//! Responses to INVITEs of ours: what they mean for the leg, and what the other leg is told.

use crate::call::client::{Payload, client_mut, passed};
use crate::call::server::Answer;
use crate::call::{Call, Cancel, ClientPhase, GIVE_UP, InvitePurpose, LegId, Phase};
use crate::commit::Behind;
use crate::core::SipCore;
use crate::message::via::Via;
use crate::message::{Header, Message};
use crate::net::Peer;
use crate::transactions::{Purpose, client_key};

/// Fields of a response that the caller sees as the callee wrote them.
const PASSED: &[&str] = &[
    "Warning",
    "Retry-After",
    "Reason",
    "Alert-Info",
    "Call-Info",
    "Error-Info",
    "Content-Disposition",
    "Content-Language",
    "Content-Encoding",
    "MIME-Version",
    "P-Early-Media",
];

impl SipCore {
    /// A response that arrived.
    pub(crate) fn response(&mut self, response: Message, source: Peer) {
        let via = response.get("Via").and_then(Via::read);
        let Some(branch) = via.and_then(|via| via.branch().map(str::to_owned)) else {
            return;
        };
        let method = response.cseq().map(|cseq| cseq.method).unwrap_or_default();
        if method != "INVITE" {
            return self.client_response(&client_key(&branch, &method), &response);
        }
        let Some((call, leg)) = self.invite_clients.get(&branch).copied() else {
            return;
        };
        self.with_call(call, |core, call| {
            core.invite_response(call, leg, &branch, &response, source);
        });
    }

    fn invite_response(
        &mut self,
        call: &mut Call,
        leg: LegId,
        branch: &str,
        response: &Message,
        source: Peer,
    ) {
        let Some(client) = client_mut(call, leg, branch) else {
            return;
        };
        let open = matches!(client.phase, ClientPhase::Calling | ClientPhase::Proceeding);
        match response.code().unwrap_or_default() {
            100..=199 if open => self.provisional(call, leg, branch, response),
            200..=299 if open => self.accepted(call, leg, branch, response, source),
            300..=699 if open => {
                self.acknowledge_failure(call, leg, branch, response);
                self.failed(call, leg, branch, response);
            }
            100..=199 => {}
            _ => self.repeat_ack(call, leg, branch, response),
        }
    }

    fn provisional(&mut self, call: &mut Call, leg: LegId, branch: &str, response: &Message) {
        let until = self.now + self.config.limits.ringing;
        let Some(client) = client_mut(call, leg, branch) else {
            return;
        };
        client.phase = ClientPhase::Proceeding;
        client.resend_at = None;
        if client.cancel != Cancel::Sent {
            client.ends_at = Some(until);
        }
        let (cancel, purpose) = (client.cancel, client.purpose);
        match cancel {
            Cancel::Wanted => return self.cancel_leg(call, leg),
            Cancel::Sent => return,
            Cancel::No => {}
        }
        if response.code() == Some(100) {
            return;
        }
        if let Some(it) = call.leg_mut(leg).filter(|it| it.phase == Phase::Early) {
            if let Some(tag) = response.to_tag() {
                it.remote_tag = Some(tag.to_owned());
            }
            if response.has_sdp() {
                it.remote_sdp.clone_from(&response.body);
            }
        }
        call.dirty = true;
        match purpose {
            InvitePurpose::Forward => {
                if let Some(other) = call.other(leg) {
                    self.answer_invite(call, other, &carried(response));
                }
            }
            InvitePurpose::Consult => {
                self.transfer_news(call, &status_line(response), false);
            }
            InvitePurpose::Bridge
            | InvitePurpose::Hold
            | InvitePurpose::Retrieve
            | InvitePurpose::Media => {}
        }
    }

    fn accepted(
        &mut self,
        call: &mut Call,
        leg_id: LegId,
        branch: &str,
        response: &Message,
        source: Peer,
    ) {
        let now = self.now;
        let Some(leg) = call.leg_mut(leg_id) else {
            return;
        };
        let first = leg.phase == Phase::Early;
        if first {
            leg.phase = Phase::Confirmed;
            leg.remote_tag = response.to_tag().map(str::to_owned);
            let mut routes: Vec<String> = response.all("Record-Route").map(str::to_owned).collect();
            routes.reverse();
            leg.routes = routes;
        }
        // What answered from elsewhere than its Contact says is behind a NAT, as a binding with `received` is.
        leg.hop.transport = source.transport;
        leg.retarget(response.contact());
        if response.has_sdp() {
            leg.remote_sdp.clone_from(&response.body);
        }
        call.dirty = true;
        let Some(client) = client_mut(call, leg_id, branch) else {
            return;
        };
        client.phase = ClientPhase::Accepted;
        client.resend_at = None;
        client.ends_at = Some(now + GIVE_UP);
        let (purpose, cancelled) = (client.purpose, client.cancel != Cancel::No);
        if cancelled {
            self.acknowledge(call, leg_id, branch, Payload::default());
            return self.release_leg(call, leg_id);
        }
        match purpose {
            InvitePurpose::Forward => self.forward_accepted(call, leg_id, branch, response),
            InvitePurpose::Consult => self.consulted(call, leg_id, branch, response),
            InvitePurpose::Bridge => self.bridged(call, leg_id, branch),
            InvitePurpose::Hold | InvitePurpose::Retrieve | InvitePurpose::Media => {
                self.media_taken(call, leg_id, branch, purpose);
            }
        }
    }

    fn forward_accepted(&mut self, call: &mut Call, leg: LegId, branch: &str, response: &Message) {
        let waiting = call.other(leg).and_then(|other| {
            let leg = call.leg(other)?;
            let mut servers = leg.servers.iter();
            let server = servers.find(|it| it.phase == crate::call::ServerPhase::Proceeding)?;
            Some((other, server.offerless))
        });
        let Some((other, offerless)) = waiting else {
            // Nobody waits for it any more: the caller has gone meanwhile.
            self.acknowledge(call, leg, branch, Payload::default());
            let alone = call.other(leg).is_none_or(|other| {
                call.leg(other)
                    .is_none_or(|other| other.phase != Phase::Confirmed)
            });
            if alone {
                self.release_leg(call, leg);
            }
            return;
        };
        if !offerless {
            self.acknowledge(call, leg, branch, Payload::default());
        }
        call.alternatives.clear();
        self.answer_invite(call, other, &carried(response));
    }

    /// A final failure of an INVITE of ours, acknowledged already; or none at all, which is told as 408.
    pub(crate) fn failed(&mut self, call: &mut Call, leg: LegId, branch: &str, response: &Message) {
        let Some(client) = client_mut(call, leg, branch) else {
            return;
        };
        let (purpose, cancelled) = (client.purpose, client.cancel != Cancel::No);
        let code = response.code().unwrap_or(500);
        let first = call.leg(leg).is_some_and(|leg| leg.phase == Phase::Early);
        call.dirty = true;
        match purpose {
            InvitePurpose::Forward if first => {
                let unreachable = matches!(code, 408 | 503) && !cancelled;
                if unreachable && self.try_alternative(call, leg) {
                    return;
                }
                self.leg_over(call, leg);
                // A caller that has cancelled has its answer; one that waits still is told that nobody came.
                let waiting = call.other(leg);
                if let Some(other) = waiting.filter(|it| is_early(call, *it)) {
                    let answer = if cancelled {
                        Answer::of(408, "Request Timeout")
                    } else {
                        carried_failure(response)
                    };
                    self.answer_invite(call, other, &answer);
                    self.leg_over(call, other);
                }
            }
            InvitePurpose::Forward => {
                let other = call.other(leg);
                if let Some(other) = other {
                    self.answer_invite(call, other, &carried_failure(response));
                }
                // The dialog there is no more (RFC 3261, 12.2.1.2).
                if matches!(code, 408 | 481) {
                    self.release_leg(call, leg);
                    if let Some(other) = other {
                        self.release_leg(call, other);
                    }
                }
            }
            InvitePurpose::Consult => {
                self.leg_over(call, leg);
                self.transfer_failed(call, &status_line(response));
            }
            InvitePurpose::Bridge => self.bridge_failed(call, code),
            InvitePurpose::Hold | InvitePurpose::Retrieve | InvitePurpose::Media => {
                self.media_refused(call, leg, purpose, code);
            }
        }
    }

    /// A final response that came again: the same ACK. A 2xx of another dialog is acknowledged and ended.
    fn repeat_ack(&mut self, call: &mut Call, leg: LegId, branch: &str, response: &Message) {
        let key = call.key;
        let Some(it) = call.leg(leg) else {
            return;
        };
        let success = response.code().is_some_and(|code| code < 300);
        let other_dialog =
            success && it.remote_tag.is_some() && response.to_tag() != it.remote_tag.as_deref();
        let Some(client) = it.clients.iter().find(|client| client.branch == branch) else {
            return;
        };
        if other_dialog {
            let cseq = client.cseq;
            return self.end_stray(call, leg, cseq, response);
        }
        if !client.ack.is_empty() {
            let (to, bytes) = (client.to, client.ack.clone());
            self.send(Behind::Call(key), to, bytes);
        }
    }

    /// A second callee accepted behind a forking proxy: it is acknowledged and released.
    fn end_stray(&mut self, call: &Call, leg: LegId, cseq: u32, response: &Message) {
        let Some(mut leg) = call.leg(leg).cloned() else {
            return;
        };
        leg.remote_tag = response.to_tag().map(str::to_owned);
        leg.retarget(response.contact());
        let branch = self.ids.branch();
        let via = crate::message::via::own(leg.hop.transport, self.config.address, &branch);
        let mut ack = leg.request("ACK", cseq);
        ack.headers.insert(
            0,
            Header {
                name: "Via".to_owned(),
                value: via,
            },
        );
        self.send(Behind::Call(call.key), leg.hop, ack.to_bytes());
        let bye = leg.request("BYE", cseq.saturating_add(1));
        self.open_client(Behind::Call(call.key), bye, leg.hop, Purpose::Stray);
    }
}

fn is_early(call: &Call, leg: LegId) -> bool {
    call.leg(leg).is_some_and(|leg| leg.phase == Phase::Early)
}

/// What the other leg is told of a response.
fn carried(response: &Message) -> Answer {
    Answer {
        code: response.code().unwrap_or(500),
        reason: response.reason().to_owned(),
        extra: passed(response, PASSED),
        content_type: response.get("Content-Type").map(str::to_owned),
        body: response.body.clone(),
    }
}

/// As [`carried`], for failures: what speaks of our own hop is not the caller's.
fn carried_failure(response: &Message) -> Answer {
    let mut answer = carried(response);
    match answer.code {
        // Our own credentials are meant, not the caller's.
        401 | 407 => (answer.code, answer.reason) = (403, "Forbidden".to_owned()),
        // It is not this server that is overloaded (RFC 3261, 16.7 step 6).
        503 => (answer.code, answer.reason) = (500, "Next Hop Unavailable".to_owned()),
        300..=399 => {
            let contacts = response.headers.iter().filter(|it| it.name == "Contact");
            answer.extra.extend(contacts.cloned());
        }
        _ => {}
    }
    answer
}

pub(crate) fn status_line(response: &Message) -> String {
    format!(
        "SIP/2.0 {} {}",
        response.code().unwrap_or(500),
        response.reason()
    )
}
