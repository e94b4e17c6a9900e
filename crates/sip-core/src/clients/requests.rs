//! What clients ask for: checked here, carried out here or in `call/control.rs`.

use super::{
    AgentState, CallAction, CallState, ClientEvent, ClientRequest, LONGEST, MOST_AGENTS,
    MOST_CLIENTS, MOST_PENDING, MOST_SUBSCRIPTIONS, Pending, RefusedBecause, SessionId, Shared,
    SharedKey,
};
use crate::commit::Behind;
use crate::core::SipCore;
use crate::ids::CallKey;

/// Why a request is not carried out.
pub(crate) type Why = (RefusedBecause, &'static str);

const NO_CALL: Why = (
    RefusedBecause::Unknown,
    "there is no such call with this DN in it",
);

impl SipCore {
    /// A request of a client. It is answered, or its event comes, once what it changed is safe.
    pub(crate) fn client_requested(
        &mut self,
        session: SessionId,
        reference: u64,
        request: ClientRequest,
    ) {
        let Some(name) = self.audience.sessions.get(&session).cloned() else {
            return;
        };
        let done = if self.is_primary() {
            self.carry_out(session, &name, reference, request)
        } else {
            Err((
                RefusedBecause::NotPrimary,
                "this server is not primary; ask the other one",
            ))
        };
        if let Err((because, text)) = done {
            let event = ClientEvent::Refused {
                reference,
                because,
                text: text.to_owned(),
            };
            self.tell_now(session, event);
        }
    }

    fn carry_out(
        &mut self,
        session: SessionId,
        name: &str,
        reference: u64,
        request: ClientRequest,
    ) -> Result<(), Why> {
        match request {
            ClientRequest::Subscribe(dn) => {
                self.subscribe(name, &dn)?;
                self.tell(session, ClientEvent::Done { reference });
                self.tell_state(session, &dn);
            }
            ClientRequest::Unsubscribe(dn) => {
                let mut dns = self.audience.subscriptions(name);
                if !dns.remove(&dn) {
                    return Err((RefusedBecause::Unknown, "it has not subscribed to this DN"));
                }
                let rest = Some(dns).filter(|dns| !dns.is_empty());
                let key = SharedKey::Client(name.to_owned());
                self.change_shared(key, rest.map(Shared::Subscriptions));
                // What it asked for there would come about without a word to it.
                let of_it = |it: &Pending| it.session == session && it.dn == dn;
                self.end_requests(of_it, "it has unsubscribed from the DN");
                self.tell(session, ClientEvent::Done { reference });
            }
            ClientRequest::LogIn { agent, dn } => {
                self.may_act_for(name, &dn)?;
                self.log_in(&agent, &dn)?;
                self.tell_agent(&agent, &dn, Some(AgentState::NotReady), session, reference);
            }
            ClientRequest::LogOut(agent) => {
                let dn = self.dn_of(name, &agent)?;
                self.change_shared(SharedKey::Agent(agent.clone()), None);
                self.tell_agent(&agent, &dn, None, session, reference);
            }
            ClientRequest::SetAgentState { agent, state } => {
                let dn = self.dn_of(name, &agent)?;
                let shared = Shared::LoggedIn {
                    dn: dn.clone(),
                    state,
                };
                self.change_shared(SharedKey::Agent(agent.clone()), Some(shared));
                self.tell_agent(&agent, &dn, Some(state), session, reference);
            }
            ClientRequest::Control { dn, call, action } => {
                self.may_act_for(name, &dn)?;
                self.control(session, reference, dn, call, action)?;
            }
        }
        Ok(())
    }

    fn subscribe(&mut self, name: &str, dn: &str) -> Result<(), Why> {
        let dns_known = &self.config.switch.dns;
        if dn.is_empty()
            || dn.len() > LONGEST
            || (!dns_known.is_empty() && !dns_known.contains_key(dn))
        {
            return Err((RefusedBecause::Unknown, "the Switch has no such DN"));
        }
        let mut dns = self.audience.subscriptions(name);
        let is_new = dns.is_empty();
        if dns.len() >= MOST_SUBSCRIPTIONS || (is_new && self.audience.count().0 >= MOST_CLIENTS) {
            return Err((RefusedBecause::TooMany, "too many clients or subscriptions"));
        }
        if dns.insert(dn.to_owned()) {
            let key = SharedKey::Client(name.to_owned());
            self.change_shared(key, Some(Shared::Subscriptions(dns)));
        }
        Ok(())
    }

    /// Who wants to act for a DN watches it, so that it hears what becomes of it.
    fn may_act_for(&self, name: &str, dn: &str) -> Result<(), Why> {
        if self.audience.subscriptions(name).contains(dn) {
            Ok(())
        } else {
            Err((RefusedBecause::Unknown, "subscribe to the DN first"))
        }
    }

    fn log_in(&mut self, agent: &str, dn: &str) -> Result<(), Why> {
        if agent.is_empty() || agent.len() > LONGEST {
            return Err((
                RefusedBecause::Unknown,
                "an agent has a name of 1 to 255 bytes",
            ));
        }
        let key = SharedKey::Agent(agent.to_owned());
        if self.audience.shared(&key).is_some() {
            return Err((RefusedBecause::WrongState, "the agent is logged in already"));
        }
        if self.audience.count().1 >= MOST_AGENTS {
            return Err((RefusedBecause::TooMany, "too many agents"));
        }
        let shared = Shared::LoggedIn {
            dn: dn.to_owned(),
            state: AgentState::NotReady,
        };
        self.change_shared(key, Some(shared));
        Ok(())
    }

    /// The DN at which an agent is logged in.
    fn dn_of(&self, name: &str, agent: &str) -> Result<String, Why> {
        let shared = self.audience.shared(&SharedKey::Agent(agent.to_owned()));
        let Some(Shared::LoggedIn { dn, .. }) = shared else {
            return Err((RefusedBecause::WrongState, "the agent is not logged in"));
        };
        self.may_act_for(name, dn)?;
        Ok(dn.clone())
    }

    fn control(
        &mut self,
        session: SessionId,
        reference: u64,
        dn: String,
        call: CallKey,
        action: CallAction,
    ) -> Result<(), Why> {
        let under_way = self.audience.pending.iter();
        if under_way.filter(|it| it.session == session).count() >= MOST_PENDING {
            return Err((RefusedBecause::TooMany, "too many requests are under way"));
        }
        let wanted = match &action {
            CallAction::Hold => CallState::Held,
            CallAction::Retrieve => CallState::Established,
            CallAction::Transfer(_) | CallAction::Release => CallState::Released,
            CallAction::Route(to) => {
                let to = to.clone();
                return self.route(session, reference, call, &to);
            }
        };
        self.with_call(call, |core, call| core.act_for(call, &dn, &action))
            .unwrap_or(Err(NO_CALL))?;
        self.audience.pending.push(Pending {
            session,
            reference,
            dn,
            call,
            wanted,
        });
        Ok(())
    }

    fn route(
        &mut self,
        session: SessionId,
        reference: u64,
        call: CallKey,
        to: &str,
    ) -> Result<(), Why> {
        if !super::is_dialable(to) {
            return Err((RefusedBecause::Unknown, "nobody has such a number"));
        }
        match self.with_call(call, |core, call| core.unpark(call, to)) {
            Some(true) => {
                self.send_to_client(Behind::Call(call), session, ClientEvent::Done { reference })
            }
            Some(false) => {
                return Err((
                    RefusedBecause::WrongState,
                    "the call is not parked, or nobody is reachable there",
                ));
            }
            None => return Err(NO_CALL),
        }
        Ok(())
    }

    /// What was asked for does not come about.
    pub(crate) fn request_failed(&mut self, call: CallKey, wanted: CallState, text: &str) {
        self.end_requests(|it| it.call == call && it.wanted == wanted, text);
    }

    /// Nothing more comes of these requests.
    pub(super) fn end_requests(&mut self, which: impl Fn(&Pending) -> bool, text: &str) {
        let (over, others) = std::mem::take(&mut self.audience.pending)
            .into_iter()
            .partition(which);
        self.audience.pending = others;
        for it in over {
            let event = ClientEvent::Refused {
                reference: it.reference,
                because: RefusedBecause::Failed,
                text: text.to_owned(),
            };
            self.send_to_client(Behind::Call(it.call), it.session, event);
        }
    }
}
