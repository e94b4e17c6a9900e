//! Message Server: the shell of `message-server-core`.
//!
//! Owns the process: arguments, start and stop, the log database (`store`), the connections (`connections.rs`,
//! `rpc.rs`) and how the core's outputs are carried out (`effects.rs`), and
//! what is counted (`metrics.rs`). Decides nothing: what an event matches
//! and when it is acknowledged stands in the core. Detections go on to `scs`.

mod connections;
mod effects;
mod metrics;
mod query;
mod rpc;
mod serving;
mod site;
mod store;

pub use serving::run;
pub use store::StoreError;

use changeover_component::ComponentArguments;

/// Stores the log events of a site, matches them to Alarm Conditions and tells the SCS
///
/// Examples:
///   message-server --config east.yaml --state-dir /var/lib/changeover/message-server
///   message-server --config east.yaml --state-dir DIR --tls /etc/changeover/tls --log-format json
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "message-server", version, verbatim_doc_comment)]
pub struct Arguments {
    /// What every component takes.
    #[command(flatten)]
    pub component: ComponentArguments,
}

/// Every family of metrics that it can be scraped for.
pub fn metric_families() -> Vec<changeover_metrics::FamilyDescription> {
    metrics::Metrics::new(None).families()
}
