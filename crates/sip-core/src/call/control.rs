//! What a client asks for on behalf of a DN in a call: hold and retrieve by re-INVITEs of the server's own to both
//! sides, transfer as a REFER of the DN's phone would do it, release. Each is in the call's own state, so a new primary
//! completes what its predecessor began; only the reference ID of the request dies with that one.

use crate::call::client::Payload;
use crate::call::{Call, InvitePurpose, Leg, LegId, Phase, TransferPhase};
use crate::clients::{CallAction, CallState, RefusedBecause};
use crate::core::SipCore;
use crate::message::address::host_text;
use crate::sdp::directed;

type Why = (RefusedBecause, &'static str);

fn wrong(text: &'static str) -> Why {
    (RefusedBecause::WrongState, text)
}

impl SipCore {
    /// Begins what a client asks for.
    pub(crate) fn act_for(
        &mut self,
        call: &mut Call,
        dn: &str,
        action: &CallAction,
    ) -> Result<(), Why> {
        let alive = |leg: &&Leg| matches!(leg.phase, Phase::Early | Phase::Confirmed);
        let own = call.legs.iter().filter(alive).find(|leg| leg.dn == dn);
        let own = own.map(|leg| leg.id).ok_or((
            RefusedBecause::Unknown,
            "there is no such call with this DN in it",
        ))?;
        match action {
            CallAction::Hold => self.redirect_media(call, own, InvitePurpose::Hold),
            CallAction::Retrieve => self.redirect_media(call, own, InvitePurpose::Retrieve),
            CallAction::Transfer(to) => self.transfer_for(call, own, to),
            CallAction::Release => {
                self.release_leg(call, own);
                self.peer_left(call, own);
                Ok(())
            }
            CallAction::Route(_) => Err(wrong("a call is routed by its key alone")),
        }
    }

    /// Both sides are told of each other's media again: the other one first of all, whose answer decides.
    fn redirect_media(
        &mut self,
        call: &mut Call,
        own: LegId,
        purpose: InvitePurpose,
    ) -> Result<(), Why> {
        let other = call
            .other(own)
            .ok_or(wrong("nobody is on the other side"))?;
        let settled = |id| {
            call.leg(id)
                .is_some_and(|leg| leg.phase == Phase::Confirmed && !leg.is_negotiating())
        };
        let transferring = call
            .transfer
            .as_ref()
            .is_some_and(|it| it.phase != TransferPhase::Over);
        if transferring || !settled(own) || !settled(other) {
            return Err(wrong("the call is being set up or changed; try again"));
        }
        let (Some(ours), Some(theirs)) = (call.leg(own), call.leg(other)) else {
            return Err(wrong("nobody is on the other side"));
        };
        let holds = purpose == InvitePurpose::Hold;
        let is_held = ours.on_hold || crate::sdp::is_hold(&ours.remote_sdp);
        if holds == is_held {
            return Err(wrong("it is on hold, or not, as asked for already"));
        }
        let (to_other, to_own) = if holds {
            ("sendonly", "inactive")
        } else {
            ("sendrecv", "sendrecv")
        };
        let to_other = Payload::sdp(directed(&ours.remote_sdp, to_other));
        let to_own = Payload::sdp(directed(&theirs.remote_sdp, to_own));
        self.send_invite(call, other, purpose, to_other, "69");
        self.send_invite(call, own, InvitePurpose::Media, to_own, "69");
        Ok(())
    }

    fn transfer_for(&mut self, call: &mut Call, own: LegId, to: &str) -> Result<(), Why> {
        if !crate::clients::is_dialable(to) {
            return Err((RefusedBecause::Unknown, "nobody has such a number"));
        }
        let uri = format!("sip:{to}@{}", host_text(self.config.address.ip()));
        self.start_transfer(call, own, &uri, None)
            .map_err(|(code, text)| match code {
                404 | 416 | 480 => (RefusedBecause::Unknown, text),
                _ => wrong(text),
            })?;
        self.call_target(call, Vec::new());
        Ok(())
    }

    /// A side has taken what it was told of media.
    pub(crate) fn media_taken(
        &mut self,
        call: &mut Call,
        leg: LegId,
        branch: &str,
        purpose: InvitePurpose,
    ) {
        self.acknowledge(call, leg, branch, Payload::default());
        let own = call.other(leg);
        if let Some(own) = own.and_then(|id| call.leg_mut(id)) {
            match purpose {
                InvitePurpose::Hold => own.on_hold = true,
                InvitePurpose::Retrieve => own.on_hold = false,
                InvitePurpose::Media
                | InvitePurpose::Forward
                | InvitePurpose::Consult
                | InvitePurpose::Bridge => {}
            }
        }
    }

    /// A side has refused it.
    pub(crate) fn media_refused(
        &mut self,
        call: &mut Call,
        leg: LegId,
        purpose: InvitePurpose,
        code: u16,
    ) {
        let text = format!("a phone has refused it with {code}");
        match purpose {
            InvitePurpose::Hold => self.request_failed(call.key, CallState::Held, &text),
            InvitePurpose::Retrieve | InvitePurpose::Media => {
                self.request_failed(call.key, CallState::Established, &text);
            }
            InvitePurpose::Forward | InvitePurpose::Consult | InvitePurpose::Bridge => {}
        }
        // The dialog there is no more (RFC 3261, 12.2.1.2).
        if matches!(code, 408 | 481) {
            let other = call.other(leg);
            self.release_leg(call, leg);
            if let Some(other) = other {
                self.release_leg(call, other);
            }
        }
    }

    /// How a transfer that a client asked for goes on: the DN leaves once the two others are connected.
    pub(crate) fn transfer_told_to_client(&mut self, call: &mut Call, line: &str, last: bool) {
        let Some(transferor) = call.transfer.as_ref().map(|it| it.transferor) else {
            return;
        };
        if !last {
            return;
        }
        if line.starts_with("SIP/2.0 2") {
            self.release_leg(call, transferor);
        } else {
            self.request_failed(call.key, CallState::Released, line);
        }
    }
}
