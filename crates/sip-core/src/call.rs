//! A call as this server keeps and replicates it: legs, each with a dialog and the INVITE transactions on it, the
//! transfer or the parking under way. Plain data: everything a new primary needs to go on. Owns no behaviour beyond
//! its own deadlines; that is in the files beside this one, one per situation.

pub(crate) mod audit;
pub(crate) mod bridge;
pub(crate) mod client;
pub(crate) mod control;
pub(crate) mod in_dialog;
pub(crate) mod incoming;
pub(crate) mod parking;
pub(crate) mod release;
pub(crate) mod requests;
pub(crate) mod responses;
pub(crate) mod server;
pub(crate) mod takeover;
pub(crate) mod timers;
pub(crate) mod transfer;

use crate::ids::CallKey;
use crate::message::Message;
use crate::net::Peer;
use crate::sdp::Origin;
use changeover_model::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// T1 of RFC 3261, 17.1.1.1.
pub(crate) const T1: Duration = Duration::from_millis(500);
/// T2.
pub(crate) const T2: Duration = Duration::from_secs(4);
/// T4.
pub(crate) const T4: Duration = Duration::from_secs(5);
/// 64*T1: when a transaction gives up, and how long a released call is remembered.
pub(crate) const GIVE_UP: Duration = Duration::from_secs(32);

/// A leg within its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct LegId(pub(crate) u8);

/// A call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Its key.
    pub key: CallKey,
    /// Its legs; two as a rule, three during a transfer, one while parked.
    pub(crate) legs: Vec<Leg>,
    pub(crate) next_leg: u8,
    pub(crate) transfer: Option<Transfer>,
    pub(crate) parked: Option<Parked>,
    /// Targets that have not been tried, if the present one cannot be reached.
    pub(crate) alternatives: Vec<Target>,
    /// When it began, by the clock of who holds it.
    pub(crate) began: Timestamp,
    /// When both sides are asked whether they are still in it.
    pub(crate) audit_at: Timestamp,
    /// Set once every leg has ended: until when late requests are still answered.
    pub(crate) forget_at: Option<Timestamp>,
    /// Something has changed that the backup must know.
    #[serde(skip)]
    pub(crate) dirty: bool,
}

/// Where a leg stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Its first INVITE has no final response.
    Early,
    /// Its dialog stands.
    Confirmed,
    /// A BYE is on its way to it.
    Ending,
    /// Over.
    Ended,
}

/// One side of a call: a dialog between a peer and this server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    /// The leg it is connected with.
    pub(crate) peer: Option<LegId>,
    pub(crate) phase: Phase,
    pub(crate) call_id: String,
    pub(crate) local_tag: String,
    pub(crate) remote_tag: Option<String>,
    /// Our side's From or To, without tag.
    pub(crate) local: String,
    /// The peer's From or To, without tag.
    pub(crate) remote: String,
    pub(crate) local_cseq: u32,
    pub(crate) remote_cseq: u32,
    pub(crate) routes: Vec<String>,
    /// Remote target: the peer's latest Contact.
    pub(crate) target: String,
    /// Where requests to the peer go.
    pub(crate) hop: Peer,
    /// Requests go where the peer's came from, whatever its Contact says: it sits behind a NAT.
    pub(crate) pinned: bool,
    /// The DN that is called or calls, where known.
    pub(crate) dn: String,
    pub(crate) origin: Origin,
    /// The peer's latest session description.
    #[serde(with = "serde_bytes")]
    pub(crate) remote_sdp: Vec<u8>,
    /// A client has put the other side on hold on its behalf.
    #[serde(default)]
    pub(crate) on_hold: bool,
    pub(crate) servers: Vec<InviteServer>,
    pub(crate) clients: Vec<InviteClient>,
}

/// Where an INVITE server transaction stands (RFC 3261, 17.2.1; RFC 6026).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ServerPhase {
    Proceeding,
    /// A 2xx is out, no ACK has come.
    Accepted,
    /// Another final response is out, no ACK has come.
    Completed,
    /// Acknowledged; absorbs what comes late.
    Confirmed,
}

/// An INVITE that a peer sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InviteServer {
    pub(crate) key: String,
    pub(crate) cseq: u32,
    pub(crate) phase: ServerPhase,
    /// The fields of the request that its responses repeat; emptied when no further one can follow.
    pub(crate) head: Option<Box<Message>>,
    pub(crate) reply_to: Peer,
    /// The latest response, byte for byte; 100 included.
    #[serde(with = "serde_bytes")]
    pub(crate) last: Vec<u8>,
    /// The INVITE carried no offer, so the ACK carries the answer.
    pub(crate) offerless: bool,
    /// A session description has been given in a response; further ones of this transaction are the same.
    pub(crate) described: bool,
    pub(crate) resend_at: Option<Timestamp>,
    pub(crate) interval: Duration,
    pub(crate) ends_at: Option<Timestamp>,
}

/// Where an INVITE client transaction stands (RFC 3261, 17.1.1; RFC 6026).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClientPhase {
    Calling,
    Proceeding,
    /// A 2xx came.
    Accepted,
    /// Another final response came and is acknowledged.
    Completed,
}

/// Whether an INVITE of ours is to be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cancel {
    No,
    /// As soon as a provisional response allows it.
    Wanted,
    Sent,
}

/// What an INVITE of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum InvitePurpose {
    /// Carries an INVITE of the leg it is connected with; responses go back there.
    Forward,
    /// Calls the target of a transfer.
    Consult,
    /// Connects the transferee with the target of a transfer.
    Bridge,
    /// Puts this side on hold, because a client asked for it on behalf of the other.
    Hold,
    /// Ends such a hold.
    Retrieve,
    /// Tells the side on whose behalf it is done.
    Media,
}

/// An INVITE that this server sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InviteClient {
    pub(crate) branch: String,
    pub(crate) cseq: u32,
    pub(crate) phase: ClientPhase,
    pub(crate) purpose: InvitePurpose,
    /// The whole request as sent; emptied once nothing can need it.
    #[serde(with = "serde_bytes")]
    pub(crate) request: Vec<u8>,
    pub(crate) to: Peer,
    pub(crate) cancel: Cancel,
    /// The ACK, byte for byte, for final responses that come again.
    #[serde(with = "serde_bytes")]
    pub(crate) ack: Vec<u8>,
    pub(crate) resend_at: Option<Timestamp>,
    pub(crate) interval: Duration,
    pub(crate) ends_at: Option<Timestamp>,
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// Request-URI of the INVITE.
    pub(crate) uri: String,
    /// Where it is sent.
    pub(crate) hop: Peer,
    /// Requests always go there, whatever Contact says.
    pub(crate) pinned: bool,
    /// The DN.
    pub(crate) dn: String,
    /// Path of the binding (RFC 3327), sent as Route.
    pub(crate) routes: Vec<String>,
}

/// A call that waits on a Routing Point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parked {
    /// The Routing Point.
    pub(crate) dn: String,
    /// The INVITE that waits, for when it goes on.
    pub(crate) invite: Box<Message>,
    /// When the default DN is tried, or the caller is told that nobody came.
    pub(crate) until: Timestamp,
    /// When the caller hears 180 again, so that no proxy gives up (RFC 3261, 13.3.1.1).
    pub(crate) ring_at: Timestamp,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TransferPhase {
    /// The target is being called.
    Calling,
    /// The transferee is being connected with it.
    Bridging,
    /// Done or failed; the transferor's BYE is awaited.
    Over,
}

/// A REFER that this server carries out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transfer {
    pub(crate) transferor: LegId,
    pub(crate) transferee: LegId,
    pub(crate) target: LegId,
    pub(crate) phase: TransferPhase,
    /// CSeq of the REFER: the event's id, and how a repetition is recognised.
    pub(crate) refer_cseq: u32,
    /// Asked for by a client: nobody wants a NOTIFY.
    #[serde(default)]
    pub(crate) by_client: bool,
    /// The status line to be told, and whether it is the last; gone when the transferor has confirmed it.
    pub(crate) news: Option<(String, bool)>,
    /// The status line of the NOTIFY under way: one at a time, so that none overtakes another.
    pub(crate) telling: Option<String>,
    /// When the subscription ends, or the transferor is released by us.
    pub(crate) expires_at: Timestamp,
    /// When a bridging that met a glare is tried again.
    pub(crate) retry_at: Option<Timestamp>,
}

impl Call {
    pub(crate) fn leg(&self, id: LegId) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.id == id)
    }

    pub(crate) fn leg_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.id == id)
    }

    /// The leg that this one is connected with.
    pub(crate) fn other(&self, id: LegId) -> Option<LegId> {
        let peer = self.leg(id)?.peer?;
        self.leg(peer).map(|leg| leg.id)
    }

    /// True while somebody is still in it.
    pub fn is_up(&self) -> bool {
        self.legs
            .iter()
            .any(|leg| matches!(leg.phase, Phase::Early | Phase::Confirmed))
    }

    /// Every INVITE transaction that has not ended.
    pub(crate) fn transactions(&self) -> usize {
        self.legs
            .iter()
            .map(|leg| leg.servers.len() + leg.clients.len())
            .sum()
    }

    /// The earliest of all its deadlines.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        let servers = self.legs.iter().flat_map(|leg| &leg.servers);
        let clients = self.legs.iter().flat_map(|leg| &leg.clients);
        servers
            .flat_map(|server| [server.resend_at, server.ends_at])
            .chain(clients.flat_map(|client| [client.resend_at, client.ends_at]))
            .chain([self.forget_at, self.audit_at()])
            .chain(
                self.parked
                    .iter()
                    .map(|parked| Some(parked.until.min(parked.ring_at))),
            )
            .chain(
                self.transfer
                    .iter()
                    .flat_map(|transfer| [Some(transfer.expires_at), transfer.retry_at]),
            )
            .flatten()
            .min()
    }

    /// When it is asked about, if it stands.
    pub(crate) fn audit_at(&self) -> Option<Timestamp> {
        let stands = self.legs.iter().any(|leg| leg.phase == Phase::Confirmed);
        stands.then_some(self.audit_at)
    }

    /// Moves every time in it: the clocks of two machines differ.
    pub(crate) fn shift(&mut self, by: i64) {
        let shift = |at: &mut Timestamp| *at = at.shifted(by);
        shift(&mut self.began);
        shift(&mut self.audit_at);
        self.forget_at.iter_mut().for_each(shift);
        for leg in &mut self.legs {
            for server in &mut leg.servers {
                server.resend_at.iter_mut().for_each(shift);
                server.ends_at.iter_mut().for_each(shift);
            }
            for client in &mut leg.clients {
                client.resend_at.iter_mut().for_each(shift);
                client.ends_at.iter_mut().for_each(shift);
            }
        }
        if let Some(parked) = &mut self.parked {
            shift(&mut parked.until);
            shift(&mut parked.ring_at);
        }
        if let Some(transfer) = &mut self.transfer {
            shift(&mut transfer.expires_at);
            transfer.retry_at.iter_mut().for_each(shift);
        }
    }
}

impl Leg {
    /// What an INVITE of the peer is recognised by when it comes on a second way.
    pub(crate) fn origin_of(&self, server: &InviteServer) -> String {
        let tag = self.remote_tag.as_deref();
        crate::transactions::origin(&self.call_id, tag, server.cseq, "INVITE")
    }

    /// True while an INVITE in either direction has no final response.
    pub(crate) fn is_negotiating(&self) -> bool {
        self.awaits_us() || self.awaits_peer()
    }

    /// An INVITE of the peer waits for our final response.
    pub(crate) fn awaits_us(&self) -> bool {
        self.servers
            .iter()
            .any(|server| server.phase == ServerPhase::Proceeding)
    }

    /// An INVITE of ours waits for the peer's final response, or its 2xx for our ACK.
    pub(crate) fn awaits_peer(&self) -> bool {
        self.clients.iter().any(|client| match client.phase {
            ClientPhase::Calling | ClientPhase::Proceeding => true,
            ClientPhase::Accepted => client.ack.is_empty(),
            ClientPhase::Completed => false,
        })
    }

    /// Takes a Contact as the new remote target, and with it where requests go (RFC 3261, 12.2.1.2).
    pub(crate) fn retarget(&mut self, contact: Option<&str>) {
        // What cannot be read by whoever gets it changes nothing.
        let fine = |uri: &&str| *uri == self.target || crate::message::parse::is_request_uri(uri);
        if let Some(contact) = contact.filter(fine) {
            self.target = contact.to_owned();
        }
        if self.pinned {
            return;
        }
        let first = self.routes.first().map(String::as_str);
        let next = first
            .and_then(crate::message::address::uri)
            .unwrap_or(&self.target);
        if let Some(hop) = crate::routing::hop_of(next, self.hop.transport) {
            self.hop = hop;
        }
    }
}
