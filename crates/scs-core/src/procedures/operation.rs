//! Commanded start, stop and restart of an application. A pair's primary hands over first (so that the guide's
//! Test 3 holds) unless the operator says otherwise; a stop raises no failure alarm and is not followed by a restart.

use crate::ScsCore;
use crate::dispatch::Timer;
use crate::timeline::{Moment, NewEntry};
use changeover_model::message::{LcaOrder, OrderOutcome, Party, RecordOutcome, Step};
use changeover_model::{
    ApplicationName, ApplicationStatus, ApplicationType, CauseId, HostName, OrderNumber, PairName,
    RunMode, Timestamp,
};
use std::time::Duration;

/// Time on top of the application's own timeouts, for the LCA's messages.
const SLACK: Duration = Duration::from_secs(3);
/// An LCA answers an order within this.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperationKind {
    Start,
    Stop,
    Restart,
}

impl OperationKind {
    pub(crate) fn verb(self) -> &'static str {
        match self {
            OperationKind::Start => "start",
            OperationKind::Stop => "stop",
            OperationKind::Restart => "restart",
        }
    }
}

/// A start or stop under way.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) kind: OperationKind,
    pub(crate) record: CauseId,
    pub(crate) deadline: Timestamp,
    pub(crate) order: Option<OrderNumber>,
    pub(crate) answer: Option<OrderOutcome>,
    phase: Phase,
    handover: Option<Result<(), String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    HandingOver,
    Stopping,
    Starting,
}

impl ScsCore {
    /// Opens a start, stop or restart in a record that is open already.
    pub(crate) fn open_operation(
        &mut self,
        application: &ApplicationName,
        kind: OperationKind,
        record: CauseId,
        handover: Option<(&PairName, crate::pairs::Direction)>,
    ) {
        let phase = match (kind, &handover) {
            (OperationKind::Start, _) => Phase::Starting,
            (_, Some(_)) => Phase::HandingOver,
            (_, None) => Phase::Stopping,
        };
        self.operations.insert(
            application.clone(),
            Operation {
                kind,
                record,
                deadline: self.now + ANSWER_WAIT,
                order: None,
                answer: None,
                phase,
                handover: None,
            },
        );
        match (phase, handover) {
            (Phase::HandingOver, Some((pair, direction))) => {
                let bound = self.settle_bound(pair) + Duration::from_secs(30);
                if let Some(operation) = self.operations.get_mut(application) {
                    operation.deadline = self.now + bound;
                }
                self.open_handover(pair, record, &direction, application);
            }
            (Phase::Stopping | Phase::HandingOver, _) => self.order_stop(application, record),
            (Phase::Starting, _) => self.order_start(application, record),
        }
        self.touched_operations.insert(application.clone());
        self.picture_changed = true;
    }

    /// True while a member of the pair is being stopped, or handed over before its stop.
    pub(crate) fn stops_member(&self, pair: &PairName) -> bool {
        let Some(care) = self.pairs.get(pair) else {
            return false;
        };
        care.config.members().iter().any(|(_, name, _)| {
            self.operations
                .get(*name)
                .is_some_and(|operation| operation.phase != Phase::Starting)
        })
    }

    pub(crate) fn handover_ended(
        &mut self,
        application: &ApplicationName,
        result: Result<(), String>,
    ) {
        if let Some(operation) = self.operations.get_mut(application) {
            operation.handover = Some(result);
            self.touched_operations.insert(application.clone());
        }
    }

    fn host_of(&self, application: &ApplicationName) -> Option<HostName> {
        self.applications
            .get(application)
            .map(|care| care.host.clone())
    }

    fn order_stop(&mut self, application: &ApplicationName, record: CauseId) {
        let pair = self.pair_of(application);
        let epoch = self.epoch_of(pair.as_ref());
        let key = self.order_key(pair.as_ref(), epoch, application, true);
        let number = key.number;
        let order = LcaOrder::StopApplication {
            key,
            at_once: false,
        };
        self.give(
            application,
            record,
            order,
            Step::StopOrdered(application.clone()),
        );
        let wait = self.start_info(application, |info| info.shutdown_timeout);
        self.phase(application, Phase::Stopping, number, wait);
    }

    fn order_start(&mut self, application: &ApplicationName, record: CauseId) {
        let pair = self.pair_of(application);
        let epoch = self.epoch_of(pair.as_ref());
        let key = self.order_key(pair.as_ref(), epoch, application, false);
        let number = key.number;
        // A server always starts as backup: who is primary is decided afterwards.
        let run_mode = if self.is_managed(application) || pair.is_some() {
            RunMode::Backup
        } else {
            RunMode::Unknown
        };
        let order = LcaOrder::StartApplication {
            key,
            run_mode,
            control: None,
        };
        self.give(
            application,
            record,
            order,
            Step::StartOrdered(application.clone()),
        );
        let wait = self.start_info(application, |info| info.startup_timeout);
        self.phase(application, Phase::Starting, number, wait);
    }

    fn is_managed(&self, application: &ApplicationName) -> bool {
        self.applications
            .get(application)
            .is_some_and(|care| care.application_type == ApplicationType::SipServer)
    }

    fn epoch_of(&self, pair: Option<&PairName>) -> changeover_model::Epoch {
        pair.and_then(|pair| self.pairs.get(pair))
            .map(|care| care.kept.epoch)
            .unwrap_or_default()
    }

    fn start_info(
        &self,
        application: &ApplicationName,
        field: impl Fn(&changeover_model::environment::StartInfo) -> Duration,
    ) -> Duration {
        self.environment
            .as_ref()
            .and_then(|environment| environment.applications.get(application))
            .map_or(ANSWER_WAIT, |found| field(&found.start_info))
    }

    fn give(
        &mut self,
        application: &ApplicationName,
        record: CauseId,
        order: LcaOrder,
        step: Step,
    ) {
        let Some(host) = self.host_of(application) else {
            return;
        };
        let word = if matches!(step, Step::StopOrdered(_)) {
            "stop"
        } else {
            "start"
        };
        let sent = self.send(&host, Some(record), order);
        self.entry(
            record,
            NewEntry {
                moment: Moment::Here,
                who: Party::ScsToLca(host),
                step,
                what: format!("{word} {application}"),
                evidence: if sent {
                    "ordered".to_owned()
                } else {
                    "no connection to the LCA".to_owned()
                },
            },
        );
    }

    fn phase(
        &mut self,
        application: &ApplicationName,
        phase: Phase,
        number: OrderNumber,
        wait: Duration,
    ) {
        let deadline = self.now + wait.max(ANSWER_WAIT) + SLACK;
        if let Some(operation) = self.operations.get_mut(application) {
            operation.phase = phase;
            operation.order = Some(number);
            operation.answer = None;
            operation.deadline = deadline;
        }
    }

    /// Takes a start or stop as far as it goes now.
    pub(crate) fn advance_operation(&mut self, application: &ApplicationName) {
        let Some(mut operation) = self.operations.remove(application) else {
            self.timers.cancel(&Timer::Operation(application.clone()));
            return;
        };
        let ended = match operation.phase {
            Phase::HandingOver => self.hand_over(application, &mut operation),
            Phase::Stopping => self.stopping(application, &mut operation),
            Phase::Starting => self.starting(application, &mut operation),
        };
        let ended = ended.or_else(|| {
            (operation.deadline <= self.now).then(|| Err("it did not end in time".to_owned()))
        });
        match ended {
            None => {
                // A step may have gone on to the next phase, which is kept under the same name.
                let current = self
                    .operations
                    .entry(application.clone())
                    .or_insert(operation);
                let deadline = current.deadline;
                self.timers
                    .set(Timer::Operation(application.clone()), deadline);
            }
            Some(result) => self.operation_ended(application, &operation, result),
        }
    }

    fn operation_ended(
        &mut self,
        application: &ApplicationName,
        operation: &Operation,
        result: Result<String, String>,
    ) {
        self.operations.remove(application);
        self.timers.cancel(&Timer::Operation(application.clone()));
        let pair = self.pair_of(application);
        if operation.kind != OperationKind::Stop
            && let Some(care) = pair.as_ref().and_then(|pair| self.pairs.get_mut(pair))
        {
            care.kept.left_without_primary = false;
        }
        if let Some(pair) = pair {
            self.keep_pair(&pair);
            self.touched.insert(pair);
        }
        match result {
            Ok(why) => self.close_record(operation.record, RecordOutcome::Done, why),
            Err(why) => {
                let verb = operation.kind.verb();
                let text = format!("{verb} of {application} failed: {why}");
                self.close_record(operation.record, RecordOutcome::Failed, text);
            }
        }
    }

    /// Goes on to the next phase: its order keeps the operation under way.
    fn go_on(&mut self, application: &ApplicationName, operation: &Operation, phase: Phase) {
        self.operations.insert(
            application.clone(),
            Operation {
                kind: operation.kind,
                record: operation.record,
                deadline: operation.deadline,
                order: None,
                answer: None,
                phase,
                handover: None,
            },
        );
        match phase {
            Phase::Stopping | Phase::HandingOver => self.order_stop(application, operation.record),
            Phase::Starting => self.order_start(application, operation.record),
        }
    }

    fn hand_over(
        &mut self,
        application: &ApplicationName,
        operation: &mut Operation,
    ) -> Option<Result<String, String>> {
        match operation.handover.take()? {
            Ok(()) => {
                self.go_on(application, operation, Phase::Stopping);
                None
            }
            Err(why) => Some(Err(format!("it could not be handed over: {why}"))),
        }
    }

    fn refused(operation: &Operation) -> Option<String> {
        match &operation.answer {
            Some(OrderOutcome::Refused(refusal)) => Some(refusal.to_string()),
            Some(OrderOutcome::Failed { reason }) => Some(reason.clone()),
            Some(OrderOutcome::Done { .. }) | None => None,
        }
    }

    fn stopping(
        &mut self,
        application: &ApplicationName,
        operation: &mut Operation,
    ) -> Option<Result<String, String>> {
        let status = self.applications.get(application)?.state.status;
        if status == ApplicationStatus::Stopped {
            if operation.kind == OperationKind::Restart {
                self.go_on(application, operation, Phase::Starting);
                return None;
            }
            return Some(Ok(format!("{application} is stopped")));
        }
        Self::refused(operation).map(Err)
    }

    fn starting(
        &mut self,
        application: &ApplicationName,
        operation: &mut Operation,
    ) -> Option<Result<String, String>> {
        let state = &self.applications.get(application)?.state;
        let up = matches!(
            state.status,
            ApplicationStatus::Running | ApplicationStatus::ServiceUnavailable
        );
        if up {
            return Some(Ok(format!(
                "{application} is {}",
                state.status.for_people()
            )));
        }
        let was_started = matches!(
            operation.answer,
            Some(OrderOutcome::Done { incarnation }) if state.incarnation >= incarnation
        );
        if was_started && state.status == ApplicationStatus::Stopped {
            return Some(Err(format!("it ended at once: {}", state.reason)));
        }
        Self::refused(operation).map(Err)
    }
}
