//! The addresses of this host, as the core wants to see them: watched, read, removed, announced. How that is
//! done on a kernel or on the emulated network stands in `virtual-ip` and `emulated-nic`.

use crate::cables::{self, Acquaintances};
use changeover_component::Handle;
use changeover_lca_core::{LcaCore, LcaInput, WatchedAddress};
use changeover_metrics::Counters;
use changeover_model::Ticket;
use changeover_model::environment::VirtualIpOnHost;
use changeover_model::message::{AddressObservation, HeldOn};
use changeover_virtual_ip::{AddressEvent, Addresses, Guarded, Snapshot};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Most time one reading or removal may take.
const LIMIT: Duration = Duration::from_secs(2);
/// Pause before a lost watch is taken up again.
const AGAIN: Duration = Duration::from_millis(250);

/// The watcher and the hands.
pub(crate) struct AddressRoom {
    addresses: Arc<dyn Addresses>,
    acquaintances: Acquaintances,
    handle: Handle<LcaCore>,
    /// By VIP and outcome.
    announcements: Counters,
    watched: Arc<Vec<WatchedAddress>>,
    watcher: Option<JoinHandle<()>>,
}

impl AddressRoom {
    pub(crate) fn new(
        addresses: Arc<dyn Addresses>,
        acquaintances: Acquaintances,
        handle: Handle<LcaCore>,
        announcements: Counters,
    ) -> Self {
        Self {
            addresses,
            acquaintances,
            handle,
            announcements,
            watched: Arc::default(),
            watcher: None,
        }
    }

    /// Watches these from now on.
    pub(crate) fn watch(&mut self, watched: Vec<WatchedAddress>) {
        if let Some(earlier) = self.watcher.take() {
            earlier.abort();
        }
        self.watched = Arc::new(watched);
        self.watcher = Some(tokio::spawn(watch(
            self.addresses.clone(),
            self.acquaintances.clone(),
            self.handle.clone(),
            self.watched.clone(),
        )));
    }

    /// Reads now.
    pub(crate) fn read(&self, ticket: Ticket) {
        let (addresses, handle, watched) = (
            self.addresses.clone(),
            self.handle.clone(),
            self.watched.clone(),
        );
        tokio::spawn(async move {
            let result = match tokio::time::timeout(LIMIT, addresses.snapshot()).await {
                Ok(Ok(snapshot)) => Ok(observations(&snapshot, &watched)),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("reading the addresses took too long".to_owned()),
            };
            tell(&handle, LcaInput::AddressesRead { ticket, result }).await;
        });
    }

    /// Removes by address whatever prefix or label it has.
    pub(crate) fn remove(&self, ticket: Ticket, unwanted: Vec<VirtualIpOnHost>) {
        let (addresses, handle) = (self.addresses.clone(), self.handle.clone());
        tokio::spawn(async move {
            let mut result = Ok(());
            for address in unwanted.iter().map(|unwanted| unwanted.address) {
                match tokio::time::timeout(LIMIT, addresses.remove(address)).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => result = Err(format!("{address}: {error}")),
                    Err(_) => result = Err(format!("{address}: removing it took too long")),
                }
            }
            tell(&handle, LcaInput::AddressesRemoved { ticket, result }).await;
        });
    }

    /// Announces from sockets that are held open.
    pub(crate) fn announce(&self, claimed: Vec<VirtualIpOnHost>) {
        let (addresses, counters) = (self.addresses.clone(), self.announcements.clone());
        tokio::spawn(async move {
            for vip in claimed {
                let announced = addresses.announce(vip.address, &vip.interface).await;
                let outcome = if announced.is_ok() { "sent" } else { "failed" };
                counters.increment(&[&vip.address.to_string(), outcome]);
                if let Err(error) = announced {
                    tracing::warn!(address = %vip.address, interface = vip.interface, %error, "not announced");
                }
            }
        });
    }
}

async fn watch(
    addresses: Arc<dyn Addresses>,
    acquaintances: Acquaintances,
    handle: Handle<LcaCore>,
    watched: Arc<Vec<WatchedAddress>>,
) {
    let guarded: Vec<Guarded> = watched
        .iter()
        .map(|vip| Guarded {
            address: vip.address.address,
            interface: vip.address.interface.clone(),
        })
        .collect();
    let mut before: Option<Snapshot> = None;
    loop {
        match addresses.watch(guarded.clone()).await {
            Ok(mut events) => {
                while let Some(event) = events.recv().await {
                    if let AddressEvent::Changed(now) = &event {
                        if let Some(before) = &before {
                            let is_vip =
                                |address| watched.iter().any(|vip| vip.address.address == address);
                            cables::greet(&addresses, &acquaintances, (before, now), is_vip).await;
                        }
                        before = Some(now.clone());
                    }
                    tell(&handle, input(event, &watched)).await;
                }
                tracing::warn!("the watch of this host's addresses was lost; taking it up again");
            }
            Err(error) => {
                tracing::error!(%error, "this host's addresses cannot be watched; trying again")
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn input(event: AddressEvent, watched: &[WatchedAddress]) -> LcaInput {
    match event {
        AddressEvent::Changed(snapshot) => {
            LcaInput::AddressesObserved(observations(&snapshot, watched))
        }
        AddressEvent::RivalSighted {
            address,
            interface,
            mac,
        } => LcaInput::RivalSighted {
            address,
            interface,
            mac: mac.map(|byte| format!("{byte:02x}")).join(":"),
        },
    }
}

/// One observation per watched VIP, by address whatever prefix or label it has.
fn observations(snapshot: &Snapshot, watched: &[WatchedAddress]) -> Vec<AddressObservation> {
    watched
        .iter()
        .map(|vip| AddressObservation {
            pair: vip.pair.clone(),
            address: vip.address.address,
            held: snapshot.holder_of(vip.address.address).map(|held| HeldOn {
                interface: held.interface.clone(),
                label: held.label.clone(),
                prefix: held.prefix,
            }),
            carrier: snapshot.carrier(&vip.address.interface),
        })
        .collect()
}

async fn tell(handle: &Handle<LcaCore>, input: LcaInput) {
    if handle.input(input).await.is_err() {
        tracing::debug!("the agent is stopping; an observation is not reported");
    }
}
