//! Every key of the environment file: what it holds, its default, what it means.
//!
//! One table serves four readers: [`crate::validate`] (is this text valid?), [`crate::derive`] (how are objects
//! merged?), [`crate::schema`] (the JSON Schema) and the operator's page about the file. What the values add up to
//! is decided in [`crate::decode`].

use crate::nearest::nearest;
use crate::tree::Node;

mod alarms;
mod applications;
mod health;
mod layer;
mod pairs;
mod rehearsal;
mod scalars;
mod switches;

pub(crate) use alarms::{CONDITION, SCRIPT};
pub(crate) use applications::{APPLICATION, START_INFO};
pub(crate) use health::{HEALTH, HEALTH_CHECK, HOOK_LIST, PROBES};
pub(crate) use layer::ROOT;
pub(crate) use pairs::{PAIR, VIRTUAL_IP};
pub(crate) use rehearsal::REHEARSAL;
pub(crate) use scalars::{EndpointKind, Scalar};

/// A map with a fixed set of keys.
#[derive(Debug)]
pub(crate) struct Object {
    /// What messages call it: "a host".
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) doc: &'static str,
    /// Its keys.
    pub(crate) keys: &'static [Key],
    /// Exactly one of the keys is written; an override replaces the object as a whole.
    pub(crate) exactly_one: bool,
}

/// A key of an object.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) presence: Presence,
    /// What it means, with its unit; one or two sentences for the operator.
    pub(crate) doc: &'static str,
}

/// Whether a key must be written.
#[derive(Debug, PartialEq)]
pub(crate) enum Presence {
    /// The merged object must have it.
    Required,
    /// May be left out; the text says what then holds.
    Default(&'static str),
}

/// What stands under a key.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A single value.
    One(Scalar),
    /// Option sections: section to option to value.
    Options,
    List(&'static Kind),
    Object(&'static Object),
    /// A map from names to objects of this kind.
    Named(&'static Object),
    /// A map from host names to this.
    PerHost(&'static Kind),
    /// The first for a single value, the second for a map or list; where the second is a list, the first for
    /// anything else.
    Either(&'static Kind, &'static Kind),
}

/// Which of the two of [`Kind::Either`] a node is written as.
pub(crate) fn pick(single: &'static Kind, several: &'static Kind, node: &Node) -> &'static Kind {
    let is_single = if let Kind::List(_) = several {
        !matches!(node.kind, crate::tree::Kind::List(_))
    } else {
        node.text().is_some()
    };
    if is_single { single } else { several }
}

/// What a reference points to: a top-level map of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Host,
    Switch,
    Application,
    Script,
}

impl Target {
    /// The top-level key.
    pub(crate) fn section(self) -> &'static str {
        match self {
            Target::Host => "hosts",
            Target::Switch => "switches",
            Target::Application => "applications",
            Target::Script => "scripts",
        }
    }

    /// For messages.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Target::Host => "host",
            Target::Switch => "switch",
            Target::Application => "application",
            Target::Script => "script",
        }
    }
}

impl Object {
    /// True if the node lacks this key, but has an unknown one that looks like it: one problem, not two.
    pub(crate) fn has_misspelt(&self, node: &Node, key: &str) -> bool {
        // A file with more unknown keys than this is something else, and comparing them all takes its time.
        node.entries().iter().take(100).any(|entry| {
            self.key(&entry.key).is_none()
                && nearest(&entry.key, self.keys.iter().map(|key| key.name)) == Some(key)
        })
    }

    /// The key with this name.
    pub(crate) fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// Builds a table row; the tables read as tables this way.
pub(crate) const fn key(
    name: &'static str,
    kind: Kind,
    presence: Presence,
    doc: &'static str,
) -> Key {
    Key {
        name,
        kind,
        presence,
        doc,
    }
}
