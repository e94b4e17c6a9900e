//! Why a message from the wire is no message of the model. Always the sender's fault: the message is dropped
//! (streams) or refused (calls), and the text names the field.

/// Why a message from the wire cannot be used. `field` is written `Message.field`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// A field without which the message means nothing.
    #[error("{field} is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A word that this release does not know and has no `Unknown` for.
    #[error(
        "{field} is {value}, which this release does not know; update this side or use an older peer"
    )]
    UnknownValue {
        /// The field.
        field: &'static str,
        /// The number on the wire.
        value: i32,
    },
    /// A kind of message that this release does not know.
    #[error(
        "{message} says nothing that this release knows; update this side or use an older peer"
    )]
    UnknownKind {
        /// The message.
        message: &'static str,
    },
    /// A text that does not read as what it should be.
    #[error("{field} is '{text}', which is no {expected}")]
    Unreadable {
        /// The field.
        field: &'static str,
        /// What was sent, cut and escaped.
        text: String,
        /// What it should be.
        expected: &'static str,
    },
    /// More than the field may hold.
    #[error("{field} has {got} {unit}, at most {limit} are allowed")]
    TooLong {
        /// The field.
        field: &'static str,
        /// How much was sent.
        got: usize,
        /// Of what.
        unit: &'static str,
        /// How much may be.
        limit: usize,
    },
}

impl ConvertError {
    pub(super) fn unreadable(field: &'static str, text: &str, expected: &'static str) -> Self {
        Self::Unreadable {
            field,
            text: text.chars().take(80).flat_map(char::escape_debug).collect(),
            expected,
        }
    }

    /// True if the peer is simply newer: the message may be skipped without harm to the conversation.
    #[must_use]
    pub fn is_of_newer_release(&self) -> bool {
        matches!(self, Self::UnknownValue { .. } | Self::UnknownKind { .. })
    }
}

impl From<ConvertError> for tonic::Status {
    fn from(error: ConvertError) -> Self {
        tonic::Status::invalid_argument(error.to_string())
    }
}
