//! How roles change: the epoch on disk, then the demotion, then the promotion, then what follows from both (events,
//! reactions, the VIP). Shared by switchover, failover, start, reconnect and roll-back, which only say who and why.
//! The order is that of FACTS 4: the promotion goes out in the same call as the fact that frees it.

use super::orders::{Answer, RunModeOrder};
use super::{Plan, Procedure, Progress};
use crate::ScsCore;
use crate::pairs::Alignment;
use changeover_model::message::{LcaOrder, RecordKind, Step};
use changeover_model::{
    ApplicationName, ApplicationStatus, CauseId, Epoch, HostName, LogEventId, PairName,
    Redundancy, RunMode, ScriptAction, Timestamp,
};
use std::time::Duration;

/// How long a promotion may wait for its epoch to reach the disk.
const PERSIST_WAIT: Duration = Duration::from_secs(5);
/// Least time for a promotion to be acknowledged.
const PROMOTION_WAIT: Duration = Duration::from_secs(1);
/// Slack on top of what the pair's scripts may take.
const SETTLE_SLACK: Duration = Duration::from_secs(2);

/// A change of roles.
#[derive(Debug)]
pub(crate) struct RoleChange {
    pub(crate) epoch: Epoch,
    /// Who is to be demoted, if anybody.
    pub(crate) from: Option<ApplicationName>,
    /// Who shall be primary.
    pub(crate) to: ApplicationName,
    /// Why `to` is primary afterwards, for `sci status`.
    pub(crate) because: String,
    /// An automatic role change: counts for flapping.
    automatic: bool,
    /// The promotion is given; false when `to` is primary already and only `from` is to be demoted.
    promotes: bool,
    begun: bool,
    stage_deadline: Timestamp,
    demotion: Demotion,
    promotion: Promotion,
    attempts: u32,
    expected: Vec<Expected>,
    realigned: bool,
    announced: bool,
}

#[derive(Debug)]
enum Demotion {
    Needed,
    Ordered(RunModeOrder),
    /// It hangs or refused: its LCA ends it, until then at most.
    Ending(Timestamp),
    Over,
}

#[derive(Debug)]
enum Promotion {
    Waiting,
    Ordered(RunModeOrder),
    Reached(Timestamp),
}

/// An event that an order should cause.
#[derive(Debug)]
struct Expected {
    application: ApplicationName,
    id: LogEventId,
    due: Timestamp,
    arrived: bool,
    missed: bool,
}

/// What a role change is opened with.
pub(crate) struct Change {
    pub(crate) kind: RecordKind,
    pub(crate) record: CauseId,
    pub(crate) from: Option<ApplicationName>,
    pub(crate) to: ApplicationName,
    pub(crate) because: String,
    pub(crate) automatic: bool,
    pub(crate) promotes: bool,
    pub(crate) serves: Option<ApplicationName>,
}

impl RoleChange {
    pub(crate) fn postpone(&mut self, by: Duration) {
        self.stage_deadline = self.stage_deadline + by;
        match &mut self.demotion {
            Demotion::Ordered(order) => order.deadline = order.deadline + by,
            Demotion::Ending(until) => *until = *until + by,
            Demotion::Needed | Demotion::Over => {}
        }
        if let Promotion::Ordered(order) = &mut self.promotion {
            order.deadline = order.deadline + by;
        }
        for expected in &mut self.expected {
            expected.due = expected.due + by;
        }
    }

    pub(crate) fn event_arrived(&mut self, application: &ApplicationName, id: LogEventId) {
        for expected in &mut self.expected {
            if &expected.application == application && expected.id == id {
                expected.arrived = true;
            }
        }
    }

    /// Orders that are not answered yet.
    pub(crate) fn orders_on(&self, host: &HostName) -> Vec<RunModeOrder> {
        let mut orders = Vec::new();
        if let Demotion::Ordered(order) = &self.demotion {
            orders.push(order.clone());
        }
        if let Promotion::Ordered(order) = &self.promotion {
            orders.push(order.clone());
        }
        orders.retain(|order| &order.host == host);
        orders
    }

    pub(crate) fn was_begun(&self) -> bool {
        self.begun
    }

    pub(crate) fn promotes(&self) -> bool {
        self.promotes
    }
}

impl ScsCore {
    /// Opens a role change; its first steps are taken at once.
    pub(crate) fn open_role_change(&mut self, pair: &PairName, change: Change) -> bool {
        let Some(care) = self.pairs.get(pair) else {
            return false;
        };
        let epoch = if change.promotes {
            care.next_epoch()
        } else {
            care.kept.epoch
        };
        let plan = RoleChange {
            epoch,
            demotion: if change.from.is_some() {
                Demotion::Needed
            } else {
                Demotion::Over
            },
            from: change.from,
            to: change.to,
            because: change.because,
            automatic: change.automatic,
            promotes: change.promotes,
            begun: false,
            stage_deadline: self.now + PERSIST_WAIT,
            promotion: Promotion::Waiting,
            attempts: 0,
            expected: Vec::new(),
            realigned: false,
            announced: false,
        };
        self.reserve_epochs(pair);
        self.install(
            pair,
            Procedure {
                record: change.record,
                kind: change.kind,
                serves: change.serves,
                opened: self.now,
                plan: Plan::RoleChange(Box::new(plan)),
            },
        )
    }

    pub(crate) fn step_role_change(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
    ) -> Progress {
        if !change.begun
            && let Some(progress) = self.begin(pair, record, change)
        {
            return progress;
        }
        if let Some(until) = self.demote(pair, record, change) {
            return Progress::Waits(until);
        }
        match self.promote(pair, record, change) {
            Ok(None) => self.settle(pair, record, change),
            Ok(Some(until)) => Progress::Waits(until),
            Err(why) => Progress::Failed(why),
        }
    }

    /// The epoch must be on disk before the first order that carries it.
    fn begin(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
    ) -> Option<Progress> {
        let now = self.now;
        let care = self.pairs.get_mut(pair)?;
        if change.promotes && care.floor >= change.epoch {
            // An LCA has told of a higher epoch meanwhile.
            change.epoch = care.next_epoch();
            self.reserve_epochs(pair);
            return Some(Progress::Waits(change.stage_deadline));
        }
        if change.promotes && care.durable < change.epoch {
            if let Some(reason) = care.reservation_failed.take() {
                return Some(Progress::Failed(format!(
                    "epoch {} could not be written ({reason}), so nothing was ordered",
                    change.epoch
                )));
            }
            if change.stage_deadline <= now {
                return Some(Progress::Failed(format!(
                    "the store did not take epoch {} within {} s, so nothing was ordered",
                    change.epoch,
                    PERSIST_WAIT.as_secs()
                )));
            }
            return Some(Progress::Waits(change.stage_deadline));
        }
        change.begun = true;
        care.kept.epoch = change.epoch;
        care.kept.primary = Some(change.to.clone());
        care.kept.left_without_primary = false;
        care.kept.held = None;
        care.floor = care.floor.max(change.epoch);
        if change.promotes {
            care.kept.because.clone_from(&change.because);
        }
        if change.automatic && change.promotes {
            self.count_automatic_switch(pair);
        }
        self.timeline.set_epoch(record, change.epoch);
        self.keep_pair(pair);
        self.reserve_epochs(pair);
        self.intend_engine(pair);
        None
    }

    /// Gives the demotion and follows it; `None` when nothing more is to be waited for.
    fn demote(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
    ) -> Option<Timestamp> {
        let name = change.from.clone()?;
        let member = self.member_named(pair, &name)?;
        let wait = self.pairs.get(pair)?.config.policy.demotion_wait;
        if matches!(change.demotion, Demotion::Needed) {
            self.start_demotion(pair, record, change, &name, wait);
        }
        let in_contact = member.reported();
        match &change.demotion {
            Demotion::Ordered(order) => {
                let order = order.clone();
                let answer = self.answer_of(pair, &order);
                match answer {
                    Answer::Obeyed => {
                        self.note_obeyed(record, &order);
                        self.expect_event(pair, change, &name, RunMode::Backup);
                        change.demotion = Demotion::Over;
                    }
                    Answer::Not(why) if in_contact && member.status.is_up() => {
                        self.note_not_obeyed(record, &order, &why);
                        self.end_at_once(pair, record, &name, change.epoch);
                        change.demotion = Demotion::Ending(self.now + wait);
                        return Some(self.now + wait);
                    }
                    Answer::Not(why) => {
                        self.note_not_obeyed(record, &order, &why);
                        change.demotion = Demotion::Over;
                    }
                    Answer::Open if !in_contact || !member.status.is_up() => {
                        self.note_not_obeyed(record, &order, "it ended, or its host is out of contact");
                        change.demotion = Demotion::Over;
                    }
                    Answer::Open if order.deadline <= self.now => {
                        self.note_not_obeyed(record, &order, "no acknowledgement within demotion_wait");
                        self.end_at_once(pair, record, &name, change.epoch);
                        change.demotion = Demotion::Over;
                    }
                    Answer::Open => return Some(order.deadline),
                }
            }
            Demotion::Ending(until) => {
                let until = *until;
                if in_contact && member.status.is_up() && until > self.now {
                    return Some(until);
                }
                change.demotion = Demotion::Over;
            }
            Demotion::Needed | Demotion::Over => {}
        }
        None
    }

    fn start_demotion(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
        name: &ApplicationName,
        wait: Duration,
    ) {
        let Some(member) = self.member_named(pair, name) else {
            change.demotion = Demotion::Over;
            return;
        };
        change.demotion = if !member.reported() || !member.status.is_up() {
            // Dead, or out of reach: the promotion need not wait.
            Demotion::Over
        } else if member.hung {
            self.end_at_once(pair, record, name, change.epoch);
            Demotion::Ending(self.now + wait)
        } else {
            let target = (name, &member.host);
            let order =
                self.order_run_mode(pair, record, target, RunMode::Backup, change.epoch, wait);
            Demotion::Ordered(order)
        };
        self.intend_on(pair, &member.host);
    }

    /// Gives the promotion and follows it; `Ok(None)` when it is reached.
    fn promote(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
    ) -> Result<Option<Timestamp>, String> {
        let to = change.to.clone();
        let member = self
            .member_named(pair, &to)
            .ok_or_else(|| format!("{to} is not in the environment any more"))?;
        match &change.promotion {
            Promotion::Reached(_) => return Ok(None),
            Promotion::Waiting if !change.promotes => {
                self.intend_on(pair, &member.host);
                change.promotion = Promotion::Reached(self.now);
                change.stage_deadline = self.now + self.settle_bound(pair);
                return Ok(None);
            }
            Promotion::Waiting => {
                if !member.can_take_over() && !member.is_primary() {
                    let why = member.obstacles();
                    let why = why.first().map_or("it cannot", |one| one.reason.as_str());
                    return Err(format!("{to} was not promoted: {why}"));
                }
                return Ok(Some(self.give_promotion(pair, record, change, &member.host)));
            }
            Promotion::Ordered(_) => {}
        }
        let Promotion::Ordered(order) = &change.promotion else {
            return Ok(None);
        };
        let order = order.clone();
        let retries = self
            .pairs
            .get(pair)
            .map_or(0, |care| care.config.policy.retries);
        match self.answer_of(pair, &order) {
            Answer::Obeyed => {
                self.note_obeyed(record, &order);
                self.expect_event(pair, change, &to, RunMode::Primary);
                change.promotion = Promotion::Reached(self.now);
                change.stage_deadline = self.now + self.settle_bound(pair);
                Ok(None)
            }
            Answer::Open if member.reported() && !member.status.is_up() => {
                self.note_not_obeyed(record, &order, "it ended");
                Err(format!("{to} ended while it was being promoted"))
            }
            Answer::Open if order.deadline > self.now => Ok(Some(order.deadline)),
            answer => {
                let why = match answer {
                    Answer::Not(why) => why,
                    Answer::Open | Answer::Obeyed => "no acknowledgement in time".to_owned(),
                };
                self.note_not_obeyed(record, &order, &why);
                if change.attempts > retries || !member.can_take_over() {
                    return Err(format!("{to} was not promoted: {why}"));
                }
                Ok(Some(self.give_promotion(pair, record, change, &member.host)))
            }
        }
    }

    fn give_promotion(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
        host: &HostName,
    ) -> Timestamp {
        change.attempts += 1;
        let wait = self
            .pairs
            .get(pair)
            .map_or(PROMOTION_WAIT, |care| care.config.policy.demotion_wait)
            .max(PROMOTION_WAIT);
        let to = change.to.clone();
        let target = (&to, host);
        let order = self.order_run_mode(pair, record, target, RunMode::Primary, change.epoch, wait);
        self.intend_on(pair, host);
        let deadline = order.deadline;
        change.promotion = Promotion::Ordered(order);
        deadline
    }

    /// The event of a run mode is expected if an enabled condition matches it.
    fn expect_event(
        &mut self,
        pair: &PairName,
        change: &mut RoleChange,
        application: &ApplicationName,
        run_mode: RunMode,
    ) {
        let Some(care) = self.pairs.get(pair) else {
            return;
        };
        let id = match (care.config.redundancy, run_mode == RunMode::Primary) {
            (Redundancy::Hot, true) => LogEventId::HOT_PRIMARY,
            (Redundancy::Hot, false) => LogEventId::HOT_BACKUP,
            (Redundancy::Warm, true) => LogEventId::WARM_PRIMARY,
            (Redundancy::Warm, false) => LogEventId::WARM_BACKUP,
        };
        let due = self.now + care.config.policy.event_wait;
        if self.is_matched(application, id)
            && !change
                .expected
                .iter()
                .any(|one| &one.application == application && one.id == id)
        {
            let arrived = self.event_in_record(care.open_record, application, id);
            change.expected.push(Expected {
                application: application.clone(),
                id,
                due,
                arrived,
                missed: false,
            });
        }
    }

    /// The event may be here before the acknowledgement: they take different ways.
    fn event_in_record(
        &self,
        record: Option<CauseId>,
        application: &ApplicationName,
        id: LogEventId,
    ) -> bool {
        let record = record.and_then(|record| self.timeline.get(record));
        record.is_some_and(|record| {
            record
                .entries
                .iter()
                .any(|entry| entry.step == Step::EventLogged(application.clone(), id))
        })
    }

    /// What follows from the run modes: done when the VIP is observed where it should be.
    fn settle(&mut self, pair: &PairName, record: CauseId, change: &mut RoleChange) -> Progress {
        let now = self.now;
        let since = match change.promotion {
            Promotion::Reached(at) => at,
            Promotion::Waiting | Promotion::Ordered(_) => now,
        };
        let Some(care) = self.pairs.get(pair) else {
            return Progress::Failed("the pair is gone".into());
        };
        let without_vip = care.config.virtual_ips.is_empty();
        let event_wait = care.config.policy.event_wait;
        if let Some(why) = self.new_primary_lost(pair, change) {
            return Progress::Failed(why);
        }
        self.name_silent_hops(record, change);
        let aligned = self.alignment(pair, true) == Alignment::AsIntended;
        let idle = self.engine.open_for(pair).is_empty();
        let heard = change.expected.iter().all(|one| one.arrived || one.missed);
        self.announce(pair, record, change, aligned);
        if without_vip || (aligned && idle && heard) {
            return Progress::Done(self.success(pair, change));
        }
        let quiet = since + event_wait;
        if !aligned && idle && !change.realigned && quiet <= now && heard {
            change.realigned = true;
            self.note(record, Step::Note, "realigned by the SCS", "no reaction moved the VIP in time");
            self.align(pair, record, None);
            if self.alignment(pair, true) == Alignment::AsIntended
                && self.engine.open_for(pair).is_empty()
            {
                return Progress::Done(self.success(pair, change));
            }
        } else if !aligned && idle && change.realigned && quiet + event_wait <= now {
            return Progress::Failed(format!(
                "{} is primary, but the VIP did not get there",
                change.to
            ));
        }
        if change.stage_deadline <= now {
            return Progress::Failed(format!(
                "{} is primary, but its reactions did not end in time",
                change.to
            ));
        }
        let next = change
            .expected
            .iter()
            .filter(|one| !one.arrived && !one.missed)
            .map(|one| one.due)
            .chain([quiet, quiet + event_wait])
            .filter(|at| *at > now)
            .min();
        Progress::Waits(next.map_or(change.stage_deadline, |at| at.min(change.stage_deadline)))
    }

    fn new_primary_lost(&self, pair: &PairName, change: &RoleChange) -> Option<String> {
        let member = self.member_named(pair, &change.to)?;
        let gone = match member.condition {
            crate::hosts::HostCondition::Lost(_) => true,
            crate::hosts::HostCondition::Reported => {
                !member.status.is_up() || member.status == ApplicationStatus::StopTransition
            }
            crate::hosts::HostCondition::NotYetJudged
            | crate::hosts::HostCondition::AgentLost(_) => false,
        };
        gone.then(|| format!("{} was promoted and is gone already", change.to))
    }

    fn name_silent_hops(&mut self, record: CauseId, change: &mut RoleChange) {
        let now = self.now;
        for expected in &mut change.expected {
            if expected.arrived || expected.missed || expected.due > now {
                continue;
            }
            expected.missed = true;
            let hop = if self.message_server_connected {
                format!(
                    "{} did not log {}, or it did not get through the Message Server",
                    expected.application,
                    expected.id.wire_form()
                )
            } else {
                "the Message Server is not connected".to_owned()
            };
            let what = format!("{} missing", expected.id.wire_form());
            self.note(record, Step::Note, what, hop);
        }
    }

    /// The winner of a reconnect never changed state: it announces its VIP again as soon as the other has let go.
    fn announce(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
        aligned: bool,
    ) {
        if change.promotes || change.announced || !aligned {
            return;
        }
        change.announced = true;
        let Some(host) = self
            .pairs
            .get(pair)
            .and_then(|care| care.config.host_of(&change.to).cloned())
        else {
            return;
        };
        let key = self.order_key(Some(pair), change.epoch, &change.to, true);
        self.send(&host, Some(record), LcaOrder::AnnounceAddresses { key });
        self.note(
            record,
            Step::Note,
            format!("{host} announces the VIP again"),
            "the other host has let go of it",
        );
    }

    fn success(&self, pair: &PairName, change: &RoleChange) -> String {
        let host = self
            .pairs
            .get(pair)
            .and_then(|care| care.config.host_of(&change.to))
            .map(ToString::to_string)
            .unwrap_or_default();
        let missed = change.expected.iter().filter(|one| one.missed).count();
        let mut text = format!("{} on {host} is primary in epoch {}", change.to, change.epoch);
        if change.realigned {
            text.push_str("; the SCS realigned the VIP by itself");
        } else if missed > 0 {
            text.push_str("; an expected event did not come");
        }
        text
    }

    /// Longest time in which the pair's reactions may end, by its own configuration.
    pub(crate) fn settle_bound(&self, pair: &PairName) -> Duration {
        let (Some(care), Some(environment)) = (self.pairs.get(pair), &self.environment) else {
            return SETTLE_SLACK;
        };
        let policy = &care.config.policy;
        let longest = |action: ScriptAction| {
            care.config
                .control
                .values()
                .map(|control| match action {
                    ScriptAction::Enable => &control.enable,
                    ScriptAction::Disable => &control.disable,
                })
                .filter_map(|name| environment.applications.get(name))
                .map(|application| application.start_info.startup_timeout)
                .max()
                .unwrap_or_default()
        };
        let scripts = longest(ScriptAction::Enable) + longest(ScriptAction::Disable);
        let rounds = policy.retries.min(10) + 1;
        (scripts + policy.retry_after) * rounds
            + policy.release_wait
            + policy.event_wait * 2
            + SETTLE_SLACK
    }
}
