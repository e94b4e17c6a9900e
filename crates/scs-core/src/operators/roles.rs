//! Switchover, start, stop, restart and realignment as operators ask for them: resolved, checked with all reasons at
//! once, then opened as a procedure whose record the request follows.

use crate::ScsCore;
use crate::hosts::HostCondition;
use crate::pairs::Direction;
use crate::procedures::OperationKind;
use crate::timeline::{Moment, NewEntry};
use changeover_model::message::{Party, RecordKind, Step, SwitchoverRequest};
use changeover_model::{
    ApplicationName, ApplicationStatus, ApplicationType, CauseId, PairName, Refusal, RefusalCode,
    RequestId, planted,
};

impl ScsCore {
    pub(super) fn ask_switchover(
        &mut self,
        request: RequestId,
        who: &str,
        asked: &SwitchoverRequest,
    ) {
        let Some(pair) = self.resolve_pair(&asked.pair) else {
            let refusal = self.unknown_pair(&asked.pair);
            self.refuse(request, vec![refusal]);
            return;
        };
        let direction = match self.direction(&pair, asked.to.as_deref()) {
            Ok(direction) => direction,
            Err(refusal) => {
                self.refuse(request, vec![refusal]);
                return;
            }
        };
        let to = direction.to.application.clone();
        let there = direction
            .from
            .as_ref()
            .is_some_and(|from| from.application == to);
        if there && !self.is_busy(&pair) {
            let host = &direction.to.host;
            let message = format!("{to} on {host} is primary of {pair} already; nothing was done");
            self.done(request, message);
            return;
        }
        let mut reasons = self.precheck(&pair, &direction);
        if asked.force {
            reasons = Self::not_forcible(reasons, &direction);
        }
        if !reasons.is_empty() {
            if asked.dry_run {
                self.refuse(request, reasons);
            } else {
                let title = format!("switchover of {pair} refused");
                self.refuse_on_record(request, Some(&pair), title, who, reasons);
            }
            return;
        }
        if asked.dry_run {
            let host = &direction.to.host;
            let message = format!("{pair} can be switched over: {to} on {host} would be primary");
            self.done(request, message);
            return;
        }
        let party = Party::Operator(who.to_owned());
        let trigger = format!("request {request}, {who}");
        let record = self.open_switchover(&pair, &direction, party, &trigger, &asked.reason);
        if let Some(care) = self.pairs.get_mut(&pair)
            && let Some(procedure) = care.procedure.as_mut()
        {
            procedure.because("switchover by operator");
        }
        self.follow(record, request);
    }

    pub(super) fn ask_realign(&mut self, request: RequestId, who: &str, text: &str) {
        let Some(pair) = self.resolve_pair(text) else {
            let refusal = self.unknown_pair(text);
            self.refuse(request, vec![refusal]);
            return;
        };
        let mut reasons = Vec::new();
        if self.is_busy(&pair) || self.stops_member(&pair) {
            reasons.push(Refusal::new(
                RefusalCode::ProcedureUnderWay,
                format!("another procedure of {pair} is under way; it moves the VIP itself"),
            ));
        }
        if self.primary_member(&pair).is_none() {
            reasons.push(Refusal::new(
                RefusalCode::NotRunning,
                format!("{pair} has no primary in contact, so nobody knows where its VIP belongs"),
            ));
        }
        if !reasons.is_empty() {
            let title = format!("realignment of {pair} refused");
            self.refuse_on_record(request, Some(&pair), title, who, reasons);
            return;
        }
        let record = self.open_realignment_by(&pair, who);
        self.clear_alarm(&format!("held/{pair}"), &format!("sci realign, {who}"));
        self.follow(record, request);
    }

    pub(super) fn ask_start(&mut self, request: RequestId, who: &str, name: &ApplicationName) {
        self.ask_operation(request, who, name, OperationKind::Start, false);
    }

    pub(super) fn ask_stop(
        &mut self,
        request: RequestId,
        who: &str,
        name: &ApplicationName,
        no_handover: bool,
    ) {
        self.ask_operation(request, who, name, OperationKind::Stop, no_handover);
    }

    pub(super) fn ask_restart(
        &mut self,
        request: RequestId,
        who: &str,
        name: &ApplicationName,
        no_handover: bool,
    ) {
        self.ask_operation(request, who, name, OperationKind::Restart, no_handover);
    }

    fn ask_operation(
        &mut self,
        request: RequestId,
        who: &str,
        name: &ApplicationName,
        kind: OperationKind,
        no_handover: bool,
    ) {
        let party = Party::Operator(who.to_owned());
        let trigger = format!("request {request}, {who}");
        match self.begin_operation(name, kind, no_handover, party, &trigger, "") {
            Ok(record) => self.follow(record, request),
            Err(reasons) => {
                let unusable = reasons.iter().any(|one| {
                    matches!(one.code, RefusalCode::UnknownName | RefusalCode::BadRequest)
                });
                if unusable {
                    self.refuse(request, reasons);
                } else {
                    let pair = self.pair_of(name);
                    let title = format!("{} of {name} refused", kind.verb());
                    self.refuse_on_record(request, pair.as_ref(), title, who, reasons);
                }
            }
        }
    }

    /// Checks and opens a start, stop or restart.
    pub(crate) fn begin_operation(
        &mut self,
        name: &ApplicationName,
        kind: OperationKind,
        no_handover: bool,
        who: Party,
        trigger: &str,
        reason: &str,
    ) -> Result<CauseId, Vec<Refusal>> {
        let mut reasons = self.operation_obstacles(name, kind);
        let pair = self.pair_of(name);
        let mut handover = None;
        let is_primary = pair
            .as_ref()
            .and_then(|pair| self.member_named(pair, name))
            .is_some_and(|member| member.is_primary());
        if let Some(pair) = &pair {
            if self.is_busy(pair) || (kind != OperationKind::Start && self.stops_member(pair)) {
                reasons.push(Refusal::new(
                    RefusalCode::ProcedureUnderWay,
                    format!("another procedure of {pair} is under way; sci timeline last"),
                ));
            } else if is_primary
                && kind != OperationKind::Start
                && !no_handover
                && !planted("stop-without-handover")
            {
                match self.handover_direction(pair, name) {
                    Ok(direction) => handover = Some((pair.clone(), direction)),
                    Err(why) => reasons.extend(why),
                }
            }
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let verb = kind.verb();
        let title = format!("{verb} of {name}");
        let record = self.open_record(RecordKind::Operation, pair.as_ref(), title, trigger);
        self.entry(
            record,
            NewEntry {
                moment: Moment::Here,
                who,
                step: Step::Requested,
                what: format!("{verb} of {name}"),
                evidence: if reason.is_empty() {
                    trigger.to_owned()
                } else {
                    format!("{trigger}: {reason}")
                },
            },
        );
        if let Some(pair) = pair.filter(|_| is_primary && no_handover) {
            self.leave_without_primary(&pair);
        }
        let handover = handover
            .as_ref()
            .map(|(pair, direction)| (pair, direction.clone()));
        self.open_operation(name, kind, record, handover);
        Ok(record)
    }

    fn operation_obstacles(&self, name: &ApplicationName, kind: OperationKind) -> Vec<Refusal> {
        let one = |code, text: String| vec![Refusal::new(code, text)];
        let Some(care) = self.applications.get(name) else {
            let text = format!("there is no application {name}; sci applications lists them");
            return one(RefusalCode::UnknownName, text);
        };
        match care.application_type {
            ApplicationType::SipServer | ApplicationType::ThirdPartyServer => {}
            ApplicationType::SolutionControlServer | ApplicationType::MessageServer => {
                let text = format!("{name} is not started by an LCA; use its own service manager");
                return one(RefusalCode::BadRequest, text);
            }
        }
        let script = self
            .environment
            .as_ref()
            .and_then(|environment| environment.control_script(name).map(|found| found.0));
        if let Some(pair) = script {
            let text = format!(
                "{name} is a control script of {0}; use sci realign {0}",
                pair.name
            );
            return one(RefusalCode::BadRequest, text);
        }
        if self.operations.contains_key(name) {
            let text = format!("a start or stop of {name} is under way");
            return one(RefusalCode::ProcedureUnderWay, text);
        }
        let host = &care.host;
        match self.hosts.get(host).map(crate::hosts::HostCare::condition) {
            Some(HostCondition::Reported) => {}
            Some(HostCondition::Lost(_)) => {
                return one(
                    RefusalCode::HostLost,
                    format!("{host} is lost; see sci hosts"),
                );
            }
            Some(HostCondition::AgentLost(_)) => {
                let text = format!("the LCA of {host} does not answer; start lca there");
                return one(RefusalCode::AgentLost, text);
            }
            Some(HostCondition::NotYetJudged) | None => {
                let text = format!("the LCA of {host} has not reported yet; try again in a moment");
                return one(RefusalCode::NotYetJudged, text);
            }
        }
        match (kind, care.state.status) {
            (OperationKind::Start, status) if status.is_up() => one(
                RefusalCode::AlreadyRunning,
                format!("{name} on {host} is {} already", status.for_people()),
            ),
            (OperationKind::Stop, ApplicationStatus::Stopped) => one(
                RefusalCode::NotRunning,
                format!("{name} on {host} does not run"),
            ),
            _ => Vec::new(),
        }
    }

    fn handover_direction(
        &self,
        pair: &PairName,
        name: &ApplicationName,
    ) -> Result<Direction, Vec<Refusal>> {
        let peer = self
            .pairs
            .get(pair)
            .and_then(|care| care.config.peer_of(name).cloned());
        let direction = self
            .direction(pair, peer.as_ref().map(ApplicationName::as_str))
            .map_err(|refusal| vec![refusal])?;
        let reasons: Vec<Refusal> = self
            .precheck(pair, &direction)
            .into_iter()
            .filter(|reason| reason.code != RefusalCode::Maintenance)
            .collect();
        if reasons.is_empty() {
            return Ok(direction);
        }
        let mut all = vec![Refusal::new(
            RefusalCode::HandoverImpossible,
            format!(
                "{name} is primary and nobody can take over; --no-handover leaves {pair} without a primary"
            ),
        )];
        all.extend(reasons);
        Err(all)
    }

    fn leave_without_primary(&mut self, pair: &PairName) {
        if let Some(care) = self.pairs.get_mut(pair) {
            care.kept.primary = None;
            care.kept.left_without_primary = true;
        }
        self.keep_pair(pair);
        self.intend(pair);
    }
}
