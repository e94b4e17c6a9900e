//! Owns the hands of a drill on a site in network namespaces: signals to processes, a wire that goes silent without losing
//! its carrier, components that are started again. Which hand is used when is not decided here.

use super::{Site, SiteNetwork};
use crate::janitor::{RUN_MARKER, in_namespace, signal_process};
use crate::site::commands::{ip, namespace_file};
use crate::trouble::Trouble;
use changeover_model::HostName;
use rustix::process::Signal;

impl Site {
    /// The process of a component; `None` while it is down.
    pub(crate) fn component(&mut self, name: &str) -> Option<u32> {
        self.components.pid(name)
    }

    /// Names of all components.
    pub(crate) fn component_names(&self) -> Vec<String> {
        self.components.names().collect()
    }

    /// Starts a component again that has ended.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) async fn start_again(&mut self, name: &str) -> Result<(), Trouble> {
        self.components
            .start_again(
                name,
                &self.program,
                &self.run,
                &self.environment,
                &self.network,
            )
            .await
    }

    /// Stops a process of this site or lets it go on; false when there is none.
    pub(crate) fn pause(&self, pid: u32, paused: bool) -> bool {
        let signal = if paused { Signal::STOP } else { Signal::CONT };
        signal_process(pid, RUN_MARKER, &self.run.id, signal)
    }

    /// Every process of this site on a host.
    pub(crate) fn processes_on(&self, host: &HostName) -> Vec<u32> {
        match &self.network {
            SiteNetwork::Loopback(_) => Vec::new(),
            SiteNetwork::Namespaces(network) => {
                let file = namespace_file(&network.namespace(host.as_str()));
                in_namespace(&file, RUN_MARKER, &self.run.id)
            }
        }
    }

    /// The namespace of a host, that of the wire, and the wire's ends of the host's cables. `None` on loopback.
    pub(crate) fn wiring(&self, host: &HostName) -> Option<(String, String, Vec<String>)> {
        match &self.network {
            SiteNetwork::Loopback(_) => None,
            SiteNetwork::Namespaces(network) => {
                let (wire, ports) = network.ports(host.as_str());
                Some((network.namespace(host.as_str()), wire, ports))
            }
        }
    }

    /// Says to the observer whether neighbours can reach a host.
    pub(crate) async fn reachable(&self, host: &HostName, reachable: bool) {
        match &self.network {
            SiteNetwork::Loopback(_) => {}
            SiteNetwork::Namespaces(network) => network.reachable(host.as_str(), reachable).await,
        }
    }

    /// Runs `ip` in the namespace of the wire, or of a host.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) async fn ip(words: &[&str]) -> Result<String, Trouble> {
        ip(words).await
    }
}
