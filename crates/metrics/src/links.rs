//! Links between components, the same families on both sides of each.

use crate::{Catalogue, Counters, Gauges};

/// Families of links. Clones share them. `role` is what the peer is, `peer` its name; both come from the environment.
#[derive(Clone, Debug)]
pub struct LinkMetrics {
    up: Gauges,
    connects: Counters,
    losses: Counters,
    dial_failures: Counters,
}

impl LinkMetrics {
    /// Registers the families.
    pub fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            up: catalogue.gauge(
                "changeover_link_up",
                &["role", "peer"],
                "1 while the link to this peer stands; role is scs, lca (peer is its host) or message-server",
            ),
            connects: catalogue.counters(
                "changeover_link_connects_total",
                &["role", "peer"],
                "Times that a link came to stand",
            ),
            losses: catalogue.counters(
                "changeover_link_losses_total",
                &["role", "peer", "loss"],
                "Links that ended, by how: refused, timed-out, no-route, closed",
            ),
            dial_failures: catalogue.counters(
                "changeover_link_dial_failures_total",
                &["role", "peer", "loss"],
                "Attempts to dial that failed, by how",
            ),
        }
    }

    /// It stands.
    pub fn connected(&self, role: &str, peer: &str) {
        self.connects.increment(&[role, peer]);
        self.show(role, peer, true);
    }

    /// It has ended.
    pub fn lost(&self, role: &str, peer: &str, loss: &str) {
        self.losses.increment(&[role, peer, loss]);
        self.show(role, peer, false);
    }

    /// It could not be made to stand.
    pub fn not_connected(&self, role: &str, peer: &str, loss: &str) {
        self.dial_failures.increment(&[role, peer, loss]);
        self.show(role, peer, false);
    }

    /// Whether it stands, without an event.
    pub fn show(&self, role: &str, peer: &str, up: bool) {
        self.up.set_if(&[role, peer], up);
    }

    /// Forgets which links there are; those that are still wanted are shown again.
    pub fn clear(&self) {
        self.up.clear();
    }
}
