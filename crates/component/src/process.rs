//! The frame of a component's process: runtime, logging, exit code.

use crate::{ExitCode, LogArguments, start_logging};
use std::future::Future;

/// Runs a component to its end on one thread; blocking work goes to the runtime's blocking threads. One
/// thread keeps the hops of a failover on one core's cache and makes components cheap to run side by side.
pub fn run<F>(log: &LogArguments, component: F) -> ExitCode
where
    F: Future<Output = anyhow::Result<ExitCode>>,
{
    start_logging(log.log_format);
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start the runtime");
            return ExitCode::Bad;
        }
    };
    let code = match runtime.block_on(component) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::Bad
        }
    };
    // Blocking threads may still wait for a disk or a child: they do not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    code
}
