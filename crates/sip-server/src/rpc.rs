//! The gRPC service of a SIP Server: the HA link as its peer dials it, and what it holds, for operators.

use crate::ha_link::{Links, heard, tell};
use crate::trace::{Tracer, Which};
use changeover_component::Handle;
use changeover_model::message::{
    SipCallPicture, SipContactPicture, SipLegPicture, SipRegistrationPicture, SipServerPicture,
};
use changeover_model::{ApplicationName, Timestamp};
use changeover_rpc::identity::{Gate, Need};
use changeover_rpc::streams::{Answers, Incoming, answers};
use changeover_rpc::wire;
use changeover_rpc::wire::sip_server_server::SipServer;
use changeover_sip_core::{CallPicture, Phase, RegistrationPicture, SipCore, SipInput, SipPicture};
use tonic::{Request, Response, Status, Streaming};

/// Most calls, and most addresses of record, that one answer shows.
const MOST: u32 = 1_000;

#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) application: String,
    /// The other server of the pair; without one nobody synchronises.
    pub(crate) peer: Option<ApplicationName>,
    pub(crate) handle: Handle<SipCore>,
    pub(crate) links: Links,
    pub(crate) tracer: Tracer,
    pub(crate) gate: Gate,
}

#[tonic::async_trait]
impl SipServer for Service {
    type SynchroniseStream = Answers<wire::SyncFrame>;
    type TraceSipStream = Answers<wire::TracedMessage>;

    async fn synchronise(
        &self,
        request: Request<Streaming<wire::SyncFrame>>,
    ) -> Result<Response<Self::SynchroniseStream>, Status> {
        let peer = self
            .peer
            .as_ref()
            .ok_or_else(|| Status::failed_precondition("this SIP Server has no peer"))?;
        self.gate.admit(&request, Need::PeerApplication(peer))?;
        let (link, frames) = self.links.served();
        let handle = self.handle.clone();
        let links = self.links.clone();
        tell(
            &handle,
            SipInput::SyncConnected {
                link,
                dialled: false,
            },
        )
        .await;
        tokio::spawn(async move {
            let mut incoming = Incoming::new(request.into_inner(), "HA link");
            while let Ok(Some(frame)) = incoming.next().await {
                heard(&handle, link, &frame).await;
            }
            links.close(link);
            tell(&handle, SipInput::SyncDisconnected { link }).await;
        });
        Ok(Response::new(answers(frames)))
    }

    async fn show_sip(
        &self,
        request: Request<wire::ShowSipRequest>,
    ) -> Result<Response<wire::ShowSipReply>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let asked = request.into_inner();
        let most = |asked: u32| usize::try_from(asked.min(MOST)).unwrap_or(usize::MAX);
        let (calls, registrations) = (most(asked.most_calls), most(asked.most_registrations));
        let (now, picture, calls, registrations) = self
            .handle
            .ask(move |now, core| {
                let registrations = core.registrations(now, registrations);
                (now, core.picture(), core.calls(calls), registrations)
            })
            .await
            .map_err(|_| Status::unavailable("this SIP Server is stopping"))?;
        let shown = shown(&self.application, now, picture, calls, registrations);
        Ok(Response::new(shown.into()))
    }

    async fn trace_sip(
        &self,
        request: Request<wire::TraceSipRequest>,
    ) -> Result<Response<Self::TraceSipStream>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let which = Which::of(request.into_inner().call);
        let messages = self
            .tracer
            .follow(which, self.handle.clone())
            .ok_or_else(|| Status::resource_exhausted("as many traces as may run already do"))?;
        Ok(Response::new(answers(messages)))
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn micros(now: Timestamp, at: Timestamp) -> u64 {
    u64::try_from(now.since(at).as_micros()).unwrap_or(u64::MAX)
}

fn shown(
    application: &str,
    now: Timestamp,
    picture: SipPicture,
    calls: Vec<CallPicture>,
    registrations: Vec<RegistrationPicture>,
) -> SipServerPicture {
    let heard = (picture.heard_at != Timestamp::default()).then_some(picture.heard_at);
    SipServerPicture {
        application: application.to_owned(),
        run_mode: picture.run_mode,
        epoch: picture.epoch.0,
        in_step: picture.sync.in_step,
        sync_number: picture.sync.number,
        sync_acknowledged: picture.sync.acknowledged,
        held: count(picture.held),
        uncommitted: picture.uncommitted,
        heard_before_us: heard.map(|at| micros(now, at)),
        heard: picture.heard,
        sent: picture.sent,
        refused: picture.refused,
        dropped: picture.dropped,
        junk: picture.junk,
        calls: count(picture.calls),
        registrations: count(picture.registrations),
        transactions: count(picture.transactions),
        call_list: calls.into_iter().map(|it| call(now, it)).collect(),
        registration_list: registrations.into_iter().map(registration).collect(),
    }
}

fn call(now: Timestamp, call: CallPicture) -> SipCallPicture {
    SipCallPicture {
        key: call.key.to_string(),
        lasts_us: micros(now, call.began),
        parked_on: call.parked_on,
        in_transfer: call.in_transfer,
        legs: call
            .legs
            .into_iter()
            .map(|leg| SipLegPicture {
                call_id: leg.call_id,
                dn: leg.dn,
                phase: match leg.phase {
                    Phase::Early => "early",
                    Phase::Confirmed => "confirmed",
                    Phase::Ending => "ending",
                    Phase::Ended => "ended",
                }
                .to_owned(),
                holds: leg.holds,
            })
            .collect(),
    }
}

fn registration(it: RegistrationPicture) -> SipRegistrationPicture {
    let contacts = it.contacts.into_iter();
    SipRegistrationPicture {
        aor: it.aor,
        contacts: contacts
            .map(|(uri, left_ms)| SipContactPicture { uri, left_ms })
            .collect(),
    }
}
