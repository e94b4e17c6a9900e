//! What the SIP Server of a pair decides: B2BUA, registrar, synchronisation with its peer, traffic watch.
//!
//! Owns the deciding half of `sip-server`: [`SipCore`] takes [`SipInput`]s (messages that arrived, run modes, the HA
//! link) and gives [`SipOutput`]s (messages to send, records for the peer, how ready it is). Owns no socket and no
//! clock. A call is plain data (`call.rs`); everything that a peer could notice is replicated before it leaves
//! (`commit.rs`), which is why a call outlives the server that began it.
#![warn(missing_docs)]
#![warn(
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

mod auth;
mod call;
mod checks;
mod clients;
mod commit;
mod config;
mod core;
mod framing;
mod ids;
mod inputs;
mod limits;
mod message;
mod net;
mod outputs;
mod picture;
mod registrar;
mod routing;
mod sdp;
mod sync;
mod transactions;
mod watch;

pub use crate::core::SipCore;
pub use call::Phase;
pub use clients::{
    AgentState, CallAction, CallState, ClientEvent, ClientRequest, RefusedBecause, SessionId,
    Shared, SharedKey,
};
pub use config::{Limits, SipConfig, node_of};
pub use framing::{Framer, Lost};
pub use ids::CallKey;
pub use inputs::{LinkId, SipInput};
pub use message::address;
pub use message::{CSeq, Header, Message, Start};
pub use net::{Peer, Transport};
pub use outputs::{SipOutput, Standing};
pub use picture::{CallPicture, LegPicture, RegistrationPicture, SipPicture, SyncPicture};
pub use registrar::KeptContacts;
pub use sync::{Record, SYNC_FORMAT, SyncMessage, UnreadableFrame};
