//! Pairs: members, Virtual IPs, control scripts, policy.

use super::{Reader, contradiction};
use crate::problem::{Collector, Problem};
use crate::source::Span;
use crate::tree::{Entry, Node};
use crate::values;
use changeover_model::environment::{
    FenceCommand, Flapping, ForceRelease, NetworkDevice, OnAgentLoss, OnFailure, Pair, Policy,
    ReactionOrder, VipControl, VirtualIp,
};
use changeover_model::{HostName, Redundancy, Takeover};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the applications need to know of the pairs.
pub(super) struct Members {
    members: BTreeMap<String, Membership>,
    control: BTreeSet<String>,
}

/// That an application is a member.
pub(super) struct Membership {
    pub(super) redundancy: Option<Redundancy>,
    span: Span,
    pair: String,
}

impl Members {
    pub(super) fn of(&self, application: &str) -> Option<&Membership> {
        self.members.get(application)
    }

    /// True for the applications that enable or disable a VIP.
    pub(super) fn is_control(&self, application: &str) -> bool {
        self.control.contains(application)
    }
}

/// Collects the members of all pairs; an application has one place in one pair.
pub(super) fn members(root: &Node, problems: &mut Collector) -> Members {
    let mut found = Members {
        members: BTreeMap::new(),
        control: BTreeSet::new(),
    };
    for pair in root.get("pairs").map_or(&[][..], Node::entries) {
        let redundancy = Reader::of(&pair.value)
            .text("redundancy_type")
            .and_then(Redundancy::parse);
        for role in ["primary", "backup"] {
            let Some(node) = pair.value.at(&[role, "application"]) else {
                continue;
            };
            let Some(name) = node.text() else { continue };
            let membership = Membership {
                redundancy,
                span: node.span,
                pair: pair.key.clone(),
            };
            match found.members.get(name) {
                Some(first) => problems.push(member_twice(name, node.span, first, &pair.key)),
                None => {
                    found.members.insert(name.to_owned(), membership);
                }
            }
        }
        for vip in pair.value.get("virtual_ips").map_or(&[][..], Node::items) {
            for host in vip.get("control").map_or(&[][..], Node::entries) {
                for action in ["enable", "disable"] {
                    if let Some(name) = host.value.get(action).and_then(Node::text) {
                        found.control.insert(name.to_owned());
                    }
                }
            }
        }
    }
    found
}

fn member_twice(name: &str, span: Span, first: &Membership, pair: &str) -> Problem {
    let message = if first.pair == pair {
        format!("`{name}` is both primary and backup of {pair}")
    } else {
        format!("`{name}` is a member of {} and of {pair}", first.pair)
    };
    contradiction(span, message)
        .related(first.span, "already a member here")
        .help("name another application: each has one place in one pair")
}

/// A pair.
pub(super) fn pair(entry: &Entry, root: &Node, problems: &mut Collector) -> Option<Pair> {
    let reader = Reader::of(&entry.value);
    let takeover = match reader.text("takeover") {
        Some(word) => Takeover::parse(word)?,
        None => Takeover::IpAddress,
    };
    let primary = reader.below("primary")?;
    let backup = reader.below("backup")?;
    for member in [primary, backup] {
        member_host_agrees(member, root, problems);
    }
    let hosts: [HostName; 2] = [primary.name("host")?, backup.name("host")?];
    if takeover == Takeover::SingleHost && hosts[0] != hosts[1] {
        problems.push(
            contradiction(
                backup.span("host"),
                "takeover `single_host`, but the members are on two hosts",
            )
            .related(primary.span("host"), "the other host")
            .help("name the same host for both, or use another takeover"),
        );
    }
    let uses_scripts = matches!(takeover, Takeover::IpAddress | Takeover::WindowsNlb);
    let by_hand = reader.text("derive") == Some("off");
    let vips = reader.node.get("virtual_ips").map_or(&[][..], Node::items);
    if uses_scripts && vips.is_empty() {
        problems.push(no_vip(entry));
    }
    let windows = hosts.iter().any(|host| {
        root.at(&["hosts", host.as_str(), "os"])
            .and_then(Node::text)
            == Some("windows")
    });
    Some(Pair {
        name: entry.key.as_str().into(),
        redundancy: Redundancy::parse(reader.text("redundancy_type")?)?,
        takeover,
        primary: primary.name("application")?,
        backup: backup.name("application")?,
        virtual_ips: vips
            .iter()
            .filter(|_| takeover != Takeover::NetworkDevice)
            .filter_map(|vip| virtual_ip(vip, &hosts, uses_scripts, problems))
            .collect(),
        network_device: network_device(reader, takeover, entry, vips, problems),
        control: control(vips, &hosts, by_hand && uses_scripts, root, problems),
        nlb: super::nlb::cluster(entry, takeover, &hosts, root, problems),
        policy: policy(reader.below("policy"), windows),
        primary_host: hosts[0].clone(),
        backup_host: hosts[1].clone(),
    })
}

/// What holds the VIPs in front of the pair.
fn network_device(
    reader: Reader<'_>,
    takeover: Takeover,
    entry: &Entry,
    vips: &[Node],
    problems: &mut Collector,
) -> Option<NetworkDevice> {
    let written = reader.node.get("network_device");
    if takeover != Takeover::NetworkDevice {
        if let Some(node) = written {
            problems.push(
                contradiction(
                    node.span,
                    format!("takeover `{takeover}` has no network device"),
                )
                .help("remove it, or write takeover: network_device"),
            );
        }
        return None;
    }
    let Some(node) = written else {
        problems.push(
            Problem::new(
                "missing-key",
                entry.key_span,
                format!("pairs.{} has no `network_device`", entry.key),
            )
            .label("this takeover needs to know it")
            .help("write network_device: {address: 10.10.11.104, check_interval: 1s}"),
        );
        return None;
    };
    if vips.is_empty() {
        problems.push(no_vip(entry));
    }
    Some(NetworkDevice {
        address: values::address(node.get("address")?).ok()?,
        check_interval: Reader::of(node).duration("check_interval", Duration::from_secs(1)),
        virtual_ips: vips
            .iter()
            .filter_map(|vip| values::prefixed(vip.get("address")?).ok())
            .collect(),
    })
}

fn no_vip(entry: &Entry) -> Problem {
    Problem::new(
        "missing-key",
        entry.key_span,
        format!("pairs.{} has no `virtual_ips`", entry.key),
    )
    .label("this takeover needs at least one")
    .help("write virtual_ips: [{address: 10.10.11.103/24, interface: eth0}]")
}

/// The host in the pair is the one in the Application object.
fn member_host_agrees(member: Reader<'_>, root: &Node, problems: &mut Collector) {
    let (Some(application), Some(host)) = (member.text("application"), member.text("host")) else {
        return;
    };
    let found = root.at(&["applications", application, "host"]);
    if let Some(found) = found.filter(|node| node.text().is_some_and(|text| text != host)) {
        problems.push(
            contradiction(
                found.span,
                format!(
                    "`{application}` runs on `{}` here, on `{host}` in its pair",
                    found.text().unwrap_or_default()
                ),
            )
            .related(member.span("host"), "the host in the pair")
            .help("name the same host in both places"),
        );
    }
}

fn virtual_ip(
    node: &Node,
    hosts: &[HostName; 2],
    needs_interface: bool,
    problems: &mut Collector,
) -> Option<VirtualIp> {
    let reader = Reader::of(node);
    let (address, prefix) = values::prefixed(node.get("address")?).ok()?;
    let mut interfaces = IndexMap::new();
    for host in hosts {
        let per_host = node.at(&["interface", host.as_str()]);
        let interface = reader.text("interface").or(per_host.and_then(Node::text));
        let misspelt = crate::keys::VIRTUAL_IP.has_misspelt(node, "interface");
        if interface.is_none() && needs_interface && !misspelt {
            problems.push(
                Problem::new(
                    "missing-key",
                    reader.span("interface"),
                    format!("the virtual IP {address} has no interface on {host}"),
                )
                .help("write interface: eth0 for both hosts, or {HOST: eth0, OTHER: ens18}"),
            );
        }
        interfaces.insert(host.clone(), interface.unwrap_or_default().to_owned());
    }
    for key in ["interface", "control"] {
        for entry in node.get(key).map_or(&[][..], Node::entries) {
            if !hosts.iter().any(|host| host.as_str() == entry.key) {
                problems.push(not_of_the_pair(entry, hosts));
            }
        }
    }
    Some(VirtualIp {
        address,
        prefix,
        interfaces,
        label: reader.text("label").map(str::to_owned),
    })
}

pub(super) fn not_of_the_pair(entry: &Entry, hosts: &[HostName; 2]) -> Problem {
    contradiction(
        entry.key_span,
        format!("`{}` is none of the pair's hosts", entry.key),
    )
    .help(format!("the pair runs on {} and {}", hosts[0], hosts[1]))
}

/// The control scripts per host: every VIP names the same ones, since the VIPs of a pair move together.
fn control(
    vips: &[Node],
    hosts: &[HostName; 2],
    needed: bool,
    root: &Node,
    problems: &mut Collector,
) -> IndexMap<HostName, VipControl> {
    let mut control: IndexMap<HostName, VipControl> = IndexMap::new();
    for vip in vips {
        for host in hosts {
            let written = vip.get("control").and_then(|map| {
                map.entries()
                    .iter()
                    .find(|entry| entry.key == host.as_str())
            });
            let Some(entry) = written else {
                if needed {
                    problems.push(no_control(vip, host));
                }
                continue;
            };
            let reader = Reader::of(&entry.value);
            let (Some(enable), Some(disable)) = (reader.name("enable"), reader.name("disable"))
            else {
                continue;
            };
            for action in ["enable", "disable"] {
                control_script_fits(reader, action, host, root, problems);
            }
            let this = VipControl { enable, disable };
            match control.get(host) {
                Some(first) if *first != this => problems.push(
                    contradiction(
                        entry.key_span,
                        format!("this virtual IP names other control scripts for {host} than the first one"),
                    )
                    .note("a control script runs once for all virtual IPs of the pair, they move together")
                    .help(format!("write {{enable: {}, disable: {}}}", first.enable, first.disable)),
                ),
                Some(_) => {}
                None => {
                    control.insert(host.clone(), this);
                }
            }
        }
    }
    control
}

fn no_control(vip: &Node, host: &HostName) -> Problem {
    Problem::new(
        "missing-key",
        Reader::of(vip).span("address"),
        format!("this virtual IP does not say which applications enable and disable it on {host}"),
    )
    .label("`control` must name both hosts of the pair")
    .help(format!(
        "write control: {{{host}: {{enable: APPLICATION, disable: APPLICATION}}, …}}"
    ))
}

fn control_script_fits(
    reader: Reader<'_>,
    action: &str,
    host: &HostName,
    root: &Node,
    problems: &mut Collector,
) {
    let Some(name) = reader.text(action) else {
        return;
    };
    let span = reader.span(action);
    let application = root.at(&["applications", name]).map(Reader::of);
    let Some(application) = application else {
        return;
    };
    if application
        .text("type")
        .is_some_and(|word| word != "ThirdPartyServer")
    {
        problems.push(
            contradiction(span, format!("`{name}` is no Third Party Server"))
                .related(application.span("type"), "its type")
                .help("control scripts run as applications of type ThirdPartyServer"),
        );
    }
    if application
        .text("host")
        .is_some_and(|on| on != host.as_str())
    {
        problems.push(
            contradiction(
                span,
                format!(
                    "`{name}` shall {action} the VIP on {host}, but runs on {}",
                    application.text("host").unwrap_or_default()
                ),
            )
            .related(application.span("host"), "its host")
            .help(format!("name an application that runs on {host}")),
        );
    }
    let other = if action == "enable" {
        "disable"
    } else {
        "enable"
    };
    if action == "enable" && reader.text(other) == Some(name) {
        problems.push(
            contradiction(
                span,
                format!("`{name}` cannot both enable and disable the VIP"),
            )
            .related(reader.span(other), "the same application")
            .help("name one application for each"),
        );
    }
}

/// A power switch answers within this, or something is wrong with it.
const FENCE_TIMEOUT: Duration = Duration::from_secs(30);

fn policy(reader: Option<Reader<'_>>, windows: bool) -> Policy {
    let mut default = Policy::default();
    if windows {
        // netsh can take 5 s and more (FACTS 2).
        default.release_wait = Duration::from_secs(8);
    }
    let Some(reader) = reader else {
        return default;
    };
    Policy {
        reaction_order: match reader.text("reaction_order") {
            Some("as-listed") => ReactionOrder::AsListed,
            _ => default.reaction_order,
        },
        release_wait: reader.duration("release_wait", default.release_wait),
        force_release: match reader.text("force_release") {
            Some("off") => ForceRelease::Off,
            Some("enable-anyway") => ForceRelease::EnableAnyway,
            _ => default.force_release,
        },
        realign_after: reader
            .node
            .get("realign_after")
            .and_then(|node| values::duration_or_off(node).ok())
            .unwrap_or(default.realign_after),
        event_wait: reader.duration("event_wait", default.event_wait),
        demotion_wait: reader.duration("demotion_wait", default.demotion_wait),
        on_failure: match reader.text("on_failure") {
            Some("alarm") => OnFailure::Alarm,
            _ => default.on_failure,
        },
        on_agent_loss: match reader.text("on_agent_loss") {
            Some("failover") => OnAgentLoss::Failover,
            _ => default.on_agent_loss,
        },
        on_controller_loss: reader
            .node
            .get("on_controller_loss")
            .and_then(|node| values::controller_loss(node).ok())
            .unwrap_or(default.on_controller_loss),
        retries: reader.count("retries", default.retries),
        retry_after: reader.duration("retry_after", default.retry_after),
        test_hold: reader.duration("test_hold", default.test_hold),
        carrier_check: reader.boolean("carrier_check"),
        address_lifetime: reader.duration("address_lifetime", default.address_lifetime),
        fence: reader.below("fence").map(|fence| FenceCommand {
            command_line: fence.owned("command_line"),
            timeout: fence.duration("timeout", FENCE_TIMEOUT),
        }),
        flapping: reader
            .below("flapping")
            .map_or(default.flapping, |flapping| Flapping {
                switches: flapping.count("switches", default.flapping.switches),
                within: flapping.duration("within", default.flapping.within),
            }),
    }
}
