//! The service that `sci` uses: orders, the picture, alarms, the timeline, and the Message Server's log passed on.

use super::{Service, stopping};
use changeover_model::message::{LogQuery, Picture, TimelineRecord};
use changeover_rpc::convert::{TimelineSelection, command_of};
use changeover_rpc::dial;
use changeover_rpc::identity::Need;
use changeover_rpc::streams::{Answers, answers};
use changeover_rpc::wire;
use changeover_rpc::wire::message_server_client::MessageServerClient;
use changeover_rpc::wire::solution_control_server_server::SolutionControlServer;
use changeover_scs_core::ScsCore;
use futures::StreamExt as _;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

/// Pictures that wait for a watcher; a slow one skips.
const PICTURES: usize = 4;
/// Longest wait for the Message Server when its log is asked for.
const LOG_ATTEMPT: Duration = Duration::from_secs(2);

fn unusable(error: changeover_rpc::convert::ConvertError) -> Status {
    Status::invalid_argument(error.to_string())
}

#[tonic::async_trait]
impl SolutionControlServer for Service {
    type CommandStream = Answers<wire::OperatorAnswer>;
    type WatchStream = Answers<wire::Picture>;
    type LogStream = Answers<wire::LogRecord>;
    type TraceCallsStream = Answers<wire::TracedMessage>;

    async fn command(
        &self,
        request: Request<wire::OperatorCommand>,
    ) -> Result<Response<Self::CommandStream>, Status> {
        let peer = self.gate.admit(&request, Need::Change)?;
        let (said, command) = command_of(request.into_inner()).map_err(unusable)?;
        let queue = self.order(peer.operator(&said), command).await?;
        Ok(Response::new(answers(queue)))
    }

    async fn status(
        &self,
        request: Request<wire::StatusRequest>,
    ) -> Result<Response<wire::Picture>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let picture = self.picture().await?;
        Ok(Response::new(picture.into()))
    }

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let mut changes = self.pictures.subscribe();
        let first = self.picture().await?;
        let (sender, queue) = mpsc::channel(PICTURES);
        tokio::spawn(async move {
            let mut next = Some(first);
            loop {
                if let Some(picture) = next.take()
                    && sender.send(Ok(picture)).await.is_err()
                {
                    return;
                }
                tokio::select! {
                    changed = changes.changed() => if changed.is_err() { return },
                    () = sender.closed() => return,
                }
                next = changes.borrow_and_update().as_deref().cloned();
            }
        });
        Ok(Response::new(answers(queue)))
    }

    async fn alarms(
        &self,
        request: Request<wire::AlarmsRequest>,
    ) -> Result<Response<wire::AlarmsReply>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let history = request.into_inner().history;
        let alarms = self
            .handle
            .ask(move |_, core| core.alarms(history))
            .await
            .map_err(stopping)?;
        Ok(Response::new(wire::AlarmsReply {
            alarms: alarms.into_iter().map(Into::into).collect(),
        }))
    }

    async fn conditions(
        &self,
        request: Request<wire::ConditionsRequest>,
    ) -> Result<Response<wire::ConditionsReply>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let conditions = self
            .handle
            .ask(|_, core| core.conditions())
            .await
            .map_err(stopping)?;
        Ok(Response::new(wire::ConditionsReply {
            conditions: conditions.into_iter().map(Into::into).collect(),
        }))
    }

    async fn timeline(
        &self,
        request: Request<wire::TimelineRequest>,
    ) -> Result<Response<wire::TimelineReply>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let (selection, limit) = TimelineSelection::of(request.into_inner()).map_err(unusable)?;
        let records = self
            .handle
            .ask(move |_, core| select(core, &selection, limit))
            .await
            .map_err(stopping)??;
        Ok(Response::new(wire::TimelineReply {
            records: records.into_iter().map(Into::into).collect(),
        }))
    }

    async fn log(
        &self,
        request: Request<wire::LogQuery>,
    ) -> Result<Response<Self::LogStream>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let query = LogQuery::try_from(request.into_inner()).map_err(unusable)?;
        let Some((dialler, at)) = self.links.message_server_dialler() else {
            return Err(Status::unavailable("the SCS has no environment yet"));
        };
        let caller = dial::channel(&dialler, &at.into(), LOG_ATTEMPT)
            .await
            .map_err(|error| {
                Status::unavailable(format!("the log is the Message Server's: {error}"))
            })?;
        let records = MessageServerClient::new(caller.channel.clone())
            .query(wire::LogQuery::from(query))
            .await?;
        // The connection lives as long as its stream.
        let stream = records.into_inner().map(move |record| {
            let _connection = &caller;
            record
        });
        Ok(Response::new(Box::pin(stream)))
    }

    async fn calls(
        &self,
        request: Request<wire::CallsRequest>,
    ) -> Result<Response<wire::ShowSipReply>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let asked = request.into_inner();
        self.show_sip(asked).await.map(Response::new)
    }

    async fn trace_calls(
        &self,
        request: Request<wire::TraceCallsRequest>,
    ) -> Result<Response<Self::TraceCallsStream>, Status> {
        self.gate.admit(&request, Need::Look)?;
        let asked = request.into_inner();
        Ok(Response::new(self.trace_sip(asked).await?))
    }
}

impl Service {
    async fn picture(&self) -> Result<Picture, Status> {
        let picture = self
            .handle
            .ask(|now, core| core.picture(now))
            .await
            .map_err(stopping)?;
        picture.ok_or_else(|| Status::unavailable("the SCS has no environment yet"))
    }
}

/// The records asked for, newest last.
fn select(
    core: &ScsCore,
    selection: &TimelineSelection,
    limit: usize,
) -> Result<Vec<TimelineRecord>, Status> {
    let newest_last = |records: Vec<&TimelineRecord>| -> Vec<TimelineRecord> {
        records.into_iter().take(limit).rev().cloned().collect()
    };
    match selection {
        TimelineSelection::All => Ok(newest_last(core.timeline(limit))),
        TimelineSelection::Last => Ok(newest_last(core.timeline(1))),
        TimelineSelection::Record(id) => core
            .record(*id)
            .map(|record| vec![record.clone()])
            .ok_or_else(|| {
                Status::not_found(format!("there is no timeline record #{id} (any more)"))
            }),
        TimelineSelection::Pair(text) => {
            let pair = core.resolve_pair(text).ok_or_else(|| {
                Status::not_found(format!(
                    "'{text}' names no pair, application of a pair, or VIP"
                ))
            })?;
            let of_pair = core
                .timeline(usize::MAX)
                .into_iter()
                .filter(|record| record.pair.as_ref() == Some(&pair));
            Ok(newest_last(of_pair.collect()))
        }
    }
}
