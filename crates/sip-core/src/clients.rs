//! Clients: programs that watch DNs, say what agents do, and ask for hold, retrieve, transfer and release on behalf of a
//! DN. Owns the words for it and what is held: subscriptions and agents, which are replicated under the client's name
//! (so a client that is connected to both servers goes on with the new primary at once), and, not replicated, sessions,
//! what was told last, and the reference IDs of requests under way. Requests are `requests.rs`, events `events.rs`.

mod events;
mod requests;

use crate::core::{SipCore, Timer};
use crate::ids::CallKey;
use changeover_model::RunMode;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Most clients at a time, connected or not.
const MOST_CLIENTS: usize = 1_000;
/// Most subscriptions of a client.
const MOST_SUBSCRIPTIONS: usize = 1_000;
/// Most agents that are logged in.
const MOST_AGENTS: usize = 10_000;
/// Most requests of a session that are under way.
const MOST_PENDING: usize = 64;
/// Longest name of a client, an agent or a DN, bytes.
const LONGEST: usize = 255;
/// How long the subscriptions of a client that has gone are kept.
const ABSENCE: Duration = Duration::from_secs(60);

/// True for what a client may dial: nothing that could mean anything else within a URI or a message.
pub(crate) fn is_dialable(number: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || "+*#-_.".contains(c);
    (1..=64).contains(&number.len()) && number.chars().all(fine)
}

/// A client's connection, given by the shell, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgentState {
    /// Logged in, takes no calls.
    NotReady,
    /// Takes calls.
    Ready,
    /// Busy with what the last call left behind.
    AfterCallWork,
}

/// Where a call stands for one of its DNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallState {
    /// It calls.
    Dialing,
    /// It calls and waits on a Routing Point.
    Queued,
    /// It is called.
    Ringing,
    /// It talks.
    Established,
    /// It has put the other side on hold.
    Held,
    /// It is not in the call any more.
    Released,
}

/// What a client asks for. Calls are named by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientRequest {
    /// Tell what happens on this DN.
    Subscribe(String),
    /// No more of it.
    Unsubscribe(String),
    /// An agent logs in at a DN, not ready.
    LogIn {
        /// Who.
        agent: String,
        /// Where.
        dn: String,
    },
    /// An agent logs out.
    LogOut(String),
    /// An agent does something else.
    SetAgentState {
        /// Who.
        agent: String,
        /// What.
        state: AgentState,
    },
    /// Something is done with a call on behalf of a DN that is in it.
    Control {
        /// The DN; the client must have subscribed to it.
        dn: String,
        /// The call.
        call: CallKey,
        /// What.
        action: CallAction,
    },
}

/// What can be done with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallAction {
    /// The other side is put on hold.
    Hold,
    /// The other side is talked to again.
    Retrieve,
    /// The other side is connected with this DN instead.
    Transfer(String),
    /// The DN leaves; a call of two ends.
    Release,
    /// A call that waits on a Routing Point goes to this DN.
    Route(String),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedBecause {
    /// This server is not primary: the client's other connection is the one to ask.
    NotPrimary,
    /// There is no such call, DN in it, agent or subscription.
    Unknown,
    /// Not in the state that it is in.
    WrongState,
    /// It could not be carried out; the text says what came in between.
    Failed,
    /// A bound was met.
    TooMany,
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// The run mode of this server: at the beginning, and whenever it changes.
    RunMode(RunMode),
    /// A request that has no other event is done.
    Done {
        /// Its reference ID.
        reference: u64,
    },
    /// A request is not carried out.
    Refused {
        /// Its reference ID.
        reference: u64,
        /// Why.
        because: RefusedBecause,
        /// In words.
        text: String,
    },
    /// A call stands differently for a DN, or stands there when somebody subscribes or a new primary begins.
    Call {
        /// The DN.
        dn: String,
        /// The call.
        call: CallKey,
        /// Where it stands.
        state: CallState,
        /// The DN on the other side, if there is one.
        other: String,
        /// Reference ID of the request that led to it, towards who asked.
        reference: Option<u64>,
    },
    /// An agent does something else.
    Agent {
        /// Who.
        agent: String,
        /// Where.
        dn: String,
        /// What; `None` = logged out.
        state: Option<AgentState>,
        /// Reference ID of the request that led to it, towards who asked.
        reference: Option<u64>,
    },
}

/// Names one piece of what clients have left with the server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SharedKey {
    /// The client of this name.
    Client(String),
    /// The agent of this name.
    Agent(String),
}

/// One piece of what clients have left with the server, which is replicated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shared {
    /// DNs that a client has subscribed to.
    Subscriptions(BTreeSet<String>),
    /// An agent is logged in.
    LoggedIn {
        /// At this DN.
        dn: String,
        /// And does this.
        state: AgentState,
    },
}

/// A request whose event has not come yet.
#[derive(Clone, Debug)]
struct Pending {
    session: SessionId,
    reference: u64,
    dn: String,
    call: CallKey,
    wanted: CallState,
}

/// Everything about clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clients {
    sessions: BTreeMap<SessionId, String>,
    by_name: BTreeMap<String, SessionId>,
    shared: BTreeMap<SharedKey, Shared>,
    /// Who wants to know of a DN.
    interest: BTreeMap<String, BTreeSet<String>>,
    /// What was told last; without what is released.
    told: BTreeMap<(CallKey, String), CallState>,
    pending: Vec<Pending>,
    /// Everything is to be told (again).
    tell_all: bool,
    changed: BTreeSet<SharedKey>,
    recorded: u64,
}

impl Clients {
    pub(crate) fn recorded(&self) -> u64 {
        self.recorded
    }

    pub(crate) fn set_recorded(&mut self, number: u64) {
        self.recorded = number;
    }

    pub(crate) fn take_changed(&mut self) -> BTreeSet<SharedKey> {
        std::mem::take(&mut self.changed)
    }

    pub(crate) fn shared(&self, key: &SharedKey) -> Option<&Shared> {
        self.shared.get(key)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &SharedKey> {
        self.shared.keys()
    }

    /// What stands behind a key, for a snapshot.
    pub(crate) fn after(
        &self,
        last: Option<&SharedKey>,
    ) -> impl Iterator<Item = (&SharedKey, &Shared)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = last.map_or(Unbounded, Excluded);
        self.shared.range::<SharedKey, _>((from, Unbounded))
    }

    /// Puts in, or takes out, one piece: by a request here, or as the primary says.
    pub(crate) fn put(&mut self, key: SharedKey, value: Option<Shared>) {
        if let SharedKey::Client(name) = &key {
            self.interest.retain(|_, names| {
                names.remove(name);
                !names.is_empty()
            });
            if let Some(Shared::Subscriptions(dns)) = &value {
                for dn in dns {
                    let names = self.interest.entry(dn.clone()).or_default();
                    names.insert(name.clone());
                }
            }
        }
        match value {
            Some(value) => {
                self.shared.insert(key, value);
            }
            None => {
                self.shared.remove(&key);
            }
        }
    }

    fn subscriptions(&self, name: &str) -> BTreeSet<String> {
        match self.shared.get(&SharedKey::Client(name.to_owned())) {
            Some(Shared::Subscriptions(dns)) => dns.clone(),
            Some(Shared::LoggedIn { .. }) | None => BTreeSet::new(),
        }
    }

    /// Sessions that want to know of a DN.
    fn listeners(&self, dn: &str) -> Vec<SessionId> {
        let names = self.interest.get(dn).into_iter().flatten();
        names
            .filter_map(|name| self.by_name.get(name).copied())
            .collect()
    }

    /// Clients whose subscriptions are held, agents that are logged in.
    pub(crate) fn count(&self) -> (usize, usize) {
        let clients = self.shared.keys();
        let clients = clients
            .filter(|key| matches!(key, SharedKey::Client(_)))
            .count();
        (clients, self.shared.len() - clients)
    }

    /// Somebody has asked for the release of this DN.
    fn awaits_release(&self, call: CallKey, dn: &str) -> bool {
        let mut pending = self.pending.iter();
        pending.any(|it| it.call == call && it.dn == dn && it.wanted == CallState::Released)
    }

    /// Requests whose event has not come yet; calls at DNs that were told.
    pub(crate) fn under_way(&self) -> (usize, usize) {
        (self.pending.len(), self.told.len())
    }
}

impl SipCore {
    /// A client is there. Its name is its identity on both servers; an older session of that name ends.
    pub(crate) fn client_connected(&mut self, session: SessionId, name: String) {
        if let Some(old) = self.audience.by_name.insert(name.clone(), session) {
            self.audience.sessions.remove(&old);
            self.emit(crate::SipOutput::CloseClient { session: old });
        }
        self.timers.cancel(&Timer::Absent(name.clone()));
        self.audience.sessions.insert(session, name.clone());
        let run_mode = self.run_mode;
        self.tell_now(session, ClientEvent::RunMode(run_mode));
        if self.is_primary() {
            for dn in self.audience.subscriptions(&name) {
                self.tell_state(session, &dn);
            }
        }
    }

    /// A client has gone. A primary keeps its subscriptions for a while.
    pub(crate) fn client_gone(&mut self, session: SessionId) {
        let Some(name) = self.audience.sessions.remove(&session) else {
            return;
        };
        self.audience.pending.retain(|it| it.session != session);
        if self.audience.by_name.get(&name) == Some(&session) {
            self.audience.by_name.remove(&name);
            self.await_client(name);
        }
    }

    fn await_client(&mut self, name: String) {
        if self.is_primary() {
            self.timers.set(Timer::Absent(name), self.now + ABSENCE);
        }
    }

    /// It has not come back.
    pub(crate) fn client_absent(&mut self, name: String) {
        if !self.audience.by_name.contains_key(&name) {
            self.change_shared(SharedKey::Client(name), None);
        }
    }

    fn change_shared(&mut self, key: SharedKey, value: Option<Shared>) {
        self.audience.put(key.clone(), value);
        self.audience.changed.insert(key);
    }

    /// This server has become primary: its clients hear so, and then how everything stands. What was told by the
    /// predecessor is told again, since nobody knows what of it arrived.
    pub(crate) fn clients_taken_over(&mut self) {
        self.tell_run_mode();
        self.audience.told.clear();
        self.audience.tell_all = true;
        let names: Vec<String> = self
            .audience
            .keys()
            .filter_map(|key| match key {
                SharedKey::Client(name) => Some(name.clone()),
                SharedKey::Agent(_) => None,
            })
            .filter(|name| !self.audience.by_name.contains_key(name))
            .collect();
        for name in names {
            self.await_client(name);
        }
    }

    /// This server is not primary any more: what is under way here gets no event from here.
    pub(crate) fn clients_handed_over(&mut self) {
        for it in std::mem::take(&mut self.audience.pending) {
            let event = ClientEvent::Refused {
                reference: it.reference,
                because: RefusedBecause::NotPrimary,
                text: "a switchover came in between".to_owned(),
            };
            self.tell_now(it.session, event);
        }
        self.audience.told.clear();
        self.audience.changed.clear();
        for key in self.audience.keys().cloned().collect::<Vec<_>>() {
            if let SharedKey::Client(name) = key {
                self.timers.cancel(&Timer::Absent(name));
            }
        }
        self.tell_run_mode();
    }

    pub(crate) fn tell_run_mode(&mut self) {
        let run_mode = self.run_mode;
        for session in self.audience.sessions.keys().copied().collect::<Vec<_>>() {
            self.tell_now(session, ClientEvent::RunMode(run_mode));
        }
    }

    /// Tells at once what rests on nothing.
    fn tell_now(&mut self, session: SessionId, event: ClientEvent) {
        self.emit(crate::SipOutput::ToClient { session, event });
    }
}
