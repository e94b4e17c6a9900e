//! Who gets a request: a transaction it repeats, a dialog it belongs to, or somebody new.

use crate::commit::Behind;
use crate::core::SipCore;
use crate::message::{Message, address};
use crate::net::Peer;
use crate::transactions::{ALLOW, Purpose, Relay, head_of, response_to, transaction_key};

impl SipCore {
    /// A readable request. Its topmost Via says where it came from; `reply_to` follows from that.
    pub(crate) fn request(&mut self, request: Message, source: Peer, reply_to: Peer) {
        let key = transaction_key(&request);
        match request.method().unwrap_or_default() {
            "ACK" => self.acknowledged(&key, &request),
            "CANCEL" => self.cancelled(&key, &request, reply_to),
            "INVITE" if self.invite_servers.contains_key(&key) => self.repeat_invite_answer(&key),
            _ if request.to_tag().is_some() => self.within_dialog(request, source, reply_to),
            _ => self.outside_dialog(request, source, reply_to),
        }
    }

    fn outside_dialog(&mut self, request: Message, source: Peer, reply_to: Peer) {
        if self.refuses_merged(&request, reply_to) || self.refuses_options(&request, reply_to) {
            return;
        }
        match request.method().unwrap_or_default() {
            "INVITE" => self.invited(request, source, reply_to),
            "REGISTER" => self.register(&request, source, reply_to),
            "OPTIONS" => self.asked_options(&request, reply_to),
            "MESSAGE" => self.message(&request, reply_to),
            "BYE" | "NOTIFY" | "INFO" | "UPDATE" | "PRACK" => {
                self.refuse(&request, reply_to, 481, NO_CALL, &[]);
            }
            "REFER" => self.refuse(&request, reply_to, 403, "Only Within A Call", &[]),
            "SUBSCRIBE" | "PUBLISH" => {
                self.refuse(&request, reply_to, 405, "Method Not Allowed", &[]);
            }
            _ => {
                let allow = [("Allow", ALLOW)];
                self.refuse(&request, reply_to, 501, "Not Implemented", &allow);
            }
        }
    }

    /// Refuses what demands an extension: none is offered that does not work on both legs (RFC 3261, 8.2.2.3).
    pub(crate) fn refuses_options(&mut self, request: &Message, reply_to: Peer) -> bool {
        let required = request.options("Require");
        if required.is_empty() {
            return false;
        }
        let unsupported = required.join(", ");
        let extra = [("Unsupported", unsupported.as_str())];
        self.refuse(request, reply_to, 420, "Bad Extension", &extra);
        true
    }

    /// Answered without a transaction: the answer is made of the request alone, so a repetition gets the same, and who
    /// asks a thousand times a second costs nothing that has to be kept.
    pub(crate) fn asked_options(&mut self, request: &Message, reply_to: Peer) {
        let tag = self.stateless_tag(request);
        let response = response_to(request, 200, "OK", &tag)
            .with("Allow", ALLOW)
            .with("Accept", "application/sdp")
            .with("Server", self.config.name.clone());
        self.send(Behind::Nothing, reply_to, response.to_bytes());
    }

    /// A MESSAGE outside of a call goes to the DN it names.
    fn message(&mut self, request: &Message, reply_to: Peer) {
        if request.get("Max-Forwards") == Some("0") {
            return self.refuse(request, reply_to, 483, "Too Many Hops", &[]);
        }
        let target = match self.targets_of(request.uri().unwrap_or_default()) {
            Ok(mut targets) if !targets.is_empty() => targets.remove(0),
            Ok(_) => return self.refuse(request, reply_to, 404, "Not Found", &[]),
            Err((code, reason)) => return self.refuse(request, reply_to, code, reason, &[]),
        };
        let Some(key) = self.open_server(request, reply_to) else {
            return;
        };
        let tag = self.ids.tag();
        let field = |name| {
            request
                .get(name)
                .map(address::without_tag)
                .unwrap_or_default()
        };
        let mut forward = Message::request("MESSAGE", &target.uri)
            .with("Max-Forwards", crate::call::incoming::next_hops(request))
            .with("From", format!("{};tag={tag}", field("From")))
            .with("To", field("To"))
            .with("Call-ID", self.ids.call_id())
            .with("CSeq", "1 MESSAGE");
        for name in ["Content-Disposition", "Content-Language", "Subject"] {
            forward.copy(request, name);
        }
        let forward = forward.with_body(request.get("Content-Type"), request.body.clone());
        let head = head_of(request);
        let purpose = Purpose::Relay(Box::new(Relay { key, head, tag }));
        self.open_client(Behind::Nothing, forward, target.hop, purpose);
    }
}

/// Reason of 481.
pub(crate) const NO_CALL: &str = "Call/Transaction Does Not Exist";
