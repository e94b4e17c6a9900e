//! A control script that did not do its work is never reported as a success: where addresses can be seen, what is
//! seen decides, at the LCA and at the reaction engine (BEHAVIOUR, Outcome). A reaction counts as succeeded if its
//! last script was judged good, or if the address is as it wanted. Exception: reports that waited for the SCS to
//! come back speak of the moment when they were made.

use super::at;
use changeover_model::ApplicationName;
use changeover_model::message::{ReactionPicture, ReactionState, ScriptResult};
use std::collections::BTreeMap;

/// How the last run of each control script was judged, and whether the addresses were as it wanted when that arrived: an
/// SCS that stands still hears it later.
#[derive(Clone, Debug, Default)]
pub(super) struct HonestOutcome {
    heard: BTreeMap<ApplicationName, (ScriptResult, bool)>,
}

pub(super) fn lied(now: u64, application: &ApplicationName, result: ScriptResult) -> String {
    let text = format!(
        "honest outcome: {application} is reported as {result:?}, but the addresses are not as wanted"
    );
    at(now, &text)
}

impl HonestOutcome {
    pub(super) fn outcome_arrived(
        &mut self,
        script: &ApplicationName,
        result: ScriptResult,
        as_wanted: bool,
    ) {
        self.heard.insert(script.clone(), (result, as_wanted));
    }

    pub(super) fn reaction_changed(
        &mut self,
        now: u64,
        reaction: &ReactionPicture,
        as_wanted: Option<bool>,
    ) -> Option<String> {
        if reaction.state != ReactionState::Succeeded || as_wanted != Some(false) {
            return None;
        }
        let application = reaction.application.as_ref()?;
        let (result, was_as_wanted) = self.heard.get(application)?;
        if reaction.attempts == 0 || result.is_good() || *was_as_wanted {
            return None;
        }
        let number = reaction.number;
        let text = format!(
            "honest outcome: reaction {number} counts as succeeded, but {application} ended as {result:?} and the addresses are not as wanted"
        );
        Some(at(now, &text))
    }
}
