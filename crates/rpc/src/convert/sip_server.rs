//! The HA link between the two SIP Servers of a pair: frames whose content is theirs alone. And what a SIP Server
//! shows of itself.

use super::ConvertError;
use super::fields::{list, name, prose, to_list};
use crate::wire;
use changeover_model::message::{
    SipCallPicture, SipContactPicture, SipLegPicture, SipRegistrationPicture, SipServerPicture,
    TracedMessage,
};
use changeover_model::{RunMode, Timestamp};

/// Several messages of the HA link, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncFrame {
    /// How they are encoded.
    pub format: u32,
    /// The messages.
    pub messages: Vec<u8>,
}

impl From<SyncFrame> for wire::SyncFrame {
    fn from(frame: SyncFrame) -> Self {
        Self {
            format: frame.format,
            messages: frame.messages,
        }
    }
}

impl TryFrom<wire::SyncFrame> for SyncFrame {
    type Error = ConvertError;
    fn try_from(frame: wire::SyncFrame) -> Result<Self, ConvertError> {
        Ok(Self {
            format: frame.format,
            messages: frame.messages,
        })
    }
}

impl From<SipServerPicture> for wire::ShowSipReply {
    fn from(it: SipServerPicture) -> Self {
        Self {
            application: it.application,
            run_mode: it.run_mode.as_str().to_owned(),
            calls: it.calls,
            registrations: it.registrations,
            transactions: it.transactions,
            in_step: it.in_step,
            sync_number: it.sync_number,
            sync_acknowledged: it.sync_acknowledged,
            uncommitted: it.uncommitted,
            heard_before_us: it.heard_before_us,
            heard: it.heard,
            sent: it.sent,
            refused: it.refused,
            dropped: it.dropped,
            junk: it.junk,
            list: to_list(it.call_list),
            epoch: it.epoch,
            held: it.held,
            registered: to_list(it.registration_list),
        }
    }
}

impl TryFrom<wire::ShowSipReply> for SipServerPicture {
    type Error = ConvertError;
    fn try_from(it: wire::ShowSipReply) -> Result<Self, ConvertError> {
        let run_mode = RunMode::ALL
            .iter()
            .copied()
            .find(|mode| mode.as_str() == it.run_mode);
        Ok(Self {
            application: name("ShowSipReply.application", it.application)?,
            // A word of a newer release.
            run_mode: run_mode.unwrap_or(RunMode::Unknown),
            epoch: it.epoch,
            in_step: it.in_step,
            sync_number: it.sync_number,
            sync_acknowledged: it.sync_acknowledged,
            held: it.held,
            uncommitted: it.uncommitted,
            heard_before_us: it.heard_before_us,
            heard: it.heard,
            sent: it.sent,
            refused: it.refused,
            dropped: it.dropped,
            junk: it.junk,
            calls: it.calls,
            registrations: it.registrations,
            transactions: it.transactions,
            call_list: list("ShowSipReply.list", it.list)?,
            registration_list: list("ShowSipReply.registered", it.registered)?,
        })
    }
}

impl From<SipCallPicture> for wire::SipCall {
    fn from(it: SipCallPicture) -> Self {
        Self {
            key: it.key,
            lasts_us: it.lasts_us,
            legs: to_list(it.legs),
            parked_on: it.parked_on.unwrap_or_default(),
            in_transfer: it.in_transfer,
        }
    }
}

impl TryFrom<wire::SipCall> for SipCallPicture {
    type Error = ConvertError;
    fn try_from(it: wire::SipCall) -> Result<Self, ConvertError> {
        Ok(Self {
            key: name("SipCall.key", it.key)?,
            lasts_us: it.lasts_us,
            parked_on: Some(prose(it.parked_on)).filter(|dn| !dn.is_empty()),
            in_transfer: it.in_transfer,
            legs: list("SipCall.legs", it.legs)?,
        })
    }
}

impl From<SipLegPicture> for wire::SipLeg {
    fn from(it: SipLegPicture) -> Self {
        Self {
            call_id: it.call_id,
            dn: it.dn,
            phase: it.phase,
            holds: it.holds,
        }
    }
}

impl TryFrom<wire::SipLeg> for SipLegPicture {
    type Error = ConvertError;
    fn try_from(it: wire::SipLeg) -> Result<Self, ConvertError> {
        // What a phone chose: as long as it likes, and perhaps empty.
        Ok(Self {
            call_id: prose(it.call_id),
            dn: prose(it.dn),
            phase: prose(it.phase),
            holds: it.holds,
        })
    }
}

impl From<SipRegistrationPicture> for wire::SipRegistration {
    fn from(it: SipRegistrationPicture) -> Self {
        Self {
            aor: it.aor,
            contacts: to_list(it.contacts),
        }
    }
}

impl TryFrom<wire::SipRegistration> for SipRegistrationPicture {
    type Error = ConvertError;
    fn try_from(it: wire::SipRegistration) -> Result<Self, ConvertError> {
        Ok(Self {
            aor: prose(it.aor),
            contacts: list("SipRegistration.contacts", it.contacts)?,
        })
    }
}

impl From<SipContactPicture> for wire::SipContact {
    fn from(it: SipContactPicture) -> Self {
        Self {
            uri: it.uri,
            left_ms: it.left_ms,
        }
    }
}

impl TryFrom<wire::SipContact> for SipContactPicture {
    type Error = ConvertError;
    fn try_from(it: wire::SipContact) -> Result<Self, ConvertError> {
        Ok(Self {
            uri: prose(it.uri),
            left_ms: it.left_ms,
        })
    }
}

impl From<TracedMessage> for wire::TracedMessage {
    fn from(it: TracedMessage) -> Self {
        Self {
            at_us: it.at.0,
            sent: it.sent,
            transport: it.transport,
            peer: it.peer,
            text: it.text,
            missed: it.missed,
        }
    }
}

impl TryFrom<wire::TracedMessage> for TracedMessage {
    type Error = ConvertError;
    fn try_from(it: wire::TracedMessage) -> Result<Self, ConvertError> {
        Ok(Self {
            at: Timestamp(it.at_us),
            sent: it.sent,
            transport: prose(it.transport),
            peer: prose(it.peer),
            text: prose(it.text),
            missed: it.missed,
        })
    }
}
