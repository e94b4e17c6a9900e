//! REFER: the server itself calls the target, tells the transferor how it goes by NOTIFY, and connects the target
//! with the transferee (`call/bridge.rs`). The whole state is in the call, so a new primary goes on with it.

use crate::call::client::{Payload, passed};
use crate::call::{Call, GIVE_UP, InvitePurpose, LegId, Phase, Transfer, TransferPhase};
use crate::commit::Behind;
use crate::core::SipCore;
use crate::ids::CallKey;
use crate::message::{Header, Message, address};
use crate::net::Peer;
use crate::sdp::both_ways;
use crate::transactions::{Purpose, response_to};

/// Why a REFER is not carried out.
type Why = (u16, &'static str);

impl SipCore {
    /// REFER within a call.
    pub(crate) fn referred(
        &mut self,
        call: &mut Call,
        leg_id: LegId,
        request: &Message,
        reply_to: Peer,
    ) {
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let again = call
            .transfer
            .as_ref()
            .is_some_and(|it| it.transferor == leg_id && it.refer_cseq == number);
        let Some(key) = self.open_server(request, reply_to) else {
            return;
        };
        let begun = if again {
            // Repeated, perhaps to a new primary: it is under way.
            Ok(())
        } else {
            self.begin_transfer(call, leg_id, request, number)
        };
        let tag = call
            .leg(leg_id)
            .map(|leg| leg.local_tag.clone())
            .unwrap_or_default();
        let response = match begun {
            Ok(()) => response_to(request, 202, "Accepted", &tag).with(
                "Contact",
                crate::call::server::contact_of(self.config.address, reply_to.transport),
            ),
            Err((code, reason)) => response_to(request, code, reason, &tag),
        };
        let response = response.with("Server", self.config.name.clone());
        self.answer(&key, Behind::Call(call.key), &response);
        if begun.is_ok() && !again {
            self.transfer_news(call, "SIP/2.0 100 Trying", false);
            self.call_target(call, passed(request, &["Referred-By"]));
        }
    }

    /// Checks a REFER and adds the leg of its target.
    fn begin_transfer(
        &mut self,
        call: &mut Call,
        transferor: LegId,
        request: &Message,
        refer_cseq: u32,
    ) -> Result<(), Why> {
        let refer_to = request.get("Refer-To").and_then(address::uri);
        let uri = refer_to.ok_or((400, "Refer-To Missing"))?;
        let target = address::sip_uri(uri).ok_or((416, "Unsupported URI Scheme"))?;
        if target.headers.to_ascii_lowercase().contains("replaces=") {
            return Err((501, "Attended Transfer Is Not Offered"));
        }
        if target
            .param("method")
            .is_some_and(|it| !it.eq_ignore_ascii_case("INVITE"))
        {
            return Err((501, "Only INVITE Can Be Asked For"));
        }
        self.start_transfer(call, transferor, uri, Some(refer_cseq))
    }

    /// Adds the leg of a transfer's target. `refer_cseq`: of the REFER that asks for it; `None` = a client does.
    pub(crate) fn start_transfer(
        &mut self,
        call: &mut Call,
        transferor: LegId,
        uri: &str,
        refer_cseq: Option<u32>,
    ) -> Result<(), Why> {
        let transferee = call.other(transferor).ok_or((491, "Nobody To Transfer"))?;
        let open = |id| {
            call.leg(id)
                .is_some_and(|leg| leg.phase == Phase::Confirmed && !leg.is_negotiating())
        };
        let busy = call
            .transfer
            .as_ref()
            .is_some_and(|it| it.phase != TransferPhase::Over);
        if busy || !open(transferor) || !open(transferee) || call.next_leg > 200 {
            return Err((491, "Request Pending"));
        }
        let mut targets = self.targets_of(uri)?;
        if targets.is_empty() {
            return Err((404, "Not Found"));
        }
        let leg = self.add_leg(call, &targets.remove(0), transferee);
        // The two stay connected until the target has answered.
        if let Some(transferee) = call.leg_mut(transferee) {
            transferee.peer = Some(transferor);
        }
        if let Some(leg) = call.leg_mut(leg) {
            leg.peer = None;
        }
        call.transfer = Some(Transfer {
            transferor,
            transferee,
            target: leg,
            phase: TransferPhase::Calling,
            refer_cseq: refer_cseq.unwrap_or_default(),
            by_client: refer_cseq.is_none(),
            news: None,
            telling: None,
            expires_at: self.now + self.config.limits.ringing + GIVE_UP * 2,
            retry_at: None,
        });
        call.dirty = true;
        Ok(())
    }

    pub(crate) fn call_target(&mut self, call: &mut Call, extra: Vec<Header>) {
        let Some((target, transferee)) =
            call.transfer.as_ref().map(|it| (it.target, it.transferee))
        else {
            return;
        };
        let offer = call.leg(transferee).map(|leg| both_ways(&leg.remote_sdp));
        let mut payload = Payload::sdp(offer.unwrap_or_default());
        payload.extra = extra;
        self.send_invite(call, target, InvitePurpose::Consult, payload, "69");
        self.note(false, format!("call {}: transfer begun", call.key));
    }

    /// Tells the transferor a status line (RFC 3515, 2.4.4).
    pub(crate) fn transfer_news(&mut self, call: &mut Call, line: &str, last: bool) {
        let Some(transfer) = call.transfer.as_mut() else {
            return;
        };
        if transfer.by_client {
            return self.transfer_told_to_client(call, line, last);
        }
        transfer.news = Some((line.to_owned(), last));
        call.dirty = true;
        if transfer.telling.is_none() {
            self.send_news(call);
        }
    }

    fn send_news(&mut self, call: &mut Call) {
        let key = call.key;
        let Some((transferor, id, line, last)) = call.transfer.as_ref().and_then(|it| {
            let (line, last) = it.news.clone()?;
            Some((it.transferor, it.refer_cseq, line, last))
        }) else {
            return;
        };
        let leg = call.leg_mut(transferor);
        let Some(leg) = leg.filter(|leg| leg.phase == Phase::Confirmed) else {
            return;
        };
        leg.local_cseq += 1;
        let state = if last {
            "terminated;reason=noresource"
        } else {
            "active;expires=60"
        };
        let to = leg.hop;
        let contact = crate::call::server::contact_of(self.config.address, to.transport);
        let notify = leg
            .request("NOTIFY", leg.local_cseq)
            .with("Contact", contact)
            .with("Event", format!("refer;id={id}"))
            .with("Subscription-State", state)
            .with_body(
                Some("message/sipfrag;version=2.0"),
                format!("{line}\r\n").into_bytes(),
            );
        call.dirty = true;
        if let Some(transfer) = call.transfer.as_mut() {
            transfer.telling = Some(line);
        }
        let purpose = Purpose::Notify(key, transferor);
        self.open_client(Behind::Call(key), notify, to, purpose);
    }

    /// The transferor has answered a NOTIFY, or has not.
    pub(crate) fn notify_answered(&mut self, call: CallKey, leg: LegId, code: u16) {
        self.with_call(call, |core, call| {
            if let Some(transfer) = call.transfer.as_mut() {
                let told = transfer.telling.take();
                transfer
                    .news
                    .take_if(|(line, _)| Some(&*line) == told.as_ref());
                call.dirty = true;
            }
            if code == 481 {
                core.leg_over(call, leg);
                core.peer_left(call, leg);
            } else {
                core.send_news(call);
            }
        });
    }

    /// The target was not reached: the two go on as before, unless the transferor has left already.
    pub(crate) fn transfer_failed(&mut self, call: &mut Call, line: &str) {
        let Some(transfer) = call.transfer.as_mut() else {
            return;
        };
        transfer.phase = TransferPhase::Over;
        transfer.retry_at = None;
        transfer.expires_at = self.now + GIVE_UP;
        let transferee = transfer.transferee;
        self.transfer_news(call, line, true);
        if call.other(transferee).is_none() {
            self.release_leg(call, transferee);
        }
    }

    /// A leg has hung up while a transfer is under way. True if its other side stays.
    pub(crate) fn transfer_goes_on_without(&mut self, call: &mut Call, leg: LegId) -> bool {
        let Some(transfer) = call.transfer.clone() else {
            return false;
        };
        if transfer.transferor == leg {
            if transfer.phase == TransferPhase::Calling {
                for id in [leg, transfer.transferee] {
                    if let Some(leg) = call.leg_mut(id) {
                        leg.peer = None;
                    }
                }
            }
            return call.other(leg).is_none();
        }
        match transfer.phase {
            TransferPhase::Calling if leg == transfer.transferee => {
                self.release_leg(call, transfer.target);
                self.transfer_failed(call, "SIP/2.0 487 Request Terminated");
            }
            TransferPhase::Bridging => {
                self.transfer_failed(call, "SIP/2.0 487 Request Terminated");
            }
            TransferPhase::Calling | TransferPhase::Over => {}
        }
        false
    }

    pub(crate) fn transfer_due(&mut self, call: &mut Call) {
        let now = self.now;
        let Some(transfer) = call.transfer.clone() else {
            return;
        };
        if transfer.retry_at.is_some_and(|at| at <= now) {
            if let Some(transfer) = call.transfer.as_mut() {
                transfer.retry_at = None;
            }
            self.bridge(call);
        }
        if transfer.expires_at > now {
            return;
        }
        call.transfer = None;
        call.dirty = true;
        match transfer.phase {
            TransferPhase::Calling | TransferPhase::Bridging => {
                for leg in [transfer.target, transfer.transferee] {
                    self.release_leg(call, leg);
                }
            }
            TransferPhase::Over => {}
        }
        // The transfer is done and the transferor has not hung up.
        if call.other(transfer.transferor).is_none() {
            self.release_leg(call, transfer.transferor);
        }
    }

    /// After a takeover: what the transferor has not confirmed is told again.
    pub(crate) fn resume_transfer(&mut self, call: &mut Call) {
        self.send_news(call);
    }
}
