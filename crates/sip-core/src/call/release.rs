//! Ending: BYE in both directions, legs that are over, the tombstone of a call.

use crate::call::client::Payload;
use crate::call::server::Answer;
use crate::call::{Call, Cancel, ClientPhase, GIVE_UP, LegId, Phase};
use crate::commit::Behind;
use crate::core::SipCore;
use crate::ids::CallKey;
use crate::transactions::Purpose;

/// Most legs that a call keeps; ended ones go first.
const MOST_LEGS: usize = 6;

impl SipCore {
    /// Ends a leg from our side, whatever state it is in.
    pub(crate) fn release_leg(&mut self, call: &mut Call, leg_id: LegId) {
        let Some(leg) = call.leg(leg_id) else {
            return;
        };
        match leg.phase {
            Phase::Ending | Phase::Ended => {}
            Phase::Early => {
                if leg.awaits_us() {
                    self.answer_invite(call, leg_id, &Answer::of(480, "Temporarily Unavailable"));
                    self.leg_over(call, leg_id);
                } else if leg.awaits_peer() {
                    self.cancel_leg(call, leg_id);
                } else {
                    self.leg_over(call, leg_id);
                }
            }
            Phase::Confirmed => {
                // A 2xx that waits for its ACK gets it before the BYE.
                let unacknowledged: Vec<String> = leg
                    .clients
                    .iter()
                    .filter(|it| it.phase == ClientPhase::Accepted && it.ack.is_empty())
                    .map(|it| it.branch.clone())
                    .collect();
                for branch in unacknowledged {
                    self.acknowledge(call, leg_id, &branch, Payload::default());
                }
                self.answer_invite(call, leg_id, &Answer::of(487, "Request Terminated"));
                self.send_bye(call, leg_id);
            }
        }
    }

    /// Sends (or after a takeover sends again) the BYE of a leg.
    pub(crate) fn send_bye(&mut self, call: &mut Call, leg_id: LegId) {
        let key = call.key;
        let Some(leg) = call.leg_mut(leg_id) else {
            return;
        };
        leg.phase = Phase::Ending;
        leg.local_cseq += 1;
        let bye = leg.request("BYE", leg.local_cseq);
        let to = leg.hop;
        call.dirty = true;
        let purpose = Purpose::Bye(key, leg_id);
        self.open_client(Behind::Call(key), bye, to, purpose);
    }

    pub(crate) fn bye_answered(&mut self, call: CallKey, leg: LegId) {
        self.with_call(call, |core, call| core.leg_over(call, leg));
    }

    /// The leg is over: nothing more is sent on it but repetitions.
    pub(crate) fn leg_over(&mut self, call: &mut Call, leg: LegId) {
        if let Some(leg) = call.leg_mut(leg) {
            leg.phase = Phase::Ended;
            leg.remote_sdp = Vec::new();
            call.dirty = true;
        }
    }

    /// The peer of a leg has hung up; the leg is over already.
    pub(crate) fn peer_left(&mut self, call: &mut Call, leg: LegId) {
        if self.transfer_goes_on_without(call, leg) {
            return;
        }
        if let Some(other) = call.other(leg) {
            self.release_leg(call, other);
        }
    }

    /// Whenever a call is put back: what nobody needs any more goes.
    pub(crate) fn settle(&mut self, call: &mut Call) {
        let over = call.legs.iter().all(|leg| leg.phase == Phase::Ended);
        if over && call.forget_at.is_none() {
            call.forget_at = Some(self.now + GIVE_UP);
            self.tombstones += 1;
            call.transfer = None;
            call.parked = None;
            call.alternatives.clear();
            call.dirty = true;
        }
        while call.legs.len() > MOST_LEGS {
            let Some(at) = call.legs.iter().position(|leg| leg.phase == Phase::Ended) else {
                break;
            };
            let leg = call.legs.remove(at);
            self.unindex_leg(&leg);
        }
    }

    /// INVITEs that went to a peer which cannot be reached over its connection.
    pub(crate) fn invites_failed(&mut self, to: crate::net::Peer) {
        if to.transport == crate::net::Transport::Udp {
            return;
        }
        let waiting: Vec<(CallKey, LegId, String)> = self
            .calls
            .iter()
            .flat_map(|(key, entry)| entry.call.legs.iter().map(move |leg| (*key, leg)))
            .flat_map(|(key, leg)| leg.clients.iter().map(move |it| (key, leg.id, it)))
            .filter(|(_, _, it)| it.to == to && it.phase == ClientPhase::Calling)
            .map(|(key, leg, it)| (key, leg, it.branch.clone()))
            .collect();
        for (key, leg, branch) in waiting {
            self.with_call(key, |core, call| {
                core.invite_unanswered(call, leg, &branch, 503)
            });
        }
    }

    /// An INVITE of ours has got no final response, and will not.
    pub(crate) fn invite_unanswered(
        &mut self,
        call: &mut Call,
        leg: LegId,
        branch: &str,
        code: u16,
    ) {
        let now = self.now;
        let Some(client) = crate::call::client::client_mut(call, leg, branch) else {
            return;
        };
        if client.phase == ClientPhase::Proceeding && client.cancel == Cancel::No {
            // It rings for too long: the callee is told, the caller hears of it by the 487.
            return self.cancel_leg(call, leg);
        }
        client.phase = ClientPhase::Completed;
        client.resend_at = None;
        client.ends_at = Some(now);
        client.request = Vec::new();
        let reason = if code == 503 {
            "Service Unavailable"
        } else {
            "Request Timeout"
        };
        let response = crate::message::Message::response(code, reason);
        self.failed(call, leg, branch, &response);
    }
}
