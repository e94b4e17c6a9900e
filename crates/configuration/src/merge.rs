//! Lays what the operator wrote over what was derived: field by field, a list as a whole.
//!
//! Owns the merging of trees along the tables of [`crate::keys`]; [`crate::derive`] provides what is underneath.
#![warn(clippy::indexing_slicing)]

use crate::keys::{Kind, Object};
use crate::tree::{self, Entry, Node};

/// Lays `over` over `base`.
pub(crate) fn merge(base: Node, over: &Node, kind: &Kind) -> Node {
    let derived = base.derived.clone();
    let mergeable = match kind {
        Kind::Object(object) => !object.exactly_one,
        Kind::Named(_) | Kind::PerHost(_) | Kind::Options => true,
        Kind::One(_) | Kind::List(_) | Kind::Either(..) => false,
    };
    match (base.kind, &over.kind) {
        (tree::Kind::Map(below), tree::Kind::Null) => Node {
            kind: tree::Kind::Map(below),
            span: over.span,
            derived,
            written: over.written,
        },
        (tree::Kind::Map(below), tree::Kind::Map(above)) if mergeable => Node {
            kind: tree::Kind::Map(merge_entries(below, above, kind)),
            span: over.span,
            derived,
            written: over.written,
        },
        _ => Node {
            derived,
            ..over.clone()
        },
    }
}

fn merge_entries(mut below: Vec<Entry>, above: &[Entry], kind: &Kind) -> Vec<Entry> {
    // `Options` stands for three levels: sections, options, values. The levels below take the same way,
    // a value is no map and so replaces.
    let any_case = matches!(kind, Kind::Options);
    for entry in above {
        let same = |other: &Entry| {
            other.key == entry.key || (any_case && other.key.eq_ignore_ascii_case(&entry.key))
        };
        let Some(found) = below.iter_mut().find(|other| same(other)) else {
            below.push(entry.clone());
            continue;
        };
        let base = std::mem::replace(&mut found.value, entry.value.clone());
        found.value = match kind_below(kind, &entry.key) {
            Some(kind) => merge(base, &entry.value, kind),
            None => Node {
                derived: base.derived,
                ..entry.value.clone()
            },
        };
        found.key_span = entry.key_span;
    }
    below
}

fn kind_below<'k>(kind: &'k Kind, key: &str) -> Option<&'k Kind> {
    match kind {
        Kind::Object(object) => object.key(key).map(|key| &key.kind),
        Kind::Named(object) => Some(as_object(object)),
        Kind::PerHost(kind) => Some(kind),
        Kind::Options => Some(kind),
        Kind::One(_) | Kind::List(_) | Kind::Either(..) => None,
    }
}

/// The kind of one object of a named map; only the three that can be derived are ever merged.
fn as_object(object: &'static Object) -> &'static Kind {
    static APPLICATION: Kind = Kind::Object(&crate::keys::APPLICATION);
    static SCRIPT: Kind = Kind::Object(&crate::keys::SCRIPT);
    static CONDITION: Kind = Kind::Object(&crate::keys::CONDITION);
    if std::ptr::eq(object, &raw const crate::keys::SCRIPT) {
        &SCRIPT
    } else if std::ptr::eq(object, &raw const crate::keys::CONDITION) {
        &CONDITION
    } else {
        &APPLICATION
    }
}
