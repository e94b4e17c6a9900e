//! Everything about the wire: generated types, their conversion to the model, servers and links.
//!
//! Owns the transport: which bytes, over which connection, from whom. Owns no decision and no state of the
//! site; what arrives is converted in [`convert`] and handed to a shell, which gives it to its core.
//!
//! A server: [`server::Services`] on a [`server::Listener`], every call checked by an [`identity::Gate`].
//! A lasting conversation: [`link::start`]. A single call: [`dial::channel`].

mod connection;
pub mod convert;
pub mod destination;
pub mod dial;
pub mod identity;
pub mod link;
pub mod notices;
pub mod server;
pub mod status;
pub mod streams;
pub mod tls;
pub mod wire;
