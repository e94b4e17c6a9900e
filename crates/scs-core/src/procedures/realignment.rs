//! Realignment: the reactions that bring the VIP to the primary's host are run again, because intended and observed
//! holder differed for `realign_after`, or because an operator asks (`sci realign`).

use super::{Plan, Procedure, Progress};
use crate::ScsCore;
use crate::pairs::Alignment;
use crate::timeline::{Moment, NewEntry};
use changeover_model::message::{Party, RecordKind, Step};
use changeover_model::{CauseId, PairName, Timestamp};
use changeover_reaction_engine::{Input as EngineInput, Origin, ReactionRequest, Target};
use std::time::Duration;

/// The LCA reports addresses a moment after a script's end.
const OBSERVE: Duration = Duration::from_millis(500);

/// A realignment under way.
#[derive(Clone, Debug)]
pub(crate) struct Realignment {
    deadline: Timestamp,
    idle_since: Option<Timestamp>,
}

impl Realignment {
    pub(crate) fn postpone(&mut self, by: Duration) {
        self.deadline = self.deadline + by;
    }
}

impl ScsCore {
    /// By itself: intended and observed holder differ.
    pub(crate) fn open_realignment(&mut self, pair: &PairName, alignment: Alignment) {
        let what = match alignment {
            Alignment::Two => "two hosts hold the VIP",
            Alignment::Elsewhere => "the VIP is on the wrong host",
            Alignment::None => "nobody holds the VIP",
            Alignment::Partial => "not every VIP has a holder",
            Alignment::AsIntended | Alignment::Unjudged => "the VIP was not moved",
        };
        let record = self.open_record(
            RecordKind::Realignment,
            Some(pair),
            format!("realignment of {pair}"),
            what,
        );
        let which = self.misplaced(pair);
        let evidence = format!("{which}, for longer than realign_after");
        self.note(record, Step::Note, what, evidence);
        self.begin_realignment(pair, record, None);
    }

    /// Asked by an operator; ends a test hold and a hold after a failed release.
    pub(crate) fn open_realignment_by(&mut self, pair: &PairName, operator: &str) -> CauseId {
        let record = self.open_record(
            RecordKind::Realignment,
            Some(pair),
            format!("realignment of {pair}"),
            operator,
        );
        self.entry(
            record,
            NewEntry {
                moment: Moment::Here,
                who: Party::Operator(operator.to_owned()),
                step: Step::Requested,
                what: format!("realignment of {pair}"),
                evidence: operator.to_owned(),
            },
        );
        self.end_test_hold(pair);
        if let Some(care) = self.pairs.get_mut(pair)
            && care.release_hold()
        {
            self.keep_pair(pair);
        }
        self.begin_realignment(pair, record, Some(operator));
        record
    }

    fn begin_realignment(&mut self, pair: &PairName, record: CauseId, operator: Option<&str>) {
        let deadline = self.now + self.settle_bound(pair);
        self.install(
            pair,
            Procedure {
                record,
                kind: RecordKind::Realignment,
                serves: None,
                opened: self.now,
                plan: Plan::Realignment(Realignment {
                    deadline,
                    idle_since: None,
                }),
            },
        );
        self.align(pair, record, operator);
    }

    /// Asks the engine for what brings the VIP to the intended host.
    pub(crate) fn align(&mut self, pair: &PairName, record: CauseId, operator: Option<&str>) {
        let epoch = self.pairs.get(pair).map(|care| care.kept.epoch);
        self.engine(EngineInput::Requested(Box::new(ReactionRequest {
            origin: match operator {
                Some(name) => Origin::Operator {
                    name: name.to_owned(),
                },
                None => Origin::Realignment,
            },
            reporting_application: None,
            target: Target::AlignPair(pair.clone()),
            epoch,
            cause: record,
            operator_confirmed: operator.is_some(),
        })));
    }

    pub(crate) fn step_realignment(
        &mut self,
        pair: &PairName,
        _record: CauseId,
        realignment: &mut Realignment,
    ) -> Progress {
        let now = self.now;
        let idle = self.engine.open_for(pair).is_empty();
        let alignment = self.alignment(pair, true);
        if idle && alignment == Alignment::AsIntended {
            return Progress::Done("the VIP is where it should be".to_owned());
        }
        if realignment.deadline <= now {
            return Progress::Failed("the realignment did not end in time".to_owned());
        }
        if !idle {
            realignment.idle_since = None;
            return Progress::Waits(realignment.deadline);
        }
        let since = *realignment.idle_since.get_or_insert(now);
        if since + OBSERVE <= now {
            let which = self.misplaced(pair);
            return Progress::Failed(match alignment {
                Alignment::Unjudged => "the primary's host is not in contact".to_owned(),
                Alignment::Two => format!("two hosts still hold the VIP: {which}"),
                Alignment::Elsewhere => format!("the VIP is still on the wrong host: {which}"),
                Alignment::None => "still nobody holds the VIP".to_owned(),
                Alignment::Partial => format!("still not every VIP has a holder: {which}"),
                Alignment::AsIntended => "the reactions did not end".to_owned(),
            });
        }
        Progress::Waits(realignment.deadline.min(since + OBSERVE))
    }
}
