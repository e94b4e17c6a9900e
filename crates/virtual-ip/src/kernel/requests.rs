//! Owns the netlink socket for questions and orders, and nothing of what they mean: `kernel.rs` asks, this carries.
//!
//! The kernel works through a request while it is being sent, so the answer is readable as soon as the sending
//! returns: two system calls, no task, no wake-up. That is why these functions are plain and not asynchronous.

use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rtnetlink::packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST,
    NetlinkMessage, NetlinkPayload,
};
use rtnetlink::packet_route::address::AddressMessage;
use rtnetlink::packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};
use socket2::{Domain, Socket, Type};

/// More than the kernel ever puts into one answer (32 KiB).
pub(super) const LARGEST_ANSWER: usize = 64 * 1024;
/// The answer is there at once; this bounds what should never happen.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// How often a listing is asked for again when the kernel says that it changed half-way.
const LISTING_ATTEMPTS: usize = 4;

/// Why a request failed.
#[derive(Debug)]
pub(super) enum RequestError {
    /// The kernel understood and refused, with this error number.
    Refused(io::Error),
    /// No usable answer.
    Lost(io::Error),
}

/// One netlink socket, used by one request at a time.
pub(super) struct Requests(Mutex<Line>);

struct Line {
    socket: Socket,
    last_number: u32,
    buffer: Vec<u8>,
}

/// What one attempt at a listing gave.
struct Listing {
    messages: Vec<RouteNetlinkMessage>,
    changed_meanwhile: bool,
}

impl Requests {
    /// Needs no privilege: listing is free, changes are checked one by one.
    pub(super) fn open() -> io::Result<Self> {
        let socket = Socket::new(Domain::from(libc::AF_NETLINK), Type::RAW.cloexec(), None)?;
        socket.set_read_timeout(Some(ANSWER_WITHIN))?;
        Ok(Self(Mutex::new(Line {
            socket,
            last_number: 0,
            buffer: vec![0; LARGEST_ANSWER],
        })))
    }

    /// All addresses of one family, or of both with `Unspec`.
    pub(super) fn addresses(
        &self,
        family: AddressFamily,
    ) -> Result<Vec<AddressMessage>, RequestError> {
        let mut question = AddressMessage::default();
        question.header.family = family;
        let listed = self
            .line()
            .list(&RouteNetlinkMessage::GetAddress(question))?;
        Ok(listed
            .into_iter()
            .filter_map(|message| match message {
                RouteNetlinkMessage::NewAddress(address) => Some(address),
                _ => None,
            })
            .collect())
    }

    /// All NICs.
    pub(super) fn links(&self) -> Result<Vec<LinkMessage>, RequestError> {
        let listed = self
            .line()
            .list(&RouteNetlinkMessage::GetLink(link_question()))?;
        Ok(links_among(listed).collect())
    }

    /// The NIC of that name; `None` when there is none.
    pub(super) fn link_named(&self, name: &str) -> Result<Option<LinkMessage>, RequestError> {
        let mut question = link_question();
        question
            .attributes
            .push(LinkAttribute::IfName(name.to_owned()));
        let request = RouteNetlinkMessage::GetLink(question);
        match self.line().ask(request, NLM_F_REQUEST | NLM_F_ACK) {
            Ok(listing) => Ok(links_among(listing.messages).next()),
            Err(RequestError::Refused(error)) if error.raw_os_error() == Some(libc::ENODEV) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Puts an address on a NIC; refused with EEXIST when it stands there.
    pub(super) fn add(&self, address: AddressMessage) -> Result<(), RequestError> {
        let flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
        self.line()
            .ask(RouteNetlinkMessage::NewAddress(address), flags)
            .map(drop)
    }

    /// Changes an address that stands on a NIC; one that does not is put there.
    pub(super) fn replace(&self, address: AddressMessage) -> Result<(), RequestError> {
        let flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_REPLACE;
        self.line()
            .ask(RouteNetlinkMessage::NewAddress(address), flags)
            .map(drop)
    }

    /// Takes an address off a NIC; refused with EADDRNOTAVAIL when it does not stand there.
    pub(super) fn remove(&self, address: AddressMessage) -> Result<(), RequestError> {
        self.line()
            .ask(
                RouteNetlinkMessage::DelAddress(address),
                NLM_F_REQUEST | NLM_F_ACK,
            )
            .map(drop)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Numbers keep requests apart, so a request that panicked half-way harms none that follow.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn list(
        &mut self,
        question: &RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, RequestError> {
        let mut attempts = 1;
        loop {
            let listing = self.ask(question.clone(), NLM_F_REQUEST | NLM_F_DUMP)?;
            if !listing.changed_meanwhile || attempts == LISTING_ATTEMPTS {
                return Ok(listing.messages);
            }
            attempts += 1;
        }
    }

    /// Sends one request and reads until the kernel has said the last word on it.
    fn ask(&mut self, request: RouteNetlinkMessage, flags: u16) -> Result<Listing, RequestError> {
        self.last_number = self.last_number.wrapping_add(1);
        let mut message = NetlinkMessage::from(request);
        message.header.flags = flags;
        message.header.sequence_number = self.last_number;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes).map_err(RequestError::Lost)?;

        let mut listing = Listing {
            messages: Vec::new(),
            changed_meanwhile: false,
        };
        loop {
            let length = self.receive().map_err(RequestError::Lost)?;
            for answer in messages_in(&self.buffer[..length]) {
                if answer.header.sequence_number != self.last_number {
                    continue; // the late answer to a request that was given up
                }
                listing.changed_meanwhile |= answer.header.flags & NLM_F_DUMP_INTR != 0;
                match answer.payload {
                    NetlinkPayload::InnerMessage(inner) => listing.messages.push(inner),
                    NetlinkPayload::Done(done) if done.code == 0 => return Ok(listing),
                    NetlinkPayload::Done(done) => return Err(refused(done.code)),
                    NetlinkPayload::Error(error) => match error.code {
                        None => return Ok(listing),
                        Some(code) => return Err(refused(code.get())),
                    },
                    _ => {}
                }
            }
        }
    }

    fn receive(&mut self) -> io::Result<usize> {
        loop {
            match (&self.socket).read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the kernel did not answer within a second",
                    ));
                }
                outcome => return outcome,
            }
        }
    }
}

/// The messages in what was read from a netlink socket. One that cannot be understood (a kind of NIC younger than
/// this program) is left out; the others count.
pub(super) fn messages_in(
    mut bytes: &[u8],
) -> impl Iterator<Item = NetlinkMessage<RouteNetlinkMessage>> + '_ {
    std::iter::from_fn(move || {
        loop {
            let length = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?);
            let length = usize::try_from(length)
                .ok()
                .filter(|length| *length >= 16)?;
            let message = bytes.get(..length)?;
            bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
            match NetlinkMessage::deserialize(message) {
                Ok(message) => return Some(message),
                Err(error) => tracing::debug!(%error, "netlink message not understood"),
            }
        }
    })
}

/// Asks for a NIC, or all, without their traffic counters: they are most of the answer and of its cost.
fn link_question() -> LinkMessage {
    let mut question = LinkMessage::default();
    question
        .attributes
        .push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    question
}

fn links_among(messages: Vec<RouteNetlinkMessage>) -> impl Iterator<Item = LinkMessage> {
    messages.into_iter().filter_map(|message| match message {
        RouteNetlinkMessage::NewLink(link) => Some(link),
        _ => None,
    })
}

/// Netlink gives error numbers negated.
fn refused(code: i32) -> RequestError {
    RequestError::Refused(io::Error::from_raw_os_error(code.saturating_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_not_understood_hides_none_of_its_neighbours() {
        let mut good =
            NetlinkMessage::from(RouteNetlinkMessage::GetAddress(AddressMessage::default()));
        good.finalize();
        let mut bytes = vec![0; good.buffer_len()];
        good.serialize(&mut bytes);
        let mut odd = 17_u32.to_ne_bytes().to_vec();
        odd.extend(16_u16.to_ne_bytes()); // RTM_NEWLINK with a payload of one byte
        odd.extend([0; 11]);
        odd.extend([0; 3]); // padding to the next multiple of four
        let stream = [bytes.clone(), odd, bytes].concat();

        assert_eq!(messages_in(&stream).count(), 2);
    }

    #[test]
    fn lengths_that_make_no_sense_end_the_reading() {
        for length in [0_u32, 15, 4_000_000_000] {
            let mut bytes = length.to_ne_bytes().to_vec();
            bytes.extend([0; 40]);
            assert_eq!(messages_in(&bytes).count(), 0, "length {length}");
        }
    }
}
