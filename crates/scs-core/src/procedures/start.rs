//! Start: the promotion of a pair that has no primary, at the start of the site or after both were stopped.

use super::role_change::Change;
use crate::ScsCore;
use crate::pairs::Member;
use changeover_model::PairName;
use changeover_model::message::{RecordKind, Step};

impl ScsCore {
    pub(crate) fn open_start(&mut self, pair: &PairName, to: &Member) -> bool {
        let record = self.open_record(
            RecordKind::Start,
            Some(pair),
            format!("start of {pair}"),
            "no primary",
        );
        self.note(
            record,
            Step::Note,
            format!("{pair} has no primary"),
            format!("{} on {} is Started", to.application, to.host),
        );
        self.open_role_change(
            pair,
            Change {
                kind: RecordKind::Start,
                record,
                from: None,
                to: to.application.clone(),
                because: "start of the pair".to_owned(),
                // No role changes hands: this does not count for flapping.
                automatic: false,
                promotes: true,
                serves: None,
            },
        )
    }
}
