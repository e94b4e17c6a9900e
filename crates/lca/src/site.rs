//! What an LCA takes from the environment file: which host it is, and a first slice for the time before the SCS
//! has spoken. The SCS's slice goes before it and is kept on disk.

use changeover_model::environment::LcaSlice;
use changeover_model::{HostName, Revision};
use std::path::Path;

/// Reads the file and cuts the slice of this host.
///
/// # Errors
/// A text for the operator.
pub(crate) fn slice(config: &Path, host: Option<&str>) -> Result<LcaSlice, String> {
    let text = std::fs::read_to_string(config).map_err(|error| {
        format!(
            "cannot read the environment file {}: {error}",
            config.display()
        )
    })?;
    let loaded = changeover_configuration::load(&config.display().to_string(), &text)
        .map_err(|problems| problems.render(false))?;
    let environment = &loaded.environment;
    let name = match host {
        Some(name) => HostName::from(name),
        None => HostName::from(host_name()),
    };
    LcaSlice::of(environment, Revision(0), &name).ok_or_else(|| {
        let known: Vec<&str> = environment.hosts.keys().map(HostName::as_str).collect();
        format!(
            "{}: no host is called {name}; say which one this is with --host, one of {}",
            config.display(),
            known.join(", ")
        )
    })
}

/// This machine's name: the emulated host's where there is one.
fn host_name() -> String {
    std::env::var(changeover_emulated_nic::NETWORK_HOST_VARIABLE)
        .unwrap_or_else(|_| {
            std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default()
        })
        .trim()
        .to_owned()
}
