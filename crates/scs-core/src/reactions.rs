//! Between the SCS and the reaction engine: what the engine wants is sent, recorded, or granted here. Owns no
//! decision about reactions.

use crate::pairs::Member;
use crate::procedures::OperationKind;
use crate::timeline::{Moment, NewEntry};
use crate::{OptionChange, ScsCore, ScsOutput};
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{LcaOrder, Party, RecordKind, RecordOutcome, Step};
use changeover_model::{
    ApplicationName, CauseId, Core, HostName, PairName, Refusal, RefusalCode, Ticket,
};
use changeover_reaction_engine::{EscalationKind, Input, Output, Report};

/// Most outputs taken from the engine within one input; a bound against a circle of our own making.
const ROUNDS: usize = 4_096;

impl ScsCore {
    /// Hands something to the engine and does at once what it wants.
    pub(crate) fn engine(&mut self, input: Input) {
        let idle = self.engine_outputs.is_empty();
        let mut outputs = Vec::new();
        self.engine.handle(self.now, input, &mut outputs);
        self.engine_outputs.extend(outputs);
        if idle {
            self.obey_engine();
        }
    }

    pub(crate) fn obey_engine(&mut self) {
        for _ in 0..ROUNDS {
            // It stays at the front while it is dealt with, so that a nested call only queues.
            let Some(output) = self.engine_outputs.front().cloned() else {
                return;
            };
            self.obey(output);
            self.engine_outputs.pop_front();
        }
    }

    fn obey(&mut self, output: Output) {
        match output {
            Output::Order { host, cause, order } => self.send_for_engine(&host, cause, order),
            Output::StartApplicationRequested {
                ticket,
                cause,
                application,
                reason,
            } => self.wish(ticket, cause, &application, OperationKind::Start, &reason),
            Output::ShutDownApplicationRequested {
                ticket,
                cause,
                application,
                reason,
            } => self.wish(ticket, cause, &application, OperationKind::Stop, &reason),
            Output::RestartApplicationRequested {
                ticket,
                cause,
                application,
                reason,
            } => self.wish(ticket, cause, &application, OperationKind::Restart, &reason),
            Output::SwitchoverRequested {
                ticket,
                cause,
                pair,
                reason,
            } => self.wish_switchover(ticket, cause, &pair, &reason),
            Output::ChangeOptionRequested {
                ticket,
                cause,
                application,
                section,
                option,
                value,
            } => {
                let change = OptionChange {
                    application,
                    section,
                    option,
                    value,
                };
                self.wish_option(ticket, cause, change);
            }
            Output::SendEmail { ticket, email } => {
                self.out.push(ScsOutput::SendEmail { ticket, email });
            }
            Output::SendSnmpTrap { ticket, trap } => {
                self.out.push(ScsOutput::SendSnmpTrap { ticket, trap });
            }
            Output::RunCommand { ticket, command } => {
                self.out.push(ScsOutput::RunCommand { ticket, command });
            }
            Output::Report(report) => self.reaction_reported(report),
            Output::Escalated {
                pair,
                application,
                cause,
                kind,
                reason,
            } => self.escalated(pair.as_ref(), application.as_ref(), cause, kind, &reason),
            Output::HoldPair {
                pair,
                cause,
                until_back,
                reason,
            } => self.hold(&pair, cause, until_back, &reason),
            Output::Settled { pair, cause, good } => self.settled(pair, cause, good),
        }
    }

    fn send_for_engine(&mut self, host: &HostName, cause: CauseId, order: LcaOrder) {
        if let LcaOrder::AnnounceAddresses { key } = &order
            && let Some(care) = key.pair.as_ref().and_then(|pair| self.pairs.get_mut(pair))
        {
            care.announced = Some(cause);
        }
        self.send(host, Some(cause), order);
    }

    fn wish_option(&mut self, ticket: Ticket, cause: CauseId, change: OptionChange) {
        let what = format!(
            "{}: {} / {} = {}",
            change.application, change.section, change.option, change.value
        );
        self.note(cause, Step::Note, "option changed", what.clone());
        self.change_option(change);
        self.wish_ended(ticket, Ok(what));
    }

    fn reaction_reported(&mut self, report: Report) {
        let moment = match (&report.who, self.reported_at) {
            (Party::Lca(_), Some(moment)) => moment,
            _ => Moment::Here,
        };
        if let Some(care) = report
            .pair
            .as_ref()
            .and_then(|pair| self.pairs.get_mut(pair))
        {
            care.last_record = Some(report.cause);
        }
        if let Step::Refused(refusal) = &report.step {
            self.timeline.add_reason(report.cause, refusal.clone());
        }
        self.entry(
            report.cause,
            NewEntry {
                moment,
                who: report.who,
                step: report.step,
                what: report.what,
                evidence: report.evidence,
            },
        );
        self.touched.extend(report.pair);
        self.changed_reactions.insert(report.number);
        self.picture_changed = true;
    }

    /// Shows each reaction that changed once, after everything that had to be ordered.
    pub(crate) fn show_reactions(&mut self) {
        let changed = std::mem::take(&mut self.changed_reactions);
        if changed.is_empty() {
            return;
        }
        let pictures = self.engine.pictures().into_iter();
        self.out.extend(
            pictures
                .filter(|picture| changed.contains(&picture.number))
                .map(|picture| ScsOutput::ReactionChanged(Box::new(picture))),
        );
    }

    fn escalated(
        &mut self,
        pair: Option<&PairName>,
        application: Option<&ApplicationName>,
        cause: CauseId,
        kind: EscalationKind,
        reason: &str,
    ) {
        let about = pair
            .map(ToString::to_string)
            .or_else(|| application.map(ToString::to_string))
            .unwrap_or_else(|| "SCS".to_owned());
        let name = match kind {
            EscalationKind::ScriptFailed => "CONTROL_SCRIPT_FAILED",
            EscalationKind::ReleaseForced => "RELEASE_FORCED",
            EscalationKind::ReleaseFailed => "RELEASE_FAILED",
            EscalationKind::ReactionFailed => "REACTION_FAILED",
        };
        self.raise_alarm(
            &format!("{name}/{about}"),
            name,
            AlarmCategory::Major,
            &about,
            reason,
            Some(cause),
        );
    }

    fn hold(
        &mut self,
        pair: &PairName,
        cause: CauseId,
        until_back: Option<HostName>,
        reason: &str,
    ) {
        self.note(cause, Step::Note, format!("{pair} is held"), reason);
        if let Some(care) = self.pairs.get_mut(pair) {
            care.kept.held_until_back = until_back;
            care.kept.held = Some(Refusal::new(
                RefusalCode::Held,
                format!("{reason}, or sci switchover {pair} --force"),
            ));
        }
        self.keep_pair(pair);
        self.touched.insert(pair.clone());
        self.raise_alarm(
            &format!("held/{pair}"),
            "PAIR_HELD",
            AlarmCategory::Critical,
            pair.as_str(),
            reason,
            Some(cause),
        );
    }

    fn settled(&mut self, pair: Option<PairName>, cause: CauseId, good: bool) {
        let record = self.timeline.get(cause);
        if let Some(record) = record
            && matches!(record.kind, RecordKind::Alarm | RecordKind::Test)
        {
            let (outcome, why) = if good {
                (RecordOutcome::Done, "its reactions have ended".to_owned())
            } else if record.reasons.is_empty() {
                (RecordOutcome::Failed, "a reaction failed".to_owned())
            } else {
                let why = format!("a reaction was refused: {}", joined(&record.reasons));
                (RecordOutcome::Failed, why)
            };
            self.close_record(cause, outcome, why);
        }
        if good && let Some(pair) = &pair {
            for name in ["CONTROL_SCRIPT_FAILED", "RELEASE_FAILED", "RELEASE_FORCED"] {
                self.clear_alarm(&format!("{name}/{pair}"), "a later reaction succeeded");
            }
        }
        self.touched.extend(pair);
        self.picture_changed = true;
    }

    /// A wish of the engine has ended.
    pub(crate) fn wish_ended(&mut self, ticket: Ticket, result: Result<String, String>) {
        self.engine(Input::EffectFinished { ticket, result });
    }

    fn wish(
        &mut self,
        ticket: Ticket,
        cause: CauseId,
        application: &ApplicationName,
        kind: OperationKind,
        reason: &str,
    ) {
        let trigger = format!("a reaction of record {cause}");
        match self.begin_operation(application, kind, false, Party::Scs, &trigger, reason) {
            Ok(record) => self.wishes.entry(record).or_default().push(ticket),
            Err(reasons) => self.wish_ended(ticket, Err(joined(&reasons))),
        }
    }

    fn wish_switchover(&mut self, ticket: Ticket, cause: CauseId, pair: &PairName, reason: &str) {
        let checked = self
            .direction(pair, None)
            .map_err(|refusal| vec![refusal])
            .and_then(|direction| {
                let reasons = self.precheck(pair, &direction);
                if reasons.is_empty() {
                    Ok(direction)
                } else {
                    Err(reasons)
                }
            });
        match checked {
            Ok(direction) => {
                let trigger = format!("a reaction of record {cause}");
                let record = self.open_switchover(pair, &direction, Party::Scs, &trigger, reason);
                self.wishes.entry(record).or_default().push(ticket);
            }
            Err(reasons) => self.wish_ended(ticket, Err(joined(&reasons))),
        }
    }

    /// The pair's member that is primary now, as reported.
    pub(crate) fn primary_member(&self, pair: &PairName) -> Option<Member> {
        self.members(pair)?.into_iter().find(Member::is_primary)
    }
}

pub(crate) fn joined(reasons: &[Refusal]) -> String {
    reasons
        .iter()
        .map(|reason| reason.reason.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}
