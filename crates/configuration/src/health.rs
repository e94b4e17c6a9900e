//! Health checks as written: their endpoints and status codes, and which keys go together.
//!
//! Owns what [`crate::validate`] refuses of a check beyond single keys, and the reading of endpoints that
//! [`crate::decode`] uses as well. What is unwise about a valid check is the rules'.
#![warn(clippy::indexing_slicing)]

use crate::keys::{EndpointKind, PROBES};
use crate::problem::{Collector, Problem};
use crate::tree::Node;
use crate::values::Read;
use changeover_model::environment::{HealthCheck, Hook, SipTransport, StatusRange};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Shortest `every`: more often is a load of its own.
const SHORTEST_EVERY: Duration = Duration::from_millis(100);

/// An endpoint before the host of the application is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint<'t> {
    pub(crate) transport: SipTransport,
    /// `None` = `host`: the address of the application's own host.
    address: Option<IpAddr>,
    port: u16,
    /// `HOST:PORT` as written, for the `Host` header.
    authority: &'t str,
    /// Path with query, of HTTP.
    pub(crate) path: &'t str,
}

impl Endpoint<'_> {
    /// Where it is, for an application on a host with this address.
    pub(crate) fn on(&self, host: IpAddr) -> SocketAddr {
        SocketAddr::new(self.address.unwrap_or(host), self.port)
    }

    /// The `Host` header.
    pub(crate) fn header(&self, host: IpAddr) -> String {
        if self.address.is_none() {
            self.on(host).to_string()
        } else {
            self.authority.to_owned()
        }
    }
}

/// What an endpoint of a kind looks like.
fn form(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Sip => "\"udp:127.0.0.1:5060\" or \"tcp:host:5060\"",
        EndpointKind::Tcp => "\"127.0.0.1:5060\" or \"host:5060\"",
        EndpointKind::Http => "\"http://127.0.0.1:8080/health\"",
    }
}

/// Reads an endpoint.
pub(crate) fn endpoint(node: &Node, kind: EndpointKind) -> Read<Endpoint<'_>> {
    let text = crate::values::text(node)?;
    let refused = |message: String| {
        Problem::new("bad-endpoint", node.span, message).help(format!("write {}", form(kind)))
    };
    let (transport, rest) = match kind {
        EndpointKind::Tcp => (SipTransport::Tcp, text),
        EndpointKind::Sip => match text.split_once(':') {
            Some(("udp", rest)) => (SipTransport::Udp, rest),
            Some(("tcp", rest)) => (SipTransport::Tcp, rest),
            Some(_) | None => {
                return Err(Box::new(refused(format!(
                    "`{text}` does not begin with `udp:` or `tcp:`"
                ))));
            }
        },
        EndpointKind::Http => match text.strip_prefix("http://") {
            Some(rest) => (SipTransport::Tcp, rest),
            None if text.starts_with("https://") => {
                return Err(Box::new(
                    refused("health checks speak HTTP in the clear, not https".to_owned())
                        .note("a command such as curl can check a certificate as well"),
                ));
            }
            None => {
                return Err(Box::new(refused(format!(
                    "`{text}` does not begin with `http://`"
                ))));
            }
        },
    };
    let (authority, path) = match (kind, rest.find('/')) {
        (EndpointKind::Http, Some(at)) => rest.split_at(at),
        (EndpointKind::Http, None) => (rest, "/"),
        (EndpointKind::Sip | EndpointKind::Tcp, _) => (rest, ""),
    };
    if path
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii())
    {
        return Err(Box::new(refused(format!(
            "the path `{path}` holds a blank or a character outside ASCII; write it percent-encoded"
        ))));
    }
    let default = (kind == EndpointKind::Http).then_some(80);
    let (address, port) = place(authority, default).map_err(|message| {
        Box::new(refused(message).note(
            "names are not looked up: a name server that hangs would make the check fail; `host` and `localhost` are known",
        ))
    })?;
    Ok(Endpoint {
        transport,
        address,
        port,
        authority,
        path,
    })
}

/// `ADDRESS:PORT`, `[ADDRESS]:PORT`, `host:PORT`, `localhost:PORT`; the port may be left out if there is a default.
fn place(text: &str, default: Option<u16>) -> Result<(Option<IpAddr>, u16), String> {
    let address = |text: &str| match text {
        "host" => Ok(None),
        "localhost" => Ok(Some(IpAddr::V4(Ipv4Addr::LOCALHOST))),
        text => text
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .map(Some)
            .map_err(|_| format!("`{text}` is no IP address")),
    };
    let has_port = text
        .rsplit_once(':')
        .filter(|(host, _)| !host.contains(':') || (host.starts_with('[') && host.ends_with(']')));
    match (has_port, default) {
        (Some((host, port)), _) => {
            let number = port.parse().ok().filter(|port: &u16| *port > 0);
            let number = number.ok_or_else(|| format!("`{port}` is no port"))?;
            Ok((address(host)?, number))
        }
        (None, Some(port)) => Ok((address(text)?, port)),
        (None, None) => Err(format!("`{text}` has no port")),
    }
}

/// Reads a status code, or a range of them.
pub(crate) fn status_range(node: &Node) -> Read<StatusRange> {
    let text = crate::values::text(node)?;
    let code = |text: &str| {
        text.trim()
            .parse()
            .ok()
            .filter(|code: &u16| (100..=699).contains(code))
    };
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    match (code(from), code(to)) {
        (Some(from), Some(to)) if from <= to => Ok(StatusRange { from, to }),
        _ => Err(Box::new(
            Problem::new(
                "not-a-number",
                node.span,
                format!("`{text}` is no status code and no range of them"),
            )
            .help("write one, as in 200, or a range, as in 200-399"),
        )),
    }
}

/// What of one check does not go together.
pub(crate) fn coherent(node: &Node, problems: &mut Collector) {
    let written: Vec<&str> = PROBES
        .into_iter()
        .filter(|probe| node.get(probe).is_some())
        .collect();
    let probe = match written.as_slice() {
        [one] => *one,
        several => {
            problems.push(not_one_probe(node, several));
            return;
        }
    };
    let belongs: &[(&str, &[&str])] = &[
        ("arguments", &["command"]),
        ("status", &["sip_options", "http"]),
        ("body", &["http"]),
        ("every", &["command", "sip_options", "tcp", "http"]),
        ("timeout", &["command", "sip_options", "tcp", "http"]),
        ("fall", &["command", "sip_options", "tcp", "http"]),
        ("rise", &["command", "sip_options", "tcp", "http"]),
    ];
    for (key, probes) in belongs {
        if let Some(value) = node.get(key).filter(|_| !probes.contains(&probe)) {
            let why = if probe == "link" {
                "carrier is watched, not polled".to_owned()
            } else {
                format!("it belongs to {}", probes.join(" and "))
            };
            problems.push(
                Problem::new(
                    "contradiction",
                    value.span,
                    format!("`{key}` means nothing to a `{probe}` check"),
                )
                .label(why)
                .help("remove it"),
            );
        }
    }
    if let Some(value) = node.get("link").filter(|value| value.items().is_empty()) {
        problems.push(
            Problem::new("missing-key", value.span, "this `link` names no interface")
                .help("write link: [eth0]"),
        );
    }
    let every = node
        .get("every")
        .and_then(|value| Some((value, crate::values::duration(value, true).ok()?)));
    if let Some((value, _)) = every.filter(|(_, every)| *every < SHORTEST_EVERY) {
        problems.push(
            Problem::new(
                "bad-duration",
                value.span,
                "a health check runs at most every 100ms",
            )
            .help("write every: 100ms or more"),
        );
    }
}

fn not_one_probe(node: &Node, written: &[&str]) -> Problem {
    let message = if written.is_empty() {
        "this health check looks at nothing".to_owned()
    } else {
        format!(
            "this health check looks at {} things: {}",
            written.len(),
            written.join(", ")
        )
    };
    let mut problem = Problem::new("not-exactly-one", node.span, message);
    for probe in written.iter().skip(1) {
        if let Some(value) = node.get(probe) {
            problem = problem.related(value.span, "one too many");
        }
    }
    problem.help(format!(
        "write exactly one of {}; several checks stand in a list",
        PROBES.join(", ")
    ))
}

/// What of a list of checks does not go together.
pub(crate) fn coherent_list(items: &[Node], problems: &mut Collector) {
    if let Some(beyond) = items.get(HealthCheck::MOST) {
        problems.push(
            Problem::new(
                "too-many",
                beyond.span,
                format!(
                    "an application has at most {} health checks",
                    HealthCheck::MOST
                ),
            )
            .help("let one command look at several things"),
        );
    }
    let mut seen = std::collections::BTreeMap::new();
    for name in items.iter().filter_map(|item| item.get("name")) {
        let Some(text) = name.text() else { continue };
        if let Some(first) = seen.insert(text, name.span) {
            problems.push(
                Problem::new(
                    "duplicate-key",
                    name.span,
                    format!("two health checks are called `{text}`"),
                )
                .related(first, "the other one")
                .help("give each a name of its own, or none"),
            );
        }
    }
}

/// A list of hooks that is too long.
pub(crate) fn bounded_hooks(items: &[Node], problems: &mut Collector) {
    if let Some(beyond) = items.get(Hook::MOST) {
        problems.push(
            Problem::new(
                "too-many",
                beyond.span,
                format!("a run mode has at most {} hooks", Hook::MOST),
            )
            .help("let one program do several things"),
        );
    }
}
