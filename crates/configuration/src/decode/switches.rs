//! Switch objects: DNs and the routing table, and whether what they name is there.

use super::{Reader, contradiction};
use crate::problem::Collector;
use crate::tree::{Entry, Node};
use crate::values;
use changeover_model::environment::{Dn, DnKind, Route, Switch};
use indexmap::IndexMap;
use std::net::IpAddr;

/// A Switch.
pub(super) fn switch(entry: &Entry, problems: &mut Collector) -> Switch {
    let dns: IndexMap<String, Dn> = entry
        .value
        .get("dns")
        .map_or(&[][..], Node::entries)
        .iter()
        .map(|entry| (entry.key.clone(), dn(entry, problems)))
        .collect();
    let lines = entry.value.get("routes").map_or(&[][..], Node::items);
    let routes = lines
        .iter()
        .map(|line| route(Reader::of(line), &dns, problems))
        .collect();
    let named = entry.value.get("dns").map_or(&[][..], Node::entries);
    for entry in named {
        let reader = Reader::of(&entry.value);
        let default = reader.text("default_dn");
        if let Some(missing) = default.filter(|it| !dns.contains_key(*it)) {
            problems.push(
                contradiction(
                    reader.span("default_dn"),
                    format!("there is no DN {missing} in this switch"),
                )
                .help("name a DN of the same switch, or remove default_dn"),
            );
        }
    }
    Switch { dns, routes }
}

fn dn(entry: &Entry, problems: &mut Collector) -> Dn {
    let reader = Reader::of(&entry.value);
    let kind = match reader.text("type") {
        Some("trunk") => DnKind::Trunk,
        Some("routing_point") => DnKind::RoutingPoint,
        Some(_) | None => DnKind::Extension,
    };
    let time = |key: &str| values::option_duration(reader.node.get(key)?).ok();
    let contact = reader.text("contact");
    if let Some(contact) = contact.filter(|contact| !is_sip_address(contact)) {
        problems.push(
            contradiction(
                reader.span("contact"),
                format!("`{contact}` is no SIP URI with an address"),
            )
            .help("write it as sip:10.10.11.50:5060; names are not looked up"),
        );
    }
    let needs_contact = match kind {
        DnKind::Trunk => Some("a trunk"),
        DnKind::Extension | DnKind::RoutingPoint => {
            time("oos-check").map(|_| "a DN with `oos-check`")
        }
    };
    if let Some(what) = needs_contact.filter(|_| contact.is_none()) {
        problems.push(
            contradiction(entry.key_span, format!("{what} needs a `contact`"))
                .help("write contact: sip:ADDRESS:PORT"),
        );
    }
    Dn {
        kind,
        contact: contact.map(str::to_owned),
        password: reader.text("password").map(str::to_owned),
        oos_check: time("oos-check"),
        oos_force: time("oos-force"),
        default_dn: reader.text("default_dn").map(str::to_owned),
        park_timeout: reader
            .node
            .get("park_timeout")
            .and_then(|node| values::duration(node, true).ok()),
    }
}

fn route(line: Reader<'_>, dns: &IndexMap<String, Dn>, problems: &mut Collector) -> Route {
    let trunk = line.owned("trunk");
    let is_trunk = dns.get(&trunk).is_some_and(|dn| dn.kind == DnKind::Trunk);
    if !trunk.is_empty() && !is_trunk {
        problems.push(
            contradiction(
                line.span("trunk"),
                format!("`{trunk}` is no trunk of this switch"),
            )
            .help(format!(
                "add {trunk}: {{type: trunk, contact: sip:ADDRESS}} to dns"
            )),
        );
    }
    Route {
        prefix: line.owned("prefix"),
        trunk,
        strip: line.boolean("strip").unwrap_or(false),
    }
}

/// `sip:[user@]ADDRESS[:port][;parameters]`.
fn is_sip_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("sip:") else {
        return false;
    };
    let place = rest.rsplit('@').next().unwrap_or(rest);
    let place = place.split(';').next().unwrap_or(place);
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => return false,
        },
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    host.parse::<IpAddr>().is_ok() && port.is_none_or(|port| port.parse::<u16>().is_ok())
}
