//! Owns reading and completing of Via: branch, sent-by, where a response goes (RFC 3261, 18.2; RFC 3581).

use super::address::{host_text, split_port};
use crate::net::{Peer, Transport};
use std::net::{IpAddr, SocketAddr};

/// What every branch of RFC 3261 begins with.
pub(crate) const COOKIE: &str = "z9hG4bK";

/// The parts of a Via value that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Via<'a> {
    /// `host[:port]` of the sender.
    pub(crate) sent_by: &'a str,
    /// Parameters, with their leading semicolon.
    params: &'a str,
}

impl<'a> Via<'a> {
    /// Reads a single Via value.
    pub(crate) fn read(value: &'a str) -> Option<Self> {
        let (head, params) = match value.find(';') {
            Some(at) => (value.get(..at)?, value.get(at..)?),
            None => (value, ""),
        };
        let sent_by = head.split_ascii_whitespace().last()?;
        Some(Self { sent_by, params })
    }

    /// Value of a parameter; empty if it stands without one.
    pub(crate) fn param(&self, name: &str) -> Option<&'a str> {
        self.params
            .split(';')
            .skip(1)
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// The branch.
    pub(crate) fn branch(&self) -> Option<&'a str> {
        self.param("branch").filter(|branch| !branch.is_empty())
    }
}

/// The topmost Via of a request with where it came from written into it.
pub(crate) fn with_source(value: &str, from: SocketAddr) -> String {
    let Some(via) = Via::read(value) else {
        return value.to_owned();
    };
    let asked = via.param("rport").is_some();
    let ip = from.ip().to_string();
    let mut filled = String::with_capacity(value.len() + 40);
    for (index, part) in value.split(';').enumerate() {
        let name = part.split('=').next().unwrap_or_default().trim();
        if index > 0 && name.eq_ignore_ascii_case("received") {
            continue;
        }
        if index > 0 {
            filled.push(';');
        }
        if index > 0 && name.eq_ignore_ascii_case("rport") {
            filled.push_str(&format!("rport={}", from.port()));
        } else {
            filled.push_str(part);
        }
    }
    let same = split_port(via.sent_by).is_some_and(|(host, _)| host == ip);
    if asked || !same {
        filled.push_str(&format!(";received={ip}"));
    }
    filled
}

/// Where the response to a request goes, by its topmost Via as [`with_source`] left it.
pub(crate) fn response_target(value: &str, transport: Transport, from: SocketAddr) -> Peer {
    let to = |address| Peer { transport, address };
    if transport == Transport::Tcp {
        return to(from);
    }
    let Some(via) = Via::read(value) else {
        return to(from);
    };
    if via.param("rport").is_some() {
        return to(from);
    }
    let port = split_port(via.sent_by)
        .and_then(|(_, port)| port)
        .unwrap_or(super::address::SIP_PORT);
    to(SocketAddr::new(from.ip(), port))
}

/// A Via of our own.
pub(crate) fn own(transport: Transport, sent_by: SocketAddr, branch: &str) -> String {
    let (ip, port): (IpAddr, u16) = (sent_by.ip(), sent_by.port());
    format!(
        "SIP/2.0/{} {}:{port};branch={branch};rport",
        transport.name(),
        host_text(ip)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(via: &str) -> (String, SocketAddr) {
        let from: SocketAddr = "10.0.0.9:40000".parse().expect("an address");
        let filled = with_source(via, from);
        let to = response_target(&filled, Transport::Udp, from);
        (filled, to.address)
    }

    #[test]
    fn responses_go_to_the_port_of_the_via_unless_rport_was_asked_for() {
        let asked = filled("SIP/2.0/UDP 10.0.0.9:5070;rport;branch=z9hG4bK1");
        assert_eq!(
            asked.0,
            "SIP/2.0/UDP 10.0.0.9:5070;rport=40000;branch=z9hG4bK1;received=10.0.0.9"
        );
        assert_eq!(asked.1.port(), 40_000);
        let plain = filled("SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bK1");
        assert_eq!(plain.0, "SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bK1");
        assert_eq!(plain.1.port(), 5070);
        let named = filled("SIP/2.0/UDP phone;branch=z9hG4bK1");
        assert_eq!(
            named.0,
            "SIP/2.0/UDP phone;branch=z9hG4bK1;received=10.0.0.9"
        );
        assert_eq!(named.1.port(), 5060);
    }
}
