//! What SIP Servers show of themselves.

use changeover_model::message::{
    SipCallPicture, SipContactPicture, SipLegPicture, SipRegistrationPicture, SipServerPicture,
    TracedMessage,
};
use changeover_model::{RunMode, Timestamp};

pub(crate) fn sip_servers() -> Vec<SipServerPicture> {
    let bare = SipServerPicture {
        application: "SIP_SERVER_BACKUP".to_owned(),
        run_mode: RunMode::Backup,
        epoch: 0,
        in_step: false,
        sync_number: 0,
        sync_acknowledged: 0,
        held: 0,
        uncommitted: 0,
        heard_before_us: None,
        heard: 0,
        sent: 0,
        refused: 0,
        dropped: 0,
        junk: 0,
        calls: 0,
        registrations: 0,
        transactions: 0,
        call_list: Vec::new(),
        registration_list: Vec::new(),
    };
    let full = SipServerPicture {
        run_mode: RunMode::Primary,
        epoch: 1,
        in_step: true,
        sync_number: 2,
        sync_acknowledged: 3,
        held: 4,
        uncommitted: 5,
        heard_before_us: Some(6),
        heard: 7,
        sent: 8,
        refused: 9,
        dropped: 10,
        junk: 11,
        calls: 12,
        registrations: 13,
        transactions: 14,
        call_list: vec![SipCallPicture {
            key: "a-1-1".to_owned(),
            lasts_us: 15,
            parked_on: Some("2000".to_owned()),
            in_transfer: true,
            legs: vec![SipLegPicture {
                call_id: "x@y".to_owned(),
                dn: "1001".to_owned(),
                phase: "early".to_owned(),
                holds: true,
            }],
        }],
        registration_list: vec![SipRegistrationPicture {
            aor: "1001".to_owned(),
            contacts: vec![SipContactPicture {
                uri: "sip:1001@10.0.0.1".to_owned(),
                left_ms: 16,
            }],
        }],
        ..bare.clone()
    };
    vec![bare, full]
}

pub(crate) fn traced_messages() -> Vec<TracedMessage> {
    vec![TracedMessage {
        at: Timestamp(17),
        sent: true,
        transport: "udp".to_owned(),
        peer: "10.0.0.1:5060".to_owned(),
        text: "BYE sip:x SIP/2.0\r\n\r\n".to_owned(),
        missed: 18,
    }]
}
