//! Session descriptions as this server needs them: media pass untouched, the `o=` line is the server's own, since
//! each leg must see one origin whose version rises, also after a transfer or a takeover (RFC 3264, 5 and 8).

use crate::message::address::host_text;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The origin that one leg is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Session id, fixed for the leg.
    id: u64,
    /// Version shown last.
    version: u64,
    /// What was shown last, without its `o=`.
    #[serde(with = "serde_bytes")]
    shown: Vec<u8>,
}

impl Origin {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            id,
            version: 0,
            shown: Vec::new(),
        }
    }

    /// The description with this leg's origin. The version rises when the content differs from what was shown, and
    /// with every new offer or answer (`again`).
    pub(crate) fn shown_as(&mut self, sdp: &[u8], at: IpAddr, again: bool) -> Vec<u8> {
        let (content, position) = without_origin(sdp);
        if again || content != self.shown || self.version == 0 {
            self.version += 1;
            self.shown.clone_from(&content);
        }
        let family = if at.is_ipv4() { "IP4" } else { "IP6" };
        let host = host_text(at);
        let host = host.trim_matches(['[', ']']);
        let line = format!(
            "o=changeover {} {} IN {family} {host}\r\n",
            self.id, self.version
        );
        let mut shown = content;
        shown.splice(position..position, line.into_bytes());
        shown
    }

    /// Never issue a version again that a predecessor may have shown.
    pub(crate) fn jump(&mut self, by: u64) {
        self.version += by;
    }
}

/// The description without its `o=` line, and where that stood.
fn without_origin(sdp: &[u8]) -> (Vec<u8>, usize) {
    let mut content = Vec::with_capacity(sdp.len() + 40);
    let mut position = None;
    for line in sdp.split_inclusive(|byte| *byte == b'\n') {
        if position.is_none() && line.starts_with(b"o=") {
            position = Some(content.len());
        } else {
            content.extend_from_slice(line);
        }
    }
    // Behind v=, where it belongs, if there was none.
    let position = position.unwrap_or_else(|| {
        content
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1)
    });
    (content, position)
}

/// The description with every direction `sendrecv`: what a party is offered that comes to a call on hold.
pub(crate) fn both_ways(sdp: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(sdp.len());
    for line in sdp.split_inclusive(|byte| *byte == b'\n') {
        let bare = line.trim_ascii_end();
        if matches!(bare, b"a=sendonly" | b"a=recvonly" | b"a=inactive") {
            text.extend_from_slice(b"a=sendrecv\r\n");
        } else {
            text.extend_from_slice(line);
        }
    }
    text
}

/// The description with this direction for every medium.
pub(crate) fn directed(sdp: &[u8], direction: &str) -> Vec<u8> {
    let line = format!("a={direction}\r\n").into_bytes();
    let mut text = Vec::with_capacity(sdp.len() + line.len());
    let mut in_medium = false;
    for it in sdp.split_inclusive(|byte| *byte == b'\n') {
        let bare = it.trim_ascii_end();
        if matches!(
            bare,
            b"a=sendonly" | b"a=recvonly" | b"a=inactive" | b"a=sendrecv"
        ) {
            continue;
        }
        if bare.starts_with(b"m=") && std::mem::replace(&mut in_medium, true) {
            text.extend_from_slice(&line);
        }
        text.extend_from_slice(it);
    }
    if in_medium {
        if !text.ends_with(b"\n") {
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(&line);
    }
    text
}

/// How a description says that media do not flow both ways.
pub(crate) fn is_hold(sdp: &[u8]) -> bool {
    sdp.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .any(|line| matches!(line, b"a=sendonly" | b"a=inactive" | b"c=IN IP4 0.0.0.0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &[u8] = b"v=0\r\no=sipp 1 7 IN IP4 1.2.3.4\r\ns=-\r\na=sendonly\r\n";

    #[test]
    fn a_leg_sees_one_origin_whose_version_rises() {
        let mut origin = Origin::new(42);
        let at = IpAddr::from([10, 0, 0, 3]);
        let first = origin.shown_as(SDP, at, false);
        assert_eq!(
            String::from_utf8_lossy(&first),
            "v=0\r\no=changeover 42 1 IN IP4 10.0.0.3\r\ns=-\r\na=sendonly\r\n"
        );
        assert_eq!(origin.shown_as(SDP, at, false), first, "the same again");
        let other = origin.shown_as(&both_ways(SDP), at, false);
        assert!(String::from_utf8_lossy(&other).contains("o=changeover 42 2 "));
        assert!(is_hold(SDP) && !is_hold(&other));
    }

    #[test]
    fn every_medium_gets_the_direction_and_none_keeps_its_own() {
        let sdp = b"v=0\r\na=sendrecv\r\nm=audio 1 RTP/AVP 0\r\na=recvonly\r\nm=video 2 RTP/AVP 31\r\na=x";
        assert_eq!(
            String::from_utf8_lossy(&directed(sdp, "inactive")),
            "v=0\r\nm=audio 1 RTP/AVP 0\r\na=inactive\r\nm=video 2 RTP/AVP 31\r\na=x\r\na=inactive\r\n"
        );
    }
}
