//! Answers SIP OPTIONS wherever it is asked: all that a program that is played has to say. A pure function of the
//! datagram.

use std::net::SocketAddr;

/// Most header lines of a request that is answered.
const MOST_HEADERS: usize = 256;

/// Who answers.
#[derive(Clone, Debug)]
pub(crate) struct Responder {
    /// Application name, shown in `Server`.
    pub(crate) name: String,
}

impl Responder {
    /// The answer to a datagram, if it deserves one: a request that can be read, and not an ACK.
    pub(crate) fn answer(&self, datagram: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
        let request = Request::read(datagram)?;
        let (code, reason) = match request.method {
            "ACK" => return None,
            "OPTIONS" => (200, "OK"),
            _ => (501, "Not Implemented"),
        };
        Some(self.response(&request, code, reason, from).into_bytes())
    }

    fn response(&self, request: &Request<'_>, code: u16, reason: &str, from: SocketAddr) -> String {
        let mut text = format!("SIP/2.0 {code} {reason}\r\n");
        for (index, via) in request.vias.iter().enumerate() {
            let via = if index == 0 {
                with_source(via, from)
            } else {
                (*via).to_owned()
            };
            text.push_str(&format!("Via: {via}\r\n"));
        }
        let tag = if request.to.to_ascii_lowercase().contains(";tag=") {
            String::new()
        } else {
            format!(";tag={}", self.tag(request))
        };
        text.push_str(&format!(
            "From: {}\r\nTo: {}{tag}\r\n",
            request.from, request.to
        ));
        text.push_str(&format!(
            "Call-ID: {}\r\nCSeq: {}\r\n",
            request.call_id, request.cseq
        ));
        text.push_str("Allow: OPTIONS\r\n");
        if code == 200 {
            text.push_str("Accept: application/sdp\r\n");
        }
        text.push_str(&format!(
            "Server: {}\r\nContent-Length: 0\r\n\r\n",
            self.name
        ));
        text
    }

    /// A tag that is the same for a retransmission: made of what identifies the request.
    fn tag(&self, request: &Request<'_>) -> String {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in self
            .name
            .bytes()
            .chain(request.call_id.bytes())
            .chain(request.cseq.bytes())
        {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("{hash:016x}")
    }
}

/// What of a request an answer repeats (RFC 3261, 8.2.6).
struct Request<'a> {
    method: &'a str,
    vias: Vec<&'a str>,
    from: &'a str,
    to: &'a str,
    call_id: &'a str,
    cseq: &'a str,
}

impl<'a> Request<'a> {
    fn read(datagram: &'a [u8]) -> Option<Self> {
        let end = datagram
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap_or(datagram.len());
        let head = std::str::from_utf8(datagram.get(..end)?).ok()?;
        let mut lines = head.split("\r\n");
        let mut start = lines.next()?.split(' ');
        let (method, _uri, version) = (start.next()?, start.next()?, start.next()?);
        if version != "SIP/2.0" || method.is_empty() || start.next().is_some() {
            return None;
        }
        let mut request = Request {
            method,
            vias: Vec::new(),
            from: "",
            to: "",
            call_id: "",
            cseq: "",
        };
        for line in lines.take(MOST_HEADERS) {
            // A folded line would have to be joined; nobody sends one in a request without a body.
            if line.starts_with([' ', '\t']) {
                return None;
            }
            let (name, value) = line.split_once(':')?;
            request.take(name.trim_end(), value.trim());
        }
        let complete = !request.vias.is_empty()
            && [request.from, request.to, request.call_id, request.cseq]
                .iter()
                .all(|value| !value.is_empty());
        complete.then_some(request)
    }

    fn take(&mut self, name: &str, value: &'a str) {
        match name.to_ascii_lowercase().as_str() {
            "via" | "v" => self.vias.push(value),
            "from" | "f" => self.from = value,
            "to" | "t" => self.to = value,
            "call-id" | "i" => self.call_id = value,
            "cseq" => self.cseq = value,
            _ => {}
        }
    }
}

/// The topmost Via with where the request really came from: `received`, and a value for an asked `rport`
/// (RFC 3261, 18.2.1; RFC 3581).
fn with_source(via: &str, from: SocketAddr) -> String {
    let mut filled = String::new();
    let mut asked = false;
    for (index, part) in via.split(';').enumerate() {
        if index > 0 {
            filled.push(';');
        }
        if part.trim().eq_ignore_ascii_case("rport") {
            asked = true;
            filled.push_str(&format!("rport={}", from.port()));
        } else {
            filled.push_str(part);
        }
    }
    let source = from.ip().to_string();
    if asked || !via.contains(&source) {
        filled.push_str(&format!(";received={source}"));
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[u8] = b"OPTIONS sip:10.10.11.103 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 10.10.11.50:5060;branch=z9hG4bK-7;rport\r\n\
        Max-Forwards: 70\r\nf: <sip:probe@10.10.11.50>;tag=1\r\nTo: <sip:10.10.11.103>\r\n\
        Call-ID: 7@10.10.11.50\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n";

    fn responder() -> Responder {
        Responder {
            name: "SIP_SERVER_PRIMARY".to_owned(),
        }
    }

    fn from() -> SocketAddr {
        "10.10.11.50:40000".parse().expect("an address")
    }

    #[test]
    fn options_are_answered_with_what_the_request_carried() {
        let answer = responder().answer(OPTIONS, from()).expect("it answers");
        assert_eq!(
            String::from_utf8(answer).expect("text"),
            "SIP/2.0 200 OK\r\n\
             Via: SIP/2.0/UDP 10.10.11.50:5060;branch=z9hG4bK-7;rport=40000;received=10.10.11.50\r\n\
             From: <sip:probe@10.10.11.50>;tag=1\r\n\
             To: <sip:10.10.11.103>;tag=4b94eed75c239ab3\r\n\
             Call-ID: 7@10.10.11.50\r\nCSeq: 7 OPTIONS\r\nAllow: OPTIONS\r\nAccept: application/sdp\r\n\
             Server: SIP_SERVER_PRIMARY\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn what_is_no_request_is_not_answered() {
        let played = responder();
        for noise in [
            &b""[..],
            b"\r\n\r\n",
            b"SIP/2.0 200 OK\r\n\r\n",
            b"OPTIONS sip:x SIP/2.0\r\n\r\n",
            b"\xff\xfe",
        ] {
            assert_eq!(played.answer(noise, from()), None, "{noise:?}");
        }
    }

    #[test]
    fn another_method_is_answered_as_not_implemented_and_an_ack_not_at_all() {
        let invite = String::from_utf8_lossy(OPTIONS).replace("OPTIONS", "INVITE");
        let answer = responder()
            .answer(invite.as_bytes(), from())
            .expect("it answers");
        assert!(answer.starts_with(b"SIP/2.0 501 Not Implemented\r\n"));
        let ack = String::from_utf8_lossy(OPTIONS).replace("OPTIONS", "ACK");
        assert_eq!(responder().answer(ack.as_bytes(), from()), None);
    }
}
