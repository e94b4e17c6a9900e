//! Owns following the kernel: its notices of changed NICs and addresses, merged with claims heard on the wire, become
//! [`AddressEvent`]s in a bounded channel. The picture itself is kept by `table.rs`; what to do about an event is
//! decided by whoever watches (the LCA).
//!
//! The queue towards the watcher holds [`QUEUE`] events. While it is full, changes are merged into the newest state
//! and rivals into a short list without repetitions, so that nothing grows and the last state always arrives.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use rtnetlink::MulticastGroup;
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{AsyncSocket, SocketAddr, TokioSocket};
use tokio::sync::mpsc;

use super::packets::Sighting;
use super::requests::{LARGEST_ANSWER, RequestError, Requests, messages_in};
use super::table::Table;
use super::{Parts, failed, lost, named};
use crate::{AddressError, AddressEvent, Guarded, Snapshot};

/// Events that wait for the watcher before they are merged.
const QUEUE: usize = 32;
/// Sightings that wait for the watching task; more come again.
const SIGHTINGS: usize = 64;
/// Different rivals that wait for the watcher.
const RIVALS: usize = 32;
/// Room for notices in the kernel, in bytes; beyond it the kernel drops some and says so, and all is read anew.
const NOTICE_ROOM: libc::c_int = 1 << 20;
/// Attempts at a listing during which nothing changed.
const QUIET_ATTEMPTS: usize = 5;

/// Starts a watch: subscribed first, listed afterwards, so that no change falls in between.
pub(super) fn begin(
    parts: Arc<Parts>,
    guarded: Vec<Guarded>,
) -> Result<mpsc::Receiver<AddressEvent>, AddressError> {
    let operation = "watching the host's addresses";
    let mut notices = Notices::subscribe().map_err(|error| lost(operation, &error))?;
    let table = notices
        .settle(&parts.requests)
        .map_err(|error| failed(operation, error))?;
    let (sightings_in, sightings) = mpsc::channel(SIGHTINGS);
    let mut watch = Watch {
        parts,
        notices,
        table,
        guarded,
        sightings_in,
        sightings,
        outbox: Outbox::default(),
    };
    watch.listen_for_rivals()?;
    watch.outbox.put_state(watch.table.snapshot());
    let (events_in, events) = mpsc::channel(QUEUE);
    tokio::spawn(watch.run(events_in));
    Ok(events)
}

struct Watch {
    parts: Arc<Parts>,
    notices: Notices,
    table: Table,
    guarded: Vec<Guarded>,
    /// Kept for ears that are opened later; also keeps `sightings` from ending.
    sightings_in: mpsc::Sender<Sighting>,
    sightings: mpsc::Receiver<Sighting>,
    outbox: Outbox,
}

impl Watch {
    /// Until the watcher drops the receiver or the kernel's notices end.
    async fn run(mut self, events: mpsc::Sender<AddressEvent>) {
        loop {
            tokio::select! {
                // What is waiting goes out before more is read, so that merging happens only when it must.
                biased;
                () = events.closed() => return,
                permit = events.reserve(), if self.outbox.has_mail() => match permit {
                    Ok(permit) => {
                        if let Some(event) = self.outbox.take() {
                            permit.send(event);
                        }
                    }
                    Err(_closed) => return,
                },
                heard = self.notices.next() => {
                    if let Err(error) = self.take_in(heard) {
                        tracing::warn!(%error, "watching the host's addresses ended");
                        return;
                    }
                }
                Some(sighting) = self.sightings.recv() => self.judge(sighting),
            }
        }
    }

    fn take_in(&mut self, heard: io::Result<Vec<RouteNetlinkMessage>>) -> Result<(), AddressError> {
        let operation = "watching the host's addresses";
        let before = self.table.indexes();
        match heard {
            Ok(messages) => messages
                .iter()
                .for_each(|message| self.table.apply(message)),
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                tracing::info!("more address changes than could be followed; reading them anew");
                self.table = self
                    .notices
                    .settle(&self.parts.requests)
                    .map_err(|error| failed(operation, error))?;
            }
            Err(error) => return Err(lost(operation, &error)),
        }
        for gone in before.difference(&self.table.indexes()) {
            self.parts.packets.forget(*gone);
        }
        if self.outbox.put_state(self.table.snapshot())
            && let Err(error) = self.listen_for_rivals()
        {
            // The addresses matter more than their rivals: the watch goes on.
            tracing::warn!(%error, "rivals cannot be seen");
        }
        Ok(())
    }

    /// Opens an ear for each guarded address whose NIC exists now; NICs that come later are caught up with then.
    fn listen_for_rivals(&self) -> Result<(), AddressError> {
        for guarded in &self.guarded {
            let Some(index) = self.table.index_of(&guarded.interface) else {
                continue;
            };
            let subscriber = self.sightings_in.clone();
            self.parts
                .packets
                .listen(index, guarded.address, subscriber)
                .map_err(|error| {
                    let operation = format!("listening for rivals on {}", guarded.interface);
                    named(&operation, &error)
                })?;
        }
        Ok(())
    }

    fn judge(&mut self, sighting: Sighting) {
        let Sighting { index, claim } = sighting;
        if self.table.is_own(claim.mac) {
            return;
        }
        let about = self.guarded.iter().find(|guarded| {
            guarded.address == claim.address
                && self.table.index_of(&guarded.interface) == Some(index)
        });
        if let Some(guarded) = about {
            self.outbox.put_rival(AddressEvent::RivalSighted {
                address: claim.address,
                interface: guarded.interface.clone(),
                mac: claim.mac,
            });
        }
    }
}

/// The subscription to the kernel's notices.
struct Notices {
    socket: TokioSocket,
    buffer: Vec<u8>,
}

impl Notices {
    fn subscribe() -> io::Result<Self> {
        let groups = [
            MulticastGroup::Link,
            MulticastGroup::Ipv4Ifaddr,
            MulticastGroup::Ipv6Ifaddr,
        ];
        let bits = groups
            .into_iter()
            .fold(0, |bits, group| bits | 1 << (group as u32 - 1));
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        socket.socket_ref().set_rx_buf_sz(NOTICE_ROOM)?;
        socket.socket_mut().bind(&SocketAddr::new(0, bits))?;
        Ok(Self {
            socket,
            buffer: Vec::with_capacity(LARGEST_ANSWER),
        })
    }

    /// The notices that arrive next. Nothing is lost when this is dropped while it waits.
    async fn next(&mut self) -> io::Result<Vec<RouteNetlinkMessage>> {
        let Self { socket, buffer } = self;
        buffer.clear();
        std::future::poll_fn(|context| socket.poll_recv_from(context, buffer)).await?;
        Ok(contents(buffer))
    }

    /// The notices that have arrived, without waiting. Lost ones do not matter here: a listing follows.
    fn drain(&mut self) -> Vec<RouteNetlinkMessage> {
        let mut drained = Vec::new();
        loop {
            self.buffer.clear();
            match self.socket.socket_ref().recv(&mut self.buffer, 0) {
                Ok(_) => drained.extend(contents(&self.buffer)),
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                Err(_nothing_more) => return drained,
            }
        }
    }

    /// A listing during which no notice came, so that no notice older than the listing is applied to it. On a host
    /// that never rests the notices of the last attempt are applied: then an address may be shown once more that
    /// had gone just before, and is corrected by the notice behind it.
    fn settle(&mut self, requests: &Requests) -> Result<Table, RequestError> {
        let mut attempt = 1;
        self.drain();
        loop {
            let mut table = Table::of(
                requests.links()?,
                requests.addresses(AddressFamily::Unspec)?,
            );
            let meanwhile = self.drain();
            if meanwhile.is_empty() {
                return Ok(table);
            }
            if attempt == QUIET_ATTEMPTS {
                meanwhile.iter().for_each(|message| table.apply(message));
                return Ok(table);
            }
            attempt += 1;
        }
    }
}

fn contents(bytes: &[u8]) -> Vec<RouteNetlinkMessage> {
    messages_in(bytes)
        .filter_map(|NetlinkMessage { payload, .. }| match payload {
            NetlinkPayload::InnerMessage(message) => Some(message),
            _ => None,
        })
        .collect()
}

/// What the watcher has not been told yet. Bounded: one state, and a few rivals.
#[derive(Default)]
struct Outbox {
    told: Option<Snapshot>,
    state: Option<Snapshot>,
    rivals: VecDeque<AddressEvent>,
}

impl Outbox {
    /// Returns whether this state is news.
    fn put_state(&mut self, state: Snapshot) -> bool {
        let newest = self.state.as_ref().or(self.told.as_ref());
        if newest == Some(&state) {
            return false;
        }
        self.state = Some(state);
        true
    }

    fn put_rival(&mut self, rival: AddressEvent) {
        if self.rivals.len() < RIVALS && !self.rivals.contains(&rival) {
            self.rivals.push_back(rival);
        }
    }

    fn has_mail(&self) -> bool {
        self.state.is_some() || !self.rivals.is_empty()
    }

    /// The state goes first: a rival is judged by it.
    fn take(&mut self) -> Option<AddressEvent> {
        if let Some(state) = self.state.take() {
            self.told = Some(state.clone());
            return Some(AddressEvent::Changed(state));
        }
        self.rivals.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HeldAddress;

    fn holding(addresses: &[&str]) -> Snapshot {
        let held = |text: &&str| HeldAddress {
            address: text.parse().expect("literal"),
            prefix: 24,
            interface: "eth0".to_owned(),
            label: None,
        };
        Snapshot {
            nics: Vec::new(),
            addresses: addresses.iter().map(held).collect(),
        }
    }

    fn rival(last: u8) -> AddressEvent {
        AddressEvent::RivalSighted {
            address: "10.10.11.103".parse().expect("literal"),
            interface: "eth0".to_owned(),
            mac: [2, 0, 0, 0, 0, last],
        }
    }

    fn everything_in(outbox: &mut Outbox) -> Vec<AddressEvent> {
        std::iter::from_fn(|| outbox.take()).collect()
    }

    #[test]
    fn changes_that_come_before_the_watcher_reads_become_one_event_with_the_last_state() {
        let mut outbox = Outbox::default();
        assert!(outbox.put_state(holding(&[])));
        assert!(outbox.put_state(holding(&["10.10.11.103"])));
        assert!(outbox.put_state(holding(&["10.10.11.104"])));
        assert_eq!(
            everything_in(&mut outbox),
            [AddressEvent::Changed(holding(&["10.10.11.104"]))]
        );
    }

    #[test]
    fn notices_that_change_nothing_are_no_event() {
        let mut outbox = Outbox::default();
        assert!(outbox.put_state(holding(&["10.10.11.103"])));
        assert_eq!(everything_in(&mut outbox).len(), 1);
        assert!(!outbox.put_state(holding(&["10.10.11.103"])));
        assert!(!outbox.has_mail());
    }

    #[test]
    fn a_rival_is_told_once_until_it_was_read_and_after_the_state() {
        let mut outbox = Outbox::default();
        outbox.put_rival(rival(1));
        outbox.put_rival(rival(1));
        outbox.put_rival(rival(2));
        outbox.put_state(holding(&[]));
        assert_eq!(
            everything_in(&mut outbox),
            [AddressEvent::Changed(holding(&[])), rival(1), rival(2)]
        );
        outbox.put_rival(rival(1));
        assert_eq!(everything_in(&mut outbox), [rival(1)]);
    }

    #[test]
    fn a_storm_of_rivals_does_not_grow_the_outbox() {
        let mut outbox = Outbox::default();
        (0..=u8::MAX).for_each(|last| outbox.put_rival(rival(last)));
        assert_eq!(everything_in(&mut outbox).len(), RIVALS);
    }
}
