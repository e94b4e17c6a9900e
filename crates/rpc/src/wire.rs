//! The generated messages, clients and servers of `proto/changeover/v1`, and the descriptor that reflection
//! serves. Nothing is written by hand here; meaning is given in `convert`.

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::too_many_lines,
    clippy::unwrap_used,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
mod generated {
    tonic::include_proto!("changeover.v1");
}

pub use generated::*;

/// All of `proto/changeover/v1` as an encoded file descriptor set.
pub const DESCRIPTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/changeover_v1.bin"));
