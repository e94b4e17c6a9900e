//! The addresses of this host, as the core wants to see them: watched, read, removed, announced. How that is
//! done on a kernel or on the emulated network stands in `virtual-ip` and `emulated-nic`.

use crate::cables::{self, Acquaintances};
use crate::health;
use changeover_component::Handle;
use changeover_lca_core::{LcaCore, LcaInput, WatchedAddress};
use changeover_metrics::Counters;
use changeover_model::Ticket;
use changeover_model::environment::VirtualIpOnHost;
use changeover_model::message::{AddressObservation, HeldOn};
use changeover_virtual_ip::{AddressEvent, Addresses, Guarded, Snapshot};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio::task::JoinHandle;

/// Most time one reading or removal may take.
const LIMIT: Duration = Duration::from_secs(2);
/// Pause before a lost watch is taken up again.
const AGAIN: Duration = Duration::from_millis(250);

/// The watcher and the hands.
pub(crate) struct AddressRoom {
    addresses: Arc<dyn Addresses>,
    acquaintances: Acquaintances,
    /// Interfaces whose carrier health checks look at.
    links: Receiver<Vec<String>>,
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
        links: Receiver<Vec<String>>,
        handle: Handle<LcaCore>,
        announcements: Counters,
    ) -> Self {
        Self {
            addresses,
            acquaintances,
            links,
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
        let watcher = Watcher {
            addresses: self.addresses.clone(),
            acquaintances: self.acquaintances.clone(),
            handle: self.handle.clone(),
            watched: self.watched.clone(),
            links: self.links.clone(),
            before: None,
            told: None,
        };
        self.watcher = Some(tokio::spawn(watcher.watch()));
    }

    /// Links are wanted: the watcher must run even where there is no VIP.
    pub(crate) fn keep_watching(&mut self) {
        if self.watcher.is_none() {
            self.watch(Vec::new());
        }
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
            let mut failures = Vec::new();
            for address in unwanted.iter().map(|unwanted| unwanted.address) {
                match tokio::time::timeout(LIMIT, addresses.remove(address)).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => failures.push(format!("{address}: {error}")),
                    Err(_) => failures.push(format!("{address}: removing it took too long")),
                }
            }
            let result = if failures.is_empty() {
                Ok(())
            } else {
                Err(failures.join(", "))
            };
            tell(&handle, LcaInput::AddressesRemoved { ticket, result }).await;
        });
    }

    /// Sets how long these stand, from now on.
    pub(crate) fn renew(&self, standing: Vec<VirtualIpOnHost>, lifetime: Option<Duration>) {
        let addresses = self.addresses.clone();
        tokio::spawn(async move {
            for vip in standing {
                match tokio::time::timeout(LIMIT, addresses.renew(vip.address, lifetime)).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => {
                        tracing::warn!(address = %vip.address, %error, "its lifetime is not renewed");
                    }
                    Err(_) => {
                        tracing::warn!(address = %vip.address, "renewing its lifetime took too long")
                    }
                }
            }
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

struct Watcher {
    addresses: Arc<dyn Addresses>,
    acquaintances: Acquaintances,
    handle: Handle<LcaCore>,
    watched: Arc<Vec<WatchedAddress>>,
    links: Receiver<Vec<String>>,
    before: Option<Snapshot>,
    /// What was told of the links last.
    told: Option<Vec<(String, Option<bool>)>>,
}

impl Watcher {
    async fn watch(mut self) {
        let guarded: Vec<Guarded> = self
            .watched
            .iter()
            .map(|vip| Guarded {
                address: vip.address.address,
                interface: vip.address.interface.clone(),
            })
            .collect();
        loop {
            match self.addresses.watch(guarded.clone()).await {
                Ok(mut events) => {
                    loop {
                        tokio::select! {
                            event = events.recv() => match event {
                                Some(event) => self.take(event).await,
                                None => break,
                            },
                            Ok(()) = self.links.changed() => self.tell_links().await,
                        }
                    }
                    tracing::warn!(
                        "the watch of this host's addresses was lost; taking it up again"
                    );
                }
                Err(error) => {
                    tracing::error!(%error, "this host's addresses cannot be watched; trying again")
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn take(&mut self, event: AddressEvent) {
        if let AddressEvent::Changed(now) = &event {
            if let Some(before) = self.before.replace(now.clone()) {
                let watched = &self.watched;
                let is_vip = |address| watched.iter().any(|vip| vip.address.address == address);
                cables::greet(&self.addresses, &self.acquaintances, (&before, now), is_vip).await;
            }
            self.tell_links().await;
        }
        tell(&self.handle, input(event, &self.watched)).await;
    }

    async fn tell_links(&mut self) {
        let wanted = self.links.borrow_and_update().clone();
        let Some(now) = &self.before else {
            return;
        };
        if let Some(carriers) = health::news(&wanted, now, &mut self.told) {
            tell(&self.handle, LcaInput::LinksObserved(carriers)).await;
        }
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
