//! Is the merged file complete? Required keys, and references that lead somewhere.
//!
//! Owns these two questions and the record of where everything came from ([`Origins`]). What the values mean
//! together is decided in [`crate::decode`], the next stage.
#![warn(clippy::indexing_slicing)]

use crate::derive::Merged;
use crate::keys::{Key, Kind, Object, Presence, Scalar, Target};
use crate::nearest::{did_you_mean, nearest};
use crate::origins::{Origin, Origins};
use crate::problem::{Collector, Problem};
use crate::source::{SourceText, Span};
use crate::tree::{self, Entry, Node};
use std::collections::{BTreeMap, BTreeSet};

/// Walks the merged tree.
pub(crate) fn complete(
    merged: &Merged,
    object: &'static Object,
    source: &SourceText,
    problems: &mut Collector,
) -> Origins {
    let mut walk = Walk {
        root: &merged.root,
        whole: merged.whole,
        names: BTreeMap::new(),
        source,
        origins: Origins::default(),
        problems,
    };
    walk.object(&merged.root, object, Span::default(), "");
    walk.origins
}

struct Walk<'w> {
    root: &'w Node,
    whole: bool,
    /// Names per section, collected at the first reference: a large site has thousands of them.
    names: BTreeMap<&'static str, BTreeSet<&'w str>>,
    source: &'w SourceText,
    origins: Origins,
    problems: &'w mut Collector,
}

impl Walk<'_> {
    fn object(&mut self, node: &Node, object: &'static Object, named_at: Span, path: &str) {
        // Anything but keys was reported by `validate`; do not list all that it lacks on top.
        if !matches!(node.kind, tree::Kind::Map(_) | tree::Kind::Null) {
            return;
        }
        let mut missing = Vec::new();
        for key in object.keys {
            let Some(entry) = node.entries().iter().find(|entry| entry.key == key.name) else {
                let misspelt = object.has_misspelt(node, key.name);
                if key.presence == Presence::Required && node.derived.is_none() && !misspelt {
                    missing.push(key);
                }
                continue;
            };
            let path = join(path, key.name);
            self.note(entry, &path);
            self.value(&entry.value, &key.kind, entry.key_span, &path);
        }
        if !missing.is_empty() {
            self.missing(&missing, object, named_at, path);
        }
    }

    fn value(&mut self, node: &Node, kind: &'static Kind, named_at: Span, path: &str) {
        match kind {
            Kind::Object(of) => self.object(node, of, named_at, path),
            Kind::Named(of) => {
                for entry in node.entries() {
                    let path = join(path, &entry.key);
                    self.note(entry, &path);
                    self.object(&entry.value, of, entry.key_span, &path);
                }
            }
            Kind::PerHost(of) => {
                for entry in node.entries() {
                    let path = join(path, &entry.key);
                    self.note(entry, &path);
                    self.reference(&entry.key, entry.key_span, Target::Host);
                    self.value(&entry.value, of, entry.key_span, &path);
                }
            }
            Kind::List(of) => {
                for (index, item) in node.items().iter().enumerate() {
                    let path = join(path, &index.to_string());
                    self.origins.insert(&path, origin(item, item.span));
                    self.value(item, of, item.span, &path);
                }
            }
            Kind::Either(single, several) => {
                let of = crate::keys::pick(single, several, node);
                self.value(node, of, named_at, path);
            }
            Kind::One(scalar) => {
                if let (Scalar::Reference(target), Some(name)) = (scalar, node.text()) {
                    self.reference(name, node.span, *target);
                }
            }
            Kind::Options => {
                for section in node.entries() {
                    let path = join(path, &section.key.to_ascii_lowercase());
                    self.note(section, &path);
                    for option in section.value.entries() {
                        self.note(option, &join(&path, &option.key.to_ascii_lowercase()));
                    }
                }
            }
        }
    }

    fn note(&mut self, entry: &Entry, path: &str) {
        let at = if entry.value.text().is_some() {
            entry.value.span
        } else {
            entry.key_span
        };
        self.origins.insert(path, origin(&entry.value, at));
    }

    fn missing(
        &mut self,
        keys: &[&'static Key],
        object: &'static Object,
        named_at: Span,
        path: &str,
    ) {
        let section = path.split_once('.').map_or("", |(section, _)| section);
        let may_be_derived = ["applications", "scripts", "alarm_conditions"].contains(&section);
        if may_be_derived && !self.whole {
            return;
        }
        let names: Vec<String> = keys.iter().map(|key| format!("`{}`", key.name)).collect();
        let names = names.join(", ");
        let what = if path.is_empty() { object.name } else { path };
        let docs: Vec<String> = keys
            .iter()
            .map(|key| format!("{}: {}", key.name, key.doc))
            .collect();
        let mut problem = Problem::new("missing-key", named_at, format!("{what} has no {names}"))
            .label(format!("{names} must be written"))
            .note(docs.join("\n"));
        if let Some((section, name)) = path.split_once('.') {
            let derived = self.derived_names(section);
            if let Some(near) = nearest(name, derived.iter().map(String::as_str)) {
                problem = problem.help(format!(
                    "no pair derives `{name}`, so it needs all its keys; did you mean `{near}`?"
                ));
            }
        }
        self.problems.push(problem);
    }

    /// Names that pairs derive in a section.
    fn derived_names(&self, section: &str) -> Vec<String> {
        self.root
            .get(section)
            .map_or(&[][..], Node::entries)
            .iter()
            .filter(|entry| entry.value.derived.is_some())
            .map(|entry| entry.key.clone())
            .collect()
    }

    fn reference(&mut self, name: &str, span: Span, target: Target) {
        let section = self.root.get(target.section());
        let entries = section.map_or(&[][..], Node::entries);
        let may_be_derived = matches!(target, Target::Application | Target::Script);
        let known = self
            .names
            .entry(target.section())
            .or_insert_with(|| entries.iter().map(|entry| entry.key.as_str()).collect());
        if known.contains(name) || (may_be_derived && !self.whole) {
            return;
        }
        let noun = target.noun();
        let names: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        let near = did_you_mean(name, names.iter().copied());
        let written = self.source.text().get(self.source.drawable(span));
        let problem = Problem::new(
            "dangling-reference",
            span,
            format!("there is no {noun} `{name}`{near}"),
        );
        let problem = if written.is_some_and(|text| !text.contains(name)) {
            problem.label(format!("`{name}` is derived from this"))
        } else {
            problem
        };
        self.problems.push(if names.is_empty() {
            problem.help(format!("write it under `{}`", target.section()))
        } else if names.len() <= 12 {
            problem.help(format!("`{}` has {}", target.section(), names.join(", ")))
        } else {
            problem.help(format!(
                "write it under `{}`, or correct the name",
                target.section()
            ))
        });
    }
}

fn origin(node: &Node, span: Span) -> Origin {
    Origin {
        span,
        written: node.written,
        derived_from: node.derived.as_deref().map(str::to_owned),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
