//! Gives an order and follows it to its end: steps as they come, then the outcome and its exit code.

use crate::client::{Scs, ScsError};
use crate::output::{Format, print, print_json, print_json_line, say};
use crate::text;
use changeover_component::ExitCode;
use changeover_model::message::{OperatorAnswer, OperatorCommand, Prediction, RecordOutcome};
use changeover_model::{Refusal, RefusalCode, Timestamp};
use std::time::Duration;
use tokio_stream::StreamExt as _;

/// How long to wait for what is answered at once.
pub(crate) const SHORT: Duration = Duration::from_secs(10);

/// How an order ended.
pub(crate) enum Ending {
    /// With the SCS's last answer.
    Answer(OperatorAnswer),
    /// The time to wait is over; the procedure goes on.
    TimedOut,
}

/// Gives the order, shows steps and outcome.
pub(crate) async fn to_the_end(
    scs: &mut Scs,
    format: Format,
    command: OperatorCommand,
    timeout: Duration,
) -> Result<ExitCode, ScsError> {
    let (ending, prediction) = follow(scs, command, timeout, Some(format)).await?;
    if let (Some(prediction), Format::Text) = (&prediction, format) {
        say(&text::prediction_text(prediction));
    }
    Ok(show(scs, format, ending).await)
}

/// Gives the order and shows nothing.
pub(crate) async fn collect(
    scs: &mut Scs,
    command: OperatorCommand,
    timeout: Duration,
) -> Result<Ending, ScsError> {
    Ok(follow(scs, command, timeout, None).await?.0)
}

async fn follow(
    scs: &mut Scs,
    command: OperatorCommand,
    timeout: Duration,
    progress: Option<Format>,
) -> Result<(Ending, Option<Prediction>), ScsError> {
    let give_up = tokio::time::Instant::now() + timeout;
    let mut answers = scs.command(command).await?;
    let mut started: Option<Timestamp> = None;
    let mut prediction = None;
    let mut last = None;
    loop {
        let answer = match tokio::time::timeout_at(give_up, answers.next()).await {
            Err(_) => return Ok((Ending::TimedOut, prediction)),
            Ok(None) => break,
            Ok(Some(answer)) => answer?,
        };
        if let OperatorAnswer::Progress { entry, .. } = &answer {
            let from = *started.get_or_insert(entry.at);
            match progress {
                Some(Format::Text) => say(&text::entry_line(entry, from)),
                Some(Format::Json) | None => {}
            }
            continue;
        }
        // A prediction that something follows is context; one that nothing follows is the answer.
        if let Some(OperatorAnswer::Predicted(earlier)) = last.replace(answer) {
            prediction = Some(earlier);
        }
    }
    match last {
        Some(answer) => Ok((Ending::Answer(answer), prediction)),
        None => Err(ScsError::Unreachable(
            "the SCS went away before it answered; `sci timeline last` tells later".to_owned(),
        )),
    }
}

/// Shows how an order ended.
pub(crate) async fn show(scs: &mut Scs, format: Format, ending: Ending) -> ExitCode {
    match ending {
        Ending::TimedOut => {
            say("sci: the time to wait is over; the procedure goes on: sci timeline last");
            ExitCode::Bad
        }
        Ending::Answer(OperatorAnswer::Finished(record)) => {
            match format {
                Format::Text => {
                    let now = scs
                        .picture()
                        .await
                        .map_or(record.opened_at, |picture| picture.at);
                    print(&text::record_text(&record, now));
                }
                Format::Json => print_json(&record),
            }
            match record.outcome {
                Some(RecordOutcome::Done) => ExitCode::Good,
                Some(
                    RecordOutcome::Failed
                    | RecordOutcome::RolledBack
                    | RecordOutcome::Refused
                    | RecordOutcome::Superseded,
                )
                | None => ExitCode::Bad,
            }
        }
        Ending::Answer(OperatorAnswer::Done { message, record }) => {
            match format {
                Format::Text => print(&text::visible(&message)),
                Format::Json => print_json(
                    &serde_json::json!({"done": true, "message": message, "record": record}),
                ),
            }
            ExitCode::Good
        }
        Ending::Answer(OperatorAnswer::Predicted(prediction)) => {
            match format {
                Format::Text => print(&text::prediction_text(&prediction)),
                Format::Json => print_json(&prediction),
            }
            ExitCode::Good
        }
        Ending::Answer(OperatorAnswer::Refused(reasons)) => refused(format, &reasons),
        Ending::Answer(OperatorAnswer::Progress { entry, .. }) => {
            print_json_line(&entry);
            ExitCode::Bad
        }
    }
}

/// Shows a refusal. A wrong name or request is unusable input, everything else a bad answer.
pub(crate) fn refused(format: Format, reasons: &[Refusal]) -> ExitCode {
    match format {
        Format::Text => {
            say("Refused; nothing was done:");
            for reason in reasons {
                say(&format!("  {}", text::visible(&reason.to_string())));
            }
        }
        Format::Json => print_json(&serde_json::json!({"refused": reasons})),
    }
    let unusable = |reason: &Refusal| {
        matches!(
            reason.code,
            RefusalCode::UnknownName | RefusalCode::BadRequest
        )
    };
    if reasons.iter().any(unusable) {
        ExitCode::Unusable
    } else {
        ExitCode::Bad
    }
}
