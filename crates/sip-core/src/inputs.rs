//! What can happen to a SIP Server.

use crate::clients::{ClientRequest, SessionId};
use crate::net::Transport;
use crate::registrar::KeptContacts;
use crate::sync::SyncMessage;
use crate::{CallKey, Peer};
use changeover_model::{Epoch, RunMode};
use std::net::SocketAddr;

/// Number of a connection of the HA link, given by the shell, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// An input of [`crate::SipCore`].
#[derive(Clone, Debug, PartialEq)]
pub enum SipInput {
    /// One message arrived on the SIP address.
    Received {
        /// How.
        transport: Transport,
        /// From where.
        from: SocketAddr,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// What was sent to this peer did not arrive and never will.
    SendFailed {
        /// The peer.
        to: Peer,
    },
    /// Enter this run mode.
    SetRunMode {
        /// The run mode.
        run_mode: RunMode,
        /// Epoch of the order.
        epoch: Epoch,
    },
    /// A connection of the HA link stands. The backup dials, the primary listens.
    SyncConnected {
        /// Its number.
        link: LinkId,
        /// True at the end that dialled.
        dialled: bool,
    },
    /// A message on it.
    SyncReceived {
        /// Which connection.
        link: LinkId,
        /// The message.
        message: SyncMessage,
    },
    /// It is gone.
    SyncDisconnected {
        /// Which connection.
        link: LinkId,
    },
    /// The peer's HA port cannot be dialled: there is no primary to be in step with.
    SyncUnreachable,
    /// What an earlier life of this server knew of contacts; before its first run mode.
    ContactsKept {
        /// All of them.
        contacts: KeptContacts,
    },
    /// A client has connected.
    ClientConnected {
        /// Its connection.
        session: SessionId,
        /// Its name, the same on both servers.
        name: String,
    },
    /// It asks for something.
    ClientRequested {
        /// Its connection.
        session: SessionId,
        /// A number of the client's own, which comes back with what the request leads to.
        reference: u64,
        /// What.
        request: ClientRequest,
    },
    /// Its connection has ended.
    ClientGone {
        /// Its connection.
        session: SessionId,
    },
    /// An operator or a client routes a call that is parked on a Routing Point.
    RouteParked {
        /// The call.
        call: CallKey,
        /// The DN it goes to.
        to: String,
    },
}
