//! The LCA's gRPC services: towards the SCS, towards the peer LCA, and on the local socket towards applications.
//! Streams become inputs of the core; who may call what is checked at the gate.

use crate::cables::Acquaintances;
use crate::connections::Connections;
use crate::runs::Runs;
use changeover_component::Handle;
use changeover_lca_core::{LcaCore, LcaInput};
use changeover_model::message::ToPeerLca;
use changeover_rpc::convert::WhatLcaSees;
use changeover_rpc::identity::{Gate, Need, Peer};
use changeover_rpc::streams::{Answers, Incoming, answers};
use changeover_rpc::wire;
use changeover_rpc::wire::application_link_server::ApplicationLink;
use changeover_rpc::wire::lca_peer_server::LcaPeer;
use changeover_rpc::wire::lca_server::Lca;
use tonic::{Request, Response, Status, Streaming};

/// What the services share.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) handle: Handle<LcaCore>,
    pub(crate) connections: Connections,
    pub(crate) runs: Runs,
    pub(crate) gate: Gate,
    pub(crate) acquaintances: Acquaintances,
}

fn stopping() -> Status {
    Status::unavailable("this LCA is stopping")
}

#[tonic::async_trait]
impl Lca for Service {
    type ControlStream = Answers<wire::FromLca>;

    async fn control(
        &self,
        request: Request<Streaming<wire::ToLca>>,
    ) -> Result<Response<Self::ControlStream>, Status> {
        let scs = self.gate.admit(&request, Need::Scs)?;
        if let Some(address) = scs.address {
            self.acquaintances.meet(address.ip());
        }
        let (connection, outgoing) = self.connections.open_scs();
        self.handle
            .input(LcaInput::ScsConnected { connection })
            .await
            .map_err(|_| stopping())?;
        let this = self.clone();
        tokio::spawn(async move {
            let mut incoming = Incoming::new(request.into_inner(), "SCS to LCA");
            while let Ok(Some(message)) = incoming.next().await {
                if this
                    .handle
                    .input(LcaInput::ScsMessage {
                        connection,
                        message,
                    })
                    .await
                    .is_err()
                {
                    break;
                }
            }
            this.connections.over_scs(connection);
            tell(&this.handle, LcaInput::ScsDisconnected { connection }).await;
        });
        Ok(Response::new(answers(outgoing)))
    }
}

#[tonic::async_trait]
impl LcaPeer for Service {
    type WitnessStream = Answers<wire::FromPeerLca>;

    async fn witness(
        &self,
        request: Request<Streaming<wire::ToPeerLca>>,
    ) -> Result<Response<Self::WitnessStream>, Status> {
        let caller = self.gate.admit(&request, Need::PeerLca)?;
        let (connection, outgoing) = self.connections.open_witnessed();
        let this = self.clone();
        tokio::spawn(async move {
            let mut incoming = Incoming::new(request.into_inner(), "LCA to LCA");
            let mut peer = None;
            while let Ok(Some(message)) = incoming.next().await {
                if let ToPeerLca::Hello { host, .. } = &message {
                    let is_it = this.gate.check(&caller, Need::LcaOf(host.as_str()));
                    if let Err(refused) = is_it {
                        tracing::warn!(%refused, "a witness link is refused");
                        break;
                    }
                    peer = Some(host.clone());
                }
                // Nothing is heard of somebody who has not said who it is.
                let Some(peer) = peer.clone() else {
                    break;
                };
                let input = LcaInput::WitnessMessage {
                    peer,
                    connection,
                    message,
                };
                if this.handle.input(input).await.is_err() {
                    break;
                }
            }
            this.connections.over_witnessed(connection);
            if let Some(peer) = peer {
                tell(
                    &this.handle,
                    LcaInput::WitnessDisconnected { peer, connection },
                )
                .await;
            }
        });
        Ok(Response::new(answers(outgoing)))
    }

    async fn what_do_you_see(
        &self,
        request: Request<wire::WhatDoYouSeeRequest>,
    ) -> Result<Response<wire::WhatDoYouSeeReply>, Status> {
        self.gate.admit(&request, Need::PeerLca)?;
        let sees = self
            .handle
            .ask(|now, core| {
                let state = core.state();
                WhatLcaSees {
                    host: state.host,
                    session: state.session,
                    hears_scs: core.in_contact(),
                    scs_heard_before: core.scs_heard_at().map(|heard| now.since(heard)),
                    epochs: state.epochs,
                    addresses: state.addresses,
                }
            })
            .await
            .map_err(|_| stopping())?;
        Ok(Response::new(sees.into()))
    }
}

#[tonic::async_trait]
impl ApplicationLink for Service {
    type AttachStream = Answers<wire::ToApplication>;

    async fn attach(
        &self,
        request: Request<Streaming<wire::FromApplication>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let Some(pid) = Peer::of(&request).and_then(|peer| peer.process) else {
            return Err(Status::permission_denied(
                "this LCA cannot tell which process calls",
            ));
        };
        let runs = self.runs.clone();
        let of_run = tokio::task::spawn_blocking(move || runs.run_of(pid))
            .await
            .ok()
            .flatten();
        let (connection, outgoing) = self.connections.open_application();
        let connected = LcaInput::ApplicationConnected {
            connection,
            pid,
            of_run,
        };
        self.handle.input(connected).await.map_err(|_| stopping())?;
        let this = self.clone();
        tokio::spawn(async move {
            let mut incoming = Incoming::new(request.into_inner(), "application to LCA");
            while let Ok(Some(message)) = incoming.next().await {
                let input = LcaInput::ApplicationMessage {
                    connection,
                    message,
                };
                if this.handle.input(input).await.is_err() {
                    break;
                }
            }
            this.connections.close_application(connection);
            tell(
                &this.handle,
                LcaInput::ApplicationDisconnected { connection },
            )
            .await;
        });
        Ok(Response::new(answers(outgoing)))
    }
}

async fn tell(handle: &Handle<LcaCore>, input: LcaInput) {
    if handle.input(input).await.is_err() {
        tracing::debug!("the agent is stopping; the end of a connection is not reported");
    }
}
