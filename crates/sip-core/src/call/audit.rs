//! Calls that nobody is in any more: a phone that died says no BYE, and a server that took over without having been
//! told everything may hold calls that are over. So each call is asked about now and then, by an OPTIONS in each of
//! its dialogs; who says 481, or nothing, is not in it.

use crate::call::{Call, LegId, Phase};
use crate::commit::Behind;
use crate::core::SipCore;
use crate::ids::CallKey;
use crate::transactions::Purpose;
use changeover_model::Timestamp;
use std::time::Duration;

/// How often a call is asked about.
const EVERY: Duration = Duration::from_secs(30 * 60);
/// After a takeover: how soon, and spread over how many seconds, so that ten thousand calls are no burst. A server
/// that was in step has no reason to hurry.
const IN_STEP: (u64, u64) = (900, 900);
const OUT_OF_STEP: (u64, u64) = (5, 60);

impl SipCore {
    pub(crate) fn first_audit(&self) -> Timestamp {
        self.now + EVERY
    }

    /// When a call is asked about that was taken over.
    pub(crate) fn audit_after_takeover(&self, key: CallKey, was_in_step: bool) -> Timestamp {
        let (soonest, spread) = if was_in_step { IN_STEP } else { OUT_OF_STEP };
        let share = crate::ids::mixed(key.number) % (spread * 1000);
        self.now + Duration::from_secs(soonest) + Duration::from_millis(share)
    }

    pub(crate) fn audit_due(&mut self, call: &mut Call) {
        let now = self.now;
        if call.audit_at().is_none_or(|at| at > now) {
            return;
        }
        call.audit_at = now + EVERY;
        let key = call.key;
        let mut questions = Vec::new();
        for leg in &mut call.legs {
            if leg.phase == Phase::Confirmed && !leg.is_negotiating() {
                leg.local_cseq += 1;
                questions.push((leg.id, leg.hop, leg.request("OPTIONS", leg.local_cseq)));
            }
        }
        for (leg, hop, question) in questions {
            call.dirty = true;
            let question = question.with("Accept", "application/sdp");
            self.open_client(Behind::Call(key), question, hop, Purpose::Audit(key, leg));
        }
    }

    /// A peer has said whether it is still in the call.
    pub(crate) fn audited(&mut self, call: CallKey, leg: LegId, code: u16) {
        if !matches!(code, 408 | 481) {
            return;
        }
        self.with_call(call, |core, call| {
            if call
                .leg(leg)
                .is_some_and(|leg| leg.phase == Phase::Confirmed)
            {
                core.note(
                    true,
                    format!("call {}: leg {} is gone ({code})", call.key, leg.0),
                );
                core.leg_over(call, leg);
                core.peer_left(call, leg);
            }
        });
    }
}
