//! `sci alarms`, `sci alarm clear|conditions|test`.

use crate::arguments::{Alarm, Wait};
use crate::client::{Scs, ScsError};
use crate::follow::{self, Ending};
use crate::output::{Format, ask, print, print_json, say};
use crate::text;
use changeover_component::ExitCode;
use changeover_model::message::{OperatorAnswer, OperatorCommand, Prediction};
use changeover_model::{AlarmId, ApplicationName, ConditionName, RefusalCode};

pub(super) async fn list(
    scs: &mut Scs,
    format: Format,
    history: bool,
) -> Result<ExitCode, ScsError> {
    let alarms = scs.alarms(history).await?;
    match format {
        Format::Text => print(&text::alarms_text(&alarms, scs.picture().await?.at)),
        Format::Json => print_json(&alarms),
    }
    Ok(ExitCode::Good)
}

pub(super) async fn run(scs: &mut Scs, format: Format, alarm: Alarm) -> Result<ExitCode, ScsError> {
    match alarm {
        Alarm::Clear { id } => {
            let command = OperatorCommand::ClearAlarm { alarm: AlarmId(id) };
            follow::to_the_end(scs, format, command, follow::SHORT).await
        }
        Alarm::Conditions => {
            let conditions = scs.conditions().await?;
            match format {
                Format::Text => print(&text::conditions_text(&conditions)),
                Format::Json => print_json(&conditions),
            }
            Ok(ExitCode::Good)
        }
        Alarm::Test {
            condition,
            application,
            dry_run,
            yes,
            wait,
        } => {
            let test = Test {
                condition: condition.into(),
                application: application.map(Into::into),
                wait,
            };
            test.run(scs, format, dry_run, yes).await
        }
    }
}

struct Test {
    condition: ConditionName,
    application: Option<ApplicationName>,
    wait: Wait,
}

impl Test {
    fn command(&self, dry_run: bool, confirmed: bool) -> OperatorCommand {
        OperatorCommand::TestAlarm {
            condition: self.condition.clone(),
            application: self.application.clone(),
            dry_run,
            confirmed,
        }
    }

    /// Predicts first; then, with a yes, does it. The prediction and the Test come from the same plan.
    async fn run(
        &self,
        scs: &mut Scs,
        format: Format,
        dry_run: bool,
        yes: bool,
    ) -> Result<ExitCode, ScsError> {
        if dry_run {
            return follow::to_the_end(scs, format, self.command(true, false), follow::SHORT).await;
        }
        if yes {
            return follow::to_the_end(scs, format, self.command(false, true), self.wait.timeout)
                .await;
        }
        // Not confirmed: the SCS runs it at once only where nothing live is touched.
        match follow::collect(scs, self.command(false, false), self.wait.timeout).await? {
            Ending::Answer(OperatorAnswer::Refused(reasons))
                if reasons
                    .iter()
                    .any(|reason| reason.code == RefusalCode::ConfirmationNeeded) =>
            {
                let prediction = self.predict(scs).await?;
                say(&text::prediction_text(&prediction));
                match ask(&format!(
                    "Run the Test of {} on a live pair?",
                    self.condition
                )) {
                    Some(true) => {
                        follow::to_the_end(
                            scs,
                            format,
                            self.command(false, true),
                            self.wait.timeout,
                        )
                        .await
                    }
                    Some(false) => {
                        say("Nothing was done.");
                        Ok(ExitCode::Bad)
                    }
                    None => Ok(follow::refused(format, &reasons)),
                }
            }
            ending => Ok(follow::show(scs, format, ending).await),
        }
    }

    async fn predict(&self, scs: &mut Scs) -> Result<Prediction, ScsError> {
        match follow::collect(scs, self.command(true, false), follow::SHORT).await? {
            Ending::Answer(OperatorAnswer::Predicted(prediction)) => Ok(prediction),
            Ending::Answer(_) | Ending::TimedOut => Ok(Prediction::default()),
        }
    }
}
