//! Calls that wait on a Routing Point: the caller hears ringing until somebody routes the call, the default DN is
//! tried, or the wait is over.

use crate::call::client::passed;
use crate::call::incoming::PASSED;
use crate::call::server::Answer;
use crate::call::{Call, LegId, Parked};
use crate::core::SipCore;
use crate::ids::CallKey;
use crate::message::{Message, address};
use changeover_model::environment::DnKind;
use std::time::Duration;

/// How long a call waits on a Routing Point that says nothing else.
const PARKED_FOR: Duration = Duration::from_secs(120);
/// How often a parked caller hears 180, so that no proxy gives up (RFC 3261, 13.3.1.1).
const RING_EVERY: Duration = Duration::from_secs(60);

impl SipCore {
    pub(crate) fn routing_point(&self, uri: &str) -> Option<String> {
        let user = address::sip_uri(uri)?.user;
        let dn = self.config.switch.dns.get(user)?;
        (dn.kind == DnKind::RoutingPoint).then(|| user.to_owned())
    }

    /// Keeps a new call on a Routing Point.
    pub(crate) fn park(&mut self, mut call: Call, dn: String, request: &Message) {
        let settings = self.config.switch.dns.get(&dn);
        let wait = settings
            .and_then(|dn| dn.park_timeout)
            .unwrap_or(PARKED_FOR);
        let mut invite = Message {
            start: request.start.clone(),
            headers: passed(request, PASSED),
            body: request.body.clone(),
        };
        invite.copy(request, "Content-Type");
        self.answer_invite(&mut call, LegId(0), &Answer::of(180, "Ringing"));
        self.note(false, format!("call {}: parked on {dn}", call.key));
        call.parked = Some(Parked {
            dn,
            invite: Box::new(invite),
            until: self.now + wait,
            ring_at: self.now + RING_EVERY,
        });
        self.keep_new(call);
    }

    /// A deadline of a parked call.
    pub(crate) fn parked_due(&mut self, call: &mut Call) {
        let now = self.now;
        let Some(parked) = call.parked.as_mut() else {
            return;
        };
        if parked.until <= now {
            let settings = self.config.switch.dns.get(&parked.dn);
            let default = settings.and_then(|dn| dn.default_dn.clone());
            if !default.is_some_and(|to| self.unpark(call, &to)) {
                call.parked = None;
                self.answer_invite(call, LegId(0), &Answer::of(480, "Nobody Came"));
                self.leg_over(call, LegId(0));
            }
        } else if parked.ring_at <= now {
            parked.ring_at = now + RING_EVERY;
            self.answer_invite(call, LegId(0), &Answer::of(180, "Ringing"));
        }
    }

    /// Routes a parked call at somebody's request.
    pub(crate) fn route_parked(&mut self, key: CallKey, to: &str) {
        let routed = self.with_call(key, |core, call| core.unpark(call, to));
        if routed != Some(true) {
            self.note(
                true,
                format!("call {key} is not parked, or nobody is reachable at {to}"),
            );
        }
    }

    pub(crate) fn unpark(&mut self, call: &mut Call, to: &str) -> bool {
        let uri = format!("sip:{to}@{}", address::host_text(self.config.address.ip()));
        let targets = self.targets_of(&uri).unwrap_or_default();
        if targets.is_empty() {
            return false;
        }
        let Some(parked) = call.parked.take() else {
            return false;
        };
        self.set_out(call, &parked.invite, targets);
        call.dirty = true;
        true
    }
}
