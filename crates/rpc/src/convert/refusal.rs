//! Refusals. A code of a newer release becomes `not-in-this-build`; its sentence stays as it was written.

use super::ConvertError;
use super::fields::{prose, word};
use super::words::Word as _;
use crate::wire;
use changeover_model::Refusal;

impl From<Refusal> for wire::Refusal {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code.to_wire(),
            reason: refusal.reason,
        }
    }
}

impl TryFrom<wire::Refusal> for Refusal {
    type Error = ConvertError;
    fn try_from(refusal: wire::Refusal) -> Result<Self, ConvertError> {
        Ok(Self {
            code: word("Refusal.code", refusal.code)?,
            reason: prose(refusal.reason),
        })
    }
}
