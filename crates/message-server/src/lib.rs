//! Message Server: the shell of message-server-core
mod store;
pub use store::StoreError;
