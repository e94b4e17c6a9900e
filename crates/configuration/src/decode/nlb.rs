//! The NLB cluster of a pair: what is written, completed by the guide's parameters (FACTS 5).
//!
//! Owns what its keys mean together: ids that are unique, ranges that do not overlap. Whether the site's prerequisites are
//! met is for the rules.

use super::{Reader, contradiction};
use crate::problem::{Collector, Problem};
use crate::tree::{Entry, Node};
use changeover_model::environment::{NlbCluster, NlbPortRule};
use changeover_model::{
    HostName, NlbAffinity, NlbFiltering, NlbMode, NlbProtocol, NlbState, Takeover,
};
use indexmap::IndexMap;

/// The SIP port where the file does not say one.
const SIP_PORT: u16 = 5060;

/// The cluster of a pair whose takeover is by one.
pub(super) fn cluster(
    pair: &Entry,
    takeover: Takeover,
    hosts: &[HostName; 2],
    root: &Node,
    problems: &mut Collector,
) -> Option<NlbCluster> {
    let written = pair.value.get("nlb");
    if takeover != Takeover::WindowsNlb {
        if let Some(node) = written {
            problems.push(
                contradiction(
                    node.span,
                    format!("takeover `{takeover}` has no NLB cluster"),
                )
                .help("remove it, or write takeover: windows_nlb"),
            );
        }
        return None;
    }
    let reader = written.map(Reader::of);
    let text = |key: &str| reader.and_then(|reader| reader.text(key));
    let rules = written.and_then(|node| node.get("port_rules"));
    Some(NlbCluster {
        name: text("cluster").unwrap_or("sipcluster").to_owned(),
        mode: text("mode")
            .and_then(NlbMode::parse)
            .unwrap_or(NlbMode::Unicast),
        host_ids: host_ids(written, hosts, problems),
        port_rules: match rules {
            Some(rules) => port_rules(rules.items(), hosts, problems),
            None => vec![usual_rule(sip_port(pair, root))],
        },
        default_state: text("default_state")
            .and_then(NlbState::parse)
            .unwrap_or(NlbState::Stopped),
    })
}

fn usual_rule(port: u16) -> NlbPortRule {
    NlbPortRule {
        first: port,
        last: port,
        protocol: NlbProtocol::Both,
        filtering: NlbFiltering::Multiple,
        affinity: NlbAffinity::Single,
        load_weight: IndexMap::new(),
    }
}

/// The SIP port of the configured primary.
fn sip_port(pair: &Entry, root: &Node) -> u16 {
    let application = pair
        .value
        .at(&["primary", "application"])
        .and_then(Node::text);
    let options = application
        .and_then(|name| root.at(&["applications", name, "options"]))
        .map_or(&[][..], Node::entries);
    let in_any_case = |entries: &[Entry], name: &str| {
        let found = entries
            .iter()
            .find(|entry| entry.key.eq_ignore_ascii_case(name));
        found.map(|entry| entry.value.clone())
    };
    in_any_case(options, "TServer")
        .and_then(|section| in_any_case(section.entries(), "sip-port"))
        .and_then(|node| node.text()?.parse().ok())
        .unwrap_or(SIP_PORT)
}

fn host_ids(
    written: Option<&Node>,
    hosts: &[HostName; 2],
    problems: &mut Collector,
) -> IndexMap<HostName, u8> {
    let mut ids = IndexMap::new();
    let given = written.and_then(|node| node.get("host_ids"));
    for (host, usual) in hosts.iter().zip([1, 2]) {
        let found = given.and_then(|map| map.get(host.as_str()));
        let id = found
            .and_then(|node| node.text()?.parse().ok())
            .unwrap_or(usual);
        if let Some(other) = ids
            .iter()
            .find(|(_, taken)| **taken == id)
            .map(|(host, _)| host)
        {
            let span = given.map_or_else(Default::default, |map| map.span);
            problems.push(
                contradiction(
                    span,
                    format!("{other} and {host} are both host {id} of the cluster"),
                )
                .help("give each host an id of its own, from 1 to 32"),
            );
        }
        ids.insert(host.clone(), id);
    }
    for entry in given.map_or(&[][..], Node::entries) {
        if !hosts.iter().any(|host| host.as_str() == entry.key) {
            problems.push(super::pairs::not_of_the_pair(entry, hosts));
        }
    }
    ids
}

fn port_rules(items: &[Node], hosts: &[HostName; 2], problems: &mut Collector) -> Vec<NlbPortRule> {
    let mut rules: Vec<NlbPortRule> = Vec::new();
    for item in items {
        let Some(rule) = port_rule(item, hosts, problems) else {
            continue;
        };
        let overlaps = rules
            .iter()
            .any(|other| other.first <= rule.last && rule.first <= other.last);
        if overlaps {
            problems.push(
                contradiction(
                    Reader::of(item).span("ports"),
                    format!(
                        "the ports {}-{} belong to another rule already",
                        rule.first, rule.last
                    ),
                )
                .help("write ranges that do not overlap: a cluster has one rule for a port"),
            );
        }
        rules.push(rule);
    }
    rules
}

fn port_rule(item: &Node, hosts: &[HostName; 2], problems: &mut Collector) -> Option<NlbPortRule> {
    let reader = Reader::of(item);
    let (first, last) = ports(reader, problems)?;
    let weights = item.get("load_weight");
    let mut load_weight = IndexMap::new();
    for entry in weights.map_or(&[][..], Node::entries) {
        if let Some(host) = hosts.iter().find(|host| host.as_str() == entry.key) {
            let weight = entry.value.text().and_then(|text| text.parse().ok());
            load_weight.insert(host.clone(), weight.unwrap_or(0));
        } else {
            problems.push(super::pairs::not_of_the_pair(entry, hosts));
        }
    }
    Some(NlbPortRule {
        first,
        last,
        protocol: reader
            .text("protocol")
            .and_then(NlbProtocol::parse)
            .unwrap_or(NlbProtocol::Both),
        filtering: reader
            .text("filtering")
            .and_then(NlbFiltering::parse)
            .unwrap_or(NlbFiltering::Multiple),
        affinity: reader
            .text("affinity")
            .and_then(NlbAffinity::parse)
            .unwrap_or(NlbAffinity::Single),
        load_weight,
    })
}

/// `5060` or `5060-5061`.
fn ports(reader: Reader<'_>, problems: &mut Collector) -> Option<(u16, u16)> {
    let text = reader.text("ports")?;
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| text.trim().parse::<u16>().ok();
    if let (Some(first), Some(last)) = (port(first), port(last))
        && first <= last
    {
        return Some((first, last));
    }
    problems.push(
        Problem::new(
            "wrong-value",
            reader.span("ports"),
            format!("`{text}` is no range of ports"),
        )
        .help("write a port such as 5060, or the first and the last one such as 5060-5061"),
    );
    None
}
