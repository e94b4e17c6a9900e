//! Owns network devices: what holds a Virtual IP in front of a pair and sends its traffic to the server that answers as
//! primary. Each pool is asked by SIP OPTIONS from the device's own address, at its interval; a 2xx makes a server
//! eligible, anything else or silence does not. What servers send to clients leaves as the Virtual IP (SNAT). How
//! datagrams are carried is in `datagrams.rs`; nothing here knows of run modes.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use crate::emulator::{Shared, lock};
use crate::{EmulatorError, SiteDescription};

/// Longest answer that is read.
const LONGEST: usize = 65_536;
/// A device asks no faster than this, whatever is written.
const FASTEST: Duration = Duration::from_millis(10);

/// All devices of a site.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    pools: Vec<Pool>,
    /// The server to which the traffic of each Virtual IP goes at present.
    chosen: Mutex<BTreeMap<SocketAddr, SocketAddr>>,
}

/// A Virtual IP of a device.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    device: IpAddr,
    interval: Duration,
    pub(crate) front: SocketAddr,
    members: Vec<SocketAddr>,
}

impl Devices {
    /// The devices that a site describes.
    pub(crate) fn of(site: &SiteDescription) -> Self {
        let pools = site.devices.iter().flat_map(|device| {
            device.pools.iter().map(|pool| Pool {
                device: device.address,
                interval: Duration::from_millis(device.check_interval_ms).max(FASTEST),
                front: SocketAddr::new(pool.address, pool.port),
                members: pool
                    .members
                    .iter()
                    .map(|member| SocketAddr::new(*member, pool.port))
                    .collect(),
            })
        });
        Self {
            pools: pools.collect(),
            chosen: Mutex::default(),
        }
    }

    /// What there is to be asked.
    pub(crate) fn pools(&self) -> impl Iterator<Item = &Pool> {
        self.pools.iter()
    }

    /// The device that holds this address, and the server that it has chosen; `None` if no device holds it.
    pub(crate) fn behind(&self, front: SocketAddr) -> Option<(IpAddr, Option<SocketAddr>)> {
        let pool = self.pools.iter().find(|pool| pool.front == front)?;
        Some((pool.device, lock(&self.chosen).get(&front).copied()))
    }

    /// The address as which clients see what this server sends; its device sees the server itself.
    pub(crate) fn front_of(&self, member: SocketAddr, to: IpAddr) -> Option<SocketAddr> {
        let pool = self
            .pools
            .iter()
            .find(|pool| pool.members.contains(&member))?;
        (pool.device != to).then_some(pool.front)
    }

    /// Virtual IP to server, for reports.
    pub(crate) fn chosen(&self) -> BTreeMap<String, String> {
        let chosen = lock(&self.chosen);
        chosen
            .iter()
            .map(|(front, member)| (front.ip().to_string(), member.ip().to_string()))
            .collect()
    }

    fn choose(&self, front: SocketAddr, member: Option<SocketAddr>) {
        let mut chosen = lock(&self.chosen);
        let before = match member {
            Some(member) => chosen.insert(front, member),
            None => chosen.remove(&front),
        };
        if before != member {
            tracing::info!(%front, ?before, now = ?member, "the device sends the traffic elsewhere");
        }
    }
}

/// Opens the socket from which a device asks about one pool.
pub(crate) async fn open(shared: &Shared, pool: &Pool) -> Result<UdpSocket, EmulatorError> {
    let at = SocketAddr::new(pool.device, 0);
    let real = SocketAddr::new(shared.real(pool.device)?, 0);
    UdpSocket::bind(real)
        .await
        .map_err(|source| EmulatorError::Port { at, real, source })
}

/// Asks the servers of a pool until the emulator ends.
pub(crate) async fn watch(shared: Arc<Shared>, pool: Pool, socket: UdpSocket) {
    let mut round = 0_u64;
    loop {
        round += 1;
        let end = Instant::now() + pool.interval;
        for (number, member) in pool.members.iter().enumerate() {
            ask(&shared, &socket, &pool, *member, (round, number)).await;
        }
        let good = listen(&shared, &socket, &pool, round, end).await;
        let current = pool_choice(&shared, &pool);
        if current.is_none_or(|current| !good.contains(&current)) {
            shared.devices.choose(pool.front, good.first().copied());
        }
    }
}

fn pool_choice(shared: &Shared, pool: &Pool) -> Option<SocketAddr> {
    shared
        .devices
        .behind(pool.front)
        .and_then(|(_, member)| member)
}

async fn ask(
    shared: &Shared,
    socket: &UdpSocket,
    pool: &Pool,
    member: SocketAddr,
    (round, number): (u64, usize),
) {
    let port = socket.local_addr().map_or(0, |own| own.port());
    let own = SocketAddr::new(pool.device, port);
    let question = format!(
        "OPTIONS sip:{member} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKdevice-{port}-{round}-{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:device@{own}>;tag={port}\r\nTo: <sip:{member}>\r\n\
         Call-ID: {port}-{round}-{number}@device\r\nCSeq: {round} OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    let Ok(real) = shared.real(member.ip()) else {
        return;
    };
    let to = SocketAddr::new(real, member.port());
    // A server that is not there does not answer, which is what is being asked.
    if let Err(error) = socket.send_to(question.as_bytes(), to).await {
        tracing::debug!(%error, %member, "a server could not be asked");
    }
}

/// Reads answers until the round is over; who answered well. A server that says no loses the traffic at once, and one
/// that says yes gets it at once when nobody has it.
async fn listen(
    shared: &Shared,
    socket: &UdpSocket,
    pool: &Pool,
    round: u64,
    end: Instant,
) -> Vec<SocketAddr> {
    let mut buffer = vec![0; LONGEST];
    let mut good = Vec::new();
    while let Ok(received) = timeout_at(end, socket.recv_from(&mut buffer)).await {
        // An error is the answer to an earlier question: nobody listens there.
        let Ok((length, from)) = received else {
            continue;
        };
        let Some(well) = understand(buffer.get(..length).unwrap_or_default(), round) else {
            continue;
        };
        let site = shared.site(from.ip()).unwrap_or(from.ip());
        let member = SocketAddr::new(site, from.port());
        if !pool.members.contains(&member) {
            continue;
        }
        let current = pool_choice(shared, pool);
        if well {
            good.push(member);
            if current.is_none() {
                shared.devices.choose(pool.front, Some(member));
            }
        } else if current == Some(member) {
            shared.devices.choose(pool.front, good.first().copied());
        }
    }
    good
}

/// Whether an answer of this round is a 2xx; `None` for anything else.
fn understand(datagram: &[u8], round: u64) -> Option<bool> {
    let text = std::str::from_utf8(datagram).ok()?;
    let mut lines = text.split("\r\n");
    let status = lines.next()?.strip_prefix("SIP/2.0 ")?;
    let of_this_round = lines.any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("CSeq")
                && value.split_whitespace().next() == Some(round.to_string().as_str())
        })
    });
    of_this_round.then(|| status.starts_with('2'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_2xx_of_this_round_makes_a_server_eligible() {
        let answer = |status: &str| format!("SIP/2.0 {status}\r\ncseq: 7 OPTIONS\r\n\r\n");
        assert_eq!(understand(answer("200 OK").as_bytes(), 7), Some(true));
        assert_eq!(
            understand(answer("503 Service Unavailable").as_bytes(), 7),
            Some(false)
        );
        assert_eq!(understand(answer("200 OK").as_bytes(), 8), None, "too late");
        assert_eq!(understand(b"OPTIONS sip:x SIP/2.0\r\n\r\n", 7), None);
        assert_eq!(understand(&[0xff, 0xfe], 7), None);
    }
}
