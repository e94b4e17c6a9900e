//! Clients over gRPC: sessions, their queues, and the words of the wire. What is asked and told is `sip-core`'s
//! (`clients.rs` there).

use crate::ha_link::tell;
use changeover_component::Handle;
use changeover_rpc::identity::{Gate, Need, PeerIdentity};
use changeover_rpc::wire;
use changeover_rpc::wire::from_sip_client::Request as Asked;
use changeover_rpc::wire::sip_clients_server::SipClients;
use changeover_rpc::wire::to_sip_client::{
    AgentChanged, CallChanged, Done, Event, Refused, RunModeEntered,
};
use changeover_sip_core::{
    AgentState, CallAction, CallKey, CallState, ClientEvent, ClientRequest, RefusedBecause,
    SessionId, SipCore, SipInput,
};
use futures::Stream;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// Events that wait for a client; one that falls behind further is disconnected, and subscribes to a whole picture.
const QUEUE: usize = 4_096;
/// Most sessions at a time.
const MOST: usize = 256;
/// How long a client may take to say who it is.
const HELLO: Duration = Duration::from_secs(5);
/// Longest name, bytes.
const LONGEST_NAME: usize = 200;

type Told = mpsc::Sender<Result<wire::ToSipClient, Status>>;

struct Session {
    queue: Told,
    /// Dropped: the session ends.
    _open: oneshot::Sender<()>,
}

#[derive(Default)]
struct Sessions {
    latest: u64,
    open: BTreeMap<SessionId, Session>,
}

/// The sessions of all clients. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Audience {
    sessions: Arc<Mutex<Sessions>>,
}

impl Audience {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // Nothing in it can be half done when a thread panics.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, queue: Told) -> Result<(SessionId, oneshot::Receiver<()>), Status> {
        let mut sessions = self.sessions();
        if sessions.open.len() >= MOST {
            return Err(Status::resource_exhausted("too many clients are connected"));
        }
        sessions.latest += 1;
        let id = SessionId(sessions.latest);
        let (open, closed) = oneshot::channel();
        let session = Session { queue, _open: open };
        sessions.open.insert(id, session);
        Ok((id, closed))
    }

    /// Tells a client. One that does not read ends.
    pub(crate) fn tell(&self, session: SessionId, event: ClientEvent) {
        let mut sessions = self.sessions();
        let Some(it) = sessions.open.get(&session) else {
            return;
        };
        if it.queue.try_send(Ok(told(event))).is_err() {
            tracing::warn!("a client does not read what it is told; it is disconnected");
            sessions.open.remove(&session);
        }
    }

    pub(crate) fn close(&self, session: SessionId) {
        self.sessions().open.remove(&session);
    }
}

/// The service for clients.
#[derive(Clone)]
pub(crate) struct Attendance {
    pub(crate) handle: Handle<SipCore>,
    pub(crate) audience: Audience,
    pub(crate) gate: Gate,
}

#[tonic::async_trait]
impl SipClients for Attendance {
    type AttendStream = Pin<Box<dyn Stream<Item = Result<wire::ToSipClient, Status>> + Send>>;

    async fn attend(
        &self,
        request: Request<Streaming<wire::FromSipClient>>,
    ) -> Result<Response<Self::AttendStream>, Status> {
        let peer = self.gate.admit(&request, Need::Attend)?;
        let (queue, events) = mpsc::channel(QUEUE);
        let said = request.into_inner();
        tokio::spawn(self.clone().attend_to(peer.identity, said, queue));
        Ok(Response::new(Box::pin(ReceiverStream::new(events))))
    }
}

impl Attendance {
    /// Carries one session from its Hello to its end.
    async fn attend_to(
        self,
        identity: PeerIdentity,
        mut said: Streaming<wire::FromSipClient>,
        queue: Told,
    ) {
        let opened = match greeted(&identity, &mut said).await {
            Ok(name) => self.audience.open(queue.clone()).map(|it| (name, it)),
            Err(status) => Err(status),
        };
        let (name, (session, closed)) = match opened {
            Ok(opened) => opened,
            Err(status) => {
                // Whoever has gone already needs no reason.
                drop(queue.send(Err(status)).await);
                return;
            }
        };
        drop(queue);
        tracing::info!(client = name, "a client has connected");
        tell(
            &self.handle,
            SipInput::ClientConnected {
                session,
                name: name.clone(),
            },
        )
        .await;
        self.listen(session, said, closed).await;
        self.audience.close(session);
        tell(&self.handle, SipInput::ClientGone { session }).await;
        tracing::info!(client = name, "a client has gone");
    }

    async fn listen(
        &self,
        session: SessionId,
        mut said: Streaming<wire::FromSipClient>,
        mut closed: oneshot::Receiver<()>,
    ) {
        loop {
            let message = tokio::select! {
                message = said.message() => message,
                _ = &mut closed => return,
            };
            let Ok(Some(message)) = message else {
                return;
            };
            let reference = message.reference;
            match asked(message) {
                Ok(request) => {
                    let input = SipInput::ClientRequested {
                        session,
                        reference,
                        request,
                    };
                    tell(&self.handle, input).await;
                }
                Err(text) => self.audience.tell(
                    session,
                    ClientEvent::Refused {
                        reference,
                        because: RefusedBecause::Unknown,
                        text: text.to_owned(),
                    },
                ),
            }
        }
    }
}

/// Who it is: with a certificate nobody takes another's name.
async fn greeted(
    identity: &PeerIdentity,
    said: &mut Streaming<wire::FromSipClient>,
) -> Result<String, Status> {
    let first = tokio::time::timeout(HELLO, said.message())
        .await
        .map_err(|_| Status::deadline_exceeded("a client says Hello first of all"))??;
    let Some(Asked::Hello(hello)) = first.and_then(|it| it.request) else {
        return Err(Status::invalid_argument("a client says Hello first of all"));
    };
    if hello.name.is_empty() || hello.name.len() > LONGEST_NAME {
        return Err(Status::invalid_argument(
            "a client has a name of 1 to 200 bytes",
        ));
    }
    Ok(match identity {
        PeerIdentity::Local => hello.name,
        PeerIdentity::Certified(identity) => format!("{}/{}", identity.name, hello.name),
    })
}

fn asked(message: wire::FromSipClient) -> Result<ClientRequest, &'static str> {
    let request = message.request.ok_or("a request of a newer release")?;
    Ok(match request {
        Asked::Hello(_) => return Err("Hello is said once"),
        Asked::Subscribe(it) => ClientRequest::Subscribe(it.dn),
        Asked::Unsubscribe(it) => ClientRequest::Unsubscribe(it.dn),
        Asked::LogIn(it) => ClientRequest::LogIn {
            agent: it.agent,
            dn: it.dn,
        },
        Asked::LogOut(it) => ClientRequest::LogOut(it.agent),
        Asked::SetAgentState(it) => ClientRequest::SetAgentState {
            agent: it.agent,
            state: agent_state(&it.state)
                .ok_or("an agent is not-ready, ready or after-call-work")?,
        },
        Asked::Hold(it) => control(it.dn, &it.call, CallAction::Hold)?,
        Asked::Retrieve(it) => control(it.dn, &it.call, CallAction::Retrieve)?,
        Asked::Transfer(it) => control(it.dn, &it.call, CallAction::Transfer(it.to))?,
        Asked::Release(it) => control(it.dn, &it.call, CallAction::Release)?,
        Asked::Route(it) => control(it.dn, &it.call, CallAction::Route(it.to))?,
    })
}

fn control(dn: String, call: &str, action: CallAction) -> Result<ClientRequest, &'static str> {
    let call = CallKey::parse(call).ok_or("this is no key of a call")?;
    Ok(ClientRequest::Control { dn, call, action })
}

const AGENT_STATES: [(AgentState, &str); 3] = [
    (AgentState::NotReady, "not-ready"),
    (AgentState::Ready, "ready"),
    (AgentState::AfterCallWork, "after-call-work"),
];

fn agent_state(word: &str) -> Option<AgentState> {
    let found = AGENT_STATES.iter().find(|(_, it)| *it == word);
    found.map(|(state, _)| *state)
}

fn agent_word(state: Option<AgentState>) -> &'static str {
    let found = AGENT_STATES.iter().find(|(it, _)| Some(*it) == state);
    found.map_or("logged-out", |(_, word)| word)
}

fn told(event: ClientEvent) -> wire::ToSipClient {
    let event = match event {
        ClientEvent::RunMode(run_mode) => Event::RunMode(RunModeEntered {
            run_mode: run_mode.as_str().to_owned(),
        }),
        ClientEvent::Done { reference } => Event::Done(Done { reference }),
        ClientEvent::Refused {
            reference,
            because,
            text,
        } => Event::Refused(Refused {
            reference,
            because: match because {
                RefusedBecause::NotPrimary => "not-primary",
                RefusedBecause::Unknown => "unknown",
                RefusedBecause::WrongState => "wrong-state",
                RefusedBecause::Failed => "failed",
                RefusedBecause::TooMany => "too-many",
            }
            .to_owned(),
            text,
        }),
        ClientEvent::Call {
            dn,
            call,
            state,
            other,
            reference,
        } => Event::Call(CallChanged {
            dn,
            call: call.to_string(),
            state: match state {
                CallState::Dialing => "dialing",
                CallState::Queued => "queued",
                CallState::Ringing => "ringing",
                CallState::Established => "established",
                CallState::Held => "held",
                CallState::Released => "released",
            }
            .to_owned(),
            other,
            reference,
        }),
        ClientEvent::Agent {
            agent,
            dn,
            state,
            reference,
        } => Event::Agent(AgentChanged {
            agent,
            dn,
            state: agent_word(state).to_owned(),
            reference,
        }),
    };
    wire::ToSipClient { event: Some(event) }
}
