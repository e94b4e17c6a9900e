//! The HA link between the two SIP Servers of a pair: frames whose content is theirs alone.

use super::ConvertError;
use crate::wire;

/// Several messages of the HA link, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncFrame {
    /// How they are encoded.
    pub format: u32,
    /// The messages.
    pub messages: Vec<u8>,
}

impl From<SyncFrame> for wire::SyncFrame {
    fn from(frame: SyncFrame) -> Self {
        Self {
            format: frame.format,
            messages: frame.messages,
        }
    }
}

impl TryFrom<wire::SyncFrame> for SyncFrame {
    type Error = ConvertError;
    fn try_from(frame: wire::SyncFrame) -> Result<Self, ConvertError> {
        Ok(Self {
            format: frame.format,
            messages: frame.messages,
        })
    }
}
