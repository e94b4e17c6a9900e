//! An alarm Test: which application it speaks for, and what it asks the reaction engine to run. The alarm itself is
//! activated by the book, like one that an event brought.

use super::{Activation, AlarmBook, AlarmEffect, AlarmKey, timeout_of};
use changeover_model::environment::{AlarmCondition, Selection};
use changeover_model::{
    AlarmId, ApplicationName, CauseId, ConditionName, Refusal, RefusalCode, Timestamp,
};
use changeover_reaction_engine::{Origin, ReactionRequest, Target};

impl AlarmBook {
    /// What a Test of a condition would ask the reaction engine for, without activating anything: for its
    /// prediction and for the pre-checks.
    ///
    /// # Errors
    /// The condition or application is unknown, or the condition needs `--application`.
    pub fn test_request(
        &self,
        condition: &ConditionName,
        application: Option<&ApplicationName>,
        operator: &str,
        cause: CauseId,
    ) -> Result<ReactionRequest, Refusal> {
        let (condition, application) = self.tested(condition, application)?;
        Ok(test_of(&condition, application, operator, None, cause))
    }

    /// Tests a condition: activates (or renews) its alarm and asks for its reactions, as if its event had come.
    ///
    /// # Errors
    /// As [`AlarmBook::test_request`].
    pub fn test(
        &mut self,
        now: Timestamp,
        condition: &ConditionName,
        application: Option<&ApplicationName>,
        operator: &str,
        cause: CauseId,
        effects: &mut Vec<AlarmEffect>,
    ) -> Result<AlarmId, Refusal> {
        let (condition, application) = self.tested(condition, application)?;
        let (id, renewed) = self.activate(
            now,
            Activation {
                key: AlarmKey::Condition {
                    condition: condition.name.clone(),
                    application: application.clone(),
                },
                name: condition.name.clone(),
                category: condition.category,
                application: application.clone(),
                clears_at: timeout_of(&condition, now),
                text: format!("Test of {}", condition.name),
                by: format!("manual (Test) by {operator}"),
                cause: Some(cause),
            },
            effects,
        );
        let run = (!condition.reaction_scripts.is_empty())
            .then(|| test_of(&condition, application, operator, Some(id), cause));
        self.tell_activated(id, renewed, run, effects);
        Ok(id)
    }

    fn tested(
        &self,
        name: &ConditionName,
        application: Option<&ApplicationName>,
    ) -> Result<(AlarmCondition, ApplicationName), Refusal> {
        let condition = self.condition(name).ok_or_else(|| {
            Refusal::new(
                RefusalCode::UnknownName,
                format!("there is no Alarm Condition {name}; `sci alarm conditions` lists them"),
            )
        })?;
        let chosen = match (&condition.selection, application) {
            (Selection::Application(own), None) => own.clone(),
            (Selection::Application(own), Some(asked)) if own == asked => own.clone(),
            (Selection::Application(own), Some(asked)) => {
                return Err(Refusal::new(
                    RefusalCode::BadRequest,
                    format!("{name} is selected by application {own}, not {asked}"),
                ));
            }
            (Selection::Any | Selection::ApplicationType(_), Some(asked)) => asked.clone(),
            (Selection::Any | Selection::ApplicationType(_), None) => {
                return Err(Refusal::new(
                    RefusalCode::BadRequest,
                    format!("{name} matches more than one application: add --application"),
                ));
            }
        };
        let known = self
            .environment
            .as_ref()
            .and_then(|environment| environment.applications.get(&chosen));
        match (&condition.selection, known) {
            (_, None) => Err(Refusal::new(
                RefusalCode::UnknownName,
                format!("there is no application {chosen}"),
            )),
            (Selection::ApplicationType(wanted), Some(application))
                if application.application_type != *wanted =>
            {
                Err(Refusal::new(
                    RefusalCode::BadRequest,
                    format!("{name} matches applications of type {wanted}; {chosen} is none"),
                ))
            }
            _ => Ok((condition, chosen)),
        }
    }
}

fn test_of(
    condition: &AlarmCondition,
    application: ApplicationName,
    operator: &str,
    alarm: Option<AlarmId>,
    cause: CauseId,
) -> ReactionRequest {
    ReactionRequest {
        origin: Origin::Test {
            operator: operator.to_owned(),
            alarm,
            condition: condition.name.clone(),
        },
        reporting_application: Some(application),
        target: Target::Scripts(condition.reaction_scripts.clone()),
        epoch: None,
        cause,
        operator_confirmed: true,
    }
}
