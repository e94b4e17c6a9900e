//! Alarm Test, clearing, and log events typed in by an operator.

use crate::ScsCore;
use crate::events::OwnEvent;
use crate::timeline::{Moment, NewEntry};
use changeover_model::message::{
    LogOrigin, OperatorAnswer, Party, Prediction, RecordKind, RecordOutcome, Step,
};
use changeover_model::{
    AlarmId, ApplicationName, CauseId, ConditionName, LogEventId, PairName, Refusal, RefusalCode,
    RequestId, show_duration,
};

impl ScsCore {
    pub(super) fn ask_clear(&mut self, request: RequestId, who: &str, alarm: AlarmId) {
        let mut effects = Vec::new();
        match self.alarms.clear(self.now, alarm, who, &mut effects) {
            Ok(()) => {
                let cause = self.alarms.get(alarm).and_then(|alarm| alarm.cause);
                self.alarm_effects(effects, cause);
                self.done(request, format!("alarm #{alarm} is cleared"));
            }
            Err(refusal) => self.refuse(request, vec![refusal]),
        }
    }

    /// The pair that a Test would touch: that of its control scripts, else that of its application.
    fn tested_pair(
        &self,
        prediction: &Prediction,
        application: &ApplicationName,
    ) -> Option<PairName> {
        let environment = self.environment.as_ref()?;
        prediction
            .runs
            .iter()
            .filter_map(|run| run.application.as_ref())
            .find_map(|name| environment.control_script(name))
            .map(|(pair, _, _)| pair.name.clone())
            .or_else(|| self.pair_of(application))
    }

    pub(super) fn ask_test(
        &mut self,
        request: RequestId,
        who: &str,
        condition: &ConditionName,
        application: Option<&ApplicationName>,
        dry_run: bool,
        confirmed: bool,
    ) {
        let wanted = match self
            .alarms
            .test_request(condition, application, who, CauseId(0))
        {
            Ok(wanted) => wanted,
            Err(refusal) => {
                self.refuse(request, vec![refusal]);
                return;
            }
        };
        let prediction = self.engine.predict(&wanted);
        if dry_run {
            self.reply(request, OperatorAnswer::Predicted(prediction));
            return;
        }
        let reporting = wanted
            .reporting_application
            .clone()
            .unwrap_or_else(|| ApplicationName::from("SCS"));
        let pair = self.tested_pair(&prediction, &reporting);
        if let Some(pair) = &pair {
            if self.is_busy(pair) || self.stops_member(pair) {
                let refusal = Refusal::new(
                    RefusalCode::ProcedureUnderWay,
                    format!("a procedure of {pair} is under way; test when it has ended"),
                );
                let title = format!("Test of {condition} refused");
                self.refuse_on_record(request, Some(pair), title, who, vec![refusal]);
                return;
            }
            if !confirmed && self.primary_member(pair).is_some() {
                let warnings = prediction.warnings.join("; ");
                let refusal = Refusal::new(
                    RefusalCode::ConfirmationNeeded,
                    format!(
                        "a Test runs the reactions on the live pair {pair}: confirm with --yes. {warnings}"
                    ),
                );
                self.refuse(request, vec![refusal]);
                return;
            }
        }
        // What touches no VIP needs no hold.
        let moves = prediction.runs.iter().any(|run| run.action.is_some());
        self.run_test(request, who, condition, application, pair, moves);
    }

    fn run_test(
        &mut self,
        request: RequestId,
        who: &str,
        condition: &ConditionName,
        application: Option<&ApplicationName>,
        pair: Option<PairName>,
        moves: bool,
    ) {
        let record = self.open_record(
            RecordKind::Test,
            pair.as_ref(),
            format!("Test of {condition}"),
            who,
        );
        self.entry(
            record,
            NewEntry {
                moment: Moment::Here,
                who: Party::Operator(who.to_owned()),
                step: Step::Requested,
                what: format!("Test of {condition}"),
                evidence: format!("request {request}, {who}"),
            },
        );
        if let Some(pair) = pair.filter(|_| moves) {
            self.hold_for_test(&pair, record);
        }
        self.follow(record, request);
        let mut effects = Vec::new();
        let tested = self
            .alarms
            .test(self.now, condition, application, who, record, &mut effects);
        let runs = effects.iter().any(|effect| {
            matches!(
                effect,
                crate::alarms::AlarmEffect::Activated { run: Some(_), .. }
            )
        });
        self.alarm_effects(effects, Some(record));
        match tested {
            Err(refusal) => self.close_record(record, RecordOutcome::Refused, refusal.reason),
            Ok(_) if !runs => {
                self.close_record(
                    record,
                    RecordOutcome::Done,
                    "the condition has no reactions",
                );
            }
            Ok(_) => {}
        }
    }

    fn hold_for_test(&mut self, pair: &PairName, record: CauseId) {
        let now = self.now;
        if let Some(care) = self.pairs.get_mut(pair) {
            let hold = care.config.policy.test_hold;
            care.kept.test_hold_until = Some(now + hold);
            care.last_record = Some(record);
            let text = format!(
                "{pair} is not realigned for {}, or until sci realign {pair}",
                show_duration(hold)
            );
            self.note(record, Step::Note, "test hold", text);
        }
        self.keep_pair(pair);
        self.touched.insert(pair.clone());
    }

    pub(super) fn ask_log_event(
        &mut self,
        request: RequestId,
        who: &str,
        id: LogEventId,
        application: &ApplicationName,
        text: String,
        confirmed: bool,
    ) {
        if !self.applications.contains_key(application) {
            let refusal = Refusal::new(
                RefusalCode::UnknownName,
                format!("there is no application {application}; sci applications lists them"),
            );
            self.refuse(request, vec![refusal]);
            return;
        }
        let text = if text.is_empty() {
            own_text(id).map_or_else(|| format!("entered by {who}"), str::to_owned)
        } else {
            text
        };
        self.push_own_event(OwnEvent {
            id,
            application: application.clone(),
            host: None,
            text,
            epoch: None,
            cause: None,
            origin: if confirmed {
                LogOrigin::OperatorConfirmed
            } else {
                LogOrigin::Operator
            },
        });
        let state = if self.message_server_connected {
            "is on its way to the Message Server"
        } else {
            "is kept until the Message Server is connected"
        };
        self.done(
            request,
            format!("{} of {application} {state}", id.wire_form()),
        );
    }
}

/// Texts of the HA events, FACTS 3.
fn own_text(id: LogEventId) -> Option<&'static str> {
    match id {
        LogEventId::WARM_BACKUP => Some("Warm Standby (backup) mode activated"),
        LogEventId::HOT_BACKUP => Some("Hot Standby (backup) mode activated"),
        LogEventId::WARM_PRIMARY => Some("Warm Standby (Primary) mode activated"),
        LogEventId::HOT_PRIMARY => Some("Hot Standby (Primary) mode activated"),
        _ => None,
    }
}
