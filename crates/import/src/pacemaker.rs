//! Pacemaker: addresses (IPaddr2) and the server that is bound to them, by a group or by constraints, become a pair.
//!
//! Owns the reading of the CIB's configuration; its status section is no configuration. Every element that is not carried
//! over is named with its line.

use crate::draft::{Draft, DraftPair, DraftVip};
use crate::words::{duration, name, seconds};
use crate::{ImportError, Known, Source};
use roxmltree::{Document, Node};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Longest label that the kernel takes.
const LONGEST_LABEL: usize = 15;

/// Makes a draft of a CIB.
///
/// # Errors
/// When it is no XML, no CIB, or has no IPaddr2.
pub(crate) fn draft(source: Source<'_>, known: &Known) -> Result<Draft, ImportError> {
    let document = Document::parse(source.text).map_err(|error| ImportError::Syntax {
        file: source.name.to_owned(),
        line: usize::try_from(error.pos().row).unwrap_or(1),
        what: error.to_string(),
    })?;
    let configuration = document
        .descendants()
        .find(|node| node.has_tag_name("configuration"))
        .ok_or_else(|| no_pair(source, "there is no <configuration> of a CIB"))?;
    let mut cib = Cib {
        file: source.name,
        document: &document,
        configuration,
        used: BTreeSet::new(),
        draft: Draft {
            from: source.name.to_owned(),
            ..Draft::default()
        },
    };
    cib.site();
    let groups = cib.groups();
    if groups.is_empty() {
        return Err(no_pair(
            source,
            "there is no ocf:heartbeat:IPaddr2 in its resources",
        ));
    }
    for group in groups {
        let pair = cib.pair(&group, known);
        cib.draft.pairs.push(pair);
    }
    cib.name_the_rest();
    Ok(cib.draft)
}

fn no_pair(source: Source<'_>, what: &'static str) -> ImportError {
    ImportError::NoPair {
        file: source.name.to_owned(),
        what,
    }
}

struct Cib<'d, 'i> {
    file: &'d str,
    document: &'d Document<'i>,
    configuration: Node<'d, 'i>,
    /// Elements that were carried over.
    used: BTreeSet<u32>,
    draft: Draft,
}

/// Addresses that move together, and the server that goes with them.
struct Group<'d, 'i> {
    name: String,
    addresses: Vec<Node<'d, 'i>>,
    server: Option<Node<'d, 'i>>,
}

/// Parts of a CIB that only hold others.
const FRAMES: [&str; 15] = [
    "crm_config",
    "cluster_property_set",
    "nodes",
    "resources",
    "constraints",
    "rsc_defaults",
    "op_defaults",
    "meta_attributes",
    "instance_attributes",
    "operations",
    "rule",
    "expression",
    "tags",
    "acls",
    "alerts",
];

fn id<'a>(node: &Node<'a, '_>) -> &'a str {
    node.attribute("id").unwrap_or_default()
}

/// The element of an attribute of a resource.
fn nvpair<'d, 'i>(of: &Node<'d, 'i>, key: &str) -> Option<Node<'d, 'i>> {
    of.children()
        .filter(|node| node.has_tag_name("instance_attributes"))
        .flat_map(|set| set.children())
        .find(|node| node.has_tag_name("nvpair") && node.attribute("name") == Some(key))
}

fn is_address(node: &Node<'_, '_>) -> bool {
    node.has_tag_name("primitive") && node.attribute("type") == Some("IPaddr2")
}

fn is_fencing(node: &Node<'_, '_>) -> bool {
    node.attribute("class") == Some("stonith")
}

/// What pulls a resource to another one, or forbids it.
fn pulls(node: &Node<'_, '_>) -> bool {
    let score = node.attribute("score").unwrap_or("INFINITY");
    !score.starts_with('-') && score != "0"
}

impl<'d, 'i> Cib<'d, 'i> {
    fn elements(&self, tag: &'static str) -> Vec<Node<'d, 'i>> {
        let all = self.configuration.descendants();
        all.filter(|node| node.has_tag_name(tag)).collect()
    }

    fn line(&self, node: &Node<'_, '_>) -> usize {
        let row = self.document.text_pos_at(node.range().start).row;
        usize::try_from(row).unwrap_or(1)
    }

    /// An attribute of a resource; the nvpair counts as carried over.
    fn attribute(&mut self, of: &Node<'d, 'i>, key: &str) -> Option<&'d str> {
        let found = nvpair(of, key)?;
        self.used.insert(found.id().get());
        found.attribute("value")
    }

    /// The label of an address, where it can have one here.
    fn label(&mut self, of: &Node<'d, 'i>, address: IpAddr, nic: &str) -> Option<String> {
        let label = format!("{nic}:{}", self.attribute(of, "iflabel")?);
        if address.is_ipv4() && label.len() <= LONGEST_LABEL {
            return Some(label);
        }
        let node = nvpair(of, "iflabel")?;
        let line = self.line(&node);
        let why = "a label is for IPv4, and with its interface at most 15 characters";
        self.draft.leave_out(self.file, line, &shown(&node), why);
        None
    }

    /// The cluster's name and its nodes.
    fn site(&mut self) {
        let named = self
            .elements("nvpair")
            .into_iter()
            .find(|node| node.attribute("name") == Some("cluster-name"));
        self.draft.name = "imported".to_owned();
        if let Some(named) = named {
            self.used.insert(named.id().get());
            self.draft.name = name(named.attribute("value").unwrap_or("imported"));
        }
        for (index, node) in self.elements("node").into_iter().enumerate() {
            let title = node.attribute("uname").unwrap_or(id(&node));
            if let Some(host) = self.draft.hosts.get_mut(index) {
                host.name = Some(name(title));
                self.used.insert(node.id().get());
            }
        }
    }

    fn groups(&mut self) -> Vec<Group<'d, 'i>> {
        let mut groups = Vec::new();
        for group in self.elements("group") {
            let members: Vec<_> = group
                .children()
                .filter(|node| node.has_tag_name("primitive"))
                .collect();
            if members.iter().any(is_address) {
                self.used.insert(group.id().get());
                groups.push(Group {
                    name: id(&group).to_owned(),
                    addresses: members.iter().copied().filter(is_address).collect(),
                    server: members
                        .iter()
                        .copied()
                        .find(|node| !is_address(node) && !is_fencing(node)),
                });
            }
        }
        let grouped = |node: &Node<'_, '_>| {
            node.parent()
                .is_some_and(|parent| parent.has_tag_name("group"))
        };
        for address in self
            .elements("primitive")
            .into_iter()
            .filter(|node| is_address(node) && !grouped(node))
        {
            groups.push(Group {
                name: id(&address).to_owned(),
                addresses: vec![address],
                server: None,
            });
        }
        self.colocated(&mut groups);
        groups
    }

    /// Colocation binds addresses to each other, and a server to its addresses.
    fn colocated(&mut self, groups: &mut Vec<Group<'d, 'i>>) {
        for constraint in self.elements("rsc_colocation").into_iter().filter(pulls) {
            let (Some(one), Some(other)) = (
                constraint.attribute("rsc"),
                constraint.attribute("with-rsc"),
            ) else {
                continue;
            };
            let place = |groups: &[Group<'d, 'i>], name: &str| {
                groups.iter().position(|group| {
                    group.name == name || group.addresses.iter().any(|node| id(node) == name)
                })
            };
            match (place(groups, one), place(groups, other)) {
                (Some(from), Some(to)) if from != to => {
                    let moved = groups.remove(from);
                    let to = if from < to { to - 1 } else { to };
                    if let Some(group) = groups.get_mut(to) {
                        group.addresses.extend(moved.addresses);
                        group.server = group.server.or(moved.server);
                    }
                }
                (Some(at), None) => self.serve(groups, at, other),
                (None, Some(at)) => self.serve(groups, at, one),
                (Some(_), Some(_)) | (None, None) => continue,
            }
            self.used.insert(constraint.id().get());
        }
    }

    /// Gives a group its server: a primitive, or the primitive of a clone.
    fn serve(&mut self, groups: &mut [Group<'d, 'i>], at: usize, wanted: &str) {
        let found = self.elements("primitive").into_iter().find(|node| {
            let clone = node.parent().filter(|parent| parent.has_tag_name("clone"));
            id(node) == wanted || clone.is_some_and(|clone| id(&clone) == wanted)
        });
        if let (Some(group), Some(found)) = (groups.get_mut(at), found)
            && group.server.is_none()
        {
            // Both servers of a pair run all the time: that is what a clone on two nodes is.
            self.used.extend(
                found
                    .parent()
                    .filter(|parent| parent.has_tag_name("clone"))
                    .map(|it| it.id().get()),
            );
            group.server = Some(found);
        }
    }

    fn pair(&mut self, group: &Group<'d, 'i>, known: &Known) -> DraftPair {
        let mut pair = DraftPair {
            name: name(&group.name),
            ..DraftPair::default()
        };
        for address in &group.addresses {
            self.used.insert(address.id().get());
            let vip = self.vip(address);
            pair.vips.extend(vip);
        }
        if let Some(server) = &group.server {
            self.used.insert(server.id().get());
            self.server(server, &mut pair, known);
        }
        pair.primary = self.preferred(group);
        pair
    }

    fn vip(&mut self, node: &Node<'d, 'i>) -> Option<DraftVip> {
        let title = id(node);
        let Some(address) = self
            .attribute(node, "ip")
            .and_then(|ip| ip.parse::<IpAddr>().ok())
        else {
            let line = self.line(node);
            self.draft.leave_out(
                self.file,
                line,
                &format!("primitive {title}"),
                "it has no address in ip",
            );
            return None;
        };
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let prefix = self
            .attribute(node, "cidr_netmask")
            .and_then(|mask| mask.parse().ok())
            .filter(|it| *it <= whole);
        let prefix = prefix.unwrap_or_else(|| {
            let prefix = if address.is_ipv4() { 24 } else { 64 };
            self.draft.missing.push(format!("the prefix length of {address} (the agent took it from the NIC): /{prefix} stands for it"));
            prefix
        });
        let nic = self.attribute(node, "nic").map(str::to_owned);
        let nic = nic.unwrap_or_else(|| {
            self.draft.missing.push(format!(
                "the interface of {address} (the agent found it by the route): eth0 stands for it"
            ));
            "eth0".to_owned()
        });
        Some(DraftVip {
            address,
            prefix,
            label: self.label(node, address, &nic),
            interfaces: [nic.clone(), nic],
        })
    }

    fn server(&mut self, node: &Node<'d, 'i>, pair: &mut DraftPair, known: &Known) {
        let agent = node.attribute("type").unwrap_or_default();
        let unit = format!("{}.service", name(agent.trim_end_matches(".service")));
        if node.attribute("class") != Some("systemd") && known.unit.is_none() {
            let class = node.attribute("class").unwrap_or_default();
            let text = format!(
                "the unit of {}: {unit} stands for its agent {class}:{agent}",
                id(node)
            );
            self.draft.missing.push(text);
        }
        pair.unit = Some(unit);
        let operations: Vec<_> = node
            .descendants()
            .filter(|it| it.has_tag_name("op"))
            .collect();
        for operation in operations {
            let slot = match operation.attribute("name") {
                Some("start") => &mut pair.startup,
                Some("stop") => &mut pair.shutdown,
                Some(_) | None => continue,
            };
            if let Some(time) = operation.attribute("timeout").and_then(time) {
                *slot = Some(duration(time));
                self.used.insert(operation.id().get());
            }
        }
    }

    /// The node that a location constraint prefers.
    fn preferred(&mut self, group: &Group<'_, '_>) -> usize {
        let ours = |name: &str| {
            let server = group.server.iter();
            group.name == name
                || group
                    .addresses
                    .iter()
                    .chain(server)
                    .any(|node| id(node) == name)
        };
        for constraint in self.elements("rsc_location").into_iter().filter(pulls) {
            let (Some(resource), Some(node)) =
                (constraint.attribute("rsc"), constraint.attribute("node"))
            else {
                continue;
            };
            let wanted = name(node);
            let at = self
                .draft
                .hosts
                .iter()
                .position(|host| host.name.as_ref() == Some(&wanted));
            if let (true, Some(at)) = (ours(resource), at) {
                self.used.insert(constraint.id().get());
                return at;
            }
        }
        0
    }

    /// Whatever was not carried over, by name.
    fn name_the_rest(&mut self) {
        for node in self
            .configuration
            .descendants()
            .filter(Node::is_element)
            .skip(1)
        {
            let tag = node.tag_name().name();
            if self.used.contains(&node.id().get()) || FRAMES.contains(&tag) {
                continue;
            }
            // Of a resource that is named as a whole its parts need no naming.
            let inside = node.ancestors().skip(1).any(|above| {
                let whole = [
                    "primitive",
                    "clone",
                    "group",
                    "bundle",
                    "node",
                    "rsc_location",
                    "rsc_order",
                    "rsc_colocation",
                ];
                whole.contains(&above.tag_name().name()) && !self.used.contains(&above.id().get())
            });
            if !inside {
                let line = self.line(&node);
                self.draft
                    .leave_out(self.file, line, &shown(&node), why(&node));
            }
        }
    }
}

fn shown(node: &Node<'_, '_>) -> String {
    let attribute = |key: &str| node.attribute(key).unwrap_or_default().to_owned();
    match node.tag_name().name() {
        "nvpair" => format!("nvpair {}={}", attribute("name"), attribute("value")),
        "op" => format!(
            "op {} interval={} timeout={}",
            attribute("name"),
            attribute("interval"),
            attribute("timeout")
        ),
        "primitive" => format!(
            "primitive {} {}:{}",
            attribute("id"),
            attribute("class"),
            attribute("type")
        ),
        "rsc_order" => format!(
            "rsc_order {} then {}",
            attribute("first"),
            attribute("then")
        ),
        tag => format!("{tag} {}", attribute("id")).trim_end().to_owned(),
    }
}

fn why(node: &Node<'_, '_>) -> &'static str {
    match node.tag_name().name() {
        "nvpair" => match node.attribute("name").unwrap_or_default() {
            "stonith-enabled" | "stonith-timeout" | "stonith-action" => {
                "write policy.fence with the command of the power switch, or on_controller_loss: quorum"
            }
            "no-quorum-policy" => "write on_controller_loss: quorum in the policy of the pair",
            "resource-stickiness" => "whoever serves well keeps the role: it is always so here",
            "dc-version" | "cluster-infrastructure" | "have-watchdog" | "last-lrm-refresh" => {
                "it describes the cluster software"
            }
            "migration-threshold" | "failure-timeout" => {
                "limits stand in start_info.restart and policy.flapping"
            }
            _ => "there is nothing like it here",
        },
        "op" => match node.attribute("name").unwrap_or_default() {
            "monitor" => {
                "the agent sees the death of its server, and who holds an address, at once; write health for more"
            }
            _ => "the address is moved by vipctl, which has 8 s",
        },
        "primitive" if is_fencing(node) => {
            "write policy.fence with the command of the power switch"
        }
        "primitive" | "clone" | "group" | "bundle" => {
            "it is bound to no address: leave it to systemd, or write it under applications"
        }
        "rsc_order" => {
            "both servers of a pair run all the time: the one without the VIP must be able to listen on it (ip_nonlocal_bind)"
        }
        "rsc_location" => {
            "which host is better is written as primary; the rest has nothing like it here"
        }
        "rsc_colocation" => "it binds nothing to an address",
        "node" => "a pair has two hosts",
        _ => "there is nothing like it here",
    }
}

/// A time of the CIB: seconds, or with a unit.
fn time(text: &str) -> Option<u64> {
    let text = text.trim();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match text.get(number.len()..)? {
        "" | "s" | "sec" => 1000,
        "ms" | "msec" => return number.parse().ok().filter(|time| *time > 0),
        "m" | "min" => 60_000,
        "h" | "hr" => 3_600_000,
        _ => return None,
    };
    let time = seconds(number)?.checked_mul(scale)? / 1000;
    (time > 0).then_some(time)
}
