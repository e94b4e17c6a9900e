//! What happens when a cable is back: this host and those it talks to find each other at once.
//!
//! A kernel that asks in vain who has an address asks again once a second only. Without help, the SCS's pending
//! connection, and with it the judgement of who is primary, can wait that long while two hosts hold the VIP. The
//! VIPs themselves are not announced here: who may do that is the core's decision.

use changeover_virtual_ip::{Addresses, Snapshot};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Most hosts that are remembered.
const MOST: usize = 64;
/// How long an answer is waited for; it is the kernel that makes use of it.
const WAIT: Duration = Duration::from_millis(100);

/// The addresses this agent talks to: the SCS, the Message Server, the hosts of its pairs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acquaintances(Arc<Mutex<BTreeSet<IpAddr>>>);

impl Acquaintances {
    /// Remembers one; beyond the bound none is added.
    pub(crate) fn meet(&self, address: IpAddr) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST && !address.is_loopback() {
            known.insert(address);
        }
    }

    fn all(&self) -> Vec<IpAddr> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .copied()
            .collect()
    }
}

/// Greets the neighbours on every NIC whose carrier is back: says where this host is, and asks where they are.
pub(crate) async fn greet(
    addresses: &Arc<dyn Addresses>,
    acquaintances: &Acquaintances,
    (before, now): (&Snapshot, &Snapshot),
    is_vip: impl Fn(IpAddr) -> bool,
) {
    let back = now.nics.iter().filter(|nic| {
        now.carrier(&nic.name) == Some(true) && before.carrier(&nic.name) == Some(false)
    });
    for nic in back {
        let own = now
            .addresses
            .iter()
            .filter(|held| held.interface == nic.name && !is_vip(held.address));
        for held in own {
            if let Err(error) = addresses.announce(held.address, &nic.name).await {
                tracing::debug!(address = %held.address, %error, "not announced after the cable came back");
            }
        }
        for address in acquaintances.all() {
            let (addresses, interface) = (Arc::clone(addresses), nic.name.clone());
            tokio::spawn(async move {
                if let Err(error) = addresses.probe(address, &interface, WAIT).await {
                    tracing::debug!(%address, %error, "not asked for after the cable came back");
                }
            });
        }
    }
}
