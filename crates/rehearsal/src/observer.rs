//! Owns the account of who holds the Virtual IP that no component gives: on loopback the emulated subnet's own
//! observations (`emulated.rs`), in network namespaces the kernel's notices, read from outside (`namespaces.rs`).
//! What follows from it in milliseconds is computed in `holding.rs`.

mod emulated;
mod holding;
mod namespaces;

pub(crate) use emulated::follow_emulator;
#[cfg(test)]
pub(crate) use holding::Holder;
pub use holding::HolderTimes;
pub(crate) use holding::{Holding, Sighting};
pub(crate) use namespaces::{WatchedHost, follow_namespaces};

use crate::moment::Moment;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The account, as it grows. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Observer {
    holding: Arc<Mutex<Holding>>,
    changes: Arc<watch::Sender<u64>>,
}

impl Observer {
    /// An empty account of these addresses.
    pub(crate) fn of(addresses: Vec<IpAddr>) -> Self {
        let holding = Holding {
            addresses,
            sightings: Vec::new(),
        };
        Self {
            holding: Arc::new(Mutex::new(holding)),
            changes: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Adds a sighting, unless it says what the last one said.
    fn record(&self, sighting: Sighting) {
        {
            let mut holding = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
            if holding
                .sightings
                .last()
                .is_some_and(|last| last.holders == sighting.holders)
            {
                return;
            }
            holding.sightings.push(sighting);
        }
        self.changes.send_modify(|count| *count += 1);
    }

    /// A copy of the account so far.
    pub(crate) fn holding(&self) -> Holding {
        self.holding
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until something holds; false if it did not within the bound.
    pub(crate) async fn wait_until(
        &self,
        bound: Duration,
        holds: impl Fn(&Holding) -> bool,
    ) -> bool {
        let mut changes = self.changes.subscribe();
        let end = Moment::now().plus(bound);
        loop {
            changes.borrow_and_update();
            let so = holds(&self.holding.lock().unwrap_or_else(PoisonError::into_inner));
            if so {
                return true;
            }
            let left = end.since(Moment::now());
            match tokio::time::timeout(left, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return holds(&self.holding()),
            }
        }
    }
}
