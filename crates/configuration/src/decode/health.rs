//! Health checks and hooks of an application.

use super::Reader;
use crate::health;
use crate::keys::EndpointKind;
use crate::tree::{Kind, Node};
use changeover_model::environment::{
    HealthCheck, Hook, HookFailure, HookTime, Probe, SipTransport, StatusRange,
};
use std::net::IpAddr;

/// The checks of an application on a host with this address, with names of their own.
pub(super) fn checks(node: Option<&Node>, host: IpAddr) -> Vec<HealthCheck> {
    let items = node.map_or(&[][..], Node::items);
    let mut checks: Vec<HealthCheck> = Vec::new();
    for item in items.iter().take(HealthCheck::MOST) {
        let Some(mut check) = check(Reader::of(item), host) else {
            continue;
        };
        let wanted = check.name.clone();
        let mut number = 2;
        while checks.iter().any(|other| other.name == check.name) {
            check.name = format!("{wanted} ({number})");
            number += 1;
        }
        checks.push(check);
    }
    checks
}

fn check(reader: Reader<'_>, host: IpAddr) -> Option<HealthCheck> {
    let (probe, looks_at) = probe(reader, host)?;
    Some(HealthCheck {
        name: reader.text("name").map_or(looks_at, str::to_owned),
        probe,
        every: reader.duration("every", HealthCheck::EVERY),
        timeout: reader.duration("timeout", HealthCheck::TIMEOUT),
        fall: reader.count("fall", HealthCheck::FALL),
        rise: reader.count("rise", HealthCheck::RISE),
    })
}

/// What is looked at, and a name for it.
fn probe(reader: Reader<'_>, host: IpAddr) -> Option<(Probe, String)> {
    let status = |default: StatusRange| {
        reader
            .node
            .get("status")
            .and_then(|node| health::status_range(node).ok())
            .unwrap_or(default)
    };
    let endpoint = |key: &str, kind: EndpointKind| {
        reader
            .node
            .get(key)
            .and_then(|node| health::endpoint(node, kind).ok())
    };
    if let Some(command) = reader.text("command") {
        let short = command.rsplit('/').next().unwrap_or(command);
        let probe = Probe::Command {
            command: command.to_owned(),
            arguments: reader.texts("arguments"),
        };
        return Some((probe, format!("command {short}")));
    }
    if let Some(sip) = endpoint("sip_options", EndpointKind::Sip) {
        let address = sip.on(host);
        let word = match sip.transport {
            SipTransport::Udp => "udp",
            SipTransport::Tcp => "tcp",
        };
        let probe = Probe::SipOptions {
            transport: sip.transport,
            address,
            status: status(StatusRange::SIP_FINAL),
        };
        return Some((probe, format!("sip_options {word}:{address}")));
    }
    if let Some(tcp) = endpoint("tcp", EndpointKind::Tcp) {
        let address = tcp.on(host);
        return Some((Probe::Tcp { address }, format!("tcp {address}")));
    }
    if let Some(http) = endpoint("http", EndpointKind::Http) {
        let address = http.on(host);
        let probe = Probe::Http {
            address,
            host: http.header(host),
            path: http.path.to_owned(),
            status: status(StatusRange::HTTP_SUCCESS),
            body: reader.text("body").map(str::to_owned),
        };
        return Some((probe, format!("http {address}{}", http.path)));
    }
    let interfaces = reader.texts("link");
    let name = format!("link {}", interfaces.join(" "));
    (!interfaces.is_empty()).then_some((Probe::Link { interfaces }, name))
}

/// One hook, or a list of them.
pub(super) fn hooks(node: Option<&Node>) -> Vec<Hook> {
    let Some(node) = node else {
        return Vec::new();
    };
    let several = match &node.kind {
        Kind::List(items) => items.as_slice(),
        Kind::Map(_) | Kind::Null | Kind::Scalar { .. } => std::slice::from_ref(node),
    };
    several
        .iter()
        .take(Hook::MOST)
        .filter_map(|item| hook(Reader::of(item)))
        .collect()
}

fn hook(reader: Reader<'_>) -> Option<Hook> {
    Some(Hook {
        command: reader.text("command")?.to_owned(),
        arguments: reader.texts("arguments"),
        timeout: reader.duration("timeout", Hook::TIMEOUT),
        when: match reader.text("when") {
            Some("before") => HookTime::Before,
            _ => HookTime::After,
        },
        on_failure: match reader.text("on_failure") {
            Some("roll-back") => HookFailure::RollBack,
            _ => HookFailure::Alarm,
        },
    })
}
