//! Solution Control Server: the shell of `scs-core`, which hosts the reaction engine. One per site.
//!
//! Owns the process: arguments, store, links to LCAs and Message Server (`links`), the services for operators (`rpc`),
//! effects on the world (`effects`), what is counted (`metrics`), and how the core's outputs reach them (`acting`). Decides nothing.

mod acting;
mod effects;
mod links;
mod metrics;
mod requests;
mod rpc;
mod serving;
mod store;

use changeover_component::{ComponentArguments, ExitCode};

/// Command line of `scs`.
#[derive(Clone, Debug, clap::Parser)]
#[command(
    name = "scs",
    version,
    about = "Solution Control Server: knows which server of a pair is primary, and acts",
    after_help = "Examples:\n  \
        scs --config /etc/changeover/site.yaml --state-dir /var/lib/changeover/scs\n  \
        kill -HUP PID          read the environment file again"
)]
pub struct Arguments {
    /// What every component takes.
    #[command(flatten)]
    pub component: ComponentArguments,
}

/// Runs it to its end.
pub fn main(arguments: Arguments) -> ExitCode {
    let log = arguments.component.log.clone();
    changeover_component::run(&log, serving::run(arguments.component))
}

/// Every family of metrics that it can be scraped for.
pub fn metric_families() -> Vec<changeover_metrics::FamilyDescription> {
    metrics::Metrics::new(None).families()
}
