//! Owns one client's connection: reads its hello and its request, asks the subnet, answers; and keeps
//! watches, observers, silent dials and datagram sockets going until the client leaves. The words are
//! `emulated-nic`'s protocol, the verdicts [`crate::Subnet`]'s.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use changeover_emulated_nic::protocol::{Answer, Dialled, Hello, KernelCall, Request, VERSION};
use changeover_emulated_nic::{Frame, FrameError, FrameReader, FrameWriter};
use changeover_virtual_ip::{AddressError, AddressEvent, Guarded, ProbeAnswer};
use tokio::net::UnixStream;
use tokio::sync::broadcast::error::RecvError;

use crate::datagrams::Ports;
use crate::emulator::Shared;
use crate::{Moment, Subnet, relay};

/// A client says what it wants at once.
const HELLO_WAIT: Duration = Duration::from_secs(5);
/// Observations that are sent in one go.
const OBSERVATIONS: usize = 64;

/// Serves one client to its end.
pub(crate) async fn serve(stream: UnixStream, shared: Arc<Shared>) {
    let (read, write) = stream.into_split();
    let client = Client {
        shared,
        reader: FrameReader::new(read),
        writer: FrameWriter::new(write),
    };
    match client.serve().await {
        Ok(()) | Err(FrameError::Closed) => {}
        Err(error) => tracing::debug!(%error, "a client's connection ended"),
    }
}

struct Client {
    shared: Arc<Shared>,
    reader: FrameReader,
    writer: FrameWriter,
}

impl Client {
    async fn serve(mut self) -> Result<(), FrameError> {
        let opening = async {
            let hello: Hello = self.reader.next_json().await?;
            let request: Request = self.reader.next_json().await?;
            Ok((hello, request))
        };
        let opening: Result<_, FrameError> = tokio::time::timeout(HELLO_WAIT, opening)
            .await
            .unwrap_or_else(|_| Err(FrameError::Malformed("no request in time".into())));
        let (hello, request) = match opening {
            Ok(opening) => opening,
            Err(FrameError::Closed) => return Ok(()),
            Err(error) => return self.refuse(error.to_string()).await,
        };
        if hello.version != VERSION {
            let theirs = hello.version;
            return self
                .refuse(format!(
                    "it speaks version {VERSION} of its protocol, the client {theirs}; run both from one release"
                ))
                .await;
        }
        match hello.host {
            None => self.control(request).await,
            Some(name) => match self.shared.change(|subnet, _| subnet.host(&name)) {
                Ok(host) => self.host(host, request).await,
                Err(error) => self.refuse(error.to_string()).await,
            },
        }
    }

    async fn refuse(&mut self, reason: String) -> Result<(), FrameError> {
        self.writer.send_json(&Answer::Refused(reason)).await
    }

    /// Waits for something that may take long, unless the client leaves first.
    async fn unless_gone<T>(&mut self, work: impl Future<Output = T>) -> Result<T, FrameError> {
        tokio::select! {
            done = work => Ok(done),
            left = self.reader.next() => Err(match left {
                Ok(_) => FrameError::Malformed("a second request on one connection".into()),
                Err(error) => error,
            }),
        }
    }

    async fn host(mut self, host: usize, request: Request) -> Result<(), FrameError> {
        let shared = Arc::clone(&self.shared);
        let answer = match request {
            Request::Watch { guarded } => return self.watch(host, &guarded).await,
            Request::Datagrams { at } => return self.datagrams(host, at).await,
            Request::Probe {
                address,
                interface,
                wait_ms,
            } => {
                let wait = Duration::from_millis(wait_ms);
                let probe = probe(&shared, host, address, &interface, wait);
                self.unless_gone(probe).await?
            }
            Request::Dial { to } => {
                let dialled = self.unless_gone(relay::dial(&shared, host, to)).await?;
                match dialled {
                    Ok(dialled) => Answer::Dialled(dialled),
                    Err(error) => Answer::Refused(error.to_string()),
                }
            }
            Request::Echo { to } => {
                match self.unless_gone(relay::reach(&shared, host, to)).await? {
                    Some(_) => Answer::Done,
                    None => Answer::Dialled(Dialled::NoRoute),
                }
            }
            Request::BeginCommand { command } => {
                let (delay, start) = shared.change(|subnet, _| subnet.begin_command(host));
                tracing::debug!(host, command, ?delay, ?start, "a command begins");
                self.unless_gone(tokio::time::sleep(delay)).await?;
                Answer::Command(start)
            }
            Request::Renew {
                address,
                lifetime_ms,
            } => Answer::Changed(renew(&shared, host, address, lifetime_ms)),
            Request::Place { address } => place(&shared, host, address),
            request => shared.change(|subnet, now| order(subnet, now, host, request)),
        };
        self.writer.send_json(&answer).await
    }

    async fn control(mut self, request: Request) -> Result<(), FrameError> {
        let answer = match request {
            Request::Observe { after } => return self.observe(after).await,
            Request::RealAddress { address } => match self.shared.real(address) {
                Ok(real) => Answer::Real(real),
                Err(error) => Answer::Refused(error.to_string()),
            },
            Request::State => {
                let mut state = self.shared.change(|subnet, now| subnet.report(now));
                state["addresses"] = serde_json::json!(self.shared.addresses());
                state["devices"] = serde_json::json!(self.shared.devices.chosen());
                Answer::State(state)
            }
            request => self
                .shared
                .change(|subnet, now| control(subnet, now, request)),
        };
        self.writer.send_json(&answer).await
    }

    /// Sends the state now and after every change, the newest only to a slow client, and rivals as they come.
    async fn watch(mut self, host: usize, guarded: &[Guarded]) -> Result<(), FrameError> {
        let mut changes = self.shared.changes.subscribe();
        let mut sightings = self.shared.sightings.subscribe();
        let name = self
            .shared
            .change(|subnet, _| subnet.host_name(host).to_owned());
        let mut sent = None;
        loop {
            changes.borrow_and_update();
            let state = self.shared.change(|subnet, _| subnet.snapshot(host));
            if sent.as_ref() != Some(&state) {
                let event = AddressEvent::Changed(state.clone());
                self.writer.send_json(&Answer::Event(event)).await?;
                sent = Some(state);
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() {
                    return Ok(());
                },
                sighting = sightings.recv() => match sighting {
                    Ok(sighting) if sighting.host == name && guarded.iter().any(|one| {
                        one.address == sighting.address && one.interface == sighting.interface
                    }) => {
                        let event = AddressEvent::RivalSighted {
                            address: sighting.address,
                            interface: sighting.interface,
                            mac: sighting.mac,
                        };
                        self.writer.send_json(&Answer::Event(event)).await?;
                    }
                    // A watch that fell behind misses sightings; a rival announces itself again.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(()),
                },
                left = self.reader.next() => return left.map(drop),
            }
        }
    }

    async fn observe(mut self, mut after: u64) -> Result<(), FrameError> {
        let mut changes = self.shared.changes.subscribe();
        loop {
            changes.borrow_and_update();
            let news = self
                .shared
                .change(|subnet, _| subnet.observations(after, OBSERVATIONS));
            if let Some(last) = news.last() {
                after = last.sequence;
                for observation in news {
                    self.writer.queue_json(&Answer::Observed(observation))?;
                }
                self.writer.flush().await?;
                continue;
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() {
                    return Ok(());
                },
                left = self.reader.next() => return left.map(drop),
            }
        }
    }

    /// Both directions at once: neither may wait for the other.
    async fn datagrams(mut self, host: usize, at: SocketAddr) -> Result<(), FrameError> {
        if at.ip().is_unspecified() {
            return self
                .refuse(format!(
                    "{at} is no single address; name the one to receive on"
                ))
                .await;
        }
        let (port, mut inbox) = match Ports::open(&self.shared, host, at).await {
            Ok(port) => port,
            Err(error) => return self.refuse(error.to_string()).await,
        };
        let at = port.at;
        self.writer.send_json(&Answer::Opened { at }).await?;
        let incoming = async {
            while let Some(datagram) = inbox.recv().await {
                self.writer
                    .queue_datagram(datagram.from, datagram.to, &datagram.payload)?;
                self.writer.flush().await?;
            }
            Ok(())
        };
        let outgoing = async {
            loop {
                match self.reader.next().await? {
                    Frame::Datagram(datagram) => port.send(datagram.to, &datagram.payload).await,
                    Frame::Json(_) => {
                        return Err(FrameError::Malformed("a request among datagrams".into()));
                    }
                }
            }
        };
        tokio::select! {
            ended = incoming => ended,
            ended = outgoing => ended,
        }
    }
}

/// Asks who has an address until somebody does or the wait is over.
async fn probe(
    shared: &Shared,
    host: usize,
    address: IpAddr,
    interface: &str,
    wait: Duration,
) -> Answer {
    let mut changes = shared.changes.subscribe();
    let over = tokio::time::sleep(wait);
    tokio::pin!(over);
    loop {
        changes.borrow_and_update();
        match shared.change(|subnet, _| subnet.probe(host, address, interface)) {
            Ok(ProbeAnswer::Free) => {}
            Ok(held) => return Answer::Probed(held),
            Err(error) => return Answer::AddressError(error),
        }
        tokio::select! {
            () = &mut over => return Answer::Probed(ProbeAnswer::Free),
            changed = changes.changed() => if changed.is_err() {
                return Answer::Probed(ProbeAnswer::Free);
            },
        }
    }
}

/// Sets a lifetime, and sees to it that its end comes.
fn renew(
    shared: &Arc<Shared>,
    host: usize,
    address: IpAddr,
    lifetime_ms: Option<u64>,
) -> changeover_virtual_ip::Change {
    let lifetime = lifetime_ms.map(Duration::from_millis);
    let change = shared.change(|subnet, now| subnet.renew(now, host, address, lifetime));
    if let Some(lifetime) = lifetime {
        let at_its_end = Arc::clone(shared);
        shared.start_relay(async move {
            tokio::time::sleep(lifetime + Duration::from_millis(1)).await;
            at_its_end.change(Subnet::expire);
        });
    }
    change
}

fn place(shared: &Shared, host: usize, address: IpAddr) -> Answer {
    if address.is_unspecified() {
        return Answer::Refused(format!(
            "{address} is every address of this machine; name one of the emulated host's"
        ));
    }
    match shared.place(host, address) {
        Ok(real) => Answer::Real(real),
        Err(error) => Answer::Refused(error.to_string()),
    }
}

fn order(subnet: &mut Subnet, now: Moment, host: usize, request: Request) -> Answer {
    let failed = |error: AddressError| Answer::AddressError(error);
    match request {
        Request::Hello => Answer::Done,
        Request::Snapshot => Answer::Snapshot(subnet.snapshot(host)),
        Request::Add { wanted } => subnet
            .add(now, host, &wanted)
            .map_or_else(failed, Answer::Changed),
        Request::Remove { address } => Answer::Changed(subnet.remove(now, host, address)),
        Request::Announce { address, interface } => subnet
            .announce(now, host, address, &interface)
            .map_or_else(failed, |()| Answer::Done),
        Request::Kernel(KernelCall::Links) => Answer::Links(subnet.links(host)),
        Request::Kernel(KernelCall::Kept { name }) => Answer::Kept(subnet.kept(host, &name)),
        Request::Nlb(call) => Answer::Nlb(subnet.nlb(now, host, &call)),
        Request::Kernel(call) => match subnet.call(now, host, &call) {
            Ok(()) => Answer::Done,
            Err(errno) => Answer::Errno(errno),
        },
        _ => Answer::Refused("this request is for control from outside, not for a host".into()),
    }
}

fn control(subnet: &mut Subnet, now: Moment, request: Request) -> Answer {
    let done = match request {
        Request::Hello => Ok(()),
        Request::Plug { host, interface } => subnet.set_carrier(now, &host, &interface, true),
        Request::Unplug { host, interface } => subnet.set_carrier(now, &host, &interface, false),
        Request::DelayCommands { host, delay_ms } => {
            subnet.delay_commands(&host, Duration::from_millis(delay_ms))
        }
        Request::FailCommands { host, count } => subnet.fail_commands(&host, count),
        Request::DropAnnouncements { host, count } => subnet.drop_announcements(&host, count),
        Request::ArpEntry { station, address } => match subnet.station(&station) {
            Ok(station) => {
                let entry = subnet.arp_entry(now, station, address);
                return Answer::ArpEntry(entry.map(ToOwned::to_owned));
            }
            Err(error) => Err(error),
        },
        _ => return Answer::Refused("this request needs a host in the hello".into()),
    };
    match done {
        Ok(()) => Answer::Done,
        Err(error) => Answer::Refused(error.to_string()),
    }
}
