//! Everything about the wire: generated types, their conversion to the model, servers and links.
//!
//! Owns the transport: which bytes, over which connection, from whom. Owns no decision and no state of the
//! site; what arrives is converted in [`convert`] and handed to a shell, which gives it to its core.

pub mod convert;
pub mod wire;
