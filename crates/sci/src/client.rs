//! The way to the SCS: gRPC calls in the words of the model, and errors with their exit codes.

use crate::arguments::Arguments;
use changeover_component::ExitCode;
use changeover_model::message::{
    AlarmPicture, ConditionPicture, LogQuery, LogRecord, OperatorAnswer, OperatorCommand, Picture,
    ReactionPicture, SipServerPicture, TimelineRecord, TracedMessage,
};
use changeover_rpc::convert::{ConvertError, OperatorCall, TimelineSelection, operator_call};
use changeover_rpc::dial::Caller;
use changeover_rpc::wire::{
    self, reaction_engine_client::ReactionEngineClient,
    solution_control_server_client::SolutionControlServerClient,
};
use futures::stream::BoxStream;
use std::sync::Arc;
use tokio_stream::StreamExt as _;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

/// Why a command did not work.
#[derive(Debug, thiserror::Error)]
pub enum ScsError {
    /// Nobody answers.
    #[error("{0}")]
    Unreachable(String),
    /// The request was not understood, or names nothing.
    #[error("{0}")]
    Unusable(String),
    /// The SCS answered and did not do it.
    #[error("{0}")]
    Refused(String),
}

impl ScsError {
    /// The exit code of a command that ended with this.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            ScsError::Unreachable(_) => ExitCode::Unreachable,
            ScsError::Unusable(_) => ExitCode::Unusable,
            ScsError::Refused(_) => ExitCode::Bad,
        }
    }
}

impl From<Status> for ScsError {
    fn from(status: Status) -> Self {
        let message = status.message().to_owned();
        match status.code() {
            Code::InvalidArgument | Code::NotFound => ScsError::Unusable(message),
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => {
                ScsError::Unreachable(format!("the SCS cannot be reached: {message}"))
            }
            _ => ScsError::Refused(message),
        }
    }
}

impl From<ConvertError> for ScsError {
    fn from(error: ConvertError) -> Self {
        ScsError::Refused(format!(
            "the SCS's answer cannot be read: {error}; is sci older than the SCS?"
        ))
    }
}

/// A stream of answers.
pub(crate) type Answers<T> = BoxStream<'static, Result<T, ScsError>>;

/// The SCS.
#[derive(Clone, Debug)]
pub struct Scs {
    scs: SolutionControlServerClient<Channel>,
    reactions: ReactionEngineClient<Channel>,
    operator: String,
    /// The connection lives as long as somebody speaks over it.
    _caller: Arc<Caller>,
}

/// Largest answer that is taken: a whole timeline.
const LARGEST: usize = 64 << 20;

impl Scs {
    /// Dials the SCS that the command line names.
    ///
    /// # Errors
    /// [`ScsError::Unusable`] for an address or a TLS folder that is none, [`ScsError::Unreachable`] when nobody
    /// answers.
    pub async fn connect(arguments: &Arguments) -> Result<Self, ScsError> {
        Ok(Self::over(crate::dialling::call(arguments).await?))
    }

    /// Speaks over a connection that somebody else has dialled.
    pub fn over(caller: Caller) -> Self {
        let channel = caller.channel.clone();
        Self {
            scs: SolutionControlServerClient::new(channel.clone())
                .max_decoding_message_size(LARGEST),
            reactions: ReactionEngineClient::new(channel).max_decoding_message_size(LARGEST),
            operator: operator_name(),
            _caller: Arc::new(caller),
        }
    }

    /// The picture now.
    ///
    /// # Errors
    /// See [`ScsError`]; the same for every call.
    pub async fn picture(&mut self) -> Result<Picture, ScsError> {
        Ok(self
            .scs
            .status(wire::StatusRequest {})
            .await?
            .into_inner()
            .try_into()?)
    }

    /// The picture now and after every change.
    ///
    /// # Errors
    /// See [`ScsError`].
    pub async fn watch(&mut self) -> Result<Answers<Picture>, ScsError> {
        Ok(answers(
            self.scs.watch(wire::WatchRequest {}).await?.into_inner(),
        ))
    }

    /// Gives an order.
    ///
    /// # Errors
    /// See [`ScsError`].
    pub async fn command(
        &mut self,
        command: OperatorCommand,
    ) -> Result<Answers<OperatorAnswer>, ScsError> {
        let stream = match operator_call(&self.operator, command) {
            OperatorCall::Command(call) => self.scs.command(call).await?.into_inner(),
            OperatorCall::Run(call) => self.reactions.run(call).await?.into_inner(),
        };
        Ok(answers(stream))
    }

    /// Alarms, with `history` the past ones too.
    ///
    /// # Errors
    /// See [`ScsError`].
    pub async fn alarms(&mut self, history: bool) -> Result<Vec<AlarmPicture>, ScsError> {
        let reply = self
            .scs
            .alarms(wire::AlarmsRequest { history })
            .await?
            .into_inner();
        Ok(reply
            .alarms
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?)
    }

    /// Alarm Conditions.
    ///
    /// # Errors
    /// See [`ScsError`].
    pub async fn conditions(&mut self) -> Result<Vec<ConditionPicture>, ScsError> {
        let reply = self
            .scs
            .conditions(wire::ConditionsRequest {})
            .await?
            .into_inner();
        Ok(reply
            .conditions
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?)
    }

    /// Timeline records, the newest last.
    ///
    /// # Errors
    /// See [`ScsError`].
    pub async fn timeline(
        &mut self,
        which: TimelineSelection,
        limit: u32,
    ) -> Result<Vec<TimelineRecord>, ScsError> {
        let reply = self.scs.timeline(which.request(limit)).await?.into_inner();
        Ok(reply
            .records
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?)
    }

    /// Log events of the Message Server, passed on by the SCS.
    ///
    /// # Errors
    /// See [`ScsError`].
    pub async fn log(&mut self, query: LogQuery) -> Result<Answers<LogRecord>, ScsError> {
        Ok(answers(
            self.scs
                .log(wire::LogQuery::from(query))
                .await?
                .into_inner(),
        ))
    }

    /// What a SIP Server holds, passed on by the SCS; at most `most` calls and addresses of record are listed.
    ///
    /// # Errors
    /// See [`ScsError`].
    pub async fn calls(
        &mut self,
        application: &str,
        most: u32,
    ) -> Result<SipServerPicture, ScsError> {
        let request = wire::CallsRequest {
            application: application.to_owned(),
            show: Some(wire::ShowSipRequest {
                most_calls: most,
                most_registrations: most,
            }),
        };
        Ok(self.scs.calls(request).await?.into_inner().try_into()?)
    }

    /// SIP messages of a SIP Server from now on; with `call` only those of the call of this key or Call-ID.
    ///
    /// # Errors
    /// See [`ScsError`].
    pub async fn trace_calls(
        &mut self,
        application: &str,
        call: String,
    ) -> Result<Answers<TracedMessage>, ScsError> {
        let request = wire::TraceCallsRequest {
            application: application.to_owned(),
            trace: Some(wire::TraceSipRequest { call }),
        };
        Ok(answers(self.scs.trace_calls(request).await?.into_inner()))
    }

    /// Reactions, the newest last.
    ///
    /// # Errors
    /// See [`ScsError`].
    pub async fn reactions(&mut self) -> Result<Vec<ReactionPicture>, ScsError> {
        let reply = self
            .reactions
            .list(wire::ListRequest {})
            .await?
            .into_inner();
        Ok(reply
            .reactions
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?)
    }

    /// Reactions as they change.
    ///
    /// # Errors
    /// See [`ScsError`].
    pub async fn follow_reactions(&mut self) -> Result<Answers<ReactionPicture>, ScsError> {
        Ok(answers(
            self.reactions
                .follow(wire::FollowRequest {})
                .await?
                .into_inner(),
        ))
    }
}

fn answers<W, M>(stream: Streaming<W>) -> Answers<M>
where
    W: Send + 'static,
    M: TryFrom<W, Error = ConvertError> + Send + 'static,
{
    Box::pin(stream.map(|answer| Ok(M::try_from(answer?)?)))
}

/// `root@laptop`, for the timeline.
fn operator_name() -> String {
    let user = std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| "operator".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    if host.is_empty() {
        user
    } else {
        format!("{user}@{host}")
    }
}
