//! Owns the packet sockets and keeps them: one that only sends, for all NICs, and one ear for each NIC and protocol
//! that somebody listens to. Which frames to send is `frames.rs`, what a claim means is decided by who subscribed
//! (`kernel.rs` for probes, `watching.rs` for rivals).

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::mem::size_of;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use socket2::{Domain, SockAddr, SockAddrStorage, SockFilter, Socket, Type, socklen_t};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::frames::{self, Claim};

/// Neighbour messages are far shorter; what is cut off here was none.
const LONGEST_FRAME: usize = 256;
/// Errors in a row after which an ear is given up; the next subscription opens a new one.
const ERRORS_BEARABLE: usize = 16;

/// The protocols in which claims are heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Speech {
    Arp,
    NeighbourDiscovery,
}

/// A claim, and the NIC through which it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) index: u32,
    pub(super) claim: Claim,
}

/// All packet sockets of the process, each opened when first needed and then held.
#[derive(Default)]
pub(super) struct Packets {
    voice: Mutex<Option<Arc<Socket>>>,
    ears: Mutex<BTreeMap<(u32, Speech), Ear>>,
}

/// A listening socket, read by a task of its own.
struct Ear {
    reader: JoinHandle<()>,
    subscribers: Subscribers,
}

type Subscribers = Arc<Mutex<Vec<mpsc::Sender<Sighting>>>>;

impl Packets {
    /// Opens the sending socket unless it is open. It is bound to no protocol, so that the kernel never queues a
    /// received frame on it.
    pub(super) fn hold_voice(&self) -> io::Result<Arc<Socket>> {
        let mut voice = self.voice.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(socket) = voice.as_ref() {
            return Ok(Arc::clone(socket));
        }
        let socket = Arc::new(packet_socket()?);
        *voice = Some(Arc::clone(&socket));
        Ok(socket)
    }

    /// Puts one frame on the wire of the NIC with that number; waits for nothing.
    pub(super) fn send(&self, index: u32, frame: &[u8]) -> io::Result<()> {
        let socket = self.hold_voice()?;
        let ethertype = frame
            .get(12..14)
            .and_then(|bytes| <[u8; 2]>::try_from(bytes).ok())
            .map_or(0, u16::from_be_bytes);
        let destination = place_on_link(index, ethertype)?;
        socket.send_to(frame, &destination).map(drop)
    }

    /// Sends every claim heard on that NIC, in the protocol of `address`'s family, to `subscriber`, until its
    /// receiver is dropped. A subscriber that does not keep up misses claims; who uses an address repeats itself.
    pub(super) fn listen(
        &self,
        index: u32,
        address: IpAddr,
        subscriber: mpsc::Sender<Sighting>,
    ) -> io::Result<()> {
        let speech = match address {
            IpAddr::V4(_) => Speech::Arp,
            IpAddr::V6(_) => Speech::NeighbourDiscovery,
        };
        let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader ends with the runtime it was started on, or after too many errors.
        if let Some(ear) = ears.get(&(index, speech))
            && !ear.reader.is_finished()
        {
            let mut subscribers = ear
                .subscribers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            subscribers.retain(|known| !known.is_closed());
            if !subscribers
                .iter()
                .any(|known| known.same_channel(&subscriber))
            {
                subscribers.push(subscriber);
            }
            return Ok(());
        }
        let subscribers = Arc::new(Mutex::new(vec![subscriber]));
        let socket = ear_socket(index, speech)?;
        let reader = tokio::spawn(read(socket, index, Arc::clone(&subscribers)));
        ears.insert(
            (index, speech),
            Ear {
                reader,
                subscribers,
            },
        );
        Ok(())
    }

    /// Closes the ears of a NIC that is gone. Costs what closing a packet socket costs, which is why ears of NICs
    /// that exist are never closed.
    pub(super) fn forget(&self, gone: u32) {
        let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
        ears.retain(|(index, _), _| *index != gone);
    }
}

/// Its task holds the socket.
impl Drop for Ear {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(socket: AsyncFd<Socket>, index: u32, subscribers: Subscribers) {
    let mut frame = [0; LONGEST_FRAME];
    let mut errors = 0;
    while errors < ERRORS_BEARABLE {
        let Ok(mut ready) = socket.readable().await else {
            return;
        };
        match ready.try_io(|socket| socket.get_ref().read(&mut frame)) {
            Ok(Ok(length)) => {
                errors = 0;
                if let Some(claim) = frame.get(..length).and_then(frames::claim) {
                    tell(&subscribers, Sighting { index, claim });
                }
            }
            // The NIC was switched off; the socket goes on by itself when it is switched on again.
            Ok(Err(error)) => {
                tracing::debug!(%error, index, "packet socket");
                errors += 1;
            }
            Err(_would_block) => {}
        }
    }
    tracing::warn!(index, "listening for rivals ended after repeated errors");
}

fn tell(subscribers: &Subscribers, sighting: Sighting) {
    let mut subscribers = subscribers.lock().unwrap_or_else(PoisonError::into_inner);
    subscribers.retain(|subscriber| {
        !matches!(
            subscriber.try_send(sighting),
            Err(mpsc::error::TrySendError::Closed(_))
        )
    });
}

fn packet_socket() -> io::Result<Socket> {
    Socket::new(Domain::PACKET, Type::RAW.cloexec().nonblocking(), None)
}

/// The filter is in place before the socket is bound, so that it never holds a frame that nobody asked for.
fn ear_socket(index: u32, speech: Speech) -> io::Result<AsyncFd<Socket>> {
    let socket = packet_socket()?;
    let ethertype = match speech {
        Speech::Arp => frames::ETHERTYPE_ARP,
        Speech::NeighbourDiscovery => {
            socket.attach_filter(&only_neighbour_discovery())?;
            frames::ETHERTYPE_IPV6
        }
    };
    socket.bind(&place_on_link(index, ethertype)?)?;
    #[expect(
        unsafe_code,
        reason = "tokio asks for a promise that the descriptor stays open and the same"
    )]
    // SAFETY: the AsyncFd owns the socket, and a Socket keeps its descriptor until it is dropped.
    let registered = unsafe { AsyncFd::register(socket) };
    registered.map_err(io::Error::from)
}

/// A classic BPF program: accepts neighbour solicitations and advertisements, drops all other IPv6.
fn only_neighbour_discovery() -> [SockFilter; 7] {
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let equal =
        |value: u8, if_so, if_not| SockFilter::new(JUMP_IF_EQUAL, if_so, if_not, u32::from(value));
    [
        SockFilter::new(LOAD_BYTE, 0, 0, frames::IPV6_NEXT_HEADER_AT),
        equal(frames::ICMPV6, 0, 4),
        SockFilter::new(LOAD_BYTE, 0, 0, frames::ICMPV6_TYPE_AT),
        equal(frames::NEIGHBOUR_SOLICITATION, 1, 0),
        equal(frames::NEIGHBOUR_ADVERTISEMENT, 0, 1),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

/// The `sockaddr_ll` of a NIC. Packet sockets go by interface number; SO_BINDTODEVICE does not bind them.
fn place_on_link(index: u32, ethertype: u16) -> io::Result<SockAddr> {
    let no_such_number = |_| io::Error::from_raw_os_error(libc::ENODEV);
    let interface = i32::try_from(index).map_err(no_such_number)?;
    let mut storage = SockAddrStorage::zeroed();
    let length = socklen_t::try_from(size_of::<libc::sockaddr_ll>()).expect("twenty bytes");
    #[expect(
        unsafe_code,
        reason = "no crate in use offers a constructor for link-layer socket addresses"
    )]
    // SAFETY: sockaddr_ll is one of the platform's socket addresses and fits the zeroed storage, which is valid for
    // it; `length` is the length of what is filled in.
    let address = unsafe {
        let place = storage.view_as::<libc::sockaddr_ll>();
        place.sll_family = u16::try_from(libc::AF_PACKET).expect("seventeen");
        place.sll_protocol = ethertype.to_be();
        place.sll_ifindex = interface;
        SockAddr::new(storage, length)
    };
    Ok(address)
}
