//! The reaction engine's own service: list, explain, run (Test, realignment), follow.

use super::{Service, stopping};
use changeover_rpc::convert::command_of_run;
use changeover_rpc::identity::Need;
use changeover_rpc::streams::{Answers, answers};
use changeover_rpc::wire;
use changeover_rpc::wire::reaction_engine_server::ReactionEngine;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

/// Changes that wait for a follower.
const CHANGES: usize = 64;

#[tonic::async_trait]
impl ReactionEngine for Service {
    type RunStream = Answers<wire::OperatorAnswer>;
    type FollowStream = Answers<wire::ReactionPicture>;

    async fn list(
        &self,
        request: Request<wire::ListRequest>,
    ) -> Result<Response<wire::ListReply>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let reactions = self
            .handle
            .ask(|_, core| core.reactions())
            .await
            .map_err(stopping)?;
        Ok(Response::new(wire::ListReply {
            reactions: reactions.into_iter().map(Into::into).collect(),
        }))
    }

    async fn explain(
        &self,
        request: Request<wire::ExplainRequest>,
    ) -> Result<Response<wire::ExplainReply>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let number = request.into_inner().number;
        let found = self
            .handle
            .ask(move |_, core| {
                let reaction = core
                    .reactions()
                    .into_iter()
                    .find(|reaction| reaction.number == number)?;
                let record = reaction.cause.and_then(|cause| core.record(cause)).cloned();
                Some((reaction, record))
            })
            .await
            .map_err(stopping)?;
        let Some((reaction, record)) = found else {
            return Err(Status::not_found(format!(
                "there is no reaction #{number} (any more)"
            )));
        };
        Ok(Response::new(wire::ExplainReply {
            reaction: Some(reaction.into()),
            record: record.map(Into::into),
        }))
    }

    async fn run(
        &self,
        request: Request<wire::RunRequest>,
    ) -> Result<Response<Self::RunStream>, Status> {
        let peer = self.gate.admit(&request, Need::Change)?;
        let (said, command) = command_of_run(request.into_inner())
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let queue = self.order(peer.operator(&said), command).await?;
        Ok(Response::new(answers(queue)))
    }

    async fn follow(
        &self,
        request: Request<wire::FollowRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let mut changes = self.reactions.subscribe();
        let (sender, queue) = mpsc::channel(CHANGES);
        tokio::spawn(async move {
            loop {
                let change = tokio::select! {
                    change = changes.recv() => change,
                    () = sender.closed() => return,
                };
                let sent = match change {
                    Ok(reaction) => sender.send(Ok(reaction)).await,
                    Err(RecvError::Lagged(missed)) => {
                        let why = format!(
                            "this follower is too slow: it missed {missed} changes; list them and follow again"
                        );
                        sender.send(Err(Status::resource_exhausted(why))).await
                    }
                    Err(RecvError::Closed) => return,
                };
                if sent.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(answers(queue)))
    }
}
