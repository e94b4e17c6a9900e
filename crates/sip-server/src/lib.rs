//! The SIP Server of a pair: registers with its LCA, obeys run modes, logs 4560 to 4563, and drives `sip-core`, which
//! decides about calls. Owns the sockets (`datagrams.rs`, `streams.rs`), the HA link to the other server of the pair
//! (`ha_link.rs`) and the reports to the LCA (`server.rs`).
//!
//! Told by SIGUSR1 it reports Service Unavailable, by SIGUSR2 Running again: how an operator or a test plays the
//! loss of whatever the server needs.

mod attend;
mod contacts;
mod datagrams;
mod effects;
mod ha_link;
mod metrics;
mod rpc;
mod server;
mod settings;
mod stand_in;
mod streams;
mod trace;

use changeover_component::{ExitCode, LogArguments, MetricsArguments};
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Command line of `sip-server`.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "sip-server",
    version,
    about = "SIP Server of a pair, started by its host's LCA",
    after_help = "It is started by the LCA, which sets CHANGEOVER_LCA, CHANGEOVER_APPLICATION and CHANGEOVER_TOKEN.\n\
        SIGUSR1: report Service Unavailable.  SIGUSR2: report Running again."
)]
pub struct Arguments {
    /// The environment file; options and ports come from the LCA, so it is only checked for the name
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Name of the Application object [default: what the LCA says]
    #[arg(long, value_name = "NAME", env = "CHANGEOVER_APPLICATION")]
    pub application: Option<String>,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArguments,
    /// Answer OPTIONS at this address without an LCA and whatever the run mode: the stand-in for a program that knows
    /// nothing of run modes, in a rehearsal; may be given several times
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub answer: Vec<SocketAddr>,
    /// Log.
    #[command(flatten)]
    pub log: LogArguments,
}

/// Runs it to its end.
pub fn main(arguments: Arguments) -> ExitCode {
    let log = arguments.log.clone();
    if arguments.answer.is_empty() {
        changeover_component::run(&log, server::run(arguments))
    } else {
        changeover_component::run(&log, stand_in::run(arguments))
    }
}

/// Every family of metrics that it can be scraped for.
pub fn metric_families() -> Vec<changeover_metrics::FamilyDescription> {
    metrics::Metrics::new().families()
}
