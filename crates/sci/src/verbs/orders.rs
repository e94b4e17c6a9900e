//! Verbs that order something and wait for its outcome.

use crate::arguments::{LogEvent, Maintenance, Stop, Switchover, Wait};
use crate::client::{Scs, ScsError};
use crate::follow::{self, Ending};
use crate::output::{Format, ask, say};
use crate::text;
use changeover_component::ExitCode;
use changeover_model::message::{
    MaintenanceTarget, OperatorAnswer, OperatorCommand, SwitchoverRequest,
};
use changeover_model::{Refusal, RefusalCode};

pub(super) async fn switchover(
    scs: &mut Scs,
    format: Format,
    asked: Switchover,
) -> Result<ExitCode, ScsError> {
    let command = OperatorCommand::Switchover(SwitchoverRequest {
        pair: asked.pair,
        to: asked.to,
        reason: asked.reason,
        dry_run: asked.dry_run,
        force: asked.force,
    });
    follow::to_the_end(scs, format, command, asked.wait.timeout).await
}

pub(super) async fn start(
    scs: &mut Scs,
    format: Format,
    application: String,
    wait: Wait,
) -> Result<ExitCode, ScsError> {
    let command = OperatorCommand::Start {
        application: application.into(),
    };
    follow::to_the_end(scs, format, command, wait.timeout).await
}

pub(super) async fn stop(scs: &mut Scs, format: Format, stop: Stop) -> Result<ExitCode, ScsError> {
    let command = OperatorCommand::Stop {
        application: stop.application.into(),
        no_handover: stop.no_handover,
    };
    follow::to_the_end(scs, format, command, stop.wait.timeout).await
}

pub(super) async fn restart(
    scs: &mut Scs,
    format: Format,
    stop: Stop,
) -> Result<ExitCode, ScsError> {
    let command = OperatorCommand::Restart {
        application: stop.application.into(),
        no_handover: stop.no_handover,
    };
    follow::to_the_end(scs, format, command, stop.wait.timeout).await
}

pub(super) async fn realign(
    scs: &mut Scs,
    format: Format,
    pair: String,
    wait: Wait,
) -> Result<ExitCode, ScsError> {
    follow::to_the_end(scs, format, OperatorCommand::Realign { pair }, wait.timeout).await
}

pub(super) async fn confirm_lost(
    scs: &mut Scs,
    format: Format,
    hosts: Vec<String>,
) -> Result<ExitCode, ScsError> {
    let command = OperatorCommand::ConfirmLost {
        hosts: hosts.into_iter().map(Into::into).collect(),
    };
    follow::to_the_end(scs, format, command, follow::SHORT).await
}

pub(super) async fn maintenance(
    scs: &mut Scs,
    format: Format,
    asked: Maintenance,
) -> Result<ExitCode, ScsError> {
    let command = |confirmed| OperatorCommand::SetMaintenance {
        target: MaintenanceTarget::Named(asked.target.clone()),
        on: asked.switch == "on",
        duration: asked.duration,
        confirmed,
    };
    confirmed(
        scs,
        format,
        command,
        asked.yes,
        &format!("Switch maintenance of {} {}?", asked.target, asked.switch),
    )
    .await
}

pub(super) async fn log_event(
    scs: &mut Scs,
    format: Format,
    event: LogEvent,
) -> Result<ExitCode, ScsError> {
    let command = |confirmed| OperatorCommand::LogEvent {
        id: event.id,
        application: event.application.as_str().into(),
        text: event.text.clone(),
        confirmed,
    };
    let question = format!(
        "Put {} of {} into the log all the same?",
        event.id.wire_form(),
        event.application
    );
    confirmed(scs, format, command, event.yes, &question).await
}

/// Gives the order unconfirmed; where the SCS wants a yes, shows what it predicts and asks.
async fn confirmed(
    scs: &mut Scs,
    format: Format,
    command: impl Fn(bool) -> OperatorCommand,
    yes: bool,
    question: &str,
) -> Result<ExitCode, ScsError> {
    let ending = follow::collect(scs, command(yes), follow::SHORT).await?;
    let reasons = match &ending {
        Ending::Answer(OperatorAnswer::Refused(reasons))
            if reasons
                .iter()
                .any(|reason| reason.code == RefusalCode::ConfirmationNeeded) =>
        {
            for reason in reasons {
                say(&text::visible(&reason.reason));
            }
            reasons.clone()
        }
        // What would happen at once, and therefore was not done without a yes.
        Ending::Answer(OperatorAnswer::Predicted(prediction)) => {
            say(&text::prediction_text(prediction));
            let reason = "this would act on the live pair at once: confirm with --yes";
            vec![Refusal::new(RefusalCode::ConfirmationNeeded, reason)]
        }
        Ending::Answer(_) | Ending::TimedOut => return Ok(follow::show(scs, format, ending).await),
    };
    match ask(question) {
        Some(true) => follow::to_the_end(scs, format, command(true), follow::SHORT).await,
        Some(false) => {
            say("Nothing was done.");
            Ok(ExitCode::Bad)
        }
        None => Ok(follow::refused(format, &reasons)),
    }
}
