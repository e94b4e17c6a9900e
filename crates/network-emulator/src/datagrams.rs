//! Owns the real UDP sockets that stand for site addresses, and carries each datagram to the host that the
//! sender's ARP table names. A datagram from outside arrives at the real socket; one from a host comes
//! through its conversation. Replies leave from the same real socket, so a client sees the Virtual IP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use changeover_emulated_nic::Datagram;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::emulator::{Shared, lock};
use crate::{BlockError, EmulatorError, Route, Station};

/// Datagrams that wait for a host's process; a full queue loses the newest, as a full socket buffer does.
const QUEUE: usize = 4096;
const LONGEST: usize = 65_536;

/// All open ports.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    open: Mutex<BTreeMap<SocketAddr, Port>>,
}

#[derive(Debug)]
struct Port {
    socket: Arc<UdpSocket>,
    /// Open although no host listens.
    kept: bool,
    listeners: BTreeMap<usize, mpsc::Sender<Datagram>>,
    reading: AbortHandle,
}

/// Why a host gets no socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PortError {
    #[error("this host has {0} open already; close that socket first")]
    InUse(SocketAddr),
    #[error(transparent)]
    Block(#[from] BlockError),
    #[error("cannot open UDP {real}, which stands for {at}: {source}")]
    Bind {
        at: SocketAddr,
        real: SocketAddr,
        source: std::io::Error,
    },
}

/// A host's open socket; closing is dropping it.
#[derive(Debug)]
pub(crate) struct HostPort {
    shared: Arc<Shared>,
    host: usize,
    pub(crate) at: SocketAddr,
    socket: Arc<UdpSocket>,
}

impl Drop for HostPort {
    fn drop(&mut self) {
        let mut open = lock(&self.shared.ports.open);
        if let Some(port) = open.get_mut(&self.at) {
            port.listeners.remove(&self.host);
            if port.listeners.is_empty() && !port.kept {
                port.reading.abort();
                open.remove(&self.at);
            }
        }
    }
}

impl Ports {
    /// Opens a port that stays open.
    pub(crate) async fn keep_open(
        shared: &Arc<Shared>,
        at: SocketAddr,
    ) -> Result<(), EmulatorError> {
        let real = SocketAddr::new(shared.real(at.ip())?, at.port());
        let socket = UdpSocket::bind(real)
            .await
            .map_err(|source| EmulatorError::Port { at, real, source })?;
        let port = port(shared, at, Arc::new(socket), true);
        lock(&shared.ports.open).insert(at, port);
        Ok(())
    }

    /// Opens a port for a host.
    pub(crate) async fn open(
        shared: &Arc<Shared>,
        host: usize,
        at: SocketAddr,
    ) -> Result<(HostPort, mpsc::Receiver<Datagram>), PortError> {
        let (sender, inbox) = mpsc::channel(QUEUE);
        let host_port = |socket, at| HostPort {
            shared: Arc::clone(shared),
            host,
            at,
            socket,
        };
        let join = |open: &mut BTreeMap<SocketAddr, Port>, at| match open.get_mut(&at) {
            Some(port) if port.listeners.contains_key(&host) => Err(PortError::InUse(at)),
            Some(port) => {
                port.listeners.insert(host, sender.clone());
                Ok(Some(Arc::clone(&port.socket)))
            }
            None => Ok(None),
        };
        if let Some(socket) = join(&mut lock(&shared.ports.open), at)? {
            return Ok((host_port(socket, at), inbox));
        }
        let real = SocketAddr::new(shared.real(at.ip())?, at.port());
        let bind = |source| PortError::Bind { at, real, source };
        let bound = UdpSocket::bind(real).await;
        // Another host may have opened it meanwhile.
        let mut open = lock(&shared.ports.open);
        if let Some(socket) = join(&mut open, at)? {
            return Ok((host_port(socket, at), inbox));
        }
        let socket = Arc::new(bound.map_err(bind)?);
        let at = SocketAddr::new(at.ip(), socket.local_addr().map_err(bind)?.port());
        let mut new = port(shared, at, Arc::clone(&socket), false);
        new.listeners.insert(host, sender);
        open.insert(at, new);
        Ok((host_port(socket, at), inbox))
    }

    /// Ends all reading; what shares this with its own readers would never be dropped otherwise.
    pub(crate) fn close(&self) {
        for port in std::mem::take(&mut *lock(&self.open)).into_values() {
            port.reading.abort();
        }
    }
}

fn port(shared: &Arc<Shared>, at: SocketAddr, socket: Arc<UdpSocket>, kept: bool) -> Port {
    let reading = tokio::spawn(read(Arc::clone(shared), at, Arc::clone(&socket)));
    Port {
        socket,
        kept,
        listeners: BTreeMap::new(),
        reading: reading.abort_handle(),
    }
}

/// Reads what clients outside send to one site address.
async fn read(shared: Arc<Shared>, at: SocketAddr, socket: Arc<UdpSocket>) {
    let mut buffer = vec![0; LONGEST];
    loop {
        let (length, real) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                // An earlier datagram of ours met a closed port: nothing that concerns this socket.
                tracing::debug!(%error, %at, "a datagram could not be read");
                continue;
            }
        };
        let payload = buffer.get(..length).unwrap_or_default();
        let site = shared.site(real.ip());
        let from = SocketAddr::new(site.unwrap_or(real.ip()), real.port());
        let station = match site {
            Some(site) => shared.change(|subnet, _| subnet.station_at(site)),
            None => Station::Neighbour(0),
        };
        deliver(&shared, station, from, at, payload);
    }
}

/// Carries a datagram to the host that has the address for this station, if one does and listens there.
fn deliver(shared: &Shared, station: Station, from: SocketAddr, at: SocketAddr, payload: &[u8]) {
    // What a network device holds it carries on to the server that it has chosen.
    let (station, at) = match shared.devices.behind(at) {
        None => (station, at),
        Some((device, Some(member))) => {
            let station = shared.change(|subnet, _| subnet.station_at(device));
            (station, member)
        }
        Some((_, None)) => return count(shared, "no-server-chosen"),
    };
    let route = shared.change(|subnet, now| subnet.route_flow(now, station, from, at, false));
    let host = match (route, station) {
        (Route::Via(path), _) => path.target(),
        (Route::Local, Station::Host(host)) => host,
        (Route::Silent(why), _) => return count(shared, why.name()),
        (Route::Local | Route::NoRoute, _) => return count(shared, "no-route"),
    };
    let listener = lock(&shared.ports.open)
        .get(&at)
        .and_then(|port| port.listeners.get(&host).cloned());
    let Some(listener) = listener else {
        return count(shared, "nobody-listens");
    };
    let datagram = Datagram {
        from,
        to: at,
        payload: payload.to_vec(),
    };
    match listener.try_send(datagram) {
        Ok(()) => count(shared, "datagrams-delivered"),
        Err(_) => count(shared, "queue-full"),
    }
}

fn count(shared: &Shared, what: &'static str) {
    shared.change(|subnet, _| subnet.count(what));
}

impl HostPort {
    /// Sends a datagram of the host's process from this socket's address.
    pub(crate) async fn send(&self, to: SocketAddr, payload: &[u8]) {
        let shared = &self.shared;
        // A client may be known by its real address in the block as well.
        let to = SocketAddr::new(shared.site(to.ip()).unwrap_or(to.ip()), to.port());
        let (allowed, local, outside) = shared.change(|subnet, now| {
            let me = Station::Host(self.host);
            let local = subnet.route(now, me, to.ip()) == Route::Local;
            let outside = to.ip().is_loopback() || subnet.is_neighbour(to.ip());
            (subnet.may_send(self.host, self.at.ip()), local, outside)
        });
        if let (false, Err(why)) = (local, allowed) {
            return count(shared, why.name());
        }
        if !outside {
            return deliver(shared, Station::Host(self.host), self.at, to, payload);
        }
        // Never beyond this machine: what is neither of the site nor loopback has no route.
        let real = if to.ip().is_loopback() {
            Some(to)
        } else {
            let real = shared.real(to.ip()).ok();
            real.map(|real| SocketAddr::new(real, to.port()))
        };
        let front = shared.devices.front_of(self.at, to.ip()).and_then(|front| {
            let open = lock(&shared.ports.open);
            open.get(&front).map(|port| Arc::clone(&port.socket))
        });
        let socket = front.as_ref().unwrap_or(&self.socket);
        let sent = match real {
            Some(real) => socket.send_to(payload, real).await,
            None => return count(shared, "no-route"),
        };
        match sent {
            Ok(_) => count(shared, "datagrams-sent"),
            Err(error) => {
                tracing::debug!(%error, %to, "a datagram could not be sent");
                count(shared, "unsendable");
            }
        }
    }
}
