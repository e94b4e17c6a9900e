//! The Windows NLB cluster of a pair, as it is configured on both hosts (FACTS 5). Owns what the site says of it; which host
//! then gets which traffic is decided where the cluster runs.

use crate::{HostName, NlbAffinity, NlbFiltering, NlbMode, NlbProtocol, NlbState};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// A cluster. Its IP is the pair's first Virtual IP, its adapter that VIP's interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NlbCluster {
    /// The name under which `wlbs.exe` is given it, such as `sipcluster`.
    pub name: String,
    /// Operation mode.
    pub mode: NlbMode,
    /// Host ids, 1 to 32; the lowest one is the default host. Both hosts of the pair are present.
    pub host_ids: IndexMap<HostName, u8>,
    /// Port rules in file order; they do not overlap.
    pub port_rules: Vec<NlbPortRule>,
    /// Whether the hosts take part from the beginning, or once they are told to.
    pub default_state: NlbState,
}

/// What becomes of the traffic to a range of ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NlbPortRule {
    /// First port.
    pub first: u16,
    /// Last port, not below the first.
    pub last: u16,
    /// Which protocols.
    pub protocol: NlbProtocol,
    /// Who may answer.
    pub filtering: NlbFiltering,
    /// Which of several hosts a client is given to.
    pub affinity: NlbAffinity,
    /// Load per host, 0 to 100; empty = equal.
    pub load_weight: IndexMap<HostName, u8>,
}

impl NlbPortRule {
    /// True if the rule is about this port.
    pub fn covers(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}
