//! What a SIP Server wants done.

use crate::clients::{ClientEvent, SessionId};
use crate::inputs::LinkId;
use crate::net::Peer;
use crate::sync::SyncMessage;

/// An output of [`crate::SipCore`].
#[derive(Clone, Debug, PartialEq)]
pub enum SipOutput {
    /// Send these bytes from the SIP address.
    Send {
        /// To whom.
        to: Peer,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Send this on a connection of the HA link.
    Sync {
        /// Which.
        link: LinkId,
        /// The message.
        message: SyncMessage,
    },
    /// Close a connection of the HA link; the backup dials again.
    CloseSync {
        /// Which.
        link: LinkId,
    },
    /// How ready this server is has changed: report it.
    Standing(Standing),
    /// Tell a client.
    ToClient {
        /// On this connection.
        session: SessionId,
        /// What.
        event: ClientEvent,
    },
    /// End the connection of a client: it has connected anew.
    CloseClient {
        /// Which.
        session: SessionId,
    },
    /// Something an operator may want to read.
    Noted {
        /// Worth a line by default, or only when somebody looks closely.
        important: bool,
        /// What, with the identifiers of the call.
        text: String,
    },
}

/// What is reported to the LCA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// False while a backup is being brought into step for the first time: Initializing.
    pub initialized: bool,
    /// Both servers hold the same calls.
    pub in_step: bool,
    /// SIP traffic monitoring has heard nothing for its time: Service Unavailable.
    pub silent: bool,
}
