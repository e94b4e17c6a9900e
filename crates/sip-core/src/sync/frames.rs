//! How messages of the HA link are written into frames and read again: MessagePack with field names, so that a
//! neighbouring release reads what it knows.

use super::SyncMessage;

/// Number of this way of writing.
pub const SYNC_FORMAT: u32 = 1;

/// A frame that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableFrame(pub String);

impl SyncMessage {
    /// Writes messages into a frame.
    pub fn to_frame(messages: &[SyncMessage]) -> Vec<u8> {
        rmp_serde::to_vec_named(messages)
            .expect("plain data with string keys can always be written to memory")
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// When it holds something else, or a message that this release does not know.
    pub fn from_frame(frame: &[u8]) -> Result<Vec<SyncMessage>, UnreadableFrame> {
        rmp_serde::from_slice(frame).map_err(|error| UnreadableFrame(error.to_string()))
    }
}
