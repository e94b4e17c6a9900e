//! From the merged tree to the model's [`Environment`].
//!
//! Owns what several keys mean together: members and their applications, VIPs and their control scripts, detect
//! events and their selection. Single values were judged by [`crate::validate`], references by [`crate::complete`];
//! here a value that they refused counts as absent. Next: the rules, on the finished environment.
#![warn(clippy::indexing_slicing)]

mod alarms;
mod applications;
mod health;
mod layer;
mod nlb;
mod pairs;
mod start_info;
mod switches;

use crate::problem::{Collector, Problem};
use crate::source::Span;
use crate::tree::{Entry, Node};
use crate::values;
use changeover_model::environment::Environment;
use std::time::Duration;

/// Decodes the whole file. `None` only if something needed is missing, which `problems` then tells.
pub(crate) fn decode(root: &Node, problems: &mut Collector) -> Option<Environment> {
    let reader = Reader { node: root };
    let members = pairs::members(root, problems);
    Some(Environment {
        hosts: named(root, "hosts", layer::host),
        switches: root
            .get("switches")
            .map_or(&[][..], Node::entries)
            .iter()
            .map(|entry| (entry.key.as_str().into(), switches::switch(entry, problems)))
            .collect(),
        pairs: named(root, "pairs", |entry| pairs::pair(entry, root, problems)),
        applications: named(root, "applications", |entry| {
            applications::application(entry, root, &members, problems)
        }),
        scripts: named(root, "scripts", alarms::script),
        alarm_conditions: named(root, "alarm_conditions", |entry| {
            alarms::condition(entry, problems)
        }),
        management_layer: layer::management_layer(root, problems)?,
        name: reader.text("environment")?.into(),
    })
}

/// Decodes the entries of a section, leaving out those that cannot be.
fn named<K, V>(
    root: &Node,
    section: &str,
    mut decode: impl FnMut(&Entry) -> Option<V>,
) -> indexmap::IndexMap<K, V>
where
    K: for<'a> From<&'a str> + std::hash::Hash + Eq,
{
    root.get(section)
        .map_or(&[][..], Node::entries)
        .iter()
        .filter_map(|entry| Some((K::from(entry.key.as_str()), decode(entry)?)))
        .collect()
}

/// Reads the values of one object; what was refused before counts as absent.
#[derive(Clone, Copy)]
struct Reader<'n> {
    node: &'n Node,
}

impl<'n> Reader<'n> {
    fn of(node: &'n Node) -> Self {
        Self { node }
    }

    fn below(self, key: &str) -> Option<Reader<'n>> {
        self.node.get(key).map(Reader::of)
    }

    fn text(self, key: &str) -> Option<&'n str> {
        self.node.get(key)?.text()
    }

    fn owned(self, key: &str) -> String {
        self.text(key).unwrap_or_default().to_owned()
    }

    fn duration(self, key: &str, default: Duration) -> Duration {
        self.node
            .get(key)
            .and_then(|node| values::duration(node, false).ok())
            .unwrap_or(default)
    }

    fn port(self, key: &str) -> Option<u16> {
        self.node.get(key).and_then(|node| values::port(node).ok())
    }

    fn boolean(self, key: &str) -> Option<bool> {
        self.node
            .get(key)
            .and_then(|node| values::boolean(node).ok())
    }

    fn count(self, key: &str, default: u32) -> u32 {
        self.node
            .get(key)
            .and_then(|node| values::count(node, 0, u32::MAX, "a number").ok())
            .unwrap_or(default)
    }

    fn texts(self, key: &str) -> Vec<String> {
        self.node
            .get(key)
            .map_or(&[][..], Node::items)
            .iter()
            .filter_map(|item| item.text().map(str::to_owned))
            .collect()
    }

    fn names<T: for<'a> From<&'a str>>(self, key: &str) -> Vec<T> {
        self.node
            .get(key)
            .map_or(&[][..], Node::items)
            .iter()
            .filter_map(|item| item.text().map(T::from))
            .collect()
    }

    fn name<T: for<'a> From<&'a str>>(self, key: &str) -> Option<T> {
        self.text(key).map(T::from)
    }

    /// Where a value stands, or its object if it is not there.
    fn span(self, key: &str) -> Span {
        self.node.get(key).map_or(self.node.span, |node| node.span)
    }
}

/// A problem of several keys together.
fn contradiction(span: Span, message: impl Into<String>) -> Problem {
    Problem::new("contradiction", span, message)
}
