//! Procedures: what is under way for a pair, one at a time, each step with a deadline and a way out. How roles
//! change stands in `role_change`; why they do, in one file per procedure. An application's start and stop
//! (`operation`) is no procedure of the pair until it needs the pair's roles to change.

mod clearance;
mod failover;
mod hooks;
mod operation;
mod orders;
mod realignment;
mod reconnect;
mod role_change;
mod roll_back;
mod settling;
mod start;
mod switchover;

pub(crate) use operation::{Operation, OperationKind};

use crate::ScsCore;
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{CommandOutcome, RecordKind, RecordOutcome, Step};
use changeover_model::{
    ApplicationName, CauseId, HostName, LogEventId, OrderNumber, PairName, Timestamp,
};
use realignment::Realignment;
use role_change::RoleChange;
use std::time::Duration;

/// After the first failure in a row nothing automatic is done for this long; doubled by each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// What is under way for a pair.
#[derive(Clone, Debug)]
pub(crate) struct Procedure {
    pub(crate) record: CauseId,
    pub(crate) kind: RecordKind,
    /// The stop or restart that it hands over for: that one closes the record.
    pub(crate) serves: Option<ApplicationName>,
    pub(crate) opened: Timestamp,
    pub(crate) plan: Plan,
}

/// How it goes.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    RoleChange(Box<RoleChange>),
    Realignment(Realignment),
}

/// Where it stands after a step.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    /// It waits, until then at the latest.
    Waits(Timestamp),
    /// It is done; a sentence for `sci why`.
    Done(String),
    /// It failed; why.
    Failed(String),
}

impl Procedure {
    pub(crate) fn postpone(&mut self, by: Duration) {
        match &mut self.plan {
            Plan::RoleChange(change) => change.postpone(by),
            Plan::Realignment(realignment) => realignment.postpone(by),
        }
    }

    /// Why the new primary is primary afterwards, for `sci status`.
    pub(crate) fn because(&mut self, text: &str) {
        match &mut self.plan {
            Plan::RoleChange(change) => text.clone_into(&mut change.because),
            Plan::Realignment(_) => {}
        }
    }

    /// A command ended; true if it was a hook of this procedure.
    pub(crate) fn hook_finished(&mut self, number: OrderNumber, outcome: &CommandOutcome) -> bool {
        match &mut self.plan {
            Plan::RoleChange(change) => change.hooks.finished(number, outcome),
            Plan::Realignment(_) => false,
        }
    }

    /// An event that the procedure's orders cause has been detected.
    pub(crate) fn event_arrived(&mut self, application: &ApplicationName, id: LogEventId) {
        match &mut self.plan {
            Plan::RoleChange(change) => change.event_arrived(application, id),
            Plan::Realignment(_) => {}
        }
    }
}

impl ScsCore {
    pub(crate) fn install(&mut self, pair: &PairName, procedure: Procedure) -> bool {
        let Some(care) = self.pairs.get_mut(pair) else {
            return false;
        };
        care.answers.clear();
        care.open_record = Some(procedure.record);
        care.last_record = Some(procedure.record);
        care.misaligned_since = None;
        care.procedure = Some(procedure);
        self.touched.insert(pair.clone());
        self.picture_changed = true;
        true
    }

    /// Takes the procedure one step on; true if it ended, so that the pair is to be judged.
    pub(crate) fn advance_procedure(&mut self, pair: &PairName) -> bool {
        let Some(mut procedure) = self
            .pairs
            .get_mut(pair)
            .and_then(|care| care.procedure.take())
        else {
            return false;
        };
        let record = procedure.record;
        let progress = match &mut procedure.plan {
            Plan::RoleChange(change) => self.step_role_change(pair, record, change),
            Plan::Realignment(realignment) => self.step_realignment(pair, record, realignment),
        };
        match progress {
            Progress::Waits(until) => {
                if let Some(care) = self.pairs.get_mut(pair) {
                    care.wake_at(until);
                    care.procedure = Some(procedure);
                }
                false
            }
            Progress::Done(why) => {
                self.procedure_done(pair, &procedure, &why);
                true
            }
            Progress::Failed(why) => {
                self.procedure_failed(pair, &procedure, &why);
                true
            }
        }
    }

    fn free(&mut self, pair: &PairName) {
        if let Some(care) = self.pairs.get_mut(pair) {
            care.open_record = None;
            care.answers.clear();
            care.host_returned = None;
        }
        self.picture_changed = true;
    }

    fn procedure_done(&mut self, pair: &PairName, procedure: &Procedure, why: &str) {
        self.free(pair);
        if let Some(care) = self.pairs.get_mut(pair) {
            care.failures = 0;
            care.not_before = None;
        }
        self.clear_alarm(&format!("procedure/{pair}"), why);
        if procedure.kind != RecordKind::Realignment {
            self.clear_alarm(&format!("rival/{pair}"), why);
            self.clear_alarm(&format!("held/{pair}"), why);
        }
        match &procedure.serves {
            Some(application) => self.handover_ended(application, Ok(())),
            None => {
                let took = self.now.since(procedure.opened).as_secs_f64() * 1e3;
                let why = format!("{why}, after {took:.1} ms");
                self.close_record(procedure.record, RecordOutcome::Done, why);
            }
        }
    }

    fn procedure_failed(&mut self, pair: &PairName, procedure: &Procedure, why: &str) {
        self.free(pair);
        self.note(procedure.record, Step::Note, "failed", why);
        if let Some(care) = self.pairs.get_mut(pair) {
            care.failed_at = Some(self.now);
            if procedure.kind == RecordKind::Realignment {
                care.realign_failures = care.realign_failures.saturating_add(1);
            } else {
                let pause = FIRST_PAUSE * 2_u32.saturating_pow(care.failures.min(5));
                care.failures = care.failures.saturating_add(1);
                care.not_before = Some(self.now + pause);
            }
        }
        self.raise_alarm(
            &format!("procedure/{pair}"),
            "PROCEDURE_FAILED",
            AlarmCategory::Critical,
            pair.as_str(),
            &format!("{pair}: {why}; sci why {pair}"),
            Some(procedure.record),
        );
        let rolls_back = match &procedure.plan {
            Plan::RoleChange(change) => self.roll_back(pair, procedure, change, why),
            Plan::Realignment(_) => None,
        };
        let (outcome, sentence) = match rolls_back {
            Some(record) => (
                RecordOutcome::RolledBack,
                format!("{why}; rolled back in record {record}"),
            ),
            None => (RecordOutcome::Failed, why.to_owned()),
        };
        match &procedure.serves {
            Some(application) => self.handover_ended(application, Err(sentence)),
            None => self.close_record(procedure.record, outcome, sentence),
        }
    }

    /// The environment does not name the pair any more.
    pub(crate) fn end_procedure_of_removed(&mut self, pair: &PairName) {
        let procedure = self
            .pairs
            .get_mut(pair)
            .and_then(|care| care.procedure.take());
        if let Some(procedure) = procedure {
            self.free(pair);
            self.close_record(
                procedure.record,
                RecordOutcome::Superseded,
                format!("{pair} is no longer in the environment"),
            );
        }
        self.timers
            .cancel(&crate::dispatch::Timer::Pair(pair.clone()));
    }

    /// True while a host's clean shutdown should wait for this pair.
    pub(crate) fn hands_over(&mut self, pair: &PairName, host: &HostName) -> bool {
        let Some(members) = self.members(pair) else {
            return false;
        };
        let here = members
            .iter()
            .any(|member| &member.host == host && member.is_primary());
        if !here {
            return self
                .pairs
                .get(pair)
                .is_some_and(|care| care.open_record.is_some() && care.hosts().contains(host));
        }
        let other = members
            .iter()
            .any(|member| &member.host != host && member.can_take_over());
        self.is_busy(pair) || (other && self.gate(pair).is_empty())
    }
}
