//! What clients are told of calls and agents: after each input, whatever stands differently from what was told.

use super::{AgentState, CallState, ClientEvent, SessionId, Shared, SharedKey};
use crate::call::{Call, Leg, Phase};
use crate::commit::Behind;
use crate::core::SipCore;
use crate::ids::CallKey;
use std::collections::BTreeMap;

/// Where a call stands for each of its DNs, and who is on the other side.
fn states_of(call: &Call) -> BTreeMap<&str, (CallState, &str)> {
    let mut states = BTreeMap::new();
    for leg in &call.legs {
        if let Some(state) = state_of(call, leg) {
            let other = leg.peer.and_then(|id| call.leg(id));
            let other = other.map_or("", |leg| leg.dn.as_str());
            let known = states.entry(leg.dn.as_str()).or_insert((state, other));
            // A DN that is in a call twice is in it as long as it is in it once.
            if known.0 == CallState::Released {
                *known = (state, other);
            }
        }
    }
    states
}

fn state_of(call: &Call, leg: &Leg) -> Option<CallState> {
    Some(match leg.phase {
        Phase::Ending | Phase::Ended => CallState::Released,
        Phase::Early if leg.awaits_us() => match call.parked {
            Some(_) => CallState::Queued,
            None => CallState::Dialing,
        },
        // Until its phone has said a word nothing rings there.
        Phase::Early => return leg.remote_tag.as_ref().map(|_| CallState::Ringing),
        Phase::Confirmed => {
            let held_by_other = leg.peer.and_then(|id| call.leg(id));
            let held_by_other = held_by_other.is_some_and(|other| other.on_hold);
            if leg.on_hold || (!held_by_other && crate::sdp::is_hold(&leg.remote_sdp)) {
                CallState::Held
            } else {
                CallState::Established
            }
        }
    })
}

impl SipCore {
    /// Tells a session once what this rests on is safe.
    pub(crate) fn send_to_client(
        &mut self,
        behind: Behind,
        session: SessionId,
        event: ClientEvent,
    ) {
        let outgoing = crate::commit::Outgoing::Client(session, event);
        self.pending.push((behind, outgoing));
    }

    pub(super) fn tell(&mut self, session: SessionId, event: ClientEvent) {
        self.send_to_client(Behind::Clients, session, event);
    }

    /// Before what an input changed is recorded: what of it clients are told.
    pub(crate) fn tell_clients(&mut self) {
        let all = std::mem::take(&mut self.audience.tell_all);
        if self.audience.interest.is_empty() && self.audience.pending.is_empty() {
            // Whoever listens next is told how everything stands.
            self.audience.told.clear();
            return;
        }
        let keys: Vec<CallKey> = if all {
            self.calls.keys().copied().collect()
        } else {
            self.changed.iter().copied().collect()
        };
        for key in keys {
            self.tell_call(key);
        }
        for key in self.gone.clone() {
            let told: Vec<(CallKey, String)> = self.told_of(key);
            for it in told {
                self.audience.told.remove(&it);
            }
        }
        if all {
            self.tell_all_agents();
        }
    }

    fn told_of(&self, key: CallKey) -> Vec<(CallKey, String)> {
        let told = self.audience.told.range((key, String::new())..);
        let told = told.take_while(|((call, _), _)| *call == key);
        told.map(|(it, _)| it.clone()).collect()
    }

    fn tell_call(&mut self, key: CallKey) {
        let Some(entry) = self.calls.get(&key) else {
            return;
        };
        let states = states_of(&entry.call);
        let mut news: Vec<(String, CallState, String)> = Vec::new();
        for (dn, (state, other)) in &states {
            if !self.audience.interest.contains_key(*dn) {
                continue;
            }
            let told = self.audience.told.get(&(key, (*dn).to_owned()));
            let is_news = match (told, state) {
                // Nobody knew of it, unless it was asked for before the phone had said a word.
                (None, CallState::Released) => self.audience.awaits_release(key, dn),
                (told, state) => told != Some(state),
            };
            if is_news {
                news.push(((*dn).to_owned(), *state, (*other).to_owned()));
            }
        }
        // Legs that are not even there any more.
        for (_, dn) in self.told_of(key) {
            if !states.contains_key(dn.as_str()) {
                news.push((dn, CallState::Released, String::new()));
            }
        }
        for (dn, state, other) in news {
            let at = (key, dn.clone());
            if state == CallState::Released {
                self.audience.told.remove(&at);
            } else {
                self.audience.told.insert(at, state);
            }
            self.tell_news(key, &dn, state, &other);
        }
    }

    fn tell_news(&mut self, key: CallKey, dn: &str, state: CallState, other: &str) {
        for session in self.audience.listeners(dn) {
            let event = ClientEvent::Call {
                dn: dn.to_owned(),
                call: key,
                state,
                other: other.to_owned(),
                reference: self.answered(session, key, dn, state),
            };
            self.send_to_client(Behind::Call(key), session, event);
        }
        if state == CallState::Released {
            let of_it = |it: &super::Pending| it.call == key && it.dn == dn;
            self.end_requests(of_it, "the DN has left the call");
        }
    }

    /// The reference ID of the request of this session that wanted this.
    fn answered(
        &mut self,
        session: SessionId,
        call: CallKey,
        dn: &str,
        state: CallState,
    ) -> Option<u64> {
        let at = self.audience.pending.iter().position(|it| {
            it.session == session && it.call == call && it.dn == dn && it.wanted == state
        })?;
        Some(self.audience.pending.remove(at).reference)
    }

    pub(super) fn tell_agent(
        &mut self,
        agent: &str,
        dn: &str,
        state: Option<AgentState>,
        asked: SessionId,
        reference: u64,
    ) {
        for session in self.audience.listeners(dn) {
            let event = ClientEvent::Agent {
                agent: agent.to_owned(),
                dn: dn.to_owned(),
                state,
                reference: Some(reference).filter(|_| session == asked),
            };
            self.tell(session, event);
        }
    }

    fn tell_all_agents(&mut self) {
        let dns: Vec<String> = self.audience.interest.keys().cloned().collect();
        for dn in dns {
            for session in self.audience.listeners(&dn) {
                self.tell_agents_at(session, &dn);
            }
        }
    }

    fn tell_agents_at(&mut self, session: SessionId, dn: &str) {
        let agents: Vec<ClientEvent> = self
            .audience
            .shared
            .iter()
            .filter_map(|(key, shared)| match (key, shared) {
                (SharedKey::Agent(agent), Shared::LoggedIn { dn: at, state }) if at == dn => {
                    Some(ClientEvent::Agent {
                        agent: agent.clone(),
                        dn: dn.to_owned(),
                        state: Some(*state),
                        reference: None,
                    })
                }
                (SharedKey::Agent(_) | SharedKey::Client(_), _) => None,
            })
            .collect();
        for event in agents {
            self.tell(session, event);
        }
    }

    /// How everything on a DN stands, for who has just begun to listen.
    pub(super) fn tell_state(&mut self, session: SessionId, dn: &str) {
        let mut standing = Vec::new();
        for (key, entry) in &self.calls {
            if let Some((state, other)) = states_of(&entry.call).get(dn)
                && *state != CallState::Released
            {
                standing.push((*key, *state, (*other).to_owned()));
            }
        }
        for (call, state, other) in standing {
            self.audience.told.insert((call, dn.to_owned()), state);
            let event = ClientEvent::Call {
                dn: dn.to_owned(),
                call,
                state,
                other,
                reference: None,
            };
            self.send_to_client(Behind::Call(call), session, event);
        }
        self.tell_agents_at(session, dn);
    }
}
