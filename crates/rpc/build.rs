//! Turns `proto/changeover/v1` into Rust and writes the descriptor that reflection serves. No protoc needed;
//! the descriptor is written here because generating from a ready descriptor set leaves that to the caller.

use prost::Message as _;
use std::path::{Path, PathBuf};

/// The files that define a service; shared vocabulary comes in through their imports.
const SERVICES: [&str; 8] = [
    "application_link",
    "lca",
    "message_server",
    "peer",
    "reaction_engine",
    "scs",
    "sip_clients",
    "sip_server",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Asked now, not when this was compiled: target folders are shared and moved between checkouts.
    let here = std::env::var("CARGO_MANIFEST_DIR")?;
    let root = Path::new(&here).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let files = SERVICES.map(|name| root.join("changeover/v1").join(format!("{name}.proto")));
    let descriptors = protox::compile(files, [&root])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("changeover_v1.bin");
    std::fs::write(out, descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
