//! Where every object and every value came from.
//!
//! Owns the record from paths such as `applications.SIP_SERVER_PRIMARY.host` to places; filled by
//! [`crate::complete`], read by [`crate::show`] and by the rules.

use crate::source::{Place, SourceText, Span};
use std::collections::BTreeMap;

/// Where something came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The place: of the value itself, or of what it was derived from.
    pub span: Span,
    /// True if it was written there under its own name.
    pub written: bool,
    /// The object it is derived from, such as `pairs.SIP_EAST`; if it is written as well, the written value
    /// replaces the derived one.
    pub derived_from: Option<String>,
}

impl Origin {
    /// For people: "line 12", "derived from pairs.SIP_EAST", or both.
    pub fn text(&self, source: &SourceText) -> String {
        let Place { line, .. } = source.place(self.span);
        match (&self.derived_from, self.written) {
            (None, _) => format!("line {line}"),
            (Some(from), false) => format!("derived from {from}"),
            (Some(from), true) => format!("line {line}, over what {from} derives"),
        }
    }
}

/// Origins by path. Option sections and option names stand in lower case in paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    pub(crate) fn insert(&mut self, path: &str, origin: Origin) {
        self.0.insert(path.to_owned(), origin);
    }

    /// The origin of exactly this path; `None` means that a default holds.
    pub fn get(&self, path: &str) -> Option<&Origin> {
        self.0.get(path)
    }

    /// The origin of the path or of the nearest object around it.
    pub fn nearest(&self, path: &str) -> Option<&Origin> {
        let mut path = path;
        loop {
            if let Some(origin) = self.0.get(path) {
                return Some(origin);
            }
            path = path.rsplit_once('.')?.0;
        }
    }

    /// All of them, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.0.iter().map(|(path, origin)| (path.as_str(), origin))
    }
}
