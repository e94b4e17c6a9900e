//! Timeline records that have ended, as counters and histograms: how each change of a primary went, and how long its
//! steps took. Owns no record: those stay in the core; here is only which of them are counted already.

use changeover_metrics::{Catalogue, Counters, Durations};
use changeover_model::message::{RecordKind, RecordOutcome, Step, TimelineEntry, TimelineRecord};
use changeover_model::{CauseId, RunMode, ScriptAction, Timestamp};
use changeover_scs_core::ScsCore;
use std::collections::BTreeSet;

/// Most new records looked at after one burst of inputs.
const AT_ONCE: usize = 256;
/// Why the primary of a pair changed.
const CAUSES: [&str; 6] = [
    "planned",
    "hand-over",
    "failover",
    "start",
    "reconnect",
    "roll-back",
];
/// Outcomes whose series are there from the start.
const OUTCOMES: [RecordOutcome; 3] = [
    RecordOutcome::Done,
    RecordOutcome::Failed,
    RecordOutcome::RolledBack,
];

/// Families of records. Clones share them.
#[derive(Clone)]
pub(super) struct Records {
    switchovers: Counters,
    durations: Durations,
    steps: Durations,
    realignments: Counters,
    refusals: Counters,
    suppressions: Counters,
}

impl Records {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            switchovers: catalogue.counters(
                "changeover_switchovers_total",
                &["pair", "cause", "outcome"],
                "Changes of a primary that have ended, by cause (planned, hand-over before a stop, failover, start, reconnect, roll-back) and outcome",
            ),
            durations: catalogue.durations(
                "changeover_switchover_duration_seconds",
                &["pair", "cause"],
                "From the decision to change a primary to its end, of those that ended as asked",
            ),
            steps: catalogue.durations(
                "changeover_switchover_step_duration_seconds",
                &["step"],
                "Steps of changes of a primary: demotion and promotion (order to acknowledgement), event-to-alarm, alarm-to-release and alarm-to-takeover (to a reaction that is done), control-script, vip-move (seen gone to seen on)",
            ),
            realignments: catalogue.counters(
                "changeover_realignments_total",
                &["pair", "outcome"],
                "Times that the VIP was brought back in line with the run modes",
            ),
            refusals: catalogue.counters(
                "changeover_refusals_total",
                &["pair", "code"],
                "Requests of operators refused on record, once for each reason",
            ),
            suppressions: catalogue.counters(
                "changeover_suppressions_total",
                &["pair", "code"],
                "Automatic actions that were not taken, once for each reason",
            ),
        }
    }

    /// A pair is in the environment: its series begin at 0.
    pub(super) fn begin(&self, pair: &str) {
        for cause in CAUSES {
            for outcome in OUTCOMES {
                self.switchovers.add(&[pair, cause, word(outcome)], 0);
            }
        }
    }

    /// A record has ended.
    pub(super) fn count(&self, record: &TimelineRecord) {
        let Some(outcome) = record.outcome else {
            return;
        };
        let pair = record.pair.as_ref().map_or("", |pair| pair.as_str());
        let reasons = |counters: &Counters| {
            for reason in &record.reasons {
                counters.increment(&[pair, reason.code.as_str()]);
            }
        };
        match record.kind {
            RecordKind::Switchover => self.change(record, pair, "planned", outcome),
            RecordKind::Failover => self.change(record, pair, "failover", outcome),
            RecordKind::Start => self.change(record, pair, "start", outcome),
            RecordKind::Reconnect => self.change(record, pair, "reconnect", outcome),
            RecordKind::RollBack => self.change(record, pair, "roll-back", outcome),
            RecordKind::Operation if record.entries.iter().any(promotes) => {
                self.change(record, pair, "hand-over", outcome);
            }
            RecordKind::Realignment => self.realignments.increment(&[pair, word(outcome)]),
            RecordKind::Refusal => reasons(&self.refusals),
            RecordKind::Suppression => reasons(&self.suppressions),
            RecordKind::Operation
            | RecordKind::Alarm
            | RecordKind::Test
            | RecordKind::Host
            | RecordKind::Administration => {}
        }
    }

    fn change(
        &self,
        record: &TimelineRecord,
        pair: &str,
        cause: &'static str,
        outcome: RecordOutcome,
    ) {
        self.switchovers.increment(&[pair, cause, word(outcome)]);
        if outcome == RecordOutcome::Done
            && let Some(closed) = record.closed_at
        {
            self.durations
                .observe(&[pair, cause], closed.since(record.opened_at));
        }
        for (step, began, ended) in steps(&record.entries) {
            self.steps.observe(&[step], ended.since(began));
        }
    }
}

fn promotes(entry: &TimelineEntry) -> bool {
    matches!(entry.step, Step::RunModeOrdered(_, RunMode::Primary))
}

pub(super) fn word(outcome: RecordOutcome) -> &'static str {
    match outcome {
        RecordOutcome::Done => "done",
        RecordOutcome::Failed => "failed",
        RecordOutcome::RolledBack => "rolled-back",
        RecordOutcome::Refused => "refused",
        RecordOutcome::Superseded => "superseded",
    }
}

/// Pairs of a beginning and its end. Times of other hosts are converted, so an end may seem to come first: then the
/// step took no measurable time.
fn steps(entries: &[TimelineEntry]) -> Vec<(&'static str, Timestamp, Timestamp)> {
    let first = |wanted: &dyn Fn(&Step) -> bool| {
        let found = entries.iter().find(|entry| wanted(&entry.step));
        found.map(|entry| entry.at)
    };
    let alarm = first(&|step| matches!(step, Step::AlarmActivated(..)));
    let event = first(&|step| matches!(step, Step::EventLogged(..)));
    let gone = first(&|step| matches!(step, Step::VipGone(_)));
    let seen = entries
        .iter()
        .rev()
        .find(|entry| matches!(entry.step, Step::VipSeen(_)));
    let mut steps = Vec::new();
    let mut step = |name, began: Option<Timestamp>, ended: Option<Timestamp>| {
        if let (Some(began), Some(ended)) = (began, ended) {
            steps.push((name, began, ended));
        }
    };
    step("event-to-alarm", event, alarm);
    step("vip-move", gone, seen.map(|seen| seen.at));
    for entry in entries {
        match &entry.step {
            Step::RunModeAcknowledged(application, mode @ (RunMode::Primary | RunMode::Backup)) => {
                let ordered = first(
                    &|step| matches!(step, Step::RunModeOrdered(other, of) if other == application && of == mode),
                );
                let name = if *mode == RunMode::Primary {
                    "promotion"
                } else {
                    "demotion"
                };
                step(name, ordered, Some(entry.at));
            }
            Step::Finished(application, Some(action), true) => {
                let launched = first(
                    &|step| matches!(step, Step::Launched(other, Some(_)) if other == application),
                );
                step("control-script", launched, Some(entry.at));
                let name = match action {
                    ScriptAction::Enable => "alarm-to-takeover",
                    ScriptAction::Disable => "alarm-to-release",
                };
                step(name, alarm, Some(entry.at));
            }
            _ => {}
        }
    }
    steps
}

/// Which records are counted.
#[derive(Debug)]
pub(super) struct Counted {
    /// The newest record that was looked at.
    newest: CauseId,
    /// Those that were under way then.
    open: BTreeSet<CauseId>,
}

impl Counted {
    /// Everything up to this record belongs to an earlier life.
    pub(super) fn after(newest: CauseId) -> Self {
        Self {
            newest,
            open: BTreeSet::new(),
        }
    }

    /// Counts what has ended since the last call.
    pub(super) fn follow(&mut self, core: &ScsCore, records: &Records) {
        let before = self.newest;
        for record in core.timeline(AT_ONCE) {
            if record.id <= before {
                break;
            }
            self.newest = self.newest.max(record.id);
            self.open.insert(record.id);
        }
        self.open.retain(|id| match core.record(*id) {
            None => false,
            Some(record) if record.outcome.is_none() => true,
            Some(record) => {
                records.count(record);
                false
            }
        });
    }
}
