//! A control script that did not do its work is never reported as a success: where addresses can be seen, what is
//! seen decides, at the LCA and at the reaction engine (BEHAVIOUR, Outcome). A reaction counts as succeeded if its
//! last script was judged good, or if the address is as it wanted. Exception: what was seen since it was launched, and told
//! by the LCA, may be over when the SCS comes to hear of it; it speaks of the moment when it was seen.

use super::at;
use changeover_model::ApplicationName;
use changeover_model::message::{FromLca, LcaReport, ReactionPicture, ReactionState, ScriptResult};
use std::collections::BTreeMap;

/// What is known of control scripts.
#[derive(Clone, Debug, Default)]
pub(super) struct HonestOutcome {
    /// How the last run of each was judged, as the SCS heard it.
    heard: BTreeMap<ApplicationName, ScriptResult>,
    /// When an LCA last told something while the addresses were as this script leaves them.
    seen: BTreeMap<ApplicationName, u64>,
    /// When the first script of each reaction was launched.
    launched: BTreeMap<u64, u64>,
}

pub(super) fn lied(now: u64, application: &ApplicationName, result: ScriptResult) -> String {
    let text = format!(
        "honest outcome: {application} is reported as {result:?}, but the addresses are not as wanted"
    );
    at(now, &text)
}

impl HonestOutcome {
    pub(super) fn outcome_arrived(&mut self, message: &FromLca) {
        if let LcaReport::ControlScriptFinished { key, outcome } = &message.body {
            self.heard.insert(key.application.clone(), outcome.result);
        }
    }

    pub(super) fn seen_as_wanted(&mut self, now: u64, script: ApplicationName) {
        self.seen.insert(script, now);
    }

    pub(super) fn reaction_changed(
        &mut self,
        now: u64,
        reaction: &ReactionPicture,
        as_wanted: Option<bool>,
    ) -> Option<String> {
        if reaction.state == ReactionState::Running {
            self.launched.entry(reaction.number).or_insert(now);
        }
        if reaction.state != ReactionState::Succeeded || as_wanted != Some(false) {
            return None;
        }
        let application = reaction.application.as_ref()?;
        let result = self.heard.get(application)?;
        if reaction.attempts == 0 || result.is_good() {
            return None;
        }
        let launched = self.launched.get(&reaction.number)?;
        if self
            .seen
            .get(application)
            .is_some_and(|seen| seen >= launched)
        {
            return None;
        }
        let number = reaction.number;
        let text = format!(
            "honest outcome: reaction {number} counts as succeeded, but {application} ended as {result:?} and the addresses are not as wanted"
        );
        Some(at(now, &text))
    }
}
