//! Roll-back: a promotion or the move of the VIP failed, the previous primary is still Started: it becomes primary
//! again under a new epoch. A roll-back that fails is not rolled back.

use super::Procedure;
use super::role_change::{Change, RoleChange};
use crate::ScsCore;
use crate::pairs::Member;
use changeover_model::environment::OnFailure;
use changeover_model::message::{RecordKind, Step};
use changeover_model::{ApplicationName, CauseId, PairName, planted};

impl ScsCore {
    /// Opens it if policy and previous primary allow; gives its record.
    pub(crate) fn roll_back(
        &mut self,
        pair: &PairName,
        failed: &Procedure,
        change: &RoleChange,
        why: &str,
    ) -> Option<CauseId> {
        let policy = self.pairs.get(pair)?.config.policy.on_failure;
        let previous = change.from.clone()?;
        let possible = (policy == OnFailure::RollBack || change.hook_demands_roll_back)
            && change.was_begun()
            && change.promotes()
            && failed.kind != RecordKind::RollBack
            && self.member_named(pair, &previous)?.can_take_over();
        if !possible || planted("never-rolled-back") {
            return None;
        }
        let failed_one = self.member_named(pair, &change.to)?;
        Some(self.back_to(pair, previous, &failed_one, why))
    }

    /// The promotion's fate is unknown and the former primary still serves: the same, by the judgement of levels.
    pub(crate) fn open_take_back(
        &mut self,
        pair: &PairName,
        primary: &Member,
        silent: &Member,
        why: &str,
    ) -> bool {
        self.back_to(pair, primary.application.clone(), silent, why);
        true
    }

    /// The one that failed is ordered to be backup in the new epoch, which voids what it was ordered before.
    fn back_to(
        &mut self,
        pair: &PairName,
        previous: ApplicationName,
        failed_one: &Member,
        why: &str,
    ) -> CauseId {
        let record = self.open_record(
            RecordKind::RollBack,
            Some(pair),
            format!("roll-back of {pair}"),
            why,
        );
        self.note(
            record,
            Step::Note,
            format!("{previous} becomes primary again"),
            why,
        );
        let still_up = failed_one.reported() && failed_one.status.is_up();
        self.open_role_change(
            pair,
            Change {
                kind: RecordKind::RollBack,
                record,
                from: still_up.then(|| failed_one.application.clone()),
                to: previous,
                because: format!("rolled back: {why}"),
                automatic: false,
                promotes: true,
                serves: None,
            },
        );
        record
    }
}
