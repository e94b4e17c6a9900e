//! What a pair derives: the guide's twelve objects, the options and connections of its two servers.
//!
//! Owns the names and tables of the guide (FACTS 3). Works on trees, so that every derived value remembers the line
//! it comes from and [`crate::merge`] can lay the operator's own words over it. Next: [`crate::complete`].
#![warn(clippy::indexing_slicing)]

mod objects;

use crate::keys::Kind as KeyKind;
use crate::keys::{APPLICATION, CONDITION, SCRIPT};
use crate::merge::merge;
use crate::problem::{Collector, Problem};
use crate::source::Span;
use crate::tree::{Entry, Kind, Node};
use objects::PairSource;
use std::sync::Arc;

/// Name of the derived Application object of the SCS.
pub(crate) const SCS_APPLICATION: &str = "SCS";
/// Name of the Message Server's Application object unless written.
pub(crate) const MESSAGE_SERVER: &str = "MessageServer";

/// The three maps that derivation fills.
#[derive(Default)]
pub(crate) struct Derived {
    applications: Vec<Entry>,
    scripts: Vec<Entry>,
    conditions: Vec<Entry>,
    /// Names of the members of the pairs so far.
    members: Vec<String>,
}

/// The file with every derived object in its place.
pub(crate) struct Merged {
    pub(crate) root: Node,
    /// False if something could not be derived because its source is broken; what refers to it is then no
    /// problem of its own.
    pub(crate) whole: bool,
}

/// Derives what the pairs and the Management Layer imply.
pub(crate) fn derive(root: &Node, problems: &mut Collector) -> Merged {
    let mut derived = Derived::default();
    management_layer(root, &mut derived, problems);
    let message_server = root
        .at(&["management_layer", "message_server", "name"])
        .and_then(Node::text)
        .unwrap_or(MESSAGE_SERVER)
        .to_owned();
    if !matches!(root.kind, Kind::Map(_)) {
        return Merged {
            root: root.clone(),
            whole: false,
        };
    }
    let mut whole = root.at(&["management_layer", "message_server"]).is_some()
        && root
            .at(&["management_layer", "solution_control_server"])
            .is_some();
    let mut pairs = Vec::new();
    for entry in root.get("pairs").map_or(&[][..], Node::entries) {
        let derived_pair = pair(entry, &message_server, &mut derived, problems);
        whole &= derived_pair.is_some();
        pairs.push(derived_pair.unwrap_or_else(|| entry.clone()));
    }
    Merged {
        root: assemble(root, pairs, derived),
        whole,
    }
}

/// Puts the sections together again, derived ones below written ones.
fn assemble(root: &Node, pairs: Vec<Entry>, derived: Derived) -> Node {
    static APPLICATIONS: KeyKind = KeyKind::Named(&APPLICATION);
    static SCRIPTS: KeyKind = KeyKind::Named(&SCRIPT);
    static CONDITIONS: KeyKind = KeyKind::Named(&CONDITION);
    let mut entries: Vec<Entry> = Vec::new();
    for entry in root.entries() {
        let replaced = ["pairs", "applications", "scripts", "alarm_conditions"];
        if !replaced.contains(&entry.key.as_str()) {
            entries.push(entry.clone());
        }
    }
    let section = |key: &str, below: Vec<Entry>, kind: &KeyKind| {
        let base = Node {
            kind: Kind::Map(below),
            span: Span::default(),
            derived: None,
            written: false,
        };
        let written = root.entries().iter().find(|entry| entry.key == key);
        Entry {
            key: key.to_owned(),
            key_span: written.map_or(Span::default(), |entry| entry.key_span),
            value: written.map_or_else(
                || base.clone(),
                |entry| merge(base.clone(), &entry.value, kind),
            ),
        }
    };
    entries.push(section("applications", derived.applications, &APPLICATIONS));
    entries.push(section("scripts", derived.scripts, &SCRIPTS));
    entries.push(section("alarm_conditions", derived.conditions, &CONDITIONS));
    if let Some(written) = root.entries().iter().find(|entry| entry.key == "pairs") {
        let value = match &written.value.kind {
            Kind::Map(_) => Node {
                kind: Kind::Map(pairs),
                ..written.value.clone()
            },
            Kind::Null | Kind::Scalar { .. } | Kind::List(_) => written.value.clone(),
        };
        entries.push(Entry {
            value,
            ..written.clone()
        });
    }
    Node {
        kind: Kind::Map(entries),
        ..root.clone()
    }
}

impl Derived {
    /// Adds an entry; two sources of one name are a problem of the second one.
    fn add(
        entries: &mut Vec<Entry>,
        what: &str,
        name: &str,
        value: Node,
        span: Span,
        problems: &mut Collector,
    ) {
        if let Some(first) = entries.iter().find(|entry| entry.key == name) {
            let from = |node: &Node| node.derived.as_deref().unwrap_or("?").to_owned();
            problems.push(
                Problem::new(
                    "derived-twice",
                    span,
                    format!(
                        "{} and {} both derive the {what} {name}",
                        from(&first.value),
                        from(&value)
                    ),
                )
                .related(first.key_span, "first derived from here")
                .help("give the members of the two pairs names that differ after a leading SIP_SERVER_"),
            );
            return;
        }
        entries.push(Entry {
            key: name.to_owned(),
            key_span: span,
            value,
        });
    }
}

/// Application objects of the SCS and of the Message Server, so that events and connections can name them.
fn management_layer(root: &Node, derived: &mut Derived, problems: &mut Collector) {
    let Some(layer) = root.get("management_layer") else {
        return;
    };
    let sources = [
        (
            "solution_control_server",
            "SolutionControlServer",
            SCS_APPLICATION,
            "7770",
        ),
        ("message_server", "MessageServer", MESSAGE_SERVER, "7120"),
    ];
    for (key, application_type, default_name, default_port) in sources {
        let Some(component) = layer.get(key) else {
            continue;
        };
        let make = Maker {
            from: Arc::from(format!("management_layer.{key}")),
            span: component.span,
        };
        let name = component
            .get("name")
            .and_then(Node::text)
            .unwrap_or(default_name);
        let port = component
            .get("port")
            .map_or_else(|| make.text(default_port), |port| make.copy(port));
        let mut fields = vec![make.entry("type", make.text(application_type))];
        if let Some(host) = component.get("host") {
            fields.push(make.entry("host", make.copy(host)));
        }
        fields.push(make.entry("ports", make.map(vec![make.entry("default", port)])));
        let span = component
            .get("name")
            .map_or(component.span, |name| name.span);
        let value = make.map(fields);
        Derived::add(
            &mut derived.applications,
            "application",
            name,
            value,
            span,
            problems,
        );
    }
}

/// `None` if the pair lacks what derivation needs (`complete` reports it) or has a member of another pair.
fn pair(
    entry: &Entry,
    message_server: &str,
    derived: &mut Derived,
    problems: &mut Collector,
) -> Option<Entry> {
    let node = &entry.value;
    if node.get("derive").and_then(Node::text) == Some("off") {
        for key in ["server", "control_scripts"] {
            refuse_unused(
                node,
                key,
                "with `derive: off` nothing comes of it",
                "remove it, or write derive: on",
                problems,
            );
        }
        return Some(entry.clone());
    }
    let source = PairSource::read(entry, message_server)?;
    let members = source.member_names();
    let taken = members[0] == members[1]
        || members
            .iter()
            .any(|name| derived.members.iter().any(|other| other == name));
    if taken {
        // `decode` says so at the member; all its objects would only repeat it.
        return None;
    }
    derived.members.extend(members.map(str::to_owned));
    source.check_parts(problems);
    source.applications(derived, problems);
    if source.has_control() {
        source.control_scripts(derived, problems);
        source.scripts(derived, problems);
        source.conditions(derived, problems);
    }
    Some(source.with_control(entry))
}

/// A key that is written although nothing would use it.
fn refuse_unused(node: &Node, key: &str, why: &str, fix: &str, problems: &mut Collector) {
    if let Some(entry) = node.entries().iter().find(|entry| entry.key == key) {
        problems.push(
            Problem::new(
                "unused-key",
                entry.key_span,
                format!("`{key}` has no use here"),
            )
            .label(why)
            .help(fix),
        );
    }
}

/// Makes derived nodes of one source.
#[derive(Clone)]
pub(crate) struct Maker {
    from: Arc<str>,
    span: Span,
}

impl Maker {
    fn node(&self, kind: Kind) -> Node {
        Node {
            kind,
            span: self.span,
            derived: Some(Arc::clone(&self.from)),
            written: false,
        }
    }

    pub(crate) fn text(&self, text: &str) -> Node {
        self.node(Kind::Scalar {
            text: text.to_owned(),
            plain: true,
        })
    }

    pub(crate) fn list(&self, items: &[&str]) -> Node {
        self.node(Kind::List(
            items.iter().map(|item| self.text(item)).collect(),
        ))
    }

    pub(crate) fn map(&self, entries: Vec<Entry>) -> Node {
        self.node(Kind::Map(entries))
    }

    pub(crate) fn entry(&self, key: &str, value: Node) -> Entry {
        Entry {
            key: key.to_owned(),
            key_span: value.span,
            value,
        }
    }

    /// A copy of something written, marked as derived; its places stay those of the original.
    pub(crate) fn copy(&self, node: &Node) -> Node {
        let kind = match &node.kind {
            Kind::Null => Kind::Null,
            Kind::Scalar { text, plain } => Kind::Scalar {
                text: text.clone(),
                plain: *plain,
            },
            Kind::List(items) => Kind::List(items.iter().map(|item| self.copy(item)).collect()),
            Kind::Map(entries) => Kind::Map(
                entries
                    .iter()
                    .map(|entry| Entry {
                        key: entry.key.clone(),
                        key_span: entry.key_span,
                        value: self.copy(&entry.value),
                    })
                    .collect(),
            ),
        };
        Node {
            kind,
            span: node.span,
            derived: Some(Arc::clone(&self.from)),
            written: false,
        }
    }
}
