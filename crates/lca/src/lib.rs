//! Local Control Agent: the shell of `lca-core`. One per host.
//!
//! Owns the process: arguments, the rooms that act (`processes` and `runs`, `addresses`, `store`), the connections
//! (`connections`, `rpc`), what is counted (`metrics`) and how the core's outputs reach them (`effects`). Decides nothing. From here a control
//! script moves the VIP, which `addresses` sees and the core reports to `scs`.

mod addresses;
mod cables;
mod connections;
mod effects;
mod elsewhere;
mod health;
mod metrics;
mod own_tool;
mod peers;
mod processes;
mod recovery;
mod rpc;
mod runs;
mod serving;
mod site;
mod store;
mod units;

use changeover_component::{ComponentArguments, ExitCode};

/// Command line of `lca`.
#[derive(Clone, Debug, clap::Parser)]
#[command(
    name = "lca",
    version,
    about = "Local Control Agent: starts, stops and watches the applications of a host",
    after_help = "Examples:\n  \
        lca --config /etc/changeover/site.yaml --state-dir /var/lib/changeover/lca\n  \
        lca --config site.yaml --host host1 --state-dir DIR --tls /etc/changeover/tls\n\n\
        SIGTERM ends the agent and leaves its applications running; it adopts them again when it is back."
)]
pub struct Arguments {
    /// Name of this host's Host object [default: the host name]
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// What every component takes.
    #[command(flatten)]
    pub component: ComponentArguments,
}

/// Runs it to its end.
pub fn main(arguments: Arguments) -> ExitCode {
    let log = arguments.component.log.clone();
    changeover_component::run(&log, serving::run(arguments))
}

/// Every family of metrics that it can be scraped for.
pub fn metric_families() -> Vec<changeover_metrics::FamilyDescription> {
    metrics::Metrics::new(None).families()
}
