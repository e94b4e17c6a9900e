//! The gRPC service of a SIP Server: the HA link as its peer dials it, and what it holds, for operators.

use crate::ha_link::{Links, heard, tell};
use changeover_component::Handle;
use changeover_model::{ApplicationName, RunMode, Timestamp};
use changeover_rpc::identity::{Gate, Need};
use changeover_rpc::streams::{Answers, Incoming, answers};
use changeover_rpc::wire;
use changeover_rpc::wire::sip_server_server::SipServer;
use changeover_sip_core::{CallPicture, Phase, SipCore, SipInput, SipPicture};
use tonic::{Request, Response, Status, Streaming};

/// Most calls that one answer shows.
const MOST_CALLS: u32 = 1_000;

#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) application: String,
    /// The other server of the pair; without one nobody synchronises.
    pub(crate) peer: Option<ApplicationName>,
    pub(crate) handle: Handle<SipCore>,
    pub(crate) links: Links,
    pub(crate) gate: Gate,
}

#[tonic::async_trait]
impl SipServer for Service {
    type SynchroniseStream = Answers<wire::SyncFrame>;

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
        let most = request.into_inner().most_calls.min(MOST_CALLS);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let (now, picture, calls) = self
            .handle
            .ask(move |now, core| (now, core.picture(), core.calls(most)))
            .await
            .map_err(|_| Status::unavailable("this SIP Server is stopping"))?;
        Ok(Response::new(shown(&self.application, now, picture, calls)))
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn shown(
    application: &str,
    now: Timestamp,
    picture: SipPicture,
    calls: Vec<CallPicture>,
) -> wire::ShowSipReply {
    let heard = (picture.heard_at != Timestamp::default()).then_some(picture.heard_at);
    wire::ShowSipReply {
        application: application.to_owned(),
        run_mode: mode(picture.run_mode).to_owned(),
        calls: count(picture.calls),
        registrations: count(picture.registrations),
        transactions: count(picture.transactions),
        in_step: picture.sync.in_step,
        sync_number: picture.sync.number,
        sync_acknowledged: picture.sync.acknowledged,
        uncommitted: picture.uncommitted,
        heard_before_us: heard.map(|at| micros(now, at)),
        heard: picture.heard,
        sent: picture.sent,
        refused: picture.refused,
        dropped: picture.dropped,
        junk: picture.junk,
        list: calls.into_iter().map(|it| call(now, it)).collect(),
    }
}

fn mode(run_mode: RunMode) -> &'static str {
    match run_mode {
        RunMode::Primary => "Primary",
        RunMode::Backup => "Backup",
        RunMode::Exiting => "Exiting",
        RunMode::Unknown => "Unknown",
    }
}

fn micros(now: Timestamp, at: Timestamp) -> u64 {
    u64::try_from(now.since(at).as_micros()).unwrap_or(u64::MAX)
}

fn call(now: Timestamp, call: CallPicture) -> wire::SipCall {
    wire::SipCall {
        key: call.key.to_string(),
        lasts_us: micros(now, call.began),
        parked_on: call.parked_on.unwrap_or_default(),
        in_transfer: call.in_transfer,
        legs: call
            .legs
            .into_iter()
            .map(|leg| wire::SipLeg {
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
