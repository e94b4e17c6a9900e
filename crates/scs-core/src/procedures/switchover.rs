//! Switchover: the planned change of the primary, by an operator, a reaction, a stop that hands over, or the clean
//! shutdown of a host.

use super::role_change::Change;
use crate::ScsCore;
use crate::pairs::{Direction, Member};
use crate::timeline::{Moment, NewEntry};
use changeover_model::message::{Party, RecordKind, Step};
use changeover_model::{ApplicationName, CauseId, PairName};

impl ScsCore {
    /// Opens a switchover that has passed its pre-check.
    pub(crate) fn open_switchover(
        &mut self,
        pair: &PairName,
        direction: &Direction,
        who: Party,
        trigger: &str,
        reason: &str,
    ) -> CauseId {
        let record = self.open_record(
            RecordKind::Switchover,
            Some(pair),
            format!("switchover of {pair}"),
            trigger,
        );
        self.entry(
            record,
            NewEntry {
                moment: Moment::Here,
                who,
                step: Step::Requested,
                what: format!("switchover of {pair}"),
                evidence: if reason.is_empty() {
                    trigger.to_owned()
                } else {
                    format!("{trigger}: {reason}")
                },
            },
        );
        let because = format!("switchover by {trigger}");
        self.switch(pair, record, direction, because, None);
        record
    }

    /// Hands over within the record of a stop or restart.
    pub(crate) fn open_handover(
        &mut self,
        pair: &PairName,
        record: CauseId,
        direction: &Direction,
        serves: &ApplicationName,
    ) {
        let because = format!("{serves} was handed over before its stop");
        self.switch(pair, record, direction, because, Some(serves.clone()));
    }

    fn switch(
        &mut self,
        pair: &PairName,
        record: CauseId,
        direction: &Direction,
        because: String,
        serves: Option<ApplicationName>,
    ) {
        self.end_flapping(pair, "an operator switched over");
        self.end_test_hold(pair);
        let from = direction
            .from
            .as_ref()
            .filter(|from| from.application != direction.to.application)
            .map(|from| from.application.clone());
        self.open_role_change(
            pair,
            Change {
                kind: RecordKind::Switchover,
                record,
                from,
                to: direction.to.application.clone(),
                because,
                automatic: false,
                promotes: true,
                serves,
            },
        );
    }

    /// The host of the primary is going down cleanly.
    pub(crate) fn open_handover_of_host(
        &mut self,
        pair: &PairName,
        primary: &Member,
        other: &Member,
        cause: &str,
    ) -> bool {
        let direction = Direction {
            from: Some(primary.clone()),
            to: other.clone(),
        };
        self.open_switchover(
            pair,
            &direction,
            Party::Lca(primary.host.clone()),
            &format!("lca@{}", primary.host),
            cause,
        );
        true
    }

    pub(crate) fn end_test_hold(&mut self, pair: &PairName) {
        if let Some(care) = self.pairs.get_mut(pair)
            && care.kept.test_hold_until.take().is_some()
        {
            self.keep_pair(pair);
            self.picture_changed = true;
        }
    }
}
