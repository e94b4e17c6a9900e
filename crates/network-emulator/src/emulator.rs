//! Owns the running emulator: the subnet behind one lock, the news of its changes, the accept loop. Every
//! request goes through [`Shared::change`], so that whoever waits for a change (relays, watches, dials)
//! wakes after it. Conversations are in `conversation.rs`.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::JoinSet;

use crate::datagrams::Ports;
use crate::device::{self, Devices};
use crate::{
    AddressMap, Block, BlockError, EmulatorError, Moment, Ready, Sighting, SiteDescription, Subnet,
    conversation,
};

/// Connections of clients that are served at once; later ones wait to be accepted.
const CLIENTS: usize = 2048;
/// Sightings that a slow watch may fall behind.
const SIGHTINGS: usize = 256;
/// A pause after a failed accept (descriptors used up), so that it does not spin.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// What every task of the emulator shares.
#[derive(Debug)]
pub(crate) struct Shared {
    subnet: Mutex<Subnet>,
    map: Mutex<AddressMap>,
    /// Counts changes; waiting for the next one is waiting for this to move.
    pub(crate) changes: watch::Sender<u64>,
    pub(crate) sightings: broadcast::Sender<Sighting>,
    pub(crate) ports: Ports,
    pub(crate) relay: IpAddr,
    pub(crate) devices: Devices,
    relays: Mutex<JoinSet<()>>,
}

impl Shared {
    /// Asks or changes the subnet at this moment, and wakes whom it concerns.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&mut Subnet, Moment) -> T) -> T {
        let (result, changed, sightings) = {
            let mut subnet = lock(&self.subnet);
            let result = work(&mut subnet, now());
            let (changed, sightings) = subnet.take_news();
            (result, changed, sightings)
        };
        for sighting in sightings {
            // Nobody watches: nobody needs to know.
            drop(self.sightings.send(sighting));
        }
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
        result
    }

    /// The real address of a site address.
    pub(crate) fn real(&self, address: IpAddr) -> Result<IpAddr, BlockError> {
        lock(&self.map).real(address)
    }

    /// Where one host listens for a site address: its own addresses have one place, those that move between
    /// hosts have one on each.
    pub(crate) fn place(&self, host: usize, address: IpAddr) -> Result<IpAddr, BlockError> {
        let (movable, name) = self.change(|subnet, _| {
            (
                subnet.is_movable(address),
                subnet.host_name(host).to_owned(),
            )
        });
        if movable {
            lock(&self.map).real_on(&name, address)
        } else {
            lock(&self.map).real(address)
        }
    }

    /// Starts a relay, which ends with the emulator.
    pub(crate) fn start_relay(&self, relay: impl Future<Output = ()> + Send + 'static) {
        let mut relays = lock(&self.relays);
        while relays.try_join_next().is_some() {}
        relays.spawn(relay);
    }

    /// The site address behind a real one, if it is of this network.
    pub(crate) fn site(&self, real: IpAddr) -> Option<IpAddr> {
        lock(&self.map).site(real)
    }

    /// The mapping, for reports.
    pub(crate) fn addresses(&self) -> std::collections::BTreeMap<IpAddr, IpAddr> {
        lock(&self.map).pairs().collect()
    }
}

/// A poisoned lock means that a task panicked between two whole changes; the state itself is sound.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> Moment {
    let monotonic = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(monotonic.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(monotonic.tv_nsec).unwrap_or(0);
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Moment {
        monotonic_ns: seconds * 1_000_000_000 + nanoseconds,
        wall_us: u64::try_from(wall.as_micros()).unwrap_or(u64::MAX),
    }
}

/// An emulated network that is being served; dropping it ends everything and removes the socket.
#[derive(Debug)]
pub struct Emulator {
    shared: Arc<Shared>,
    socket: PathBuf,
    block: Block,
    _tasks: JoinSet<()>,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.shared.ports.close();
        lock(&self.shared.relays).abort_all();
        if let Err(error) = std::fs::remove_file(&self.socket) {
            tracing::debug!(%error, socket = %self.socket.display(), "the socket is gone already");
        }
    }
}

impl Emulator {
    /// Serves a site on a Unix socket, in this process's tokio runtime.
    ///
    /// # Errors
    /// When the description is unusable, the socket is another emulator's, or an address of the block taken.
    pub async fn start(
        site: &SiteDescription,
        socket: &Path,
        block: Block,
    ) -> Result<Self, EmulatorError> {
        let subnet = Subnet::new(now(), site)?;
        let mut map = AddressMap::new(block);
        let own = site
            .hosts
            .iter()
            .flat_map(|host| &host.interfaces)
            .flat_map(|interface| &interface.addresses)
            .map(ipnet::IpNet::addr);
        let neighbours = site.neighbours.iter().filter_map(|one| one.address);
        let vips = site.virtual_ips.iter().map(|vip| vip.address);
        let devices = site.devices.iter().map(|device| device.address);
        for address in own.chain(neighbours).chain(vips).chain(devices) {
            map.real(address)?;
        }
        let shared = Arc::new(Shared {
            subnet: Mutex::new(subnet),
            map: Mutex::new(map),
            changes: watch::Sender::new(0),
            sightings: broadcast::Sender::new(SIGHTINGS),
            ports: Ports::default(),
            relay: block.relay(),
            devices: Devices::of(site),
            relays: Mutex::default(),
        });
        for vip in &site.virtual_ips {
            for port in &vip.udp_ports {
                let at = SocketAddr::new(vip.address, *port);
                Ports::keep_open(&shared, at).await?;
            }
        }
        let listener = listen(socket).await?;
        let mut tasks = JoinSet::new();
        for pool in shared.devices.pools() {
            Ports::keep_open(&shared, pool.front).await?;
            let socket = device::open(&shared, pool).await?;
            tasks.spawn(device::watch(Arc::clone(&shared), pool.clone(), socket));
        }
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            shared,
            socket: socket.to_owned(),
            block,
            _tasks: tasks,
        })
    }

    /// What the ready line says.
    #[must_use]
    pub fn ready(&self) -> Ready {
        Ready {
            ready: true,
            socket: self.socket.clone(),
            block: self.block.to_string(),
            addresses: self.shared.addresses(),
        }
    }
}

/// Opens the socket; a file that nobody serves any more is removed, anything else is left alone.
async fn listen(socket: &Path) -> Result<UnixListener, EmulatorError> {
    let serve = |source| EmulatorError::Serve {
        path: socket.to_owned(),
        source,
    };
    if let Ok(found) = std::fs::symlink_metadata(socket) {
        if UnixStream::connect(socket).await.is_ok() {
            return Err(EmulatorError::SocketInUse(socket.to_owned()));
        }
        if found.file_type().is_socket() {
            std::fs::remove_file(socket).map_err(serve)?;
        }
    }
    UnixListener::bind(socket).map_err(serve)
}

/// Accepts clients; all their tasks end with this one.
async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    let mut clients = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = loop {
            tokio::select! {
                accepted = listener.accept() => break accepted,
                Some(_) = clients.join_next() => {}
            }
        };
        match accepted {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                clients.spawn(async move {
                    conversation::serve(stream, shared).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a client could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}
