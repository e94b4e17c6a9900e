//! Connecting the target of a transfer, once it has answered, with the transferee: a re-INVITE with the target's
//! description.

use crate::call::client::Payload;
use crate::call::{Call, GIVE_UP, InvitePurpose, Leg, LegId, Phase, TransferPhase};
use crate::core::SipCore;
use crate::message::Message;
use std::time::Duration;

/// Pause before a bridging that met another negotiation is tried again (RFC 3261, 14.1: 2.1 to 4 s for the owner
/// of the Call-ID).
const RETRY: Duration = Duration::from_millis(2_100);

impl SipCore {
    /// The target has answered.
    pub(crate) fn consulted(
        &mut self,
        call: &mut Call,
        leg: LegId,
        branch: &str,
        response: &Message,
    ) {
        self.acknowledge(call, leg, branch, Payload::default());
        let Some(transfer) = call.transfer.as_mut() else {
            return self.release_leg(call, leg);
        };
        transfer.phase = TransferPhase::Bridging;
        let (transferor, transferee) = (transfer.transferor, transfer.transferee);
        let up = call
            .leg(transferee)
            .is_some_and(|leg| leg.phase == Phase::Confirmed);
        if !up || !response.has_sdp() {
            self.release_leg(call, leg);
            return self.transfer_failed(call, "SIP/2.0 488 Not Acceptable Here");
        }
        for (id, peer) in [
            (transferor, None),
            (transferee, Some(leg)),
            (leg, Some(transferee)),
        ] {
            if let Some(leg) = call.leg_mut(id) {
                leg.peer = peer;
            }
        }
        self.bridge(call);
    }

    /// Sends the re-INVITE, or waits while the transferee negotiates.
    pub(crate) fn bridge(&mut self, call: &mut Call) {
        let now = self.now;
        let Some(transfer) = call.transfer.as_mut() else {
            return;
        };
        let (transferee, target) = (transfer.transferee, transfer.target);
        let busy = call.leg(transferee).is_some_and(Leg::is_negotiating);
        if busy {
            if let Some(transfer) = call.transfer.as_mut() {
                transfer.retry_at = Some(now + RETRY);
            }
            call.dirty = true;
            return;
        }
        let offer = call.leg(target).map(|leg| leg.remote_sdp.clone());
        let payload = Payload::sdp(offer.unwrap_or_default());
        self.send_invite(call, transferee, InvitePurpose::Bridge, payload, "69");
    }

    /// The transferee has taken the target's description: the two are connected.
    pub(crate) fn bridged(&mut self, call: &mut Call, leg: LegId, branch: &str) {
        let until = self.now + GIVE_UP;
        self.acknowledge(call, leg, branch, Payload::default());
        if let Some(transfer) = call.transfer.as_mut() {
            transfer.phase = TransferPhase::Over;
            transfer.expires_at = until;
        }
        self.transfer_news(call, "SIP/2.0 200 OK", true);
        self.note(false, format!("call {}: transferred", call.key));
    }

    pub(crate) fn bridge_failed(&mut self, call: &mut Call, code: u16) {
        let now = self.now;
        let Some(transfer) = call.transfer.as_mut() else {
            return;
        };
        if code == 491 {
            transfer.retry_at = Some(now + RETRY);
            return;
        }
        let (transferee, target) = (transfer.transferee, transfer.target);
        self.release_leg(call, transferee);
        self.release_leg(call, target);
        self.transfer_failed(call, "SIP/2.0 500 Could Not Connect");
    }
}
