//! What a SIP Server shows of itself: calls, registrations, the HA link, traffic; and messages as they come and go.
//! The SCS passes it on to operators.

use crate::{RunMode, Timestamp};
use serde::{Deserialize, Serialize};

/// A SIP Server as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipServerPicture {
    /// Who it is.
    pub application: String,
    /// Its run mode.
    pub run_mode: RunMode,
    /// Epoch of the order that gave it its run mode.
    pub epoch: u64,
    /// Both servers of the pair hold the same.
    pub in_step: bool,
    /// Number of the latest change; 0 where nothing is synchronised.
    pub sync_number: u64,
    /// Number of the latest change that the backup has taken.
    pub sync_acknowledged: u64,
    /// Messages that wait for the backup now.
    pub held: u64,
    /// Messages that left before a backup had what stands behind them, since the start.
    pub uncommitted: u64,
    /// Time since the latest SIP message, microseconds; `None` = never heard one.
    pub heard_before_us: Option<u64>,
    /// SIP messages heard as primary, since the start.
    pub heard: u64,
    /// Messages sent, since the start.
    pub sent: u64,
    /// Requests refused without a transaction, since the start.
    pub refused: u64,
    /// Requests dropped in a flood, since the start.
    pub dropped: u64,
    /// Arrivals that were no SIP message, since the start.
    pub junk: u64,
    /// Calls in which somebody still is.
    pub calls: u64,
    /// Addresses of record with a binding.
    pub registrations: u64,
    /// Transactions of either kind and direction.
    pub transactions: u64,
    /// Calls, oldest first; as many as were asked for.
    pub call_list: Vec<SipCallPicture>,
    /// Addresses of record; as many as were asked for.
    pub registration_list: Vec<SipRegistrationPicture>,
}

/// A call as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipCallPicture {
    /// Its key, the same on both servers and in both logs.
    pub key: String,
    /// Time since it began, microseconds.
    pub lasts_us: u64,
    /// Routing Point that it waits on.
    pub parked_on: Option<String>,
    /// A transfer is under way.
    pub in_transfer: bool,
    /// Its parties, two as a rule.
    pub legs: Vec<SipLegPicture>,
}

/// One party of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipLegPicture {
    /// Call-ID of its dialog with the server.
    pub call_id: String,
    /// Its DN.
    pub dn: String,
    /// early, confirmed, ending or ended.
    pub phase: String,
    /// It has put the other side on hold.
    pub holds: bool,
}

/// An address of record as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipRegistrationPicture {
    /// The address of record: a DN.
    pub aor: String,
    /// Where it is.
    pub contacts: Vec<SipContactPicture>,
}

/// Where an address of record is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipContactPicture {
    /// Contact URI.
    pub uri: String,
    /// Time that it has left, milliseconds.
    pub left_ms: u64,
}

/// A SIP message that came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedMessage {
    /// When, by the server's clock.
    pub at: Timestamp,
    /// Sent, or received.
    pub sent: bool,
    /// udp or tcp.
    pub transport: String,
    /// The other end, ADDRESS:PORT.
    pub peer: String,
    /// The message; credentials are left out.
    pub text: String,
    /// Messages before this one that its reader was too slow for.
    pub missed: u64,
}
