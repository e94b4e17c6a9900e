//! The deadlines of a call: repetitions, transactions that give up, the end of tombstones.

use crate::call::client::{Payload, client_mut};
use crate::call::{Call, ClientPhase, InviteClient, InviteServer, LegId, Phase, ServerPhase, T2};
use crate::commit::Behind;
use crate::core::SipCore;
use crate::ids::CallKey;
use crate::transactions::origin;
use changeover_model::Timestamp;

fn is_due(at: Option<Timestamp>, now: Timestamp) -> bool {
    at.is_some_and(|at| at <= now)
}

impl SipCore {
    /// Some deadline of a call has come.
    pub(crate) fn call_due(&mut self, key: CallKey) {
        let now = self.now;
        let forget = self
            .calls
            .get(&key)
            .is_some_and(|entry| is_due(entry.call.forget_at, now));
        if forget {
            return self.forget_call(key);
        }
        self.with_call(key, |core, call| {
            core.parked_due(call);
            core.transfer_due(call);
            core.audit_due(call);
            let legs: Vec<LegId> = call.legs.iter().map(|leg| leg.id).collect();
            for leg in legs {
                core.servers_due(call, leg);
                core.clients_due(call, leg);
            }
        });
    }

    fn servers_due(&mut self, call: &mut Call, leg_id: LegId) {
        let (key, now) = (call.key, self.now);
        let Some(leg) = call.leg_mut(leg_id) else {
            return;
        };
        let (mut repeated, mut over) = (Vec::new(), Vec::new());
        let mut unacknowledged = false;
        for server in &mut leg.servers {
            if is_due(server.ends_at, now) {
                unacknowledged |= server.phase == ServerPhase::Accepted;
                over.push(origin(
                    &leg.call_id,
                    leg.remote_tag.as_deref(),
                    server.cseq,
                    "INVITE",
                ));
                self.invite_servers.remove(&server.key);
            } else if is_due(server.resend_at, now) {
                server.repeat_in(now);
                repeated.push((server.reply_to, server.last.clone()));
            }
        }
        leg.servers.retain(|server| !is_due(server.ends_at, now));
        for origin in over {
            self.origins.remove(&origin);
        }
        for (to, bytes) in repeated {
            self.send(Behind::Call(key), to, bytes);
        }
        if unacknowledged {
            self.note(
                true,
                format!("call {key}: nobody acknowledged its answer; it is released"),
            );
            let other = call.other(leg_id);
            self.release_leg(call, leg_id);
            if let Some(other) = other {
                self.release_leg(call, other);
            }
        }
    }

    fn clients_due(&mut self, call: &mut Call, leg_id: LegId) {
        let (key, now) = (call.key, self.now);
        let Some(leg) = call.leg_mut(leg_id) else {
            return;
        };
        let mut repeated = Vec::new();
        let mut over = Vec::new();
        for client in &mut leg.clients {
            if is_due(client.ends_at, now) {
                over.push(client.branch.clone());
            } else if is_due(client.resend_at, now) {
                client.repeat_in(now);
                repeated.push((client.to, client.request.clone()));
            }
        }
        for (to, bytes) in repeated {
            self.send(Behind::Call(key), to, bytes);
        }
        for branch in over {
            self.client_over(call, leg_id, &branch);
        }
        if let Some(leg) = call.leg_mut(leg_id) {
            leg.clients.retain(|client| {
                let open = matches!(client.phase, ClientPhase::Calling | ClientPhase::Proceeding);
                let gone = !open && is_due(client.ends_at, now);
                if gone {
                    self.invite_clients.remove(&client.branch);
                }
                !gone
            });
        }
    }

    fn client_over(&mut self, call: &mut Call, leg_id: LegId, branch: &str) {
        let Some(client) = client_mut(call, leg_id, branch) else {
            return;
        };
        match client.phase {
            ClientPhase::Calling | ClientPhase::Proceeding => {
                self.invite_unanswered(call, leg_id, branch, 408);
            }
            // The ACK with the answer never came from the other side.
            ClientPhase::Accepted if client.ack.is_empty() => {
                self.acknowledge(call, leg_id, branch, Payload::default());
                let up = call
                    .leg(leg_id)
                    .is_some_and(|leg| leg.phase == Phase::Confirmed);
                if up {
                    self.release_leg(call, leg_id);
                    if let Some(other) = call.other(leg_id) {
                        self.release_leg(call, other);
                    }
                }
            }
            ClientPhase::Accepted | ClientPhase::Completed => {}
        }
    }
}

impl InviteServer {
    fn repeat_in(&mut self, now: Timestamp) {
        self.interval = (self.interval * 2).min(T2);
        self.resend_at = Some(now + self.interval);
    }
}

impl InviteClient {
    fn repeat_in(&mut self, now: Timestamp) {
        self.interval *= 2;
        self.resend_at = Some(now + self.interval);
    }
}
