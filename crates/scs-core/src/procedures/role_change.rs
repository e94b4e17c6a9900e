//! How roles change: the epoch on disk, then the demotion, then the promotion, then what follows from both (events,
//! reactions, the VIP). Shared by switchover, failover, start, reconnect and roll-back, which only say who and why.
//! The order is that of FACTS 4: the promotion goes out in the same call as the fact that frees it.

use super::clearance::Clearance;
use super::hooks::HookPlan;
use super::orders::{Answer, RunModeOrder};
use super::{Plan, Procedure, Progress};
use crate::ScsCore;
use crate::keeping::AfterWrite;
use changeover_model::message::RecordKind;
use changeover_model::{
    ApplicationName, CauseId, Epoch, HostName, LogEventId, PairName, RunMode, Timestamp, planted,
};
use std::time::Duration;

/// How long a promotion may wait for its epoch to reach the disk.
const PERSIST_WAIT: Duration = Duration::from_secs(5);
/// Least time for a promotion to be acknowledged.
const PROMOTION_WAIT: Duration = Duration::from_secs(1);

/// A change of roles.
#[derive(Clone, Debug)]
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
    pub(super) promotes: bool,
    begun: bool,
    pub(super) stage_deadline: Timestamp,
    demotion: Demotion,
    pub(super) promotion: Promotion,
    attempts: u32,
    pub(super) expected: Vec<Expected>,
    pub(super) realigned: bool,
    pub(super) announced: bool,
    pub(crate) hooks: HookPlan,
    /// A hook failed that says so.
    pub(super) hook_demands_roll_back: bool,
    pub(super) is_roll_back: bool,
    pub(super) kind: RecordKind,
    /// The demoted one's LCA has acknowledged the new epoch.
    pub(super) yielded: bool,
    pub(super) clearance: Clearance,
}

#[derive(Clone, Debug)]
enum Demotion {
    Needed,
    Ordered(RunModeOrder),
    /// It hangs or refused: its LCA ends it, until then at most.
    Ending(Timestamp),
    Over,
}

#[derive(Clone, Debug)]
pub(super) enum Promotion {
    Waiting,
    Ordered(RunModeOrder),
    Reached(Timestamp),
}

impl RoleChange {
    /// What of it bears on what comes next; see `essence`.
    pub(crate) fn essence(&self, base: Epoch, into: &mut impl std::hash::Hasher) {
        use std::hash::Hash as _;
        (base.0.wrapping_sub(self.epoch.0), self.attempts).hash(into);
        (&self.from, &self.to).hash(into);
        (self.promotes, self.begun, self.realigned, self.announced).hash(into);
        (self.is_roll_back, self.yielded).hash(into);
        std::mem::discriminant(&self.demotion).hash(into);
        std::mem::discriminant(&self.promotion).hash(into);
        for expected in &self.expected {
            (expected.arrived, expected.missed).hash(into);
        }
    }
}

/// An event that an order should cause.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) application: ApplicationName,
    pub(super) id: LogEventId,
    pub(super) due: Timestamp,
    pub(super) arrived: bool,
    pub(super) missed: bool,
}

/// What a role change is opened with.
#[derive(Clone)]
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
        self.hooks.postpone(by);
        self.clearance.postpone(by);
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
        let is_roll_back = change.kind == RecordKind::RollBack;
        let waits = change.promotes && !is_roll_back;
        let from = change.from.as_ref();
        let hooks = self.plan_hooks(pair, from, &change.to, change.promotes, waits);
        let plan = RoleChange {
            epoch,
            hooks,
            hook_demands_roll_back: false,
            is_roll_back,
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
            kind: change.kind,
            yielded: false,
            clearance: Clearance::default(),
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
        if let Some(progress) = self.run_hooks_before(pair, record, change) {
            return progress;
        }
        if let Some(until) = self.demote(pair, record, change) {
            return Progress::Waits(until);
        }
        match self.promote(pair, record, change) {
            Ok(None) => self.settle_with_hooks(pair, record, change),
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
        care.release_hold();
        care.floor = care.floor.max(change.epoch);
        if change.promotes {
            care.kept.because.clone_from(&change.because);
        }
        if change.automatic && change.promotes {
            self.count_automatic_switch(pair);
        }
        self.timeline.set_epoch(record, change.epoch);
        self.keep_pair(pair);
        self.after_write(AfterWrite::InForce(pair.clone(), change.epoch));
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
                        change.yielded = in_contact;
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
                    Answer::Open
                        if !in_contact
                            || !member.status.is_up()
                            || planted("demotion-not-awaited") =>
                    {
                        self.note_not_obeyed(
                            record,
                            &order,
                            "it ended, or its host is out of contact",
                        );
                        change.demotion = Demotion::Over;
                    }
                    Answer::Open if order.deadline <= self.now => {
                        self.note_not_obeyed(
                            record,
                            &order,
                            "no acknowledgement within demotion_wait",
                        );
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
                if let Some(until) = self.clearance(pair, record, change, &member.host)? {
                    return Ok(Some(until));
                }
                return Ok(Some(self.give_promotion(
                    pair,
                    record,
                    change,
                    &member.host,
                )));
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
            answer @ (Answer::Open | Answer::Not(_)) => {
                let why = match answer {
                    Answer::Not(why) => why,
                    Answer::Open | Answer::Obeyed => "no acknowledgement in time".to_owned(),
                };
                self.note_not_obeyed(record, &order, &why);
                if change.attempts > retries || !member.can_take_over() {
                    return Err(format!("{to} was not promoted: {why}"));
                }
                Ok(Some(self.give_promotion(
                    pair,
                    record,
                    change,
                    &member.host,
                )))
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
}
