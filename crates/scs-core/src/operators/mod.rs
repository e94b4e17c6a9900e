//! What operators may ask, each answered with any number of steps and then exactly one end. Here: who may, and which
//! room it goes to. `roles` switches, starts and stops; `testing` is for alarms and events; `care` for maintenance
//! and lost hosts.

mod care;
mod roles;
mod testing;

use crate::ScsCore;
use changeover_model::message::{
    Operator, OperatorAnswer, OperatorCommand, OperatorRole, RecordKind,
};
use changeover_model::{PairName, Refusal, RefusalCode, RequestId, planted};

impl ScsCore {
    pub(crate) fn operator_requested(
        &mut self,
        request: RequestId,
        operator: &Operator,
        command: OperatorCommand,
    ) {
        let name = operator.name.clone();
        if operator.role != OperatorRole::Operator && !only_looks(&command) {
            let refusal = Refusal::new(
                RefusalCode::NotAllowed,
                format!("{name} may look only; a certificate of role operator is needed"),
            );
            self.refuse(request, vec![refusal]);
            return;
        }
        if self.environment.is_none() {
            let refusal = Refusal::new(
                RefusalCode::NotYetJudged,
                "the SCS has no environment yet; try again in a moment",
            );
            self.refuse(request, vec![refusal]);
            return;
        }
        match command {
            OperatorCommand::Switchover(asked) => self.ask_switchover(request, &name, &asked),
            OperatorCommand::Start { application } => self.ask_start(request, &name, &application),
            OperatorCommand::Stop {
                application,
                no_handover,
            } => self.ask_stop(request, &name, &application, no_handover),
            OperatorCommand::Restart {
                application,
                no_handover,
            } => self.ask_restart(request, &name, &application, no_handover),
            OperatorCommand::ClearAlarm { alarm } => self.ask_clear(request, &name, alarm),
            OperatorCommand::TestAlarm {
                condition,
                application,
                dry_run,
                confirmed,
            } => self.ask_test(
                request,
                &name,
                &condition,
                application.as_ref(),
                dry_run,
                confirmed,
            ),
            OperatorCommand::Realign { pair } => self.ask_realign(request, &name, &pair),
            OperatorCommand::SetMaintenance {
                target,
                on,
                duration,
                confirmed,
            } => self.ask_maintenance(request, &name, &target, on.then_some(duration), confirmed),
            OperatorCommand::ConfirmLost { hosts } => {
                self.ask_confirm_lost(request, &name, &hosts);
            }
            OperatorCommand::LogEvent {
                id,
                application,
                text,
                confirmed,
            } => self.ask_log_event(request, &name, id, &application, text, confirmed),
        }
    }

    /// Refuses and leaves a record with the reasons, for `sci why`.
    pub(crate) fn refuse_on_record(
        &mut self,
        request: RequestId,
        pair: Option<&PairName>,
        title: String,
        who: &str,
        reasons: Vec<Refusal>,
    ) {
        self.record_reasons(RecordKind::Refusal, pair, title, who, &reasons);
        if planted("refusal-without-a-reason") {
            self.refuse(request, Vec::new());
            return;
        }
        self.refuse(request, reasons);
    }

    pub(crate) fn done(&mut self, request: RequestId, message: impl Into<String>) {
        self.reply(
            request,
            OperatorAnswer::Done {
                message: message.into(),
                record: None,
            },
        );
    }

    pub(crate) fn unknown_pair(&self, text: &str) -> Refusal {
        let names: Vec<&str> = self.pairs.keys().map(PairName::as_str).collect();
        Refusal::new(
            RefusalCode::UnknownName,
            format!(
                "there is no pair, application of a pair or VIP {text}; pairs are: {}",
                names.join(", ")
            ),
        )
    }
}

fn only_looks(command: &OperatorCommand) -> bool {
    match command {
        OperatorCommand::Switchover(asked) => asked.dry_run,
        OperatorCommand::TestAlarm { dry_run, .. } => *dry_run,
        OperatorCommand::Start { .. }
        | OperatorCommand::Stop { .. }
        | OperatorCommand::Restart { .. }
        | OperatorCommand::ClearAlarm { .. }
        | OperatorCommand::Realign { .. }
        | OperatorCommand::SetMaintenance { .. }
        | OperatorCommand::ConfirmLost { .. }
        | OperatorCommand::LogEvent { .. } => false,
    }
}
