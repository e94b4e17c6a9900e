//! Owns the observer of a site in network namespaces: one thread with a netlink watch in each host's namespace.
//!
//! One thread for all hosts, because notices carry no time: what several hosts did since the thread last looked
//! has the same moment and is one sighting. Two threads could tell the end of one hold and the beginning of the
//! next in the wrong order.

use super::{Observer, Sighting};
use crate::moment::Moment;
use crate::observer::holding::Holder;
use crate::site::enter_namespace;
use crate::trouble::Trouble;
use changeover_virtual_ip::{AddressError, AddressEvent, Addresses as _, Kernel, Snapshot};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{mpsc, oneshot};

/// A host to watch.
#[derive(Clone, Debug)]
pub(crate) struct WatchedHost {
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// False while the rehearsal has its cable pulled.
    pub(crate) plugged: Arc<AtomicBool>,
}

/// Feeds the account until the returned sender is dropped.
///
/// # Errors
/// When a namespace cannot be entered or watched.
pub(crate) async fn follow_namespaces(
    hosts: Vec<WatchedHost>,
    addresses: Vec<IpAddr>,
    observer: Observer,
    look_again: mpsc::Receiver<()>,
) -> Result<oneshot::Sender<()>, Trouble> {
    let (stop, stopped) = oneshot::channel::<()>();
    let (up, is_up) = oneshot::channel();
    let watcher = move || watch(hosts, &addresses, &observer, look_again, stopped, up);
    std::thread::Builder::new()
        .name("observer".into())
        .spawn(watcher)
        .map_err(|source| Trouble::Start {
            what: "the observer".to_owned(),
            source,
        })?;
    match is_up.await {
        Ok(Ok(())) => Ok(stop),
        Ok(Err(trouble)) => Err(trouble),
        Err(_) => Err(Trouble::Start {
            what: "the observer".to_owned(),
            source: std::io::Error::other("its thread ended"),
        }),
    }
}

/// Rounds of the runtime after which a notice that had arrived has come through its two queues.
const YIELDS: u32 = 5;

type Event = (usize, Snapshot);

fn watch(
    hosts: Vec<WatchedHost>,
    addresses: &[IpAddr],
    observer: &Observer,
    mut look_again: mpsc::Receiver<()>,
    mut stopped: oneshot::Receiver<()>,
    up: oneshot::Sender<Result<(), Trouble>>,
) {
    if let Err(error) = rustix::process::setpriority_process(None, -15) {
        tracing::debug!(%error, "the observer has no priority");
    }
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(source) => {
            drop(up.send(Err(Trouble::Start {
                what: "the observer".to_owned(),
                source,
            })));
            return;
        }
    };
    runtime.block_on(async {
        let (events, mut changes) = mpsc::channel(1024);
        let mut kernels = Vec::new();
        for (index, host) in hosts.iter().enumerate() {
            match begin(index, host, events.clone()).await {
                Ok(kernel) => kernels.push(kernel),
                Err(trouble) => {
                    drop(up.send(Err(trouble)));
                    return;
                }
            }
        }
        drop(up.send(Ok(())));
        let mut snapshots = vec![Snapshot::default(); hosts.len()];
        loop {
            let mut cause = String::new();
            tokio::select! {
                change = changes.recv() => match change {
                    Some(change) => take(&mut snapshots, &hosts, &mut cause, change),
                    None => return,
                },
                asked = look_again.recv() => match asked {
                    Some(()) => cause.push_str("cable"),
                    None => return,
                },
                _ = &mut stopped => return,
            }
            let at = Moment::now();
            // What waits as well happened before now too.
            for _ in 0..YIELDS {
                tokio::task::yield_now().await;
            }
            while let Ok(change) = changes.try_recv() {
                take(&mut snapshots, &hosts, &mut cause, change);
            }
            observer.record(Sighting {
                at,
                cause,
                holders: holders(&snapshots, &hosts, addresses),
            });
        }
    });
}

/// Enters the host's namespace and begins to watch there; the sockets stay in it when the thread goes on to the next.
async fn begin(
    index: usize,
    host: &WatchedHost,
    events: mpsc::Sender<Event>,
) -> Result<Kernel, Trouble> {
    enter_namespace(&host.namespace)?;
    let cannot = |source: AddressError| Trouble::Watch {
        host: host.name.clone(),
        source,
    };
    let kernel = Kernel::open().map_err(cannot)?;
    let mut changes = kernel.watch(Vec::new()).await.map_err(cannot)?;
    tokio::spawn(async move {
        while let Some(event) = changes.recv().await {
            if let AddressEvent::Changed(snapshot) = event
                && events.send((index, snapshot)).await.is_err()
            {
                return;
            }
        }
    });
    Ok(kernel)
}

fn take(
    snapshots: &mut [Snapshot],
    hosts: &[WatchedHost],
    cause: &mut String,
    (index, snapshot): Event,
) {
    if let (Some(place), Some(host)) = (snapshots.get_mut(index), hosts.get(index)) {
        *place = snapshot;
        if !cause.contains(&host.name) {
            if !cause.is_empty() {
                cause.push_str(", ");
            }
            cause.push_str(&host.name);
            cause.push_str(": kernel's notice");
        }
    }
}

fn holders(snapshots: &[Snapshot], hosts: &[WatchedHost], addresses: &[IpAddr]) -> Vec<Holder> {
    let mut holders = Vec::new();
    for (snapshot, host) in snapshots.iter().zip(hosts) {
        for address in addresses {
            if let Some(held) = snapshot.holder_of(*address) {
                let up = snapshot.nic(&held.interface).is_some_and(|nic| nic.up);
                holders.push(Holder {
                    address: *address,
                    host: host.name.clone(),
                    reachable: up && host.plugged.load(Ordering::Acquire),
                });
            }
        }
    }
    holders
}
