//! Reconnect with both primary: the restored one is demoted, its release is verified, the winner announces its VIP
//! again. With equal epochs, or in a later one than the winner's, it is promoted anew, so that orders and events can tell the two apart.

use super::role_change::Change;
use crate::ScsCore;
use crate::pairs::Member;
use changeover_model::PairName;
use changeover_model::message::{RecordKind, Step};

impl ScsCore {
    pub(crate) fn open_reconnect(
        &mut self,
        pair: &PairName,
        winner: &Member,
        loser: &Member,
    ) -> bool {
        let returned = self
            .pairs
            .get_mut(pair)
            .and_then(|care| care.host_returned.take());
        let trigger = match &returned {
            Some((host, _)) => format!("{host} is back"),
            None => "both were found primary".to_owned(),
        };
        let record = self.open_record(
            RecordKind::Reconnect,
            Some(pair),
            format!("reconnect of {pair}"),
            &trigger,
        );
        if let Some((host, _)) = returned {
            self.note(
                record,
                Step::HostLost(host.clone(), false),
                format!("{host} is back"),
                "its LCA has told its full state",
            );
        }
        self.note(
            record,
            Step::TwoPrimariesFound,
            "both are primary",
            format!(
                "{} in epoch {}, {} in epoch {}",
                winner.application, winner.epoch, loser.application, loser.epoch
            ),
        );
        // In an epoch that was given to another one the winner has no right to be primary either.
        let overtaken = self.pairs.get(pair).is_some_and(|care| {
            winner.epoch < care.kept.epoch
                && care.kept.primary.as_ref() != Some(&winner.application)
        });
        let ambiguous = winner.epoch == loser.epoch || overtaken;
        if !ambiguous && let Some(care) = self.pairs.get_mut(pair) {
            // A demotion alone carries the winner's epoch.
            care.kept.epoch = care.kept.epoch.max(winner.epoch);
        }
        self.open_role_change(
            pair,
            Change {
                kind: RecordKind::Reconnect,
                record,
                from: Some(loser.application.clone()),
                to: winner.application.clone(),
                because: "it won the reconnect".to_owned(),
                automatic: false,
                promotes: ambiguous,
                serves: None,
            },
        )
    }
}
