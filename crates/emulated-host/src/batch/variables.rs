//! Owns the variables of a script: names in any case, values kept as they were set, and what `setlocal` brings
//! back at its end.

use std::collections::BTreeMap;

/// Variables by name in upper case, with the name as it was first written.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    known: BTreeMap<String, (String, String)>,
}

impl Variables {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.known
            .get(&name.to_uppercase())
            .map(|(_, value)| value.as_str())
    }

    /// Sets a variable; an empty value removes it.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let key = name.to_uppercase();
        if value.is_empty() {
            self.known.remove(&key);
            return;
        }
        let written = match self.known.remove(&key) {
            Some((written, _)) => written,
            None => name.to_owned(),
        };
        self.known.insert(key, (written, value.to_owned()));
    }

    /// `NAME=VALUE` of all whose names begin so, in order.
    pub(super) fn listing(&self, prefix: &str) -> Vec<String> {
        let prefix = prefix.to_uppercase();
        self.known
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix))
            .map(|(_, (name, value))| format!("{name}={value}"))
            .collect()
    }
}
