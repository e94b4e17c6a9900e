//! The SCS's gRPC services, a file each. Requests become inputs of the core, its answers become streams.

mod reaction_engine;
mod sip_servers;
mod solution_control_server;

use crate::links::Links;
use crate::requests::Requests;
use changeover_component::{Gone, Handle};
use changeover_model::message::{
    Operator, OperatorAnswer, OperatorCommand, OperatorRole, Picture, ReactionPicture,
};
use changeover_model::{Refusal, RefusalCode, RequestId};
use changeover_rpc::identity::Gate;
use changeover_scs_core::{ScsCore, ScsInput};
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc, watch};
use tonic::Status;

/// What both services share.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) handle: Handle<ScsCore>,
    pub(crate) requests: Requests,
    pub(crate) links: Links,
    pub(crate) pictures: watch::Sender<Option<Arc<Picture>>>,
    pub(crate) reactions: broadcast::Sender<ReactionPicture>,
    pub(crate) gate: Gate,
}

/// Answers of one request that may wait for their reader.
const ANSWERS: usize = 64;

pub(crate) fn stopping(_: Gone) -> Status {
    Status::unavailable("this SCS is stopping")
}

impl Service {
    /// Hands an order to the core and passes its answers on until the last one, or until nobody listens.
    pub(crate) async fn order(
        &self,
        operator: Operator,
        command: OperatorCommand,
    ) -> Result<mpsc::Receiver<Result<OperatorAnswer, Status>>, Status> {
        let (sender, answers) = mpsc::channel(ANSWERS);
        if operator.role == OperatorRole::Viewer {
            let refusal = Refusal::new(
                RefusalCode::NotAllowed,
                format!(
                    "{} may only look: this needs a certificate of role operator",
                    operator.name
                ),
            );
            if sender
                .send(Ok(OperatorAnswer::Refused(vec![refusal])))
                .await
                .is_err()
            {
                tracing::debug!("nobody waits for a refusal");
            }
            return Ok(answers);
        }
        // These ask what would happen; everything else that is predicted is then also done.
        let prediction_ends = match &command {
            OperatorCommand::TestAlarm { dry_run, .. } => *dry_run,
            OperatorCommand::Switchover(request) => request.dry_run,
            OperatorCommand::SetMaintenance { on, confirmed, .. } => !on && !confirmed,
            _ => false,
        };
        let (request, from_core) = self.requests.open(prediction_ends);
        let input = ScsInput::OperatorRequested {
            request,
            operator,
            command,
        };
        self.handle.input(input).await.map_err(stopping)?;
        tokio::spawn(self.clone().pass_on(request, from_core, sender));
        Ok(answers)
    }

    async fn pass_on(
        self,
        request: RequestId,
        mut from_core: mpsc::Receiver<OperatorAnswer>,
        to_operator: mpsc::Sender<Result<OperatorAnswer, Status>>,
    ) {
        loop {
            tokio::select! {
                answer = from_core.recv() => {
                    let Some(answer) = answer else { return };
                    if to_operator.send(Ok(answer)).await.is_err() {
                        break;
                    }
                }
                () = to_operator.closed() => break,
            }
        }
        if self.requests.abandon(request)
            && self
                .handle
                .input(ScsInput::RequestAbandoned(request))
                .await
                .is_err()
        {
            tracing::debug!("the SCS is stopping; an abandoned request is not reported");
        }
    }
}
