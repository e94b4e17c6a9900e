//! What follows from a change of roles: the expected events, the reactions, the VIP. Done when the VIP is observed
//! where it should be; a silent hop is named and the SCS realigns by itself. `role_change` leads here.

use super::Progress;
use super::role_change::{Expected, Promotion, RoleChange};
use crate::ScsCore;
use crate::hosts::HostCondition;
use crate::pairs::Alignment;
use changeover_model::message::{LcaOrder, Step};
use changeover_model::{
    ApplicationName, ApplicationStatus, ApplicationType, CauseId, LogEventId, PairName, RunMode,
    ScriptAction, mode_event, planted,
};
use std::time::Duration;

/// Slack on top of what the pair's scripts may take.
const SETTLE_SLACK: Duration = Duration::from_secs(2);

impl ScsCore {
    /// The event of a run mode is expected if an enabled condition matches it.
    pub(super) fn expect_event(
        &mut self,
        pair: &PairName,
        change: &mut RoleChange,
        application: &ApplicationName,
        run_mode: RunMode,
    ) {
        let Some(care) = self.pairs.get(pair) else {
            return;
        };
        let due = self.now + care.config.policy.event_wait;
        let record = care.open_record;
        // A managed one logs its own event, and for every member the SCS says 5150 or 5151.
        let own = self
            .applications
            .get(application)
            .filter(|care| care.application_type == ApplicationType::SipServer)
            .and_then(|_| mode_event(care.config.redundancy, run_mode))
            .map(|(id, _)| id);
        let said = if run_mode == RunMode::Primary {
            LogEventId::NOW_PRIMARY
        } else {
            LogEventId::NOW_BACKUP
        };
        for id in own.into_iter().chain([said]) {
            let known = change
                .expected
                .iter()
                .any(|one| &one.application == application && one.id == id);
            if known || !self.is_matched(application, id) {
                continue;
            }
            change.expected.push(Expected {
                application: application.clone(),
                id,
                due,
                arrived: self.event_in_record(record, application, id),
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

    /// As `settle`, then the hooks that wait for it.
    pub(super) fn settle_with_hooks(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
    ) -> Progress {
        let why = match change.hooks.settled.clone() {
            Some(why) => why,
            None => match self.settle(pair, record, change) {
                Progress::Done(why) => why,
                other @ (Progress::Waits(_) | Progress::Failed(_)) => return other,
            },
        };
        change.hooks.settled = Some(why.clone());
        match self.new_primary_lost(pair, change) {
            Some(lost) => Progress::Failed(lost),
            None => self.run_hooks_after(pair, record, change, why),
        }
    }

    /// What follows from the run modes: done when the VIP is observed where it should be.
    pub(super) fn settle(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
    ) -> Progress {
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
        self.announce(pair, record, change, aligned && idle);
        if without_vip || (aligned && idle && heard) {
            return Progress::Done(self.success(pair, change));
        }
        let quiet = since + event_wait;
        if !aligned && idle && !change.realigned && quiet <= now && heard {
            change.realigned = true;
            self.note(
                record,
                Step::Note,
                "realigned by the SCS",
                "no reaction moved the VIP in time",
            );
            self.align(pair, record, None);
            if self.alignment(pair, true) == Alignment::AsIntended
                && self.engine.open_for(pair).is_empty()
            {
                return Progress::Done(self.success(pair, change));
            }
        } else if !aligned && idle && change.realigned && quiet + event_wait <= now {
            return Progress::Failed(format!(
                "{} is primary, but the VIP did not get there: {}",
                change.to,
                self.misplaced(pair)
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
            HostCondition::Lost(_) => true,
            HostCondition::Reported => {
                !member.status.is_up() || member.status == ApplicationStatus::StopTransition
            }
            HostCondition::NotYetJudged | HostCondition::AgentLost(_) => false,
        };
        gone.then(|| format!("{} was promoted and is gone already", change.to))
    }

    fn name_silent_hops(&mut self, record: CauseId, change: &mut RoleChange) {
        let now = self.now;
        for expected in &mut change.expected {
            if expected.arrived
                || expected.missed
                || expected.due > now
                || planted("lost-event-unnoticed")
            {
                continue;
            }
            expected.missed = true;
            let by_scs = [LogEventId::NOW_PRIMARY, LogEventId::NOW_BACKUP].contains(&expected.id);
            let hop = if self.message_server_connected && by_scs {
                format!(
                    "the SCS said {} for {}, and it did not come back from the Message Server",
                    expected.id.wire_form(),
                    expected.application
                )
            } else if self.message_server_connected {
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
        if change.promotes || change.announced || !aligned || planted("winner-not-announced") {
            return;
        }
        change.announced = true;
        let Some(care) = self
            .pairs
            .get(pair)
            // The engine announces by itself after a release that it ran.
            .filter(|care| care.announced != Some(record))
        else {
            return;
        };
        let Some(host) = care.config.host_of(&change.to).cloned() else {
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
        let mut text = format!(
            "{} on {host} is primary in epoch {}",
            change.to, change.epoch
        );
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
