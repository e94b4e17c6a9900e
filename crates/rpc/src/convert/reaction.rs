//! Reactions as operators see them.

use super::ConvertError;
use super::fields::{optional_micros, optional_name, optional_word, prose, to_text, word};
use super::words::{Word as _, to_optional};
use crate::wire;
use changeover_model::message::ReactionPicture;
use changeover_model::{CauseId, Epoch, Timestamp};

impl From<ReactionPicture> for wire::ReactionPicture {
    fn from(reaction: ReactionPicture) -> Self {
        Self {
            number: reaction.number,
            pair: to_text(&reaction.pair),
            script: to_text(&reaction.script),
            application: to_text(&reaction.application),
            host: to_text(&reaction.host),
            action: to_optional(reaction.action),
            condition: to_text(&reaction.condition),
            epoch: reaction.epoch.0,
            state: reaction.state.to_wire(),
            attempts: reaction.attempts,
            requested_at_us: reaction.requested_at.0,
            finished_at_us: optional_micros(reaction.finished_at),
            detail: reaction.detail,
            cause: reaction.cause.map(|cause| cause.0),
        }
    }
}

impl TryFrom<wire::ReactionPicture> for ReactionPicture {
    type Error = ConvertError;
    fn try_from(reaction: wire::ReactionPicture) -> Result<Self, ConvertError> {
        Ok(Self {
            number: reaction.number,
            pair: optional_name("ReactionPicture.pair", reaction.pair)?,
            script: optional_name("ReactionPicture.script", reaction.script)?,
            application: optional_name("ReactionPicture.application", reaction.application)?,
            host: optional_name("ReactionPicture.host", reaction.host)?,
            action: optional_word("ReactionPicture.action", reaction.action)?,
            condition: optional_name("ReactionPicture.condition", reaction.condition)?,
            epoch: Epoch(reaction.epoch),
            state: word("ReactionPicture.state", reaction.state)?,
            attempts: reaction.attempts,
            requested_at: Timestamp(reaction.requested_at_us),
            finished_at: reaction.finished_at_us.map(Timestamp),
            detail: prose(reaction.detail),
            cause: reaction.cause.map(CauseId),
        })
    }
}
