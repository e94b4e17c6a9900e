//! A new INVITE: whether it is taken, where it goes, the call that begins with it; CANCEL of it.
//! Calls that wait on a Routing Point are `call/parking.rs`.

use crate::call::client::Payload;
use crate::call::server::{Answer, server_of};
use crate::call::{Call, InvitePurpose, Leg, LegId, Phase, ServerPhase, Target};
use crate::commit::Behind;
use crate::core::{Entry, SipCore};
use crate::message::via::Via;
use crate::message::{Message, address};
use crate::net::{Peer, Transport};
use crate::sdp::Origin;

/// Fields of an INVITE that the callee sees as the caller wrote them.
pub(crate) const PASSED: &[&str] = &[
    "Subject",
    "Priority",
    "Alert-Info",
    "Call-Info",
    "Accept-Language",
    "Reason",
    "History-Info",
    "Diversion",
    "Privacy",
    "User-to-User",
    "Organization",
    "Content-Disposition",
    "Content-Language",
    "Content-Encoding",
    "MIME-Version",
    "Referred-By",
];

/// Max-Forwards for the next hop.
pub(crate) fn next_hops(request: &Message) -> String {
    let hops = request
        .get("Max-Forwards")
        .and_then(|value| value.trim().parse::<u8>().ok())
        .unwrap_or(70);
    hops.saturating_sub(1).min(70).to_string()
}

impl SipCore {
    /// An INVITE outside of a dialog.
    pub(crate) fn invited(&mut self, request: Message, source: Peer, reply_to: Peer) {
        let Some(uri) = request.uri().map(str::to_owned) else {
            return;
        };
        if self.is_full() {
            let retry = [("Retry-After", "10")];
            return self.refuse(&request, reply_to, 503, "Service Unavailable", &retry);
        }
        if request.get("Max-Forwards") == Some("0") {
            return self.refuse(&request, reply_to, 483, "Too Many Hops", &[]);
        }
        let contact = request.contact().and_then(address::sip_uri);
        if contact.is_none() {
            return self.refuse(&request, reply_to, 400, "Contact Missing", &[]);
        }
        if self.must_authenticate(&request, reply_to) {
            return;
        }
        if let Some(dn) = self.routing_point(&uri) {
            let call = self.begin(&request, source, reply_to);
            return self.park(call, dn, &request);
        }
        match self.targets_of(&uri) {
            Err((code, reason)) => self.refuse(&request, reply_to, code, reason, &[]),
            Ok(targets) if targets.is_empty() => {
                self.refuse(&request, reply_to, 404, "Not Found", &[]);
            }
            Ok(targets) => {
                let mut call = self.begin(&request, source, reply_to);
                self.set_out(&mut call, &request, targets);
                self.keep_new(call);
            }
        }
    }

    pub(crate) fn keep_new(&mut self, call: Call) {
        self.keep(Entry {
            call: Box::new(call),
            recorded: 0,
        });
    }

    /// A call with the caller's leg, which has been told 100.
    fn begin(&mut self, request: &Message, source: Peer, reply_to: Peer) -> Call {
        let field = |name| {
            request
                .get(name)
                .map(address::without_tag)
                .unwrap_or_default()
        };
        let mut leg = Leg {
            id: LegId(0),
            peer: None,
            phase: Phase::Early,
            call_id: request.call_id().to_owned(),
            local_tag: self.ids.tag(),
            remote_tag: request.from_tag().map(str::to_owned),
            local: field("To"),
            remote: field("From"),
            local_cseq: 0,
            remote_cseq: request.cseq().map_or(0, |cseq| cseq.number),
            routes: request.all("Record-Route").map(str::to_owned).collect(),
            target: String::new(),
            hop: source,
            pinned: is_behind_nat(request, source),
            dn: user_of(request, "From"),
            origin: Origin::new(self.ids.session()),
            remote_sdp: Vec::new(),
            on_hold: false,
            servers: vec![server_of(request, reply_to)],
            clients: Vec::new(),
        };
        leg.retarget(request.contact());
        if request.has_sdp() {
            leg.remote_sdp.clone_from(&request.body);
        }
        let mut call = Call {
            key: self.ids.call(),
            legs: vec![leg],
            next_leg: 1,
            transfer: None,
            parked: None,
            alternatives: Vec::new(),
            began: self.now,
            audit_at: self.first_audit(),
            forget_at: None,
            dirty: true,
        };
        self.answer_invite(&mut call, LegId(0), &Answer::of(100, "Trying"));
        call
    }

    /// Calls the first target, keeps the others for when it cannot be reached.
    pub(crate) fn set_out(&mut self, call: &mut Call, request: &Message, mut targets: Vec<Target>) {
        let target = targets.remove(0);
        call.alternatives = targets;
        let leg = self.add_leg(call, &target, LegId(0));
        let payload = Payload::of(request, PASSED);
        let hops = next_hops(request);
        self.send_invite(call, leg, InvitePurpose::Forward, payload, &hops);
        self.note(false, format!("call {}: calls {}", call.key, target.uri));
    }

    /// A leg towards a target, connected with the leg on whose behalf it is called.
    pub(crate) fn add_leg(&mut self, call: &mut Call, target: &Target, on_behalf: LegId) -> LegId {
        let id = LegId(call.next_leg);
        call.next_leg = call.next_leg.saturating_add(1);
        let caller = call.leg(on_behalf);
        let local = caller.map(|leg| leg.remote.clone()).unwrap_or_default();
        // Who is called first is whom the caller dialled; later ones are not.
        let dialled = caller.filter(|leg| leg.awaits_us() && leg.id == LegId(0));
        let remote = match dialled {
            Some(leg) => leg.local.clone(),
            None => format!("<{}>", target.uri),
        };
        call.legs.push(Leg {
            id,
            peer: Some(on_behalf),
            phase: Phase::Early,
            call_id: self.ids.call_id(),
            local_tag: self.ids.tag(),
            remote_tag: None,
            local,
            remote,
            local_cseq: 0,
            remote_cseq: 0,
            routes: target.routes.clone(),
            target: target.uri.clone(),
            hop: target.hop,
            pinned: target.pinned,
            dn: target.dn.clone(),
            origin: Origin::new(self.ids.session()),
            remote_sdp: Vec::new(),
            on_hold: false,
            servers: Vec::new(),
            clients: Vec::new(),
        });
        if let Some(caller) = call.leg_mut(on_behalf) {
            caller.peer = Some(id);
        }
        id
    }

    /// The target of a call cannot be reached: the next one, if there is one. True if the caller goes on waiting.
    pub(crate) fn try_alternative(&mut self, call: &mut Call, failed: LegId) -> bool {
        let Some(caller) = call.other(failed) else {
            return false;
        };
        let waiting = call.leg(caller).filter(|leg| leg.awaits_us());
        let Some(offer) = waiting.map(|leg| leg.remote_sdp.clone()) else {
            return false;
        };
        if call.alternatives.is_empty() {
            return false;
        }
        let target = call.alternatives.remove(0);
        if let Some(leg) = call.leg_mut(failed) {
            leg.peer = None;
            leg.phase = Phase::Ended;
        }
        let leg = self.add_leg(call, &target, caller);
        self.send_invite(call, leg, InvitePurpose::Forward, Payload::sdp(offer), "69");
        true
    }

    /// CANCEL: 200 at once, 487 for its INVITE, and the callee is cancelled (RFC 3261, 9.2).
    pub(crate) fn cancelled(&mut self, key: &str, request: &Message, reply_to: Peer) {
        let Some((call, leg)) = self.invite_servers.get(key).copied() else {
            let reason = crate::call::requests::NO_CALL;
            return self.refuse(request, reply_to, 481, reason, &[]);
        };
        let leg_of = |core: &Self| core.calls.get(&call)?.call.leg(leg).cloned();
        let tag = leg_of(self).map(|leg| leg.local_tag).unwrap_or_default();
        // Made of the request and the leg, so a repetition gets the same bytes without a transaction.
        let response = crate::transactions::response_to(request, 200, "OK", &tag)
            .with("Server", self.config.name.clone());
        self.send(Behind::Call(call), reply_to, response.to_bytes());
        self.with_call(call, |core, call| core.cancel_call(call, leg, key));
    }

    fn cancel_call(&mut self, call: &mut Call, leg: LegId, key: &str) {
        let waits = |server: &crate::call::InviteServer| {
            server.key == key && server.phase == ServerPhase::Proceeding
        };
        let Some(it) = call.leg(leg).filter(|leg| leg.servers.iter().any(waits)) else {
            return;
        };
        let initial = it.phase == Phase::Early;
        self.answer_invite(call, leg, &Answer::of(487, "Request Terminated"));
        let other = call.other(leg);
        if initial {
            call.parked = None;
            call.alternatives.clear();
            self.leg_over(call, leg);
        }
        if let Some(other) = other {
            self.cancel_leg(call, other);
        }
    }
}

/// User part of From or To.
pub(crate) fn user_of(request: &Message, field: &str) -> String {
    let uri = request.get(field).and_then(address::uri);
    uri.and_then(address::sip_uri)
        .map(|uri| uri.user.to_owned())
        .unwrap_or_default()
}

/// True if a request did not come from where its Via says: what stands in its Contact cannot be reached either.
pub(crate) fn is_behind_nat(request: &Message, source: Peer) -> bool {
    if source.transport == Transport::Tcp {
        return false;
    }
    let Some(via) = request.get("Via").and_then(Via::read) else {
        return false;
    };
    let from_elsewhere = address::split_port(via.sent_by).is_some_and(|(host, port)| {
        let here = host
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip == source.address.ip());
        let port = port.unwrap_or(address::SIP_PORT);
        !here || (via.param("rport").is_some() && port != source.address.port())
    });
    // Behind a proxy the Via is the proxy's, and Record-Route says how to come back.
    from_elsewhere && request.get("Record-Route").is_none() && request.all("Via").count() == 1
}
