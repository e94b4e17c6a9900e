//! Owns the errors of this crate's operations. Refusals of the emulator arrive as text in
//! [`NetworkError::Refused`]; failures to reach a peer are [`DialError`], whose variants mean the same on
//! the kernel's network and on the emulated one.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why something about the host's network could not be done.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// `CHANGEOVER_NETWORK` is set and `CHANGEOVER_NETWORK_HOST` is not.
    #[error(
        "CHANGEOVER_NETWORK names an emulated network, but CHANGEOVER_NETWORK_HOST does not say which of \
         its hosts this process runs on; set both or neither"
    )]
    HostNotNamed,
    /// The emulator's socket could not be connected to.
    #[error(
        "the emulated network behind {socket} cannot be reached: {source}; is its emulator running?"
    )]
    Connect {
        /// The socket's path.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The conversation with the emulator broke off.
    #[error("{operation}: the connection to the emulated network was lost: {reason}")]
    Lost {
        /// What was tried.
        operation: String,
        /// What happened.
        reason: String,
    },
    /// The emulator did not answer in time.
    #[error("{operation}: no answer from the emulated network within {wait:?}")]
    NoAnswer {
        /// What was tried.
        operation: String,
        /// How long was waited.
        wait: std::time::Duration,
    },
    /// The emulator answered that it will not, and why.
    #[error("{operation}: the emulated network refused: {reason}")]
    Refused {
        /// What was tried.
        operation: String,
        /// Its reason.
        reason: String,
    },
    /// A listener could not be opened.
    #[error("cannot listen on {at}: {source}")]
    Listen {
        /// The site's address.
        at: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A datagram socket could not be opened.
    #[error("cannot open a datagram socket on {at}: {source}")]
    Datagrams {
        /// The site's address.
        at: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A datagram could not be received or sent.
    #[error("datagrams on {at}: {source}")]
    Transfer {
        /// The site's address the socket is bound to.
        at: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel's addresses could not be opened.
    #[error(transparent)]
    Addresses(#[from] changeover_virtual_ip::AddressError),
}

impl NetworkError {
    /// Whether the same operation may succeed later without anybody changing the set-up.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Lost { .. }
            | Self::NoAnswer { .. }
            | Self::Transfer { .. } => true,
            Self::Addresses(error) => error.is_transient(),
            Self::HostNotNamed
            | Self::Refused { .. }
            | Self::Listen { .. }
            | Self::Datagrams { .. } => false,
        }
    }
}

/// Why a peer could not be reached. The first three are the field's host statuses Disconnected,
/// Unavailable and Unreachable (BEHAVIOUR).
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The host answered that nobody listens there: it lives.
    #[error("{0} refused the connection: the host answers, but nothing listens there")]
    Refused(SocketAddr),
    /// Nothing was heard within the time given.
    #[error("{0} did not answer in time")]
    TimedOut(SocketAddr),
    /// There is no way to that address, or nobody on the subnet has it.
    #[error("no route to {0}")]
    NoRoute(SocketAddr),
    /// Anything else, in words.
    #[error("cannot connect to {to}: {reason}")]
    Other {
        /// The peer.
        to: SocketAddr,
        /// What was said.
        reason: String,
    },
}

impl DialError {
    /// Whether the host was heard, whatever it said.
    #[must_use]
    pub const fn heard(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}
