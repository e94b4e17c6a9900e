//! Reads bytes into a [`Message`]: the only file that knows the parser crate. Owns what is refused and with which
//! code; who gets told is `core.rs`. The parser indexes nothing without a bound and its one `unreachable!` follows
//! the match that rules it out; a property test feeds it arbitrary bytes.

use super::address::split_list;
use super::{Header, Message, Start};
use bytes::Bytes;
use sipx_sip::{Finding, Limits};

/// Longest message read, in bytes; a datagram is never longer.
pub(crate) const LONGEST: usize = 65_535;

/// What bytes turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A message that may be acted on.
    Good(Message),
    /// A request that can be answered, with this code, and nothing else (RFC 3261, 8.2 and 16.3).
    Refused(Message, u16, &'static str),
    /// Nothing that could be answered.
    Junk,
}

/// Reads one message.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    let limits = Limits {
        max_message_bytes: LONGEST,
        max_body_bytes: LONGEST,
        max_headers: 256,
        max_header_bytes: 8 * 1024,
        max_folding_lines: 16,
    };
    let start = bytes
        .iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n'))
        .unwrap_or(bytes.len());
    let bytes = Bytes::copy_from_slice(bytes.get(start..).unwrap_or_default());
    let Ok(parsed) = sipx_sip::parse_datagram(bytes, &limits) else {
        return Parsed::Junk;
    };
    let Some(message) = converted(&parsed) else {
        return Parsed::Junk;
    };
    let findings: Vec<Finding> = sipx_sip::validate(&parsed)
        .into_iter()
        // RFC 3261, 16.6 step 3: whoever forwards may add it; phones of the time before leave it out.
        .filter(|finding| !finding.is_repairable())
        .collect();
    judged(message, &findings)
}

/// True for a URI that can stand in the first line of a request: whoever gets it must be able to read that.
pub(crate) fn is_request_uri(uri: &str) -> bool {
    let request = format!(
        "OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n\
         Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    super::address::is_sendable(uri) && matches!(parse(request.as_bytes()), Parsed::Good(_))
}

fn judged(message: Message, findings: &[Finding]) -> Parsed {
    let answerable = message.method().is_some_and(|method| method != "ACK")
        && ["Via", "From", "To", "Call-ID", "CSeq"]
            .iter()
            .all(|name| message.get(name).is_some());
    let trouble = if findings.contains(&Finding::UnsupportedVersion) {
        Some((505, "Version Not Supported"))
    } else if !findings.is_empty() {
        Some((400, "Bad Request"))
    } else if message.cseq().is_none() {
        Some((400, "Bad CSeq"))
    } else if message.method().is_some() && message.from_tag().is_none() {
        // RFC 2543 knew requests without one; a dialog cannot be told from another without it.
        Some((400, "From Tag Missing"))
    } else {
        None
    };
    match trouble {
        None => Parsed::Good(message),
        Some((code, reason)) if answerable => Parsed::Refused(message, code, reason),
        Some(_) => Parsed::Junk,
    }
}

fn converted(parsed: &sipx_sip::Message) -> Option<Message> {
    let start = match parsed {
        sipx_sip::Message::Request(request) => Start::Request {
            method: text(request.method.as_bytes())?,
            uri: text(&request.uri.to_bytes())?,
        },
        sipx_sip::Message::Response(response) => Start::Response {
            code: response.status.code(),
            reason: text(&response.reason)?,
        },
    };
    let mut headers = Vec::with_capacity(16);
    for header in parsed.headers().iter() {
        let name = text(header.name().canonical())?;
        let value = text(header.value().as_ref())?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("Content-Length") {
            continue;
        }
        if LISTS.iter().any(|list| name.eq_ignore_ascii_case(list)) {
            headers.extend(split_list(value).map(|value| Header {
                name: name.clone(),
                value: value.to_owned(),
            }));
        } else {
            headers.push(Header {
                name,
                value: value.to_owned(),
            });
        }
    }
    Some(Message {
        start,
        headers,
        body: parsed.body().to_vec(),
    })
}

const LISTS: [&str; 4] = ["Via", "Route", "Record-Route", "Contact"];

/// Text that may stand in a header: no end of a line, so that nothing a peer sends can add a line to what we
/// send on.
fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let clean = !text.contains(['\r', '\n']);
    clean.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:10.10.11.103 SIP/2.0\r\n\
        v: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2\r\n\
        f: <sip:x@y>;tag=1\r\nTo: <sip:z>\r\ni: 7@y\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n";

    #[test]
    fn compact_forms_and_lists_are_read_and_a_missing_max_forwards_is_forgiven() {
        let Parsed::Good(message) = parse(OPTIONS.as_bytes()) else {
            panic!("a good message");
        };
        assert_eq!(
            message.all("Via").collect::<Vec<_>>(),
            [
                "SIP/2.0/UDP a;branch=z9hG4bK1",
                "SIP/2.0/UDP b;branch=z9hG4bK2"
            ]
        );
        assert_eq!((message.call_id(), message.from_tag()), ("7@y", Some("1")));
    }

    #[test]
    fn what_can_be_answered_is_refused_with_a_code_and_the_rest_is_junk() {
        for (from, to, code) in [
            ("SIP/2.0\r\nv", "SIP/7.0\r\nv", Some(505)),
            ("7 OPTIONS", "7 INVITE", Some(400)),
            ("7 OPTIONS", "9999999999 OPTIONS", Some(400)),
            (";tag=1", "", Some(400)),
            ("i: 7@y\r\n", "", None),
            ("Content-Length: 0", "Content-Length: 9", None),
        ] {
            let refused = match parse(OPTIONS.replacen(from, to, 1).as_bytes()) {
                Parsed::Good(_) => panic!("{from} -> {to} is not good"),
                Parsed::Refused(_, code, _) => Some(code),
                Parsed::Junk => None,
            };
            assert_eq!(refused, code, "{from} -> {to}");
        }
    }
}
