//! Owns the operator of a rehearsal: asks and orders through the SCS's gRPC API, as `sci` does, from wherever the
//! site's network must be entered. Converts the SCS's clock to the rehearsal's.

use crate::moment::Moment;
use crate::site::within;
use crate::trouble::Trouble;
use changeover_emulated_nic::Network;
use changeover_model::message::{
    LogQuery, LogRecord, OperatorAnswer, OperatorCommand, Picture, Prediction, RecordOutcome,
    SwitchoverRequest, TimelineRecord,
};
use changeover_model::{ApplicationName, CauseId, ConditionName, LogEventId, PairName, Timestamp};
use changeover_rpc::convert::{OperatorCall, TimelineSelection, operator_call};
use changeover_rpc::destination::Destination;
use changeover_rpc::dial::{Caller, Dialler, channel};
use changeover_rpc::identity::Role;
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire;
use changeover_rpc::wire::reaction_engine_client::ReactionEngineClient;
use changeover_rpc::wire::solution_control_server_client::SolutionControlServerClient;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tonic::{Status, Streaming};

/// A connection is there within this time, or it is not.
const DIAL_WAIT: Duration = Duration::from_secs(2);
/// An answer that waits for nothing.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// The end of a command.
const COMMAND_WAIT: Duration = Duration::from_secs(30);
/// Timeline records that are read at once.
const RECORDS: u32 = 200;
/// Log events that are read at once.
const LOGGED: u32 = 10_000;
/// Largest answer that is taken, bytes.
const LARGEST: usize = 64 << 20;

/// Where the SCS is reached.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    /// The network namespace from which it is dialled.
    pub(crate) namespace: Option<String>,
    /// The operator's certificate.
    pub(crate) tls: Option<PathBuf>,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answered {
    /// It has ended; its record tells how.
    Finished(Box<TimelineRecord>),
    /// Done at once.
    Done(Option<CauseId>),
    /// Refused, with reasons.
    Refused(String),
}

/// A command's end and what was predicted before.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) answered: Option<Answered>,
    pub(crate) prediction: Option<Prediction>,
}

impl Outcome {
    /// Why what was asked for is not done; `None` if it is. An answer that breaks off without an end is no success.
    pub(crate) fn not_done(&self) -> Option<String> {
        match &self.answered {
            Some(Answered::Done(_)) => None,
            Some(Answered::Finished(record)) => {
                (record.outcome != Some(RecordOutcome::Done)).then(|| record.why.clone())
            }
            Some(Answered::Refused(why)) => Some(why.clone()),
            None => Some("the SCS did not tell how it ended".to_owned()),
        }
    }
}

/// The operator.
#[derive(Debug)]
pub(crate) struct Operator {
    way: Way,
    connection: Mutex<Option<Arc<Caller>>>,
}

impl Operator {
    /// An operator who has not dialled yet.
    pub(crate) fn new(way: Way) -> Self {
        Self {
            way,
            connection: Mutex::new(None),
        }
    }

    /// Another operator, who stands where this one does and waits for nobody.
    pub(crate) fn colleague(&self) -> Self {
        Self::new(self.way.clone())
    }

    /// The picture now.
    ///
    /// # Errors
    /// When the SCS does not answer.
    pub(crate) async fn picture(&self) -> Result<Picture, Trouble> {
        let what = "asking the SCS for its status";
        let caller = self.caller(what).await?;
        let mut scs = SolutionControlServerClient::new(caller.channel.clone())
            .max_decoding_message_size(LARGEST);
        let picture = self
            .answer(what, scs.status(wire::StatusRequest {}))
            .await?;
        picture.try_into().map_err(|error| said(what, &error))
    }

    /// What must be added to the SCS's clock, in microseconds, to get the rehearsal's.
    ///
    /// # Errors
    /// When the SCS does not answer.
    pub(crate) async fn clock(&self) -> Result<ScsClock, Trouble> {
        let asked = Moment::now();
        let picture = self.picture().await?;
        let answered = Moment::now();
        Ok(ScsClock {
            at: picture.at,
            here: asked.plus(answered.since(asked) / 2),
        })
    }

    /// The newest timeline records, oldest first.
    ///
    /// # Errors
    /// When the SCS does not answer.
    pub(crate) async fn timeline(&self) -> Result<Vec<TimelineRecord>, Trouble> {
        let what = "asking the SCS for its timeline";
        let caller = self.caller(what).await?;
        let mut scs = SolutionControlServerClient::new(caller.channel.clone())
            .max_decoding_message_size(LARGEST);
        let reply = self
            .answer(what, scs.timeline(TimelineSelection::All.request(RECORDS)))
            .await?;
        reply
            .records
            .into_iter()
            .map(|record| record.try_into().map_err(|error| said(what, &error)))
            .collect()
    }

    /// The newest records of the Message Server's log, of one event or of all, oldest first.
    ///
    /// # Errors
    /// When the SCS or the Message Server does not answer.
    pub(crate) async fn log(&self, id: Option<LogEventId>) -> Result<Vec<LogRecord>, Trouble> {
        let what = "asking for the Message Server's log";
        let caller = self.caller(what).await?;
        let mut scs = SolutionControlServerClient::new(caller.channel.clone())
            .max_decoding_message_size(LARGEST);
        let query = LogQuery {
            id,
            limit: id.map_or(RECORDS, |_| LOGGED),
            ..LogQuery::default()
        };
        let mut stream = self
            .answer(what, scs.log(wire::LogQuery::from(query)))
            .await?;
        let read = async {
            let mut records = Vec::new();
            while let Some(record) = stream
                .message()
                .await
                .map_err(|status| said(what, &status.message()))?
            {
                records.push(LogRecord::try_from(record).map_err(|error| said(what, &error))?);
            }
            Ok(records)
        };
        tokio::time::timeout(ANSWER_WAIT, read)
            .await
            .unwrap_or_else(|_| {
                Err(Trouble::TooLong {
                    what: what.to_owned(),
                    bound: ANSWER_WAIT,
                })
            })
    }

    /// A planned switchover, to its end.
    ///
    /// # Errors
    /// When the SCS does not answer in time.
    pub(crate) async fn switchover(
        &self,
        pair: &PairName,
        reason: &str,
    ) -> Result<Outcome, Trouble> {
        let request = SwitchoverRequest {
            pair: pair.to_string(),
            to: None,
            reason: reason.to_owned(),
            dry_run: false,
            force: false,
        };
        self.order("switching over", OperatorCommand::Switchover(request))
            .await
    }

    /// The start of an application, to its end.
    ///
    /// # Errors
    /// When the SCS does not answer in time.
    pub(crate) async fn start(&self, application: &ApplicationName) -> Result<Outcome, Trouble> {
        self.order(
            "starting an application",
            OperatorCommand::Start {
                application: application.clone(),
            },
        )
        .await
    }

    /// The stop of an application, to its end; a pair's primary hands over first.
    ///
    /// # Errors
    /// When the SCS does not answer in time.
    pub(crate) async fn stop(&self, application: &ApplicationName) -> Result<Outcome, Trouble> {
        self.order(
            "stopping an application",
            OperatorCommand::Stop {
                application: application.clone(),
                no_handover: false,
            },
        )
        .await
    }

    /// An alarm Test, or only its prediction.
    ///
    /// # Errors
    /// When the SCS does not answer in time.
    pub(crate) async fn test_alarm(
        &self,
        condition: &ConditionName,
        dry_run: bool,
    ) -> Result<Outcome, Trouble> {
        let command = OperatorCommand::TestAlarm {
            condition: condition.clone(),
            application: None,
            dry_run,
            confirmed: true,
        };
        self.order("testing an Alarm Condition", command).await
    }

    /// A realignment, to its end.
    ///
    /// # Errors
    /// When the SCS does not answer in time.
    pub(crate) async fn realign(&self, pair: &PairName) -> Result<Outcome, Trouble> {
        self.order(
            "realigning the pair",
            OperatorCommand::Realign {
                pair: pair.to_string(),
            },
        )
        .await
    }

    async fn order(&self, what: &str, command: OperatorCommand) -> Result<Outcome, Trouble> {
        let caller = self.caller(what).await?;
        let stream = match operator_call("changeover-rehearse", command) {
            OperatorCall::Command(call) => {
                let mut scs = SolutionControlServerClient::new(caller.channel.clone());
                self.answer(what, scs.command(call)).await?
            }
            OperatorCall::Run(call) => {
                let mut engine = ReactionEngineClient::new(caller.channel.clone());
                self.answer(what, engine.run(call)).await?
            }
        };
        tokio::time::timeout(COMMAND_WAIT, follow(what, stream))
            .await
            .unwrap_or_else(|_| {
                Err(Trouble::TooLong {
                    what: what.to_owned(),
                    bound: COMMAND_WAIT,
                })
            })
    }

    async fn caller(&self, what: &str) -> Result<Arc<Caller>, Trouble> {
        let mut connection = self.connection.lock().await;
        if let Some(caller) = connection.as_ref() {
            return Ok(Arc::clone(caller));
        }
        let way = self.way.clone();
        let security = LinkSecurity::from_arguments(way.tls.as_deref(), false)
            .map_err(|error| said(what, &error))?;
        let dialler = Dialler {
            network: Network::Kernel,
            security,
            expected: Expected::role(Role::Scs),
        };
        let runtime = tokio::runtime::Handle::current();
        let to = Destination::Tcp(way.address);
        let caller = match way.namespace {
            None => channel(&dialler, &to, DIAL_WAIT)
                .await
                .map_err(|error| said(what, &error))?,
            Some(namespace) => {
                // The socket belongs to the namespace of the thread that opens it.
                let dial = move || {
                    runtime
                        .block_on(channel(&dialler, &to, DIAL_WAIT))
                        .map_err(|error| said("dialling the SCS", &error))
                };
                within(Some(&namespace), dial).await?
            }
        };
        let caller = Arc::new(caller);
        *connection = Some(Arc::clone(&caller));
        Ok(caller)
    }

    /// Waits for an answer; a connection on which none came is given up.
    async fn answer<T>(
        &self,
        what: &str,
        call: impl Future<Output = Result<tonic::Response<T>, Status>>,
    ) -> Result<T, Trouble> {
        let answer = match tokio::time::timeout(ANSWER_WAIT, call).await {
            Ok(Ok(answer)) => return Ok(answer.into_inner()),
            Ok(Err(status)) => said(what, &status.message()),
            Err(_) => Trouble::TooLong {
                what: what.to_owned(),
                bound: ANSWER_WAIT,
            },
        };
        *self.connection.lock().await = None;
        Err(answer)
    }
}

async fn follow(
    what: &str,
    mut stream: Streaming<wire::OperatorAnswer>,
) -> Result<Outcome, Trouble> {
    let mut outcome = Outcome {
        answered: None,
        prediction: None,
    };
    while let Some(answer) = stream
        .message()
        .await
        .map_err(|status| said(what, &status.message()))?
    {
        match OperatorAnswer::try_from(answer).map_err(|error| said(what, &error))? {
            OperatorAnswer::Progress { .. } => {}
            OperatorAnswer::Predicted(prediction) => outcome.prediction = Some(prediction),
            OperatorAnswer::Finished(record) => outcome.answered = Some(Answered::Finished(record)),
            OperatorAnswer::Done { record, .. } => outcome.answered = Some(Answered::Done(record)),
            OperatorAnswer::Refused(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                outcome.answered = Some(Answered::Refused(reasons.join("; ")));
            }
        }
    }
    Ok(outcome)
}

fn said(what: &str, said: &dyn std::fmt::Display) -> Trouble {
    Trouble::Operator {
        what: what.to_owned(),
        said: said.to_string(),
    }
}

/// One moment in the SCS's clock and in ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScsClock {
    pub(crate) at: Timestamp,
    pub(crate) here: Moment,
}

impl ScsClock {
    /// The moment at which the SCS's clock showed this.
    pub(crate) fn moment(&self, at: Timestamp) -> Moment {
        let difference = i128::from(at.minus(self.at)) * 1000 + i128::from(self.here.0);
        Moment(u64::try_from(difference.max(0)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use changeover_model::Epoch;
    use changeover_model::message::RecordKind;

    #[test]
    fn only_an_order_that_ended_as_asked_is_done() {
        let answered = |answered| Outcome {
            answered,
            prediction: None,
        };
        let ended = |outcome| {
            answered(Some(Answered::Finished(Box::new(TimelineRecord {
                id: CauseId(7),
                kind: RecordKind::Switchover,
                pair: None,
                title: String::new(),
                trigger: String::new(),
                opened_at: Timestamp(0),
                closed_at: Some(Timestamp(1)),
                epoch_before: Epoch(1),
                epoch_after: Epoch(2),
                outcome,
                why: "B did not obey".to_owned(),
                reasons: Vec::new(),
                entries: Vec::new(),
            }))))
        };
        let why = Some("B did not obey".to_owned());
        assert_eq!(ended(Some(RecordOutcome::Done)).not_done(), None);
        assert_eq!(ended(Some(RecordOutcome::RolledBack)).not_done(), why);
        assert_eq!(ended(None).not_done(), why);
        assert_eq!(answered(Some(Answered::Done(None))).not_done(), None);
        let refused = answered(Some(Answered::Refused("held".to_owned())));
        assert_eq!(refused.not_done(), Some("held".to_owned()));
        assert!(answered(None).not_done().is_some());
    }

    #[test]
    fn the_scss_clock_is_read_by_its_distance_to_a_moment_known_in_both() {
        let clock = ScsClock {
            at: Timestamp(1_000_000),
            here: Moment(5_000_000_000),
        };
        assert_eq!(clock.moment(Timestamp(1_000_250)), Moment(5_000_250_000));
        assert_eq!(clock.moment(Timestamp(999_000)), Moment(4_999_000_000));
        assert_eq!(clock.moment(Timestamp(0)), Moment(4_000_000_000));
    }
}
