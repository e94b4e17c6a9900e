//! Owns which log event tells that a run mode was activated, and its text (FACTS 3).

use crate::{LogEventId, Redundancy, RunMode};

/// The log event of an activated run mode and its text; `None` for modes that are not activated but end
/// (a stopping server logs none).
#[must_use]
pub fn mode_event(redundancy: Redundancy, run_mode: RunMode) -> Option<(LogEventId, &'static str)> {
    match (redundancy, run_mode) {
        (Redundancy::Warm, RunMode::Backup) => Some((
            LogEventId::WARM_BACKUP,
            "Warm Standby (backup) mode activated",
        )),
        (Redundancy::Hot, RunMode::Backup) => Some((
            LogEventId::HOT_BACKUP,
            "Hot Standby (backup) mode activated",
        )),
        (Redundancy::Warm, RunMode::Primary) => Some((
            LogEventId::WARM_PRIMARY,
            "Warm Standby (Primary) mode activated",
        )),
        (Redundancy::Hot, RunMode::Primary) => Some((
            LogEventId::HOT_PRIMARY,
            "Hot Standby (Primary) mode activated",
        )),
        (_, RunMode::Exiting | RunMode::Unknown) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_has_its_event_with_the_text_of_the_model() {
        let shown = |redundancy, run_mode| {
            mode_event(redundancy, run_mode).map(|(id, text)| format!("{} {text}", id.wire_form()))
        };
        let all = [Redundancy::Warm, Redundancy::Hot].map(|redundancy| {
            [RunMode::Backup, RunMode::Primary].map(|run_mode| shown(redundancy, run_mode))
        });
        let expected = [
            [
                "00-04560 Warm Standby (backup) mode activated",
                "00-04562 Warm Standby (Primary) mode activated",
            ],
            [
                "00-04561 Hot Standby (backup) mode activated",
                "00-04563 Hot Standby (Primary) mode activated",
            ],
        ];
        assert_eq!(
            all,
            expected.map(|pair| pair.map(|text| Some(text.to_owned())))
        );
        assert_eq!(mode_event(Redundancy::Hot, RunMode::Exiting), None);
    }
}
